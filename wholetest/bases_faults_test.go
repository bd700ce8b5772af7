package wholetest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A based core has two hosts that share a base: web01's object is the base, web02's a
// delta. web03 has an object that stands by itself.
type based struct {
	servers []*redistest.Server
	urls    []string
	id      string // of the base
	packed  string
	body    map[string]string // by host
	want    []string

	keep    string                    // how agents keep bases, see keeping
	clients map[string]*sysops.Client // of agents that go on running
	folders map[string]string         // of agents that have one
}

// keeping is how an agent may keep the bases that it knows.
var keeping = []string{
	"an agent that runs on", "an agent with a folder", "an agent without a folder",
}

func newBased(t *testing.T, servers []*redistest.Server, keep string) *based {
	t.Helper()
	for _, s := range servers {
		permitAll(s)
		s.Must("FLUSHALL")
	}
	b := &based{
		servers: servers, urls: redistest.URLs(servers),
		keep: keep, clients: make(map[string]*sysops.Client), folders: make(map[string]string),
		body: map[string]string{"web01": settings(1, 1), "web02": settings(1, 2), "web03": "x\n"},
	}
	b.id = baseID(b.body["web01"])
	for _, h := range []string{"web01", "web02", "web03"} {
		b.push(t, h)
		b.want = append(b.want, h+"#"+ctl+": "+b.body[h])
	}
	b.push(t, "web01") // to record that there is a base
	b.packed = b.servers[0].Must("GET", "$base:"+b.id).(string)
	if _, kind, base := frameOf(t, b.servers[0], "web02#"+ctl); kind != frame.Delta || base != b.id {
		t.Fatalf("the object of web02 is packed as %q against %.8q", kind, base)
	}
	return b
}

// agent is the client with which a host pushes.
func (b *based) agent(t *testing.T, host string) *sysops.Client {
	t.Helper()
	switch b.keep {
	case keeping[0]:
		if b.clients[host] == nil {
			b.clients[host] = connect(t, b.urls...)
		}
		return b.clients[host]
	case keeping[1]:
		if b.folders[host] == "" {
			b.folders[host] = filepath.Join(t.TempDir(), "bases")
		}
		return connectTo(t, sysops.ServerList(b.urls...), sysops.Options{BasesFolder: b.folders[host]})
	}
	return connect(t, b.urls...)
}

func (b *based) push(t *testing.T, host string) *snapshot.Report {
	t.Helper()
	r := publish(t, b.agent(t, host), snapshotOf(host, text(ctl, b.body[host])))
	if r.Bases != nil {
		t.Errorf("%s cannot keep its bases: %v", host, r.Bases)
	}
	return r
}

// readable makes sure that each server by itself has all objects of these hosts.
func (b *based) readable(t *testing.T, hosts ...string) {
	t.Helper()
	for i, s := range b.servers {
		for _, h := range hosts {
			// A server that lost everything has fewer hosts than it should.
			got, complete, err := read(t.Context(), connect(t, s.URL()), sysops.Query{Pattern: pattern(t, h+"#*"), Where: sysops.Where{Partial: true}})
			if err != nil || !slices.Equal(got, []string{h + "#" + ctl + ": " + b.body[h]}) {
				t.Errorf("%s at server %d: %d objects, %v, %v", h, i, len(got), err, complete.Unreadable)
			}
		}
	}
}

// quiet makes sure that the next push of each host has nothing to write.
func (b *based) quiet(t *testing.T) {
	t.Helper()
	for _, h := range []string{"web01", "web02", "web03"} {
		for i, p := range b.push(t, h).Servers {
			if p.Renewed != 1 || p.Replaced+p.Repaired+p.Restated > 0 {
				t.Errorf("%s at server %d is not at rest: %+v", h, i, p)
			}
		}
	}
}

// bomb is a small frame of more than any base may be.
var bomb = sync.OnceValue(func() string { return string(frame.NewEncoder().Encode(make([]byte, 64<<20))) })

