package wholetest_test

// The bases that gc chooses where hosts may not write any.

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A chosenFleet is hosts that each push as their own user, which may not write bases.
type chosenFleet struct {
	*confinedFleet
	hosts   []string
	clients map[string]*sysops.Client
	body    map[string]string // of ctl, by host
	ttl     time.Duration
}

// newChosenFleet has hosts web01 and so on, which have pushed once. The first half is of one
// family, the others of another.
func newChosenFleet(t *testing.T, servers, hosts int) *chosenFleet {
	t.Helper()
	f := &chosenFleet{body: make(map[string]string), clients: make(map[string]*sysops.Client)}
	for n := range hosts {
		f.hosts = append(f.hosts, fmt.Sprintf("web%02d", n+1))
		f.body[f.hosts[n]] = settings(1+2*n/hosts, n)
	}
	f.confinedFleet = newConfinedFleet(t, servers, f.hosts[2:]...)
	for _, h := range f.hosts {
		f.clients[h] = f.as("host:" + h)
	}
	f.push()
	return f
}

func (f *chosenFleet) pushOf(host string, more ...snapshot.Source) *snapshot.Report {
	f.t.Helper()
	snap := snapshotOf(host, append(more, text(ctl, f.body[host]))...)
	snap.TTL = f.ttl
	return publish(f.t, f.clients[host], snap)
}

func (f *chosenFleet) push() {
	f.t.Helper()
	for _, h := range f.hosts {
		f.pushOf(h)
	}
}

func (f *chosenFleet) gc() []sysops.ServerChange {
	f.t.Helper()
	changes, err := f.as("ops").GC(f.t.Context(), sysops.Where{}, time.Hour)
	if err != nil {
		f.t.Fatal(err)
	}
	return changes
}

// chosen are the bases of a server that never expire, sorted.
func chosen(t *testing.T, s *redistest.Server) (ids []string) {
	t.Helper()
	for _, key := range bases(t, s) {
		if id := strings.TrimPrefix(key, "$base:"); id != "chosen" && pttl(t, s, key) == -time.Millisecond {
			ids = append(ids, id)
		}
	}
	return ids
}

// refers returns how many objects of ctl refer to one of these bases.
func (f *chosenFleet) refers(s *redistest.Server, ids []string) (n int) {
	f.t.Helper()
	for _, h := range f.hosts {
		if _, _, base := frameOf(f.t, s, h+"#"+ctl); slices.Contains(ids, base) {
			n++
		}
	}
	return n
}

// whole makes sure that all objects are what their hosts pushed, at each server.
func (f *chosenFleet) whole() {
	f.t.Helper()
	var want []string
	for _, h := range f.hosts {
		want = append(want, h+"#"+ctl+": "+f.body[h])
	}
	readFromEach(f.t, f.servers, want...)
}

// Where hosts may not write bases gc does, and with its next push each host uses them, also
// one that asked for them a moment before.
func TestGCChoosesBasesWhereHostsMayNotWriteThem(t *testing.T) {
	t.Parallel()
	f := newChosenFleet(t, 2, 12)
	for _, s := range f.servers {
		if n := len(bases(t, s)); n > 0 {
			t.Fatalf("hosts have written %d bases", n)
		}
	}
	for _, c := range f.gc() {
		if c.Bases != 2 {
			t.Errorf("%+v; want a base a family", c)
		}
	}
	f.push()
	f.whole()
	for _, s := range f.servers {
		ids := chosen(t, s)
		if n := f.refers(s, ids); len(ids) != 2 || n != len(f.hosts) || !slices.Equal(ids, claims(t, s, ctl)) {
			t.Errorf("%d objects refer to the %d chosen bases; %q are listed", n, len(ids), claims(t, s, ctl))
		}
	}
	if ids := chosen(t, f.servers[0]); !slices.Equal(ids, chosen(t, f.servers[1])) {
		t.Error("the servers have other bases")
	}

	// From then on nothing is refused, and nothing travels.
	f.push()
	for _, s := range f.servers {
		s.Must("ACL", "LOG", "RESET")
	}
	for _, h := range f.hosts {
		for _, p := range f.pushOf(h).Servers {
			if p.Renewed != 1 || p.Replaced+p.Repaired > 0 || p.Sent > 2000 {
				t.Errorf("%s: %+v", h, p)
			}
		}
	}
	for _, s := range f.servers {
		if refused := s.Must("ACL", "LOG").([]any); len(refused) > 0 {
			t.Errorf("refused: %v", refused)
		}
	}
	for _, c := range f.gc() {
		if c.Bases != 0 {
			t.Errorf("%+v; nothing is to be added", c)
		}
	}
}

