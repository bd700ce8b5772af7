package extract

import (
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// A hostState is what the members of a core know of one host.
type hostState struct {
	name    string
	moment            // of its latest push; no time: only the original's inserter knows it, or it is undated
	expires time.Time // of its snapshot, by our clock
	has     uint64    // the members that have the latest push

	odd        bool // the time that a hint says cannot be true
	undated    bool // nobody knows when it was pushed, though servers have it
	suspect    bool // another hint about it was found to be wrong
	unverified bool // only hints say that there is such a host: no server that answers has it
	left       bool // it has left since its last push
	short      bool // gc has verified it, and no server that answers has it

	owned  bool // of all cores that know it, this one has its latest push
	wanted bool // owned, live, and in the query's host sets: its objects are wanted

	id    int // its place in the table of its core
	at    int // where its targets begin
	count int // how many it has

	number int // among the hosts of the answer; see Survey.NumberHosts
}

// sameWithin is how far the corrected clocks of two servers may disagree on the
// time of one push: a server that was slow to take it is not behind.
const sameWithin = 30 * time.Second

// markedWithin is how close two pushes must be for their marks to tell which came
// first; otherwise the corrected clocks do.
const markedWithin = 10 * time.Second

// A moment is when a host pushed, or left, as far as one server can tell.
type moment struct {
	pushed time.Time // by our clock; zero: nobody knows
	mark   int
	serial int64 // 0: nobody knows
}

// momentOf is what m says of a push. Times and serials that lie beyond the present of the
// server's clock say nothing.
func (m *member) momentOf(p *store.PushTime) moment {
	w := moment{mark: p.Mark, serial: p.Serial}
	if m.believable(p.At) {
		w.pushed = p.At.Add(-m.index.Offset)
	}
	if store.SerialIsBeyond(p.Serial, m.index.Now) {
		w.serial = 0
	}
	return w
}

// says reports whether anything is known of the moment.
func (w *moment) says() bool { return !w.pushed.IsZero() || w.serial != 0 }

// is reports whether two servers tell of the same push.
func (w *moment) is(other *moment) bool {
	switch {
	case w.mark != other.mark && !w.pushed.IsZero() && !other.pushed.IsZero():
		return false
	case w.serial != 0 && other.serial != 0:
		return w.serial == other.serial
	}
	return w.mark == other.mark && w.pushed.Sub(other.pushed).Abs() <= sameWithin
}

// A hostTable holds what is known of the hosts of a core.
type hostTable struct {
	list  []*hostState   // by id
	ids   map[string]int // by name
	space []hostState    // for the next ones
}

func makeHosts(n int) hostTable {
	return hostTable{list: make([]*hostState, 0, n), ids: make(map[string]int, n), space: make([]hostState, n)}
}

// get returns the host of that name, or nil.
func (t *hostTable) get(name string) *hostState {
	if id, ok := t.ids[name]; ok {
		return t.list[id]
	}
	return nil
}

// names returns the names of all hosts.
func (t *hostTable) names() []string {
	out := make([]string, len(t.list))
	for i, h := range t.list {
		out[i] = h.name
	}
	return out
}

// getAfter is get, for hosts in the order in which a server lists them: all servers
// list them in nearly the same one, so the host is most often the one after last.
func (t *hostTable) getAfter(last *hostState, name string) *hostState {
	if last != nil && last.id+1 < len(t.list) {
		if h := t.list[last.id+1]; h.name == name {
			return h
		}
	}
	return t.get(name)
}

// add adds a host that is not there yet.
func (t *hostTable) add(name string) *hostState {
	if len(t.space) == 0 {
		t.space = make([]hostState, 64)
	}
	h := &t.space[0]
	t.space = t.space[1:]
	h.name, h.id = name, len(t.list)
	t.list = append(t.list, h)
	t.ids[name] = h.id
	return h
}

// later reports whether w came after other, a moment of the same host. The host's own count
// goes before what servers' clocks said.
func (w *moment) later(other *moment) bool {
	if w.serial != 0 && other.serial != 0 && w.serial != other.serial {
		return w.serial > other.serial
	}
	apart := w.pushed.Sub(other.pushed)
	if apart.Abs() <= markedWithin && w.mark != other.mark {
		return store.MarkedAfter(w.mark, other.mark)
	}
	return apart > 0
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// live reports whether a host's snapshot has not expired at now, our clock.
func (h *hostState) live(now time.Time) bool { return h.expires.After(now) }