// baseFaults are what may be in the place of a base.
var baseFaults = []struct {
	name  string
	spoil func(b *based, s *redistest.Server, key string)
}{
	{"nothing", func(_ *based, s *redistest.Server, key string) { s.Must("DEL", key) }},
	{"nothing any more", func(_ *based, s *redistest.Server, key string) {
		s.Must("PEXPIRE", key, "1")
		for s.Must("EXISTS", key) != int64(0) {
			time.Sleep(time.Millisecond)
		}
	}},
	{"half of it", func(b *based, s *redistest.Server, key string) {
		s.Must("SET", key, b.packed[:len(b.packed)/2], "KEEPTTL")
	}},
	{"an empty string", func(_ *based, s *redistest.Server, key string) { s.Must("SET", key, "", "KEEPTTL") }},
	{"one byte more", func(b *based, s *redistest.Server, key string) { s.Must("APPEND", key, "x") }},
	{"junk of another length", func(_ *based, s *redistest.Server, key string) { s.Must("SET", key, "junk", "KEEPTTL") }},
	{"junk of the same length", func(b *based, s *redistest.Server, key string) {
		s.Must("SET", key, noise(len(b.packed), 1), "KEEPTTL")
	}},
	{"junk that never expires", func(b *based, s *redistest.Server, key string) { s.Must("SET", key, noise(len(b.packed), 1)) }},
	{"more than a base may be", func(_ *based, s *redistest.Server, key string) { s.Must("SET", key, noise(3<<20, 1), "KEEPTTL") }},
	{"other contents", func(_ *based, s *redistest.Server, key string) {
		s.Must("SET", key, string(frame.NewEncoder().Encode([]byte(settings(2, 1)))), "KEEPTTL")
	}},
	{"a list", func(_ *based, s *redistest.Server, key string) { s.Must("DEL", key); s.Must("RPUSH", key, "x") }},
	{"a set", func(_ *based, s *redistest.Server, key string) { s.Must("DEL", key); s.Must("SADD", key, "x") }},
	{"a frame 01 that refers to it", func(b *based, s *redistest.Server, key string) {
		s.Must("SET", key, string(frame.SameAs(sha256.Sum256([]byte(b.body["web01"])), len(b.body["web01"]))), "KEEPTTL")
	}},
	{"a frame 01 that refers to another", func(b *based, s *redistest.Server, key string) {
		other := settings(2, 1)
		s.Must("SET", baseKey(other), string(frame.NewEncoder().Encode([]byte(other))), "PX", "10000000")
		s.Must("SET", key, string(frame.SameAs(sha256.Sum256([]byte(other)), len(other))), "KEEPTTL")
	}},
	{"a frame 02", func(b *based, s *redistest.Server, key string) {
		p := frame.NewPacking([]byte(b.body["web01"]))
		p.Offer(frame.NewBase([]byte(b.body["web02"])))
		packed, _, _ := frame.NewEncoder().Frame(p)
		s.Must("SET", key, string(packed), "KEEPTTL")
	}},
	{"a bomb", func(_ *based, s *redistest.Server, key string) { s.Must("SET", key, bomb(), "KEEPTTL") }},
}

// What a reader makes of a core whose answers through Objects, Grep and CountLines
// are those of undamaged contents.
func (b *based) answers(t *testing.T, c *sysops.Client) {
	t.Helper()
	got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
	if err != nil || !slices.Equal(got, b.want) || complete.Partial() {
		t.Errorf("Objects: %d objects, %v, %v", len(got), err, complete)
	}
	x, err := sysops.CompileExpr("setting_0[27]5|x", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	matches, lines := 0, 0
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, ctl)})
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range a.Grep(t.Context(), x) {
		if err != nil {
			t.Fatalf("Grep: %v", err)
		}
		matches += m.Count
		for _, l := range m.Lines {
			lines++
			if !strings.Contains(b.body[m.Host], string(l)+"\n") {
				t.Errorf("Grep finds %q in %s", l, m.Key)
			}
		}
	}
	if matches != 5 || lines != 5 {
		t.Errorf("Grep finds %d lines, and %d of them", matches, lines)
	}
	counts, err := a.CountLines(t.Context(), x, sysops.CountOptions{})
	total := 0
	for _, n := range counts {
		total += n.Count
	}
	if err != nil || total != 5 {
		t.Errorf("CountLines counts %d lines, %v", total, err)
	}
}

// unreadable makes sure that a reader of that one server is told which objects it
// does not get, and why.
func (b *based) unreadable(t *testing.T, s *redistest.Server, why string, keys ...string) {
	t.Helper()
	c := connect(t, s.URL())
	_, _, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
	if !errors.Is(err, sysops.ErrIncomplete) || !errors.Is(err, sysops.ErrUnreadable) || !strings.Contains(err.Error(), why) {
		t.Errorf("the answer ends with %v; want ErrIncomplete and ErrUnreadable that say %q", err, why)
	}
	rest := slices.DeleteFunc(slices.Clone(b.want), func(o string) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(o, k+":") })
	})
	for range 2 { // what was found of bases is remembered
		got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl), Where: sysops.Where{Partial: true}})
		if err != nil || !slices.Equal(got, rest) {
			t.Errorf("with Partial: %d objects, want %d; %v", len(got), len(rest), err)
		}
		var told []string
		for _, u := range complete.Unreadable {
			told = append(told, u.Key)
			if !strings.Contains(u.Reason, why) {
				t.Errorf("the reason %q does not say %q", u.Reason, why)
			}
		}
		if !slices.Equal(told, keys) || complete.Answered != 3-len(keys) {
			t.Errorf("%q are told to be unreadable and %d hosts answered, want %q", told, complete.Answered, keys)
		}
	}
}

