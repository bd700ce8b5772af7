package wholetest_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// An honestFleet is a core and the hosts that push to it. Nobody in it means harm.
type honestFleet struct {
	*testing.T
	servers []*redistest.Server
	urls    []string // by which they are reached

	networks []*redistest.Proxy // before the servers, for whoever goes by urls
	home     string             // of the reader, where what it remembers of the core lies
	config   string
}

// The hosts of an honestFleet in the beginning, as a settled fleet has them.
const settled = `
	web01 live    red  issue
	web02 live    blue
	web03 stale   red  issue
	web04 missing red  issue`

func newHonestFleet(t *testing.T, servers int) *honestFleet {
	t.Helper()
	return honestFleetOf(t, redistest.Core(t, servers))
}

func honestFleetOf(t *testing.T, servers []*redistest.Server) *honestFleet {
	t.Helper()
	f := &honestFleet{T: t, servers: servers, home: t.TempDir()}
	f.config = filepath.Join(f.home, "config.yaml")
	if err := os.WriteFile(f.config, []byte("redis: {timeout: 5m}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, s := range f.servers {
		p := redistest.NewProxy(t, s.Addr())
		f.networks, f.urls = append(f.networks, p), append(f.urls, p.URL())
	}
	return f
}

// settle fills the fleet with the hosts of settled.
func (f *honestFleet) settle() {
	f.Helper()
	for _, h := range standingsOf(f, settled) {
		f.push(h.host, h.motd, h.issue)
	}
	for _, s := range f.servers {
		aged(f, s, "$hosts", "web03", 2*time.Hour)
		aged(f, s, "$hosts", "web04", 8*time.Hour)
		aged(f, s, "$live", "web04", 2*time.Hour)
		s.Must("DEL", "web04#/etc/motd", "web04#/etc/issue") // Redis has, too
	}
}

// all is a client that knows all servers of the core.
func (f *honestFleet) all() *sysops.Client {
	f.Helper()
	return connect(f, redistest.URLs(f.servers)...)
}

// push publishes a host with these contents to all servers.
func (f *honestFleet) push(host, motd string, issue bool) {
	f.Helper()
	f.pushTo(f.all(), host, motd, issue)
}

func (f *honestFleet) pushTo(c *sysops.Client, host, motd string, issue bool) {
	f.Helper()
	var sources []snapshot.Source
	if motd != "" {
		sources = append(sources, text("/etc/motd", motd+"\n"))
	}
	if issue {
		sources = append(sources, text("/etc/issue", "Debian\n"))
	}
	publish(f, c, snapshotOf(host, sources...))
}

// restart has servers come back empty.
func (f *honestFleet) restart(servers ...*redistest.Server) {
	f.Helper()
	for _, s := range servers {
		s.Restart()
	}
}

// setClocks is setClock for all servers.
func (f *honestFleet) setClocks(ahead time.Duration) {
	f.Helper()
	for _, s := range f.servers {
		f.setClock(s, ahead)
	}
}

func (f *honestFleet) demand(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *honestFleet) refuse(err error) {
	f.Helper()
	if err == nil {
		f.Fatal("a server was down, and nobody was told")
	}
}

// redByPython is "red\n" as the original's inserter packs it.
const redByPython = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x08\xc0\xf3\xf4\x00\x00\x01\xc1\x80\x00\x10\x06\x00\x10\x00\x20\x00\x21\x9a\x68\x33\x4d\x0c\xbc\x5d\xc9\x14\xe1\x42\x40\x23\x03\xcf\xd0"

// insert writes an object that holds "red" as the original's inserter does, without an index.
func (f *honestFleet) insert(s *redistest.Server, host, name string) {
	f.Helper()
	sum := md5.Sum([]byte("red\n"))
	s.Must("RPUSH", host+"#"+name, redByPython, hex.EncodeToString(sum[:]), "null", "{}", "1389225700.25")
	s.Must("EXPIRE", host+"#"+name, "21600")
}

// adopt is sysops index.
func (f *honestFleet) adopt(urls ...string) {
	f.Helper()
	if _, err := connect(f, urls...).Adopt(f.Context(), sysops.Where{}); err != nil {
		f.Fatal(err)
	}
}

// forget is sysops hosts forget, by whoever reaches the servers by these URLs.
func (f *honestFleet) forget(host string, urls []string) error {
	f.Helper()
	_, _, err := connect(f, urls...).Forget(f.Context(), sysops.Where{Hosts: hostSet(f, host)})
	return err
}

// leave is sysops-agent leave.
func (f *honestFleet) leave(host string, urls []string) error {
	f.Helper()
	_, err := connect(f, urls...).Leave(f.Context(), "", host)
	return err
}

// gc is what the administrator's timer does.
func (f *honestFleet) gc() {
	f.Helper()
	if _, err := f.all().GC(f.Context(), sysops.Where{}, 7*24*time.Hour); err != nil {
		f.Fatal(err)
	}
}

// setClock has the clock of a server go on from another time: all that it has written by it
// is then this much earlier or, where its clock was set back, later.
func (f *honestFleet) setClock(s *redistest.Server, ahead time.Duration) {
	f.Helper()
	seconds := strconv.Itoa(-int(ahead.Seconds()))
	for _, key := range []string{"$hosts", "$live"} {
		for _, host := range s.Must("ZRANGE", key, "0", "-1").([]any) {
			s.Must("ZINCRBY", key, seconds, host.(string))
		}
	}
	for _, key := range s.Must("KEYS", "$of:*").([]any) {
		for _, field := range []string{"$push", "$expires", "$left"} {
			if s.Must("HEXISTS", key.(string), field) == int64(1) {
				at, err := strconv.ParseFloat(s.Must("HGET", key.(string), field).(string), 64)
				if err != nil {
					f.Fatal(err)
				}
				s.Must("HSET", key.(string), field, strconv.FormatFloat(at-ahead.Seconds(), 'f', -1, 64))
			}
		}
	}
	for _, key := range s.Must("KEYS", "*#*").([]any) {
		ttl := s.Must("PTTL", key.(string)).(int64)
		s.Must("PEXPIRE", key.(string), strconv.FormatInt(ttl-ahead.Milliseconds(), 10))
	}
}

// A standing is what is true of a host.
type standing struct {
	host, state string
	motd        string // what is in its /etc/motd; empty: it has none
	issue       bool   // it has an /etc/issue
}

// standingsOf reads lines of the form of settled.
func standingsOf(t testing.TB, table string) []standing {
	t.Helper()
	var out []standing
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		h := standing{host: words[0], state: words[1]}
		for _, w := range words[2:] {
			if w == "issue" {
				h.issue = true
			} else {
				h.motd = w
			}
		}
		out = append(out, h)
	}
	return out
}

