package wholetest_test

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// previousCommit is the release before this one: the last whose agents write records of
// version 02, and nothing of themselves into $of:<host>.
const previousCommit = "6beeb3e75a5ad0fe536ba2a534915d14d3457b3c"

// A recorded command is what the previous release's agent leaves in one key, as a command
// that does so. Scores and times of expiry count from the push.
type recordedCommand struct {
	Command string
	Key     string
	Args    [][]byte `json:",omitempty"`
	Members []string `json:",omitempty"` // of a sorted set, with what is in Seconds
	Seconds []float64
}

const previousPush = "testdata/previous/push.json" // of the host web06: /etc/motd "red", and /etc/issue

// pushBefore pushes web06 as the previous release's agent does: red, with an issue.
func (f *honestFleet) pushBefore() {
	f.Helper()
	text, err := os.ReadFile(previousPush)
	if err != nil {
		f.Fatal(err)
	}
	var commands []recordedCommand
	if err := json.Unmarshal(text, &commands); err != nil {
		f.Fatal(err)
	}
	for _, s := range f.servers {
		now := float64(serverTime(f, s))
		for _, c := range commands {
			c.replay(s, now)
		}
	}
}

func (c recordedCommand) replay(s *redistest.Server, now float64) {
	args := []string{c.Command, c.Key}
	for _, a := range c.Args {
		args = append(args, string(a))
	}
	switch c.Command {
	case "RPUSH":
		s.Must("DEL", c.Key)
	case "ZADD":
		for i, m := range c.Members {
			args = append(args, strconv.FormatFloat(now+c.Seconds[i], 'f', -1, 64), m)
		}
	}
	s.Must(args...)
	if c.Command == "RPUSH" {
		s.Must("EXPIRE", c.Key, strconv.Itoa(int(c.Seconds[0])))
	}
}

// previousCases are of fleets of which some agents are of the previous release.
var previousCases = []honestCase{
	{name: "an older agent pushes", happens: func(f *honestFleet) { f.pushBefore() }, want: settled + `
		web06 live red issue`},
	{name: "an older agent pushes, and gc has been there", happens: func(f *honestFleet) {
		f.pushBefore()
		f.gc()
	}, want: settled + `
		web06 live red issue`},
	{name: "an older agent's host has expired", happens: func(f *honestFleet) {
		f.pushBefore()
		f.setClocks(7 * time.Hour)
		f.settle()
	}, want: settled + `
		web06 missing`},
	{name: "an older agent's host has not pushed for hours", happens: func(f *honestFleet) {
		f.pushBefore()
		f.setClocks(2 * time.Hour)
		f.settle()
	}, want: settled + `
		web06 stale red issue`},
	{name: "an older agent has pushed, and clocks are set back", happens: func(f *honestFleet) {
		f.pushBefore()
		f.setClocks(-24 * time.Hour)
	}, want: `
		web01 undated red  issue
		web02 undated blue
		web03 undated red  issue
		web04 missing
		web06 undated red  issue`},
	{name: "an agent goes on where an older one was", happens: func(f *honestFleet) {
		f.pushBefore()
		f.push("web06", "blue", false)
	}, want: settled + `
		web06 live blue`},
	{name: "an agent goes back to an older one", happens: func(f *honestFleet) {
		f.push("web06", "blue", false)
		f.pushBefore()
	}, want: settled + `
		web06 live red issue`},
	{name: "an agent went back to an older one hours ago, and was forgotten before", happens: func(f *honestFleet) {
		f.push("web06", "blue", false)
		f.setClocks(7 * time.Hour)
		f.demand(f.forget("web06", f.urls))
		f.pushBefore()
		f.settle()
	}, want: settled + `
		web06 live red issue`},
	{name: "one of the servers has an older agent's push", servers: 2, happens: func(f *honestFleet) {
		f.pushBefore()
		f.restart(f.servers[0])
	}, want: settled + `
		web06 live red issue`},
	{name: "one of the servers is down since an older agent's push", servers: 2, happens: func(f *honestFleet) {
		f.pushBefore()
		f.networks[1].Refuse()
	}, want: settled + `
		web06 live red issue`, unsure: true},
}

// A fleet is upgraded host by host, and back: what is said of hosts is true meanwhile.
func TestHonestCasesOfOlderAgents(t *testing.T) {
	testHonestCases(t, previousCases)
}

// Readers of the previous release know nothing of $push and $expires. What they go by is
// there in every push.
func TestWhatThePreviousReleaseReadsIsThere(t *testing.T) {
	t.Parallel()
	f := newHonestFleet(t, 1)
	f.push("web01", "red", true)
	s := f.servers[0]
	now := float64(serverTime(t, s))
	for key, least := range map[string]float64{"$hosts": now - 600, "$live": now + 5*3600} {
		score, err := strconv.ParseFloat(s.Must("ZSCORE", key, "web01").(string), 64)
		if err != nil || score < least || score > now+7*3600 {
			t.Errorf("%s has web01 with %v, %v; it is %v", key, score, err, now)
		}
	}
	for _, name := range []string{"/etc/motd", "/etc/issue"} {
		if s.Must("SISMEMBER", "$names", name) != int64(1) || s.Must("SISMEMBER", "$on:"+name, "web01") != int64(1) {
			t.Errorf("the index does not have %s", name)
		}
		if n := s.Must("LLEN", "web01#"+name); n != int64(5) {
			t.Errorf("%s has %v elements", name, n)
		}
	}
	if sum := element(t, s, "web01#/etc/motd", 1); sum != md5Of([]byte("red\n")) {
		t.Errorf("its MD5 sum is %s", sum)
	}
}