func TestADamagedBaseIsNoWrongAnswer(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, f := range baseFaults {
		t.Run(f.name, func(t *testing.T) {
			b := newBased(t, servers, keeping[0])
			warm := connect(t, b.urls...)
			b.answers(t, warm)
			f.spoil(b, b.servers[0], "$base:"+b.id)
			for range 4 { // the server is drawn
				b.answers(t, connect(t, b.urls...))
			}
			b.answers(t, warm)
			b.unreadable(t, b.servers[0], b.id, "web01#"+ctl, "web02#"+ctl)
			f.spoil(b, b.servers[1], "$base:"+b.id)
			b.answers(t, warm)
			if _, _, err := read(t.Context(), connect(t, b.urls...), sysops.Query{Pattern: pattern(t, ctl)}); !errors.Is(err, sysops.ErrIncomplete) || !strings.Contains(err.Error(), b.id) {
				t.Errorf("with no good copy left: %v", err)
			}
		})
	}
}

// A frame that refers to a base, damaged.
func TestADamagedReferenceIsNoWrongAnswer(t *testing.T) {
	servers := redistest.Core(t, 2)
	b := newBased(t, servers, keeping[0])
	for _, key := range []string{"web01#" + ctl, "web02#" + ctl} {
		whole := element(t, b.servers[0], key, 0)
		other := frame.SameAs(sha256.Sum256([]byte("another")), len(b.body["web01"]))
		spoilt := map[string]string{
			"cut in the ID": whole[:20], "cut after it": whole[:33], "cut": whole[:len(whole)-1], "longer": whole + "x", "of a base that never was": string(other),
		}
		for at := 1; at < len(whole); at += max(1, len(whole)/12) {
			flipped := []byte(whole)
			flipped[at] ^= 4
			spoilt[fmt.Sprintf("byte %d", at)] = string(flipped)
		}
		for what, packed := range spoilt {
			t.Run(key+" "+what, func(t *testing.T) {
				b.servers[0].Must("LSET", key, "0", packed)
				b.answers(t, connect(t, b.urls...))
				b.unreadable(t, b.servers[0], "", key)
				b.servers[0].Must("LSET", key, "0", whole)
			})
		}
	}
}

func TestTheNextPushRepairsABase(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, f := range baseFaults {
			for _, first := range []string{"web01", "web02"} {
				t.Run(keep+", "+f.name+", "+first, func(t *testing.T) {
					b := newBased(t, servers, keep)
					f.spoil(b, b.servers[0], "$base:"+b.id)
					b.push(t, first)
					b.readable(t, first, "web03")
					b.push(t, map[string]string{"web01": "web02", "web02": "web01"}[first])
					b.readable(t, "web01", "web02", "web03")
					if ttl := pttl(t, b.servers[1], "$base:"+b.id); ttl < 12*time.Hour-time.Minute {
						t.Errorf("the sibling's base lives for %v", ttl)
					}
					b.push(t, "web01")
					b.push(t, "web02")
					b.readable(t, "web01", "web02", "web03")
					b.quiet(t)
				})
			}
		}
	}
}

func TestTheNextPushRepairsABaseThatAllHaveLost(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, f := range baseFaults {
			t.Run(keep+", "+f.name, func(t *testing.T) {
				b := newBased(t, servers, keep)
				for _, s := range b.servers {
					f.spoil(b, s, "$base:"+b.id)
				}
				b.push(t, "web02")
				b.readable(t, "web02", "web03")
				b.push(t, "web01")
				b.readable(t, "web01", "web02", "web03")
				b.push(t, "web02")
				b.push(t, "web01")
				b.readable(t, "web01", "web02", "web03")
				b.quiet(t)
			})
		}
	}
}

// A base is lost, and a host has other contents at the same time.
func TestALostBaseAndChangedContents(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, f := range baseFaults {
			t.Run(keep+", "+f.name, func(t *testing.T) {
				b := newBased(t, servers, keep)
				f.spoil(b, b.servers[0], "$base:"+b.id)
				b.body["web01"], b.body["web02"] = settings(1, 11), settings(1, 12)
				b.push(t, "web02")
				b.readable(t, "web02")
				b.push(t, "web01")
				b.readable(t, "web01", "web02", "web03")
			})
		}
	}
}

