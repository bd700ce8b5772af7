package wholetest_test

// What becomes of bases where an ACL does not permit a host, or a reader, to use them.

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What a host may do besides reading and writing its objects and the index. Redis has
// no rule that takes a key away, so the keys that are left are listed.
var baseRules = []struct{ name, rules string }{
	{"bases may not be written", "~$[^b]* ~[^$]* &* +@all (+@all -set ~$base:*) (+@all ~$bases:*)"},
	{"nothing of bases is permitted", "~$[^b]* ~[^$]* &* +@all"},
	{"bases may be read", "~$[^b]* ~[^$]* &* +@all (+@read ~$base*)"},
	{"bases may be read and claimed", "~$[^b]* ~[^$]* &* +@all (+@read ~$base:*) (+@all ~$bases:*)"},
	{"bases may be written and not renewed", "~$[^b]* ~[^$]* &* +@all (+@all -pexpire ~$base:*) (+@all ~$bases:*)"},
	{"bases may be written and not read", "~$[^b]* ~[^$]* &* +@all (+@write ~$base*)"},
	{"bases may be written and not claimed", "~$[^b]* ~[^$]* &* +@all (+@all ~$base:*) (+@read ~$bases:*)"},
	{"the lists of bases are forbidden", "~$[^b]* ~[^$]* &* +@all (+@all ~$base:*)"},
	{"claims may not be taken back", "~$[^b]* ~[^$]* &* +@all (+@all ~$base:*) (+@all -zrem ~$bases:*)"},
}

// A baseFleet is hosts that push to servers as the user "host", whose rights are the
// test's concern; each keeps its bases on disk, and each push is a process's only one.
type baseFleet struct {
	t       *testing.T
	servers []*redistest.Server
	folders string
	hosts   []string
	version int
}

func newBaseFleet(t *testing.T, servers ...*redistest.Server) *baseFleet {
	f := &baseFleet{t: t, servers: servers, folders: t.TempDir()}
	for n := range 5 {
		f.hosts = append(f.hosts, fmt.Sprintf("web%02d", n))
	}
	return f
}

const openRules = "~* &* +@all"

func hostUser(rules string) redistest.Option {
	return redistest.Config("user host on nopass " + rules)
}

// permit changes the rights of the hosts on a server.
func (f *baseFleet) permit(s *redistest.Server, rules string) {
	f.t.Helper()
	words := []string{"ACL", "SETUSER", "host", "reset", "on", "nopass"}
	depth, word := 0, ""
	for _, w := range strings.Fields(rules) { // what is in brackets is one word
		depth += strings.Count(w, "(") - strings.Count(w, ")")
		if word += " " + w; depth == 0 {
			words = append(words, strings.TrimSpace(word))
			word = ""
		}
	}
	s.Must(words...)
}

// texts are the objects of a host: one that all hosts have nearly the same, one that
// is its own, one too small for a base.
func (f *baseFleet) texts(host int) map[string]string {
	shared, own := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(uint64(host), uint64(f.version)))
	var settings, state strings.Builder
	for i := range 150 {
		value := shared.Uint64()
		if own.IntN(15) == 0 {
			value = own.Uint64()
		}
		fmt.Fprintf(&settings, "net.setting.%d = %x\n", i, value)
		fmt.Fprintf(&state, "%x\n", own.Uint64())
	}
	return map[string]string{"/sysctl": settings.String(), "/state": state.String(), "/version": fmt.Sprint(f.version)}
}

// push pushes every host in turn and returns what each server's part of it was.
func (f *baseFleet) push(when string) map[string][]snapshot.ServerReport {
	f.t.Helper()
	out := make(map[string][]snapshot.ServerReport)
	for n, host := range f.hosts {
		c := connectTo(f.t, sysops.ServerList(redistest.URLs(f.servers)...),
			sysops.Options{User: "host", Password: "any", BasesFolder: filepath.Join(f.folders, host)})
		var sources []snapshot.Source
		for name, contents := range f.texts(n) {
			sources = append(sources, text(name, contents))
		}
		r, err := c.Publish(f.t.Context(), "", snapshotOf(host, sources...))
		if err != nil {
			f.t.Errorf("%s: %v", when, err)
		}
		for _, p := range r.Servers {
			for _, o := range p.Refused {
				f.t.Errorf("%s: %s refused %s: %v", when, p.Server, o.Name, o.Err)
			}
			out[p.Server] = append(out[p.Server], p)
		}
		if r.Bases != nil {
			f.t.Errorf("%s: %v", when, r.Bases)
		}
		c.Close()
	}
	return out
}

