package store

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A world is a server, and who writes to it.
type world struct {
	*redistest.Server
	t     *testing.T
	store *Server
	now   int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := redistest.Start(t)
	s, err := Open(server.URL(), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &world{server, t, s, time.Now().Unix()}
}

// ttl is the lifetime of the snapshots of a world, in seconds.
const ttl = 6 * 3600

// pushed makes a host as a push of these names leaves it, so many seconds ago.
func (w *world) pushed(host string, ago int64, names ...string) {
	w.t.Helper()
	at, expires := fmt.Sprint(w.now-ago), fmt.Sprint(w.now-ago+ttl)
	for _, name := range names {
		if left := ttl - ago; left > 0 {
			w.object(host, name)
			w.Must("EXPIRE", keyObject(host, name), fmt.Sprint(left))
		}
		w.Must("SADD", keyOn(name), host)
		w.Must("HSET", keyOf(host), name, "record")
		w.Must("SADD", keyNames, name)
	}
	w.Must("ZADD", keyHosts, at, host)
	w.Must("ZADD", keyLive, expires, host)
	w.Must("HSET", keyOf(host), fieldMachine, "m", fieldTTL, fmt.Sprint(ttl), fieldPush, at, fieldExpires, expires)
}

// pushedByOlder is pushed, by an agent that writes neither $push nor $expires.
func (w *world) pushedByOlder(host string, ago int64, names ...string) {
	w.t.Helper()
	w.pushed(host, ago, names...)
	w.Must("HDEL", keyOf(host), fieldPush, fieldExpires)
}

func (w *world) object(host, name string) {
	w.t.Helper()
	w.Must("RPUSH", keyObject(host, name), "contents", "md5sum", "stat", "wordcount", "1")
}

// prune prunes with pages so small that the least server has several.
func (w *world) prune(how Pruning) (Pruned, []string) {
	w.t.Helper()
	verified := make(map[string]bool)
	how.Verified = func(_ context.Context, hosts []string) error {
		for _, h := range hosts {
			verified[h] = true
		}
		return nil
	}
	how.Keep, how.Page, how.Settle = 24*time.Hour, 3, time.Millisecond
	p, err := w.store.Prune(w.t.Context(), how)
	if err != nil {
		w.t.Error(err)
	}
	return p, slices.Sorted(maps.Keys(verified))
}

// traces returns the keys and members that name the host.
func (w *world) traces(host string) []string {
	w.t.Helper()
	var found []string
	for line := range strings.Lines(redistest.Dump(w.t, w.Server)) {
		if strings.Contains(line, strconv.Quote(host)) || strings.Contains(line, keyOf(host)+`"`) || strings.Contains(line, `"`+host+keySeparator) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func (w *world) is(want any, command ...string) {
	w.t.Helper()
	if got := w.Must(command...); got != want {
		w.t.Errorf("%s is %v, want %v", strings.Join(command, " "), got, want)
	}
}

// A hostCase is a host "h" in some state, and what gc is to make of it.
type hostCase struct {
	what     string
	make     func(w *world)
	stays    bool // in $of:h
	verified bool
}

const day = int64(24 * 3600)

var hostCases = []hostCase{
	{"it pushed", func(w *world) { w.pushed("h", 60, "/x") }, true, true},
	{"it expired lately", func(w *world) { w.pushed("h", day, "/x") }, true, true},
	{"it expired long ago", func(w *world) { w.pushed("h", 2*day, "/x") }, false, false},
	{"it expired long ago, and an object is there", func(w *world) {
		w.pushed("h", 2*day, "/x")
		w.object("h", "/x")
		w.Must("EXPIRE", "h#/x", "100")
	}, true, true},
	{"others say that it expired", func(w *world) { w.pushed("h", 60, "/x"); w.Must("ZADD", keyLive, "1", "h") }, true, true},
	{"others say so, and that it pushed long ago", func(w *world) {
		w.pushed("h", 60, "/x")
		w.Must("ZADD", keyLive, "1", "h")
		w.Must("ZADD", keyHosts, "1", "h")
	}, true, true},
	{"others say that it lives for ever", func(w *world) {
		w.pushed("h", 2*day, "/x")
		w.Must("ZADD", keyLive, "1e12", "h")
		w.Must("ZADD", keyHosts, "inf", "h")
	}, false, false},
	{"nobody lists it", func(w *world) { w.pushed("h", 60, "/x"); w.Must("DEL", keyLive, keyHosts, keyNames) }, true, true},
	{"it has lost its objects", func(w *world) { w.pushed("h", 60, "/x"); w.Must("DEL", "h#/x") }, true, true},
	{"its clock was years ahead, and it has no object", func(w *world) { w.pushed("h", -1000*day); w.Must("DEL", keyLive) }, false, false},
	{"it left lately", func(w *world) { w.pushed("h", 60); w.Must("HSET", keyOf("h"), fieldLeft, fmt.Sprint(w.now)) }, true, false},
	{"it left long ago", func(w *world) { w.pushed("h", 3*day); w.Must("HSET", keyOf("h"), fieldLeft, fmt.Sprint(w.now-2*day)) }, false, false},
	{"it left and came back", func(w *world) {
		w.pushed("h", 60, "/x")
		w.Must("HSET", keyOf("h"), fieldLeft, fmt.Sprint(w.now-2*day))
	}, true, true},
	{"an older agent pushed it", func(w *world) { w.pushedByOlder("h", 60, "/x") }, true, true},
	{"an older agent pushed it, and others say that it expired", func(w *world) {
		w.pushedByOlder("h", 60, "/x")
		w.Must("ZADD", keyLive, "1", "h")
	}, true, true},
	{"an older agent's expired lately", func(w *world) { w.pushedByOlder("h", day, "/x") }, true, true},
	{"an older agent's expired long ago", func(w *world) { w.pushedByOlder("h", 2*day, "/x") }, false, false},
	{"it was adopted", func(w *world) {
		w.pushedByOlder("h", 60, "/x")
		w.Must("HDEL", keyOf("h"), fieldMachine, fieldTTL)
	}, true, true},
	{"it was adopted, and its objects are gone", func(w *world) {
		w.pushedByOlder("h", day, "/x")
		w.Must("HDEL", keyOf("h"), fieldMachine, fieldTTL)
	}, true, false},
	{"others list it", func(w *world) {
		w.Must("ZADD", keyHosts, fmt.Sprint(w.now), "h")
		w.Must("ZADD", keyLive, fmt.Sprint(w.now+ttl), "h")
		w.Must("SADD", keyOn("/x"), "h")
	}, false, false},
	{"others say when it expires", func(w *world) { w.Must("ZADD", keyLive, "1e300", "h"); w.Must("SADD", keyNames, "/x") }, false, false},
	{"there is no hash where it has its records", func(w *world) { w.Must("SET", keyOf("h"), "x"); w.Must("ZADD", keyHosts, "1", "h") }, false, false},
}

// What decides about a host is its own keys. $hosts and $live, which anyone may have
// written, decide only where these say nothing, and never against an object.
func TestPruneGoesByWhatAHostItselfHasWritten(t *testing.T) {
	t.Parallel()
	for _, row := range hostCases {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pushed("other", 60, "/x", "/y")
			before := w.traces("other")
			row.make(w)
			for range 2 {
				_, verified := w.prune(Pruning{})
				if slices.Contains(verified, "h") != row.verified || !slices.Contains(verified, "other") {
					t.Errorf("verified are %q", verified)
				}
			}
			if left := w.traces("h"); (len(left) > 0) != row.stays {
				t.Errorf("this is left of it: %q", left)
			}
			if after := w.traces("other"); !slices.Equal(after, before) {
				t.Errorf("of another host there was %q, and is %q", before, after)
			}
			if row.stays && row.verified {
				w.is(w.Must("HGET", keyOf("h"), fieldMachine), "HGET", keyOf("h"), fieldMachine)
				push, expires := w.Must("HGET", keyOf("h"), fieldPush), w.Must("HGET", keyOf("h"), fieldExpires)
				if push != nil && (w.Must("ZSCORE", keyHosts, "h") != push || w.Must("ZSCORE", keyLive, "h") != expires) {
					t.Errorf("it pushed at %v and expires at %v, and is listed with %v and %v", push, expires, w.Must("ZSCORE", keyHosts, "h"), w.Must("ZSCORE", keyLive, "h"))
				}
			}
		})
	}
}

// What leads nowhere is removed however much of it there is, without any command whose
// reply holds all of it.
func TestPruneHoldsLittleOfWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	w.Must("DEL", keySize)
	want := redistest.Dump(t, w.Server)
	const many = 20_000
	for i := range many / 100 {
		ghosts, scored, names := []string{}, []string{}, []string{}
		for n := range 100 {
			ghost := fmt.Sprintf("ghost%d", i*100+n)
			ghosts, names = append(ghosts, ghost), append(names, "/junk/"+ghost)
			scored = append(scored, "4000000000", ghost)
		}
		w.Must(append([]string{"ZADD", keyHosts}, scored...)...)
		w.Must(append([]string{"ZADD", keyLive}, scored...)...)
		w.Must(append([]string{"SADD", keyOn("/etc/motd")}, ghosts...)...)
		w.Must(append([]string{"SADD", keyOn(names[0])}, "web01", "web02", ghosts[0])...)
		w.Must(append([]string{"SADD", keyNames}, names...)...)
	}
	w.Must("CONFIG", "RESETSTAT")
	p, err := w.store.Prune(t.Context(), Pruning{Page: 100, Settle: time.Millisecond})
	if err != nil || p != (Pruned{Hosts: many, Entries: many + 3*many/100, Names: many}) {
		t.Errorf("%+v, %v", p, err)
	}
	stats := w.Must("INFO", "commandstats").(string)
	if whole := regexp.MustCompile(`cmdstat_(smembers|sinter|zrange|zrangebyscore|hgetall|hkeys|keys|xrange):`).FindString(stats); whole != "" {
		t.Errorf("%s was asked for", whole)
	}
	if got := redistest.Dump(t, w.Server); got != want {
		t.Errorf("there remains\n%s\nwant\n%s", got, want)
	}
}

