package push

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// Whenever a host pushes, each object has a turn within a day of any moment, and where it
// pushes often, only a few have at a time.
func TestEachObjectHasItsTurnWithinADay(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for _, every := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 16 * time.Hour} {
		start := time.Unix(1_800_000_000+random.Int64N(1e6), 0)
		unseen := make(map[string]time.Time) // since when
		names := make([]string, 300)
		for i := range names {
			names[i] = fmt.Sprintf("/etc/file-%d", i)
			unseen[names[i]] = start
		}
		last, most, longest := start, 0, time.Duration(0)
		for now := start; now.Before(start.Add(60 * time.Hour)); {
			now = now.Add(time.Duration(float64(every) * (0.7 + 0.6*random.Float64())))
			turns := 0
			for _, name := range names {
				if hasTurn("web01", name, last, now) {
					turns++
					longest = max(longest, now.Sub(unseen[name]))
					unseen[name] = now
				}
			}
			most, last = max(most, turns), now
		}
		for _, since := range unseen {
			longest = max(longest, last.Sub(since))
		}
		if longest > 24*time.Hour {
			t.Errorf("every %v: an object is not looked at for %v", every, longest)
		}
		if every <= time.Hour && most > 3*len(names)*int(every/time.Minute)/(20*60)+10 {
			t.Errorf("every %v: %d objects are read back at a time", every, most)
		}
	}
	if now := time.Now(); hasTurn("web01", "/etc/passwd", now, now) || hasTurn("web01", "/etc/passwd", now.Add(time.Hour), now) {
		t.Error("an object has a turn when no time has passed")
	}
}

// spoils are what others may do to a stored object.
var spoils = []struct {
	name  string
	spoil func(s *redistest.Server, key, other string)
}{
	{"a valid frame of other contents", func(s *redistest.Server, key, _ string) {
		s.Must("LSET", key, "0", string(frame.NewEncoder().Encode([]byte("other contents\n"))))
	}},
	{"the contents of another host", func(s *redistest.Server, key, other string) {
		s.Must("LSET", key, "0", s.Must("LINDEX", other, "0").(string))
	}},
	{"a frame that is cut", func(s *redistest.Server, key, _ string) {
		packed := s.Must("LINDEX", key, "0").(string)
		s.Must("LSET", key, "0", packed[:len(packed)/2])
	}},
	{"no frame", func(s *redistest.Server, key, _ string) { s.Must("LSET", key, "0", "junk") }},
	{"nothing", func(s *redistest.Server, key, _ string) { s.Must("LSET", key, "0", "") }},
	{"another stat", func(s *redistest.Server, key, _ string) { s.Must("LSET", key, "2", `{"mode":33279}`) }},
	{"another count", func(s *redistest.Server, key, _ string) {
		s.Must("LSET", key, "3", `{"lines":1,"words":1,"bytes":1}`)
	}},
	{"another time", func(s *redistest.Server, key, _ string) { s.Must("LSET", key, "4", "1") }},
	{"two elements alone", func(s *redistest.Server, key, _ string) { s.Must("LTRIM", key, "0", "1") }},
}

// A dayOfPushes is a host that pushes every 15 minutes of a clock of its own.
type dayOfPushes struct {
	t         *testing.T
	servers   []*redistest.Server
	publisher *Publisher
	now       time.Time
	snap      snapshot.Snapshot
}

func newDayOfPushes(t *testing.T, objects int) *dayOfPushes {
	t.Helper()
	d := &dayOfPushes{t: t, servers: redistest.Core(t, 2), now: time.Now(), snap: snapshot.Snapshot{Host: "web01", Machine: "m"}}
	servers := extract.NewServers(directory.List(redistest.URLs(d.servers)...), extract.Options{Timeout: redistest.Patience})
	t.Cleanup(func() { servers.Close() })
	d.publisher = NewPublisher(servers, "", false)
	d.publisher.clock = func(time.Time) time.Time { return d.now }
	for i := range objects {
		d.snap.Sources = append(d.snap.Sources, textOf(fmt.Sprintf("/etc/file-%02d", i), i))
	}
	other := d.snap
	other.Host, other.Sources = "web02", []snapshot.Source{textOf("/etc/file-00", 1000)}
	for _, snap := range []snapshot.Snapshot{other, d.snap, d.snap} { // the last refers to bases
		if _, err := d.publisher.Publish(t.Context(), "", snap); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func textOf(name string, seed int) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		random := rand.New(rand.NewPCG(1, 1))
		var b strings.Builder
		for range 40 {
			fmt.Fprintf(&b, "a line that all have: %x\n", random.Uint64())
		}
		fmt.Fprintln(&b, seed)
		return snapshot.Content{Data: []byte(b.String()), Stat: &snapshot.Stat{Mode: 0o100644, Size: int64(b.Len()), Mtime: 1700000000}}, nil
	}}
}

