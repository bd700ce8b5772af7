package extract

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// A Pass is one reading of a survey's objects, in as many streams as it takes. What could
// not be read is a set: an object that several streams meet is missing once. Streams of one
// pass must not run at the same time.
type Pass struct {
	survey *Survey
	unread map[object]bool
	list   []Unread             // unread, in the order in which they were met
	absent map[object]bool      // what the index lists and its host does not have → no server has the host
	down   map[*coreState]error // cores that went down meanwhile
	ended  time.Time            // when its last stream did; zero: none has
}

// An object tells the targets of a survey apart.
type object struct {
	host    *hostState
	name    string
	servers uint64
}

// NewPass begins to read the survey's objects anew.
func (s *Survey) NewPass() *Pass {
	return &Pass{survey: s, unread: make(map[object]bool), absent: make(map[object]bool), down: make(map[*coreState]error)}
}

// Survey returns what the pass reads.
func (p *Pass) Survey() *Survey { return p.survey }

// note takes down that an object could not be read. It returns an error, which ends the
// stream, where that is because the servers that had it went down and the request does not
// allow an answer without them. What is wrong with one object is never a reason to keep
// the others back: any host could stop every question by writing one.
func (p *Pass) note(it *Item, err error) error {
	known := object{it.host, it.name, it.servers}
	met := p.unread[known]
	p.unread[known] = true
	switch {
	case !errors.Is(err, errNoServer):
		if !met {
			p.list = append(p.list, Unread{it.Key(), err})
		}
		return nil
	case p.survey.request.EveryServer: // that server alone was to give the object
		if !met {
			p.list = append(p.list, Unread{it.Key(), err})
		}
	default:
		err = fmt.Errorf("core %s %s: %w", it.core.core, gone([]error{err}, "went down during the query", "cannot be read"), err)
		if p.down[it.core] == nil {
			p.down[it.core] = err
		}
	}
	if p.survey.request.Partial {
		return nil
	}
	return hint.To(fmt.Errorf("%w: %w", ErrIncomplete, err), gapHint)
}

const gapHint = "a partial answer leaves it out, and says so"

// gone notes that the index lists an object, and its host does not have it.
func (p *Pass) gone(it *Item) { p.absent[object{it.host, it.name, it.servers}] = it.ghost }

// Report says what the survey rests on, and what the pass could not read.
func (p *Pass) Report() Report {
	r := p.survey.counts
	p.amend(&r)
	r.Unread = slices.Clone(p.list)
	r.Took = time.Since(p.survey.began)
	if !p.ended.IsZero() {
		r.Took = p.ended.Sub(p.survey.began)
	}
	for _, k := range p.survey.cores {
		r.Cores = append(r.Cores, k.report(p.down[k]))
	}
	return r
}

// amend takes from the hosts that have answered those of which nothing could be read, and
// says of them what turned out.
func (p *Pass) amend(r *Report) {
	unread, absent := make(map[*hostState]int), make(map[*hostState]int)
	ghost := make(map[*hostState]bool)
	for o := range p.unread {
		unread[o.host]++
	}
	for o, noHost := range p.absent {
		absent[o.host]++
		ghost[o.host] = ghost[o.host] || noHost
	}
	for h, n := range unread {
		if n+absent[h] == h.count {
			r.Answered--
		}
	}
	r.Lacking, r.Unverified = slices.Clone(r.Lacking), slices.Clone(r.Unverified)
	for h, n := range absent {
		if n != h.count {
			continue
		}
		r.Answered--
		switch {
		case ghost[h]:
			r.Expected--
			r.Unverified = append(r.Unverified, h.name)
			r.Stale = slices.DeleteFunc(slices.Clone(r.Stale), func(name string) bool { return name == h.name })
		case p.survey.sel.Lacking && !h.pushed.IsZero():
			r.Lacking = append(r.Lacking, h.name)
		}
	}
	slices.Sort(r.Lacking)
	slices.Sort(r.Unverified)
}

// Gone reports whether the answer proves that an object, which core had of its host, is no
// more in that site: it would be in the answer, and is not. It proves nothing where any core
// is left out or short of hosts, where core was not asked, and of hosts that are missing or
// older than Request.MaxAge. Nor does it of hosts that push as the original did: nothing
// tells an object of theirs that is gone from one that has expired.
func (p *Pass) Gone(site, core string, key naming.Key) bool {
	s := p.survey
	if !s.sel.Key(key) || !s.request.wants(key.Host) {
		return false
	}
	var k *coreState
	for _, one := range s.cores {
		if one.err != nil || p.down[one] != nil || one.partial != nil || one.short > 0 {
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
		if slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 || m.crowded }) {
			return false
		}
	case h.unverified:
		return false
	case !h.owned: // it has left, or moved to another core
	case h.pushed.IsZero(), !h.live(time.Now()), !h.wanted:
		return false
	}
	at, _ := slices.BinarySearchFunc(s.targets, key, func(t Target, key naming.Key) int { return t.Key().Compare(key) })
	for ; at < len(s.targets) && s.targets[at].Key() == key; at++ {
		t := &s.targets[at]
		ghost, denied := p.absent[object{t.host, t.name, t.servers}]
		if t.core.site == site && (!denied || ghost) {
			return false
		}
	}
	return true
}