// Objects that no push has recorded go, and those that would never expire are bounded.
// What the original's inserter wrote goes only where nobody reads it.
func TestPruneOfObjects(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		w := newWorld(t)
		w.pushed("web01", 3600, "/etc/motd", "/etc/eternal")
		w.Must("PERSIST", "web01#/etc/eternal")
		w.object("web01", "/etc/unrecorded")
		w.object("web01", "/etc/unrecorded-that-expires")
		w.Must("EXPIRE", "web01#/etc/unrecorded-that-expires", "100")
		w.object("old01", "/etc/motd")
		w.object("old01", "/etc/expires")
		w.Must("EXPIRE", "old01#/etc/expires", "100")
		w.Must("SET", "other#program", "x")
		w.Must("RPUSH", "other#list", "1", "2")
		w.pushed("gone01", 48*3600, "/etc/eternal")
		w.object("gone01", "/etc/eternal")
		p, _ := w.prune(Pruning{Foreign: foreign})
		want := Pruned{Objects: 2, Repaired: 2}
		if foreign {
			want.Objects = 4
		}
		if p.Objects != want.Objects || p.Repaired != want.Repaired {
			t.Errorf("foreign %v: %+v, want %+v", foreign, p, want)
		}
		w.is(int64(2), "EXISTS", "web01#/etc/motd", "web01#/etc/eternal")
		w.is(int64(0), "EXISTS", "web01#/etc/unrecorded", "web01#/etc/unrecorded-that-expires", "gone01#/etc/eternal")
		w.is(int64(2), "EXISTS", "other#program", "other#list")
		if left := w.Must("TTL", "web01#/etc/eternal").(int64); left < ttl-3700 || left > ttl-3600 {
			t.Errorf("it lives for %d s, and its snapshot for %d", left, ttl-3600)
		}
		if foreign {
			w.is(int64(0), "EXISTS", "old01#/etc/motd", "old01#/etc/expires")
		} else {
			w.is(int64(2), "EXISTS", "old01#/etc/motd", "old01#/etc/expires")
		}
	}
}

