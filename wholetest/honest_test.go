package wholetest_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// An honestCase is what happens to a fleet without anybody's ill will, and what is true of
// its hosts afterwards.
type honestCase struct {
	name    string
	empty   bool // it begins before anybody has pushed
	servers int  // of the core; 0: of one, and of two
	happens func(f *honestFleet)

	// What is true, in the form of settled. gap: that nobody can tell: status 2, and
	// nothing on stdout.
	want string
	// unsure: where neither gc has been there nor the reader has asked before, nobody knows
	// whether that is all: status 3.
	unsure     bool
	forgotten  bool   // nor does anybody where gc has been there before: a server has forgotten it
	remembered string // what is true for a reader who has asked before; empty: want
	both       string // and gc had been there then; empty: remembered
}

const gap = "gap"

// knowledge is who knows the core before something happens to it.
type knowledge struct{ gc, asked bool }

func (k knowledge) String() string {
	return map[knowledge]string{
		{}: "nobody knows the core", {gc: true}: "gc has been there", {asked: true}: "the reader has asked before",
		{true, true}: "gc has been there and the reader has asked since",
	}[k]
}

var honestCases = []honestCase{
	{name: "a settled fleet", happens: func(*honestFleet) {}, want: settled},
	{name: "nobody has pushed", empty: true, happens: func(*honestFleet) {}, want: gap},
	{name: "the first push of the first host", empty: true, happens: func(f *honestFleet) { f.push("web01", "red", true) }, want: `
		web01 live red issue`},
	{name: "the first push of another host", happens: func(f *honestFleet) { f.push("web09", "red", false) }, want: settled + `
		web09 live red`},
	{name: "a push with other objects", happens: func(f *honestFleet) { f.push("web01", "blue", false) }, want: `
		web01 live    blue
		web02 live    blue
		web03 stale   red  issue
		web04 missing`},
	{name: "a host is back", happens: func(f *honestFleet) { f.push("web04", "red", false) }, want: `
		web01 live    red  issue
		web02 live    blue
		web03 stale   red  issue
		web04 live    red`},

	{name: "all servers restarted empty", happens: func(f *honestFleet) { f.restart(f.servers...) }, want: gap},
	{name: "all servers restarted empty, and all hosts have pushed", happens: func(f *honestFleet) {
		f.restart(f.servers...)
		f.settle()
	}, want: settled},
	{name: "all servers restarted empty, and some hosts have pushed", happens: func(f *honestFleet) {
		f.restart(f.servers...)
		f.push("web02", "blue", false)
	}, want: `
		web02 live blue`, both: gap},
	{name: "one of the servers restarted empty", servers: 2, happens: func(f *honestFleet) { f.restart(f.servers[0]) }, want: settled},
	{name: "one of the servers restarted empty, and some hosts have pushed", servers: 2, happens: func(f *honestFleet) {
		f.restart(f.servers[0])
		f.push("web02", "blue", false)
		f.push("web09", "red", false)
	}, want: settled + `
		web09 live red`},
	{name: "one of the servers restarted empty, and its whole sibling is slow", servers: 2, happens: func(f *honestFleet) {
		f.restart(f.servers[0])
		f.networks[1].Delay(70 * time.Millisecond)
	}, want: settled},
	{name: "one of the servers has some hosts, and its whole sibling is slow", servers: 2, happens: func(f *honestFleet) {
		f.restart(f.servers[0])
		f.push("web02", "blue", false)
		f.networks[1].Delay(70 * time.Millisecond)
	}, want: settled},
	{name: "one of the servers restarted empty, and its whole sibling is down", servers: 2, happens: func(f *honestFleet) {
		f.restart(f.servers[0])
		f.networks[1].Refuse()
	}, want: gap},
	{name: "one of the servers has some hosts, and its whole sibling is down", servers: 2, happens: func(f *honestFleet) {
		f.restart(f.servers[0])
		f.push("web02", "blue", false)
		f.networks[1].Refuse()
	}, want: `
		web02 live blue`, unsure: true, forgotten: true, remembered: gap},
	{name: "one of the servers has missed pushes", servers: 2, happens: func(f *honestFleet) {
		f.pushTo(connect(f, f.servers[1].URL()), "web01", "blue", true)
		f.pushTo(connect(f, f.servers[1].URL()), "web09", "red", false)
	}, want: `
		web01 live    blue issue
		web02 live    blue
		web03 stale   red  issue
		web04 missing
		web09 live    red`},
	{name: "one of the servers is down", servers: 2, happens: func(f *honestFleet) { f.networks[1].Refuse() }, want: settled, unsure: true},

	{name: "the original's hosts are adopted", happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/motd")
		}
		f.adopt(f.urls...)
	}, want: settled + `
		web05 live red`},
	{name: "the original's hosts are adopted, and gc has been there", happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/motd")
		}
		f.adopt(f.urls...)
		f.gc()
	}, want: settled + `
		web05 live red`},
	{name: "one of the servers has adopted the original's hosts", servers: 2, happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/motd")
		}
		f.adopt(f.servers[1].URL())
	}, want: settled + `
		web05 live red`},
	{name: "of the original's hosts some objects are adopted", happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/motd")
		}
		f.adopt(f.urls...)
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/issue") // legacy: always would find it
		}
	}, want: settled + `
		web05 live red`},
	{name: "an adopted host pushes", happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/issue")
		}
		f.adopt(f.urls...)
		f.push("web05", "red", false)
	}, want: settled + `
		web05 live red`},
	{name: "an adopted host has expired", happens: func(f *honestFleet) {
		for _, s := range f.servers {
			f.insert(s, "web05", "/etc/motd")
		}
		f.adopt(f.urls...)
		for _, s := range f.servers {
			f.setClock(s, 7*time.Hour)
		}
		f.settle()
	}, want: settled + `
		web05 missing`},

	{name: "a host is forgotten", happens: func(f *honestFleet) { f.demand(f.forget("web02", f.urls)) }, want: `
		web01 live    red  issue
		web03 stale   red  issue
		web04 missing`},
	{name: "a host is forgotten while a server is down, which is back", servers: 2, happens: func(f *honestFleet) {
		p := f.networks[1]
		p.Refuse()
		f.refuse(f.forget("web02", f.urls))
		p.Resume()
	}, want: settled},
	{name: "a host that was forgotten pushes", happens: func(f *honestFleet) {
		f.demand(f.forget("web02", f.urls))
		f.push("web02", "blue", false)
	}, want: settled},

	{name: "a host leaves", happens: func(f *honestFleet) { f.demand(f.leave("web02", f.urls)) }, want: `
		web01 live    red  issue
		web03 stale   red  issue
		web04 missing`},
	{name: "a host leaves while a server is down", servers: 2, happens: func(f *honestFleet) {
		f.networks[1].Refuse()
		f.refuse(f.leave("web02", f.urls))
	}, want: `
		web01 live    red  issue
		web03 stale   red  issue
		web04 missing`, unsure: true},
	{name: "a host leaves while a server is down, which is back", servers: 2, happens: func(f *honestFleet) {
		p := f.networks[1]
		p.Refuse()
		f.refuse(f.leave("web02", f.urls))
		p.Resume()
	}, want: `
		web01 live    red  issue
		web03 stale   red  issue
		web04 missing`},
	{name: "a host that has left pushes", happens: func(f *honestFleet) {
		f.demand(f.leave("web02", f.urls))
		f.push("web02", "blue", false)
	}, want: settled},
	{name: "a host that has left while a server was down pushes", servers: 2, happens: func(f *honestFleet) {
		p := f.networks[1]
		p.Refuse()
		f.refuse(f.leave("web02", f.urls))
		p.Resume()
		f.push("web02", "blue", false)
	}, want: settled},
	{name: "a host that has left, and that gc has removed, pushes", happens: func(f *honestFleet) {
		f.demand(f.leave("web02", f.urls))
		f.gc()
		f.push("web02", "blue", false)
	}, want: settled},

	{name: "clocks are set back by seconds", happens: func(f *honestFleet) { f.setClocks(-20 * time.Second) }, want: settled},
	{name: "clocks are set back by minutes", happens: func(f *honestFleet) { f.setClocks(-10 * time.Minute) }, want: `
		web01 undated red  issue
		web02 undated blue
		web03 stale   red  issue
		web04 missing`},
	{name: "clocks are set back by a day", happens: func(f *honestFleet) { f.setClocks(-24 * time.Hour) }, want: `
		web01 undated red  issue
		web02 undated blue
		web03 undated red  issue
		web04 missing`},
	{name: "clocks are set back by a day, and hosts have pushed", happens: func(f *honestFleet) {
		f.setClocks(-24 * time.Hour)
		f.settle()
	}, want: settled},
	{name: "clocks are set forward by hours", happens: func(f *honestFleet) { f.setClocks(2 * time.Hour) }, want: `
		web01 stale red  issue
		web02 stale blue
		web03 stale red  issue
		web04 missing`},
	{name: "clocks are set forward by a day", happens: func(f *honestFleet) { f.setClocks(24 * time.Hour) }, want: `
		web01 missing
		web02 missing
		web03 missing
		web04 missing`},
	{name: "clocks are set forward by a day, and hosts have pushed", happens: func(f *honestFleet) {
		f.setClocks(24 * time.Hour)
		f.settle()
	}, want: settled},
	{name: "one of the clocks is set back", servers: 2, happens: func(f *honestFleet) { f.setClock(f.servers[0], -24*time.Hour) }, want: settled},
	{name: "one of the clocks is set forward", servers: 2, happens: func(f *honestFleet) { f.setClock(f.servers[0], 2*time.Hour) }, want: settled},
	{name: "one of the clocks is set forward by a day", servers: 2, happens: func(f *honestFleet) { f.setClock(f.servers[0], 24*time.Hour) }, want: settled},
}