func TestServersThatRestartEmpty(t *testing.T) {
	servers := redistest.Core(t, 2)
	for _, keep := range keeping {
		for _, n := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d of 2", keep, n), func(t *testing.T) {
				b := newBased(t, servers, keep)
				for _, s := range b.servers[:n] {
					s.Restart()
				}
				for _, h := range []string{"web02", "web01", "web03"} {
					b.push(t, h)
				}
				b.readable(t, "web01", "web02", "web03")
				for _, h := range []string{"web02", "web01", "web03"} {
					b.push(t, h)
				}
				b.readable(t, "web01", "web02", "web03")
				for range 2 { // where both claimed, each now finds the other's
					b.push(t, "web01")
					b.push(t, "web02")
				}
				b.quiet(t)
				for i, s := range b.servers {
					_, one, _ := frameOf(t, s, "web01#"+ctl)
					_, two, _ := frameOf(t, s, "web02#"+ctl)
					if one == frame.Zstd || two == frame.Zstd || len(bases(t, s)) > 2 {
						t.Errorf("server %d: the objects are packed as %q and %q against %d bases", i, one, two, len(bases(t, s)))
					}
				}
			})
		}
	}
}

// A base goes between a push's writes and its commit.
func TestABaseIsLostDuringAPush(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 1)
	for _, keep := range keeping {
		for _, host := range []string{"web01", "web02", "web04"} { // of which web04 is new
			for _, at := range []string{"rpush", "$machine"} { // with the writes, with the commit
				t.Run(keep+", "+host+", "+at, func(t *testing.T) {
					b := newBased(t, servers, keep)
					b.body["web04"] = settings(1, 4)
					b.body["web01"] += "x = 1\n"
					b.body["web02"] += "x = 1\n"
					if at == "$machine" {
						b.body["web01"], b.body["web02"] = settings(1, 1), settings(1, 2)
					}
					g := newGate(t, b.servers[0].Addr())
					g.when(at, func() { b.servers[0].Must("DEL", "$base:"+b.id) })
					b.urls = []string{g.url()}
					b.clients = make(map[string]*sysops.Client)
					b.push(t, host)
					got, complete, err := read(t.Context(), connect(t, b.servers[0].URL()), sysops.Query{Pattern: pattern(t, ctl), Where: sysops.Where{Partial: true}})
					if err != nil || len(got)+len(complete.Unreadable) < 3 {
						t.Errorf("%d objects and %d unreadable, %v", len(got), len(complete.Unreadable), err)
					}
					for _, o := range got {
						if h, body, _ := strings.Cut(o, "#"+ctl+": "); body != b.body[h] && host == h {
							t.Errorf("%s has other contents", h)
						}
					}
					b.push(t, host)
					b.readable(t, host)
				})
			}
		}
	}
}

// A push with bases is cut after 0, 1, 2 … bytes. A reader never finds what was not
// pushed, and the next push makes all readable.
func TestAPushWithBasesCutAnywhereIsHealedByTheNext(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	for _, row := range []struct {
		name string
		cut  func(*redistest.Proxy, int64)
	}{
		{"on the way there", (*redistest.Proxy).CutAfterSent},
		{"on the way back", (*redistest.Proxy).CutAfter},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.Must("FLUSHALL")
			publish(t, connect(t, s.URL()), snapshotOf("web00", text(ctl, settings(1, 0))))
			proxy := redistest.NewProxy(t, s.Addr())
			v, cuts := 0, 0
			for n := int64(0); ; n = offsets(n) {
				v++
				snap := snapshotOf("web01", text(ctl, settings(1+v%2, v)), text("/etc/own", settings(100+v, v)), text("/etc/same", settings(3, 1)))
				row.cut(proxy, n)
				c := connect(t, proxy.URL())
				_, err := c.Publish(t.Context(), "", snap)
				c.Close()
				got, _, readErr := read(t.Context(), connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: true}})
				if readErr != nil {
					t.Fatal(readErr)
				}
				for _, o := range got {
					_, body, _ := strings.Cut(o, ": ")
					ok := body == settings(1, 0) || body == settings(3, 1)
					for _, w := range []int{v, v - 1} {
						ok = ok || body == settings(1+w%2, w) || body == settings(100+w, w)
					}
					if !ok {
						t.Fatalf("cut after %d bytes: a reader finds %.60q", n, o)
					}
				}
				if err == nil {
					row.cut(proxy, -1)
					break
				}
				cuts++
				publish(t, connect(t, s.URL()), snap)
				readFromEach(t, []*redistest.Server{s}, "web00#"+ctl+": "+settings(1, 0), "web01#/etc/own: "+settings(100+v, v), "web01#/etc/same: "+settings(3, 1), "web01#"+ctl+": "+settings(1+v%2, v))
				if t.Failed() {
					t.Fatalf("cut after %d bytes", n)
				}
			}
			if cuts < 60 {
				t.Errorf("only %d pushes were cut", cuts)
			}
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