// Whatever is in a base three hosts hold, and have said that others may read it.
func TestABaseHoldsWhatThreeHostsHold(t *testing.T) {
	t.Parallel()
	f := newChosenFleet(t, 1, 8)
	const pair, secret, unlike, liar = "/etc/pair", "/etc/secret", "/etc/unlike", "/etc/liar"
	for n, h := range f.hosts {
		own := fmt.Sprintf("own-of-%d-", n)
		sources := []snapshot.Source{
			mode(secret, settings(5, n), 0o100600), text(unlike, own+settings(10+n, n)), private(text("/etc/private", settings(6, n))),
			text(ctl+"-more", settings(7, n)+own+noiseLine(n)+"\n"),
		}
		if n < 2 {
			sources = append(sources, text(pair, settings(8, n)))
		}
		f.pushOf(h, sources...)
	}
	// One host says that others hold its own.
	for _, h := range f.hosts {
		f.servers[0].Must("SADD", "$on:"+liar, h)
	}
	f.pushOf("web01", text(liar, settings(9, 1)))
	f.gc()
	for _, name := range []string{pair, secret, "/etc/private", liar} {
		if got := claims(t, f.servers[0], name); len(got) > 0 {
			t.Errorf("%s has bases: %q", name, got)
		}
	}
	if got := claims(t, f.servers[0], ctl+"-more"); len(got) == 0 {
		t.Error("what all hosts hold has no base")
	}
	for _, id := range chosen(t, f.servers[0]) {
		base := baseContents(t, f.servers[0], id)
		for n := range f.hosts {
			if strings.Contains(base, fmt.Sprintf("own-of-%d", n)) || strings.Contains(base, noiseLine(n)) {
				t.Errorf("base %.8s has what is web%02d's own", id, n+1)
			}
		}
	}
}

func noiseLine(n int) string { return strconv.Itoa(1_000_003 * (n + 11)) }

func baseContents(t *testing.T, s *redistest.Server, id string) string {
	t.Helper()
	contents, err := frame.NewDecoder(1<<20).Decode([]byte(s.Must("GET", "$base:"+id).(string)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(contents)
}

// Where hosts write bases gc chooses none, be it for a name that few of them help: those who
// pushed before there were any stand by themselves, and so do those who have little in common.
func TestGCChoosesNoBasesWhereHostsDo(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connect(t, s.URL())
	alone(t, []*redistest.Server{s}, snapshotOf("old01", text(ctl, settings(1, 90))))
	for n := range 12 {
		few := settings(1, n)
		few = few[:len(few)/3] + noise(3000, uint64(n))
		publish(t, connect(t, s.URL()), snapshotOf(fmt.Sprintf("web%02d", n), text(ctl, settings(1, n)), text("/few", strings.ToValidUTF8(strings.ReplaceAll(few, "\x00", " "), "?"))))
	}
	before := bases(t, s)
	changes, err := c.GC(t.Context(), sysops.Where{}, time.Hour)
	if err != nil || changes[0].Bases != 0 || !slices.Equal(bases(t, s), before) || len(before) == 0 {
		t.Errorf("%v, %+v; bases before %q, after %q", err, changes, before, bases(t, s))
	}
}

// Once hosts may not write bases any more, gc chooses some as soon as they refer to none of
// their own.
func TestGCChoosesBasesOnceHostsMayNotWriteThem(t *testing.T) {
	t.Parallel()
	f := newBaseFleet(t, redistest.Start(t, hostUser(openRules)))
	s := f.servers[0]
	f.push("before")
	f.permit(s, fleetRules)
	f.push("since then")
	changes, err := connect(t, s.URL()).GC(t.Context(), sysops.Where{}, time.Hour)
	if err != nil || changes[0].Bases != 1 {
		t.Errorf("%v, %+v; want one base", err, changes)
	}
	f.push("after gc")
	f.check("after gc")
	if n := references(t, s); n != len(f.hosts) {
		t.Errorf("%d objects refer to a base, want %d", n, len(f.hosts))
	}
}

// A chosen base goes when no host refers to it, and none has for twice the TTL.
func TestAnIdleBaseGoes(t *testing.T) {
	t.Parallel()
	f := newChosenFleet(t, 2, 8)
	f.gc()
	f.push()
	before := chosen(t, f.servers[0])
	for n, h := range f.hosts { // the second family is gone
		f.body[h] = settings(1, n)
	}
	f.push()
	f.gc()
	if ids := chosen(t, f.servers[0]); !slices.Equal(ids, before) {
		t.Fatalf("of %q there are %q, though a host may be about to use one", before, ids)
	}
	for _, s := range f.servers {
		for _, id := range before { // as if gc had last seen it in use 13 hours ago
			s.Must("ZADD", "$bases:"+ctl, strconv.FormatInt(-serverTime(t, s)+13*3600, 10), id)
		}
	}
	f.gc()
	for _, s := range f.servers {
		ids := chosen(t, s)
		if len(ids) != 1 || f.refers(s, ids) != len(f.hosts) || !slices.Equal(claims(t, s, ctl), ids) {
			t.Errorf("of %q there are %q, which %d objects refer to; %q are listed", before, ids, f.refers(s, ids), claims(t, s, ctl))
		}
	}
	f.push()
	f.whole()
}

// A chosen base that is lost or damaged at one server is put back by gc. Until then a host
// stands by itself there with its next push, and after that uses it again.
func TestADamagedChosenBaseIsPutBack(t *testing.T) {
	t.Parallel()
	for _, fault := range baseFaults {
		if fault.name == "nothing any more" || fault.name == "a frame 02" || strings.HasPrefix(fault.name, "a frame 01") {
			continue // as for nothing, and they need a base of a host's
		}
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			f := newChosenFleet(t, 2, 4)
			for n, h := range f.hosts {
				f.body[h] = settings(1, n)
			}
			f.push()
			f.gc()
			f.push()
			id := chosen(t, f.servers[0])[0]
			whole := f.servers[0].Must("GET", "$base:"+id).(string)
			fault.spoil(&based{packed: whole, id: id, body: f.body}, f.servers[0], "$base:"+id)
			f.push()
			f.whole()
			if n := f.refers(f.servers[0], []string{id}); n != 0 {
				t.Errorf("%d objects still refer to it", n)
			}
			f.gc()
			if got := f.servers[0].Must("GET", "$base:"+id); got != whole || pttl(t, f.servers[0], "$base:"+id) != -time.Millisecond {
				t.Error("it has not been put back")
			}
			f.push()
			f.whole()
			if n := f.refers(f.servers[0], []string{id}); n != len(f.hosts) {
				t.Errorf("%d objects of %d use it again", n, len(f.hosts))
			}
		})
	}
}