// check reads everything from each server alone, and from all.
func (f *baseFleet) check(when string) {
	f.t.Helper()
	var want []string
	for n, host := range f.hosts {
		for name, contents := range f.texts(n) {
			want = append(want, host+"#"+name+": "+contents)
		}
	}
	slices.Sort(want)
	urls := [][]string{redistest.URLs(f.servers)}
	for _, s := range f.servers {
		urls = append(urls, []string{s.URL()})
	}
	for _, u := range urls {
		got, complete, err := read(f.t.Context(), connect(f.t, u...), sysops.Query{Where: sysops.Where{Patient: true}, Pattern: pattern(f.t, "*#*")})
		slices.Sort(got)
		if err != nil || complete.Partial() || !slices.Equal(got, want) {
			f.t.Errorf("%s: from %v: %v, %d objects of %d, or other ones: %s", when, u, err, len(got), len(want), complete)
		}
	}
}

// slack is for numbers of other lengths, such as times.
const slack = 32

// unchanged pushes twice what the servers have already, and sees that both times
// nothing but renewals travels.
func (f *baseFleet) unchanged(when string) {
	f.t.Helper()
	first := f.push(when + ", again")
	f.check(when + ", again")
	second := f.push(when + ", and again")
	f.check(when + ", and again")
	for server, pushes := range second {
		for i, p := range pushes {
			if p.Replaced+p.Repaired+p.Restated+p.Deleted > 0 || p.Renewed != len(f.texts(0)) {
				f.t.Errorf("%s, and again: %s of %s: %+v", when, f.hosts[i], server, p)
			}
			if before := first[server][i]; p.Sent > before.Sent+slack || p.Received > before.Received+slack {
				f.t.Errorf("%s: %s of %s: %d bytes out and %d in, before %d and %d", when, f.hosts[i], server, p.Sent, p.Received, before.Sent, before.Received)
			}
		}
	}
}

// forget has the hosts ask anew which bases there are, as they do after an hour.
func (f *baseFleet) forget() {
	for _, host := range f.hosts {
		_ = os.Remove(filepath.Join(f.folders, host, "offers.json"))
	}
}

func (f *baseFleet) life(when string) {
	f.t.Helper()
	for range 3 {
		f.version++
		step := fmt.Sprintf("%s, version %d", when, f.version)
		f.push(step)
		f.check(step)
		f.unchanged(step)
		f.forget()
		f.unchanged(step + ", an hour later")
	}
}

// references counts the objects of a server that refer to a base.
func references(t *testing.T, s *redistest.Server) (n int) {
	t.Helper()
	for _, key := range s.Must("KEYS", "*#*").([]any) {
		if _, refers := frame.BaseOf([]byte(element(t, s, key.(string), 0))); refers {
			n++
		}
	}
	return n
}

