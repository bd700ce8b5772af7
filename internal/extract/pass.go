package extract

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// ErrUnreadable says that an object exists, and no server of its core has an undamaged
// copy of it.
var ErrUnreadable = errors.New("unreadable object")

// A Pass is one reading of a survey's objects, in as many streams as it takes. What could
// not be read is a set: an object that several streams meet is missing once. Streams of one
// pass must not run at the same time.
type Pass struct {
	survey *Survey
	unread map[object]bool
	list   []Unread             // unread, in the order in which they were met
	down   map[*coreState]error // cores that went down meanwhile
	ended  time.Time            // when its last stream did; zero: none has
}

// An object tells the targets of a survey apart.
type object struct {
	host    *hostState
	name    string
	servers uint64
}

// An Unread is an object that could not be read, and why.
type Unread struct {
	Key naming.Key
	Err error
}

// NewPass begins to read the survey's objects anew: the survey's Report is about what the
// pass that ran last could not read.
func (s *Survey) NewPass() *Pass {
	s.pass = &Pass{survey: s, unread: make(map[object]bool), down: make(map[*coreState]error)}
	return s.pass
}

// Survey returns what the pass reads.
func (p *Pass) Survey() *Survey { return p.survey }

// note takes down that an object could not be read. It returns the error that ends the
// stream, where the request does not allow a partial answer.
func (p *Pass) note(it *Item, err error) error {
	known := object{it.host, it.name, it.servers}
	met := p.unread[known]
	p.unread[known] = true
	allowed := p.survey.request.Partial
	if errors.Is(err, errNoServer) && !p.survey.request.EveryServer {
		if p.down[it.core] == nil {
			p.down[it.core] = fmt.Errorf("core %s went down during the query: %w", it.core.core, err)
		}
		if !allowed {
			return hint.To(fmt.Errorf("%w: %w", ErrIncomplete, p.down[it.core]), gapHint)
		}
		return nil
	}
	if !met {
		p.list = append(p.list, Unread{it.Key(), err})
	}
	if !allowed {
		return hint.To(fmt.Errorf("cannot read %s: %w: %w: %w", it.Key(), ErrIncomplete, ErrUnreadable, err), damageHint)
	}
	return nil
}

const (
	gapHint    = "a partial answer leaves it out, and says so"
	damageHint = "the host's next push repairs the object"
)

// silent is how many hosts have targets, of which none could be read.
func (p *Pass) silent() int {
	unread := make(map[*hostState]int)
	for o := range p.unread {
		unread[o.host]++
	}
	n := 0
	for h, count := range unread {
		if count == h.count {
			n++
		}
	}
	return n
}

// A Report says what an answer rests on and what it lacks.
type Report struct {
	Expected int      // hosts known to any server, or named by the request
	Answered int      // with at least one object in the answer
	Stale    []string // live, last push older than Options.StaleAfter
	Missing  []string // expected, without a live snapshot
	Lacking  []string // live, without the object
	AnyKey   bool     // the pattern says nothing of which hosts should have a match
	Unread   []Unread
	Cores    []CoreState
	Oldest   time.Duration // age of the oldest push that answered
	Newest   time.Duration
	Took     time.Duration
}

