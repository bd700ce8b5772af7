package directory

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// A page is docs/directories.md, taken apart. What a test is to find there is marked
// behind the language of a block: the name of a file, and of a console block when its
// commands are run.
type page struct {
	text    string
	files   map[string]string // name → text
	read    map[string]bool   // names that a test has asked for
	configs map[string]string // section → its config.yaml
	shown   map[string][]shown
	ordered []string // sections with commands
}

// A shown command is a line that begins with "$ ", and what the page says it prints:
// stdout, then stderr, where … is anything.
type shown struct {
	when    string // "", "serve": it is how the server is started, "down": that has ended
	command string
	says    []string
}

func readPage(t *testing.T) *page {
	t.Helper()
	text, err := os.ReadFile("../../docs/directories.md")
	if err != nil {
		t.Fatal(err)
	}
	p := &page{text: string(text), files: make(map[string]string), read: make(map[string]bool), configs: make(map[string]string), shown: make(map[string][]shown)}
	for _, section := range strings.Split(p.text, "\n## ")[1:] {
		name, section, _ := strings.Cut(section, "\n")
		for _, block := range regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```$").FindAllStringSubmatch(section, -1) {
			language, mark, text := block[1], block[2], block[3]
			switch _, twice := p.files[mark]; {
			case language == "console":
				p.shown[name] = append(p.shown[name], readConsole(t, mark, text)...)
			case mark == "config.yaml":
				p.configs[name] = text
			case mark == "" || twice:
				t.Errorf("section %s has a block without a name of its own:\n%s", name, text)
			default:
				p.files[mark] = text
			}
		}
		if p.shown[name] != nil {
			p.ordered = append(p.ordered, name)
		}
	}
	return p
}

func readConsole(t *testing.T, when, text string) []shown {
	t.Helper()
	var commands []shown
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
			commands = append(commands, shown{when: when, command: command})
			continue
		}
		if len(commands) == 0 {
			t.Fatalf("a console block does not begin with a command:\n%s", text)
		}
		last := &commands[len(commands)-1]
		last.says = append(last.says, line)
	}
	return commands
}

// file returns a block as it stands on the page.
func (p *page) file(t *testing.T, name string) string {
	t.Helper()
	text, ok := p.files[name]
	if !ok {
		t.Fatalf("the page has no block %s", name)
	}
	p.read[name] = true
	return text
}

// url returns the first directory that a section's commands name: its records are all
// behind that one.
func (p *page) url(section string) string {
	for _, s := range p.shown[section] {
		if _, url, ok := strings.Cut(s.command, "--directory "); ok && s.when == "" {
			return strings.Trim(url, "'")
		}
	}
	return ""
}

// A stand is where a section's records are served. Its names are pairs: what the page
// calls something, and what that is in the test.
type stand struct {
	names []string
	kill  func()
}

// pageSections say how the records of each section are served. servers are those of
// Redis in place of mps01 and so on; none: the records are served to the letter.
var pageSections = map[string]struct {
	world world // empty: nothing of its own
	serve func(t *testing.T, p *page, servers []string) stand
}{
	"file":                  {documented, pageFile},
	"range":                 {documentedRange, pageRange},
	"cmconf":                {documentedRange, pageCMConf},
	"exec":                  {documented, pageExec},
	"consul":                {documented, pageConsul},
	"dns":                   {documented, pageDNS},
	"ldap":                  {documented, pageLDAP},
	"ldaps":                 {documented, pageLDAPS},
	"Credentials":           {world{}, pageLDAP},
	"Where this machine is": {world{}, pageDNS},
	"Several servers":       {documented, pageDNS},
	"The kept copy":         {documented, pageDNS},
	"From the original":     {world{}, pageCMConf},
}

var documentedRange = world{sites: map[string]map[string][]string{
	"esv4": {
		"cf3.promises.esv4-2360-mps": {"redis://mps01.example.com:6379/0", "redis://mps02.example.com:6379/0"},
		"cf3.promises.esv4-2361-mps": {"redis://mps03.example.com:6379/0", "redis://mps04.example.com:6379/0"},
	},
	"eat1": {"cf3.promises.eat1-1160-mps": {"redis://mps05.example.com:6379/0"}},
}}

// nobody is an address that refuses connections.
const nobody = "127.0.0.1:1"

// placed replaces the names of the Redis servers by where they are.
func placed(servers []string) *strings.Replacer {
	var pairs []string
	for i, s := range servers {
		name := documentedServers[i]
		pairs = append(pairs, "rediss://"+name+":6379", "redis://"+s, name+":6379", s)
	}
	return strings.NewReplacer(pairs...)
}

var documentedServers = []string{"mps01.example.com", "mps02.example.com", "mps03.example.com", "mps04.example.com", "mps05.example.com"}

func pageFile(t *testing.T, p *page, servers []string) stand {
	path := filepath.Join(t.TempDir(), "sites.yaml")
	writeFile(t, path, placed(servers).Replace(p.file(t, "sites.yaml")))
	return stand{names: []string{"/etc/sysops/sites.yaml", path}}
}

// pageRange runs the page's own command.
func pageRange(t *testing.T, p *page, servers []string) stand {
	var pairs []string // a server of another port is listed as a literal
	for i, s := range servers {
		pairs = append(pairs, documentedServers[i], "q(redis://"+s+"/0)")
	}
	folder := t.TempDir()
	for name := range p.files {
		if strings.HasPrefix(name, "cf3.") || name == "web.yaml" {
			writeFile(t, filepath.Join(folder, name), strings.NewReplacer(pairs...).Replace(p.file(t, name)))
		}
	}
	i := slices.IndexFunc(p.shown["range"], func(s shown) bool { return s.when == "serve" })
	if i < 0 {
		t.Fatal("the page does not say how to serve cluster files")
	}
	var d *daemon
	addr := onFreePort(t, func(addr string) (ok bool) {
		line := strings.NewReplacer("/etc/range", folder, ":9999", addr).Replace(p.shown["range"][i].command)
		accepts := func() bool {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return false
			}
			conn.Close()
			return true
		}
		t.Setenv("SYSOPS_CONFIG", os.DevNull)
		d, ok = startDaemon(t, t.TempDir(), accepts, redistest.Build(t, "./cmd/sysops"), strings.Fields(line)[1:]...)
		return ok
	})
	return stand{names: []string{"range1.example.com:9999", addr, "/etc/range", folder}, kill: d.kill}
}

func pageCMConf(t *testing.T, p *page, servers []string) stand {
	s := pageRange(t, p, servers)
	addr := s.names[1]
	text := strings.NewReplacer("mps01.example.com", addr, "mps02.example.com", nobody).Replace(p.file(t, "cm.conf"))
	url := "cmconf://" + writeCMConf(t, text)
	if servers != nil { // one address has the ports of all
		_, port, err := net.SplitHostPort(servers[0])
		if err != nil {
			t.Fatal(err)
		}
		url += "?server=redis://{server}:" + port + "/1"
	}
	names := []string{"mps01.example.com:80", addr, "mps02.example.com:80", nobody, "cmconf:///", "cmconf:///", "cmconf:", url}
	return stand{names: append(names, s.names...), kill: s.kill}
}

func pageExec(t *testing.T, p *page, servers []string) stand {
	path := filepath.Join(t.TempDir(), "sysops-inventory")
	text := placed(servers).Replace(p.file(t, "sysops-inventory"))
	script(t, path, strings.TrimPrefix(text, "#!/bin/sh\n"))
	return stand{names: []string{"/usr/local/bin/sysops-inventory", path}}
}

// pageConsul answers as Consul does of services that were registered so, one a server.
func pageConsul(t *testing.T, p *page, servers []string) stand {
	datacenters := []string{}
	instances := make(map[string]any)
	for site, cores := range documented.sites {
		var list []any
		for core, urls := range cores {
			for _, url := range urls {
				own := strings.NewReplacer("esv4-2360", core, "redis://mps01.example.com:6379/1", url).Replace(p.file(t, "sysops-redis.json"))
				list = append(list, registered(t, site, placed(servers).Replace(own)))
			}
		}
		datacenters, instances[site] = append(datacenters, site), list
	}
	server := startReplica(t, consulAnswers(datacenters, instances))
	return stand{
		names: []string{"consul1.example.com", server.addr(), "consul2.example.com:8500", nobody, "consul2.example.com", nobody},
		kill:  server.stop,
	}
}

// registered returns what Consul says of a service definition
// (developer.hashicorp.com/consul/docs/reference/service) once its check has passed.
func registered(t *testing.T, site, definition string) any {
	t.Helper()
	var is struct {
		Service struct {
			ID     string              `json:"id"`
			Name   string              `json:"name"`
			Port   int                 `json:"port"`
			Meta   map[string]string   `json:"meta"`
			Checks []map[string]string `json:"checks"`
		} `json:"service"`
	}
	decoder := json.NewDecoder(strings.NewReader(definition))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&is); err != nil {
		t.Fatalf("%v:\n%s", err, definition)
	}
	var some []map[string]map[string]any
	recordedInstances(t, &some)
	i := some[0]
	i["Node"]["Datacenter"] = site
	i["Service"]["ID"], i["Service"]["Service"] = is.Service.ID, is.Service.Name
	i["Service"]["Port"], i["Service"]["Meta"] = is.Service.Port, is.Service.Meta
	return i
}

func pageDNS(t *testing.T, p *page, servers []string) stand {
	n := startNSD(t, map[string]string{"example.com": placed(servers).Replace(p.file(t, "example.com.zone"))})
	return stand{names: []string{
		"ns1.example.com:53", n.addr, "ns1.example.com", n.addr,
		"ns2.example.com:53", nobody, "ns2.example.com", nobody,
	}, kill: n.kill}
}

func pageLDAP(t *testing.T, p *page, servers []string) stand {
	return startPageSlapd(t, p, "ldap", nil, servers)
}

// pageLDAPS lets only those ask who bind.
func pageLDAPS(t *testing.T, p *page, servers []string) stand {
	return startPageSlapd(t, p, "ldaps", redistest.NewCerts(t), servers, "require authc")
}

func startPageSlapd(t *testing.T, p *page, scheme string, certs *redistest.Certs, servers []string, lines ...string) stand {
	t.Helper()
	// startSlapd takes slapd.conf from testdata. slapadd takes entries that ldapadd would
	// refuse, such as one without the attribute that names it.
	for _, name := range []string{"slapd.conf", "sysops.ldif"} {
		if got, want := p.file(t, name), withoutHead(readTestdata(t, name)); got != want {
			t.Errorf("the page's %s is not that of testdata:\n%s\nwant:\n%s", name, got, want)
		}
	}
	s := startSlapd(t, scheme, certs, placed(servers).Replace(p.file(t, "sysops.ldif")), lines...)
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "correct horse\n")
	names := []string{
		"ldap1.example.com:389", s.addr, "ldap1.example.com:636", s.addr, "ldap1.example.com", s.addr,
		"/etc/sysops/ldap-password", password,
	}
	if certs != nil {
		names = append(names, "/etc/sysops/ca.pem", certs.CAFile)
	}
	return stand{names: names, kill: s.kill}
}

// withoutHead drops the comments that a file begins with.
func withoutHead(text string) string {
	for strings.HasPrefix(text, "#") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

func TestTheRecordsOfThePageAreADirectory(t *testing.T) {
	p := readPage(t)
	for name, section := range pageSections {
		if section.world.sites == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := section.serve(t, p, nil)
			url := strings.NewReplacer(s.names...).Replace(p.url(name))
			checkWorld(t, open(t, &backend{url: url}), section.world)
		})
	}
	for name := range p.files {
		if !p.read[name] {
			t.Errorf("nobody loads the block %s", name)
		}
	}
}

func TestTheCommandsOfThePagePrintWhatItShows(t *testing.T) {
	p := readPage(t)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") {
			t.Setenv(name, "") // of whoever runs the tests
		}
	}
	servers := pushedServers(t)
	for _, name := range p.ordered {
		t.Run(name, func(t *testing.T) {
			section, ok := pageSections[name]
			if !ok {
				t.Fatal("nobody runs its commands")
			}
			runSection(t, p, name, section.serve(t, p, servers), servers)
		})
	}
}

// runSection runs the commands of a section in their order, as one user with one cache.
func runSection(t *testing.T, p *page, name string, s stand, servers []string) {
	t.Helper()
	there := strings.NewReplacer(append(s.names, placedNames(servers)...)...)
	config := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, config, there.Replace(p.configs[name]))
	env := []string{"SYSOPS_CONFIG=" + config, "XDG_CACHE_HOME=" + t.TempDir()}
	down := false
	for _, c := range p.shown[name] {
		if c.when == "serve" {
			continue
		}
		if c.when == "down" && !down {
			s.kill()
			down = true
		}
		args := pageWords(there.Replace(c.command))
		r := redistest.Run(t, redistest.Build(t, "./cmd/"+args[0]), args[1:], env)
		if failed := strings.Contains(strings.Join(c.says, ""), args[0]+": error: "); (r.ExitCode != 0) != failed {
			t.Errorf("%s\nexit status %d", c.command, r.ExitCode)
		}
		if said := r.Stdout + r.Stderr; !matchesPage(said, c.says, there) {
			t.Errorf("%s\nthe page says\n%s\nit says\n%s", c.command, strings.Join(c.says, ""), said)
		}
	}
}

// matchesPage compares words: the width of a column depends on what is in it.
func matchesPage(said string, says []string, there *strings.Replacer) bool {
	fields := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	var want []string
	for _, line := range says {
		if line = fields(line); line == "…" { // any number of lines
			want = append(want, "(?s:.*)")
			continue
		}
		want = append(want, strings.ReplaceAll(regexp.QuoteMeta(there.Replace(line)), "…", ".*"))
	}
	var got []string
	for line := range strings.Lines(said) {
		got = append(got, fields(line))
	}
	return regexp.MustCompile("^" + strings.Join(want, "\n") + "$").MatchString(strings.Join(got, "\n"))
}

// pageWords splits a command line that quotes with ' alone.
func pageWords(line string) []string {
	var out []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// placedNames is placed for what commands print.
func placedNames(servers []string) []string {
	var pairs []string
	for i, s := range servers {
		pairs = append(pairs, documentedServers[i]+":6379", s)
	}
	return pairs
}

// pushedServers are five Redis servers of three cores, to each of which a host has
// pushed, into database 0 for Range and 1 for the others. They are host:port.
func pushedServers(t *testing.T) []string {
	t.Helper()
	var servers []string
	for _, s := range redistest.Core(t, len(documentedServers)) {
		servers = append(servers, strings.TrimPrefix(s.URL(), "redis://"))
	}
	slices.Sort(servers) // what is listed in the page's order is listed so here
	agent, sysops := redistest.Build(t, "./cmd/sysops-agent"), redistest.Build(t, "./cmd/sysops")
	outgoing := t.TempDir()
	writeFile(t, filepath.Join(outgoing, "motd"), "welcome\n")
	for host, core := range map[string][]string{"web1.example.com": servers[:2], "web2.example.com": servers[2:4], "db1.example.com": servers[4:]} {
		for _, db := range []string{"/0", "/1"} {
			args := []string{"push", "--quiet", "--host", host, "--outgoing", outgoing, "--json", filepath.Join(t.TempDir(), "hw.json"), "--state", t.TempDir()}
			for _, s := range core {
				args = append(args, "--server", "redis://"+s+db)
			}
			if r := redistest.Run(t, agent, args, []string{"SYSOPS_CONFIG=" + os.DevNull}); r.ExitCode != 0 {
				t.Fatalf("%s cannot push: exit status %d\n%s%s", host, r.ExitCode, r.Stdout, r.Stderr)
			}
			args = append([]string{"gc"}, args[len(args)-2*len(core):]...)
			if r := redistest.Run(t, sysops, args, []string{"SYSOPS_CONFIG=" + os.DevNull}); r.ExitCode != 0 {
				t.Fatalf("cannot prune: exit status %d\n%s%s", r.ExitCode, r.Stdout, r.Stderr)
			}
		}
	}
	return servers
}

func TestEveryServiceIsOnThePage(t *testing.T) {
	p := readPage(t)
	for _, s := range Schemes() {
		if !strings.Contains(p.text, "\n## "+s.Name+"\n") || !strings.Contains(p.text, "`"+s.Form+"`") {
			t.Errorf("the page has no section of %s, or lacks %s", s.Name, s.Form)
		}
		if _, ok := pageSections[s.Name]; !ok || len(p.shown[s.Name]) < 3 {
			t.Errorf("the page shows %d commands of %s, want at least 3", len(p.shown[s.Name]), s.Name)
		}
		for _, name := range append(slices.Clone(s.params), "site", "core", "timeout") {
			if name = "| `" + strings.TrimSuffix(name, "*") + "` |"; s.Name != "exec" && !strings.Contains(p.text, name) {
				t.Errorf("the page lacks the parameter %s of %s", name, s.Name)
			}
		}
	}
}