// A record of queries that has run to the last ID takes none any more. Its true entries
// stay.
func TestPruneOfTheRecordOfQueries(t *testing.T) {
	t.Parallel()
	const last = "18446744073709551615-18446744073709551615"
	for _, row := range []struct {
		what  string
		ids   []string
		stays int64
	}{
		{"at its last ID", []string{"1700000000000-0", last}, 1},
		{"at its last ID alone", []string{last}, 0},
		{"far ahead", []string{"1700000000000-0", "1700000000000-1", "9999999999999-0", "9999999999999-1"}, 2},
		{"as it is", []string{"1700000000000-0"}, 1},
	} {
		w := newWorld(t)
		for _, id := range row.ids {
			w.Must("XADD", keyQueries, id, "entry", "{}")
		}
		w.prune(Pruning{})
		length := int64(0)
		if w.Must("EXISTS", keyQueries) == int64(1) {
			length = w.Must("XLEN", keyQueries).(int64)
		}
		if length != row.stays {
			t.Errorf("%s: %d entries stay, want %d", row.what, length, row.stays)
		}
		if err := w.store.Record(t.Context(), []byte("{}")); err != nil {
			t.Errorf("%s: %v", row.what, err)
		}
	}
	w := newWorld(t)
	w.Must("EVAL", `for i = 1, ARGV[1] do redis.call("XADD", KEYS[1], "*", "entry", "") end`, "1", keyQueries, fmt.Sprint(4*maxQueries))
	w.prune(Pruning{})
	if n := w.Must("XLEN", keyQueries).(int64); n > maxQueries+200 {
		t.Errorf("%d entries stay", n)
	}
}

