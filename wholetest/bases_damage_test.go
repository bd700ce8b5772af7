package wholetest_test

// What becomes of answers and of the next push where a server has lost a base, or has
// something else in its place.

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

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
			got, complete, err := read(t.Context(), connect(t, b.urls...), sysops.Query{Pattern: pattern(t, ctl)})
			if err != nil || len(got) != 1 || len(complete.Unreadable) != 2 || !strings.Contains(complete.Unreadable[0].Reason, b.id) {
				t.Errorf("with no good copy left: %d objects, %v, %+v", len(got), err, complete.Unreadable)
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
