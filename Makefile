# make test    installs what the tests need where it may, and runs them all
# make contrib-test  runs what of contrib/ Ansible, Puppet and Salt would; installs the former two where it may
# make previous-test  runs the release before this one, out of the history, beside this one
# make faults  has every fault of docs/reliability.md strike before each piece of every operation: 10 minutes;
#              with UPDATE=1 in the environment it writes down what came of them
# make servers runs what is asked and done of a server, and a sample of the faults, on other releases of Redis and
#              Valkey, which it fetches from Debian's archive into a folder, and does not install
# make gitleaks-test  has gitleaks, built at a fixed version, look through what is sent of planted secrets
# make lint    gofumpt, go vet, staticcheck, and the structure: what imports what, and how large it is
# make race    the race detector over what is concurrent
# make bench   the benchmarks, and whole fleets beside ripgrep; results in bench/results
# make day     a fleet's day: pushes, operators, an outage of all servers, and the herd after it; bench/results/day.txt
# make vuln    what is known of the modules' holes, where vuln.go.dev can be reached
# make fuzz    every fuzz test for FUZZTIME each, and the tests that compare random cases with CASES times as many
# make build   the two commands, static, in bin/
# make package the two commands as .deb and .rpm, for amd64 and arm64, in dist/
# make package-test  installs, uses, upgrades and removes them in a machine of its own; as root
#
# How many random cases a test compares is a number, never a time: RANDOM_CASES=20 in the environment of any of
# these, or of go test, makes it 20 times as many. No test passes or fails by how quick the machine is, so the
# limits of go test are there only to end what hangs.

GOFUMPT     = mvdan.cc/gofumpt@v0.12.0
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Later ones need a module that the module proxy does not serve.
NFPM        = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
FUZZTIME    = 60s
CASES       = 50
TESTTIMEOUT = 30m

.PHONY: test contrib-test previous-test faults servers gitleaks-test lint race bench day fuzz vuln build package package-test deps

# Without cgo, as the released commands are built: what the tests build of them is then compiled already. Four tests of
# a package at a time, and of three packages, because many of them wait; and first of all those that take longest.
# What tests keep of servers' answers has the collector take half of their time, so it is told to come less often.
test: deps
	GOGC=300 CGO_ENABLED=0 go test -p 3 -parallel 4 -timeout $(TESTTIMEOUT) ./wholetest ./cmd/sysops ./cmd/sysops-agent ./...

# Apart from make test, because it needs more programs: 70 MB of them on Debian.
contrib-test:
	@sh scripts/test-deps.sh contrib
	go test -timeout $(TESTTIMEOUT) -tags contrib -run 'Ansible|Puppet|Salt' ./contrib

# Apart from make test, because it needs the history, and builds another tree.
previous-test:
	CGO_ENABLED=0 go test -timeout $(TESTTIMEOUT) -tags previous -run Previous ./wholetest

# Apart from make test, because it takes so long: much of it is waiting for what hangs.
faults: deps
	EVERY_INDEX=1 CGO_ENABLED=0 go test -timeout 60m -count 1 -parallel 12 -run 'FaultsInTheMidst' ./wholetest
	CGO_ENABLED=0 go test -timeout $(TESTTIMEOUT) -count 1 -run 'TheTableOfFaults|TheAgentsDisk|NoDirectory|CutAnywhere|InMidPush|NearlyFull|ALostKey' ./wholetest

# Apart from make test, because it needs Debian's archive.
servers:
	@sh scripts/servers.sh $${SERVERS_FOLDER:-/tmp/sysops-servers} env CGO_ENABLED=0 go test -timeout $(TESTTIMEOUT) -count 1 \
		-run 'EveryWayToReach|WhereSentinelsLead|InfoNames|InfoSaysWhat|FaultsInTheMidst|NearlyFull|AServerThatFailsInMidPush' ./wholetest

# Apart from make test, because it builds another program of 60 modules.
gitleaks-test:
	go test -timeout $(TESTTIMEOUT) -tags gitleaks -run Gitleaks ./internal/redact

deps:
	@sh scripts/test-deps.sh

lint:
	@files=$$(go run $(GOFUMPT) -l .); if [ -n "$$files" ]; then echo "not formatted with gofumpt: $$files"; exit 1; fi
	go vet -tags contrib,previous,gitleaks ./...
	go run $(STATICCHECK) -tags contrib,previous,gitleaks ./...
	go run ./scripts/structure

# What measures a reader's memory, or how a search grows, says nothing under the detector, which takes ten times as
# much. What parses, makes synthetic hosts, or runs the tests' servers, has no work of ours side by side. Faults at
# every offset run the same lines hundreds of times, and scripts run a process a line. Of the API's tests, those are
# run in which several things happen at once; of cmd/sysops, those of verbs that have work of their own side by side.
NORACE = TestScript|TestTheCommandsOfThePage.*|TestAReaderOfHostile.*|TestASearchTakesTimeInProportionToTheText|TestEachAgainstALineByLineLoop|TestNeedlesDismiss.*|TestNoCaseOfACharacter.*|TestWordAgainstItsDefinition|TestAFolderThatIsDamaged|TestAPushCutAnywhere.*|TestAPushWithBasesCutAnywhere.*|TestAConnectionCutAnywhere.*|TestNoBlindRace.*
ATONCE = Race|Beside|During|Slow|Late|Sibling|Hang|Hung|Survives|Down|Context|Once|Meanwhile|EveryWay|Server|Closed|Concurrent

race: deps
	go test -race -timeout 60m -skip '^($(NORACE))$$' \
		$$(go list ./... | grep -vE '/(bench|contrib|packaging|scripts|wholetest|internal/(fleetsim|naming|parse|rangeexpr|redistest)|cmd/sysops)(/|$$)')
	go test -race -timeout 60m -skip '^($(NORACE))$$' -run '$(ATONCE)' ./wholetest
	go test -race -timeout 60m -run 'Demo|Simulate|ServeRange|Watch|Terminal' ./cmd/sysops

bench: deps
	go test -run '^$$' -bench . -benchtime 5x -timeout 30m ./bench
	go run ./bench/fleet -save

# About eight minutes.
day: deps
	go run ./bench/day -save bench/results/day.txt

fuzz: deps
	RANDOM_CASES=$(CASES) go test -timeout 0 $$(grep -rl --include='*_test.go' 'redistest\.Cases(' . | xargs -n 1 dirname | sort -u)
	@for pkg in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

# The result is kept with its date, unless the database cannot be reached.
vuln:
	@new=$$(mktemp); go run $(GOVULNCHECK) ./... > $$new 2>&1; code=$$?; cat $$new; \
	if ! grep -q 'fetching vulnerabilities' $$new; then { date -u +%F; cat $$new; } > bench/results/vuln.txt; fi; \
	rm $$new; exit $$code

build:
	CGO_ENABLED=0 go build -buildvcs=auto -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

package:
	@sh packaging/build.sh 'go run $(NFPM)'

package-test:
	@sh scripts/test-deps.sh package
	go vet -tags packagetest ./packaging
	NFPM='go run $(NFPM)' go test -tags packagetest -count 1 -timeout $(TESTTIMEOUT) ./packaging