func permit(s *redistest.Server, keys string) {
	args := []string{"ACL", "SETUSER", "default", "resetkeys", "~web*", "~$hosts", "~$live", "~$names", "~$size", "~$on:*", "~$of:*", "~$queries"}
	s.Must(append(args, strings.Fields(keys)...)...)
}

func permitAll(s *redistest.Server) { s.Must("ACL", "SETUSER", "default", "allkeys") }

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
			b.unreadable(t, b.servers[0], "does not permit", "web01#"+ctl, "web02#"+ctl)
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

// A server that hangs when it is asked for bases holds a reader up for the grace that
// siblings have, not for its timeout.
func TestAServerThatHangsWhileBasesAreRead(t *testing.T) {
	servers := redistest.Core(t, 2)
	b := newBased(t, servers, keeping[0])
	for h := range 30 {
		host := fmt.Sprintf("web1%02d", h)
		b.body[host] = settings(1, 100+h)
		b.push(t, host)
	}
	hung := 0
	for range 8 { // the server is drawn
		g := newGate(t, b.servers[0].Addr())
		g.hang("getrange")
		c := connectTo(t, sysops.ServerList(g.url(), b.servers[1].URL()), sysops.Options{Timeout: time.Hour})
		redistest.Within(t, "a reader beside a server that hangs", func() {
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, ctl)})
			if err != nil || len(got) != 33 || complete.Partial() {
				t.Errorf("%d objects, %v, %s", len(got), err, complete)
			}
		})
		if g.hangs() {
			hung++
		}
	}
	if hung == 0 {
		t.Error("the server never hung")
	}
}

var getranges = regexp.MustCompile(`cmdstat_getrange:calls=(\d+)`)

func TestBasesAreReadOnceAQuery(t *testing.T) {
	s := redistest.Start(t)
	const families = 3
	for h := range 60 {
		c := connect(t, s.URL())
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", h), text(ctl, settings(h%families, h)), text("/etc/x", settings(10, h))))
		c.Close()
	}
	reads := func() int {
		t.Helper()
		m := getranges.FindStringSubmatch(s.Must("INFO", "commandstats").(string))
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(m[1])
		return n
	}
	all := len(bases(t, s))
	x, err := sysops.CompileExpr("025", sysops.GrepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{"Objects", "Grep", "CountLines"} {
		s.Must("CONFIG", "RESETSTAT")
		c := connect(t, s.URL())
		for _, most := range []int{all, all} { // a client remembers them for its next query
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			switch way {
			case "Objects":
				for _, err = range a.Objects(t.Context()) {
					n++
				}
			case "Grep":
				for _, err = range a.Grep(t.Context(), x) {
					n++
				}
			case "CountLines":
				_, err = a.CountLines(t.Context(), x, sysops.CountOptions{Progress: func() { n++ }})
			}
			if err != nil || n != 120 {
				t.Errorf("%s: %d objects, %v", way, n, err)
			}
			if got := reads(); got > most || got == 0 {
				t.Errorf("%s: %d bases were read %d times", way, all, got)
			}
		}
	}
}

// ---- the shelf

// agedOffers makes the bases of a folder as if they had been asked for two hours ago.
func agedOffers(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, "offers.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return
	}
	var offers map[string]map[string]any
	if json.Unmarshal(raw, &offers) != nil {
		return
	}
	for _, o := range offers {
		o["asked"] = time.Now().Add(-2 * time.Hour)
	}
	raw, err = json.Marshal(offers)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func rewrite(path string, contents string) {
	os.RemoveAll(path)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		panic(err)
	}
}

