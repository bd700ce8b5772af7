package wholetest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// lostKeys are ways in which a server can lose a key of its index, or what is in it. What the only
// server of a core cannot notice is in docs/reliability.md.
var lostKeys = []struct {
	name string
	do   []string
}{
	{"the list of a name", []string{"DEL", "$on:/etc/motd"}},
	{"the list of a name but for a stranger", []string{"EVAL", "redis.call('DEL', KEYS[1]) return redis.call('SADD', KEYS[1], 'stranger')", "1", "$on:/etc/motd"}},
	{"an entry of a name", []string{"SREM", "$on:/etc/motd", "web02"}},
	{"the list of a name is of another type", []string{"SET", "$on:/etc/motd", "x"}},
	{"all names", []string{"DEL", "$names"}},
	{"all names are of another type", []string{"SET", "$names", "x"}},
	{"all hosts", []string{"DEL", "$hosts"}},
	{"all hosts are of another type", []string{"SET", "$hosts", "x"}},
	{"all expiries", []string{"DEL", "$live"}},
	{"an expiry", []string{"ZREM", "$live", "web02"}},
	{"all expiries are of another type", []string{"SET", "$live", "x"}},
	{"what a host says of itself", []string{"DEL", "$of:web02"}},
	{"what a host says of itself is of another type", []string{"SET", "$of:web02", "x"}},
	{"the bases of a name", []string{"DEL", "$bases:/etc/motd"}},
	{"the roster", []string{"DEL", "$roster"}},
}

// A server that has lost one key of its index says of no host that it lacks what it has: the answer
// has all there is, or says that it has not. With a sibling that has the key, it is whole.
func TestALostKeyOfTheIndexIsNoAbsence(t *testing.T) {
	for _, servers := range []int{1, 2} {
		for _, tended := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d servers, gc %v", servers, tended), func(t *testing.T) {
				t.Parallel()
				core := redistest.Core(t, servers)
				c := connect(t, redistest.URLs(core)...)
				for _, lost := range lostKeys {
					for _, s := range core {
						s.Must("FLUSHALL")
					}
					for _, h := range []string{"web01", "web02", "web03"} {
						publish(t, c, snapshotOf(h, text("/etc/motd", h+"\n"), text("/etc/issue", "Debian\n")))
					}
					if tended {
						if _, err := c.GC(t.Context(), sysops.Where{}, 1<<50); err != nil {
							t.Fatal(err)
						}
					}
					before := readings(t, c)
					core[0].Must(lost.do...)
					for what, got := range readings(t, c) {
						want := before[what]
						switch {
						case got.err != nil && servers == 1: // it says that it has no answer
						case got.err != nil:
							t.Errorf("%s: %s: %v", lost.name, what, got.err)
						case len(got.complete.Lacking) > 0:
							t.Errorf("%s: %s: %q are told as lacking", lost.name, what, got.complete.Lacking)
						case !slices.Equal(got.rows, want.rows) && (servers == 2 || !got.complete.Partial()):
							t.Errorf("%s: %s: %q; want %q: %s", lost.name, what, got.rows, want.rows, got.complete)
						}
					}
				}
			})
		}
	}
}

// A reading is what came of a question that reads objects.
type reading struct {
	rows     []string
	complete *sysops.Completeness
	err      error
}

// readings asks for objects in the ways in which an answer can say that a host lacks one.
func readings(t *testing.T, c *sysops.Client) map[string]reading {
	t.Helper()
	out := make(map[string]reading)
	for what, p := range map[string]sysops.Pattern{
		"a name": pattern(t, "/etc/motd"), "all of a host": pattern(t, "web02#*"), "one object": pattern(t, "web02#/etc/motd"),
	} {
		var r reading
		r.rows, r.complete, r.err = read(t.Context(), c, sysops.Query{Pattern: p, Where: sysops.Where{Patient: true}})
		out[what] = r
	}
	return out
}
