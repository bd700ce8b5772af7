package sysops

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Completeness says what an answer rests on and what it lacks. It is final once
// the answer has been read to its end.
//
// Expected = answered + lacking + missing + stale hosts that MaxAge left out,
// for a pattern that says which object each host should have. Of other patterns
// (parts of keys) nothing is lacking: a host may well have no such key.
type Completeness struct {
	Expected   int             `json:"hosts_expected"`       // known to any server, or named by the query
	Answered   int             `json:"hosts_answered"`       // with at least one object in the answer
	Stale      []string        `json:"hosts_stale"`          // live, last push older than Options.StaleAfter
	Missing    []string        `json:"hosts_missing"`        // expected, without a live snapshot
	Lacking    []string        `json:"hosts_lacking"`        // live, without the object
	Unreadable []UnreadableKey `json:"unreadable,omitempty"` // objects that no server has an undamaged copy of
	Cores      []CoreReport    `json:"cores"`
	Oldest     time.Duration   `json:"oldest_push_ns"` // age of the oldest push that answered
	Newest     time.Duration   `json:"newest_push_ns"`
	Took       time.Duration   `json:"took_ns"`

	anyKey bool // the pattern says nothing of which hosts should have a match
}

// UnreadableKey is an object that could not be read, and why.
type UnreadableKey struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// CoreReport is the part that one core had in an answer.
type CoreReport struct {
	Site    string         `json:"site"`
	Core    string         `json:"core"`
	Hosts   int            `json:"hosts"`                 // that its servers know
	Short   int            `json:"hosts_short,omitempty"` // hosts that it should have, and no server that answers does
	LeftOut bool           `json:"left_out,omitempty"`    // nothing, or not all, of it is in the answer
	Error   string         `json:"error,omitempty"`       // why it is left out, stopped answering, or is short of over 1 % of its hosts
	Servers []ServerReport `json:"servers"`
}

// ServerReport is the part that one server had in an answer.
type ServerReport struct {
	Server string `json:"server"`
	Error  string `json:"error,omitempty"`
	Lacks  int    `json:"lacks"`          // hosts of the core whose latest push it does not have
	Cold   bool   `json:"cold,omitempty"` // lacks more than 1 % of them
}

// Partial reports whether the answer leaves out a core or an object.
func (c *Completeness) Partial() bool {
	return len(c.Unreadable) > 0 || slices.ContainsFunc(c.Cores, func(k CoreReport) bool { return k.Error != "" })
}

// Whole reports whether nothing at all is left to be desired: no gap, every
// expected host live, none stale.
func (c *Completeness) Whole() bool {
	return !c.Partial() && len(c.Missing) == 0 && len(c.Stale) == 0 &&
		!slices.ContainsFunc(c.Cores, func(k CoreReport) bool { return k.Short > 0 })
}

// coldShare: a server that lacks more than one host in coldShare is cold.
const coldShare = 100

func (a *Answer) coreReports() []CoreReport {
	var out []CoreReport
	for _, k := range a.cores {
		r := CoreReport{Site: k.site, Core: k.core, Hosts: len(k.hosts.list), Short: k.short, LeftOut: k.err != nil}
		if err := cmp.Or(k.err, k.partial); err != nil {
			r.Error = err.Error()
		}
		for _, m := range k.members {
			s := ServerReport{Server: m.Name(), Lacks: m.lacks, Cold: m.err == nil && m.lacks*coldShare > len(k.hosts.list)}
			if m.err != nil {
				s.Error = m.err.Error()
			} else if down := m.down.Load(); down != nil {
				s.Error = (*down).Error()
			}
			r.Servers = append(r.Servers, s)
		}
		out = append(out, r)
	}
	return out
}