// A server whose ACL keeps hosts from bases, in part or from all of them, has every
// object all the same, and no push is refused or worse than the one before.
func TestServersThatForbidBases(t *testing.T) {
	for _, row := range baseRules {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			t.Run("alone", func(t *testing.T) {
				f := newBaseFleet(t, redistest.Start(t, hostUser(row.rules)))
				f.life("alone")
			})
			t.Run("beside one that permits them", func(t *testing.T) {
				f := newBaseFleet(t, redistest.Start(t, hostUser(row.rules)), redistest.Start(t, hostUser(openRules)))
				f.life("beside one that permits them")
				if n := references(t, f.servers[1]); n == 0 {
					t.Error("nothing refers to a base where that is permitted")
				}
			})
			t.Run("from some day on", func(t *testing.T) {
				f := newBaseFleet(t, redistest.Start(t, hostUser(openRules)))
				f.life("before")
				f.permit(f.servers[0], row.rules)
				f.unchanged("since then")
				f.life("since then")
				for _, key := range f.servers[0].Must("KEYS", "$base:*").([]any) {
					f.servers[0].Must("DEL", key.(string)) // nobody could renew them
				}
				f.push("without the bases")
				f.check("without the bases")
				f.unchanged("without the bases")
			})
			t.Run("until some day", func(t *testing.T) {
				f := newBaseFleet(t, redistest.Start(t, hostUser(row.rules)))
				f.life("before")
				f.permit(f.servers[0], openRules)
				f.life("since then")
				if n := references(t, f.servers[0]); n == 0 {
					t.Error("nothing refers to a base, though that is permitted now")
				}
			})
		})
	}
}

// acls are what an administrator may forget to permit.
var acls = []struct{ name, keys string }{
	{"nothing of bases", ""},
	{"the lists alone", "~$bases:*"},
	{"the bases alone", "~$base:*"},
	{"reading", "%R~$base*"},
	{"writing", "%W~$base*"},
	{"the lists, and to read bases", "~$bases:* %R~$base:*"},
	{"bases, and to read the lists", "%R~$bases:* ~$base:*"},
}

func TestAReaderThatMayNotReadBases(t *testing.T) {
	servers := redistest.Core(t, 2)
	for _, keys := range []string{"", "~$bases:*", "%W~$base*"} {
		t.Run(keys, func(t *testing.T) {
			b := newBased(t, servers, keeping[0])
			permit(b.servers[0], keys)
			for range 4 {
				b.answers(t, connect(t, b.urls...))
			}
			b.unreadable(t, b.servers[0], b.id, "web01#"+ctl, "web02#"+ctl)
			b.unreadable(t, b.servers[0], "gives no permission for GETRANGE", "web01#"+ctl, "web02#"+ctl)
		})
	}
}

// Where agents may not use bases, objects stand by themselves: an agent must not need
// a new ACL to go on pushing, nor leave an object behind that refers to no base.
func TestAnAgentThatMayNotUseBases(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, acl := range acls {
			for _, n := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s may use %s at one of %d", keep, acl.name, n), func(t *testing.T) {
					b := newBased(t, servers[:n], keep)
					for _, s := range b.servers {
						s.Must("FLUSHALL")
					}
					b.clients, b.folders = make(map[string]*sysops.Client), make(map[string]string)
					permit(b.servers[0], acl.keys)
					for round := range 4 {
						for _, h := range []string{"web01", "web02"} {
							r := b.push(t, h)
							if p := r.Servers[0]; round == 3 && (p.Replaced+p.Repaired > 0 || p.Sent > 4000) {
								t.Errorf("%s sends contents that have not changed: %+v", h, p)
							}
						}
						permitAll(b.servers[0])
						b.readable(t, "web01", "web02")
						permit(b.servers[0], acl.keys)
					}
				})
			}
		}
	}
}

// The permission is taken away when objects refer to bases already.
func TestAnAgentThatMayNotUseBasesAnyMore(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, acl := range acls {
			t.Run(keep+" may only use "+acl.name, func(t *testing.T) {
				b := newBased(t, servers, keep)
				permit(b.servers[0], acl.keys)
				b.body["web02"] = settings(1, 22)
				for range 2 {
					b.push(t, "web01")
					b.push(t, "web02")
				}
				permitAll(b.servers[0])
				if acl.keys != "%R~$base*" { // its base may go at any time
					b.readable(t, "web01", "web02")
				}
				b.servers[0].Must("DEL", "$base:"+b.id)
				permit(b.servers[0], acl.keys)
				b.push(t, "web01")
				b.push(t, "web02")
				permitAll(b.servers[0])
				b.readable(t, "web01", "web02", "web03")
			})
		}
	}
}