// The record of queries is bounded in bytes: by whoever adds to it, and by gc where others do.
func TestTheRecordOfQueriesIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bytes := func() int64 { return w.Must("MEMORY", "USAGE", keyQueries, "SAMPLES", "0").(int64) }
	for _, length := range []int{32 << 10, 4 << 10, 300} { // short ones after long ones are the worst
		entry := []byte(strings.Repeat("x", length))
		for range 3 << 20 / length {
			if err := w.store.Record(t.Context(), entry); err != nil {
				t.Fatal(err)
			}
		}
		if n := bytes(); n > 5*queryBytes {
			t.Errorf("after entries of %d bytes it takes %d", length, n)
		}
	}
	if n := w.Must("XLEN", keyQueries).(int64); n < 1000 {
		t.Errorf("of short entries %d stay", n)
	}
	w.Must("EVAL", `for i = 1, 20 do redis.call("XADD", KEYS[1], "*", "entry", string.rep("x", 1e6)) end`, "1", keyQueries)
	if w.prune(Pruning{}); bytes() > mostQueryBytes {
		t.Errorf("after gc it takes %d", bytes())
	}
}

// Keys of another type in the place of the index are in the way of every push. They are
// replaced by what $of:<host> tells.
func TestPruneReplacesWhatIsOfAnotherType(t *testing.T) {
	t.Parallel()
	fill := map[string][]string{
		keyHosts: {"SET", keyHosts, "x"}, keyLive: {"RPUSH", keyLive, "x"}, keyNames: {"ZADD", keyNames, "1", "x"},
		keyRoster: {"SET", keyRoster, "x"}, keyQueries: {"SET", keyQueries, "x"}, keyOn("/etc/motd"): {"SET", keyOn("/etc/motd"), "x"},
		keyBases("/etc/motd"): {"SET", keyBases("/etc/motd"), "x"}, keyOf("ghost"): {"SADD", keyOf("ghost"), "x"},
	}
	for key, command := range fill {
		w := newWorld(t)
		for _, h := range []string{"web01", "web02"} {
			w.pushed(h, 60, "/etc/motd", "/etc/"+h)
		}
		want := redistest.Dump(t, w.Server)
		w.Must("DEL", key)
		w.Must(command...)
		w.prune(Pruning{})
		w.prune(Pruning{}) // $names is remade of keys that come late in a scan
		if got := redistest.Dump(t, w.Server); got != want {
			t.Errorf("with %q there remains\n%s\nwant\n%s", command, got, want)
		}
	}
}