// folderFaults are what may happen to the folder of an agent. base is the path of the
// one base that is there.
var folderFaults = []struct {
	name  string
	spoil func(b *based, folder, base string)
}{
	{"nothing", func(*based, string, string) {}},
	{"a base cut short", func(b *based, _, base string) { rewrite(base, b.packed[:len(b.packed)/2]) }},
	{"a base emptied", func(_ *based, _, base string) { rewrite(base, "") }},
	{"a bit flipped", func(b *based, _, base string) {
		flipped := []byte(b.packed)
		flipped[len(flipped)/2] ^= 1
		rewrite(base, string(flipped))
	}},
	{"another base in its place", func(_ *based, _, base string) {
		rewrite(base, string(frame.NewEncoder().Encode([]byte(settings(2, 1)))))
	}},
	{"a frame that refers to it", func(b *based, _, base string) {
		rewrite(base, string(frame.SameAs(sha256.Sum256([]byte(b.body["web01"])), len(b.body["web01"]))))
	}},
	{"a bomb", func(_ *based, _, base string) { rewrite(base, bomb()) }},
	{"a huge file", func(_ *based, _, base string) {
		rewrite(base, "")
		if err := os.Truncate(base, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"a base removed", func(_ *based, _, base string) { os.Remove(base) }},
	{"a folder in its place", func(_ *based, _, base string) { os.Remove(base); os.Mkdir(base, 0o700) }},
	{"a link to nowhere", func(_ *based, _, base string) { os.Remove(base); os.Symlink("/nowhere", base) }},
	{"all removed", func(_ *based, folder, _ string) { os.RemoveAll(folder) }},
	{"offers that are none", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "{") }},
	{"empty offers", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "") }},
	{"null offers", func(_ *based, folder, _ string) { rewrite(filepath.Join(folder, "offers.json"), "null") }},
	{"an offer that is null", func(_ *based, folder, _ string) {
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":null,"":{"bases":null,"asked":"0001-01-01T00:00:00Z"}}`)
	}},
	{"offers of the future", func(b *based, folder, _ string) {
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":{"bases":["`+b.id+`"],"asked":"2999-01-01T00:00:00Z"}}`)
	}},
	{"offers of what never was", func(b *based, folder, _ string) {
		never := `"` + strings.Join([]string{baseID("1"), b.id, baseID("2"), b.id}, `","`) + `"`
		rewrite(filepath.Join(folder, "offers.json"), `{"`+ctl+`":{"bases":[`+never+`],"asked":"`+time.Now().Format(time.RFC3339)+`"}}`)
	}},
	{"huge offers", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "offers.json")
		rewrite(path, `{"`)
		if err := os.Truncate(path, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"a folder in place of the offers", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "offers.json")
		os.Remove(path)
		os.Mkdir(path, 0o700)
	}},
	{"junk", func(_ *based, folder, _ string) {
		for i := range 300 {
			rewrite(filepath.Join(folder, fmt.Sprintf("junk%d", i)), "junk")
			rewrite(filepath.Join(folder, baseID(strconv.Itoa(i))), "junk")
		}
	}},
	{"large junk", func(_ *based, folder, _ string) {
		path := filepath.Join(folder, "junk")
		rewrite(path, "")
		if err := os.Truncate(path, 1<<40); err != nil {
			panic(err)
		}
	}},
	{"folders among the files", func(_ *based, folder, _ string) {
		os.MkdirAll(filepath.Join(folder, ".lost+found", "x"), 0o700)
		old := time.Now().Add(-3 * time.Hour)
		os.Chtimes(filepath.Join(folder, ".lost+found"), old, old)
	}},
}

// Whatever happens to the folder, a push succeeds, and its contents are right. So
// does one that has new contents, and one that finds the base lost at a server too.
func TestAFolderThatIsDamaged(t *testing.T) {
	t.Parallel()
	servers := redistest.Core(t, 2)
	for _, f := range folderFaults {
		for _, row := range []struct {
			name string
			then func(b *based)
		}{
			{"unchanged", func(*based) {}},
			{"changed", func(b *based) { b.body["web02"], b.body["web01"] = settings(1, 22), settings(1, 21) }},
			{"its base lost at one server", func(b *based) { b.servers[1].Must("DEL", "$base:"+b.id, "$bases:"+ctl) }},
			{"one server emptied", func(b *based) { b.servers[1].Must("FLUSHALL") }},
			{"all emptied", func(b *based) { b.servers[0].Must("FLUSHALL"); b.servers[1].Must("FLUSHALL") }},
		} {
			t.Run(f.name+", "+row.name, func(t *testing.T) {
				b := newBased(t, servers, keeping[1])
				for _, h := range []string{"web01", "web02"} {
					f.spoil(b, b.folders[h], filepath.Join(b.folders[h], b.id))
				}
				row.then(b)
				push := func() {
					for _, h := range []string{"web02", "web01"} {
						publish(t, b.agent(t, h), snapshotOf(h, text(ctl, b.body[h])))
						b.readable(t, h)
						agedOffers(t, b.folders[h])
					}
				}
				for range 3 {
					push()
				}
				b.readable(t, "web01", "web02")
				if f.name == "a bit flipped" { // a push that happens to look there finds it out, and the next one is whole
					push()
					push()
				}
				for _, h := range []string{"web02", "web01"} {
					if packed := element(t, b.servers[0], h+"#"+ctl, 0); f.name != "large junk" && len(packed) > 600 {
						t.Errorf("two hours later the frame of %s is still %d bytes long", h, len(packed))
					}
				}
			})
		}
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	servers := redistest.Core(t, 2)
	file := filepath.Join(t.TempDir(), "file")
	rewrite(file, "x")
	for _, folder := range []string{file, filepath.Join(file, "bases"), "/dev/null/bases"} {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			want := []string{}
			for _, s := range servers {
				s.Must("FLUSHALL")
			}
			for v := range 3 {
				want = want[:0]
				for _, h := range []string{"web01", "web02"} {
					body := settings(1, len(h)+v)
					c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder})
					for range 2 {
						if r := publish(t, c, snapshotOf(h, text(ctl, body))); v == 0 && r.Bases == nil {
							t.Error("nobody says that bases cannot be kept")
						}
					}
					want = append(want, h+"#"+ctl+": "+body)
				}
				readFromEach(t, servers, want...)
			}
		})
	}
	folder := filepath.Join(t.TempDir(), "a", "b")
	c := connectTo(t, sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder})
	if r := publish(t, c, snapshotOf("web01", text(ctl, settings(1, 1)))); r.Bases != nil {
		t.Errorf("a folder that can be made: %v", r.Bases)
	}
	if fi, err := os.Stat(folder); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", fi, err)
	}
}