// Each push of an agent is a process of its own: what it has learned lies on disk, and it
// uses what gc has chosen since, though it has asked for bases within the hour.
func TestAnAgentRemembersThatItMayNotWriteBases(t *testing.T) {
	t.Parallel()
	f := newChosenFleet(t, 1, 8)
	s := f.servers[0]
	folder := filepath.Join(t.TempDir(), "bases")
	push := func(contents string) (refused int) {
		s.Must("ACL", "LOG", "RESET")
		c := connectTo(t, sysops.ServerList(s.URL()), sysops.Options{User: "host:web01", Password: f.password("host:web01"), BasesFolder: folder})
		publish(t, c, snapshotOf("web01", text(ctl, contents)))
		c.Close()
		return len(s.Must("ACL", "LOG").([]any))
	}
	for round := range 3 {
		if n := push(settings(1, 100+round)); (n > 0) != (round == 0) {
			t.Errorf("push %d: %d commands are refused", round, n)
		}
	}
	f.gc()
	for round, refused := range []bool{true, false, false} { // once it tries to renew one
		if n := push(settings(1, 102)); (n > 0) != refused {
			t.Errorf("push %d after gc: %d commands are refused", round, n)
		}
		if _, kind, base := frameOf(t, s, "web01#"+ctl); !slices.Contains(chosen(t, s), base) {
			t.Errorf("push %d after gc: the object is %s, against %.8q", round, kind, base)
		}
	}
}

// The keys of a Cluster lie on several servers, which a request with several keys must heed.
func TestGCChoosesBasesInACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.Cluster(t, 3, hostUser(fleetRules))
	push := func() {
		c := connectTo(t, sysops.ServerList(cluster.URL()), sysops.Options{User: "host", Password: "any", Timeout: redistest.Patience})
		for n := range 8 {
			publish(t, c, snapshotOf(fmt.Sprintf("web%02d", n), text(ctl, settings(1, n)), text(ctl+"-2", settings(2, n))))
		}
		c.Close()
	}
	push()
	for round, want := range []int{2, 0} {
		changes, err := connect(t, cluster.URL()).GC(t.Context(), sysops.Where{}, time.Hour)
		if err != nil || len(changes) != 1 || changes[0].Bases != want {
			t.Errorf("gc %d: %+v, %v; want %d bases", round, changes, err, want)
		}
		push()
	}
	for n := range 8 {
		packed := cluster.Must("LINDEX", fmt.Sprintf("web%02d#%s", n, ctl), "0").(string)
		if id, refers := frame.BaseOf([]byte(packed)); !refers || cluster.Must("PTTL", fmt.Sprintf("$base:%x", id[:])) != int64(-1) {
			t.Errorf("web%02d does not refer to a base that stays", n)
		}
	}
}