// What is removed is looked at once more, and put back where a push came between.
func TestPrunePutsBackWhatAPushHasWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushed("web01", 60, "/etc/motd")
	want := redistest.Dump(t, w.Server)
	g := newPruning(w.store, Pruning{Settle: time.Millisecond}, 0)
	ctx := t.Context()
	for what, remove := range map[string]func() error{
		"a host":   func() error { return g.unlist(ctx, []string{"web01"}) },
		"an entry": func() error { return g.dropEntries(ctx, []Ref{{"web01", "/etc/motd"}}) },
		"an object": func() error {
			_, err := w.store.unlinkIf(ctx, "web01#/etc/motd", func() (bool, error) {
				w.Must("RPUSH", "web01#/etc/motd", "x")
				w.Must("RPOP", "web01#/etc/motd")
				return true, nil
			})
			return err
		},
		"scores": func() error {
			h := hostDoubt{host: "web01", pushed: new(string), expires: new(string)}
			return g.restore(ctx, []hostDoubt{h})
		},
	} {
		if err := remove(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got := redistest.Dump(t, w.Server); got != want {
			t.Errorf("after %s was removed there remains\n%s\nwant\n%s", what, got, want)
		}
	}
	if g.done != (Pruned{}) {
		t.Errorf("%+v is counted", g.done)
	}
}

// What is in doubt is no more than can be kept, and is resolved in the end.
func TestDoubtsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		w.pushed(fmt.Sprintf("web%02d", i), 60, "/etc/motd")
		w.Must("ZADD", keyHosts, "1", fmt.Sprintf("web%02d", i))
		w.object(fmt.Sprintf("web%02d", i), "/junk")
	}
	p, err := w.store.Prune(t.Context(), Pruning{Keep: time.Hour, Page: 7, Wait: 10, Settle: time.Millisecond})
	if err != nil || p.Objects != 50 || p.Repaired != 50 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A member that is larger than any reply may be is in the way of every reader. It goes, and
// nothing else with it.
func TestPruneRemovesWhatIsTooLargeToBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	want := redistest.Dump(t, w.Server)
	large := `local v = string.rep(ARGV[1], ARGV[2]); for _, k in ipairs(KEYS) do redis.call("SADD", k, v) end`
	w.Must("EVAL", large, "2", keyNames, keyOn("/etc/motd"), strings.Repeat("x", 1<<20), fmt.Sprint(maxReply>>20+1))
	w.prune(Pruning{})
	if got := redistest.Dump(t, w.Server); got != want {
		t.Errorf("there remains\n%.3000s\nwant\n%s", got, want)
	}
}

// What is remade has all that the records of hosts tell.
func TestARemadeKeyIsWhatItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	w.pushedByOlder("web02", 60, "/etc/motd")
	want := redistest.Dump(t, w.Server)
	for key, add := range map[string][]string{
		keyHosts: {"ZADD", keyHosts, "1", "ghost"}, keyLive: {"ZADD", keyLive, "1", "ghost"}, keyNames: {"SADD", keyNames, "/junk"},
		keyOn("/etc/motd"): {"SADD", keyOn("/etc/motd"), "ghost"}, keyBases("/etc/motd"): {"ZADD", keyBases("/etc/motd"), "1", "ghost"},
	} {
		w.Must(add...)
		g := newPruning(w.store, Pruning{Page: 2}, 0)
		if err := g.remake(t.Context(), key); err != nil || !remakes(key) {
			t.Errorf("%s: %v", key, err)
		}
		if got := redistest.Dump(t, w.Server); got != want {
			t.Errorf("after %s was remade there is\n%s\nwant\n%s", key, got, want)
		}
	}
}

func TestTheRosterIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hosts []string
	for i := range 3 * chunk {
		hosts = append(hosts, fmt.Sprintf("web%04d", i))
	}
	if err := w.store.Enroll(t.Context(), hosts); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Strike(t.Context(), hosts[2:]); err != nil {
		t.Fatal(err)
	}
	got, err := w.store.Roster(t.Context())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, hosts[:2]) {
		t.Errorf("%q, %v", got, err)
	}
	if tending, err := w.store.Tending(t.Context()); err != nil || !tending.Pruned.IsZero() || tending.Roster != 2 {
		t.Errorf("%+v, %v", tending, err)
	}
	if err := w.store.MarkPruned(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tending, err := w.store.Tending(t.Context()); err != nil || time.Since(tending.Pruned).Abs() > time.Minute {
		t.Errorf("%+v, %v", tending, err)
	}
}