// count fills in what is known of hosts before anything is fetched. holders are
// the hosts with at least one target.
func (a *Answer) count(now time.Time, holders []*hostState, sel selection) {
	c := &a.complete
	c.anyKey = !sel.lacking
	for _, h := range holders {
		c.Answered++
		if age := now.Sub(h.pushed); !h.pushed.IsZero() {
			c.Oldest = max(c.Oldest, age)
			if c.Newest == 0 || age < c.Newest {
				c.Newest = age
			}
		}
	}
	for _, k := range a.cores {
		for _, h := range k.hosts.list {
			if !h.owned || !sel.host(h.name) || !a.query.narrow(h.name) {
				continue
			}
			c.Expected++
			if !h.live(now) {
				c.Missing = append(c.Missing, h.name)
				continue
			}
			if !h.wanted || !h.pushed.IsZero() && now.Sub(h.pushed) > a.client.opts.StaleAfter {
				c.Stale = append(c.Stale, h.name)
			}
			if sel.lacking && h.wanted && h.count == 0 {
				c.Lacking = append(c.Lacking, h.name)
			}
		}
	}
	for _, name := range a.query.Hosts.Names() {
		if !a.knows(name) && sel.host(name) && !a.query.Exclude.Contains(name) {
			c.Expected++
			c.Missing = append(c.Missing, name)
		}
	}
	for _, list := range [][]string{c.Stale, c.Missing, c.Lacking} {
		slices.Sort(list)
	}
}

// knows reports whether any core that answers knows the host.
func (a *Answer) knows(host string) bool {
	return slices.ContainsFunc(a.cores, func(k *coreState) bool { return k.err == nil && k.hosts.get(host) != nil })
}

// note takes down that an object could not be read. It returns the error that
// ends the answer, where the query does not allow a partial one.
func (a *Answer) note(it *item, err error) error {
	key := it.key().String()
	if a.unread[it.host]++; a.unread[it.host] == it.host.count {
		a.complete.Answered--
	}
	if errors.Is(err, errNoServer) && !a.query.EveryServer {
		it.core.err = fmt.Errorf("core %s went down during the query: %w", it.core.core, err)
		if !a.query.Partial {
			return hinted(fmt.Errorf("%w: %w", ErrIncomplete, it.core.err), gapHint)
		}
		return nil
	}
	a.complete.Unreadable = append(a.complete.Unreadable, UnreadableKey{key, err.Error()})
	if !a.query.Partial {
		return hinted(fmt.Errorf("cannot read %s: %w: %w: %w", key, ErrIncomplete, ErrUnreadable, err), damageHint)
	}
	return nil
}

const (
	gapHint    = "a partial answer leaves it out, and says so"
	damageHint = "the host's next push repairs the object"
)

// String is the completeness on one line, for people.
func (c *Completeness) String() string {
	var parts []string
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, Grouped(n)+" "+many)
		}
	}
	verb := "answered"
	if c.anyKey {
		verb = "match"
	}
	parts = append(parts, fmt.Sprintf("%s of %s hosts %s", Grouped(c.Answered), Grouped(c.Expected), verb))
	count(len(c.Lacking), "lacks it", "lack it")
	count(len(c.Missing), "missing", "missing")
	count(len(c.Stale), "stale", "stale")
	count(len(c.Unreadable), "object unreadable", "objects unreadable")
	asked, servers, out, cold := 0, 0, 0, 0
	for _, k := range c.Cores {
		if !k.LeftOut {
			asked++
		}
		count(k.Short, "more is not known to the servers that answer", "more are not known to the servers that answer")
		for _, s := range k.Servers {
			servers++
			if s.Error != "" {
				out++
			}
			if s.Cold && s.Error == "" {
				cold++
			}
		}
	}
	parts = append(parts, fmt.Sprintf("%s, %s", plural(asked, "core"), plural(servers-out, "server")))
	count(len(c.Cores)-asked, "core LEFT OUT", "cores LEFT OUT")
	count(out, "server left out", "servers left out")
	count(cold, "server cold", "servers cold")
	if c.Newest > 0 {
		since := Age(c.Newest)
		if oldest := Age(c.Oldest); oldest != since {
			since += " to " + oldest
		}
		parts = append(parts, "pushed "+since+" ago")
	}
	return strings.Join(append(parts, fmt.Sprintf("%.2f s", c.Took.Seconds())), " · ")
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return Grouped(n) + " " + what
}

// Age writes a duration in its largest whole unit.
func Age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// Grouped writes 24247 as 24,247.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