// day pushes for a day, and returns what was noticed at the first server, and how often.
func (d *dayOfPushes) day() map[string]int {
	d.t.Helper()
	noticed := make(map[string]int)
	for range 24 * 4 {
		d.now = d.now.Add(15 * time.Minute)
		r, err := d.publisher.Publish(d.t.Context(), "", d.snap)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, name := range r.Servers[0].Foreign {
			noticed[name]++
		}
		if len(r.Servers[1].Foreign) > 0 {
			d.t.Errorf("the other server is said to have others' %q", r.Servers[1].Foreign)
		}
	}
	return noticed
}

// Whatever others put in place of objects, within a day of pushes all of it is noticed,
// mended, and told once.
func TestWhatOthersHaveReplacedIsNoticedWithinADay(t *testing.T) {
	t.Parallel()
	d := newDayOfPushes(t, len(spoils)+5)
	s := d.servers[0]
	want := make(map[string]string)
	for _, src := range d.snap.Sources {
		want["web01#"+src.Name] = fmt.Sprint(s.Must("LRANGE", "web01#"+src.Name, "1", "-1"))
	}
	if noticed := d.day(); len(noticed) > 0 {
		t.Errorf("nobody has replaced anything, and these are told: %v", noticed)
	}
	for i, row := range spoils {
		row.spoil(s, fmt.Sprintf("web01#/etc/file-%02d", i), "web02#/etc/file-00")
	}
	s.Must("DEL", fmt.Sprintf("web01#/etc/file-%02d", len(spoils)))
	noticed := d.day()
	for i, row := range spoils {
		if n := noticed[fmt.Sprintf("/etc/file-%02d", i)]; n != 1 {
			t.Errorf("%s: noticed %d times", row.name, n)
		}
	}
	if len(noticed) != len(spoils) {
		t.Errorf("told: %v; of what was deleted there is nothing to tell", noticed)
	}
	for key, elements := range want {
		deleted := strings.HasSuffix(key, fmt.Sprint(len(spoils))) // and first seen anew
		if got := fmt.Sprint(s.Must("LRANGE", key, "1", "-1")); got != elements && !deleted {
			t.Errorf("%s: %s, want %s", key, got, elements)
		}
		if err := d.readable(s, key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// readable reports whether an object's frame is what its host has.
func (d *dayOfPushes) readable(s *redistest.Server, key string) error {
	packed := []byte(s.Must("LINDEX", key, "0").(string))
	var base *frame.Base
	if id, refers := frame.BaseOf(packed); refers {
		var err error
		if base, err = frame.OpenBase(id, []byte(s.Must("GET", fmt.Sprintf("$base:%x", id[:])).(string))); err != nil {
			return err
		}
	}
	contents, err := frame.NewDecoder(0).Decode(packed, base)
	if err == nil && !strings.HasSuffix(string(contents), "\n"+strconv.Itoa(number(key))+"\n") {
		err = fmt.Errorf("its contents end in %.20q", contents[max(0, len(contents)-20):])
	}
	return err
}

func number(key string) int {
	n, err := strconv.Atoi(key[strings.LastIndex(key, "-")+1:])
	if err != nil {
		panic(err)
	}
	return n
}

// A base of which a few bytes differ is found within a day as well, and put back.
func TestADamagedBaseIsNoticedWithinADay(t *testing.T) {
	t.Parallel()
	d := newDayOfPushes(t, 4)
	s := d.servers[0]
	keys := s.Must("KEYS", "$base:*").([]any)
	if len(keys) == 0 {
		t.Fatal("there are no bases")
	}
	for _, key := range keys {
		packed := s.Must("GET", key.(string)).(string)
		s.Must("SETRANGE", key.(string), strconv.Itoa(len(packed)-3), string([]byte{packed[len(packed)-3] ^ 0xff}))
	}
	d.day()
	for _, src := range d.snap.Sources {
		if err := d.readable(s, "web01#"+src.Name); err != nil {
			t.Errorf("%s: %v", src.Name, err)
		}
	}
}
