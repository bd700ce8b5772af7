package extract

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A Report says what an answer rests on and what it lacks.
type Report struct {
	Expected   int      // hosts known to any server, or named by the request
	Answered   int      // with at least one object in the answer
	Stale      []string // live, last push older than Options.StaleAfter
	Undated    []string // their objects are there, and nobody knows when they pushed
	Missing    []string // expected, without a live snapshot
	Lacking    []string // live, without the object
	Unverified []string // hosts of which nothing but hints is known: neither expected nor missing
	AnyKey     bool     // the pattern says nothing of which hosts should have a match
	Unread     []Unread
	Cores      []CoreState
	Oldest     time.Duration // age of the oldest push that answered
	Newest     time.Duration
	Took       time.Duration
}

// A CoreState is the part that one core had in an answer.
type CoreState struct {
	Site, Core string
	Hosts      int      // that its servers know
	Short      int      // hosts that it should have, and no server that answers does
	Unseen     []string // what was not looked at, because somebody made it too large or spoiled it
	LeftOut    bool     // nothing, or not all, of it is in the answer
	Err        error    // why it is left out, stopped answering, is short of over 1 % of its hosts, or may be
	Servers    []ServerState
}

// A ServerState is the part that one server had in an answer.
type ServerState struct {
	Server string
	Err    error
	Lacks  int  // hosts of the core whose latest push it does not have
	Cold   bool // lacks more than 1 % of them
}

// coldShare: a server that lacks more than one host in coldShare is cold.
const coldShare = 100

// judgeLife has the answer say that it lacks a core all of whose hosts have expired: agents that no
// longer reach its servers, rather than hosts that are all down, leave it so. What has moved to
// another core, or left, is not of it.
func (k *coreState) judgeLife(now time.Time) {
	hosts := 0
	for _, h := range k.hosts.list {
		switch {
		case !h.owned:
		case h.live(now):
			return
		default:
			hosts++
		}
	}
	if k.err != nil || k.unsure != nil || hosts == 0 || slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
		return
	}
	k.unsure = fmt.Errorf("core %s has nothing to say: the snapshots of all %s that it knows have expired (do agents reach its servers?)", k.core, words.Plural(hosts, "host"))
}

// report is the part that the core had, which went down meanwhile, or not.
func (k *coreState) report(down error) CoreState {
	gap := cmp.Or(k.err, down)
	r := CoreState{Site: k.site, Core: k.core, Hosts: k.has(), Short: k.short, Unseen: k.unseen, LeftOut: gap != nil, Err: cmp.Or(gap, k.partial, k.unsure)}
	for _, m := range k.members {
		one := ServerState{Server: m.Name(), Err: m.err, Lacks: m.lacks, Cold: m.err == nil && m.lacks*coldShare > k.standing()}
		if down := m.down.Load(); m.err == nil && down != nil {
			one.Err = *down
		}
		r.Servers = append(r.Servers, one)
	}
	return r
}

// An Unread is an object that could not be read, and why.
type Unread struct {
	Key naming.Key
	Err error
}

// has is how many hosts the servers that answer have.
func (k *coreState) has() int {
	n := 0
	for _, h := range k.hosts.list {
		if !h.unverified && !h.left && !h.short {
			n++
		}
	}
	return n
}