// here reports whether the host's objects are there. It is undated where they are, and nobody
// knows since when.
func (h standing) here() bool { return h.state == "live" || h.state == "stale" || h.state == "undated" }

// An honestAnswer is what a command prints and how it ends.
type honestAnswer struct {
	rows                                         []string
	lacking, missing, stale, undated, unverified []string
	status                                       int
	errors                                       string // on stderr; not compared
}

func (a honestAnswer) String() string {
	return fmt.Sprintf("status %d, rows %q, lacking %q, missing %q, stale %q, undated %q, unverified %q", a.status, a.rows, a.lacking, a.missing, a.stale, a.undated, a.unverified)
}

// A question is a command line, and what it is to answer.
type honestQuestion struct {
	args    []string
	row     func(standing) string // that it prints of a host; empty: none
	rows    func([]standing) []string
	lacks   func(standing) bool // whether it names the host as lacking
	younger bool                // it leaves out hosts that are not known to be young
	typo    func(standing) bool // where this is true of no host, the name is taken for a typing mistake: status 2
}

var (
	noMotd  = func(h standing) bool { return h.motd == "" }
	noIssue = func(h standing) bool { return !h.issue }

	hasMotd  = func(h standing) bool { return h.here() && h.motd != "" }
	hasIssue = func(h standing) bool { return h.here() && h.issue }
)

// without returns the rows of hosts that are here and not as they should be.
func without(missing func(standing) bool, good func(standing) bool) func(standing) string {
	return func(h standing) string {
		switch {
		case h.state == "missing":
			return h.host + " missing"
		case !h.here():
			return ""
		case missing(h):
			return h.host + " no object"
		case !good(h):
			return h.host + " no line"
		}
		return ""
	}
}

func ifHere(row func(standing) string) func(standing) string {
	return func(h standing) string {
		if !h.here() {
			return ""
		}
		return row(h)
	}
}

func when(is func(standing) bool, row func(standing) string) func(standing) string {
	return ifHere(func(h standing) string {
		if !is(h) {
			return ""
		}
		return row(h)
	})
}