func folderSize(t *testing.T, folder string) (files int, size int64) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if fi, err := e.Info(); err == nil {
			files++
			size += fi.Size()
		}
	}
	return files, size
}

// Hosts that offer more than is of use must not fill an agent's disk.
func TestAFolderIsBounded(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connect(t, s.URL())
	publish(t, c, snapshotOf("web01", text("/etc/1", settings(1, 1)), text("/etc/2", settings(2, 1)), text("/etc/3", settings(3, 1))))
	for i := range 96 {
		body := "offered\n" + hex.EncodeToString([]byte(noise(500_000, uint64(i))))
		packed := string(append(frame.SameAs(frame.ID{}, 0)[:0], storedFrame(body)...))
		s.Must("SET", baseKey(body), packed)
		s.Must("ZADD", fmt.Sprintf("$bases:/etc/%d", 1+i%3), "1700000000", baseID(body))
	}
	folder := t.TempDir()
	for v := range 2 {
		snap := snapshotOf("web02", text("/etc/1", settings(1, 2+v)), text("/etc/2", settings(2, 2+v)), text("/etc/3", settings(3, 2+v)))
		r := publish(t, connectTo(t, sysops.ServerList(s.URL()), sysops.Options{BasesFolder: folder, Timeout: redistest.Patience}), snap)
		if r.Bases != nil {
			t.Error(r.Bases)
		}
		if files, size := folderSize(t, folder); files == 0 || size > 65<<20 {
			t.Errorf("%d files of %d bytes are kept", files, size)
		}
		agedOffers(t, folder)
	}
	readFromEach(t, []*redistest.Server{s},
		"web01#/etc/1: "+settings(1, 1), "web01#/etc/2: "+settings(2, 1), "web01#/etc/3: "+settings(3, 1),
		"web02#/etc/1: "+settings(1, 3), "web02#/etc/2: "+settings(2, 3), "web02#/etc/3: "+settings(3, 3))
}

// What nobody offers any more is removed, and so is what else lies there, in time.
func TestAFolderIsCleared(t *testing.T) {
	s := redistest.Start(t)
	folder := t.TempDir()
	push := func(body string) {
		t.Helper()
		if r := publish(t, connectTo(t, sysops.ServerList(s.URL()), sysops.Options{BasesFolder: folder}), snapshotOf("web01", text(ctl, body))); r.Bases != nil {
			t.Error(r.Bases)
		}
	}
	push(settings(1, 1))
	rewrite(filepath.Join(folder, "junk"), "junk")
	rewrite(filepath.Join(folder, ".offers.json.ABCDEFGH.part"), "cut short")
	os.MkdirAll(filepath.Join(folder, "a", "b"), 0o700)
	s.Must("DEL", "$bases:"+ctl, baseKey(settings(1, 1)))
	old := time.Now().Add(-3 * time.Hour)
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		os.Chtimes(filepath.Join(folder, e.Name()), old, old)
	}
	agedOffers(t, folder)
	push(settings(2, 1))
	var left []string
	entries, _ = os.ReadDir(folder)
	for _, e := range entries {
		if !e.IsDir() {
			left = append(left, e.Name())
		}
	}
	want := []string{baseID(settings(2, 1)), "junk", "offers.json"} // junk is not ours
	if slices.Sort(want); !slices.Equal(left, want) {
		t.Errorf("%q are left, want %q", left, want)
	}
}

// A folder is one process's. Two that share one by mistake still push, and are right.
func TestTwoProcessesShareAFolder(t *testing.T) {
	servers := redistest.Core(t, 2)
	folder := t.TempDir()
	var wg sync.WaitGroup
	const hosts, versions = 6, 6
	for h := range hosts {
		wg.Go(func() {
			for v := range versions {
				c, err := sysops.New(sysops.ServerList(redistest.URLs(servers)...), sysops.Options{BasesFolder: folder, Timeout: redistest.Patience})
				if err != nil {
					t.Error(err)
					return
				}
				r, err := c.Publish(t.Context(), "", snapshotOf(fmt.Sprintf("web%02d", h), text(ctl, settings(h%2, 10*h+v))))
				if err != nil || r.Bases != nil {
					t.Errorf("%v, %v", err, r.Bases)
				}
				c.Close()
			}
		})
	}
	wg.Wait()
	var want []string
	for h := range hosts {
		want = append(want, fmt.Sprintf("web%02d#%s: %s", h, ctl, settings(h%2, 10*h+versions-1)))
	}
	readFromEach(t, servers, want...)
}