// A CoreState is the part that one core had in an answer.
type CoreState struct {
	Site, Core string
	Hosts      int   // that its servers know
	Short      int   // hosts that it should have, and no server that answers does
	LeftOut    bool  // nothing, or not all, of it is in the answer
	Err        error // why it is left out, stopped answering, or is short of over 1 % of its hosts
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

// Report says what the survey rests on, and what the pass that ran last could not read.
func (s *Survey) Report() Report {
	r := s.counts
	r.Took = time.Since(s.began)
	if s.pass != nil {
		r.Answered -= s.pass.silent()
		r.Unread = slices.Clone(s.pass.list)
		if !s.pass.ended.IsZero() {
			r.Took = s.pass.ended.Sub(s.began)
		}
	}
	for _, k := range s.cores {
		r.Cores = append(r.Cores, s.coreState(k))
	}
	return r
}

// gap is why nothing, or not all, of a core is in the answer; nil: all of it is.
func (s *Survey) gap(k *coreState) error {
	if s.pass != nil && k.err == nil {
		return s.pass.down[k]
	}
	return k.err
}

func (s *Survey) coreState(k *coreState) CoreState {
	gap := s.gap(k)
	r := CoreState{Site: k.site, Core: k.core, Hosts: len(k.hosts.list), Short: k.short, LeftOut: gap != nil, Err: cmp.Or(gap, k.partial)}
	for _, m := range k.members {
		one := ServerState{Server: m.Name(), Err: m.err, Lacks: m.lacks, Cold: m.err == nil && m.lacks*coldShare > len(k.hosts.list)}
		if down := m.down.Load(); m.err == nil && down != nil {
			one.Err = *down
		}
		r.Servers = append(r.Servers, one)
	}
	return r
}

// count fills in what is known of hosts before anything is read. holders are the hosts
// with at least one target.
func (s *Survey) count(now time.Time, holders []*hostState) {
	c := &s.counts
	c.AnyKey = !s.sel.Lacking
	for _, h := range holders {
		c.Answered++
		if age := now.Sub(h.pushed); !h.pushed.IsZero() {
			c.Oldest = max(c.Oldest, age)
			if c.Newest == 0 || age < c.Newest {
				c.Newest = age
			}
		}
	}
	for _, k := range s.cores {
		for _, h := range k.hosts.list {
			if !h.owned || !s.sel.Host(h.name) || !s.request.wants(h.name) {
				continue
			}
			c.Expected++
			if !h.live(now) {
				c.Missing = append(c.Missing, h.name)
				continue
			}
			if !h.wanted || !h.pushed.IsZero() && now.Sub(h.pushed) > s.servers.options.StaleAfter {
				c.Stale = append(c.Stale, h.name)
			}
			if s.sel.Lacking && h.wanted && h.count == 0 {
				c.Lacking = append(c.Lacking, h.name)
			}
		}
	}
	for _, name := range s.request.Named {
		if !s.knows(name) && s.sel.Host(name) && s.request.wants(name) {
			c.Expected++
			c.Missing = append(c.Missing, name)
		}
	}
	for _, list := range [][]string{c.Stale, c.Missing, c.Lacking} {
		slices.Sort(list)
	}
}

// knows reports whether any core that answers knows the host.
func (s *Survey) knows(host string) bool {
	return slices.ContainsFunc(s.cores, func(k *coreState) bool { return k.err == nil && k.hosts.get(host) != nil })
}

// Gone reports whether the survey proves that an object, which core had of its host, is no
// more in that site: it would be in the answer, and is not. It proves nothing where any core
// is left out or short of hosts, where core was not asked, and of hosts that are missing or
// older than Request.MaxAge. Nor does it of hosts that push as the original did: nothing
// tells an object of theirs that is gone from one that has expired.
func (s *Survey) Gone(site, core string, key naming.Key) bool {
	if !s.sel.Key(key) || !s.request.wants(key.Host) {
		return false
	}
	var k *coreState
	for _, one := range s.cores {
		if s.gap(one) != nil || one.partial != nil || one.short > 0 {
			return false
		}
		if one.place == (place{site, core}) {
			k = one
		}
	}
	if k == nil {
		return false
	}
	switch h := k.hosts.get(key.Host); {
	case h == nil:
		if slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
			return false
		}
	case !h.owned: // it has moved to another core
	case h.pushed.IsZero(), !h.live(time.Now()), !h.wanted:
		return false
	}
	at, _ := slices.BinarySearchFunc(s.targets, key, func(t Target, key naming.Key) int { return t.Key().Compare(key) })
	for ; at < len(s.targets) && s.targets[at].Key() == key; at++ {
		if s.targets[at].core.site == site {
			return false
		}
	}
	return true
}