// honestQuestions are one of each way to ask.
func honestQuestions() []honestQuestion {
	red := func(h standing) bool { return h.motd == "red" }
	other := func(h standing) bool { return h.motd != "" && h.motd != "red" }
	line := func(h standing) string { return h.host + " " + h.motd }
	young := func(h standing) bool { return h.state == "live" }
	count := func(all []standing) []string {
		motds, issues := 0, 0
		for _, h := range all {
			if h.here() && h.motd != "" {
				motds++
			}
			if h.here() && h.issue {
				issues++
			}
		}
		var rows []string
		for _, n := range []struct {
			name string
			n    int
		}{{"/etc/issue", issues}, {"/etc/motd", motds}} {
			if n.n > 0 {
				rows = append(rows, fmt.Sprint(n.name, " ", n.n))
			}
		}
		return rows
	}
	return []honestQuestion{
		{args: []string{"grep", "red", "/etc/motd"}, row: when(red, line), lacks: noMotd},
		{args: []string{"grep", "-v", "red", "/etc/motd"}, row: when(other, line), lacks: noMotd},
		{args: []string{"grep", "-L", "red", "/etc/motd"}, row: without(noMotd, red), lacks: noMotd, typo: hasMotd},
		{args: []string{"grep", "--lacks", ".", "/etc/issue"}, row: without(noIssue, func(standing) bool { return true }), lacks: noIssue, typo: hasIssue},
		{args: []string{"find", "*#/etc/issue"}, row: when(func(h standing) bool { return h.issue }, func(h standing) string { return h.host + " /etc/issue" })},
		{args: []string{"ls"}, rows: count},
		{args: []string{"md5sum", "/etc/motd"}, row: when(func(h standing) bool { return h.motd != "" }, func(h standing) string {
			sum := md5.Sum([]byte(h.motd + "\n"))
			return h.host + " " + hex.EncodeToString(sum[:])
		}), lacks: noMotd},
		{args: []string{"grep", "red", "/etc/motd", "--max-age", "30m"}, row: when(func(h standing) bool { return young(h) && red(h) }, line), lacks: noMotd, younger: true},
		{args: []string{"hosts"}, row: func(h standing) string {
			if h.state == "unverified" {
				return ""
			}
			return h.host + " " + h.state
		}},
		{args: []string{"hosts", "--missing"}, row: func(h standing) string {
			if h.state == "missing" {
				return h.host + " missing"
			}
			return ""
		}},
	}
}

// answer is what the question is to answer where this is true.
func (q honestQuestion) answer(all []standing) honestAnswer {
	if q.typo != nil && !slices.ContainsFunc(all, q.typo) {
		return honestAnswer{status: 2}
	}
	var a honestAnswer
	for _, h := range all {
		switch {
		case h.state == "missing":
			a.missing = append(a.missing, h.host)
		case h.state == "stale", h.state == "undated" && q.younger:
			a.stale = append(a.stale, h.host)
		case h.state == "unverified":
			a.unverified = append(a.unverified, h.host)
		}
		if h.state == "undated" {
			a.undated = append(a.undated, h.host)
		}
		if h.here() && q.lacks != nil && q.lacks(h) && (!q.younger || h.state == "live") {
			a.lacking = append(a.lacking, h.host)
		}
		if q.row != nil {
			if row := q.row(h); row != "" {
				a.rows = append(a.rows, row)
			}
		}
	}
	if q.rows != nil {
		a.rows = q.rows(all)
	}
	switch {
	case len(a.unverified) > 0, allExpired(all):
		a.status = 3
	case len(a.rows) == 0:
		a.status = 1
	}
	return a
}

// allExpired reports whether a core that has hosts has none that is live.
func allExpired(all []standing) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, standing.here)
}

// ask runs the command.
func (f *honestFleet) ask(program string, args []string) honestAnswer {
	f.Helper()
	args = slices.Concat(args, []string{"--format", "json"})
	for _, u := range f.urls {
		args = append(args, "--server", u)
	}
	run := redistest.Run(f, program, args, []string{"HOME=" + f.home, "XDG_CACHE_HOME=" + f.home, "XDG_CONFIG_HOME=" + f.home, "SYSOPS_CONFIG=" + f.config})
	a := honestAnswer{status: run.ExitCode, errors: run.Stderr}
	if run.Stdout == "" {
		return a
	}
	var said struct {
		Results []struct {
			Host, Name, Line, Lacks, State, MD5Sum string
			Hosts                                  int
		}
		Completeness sysops.Completeness
	}
	if err := json.Unmarshal([]byte(run.Stdout), &said); err != nil {
		f.Fatalf("%s: %v in %s", args, err, run.Stdout)
	}
	for _, r := range said.Results {
		switch {
		case r.Host == "":
			a.rows = append(a.rows, fmt.Sprint(r.Name, " ", r.Hosts))
		case r.Line+r.Lacks+r.State+r.MD5Sum != "":
			a.rows = append(a.rows, r.Host+" "+r.Line+r.Lacks+r.State+r.MD5Sum)
		default:
			a.rows = append(a.rows, r.Host+" "+r.Name)
		}
	}
	c := said.Completeness
	a.lacking, a.missing, a.stale, a.undated, a.unverified = c.Lacking, c.Missing, c.Stale, c.Undated, c.Unverified
	return a
}