// ---- memory

// storedFrame is a frame of contents that are not packed: what a hostile host may write.
func storedFrame(contents string) []byte {
	e := frame.NewEncoder()
	return e.Encode([]byte(contents))
}

// heap runs work and returns the most memory that the heap had in use meanwhile, beyond
// what it had before.
func heap(work func()) int64 {
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			runtime.ReadMemStats(&now)
			most.Store(max(most.Load(), int64(now.HeapInuse)-int64(before.HeapInuse)))
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	work()
	close(done)
	<-ended
	return most.Load()
}

// hostile makes a host whose n objects each refer to another base of 1 MiB of short
// lines, and two honest ones whose objects come before and after in the same rounds.
func hostile(t *testing.T, s *redistest.Server, n int, line string) {
	t.Helper()
	c := connect(t, s.URL())
	var sources []snapshot.Source
	for i := range n {
		sources = append(sources, private(text(fmt.Sprintf("/x/%04d", i), "x")))
	}
	publish(t, c, snapshotOf("web02", sources...))
	e := frame.NewEncoder()
	for i := range n {
		head := fmt.Sprintf("base %04d\n", i)
		contents := []byte(head + strings.Repeat(line+"\n", (1<<20-len(head))/(len(line)+1)))
		id := sha256.Sum256(contents)
		s.Must("SET", "$base:"+hex.EncodeToString(id[:]), string(e.Encode(contents)))
		s.Must("LSET", fmt.Sprintf("web02#/x/%04d", i), "0", string(frame.SameAs(id, len(contents))))
	}
	for _, h := range []string{"web01", "web03"} {
		var sources []snapshot.Source
		for i := range 8 {
			sources = append(sources, text(fmt.Sprintf("/x/%04d", i), settings(i, len(h))))
		}
		publish(t, connect(t, s.URL()), snapshotOf(h, sources...))
	}
}

// Nor do they make the honest hosts' objects unreadable that are read in the same rounds.
func TestAReaderOfHostileBasesStaysBounded(t *testing.T) {
	const objects, bound = 64, 384 << 20 // without bounds it takes gigabytes
	for _, row := range []struct {
		name, line, expr string
		o                sysops.GrepOptions
		count            int // of a hostile object
	}{
		{"a line among a million", "", "^base", sysops.GrepOptions{}, 1},
		{"all lines", "net.ipv4.conf.all.forwarding = 0", "", sysops.GrepOptions{}, 31775},
	} {
		s := redistest.Start(t)
		hostile(t, s, objects, row.line)
		ask := func(t *testing.T) *sysops.Answer {
			t.Helper()
			a, err := connect(t, s.URL()).Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#/x/*")})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		x, err := sysops.CompileExpr(row.expr, row.o)
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []struct {
			name string
			read func(t *testing.T) int // returns how many objects
		}{
			{"Objects", func(t *testing.T) int {
				n := 0
				for o, err := range ask(t).Objects(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; o.Host != "web02" && !bytes.HasPrefix(o.Contents, []byte("net.ipv4.setting_000 = ")) {
						t.Errorf("%s holds %.40q", o.Key, o.Contents)
					}
				}
				return n
			}},
			{"Grep", func(t *testing.T) int {
				n := 0
				for m, err := range ask(t).Grep(t.Context(), x) {
					if err != nil {
						t.Fatal(err)
					}
					if n++; m.Host == "web02" && m.Count != row.count {
						t.Errorf("%s: %d lines", m.Key, m.Count)
					}
				}
				return n
			}},
			{"CountLines", func(t *testing.T) int {
				n := 0
				counts, err := ask(t).CountLines(t.Context(), x, sysops.CountOptions{Hosts: true, Progress: func() { n++ }})
				if err != nil {
					t.Fatal(err)
				}
				if want := (row.count - 1) * objects; row.line != "" && (counts[0].Count != want || string(counts[0].Line) != row.line) {
					t.Errorf("%d times %.80q", counts[0].Count, counts[0].Line)
				}
				return n
			}},
		} {
			t.Run(row.name+", "+way.name, func(t *testing.T) {
				t.Log(row.name)
				n := 0
				most := heap(func() { n = way.read(t) })
				t.Logf("%d MiB", most>>20)
				if n != objects+16 || most > bound {
					t.Errorf("%d objects in %d MiB", n, most>>20)
				}
			})
		}
	}
}