// What is said of hosts is true whatever happens to a fleet without ill will: on one server
// and on two, whether or not gc has ever been there, and whether or not the reader remembers
// the core.
func TestHonestCases(t *testing.T) { testHonestCases(t, honestCases) }

func testHonestCases(t *testing.T, cases []honestCase) {
	t.Helper()
	program := redistest.Build(t, "./cmd/sysops")
	for _, c := range cases {
		for _, servers := range []int{1, 2} {
			if c.servers != 0 && c.servers != servers {
				continue
			}
			for _, known := range []knowledge{{}, {gc: true}, {asked: true}, {true, true}} {
				t.Run(fmt.Sprintf("%s/%d servers/%v", c.name, servers, known), func(t *testing.T) {
					t.Parallel()
					f := newHonestFleet(t, servers)
					if !c.empty {
						f.settle()
					}
					if known.gc {
						f.gc()
					}
					if known.asked {
						f.ask(program, []string{"hosts"})
					}
					c.happens(f)
					want, unsure := c.want, c.unsure && !known.asked && (!known.gc || c.forgotten)
					if known.asked {
						want = cmp.Or(c.remembered, want)
					}
					if known.asked && known.gc {
						want = cmp.Or(c.both, want)
					}
					f.checkAnswers(program, want, unsure)
				})
			}
		}
	}
}

// checkAnswers asks all questions, and compares what is said with what is true.
func (f *honestFleet) checkAnswers(program string, hosts string, unsure bool) {
	f.Helper()
	f.checkAnswersTo(program, honestQuestions(), hosts, unsure)
}

// checkAnswersTo asks these questions.
func (f *honestFleet) checkAnswersTo(program string, questions []honestQuestion, hosts string, unsure bool) {
	f.Helper()
	standings := []standing(nil)
	if hosts != gap {
		standings = standingsOf(f, hosts)
	}
	for _, q := range questions {
		want := q.answer(standings)
		switch {
		case hosts == gap:
			want = honestAnswer{status: 2}
		case unsure && want.status != 2:
			want.status = 3
		}
		var got honestAnswer
		for range 20 { // on a busy machine a server may be late
			if got = f.ask(program, q.args); !strings.Contains(got.errors, "did not answer in") {
				break
			}
		}
		slices.Sort(got.rows)
		if got.String() != want.String() {
			f.Errorf("sysops %s:\n%v; want\n%v\n%s", strings.Join(q.args, " "), got, want, got.errors)
		}
	}
}
