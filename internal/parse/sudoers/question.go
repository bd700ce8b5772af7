package sudoers

import (
	"iter"
	"slices"
	"time"
)

// A Question is what one user asks of a policy on one host. Like the Inquiry that it is
// of, it is for one goroutine at a time.
type Question struct {
	*matcher
	*Inquiry
	asking
	as   string    // USER, USER:GROUP or :GROUP; empty: the default user
	only *userSpec // a rule that is for the user, whomever it names; nil: none is
}

// User is who asks: a name or, of a rule that fits no account of the host, its list of
// users, such as %admins.
func (q *Question) User() string { return q.user.name }

// Account reports whether the host has an account of the user.
func (q *Question) Account() bool { return q.user.account }

// Undecided tells what the host does not tell and was taken for no match, as far as it
// mattered to what this question has been asked yet.
func (q *Question) Undecided() []string { return q.unknown }

// Entries are what the user may do on the host, in the order in which sudo lists it.
func (q *Question) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, s := range q.rules(q.asking) {
			for i := range s.privileges {
				v := &s.privileges[i]
				if !q.holds(v) {
					continue
				}
				for _, e := range q.entriesOf(v) {
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}

// rules returns the rules that are for the user, wherever they hold.
func (q *Question) rules(a asking) (out []*userSpec) {
	if q.Broken != "" {
		return nil
	}
	if q.kept != nil && q.only == nil && a.host.Netgroups == nil { // whose members are a host's own
		key := rulesKey{a.user.key(), a.settings}
		if kept, ok := q.kept.rules[key]; ok {
			return kept
		}
		unknown := len(q.unknown)
		defer func() {
			if len(q.unknown) == unknown && q.kept.room(len(key.person)+8*len(out)) {
				q.kept.rules[key] = out
			}
		}()
	}
	for _, s := range q.specs {
		if s == q.only || q.users(a, s.users, a.user) == yes {
			out = append(out, s)
		}
	}
	return out
}

// holds reports whether a privilege holds on the host.
func (q *Question) holds(v *privilege) bool {
	is, ok := q.here[v]
	if !ok {
		is = q.hosts(q.host, v.hosts) == yes
		q.here[v] = is
	}
	return is
}

// entriesOf returns the entries of a privilege. They must not be changed.
func (q *Question) entriesOf(v *privilege) []Entry {
	if q.kept == nil {
		return q.entries(q.asking, v)
	}
	key := entriesKey{v, q.settings.runasDefault, q.exempt(q.asking), ""}
	for i := range v.cmnds {
		if r := v.cmnds[i].runas; r != nil && (r.users == nil || r.users[0].kind == memberSelf) {
			key.self = q.user.name
		}
	}
	kept, ok := q.kept.entries[key]
	if !ok {
		kept = q.entries(q.asking, v)
		size := 0
		for i := range kept {
			size += kept[i].Size()
		}
		if q.kept.room(size) {
			q.kept.entries[key] = kept
		}
	}
	return kept
}

// An Inquiry puts questions to a policy about the users of one host. It is for one
// goroutine at a time.
type Inquiry struct {
	policy *Policy
	on     *Host
	kept   *Cache              // nil: nothing is kept
	here   map[*privilege]bool // which privileges hold on the host
}

// On begins an inquiry about a host. kept is what inquiries about other hosts with this
// policy have found, and nil where nothing is to be kept.
func (p *Policy) On(h *Host, kept *Cache) *Inquiry {
	return &Inquiry{policy: p, on: h, kept: kept, here: make(map[*privilege]bool)}
}

// User is the question of one user. as is whom a command is to be run as: USER,
// USER:GROUP or :GROUP; empty: the default user.
func (i *Inquiry) User(name, as string) *Question {
	m := newMatcher(i.policy)
	return &Question{matcher: m, Inquiry: i, asking: m.ask(i.on, name, as), as: as}
}

// Everybody are the questions of all who may do anything: first ALL, which is what
// everybody may; then each account of the host for which there are other rules than for
// everybody; then each rule that is for nobody whom the host knows, because its users may
// be those of a directory service.
func (i *Inquiry) Everybody(as string) iter.Seq[*Question] {
	return func(yield func(*Question) bool) {
		asked := make(map[*userSpec]bool)
		ask := func(q *Question, rules []*userSpec) bool {
			for _, s := range rules {
				asked[s] = true
			}
			return yield(q)
		}
		everybody := i.User("ALL", as)
		common := everybody.rules(everybody.asking)
		if !ask(everybody, common) {
			return
		}
		for n := range i.on.Accounts {
			q := i.User(i.on.Accounts[n].Name, as)
			own := q.rules(q.asking)
			if !slices.Equal(own, common) && !ask(q, own) {
				return
			}
		}
		for _, s := range i.policy.specs {
			if !asked[s] && !yield(everybody.whoever(s)) {
				return
			}
		}
	}
}

// whoever is the question of somebody of whom no more is known than that a rule is for
// them. Their name is the text of the rule.
func (q *Question) whoever(s *userSpec) *Question {
	p := q.printer(q.user)
	p.list("User", s.users)
	out := *q
	out.matcher, out.only = newMatcher(q.policy), s
	out.user = &person{name: p.String()}
	return &out
}

// Entries returns what the user may do on the host, in the order in which sudo lists it,
// and what could not be decided: see Question.
func (p *Policy) Entries(h *Host, user string) (entries []Entry, undecided []string) {
	q := p.On(h, nil).User(user, "")
	return slices.Collect(q.Entries()), q.Undecided()
}

// Decide decides whether the user may run a command as USER, USER:GROUP or :GROUP, or,
// where as is empty, as the default user, and returns what could not be decided: see
// Question.
func (p *Policy) Decide(h *Host, user, commandLine, as string, now time.Time) (d Decision, undecided []string) {
	q := p.On(h, nil).User(user, as)
	return q.Decide(commandLine, now), q.Undecided()
}
