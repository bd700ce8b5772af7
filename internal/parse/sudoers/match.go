package sudoers

import (
	"slices"
	"strconv"
	"strings"
)

// A verdict is what a list says about somebody or something.
type verdict int8

const (
	silent verdict = iota
	yes
	no
)

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return silent
}

// asking is who asks, where, and the settings that hold for them. It does not change:
// where one of the three is another, it is another asking.
type asking struct {
	host     *Host
	user     *person
	settings settings
}

// A matcher asks the lists of a policy about somebody or something. It counts what that
// costs, and takes down what could not be decided: it is for one user of one host.
type matcher struct {
	*Policy
	open    map[aliasKey]bool // aliases that are being looked at: they may name themselves
	steps   int
	limit   int      // of steps, for the list that is being asked
	unknown []string // what could not be decided, and was taken for no match
}

func newMatcher(p *Policy) *matcher { return &matcher{Policy: p, open: make(map[aliasKey]bool)} }

// maxSteps and maxListSteps bound the work on one user of one host, and on one list of
// its rules: aliases that name each other twice double it at every step.
const (
	maxSteps     = 1 << 20
	maxListSteps = 1 << 14
)

func (m *matcher) undecided(what string) {
	if len(m.unknown) < maxProblems && !slices.Contains(m.unknown, what) {
		m.unknown = append(m.unknown, what)
	}
}

// list asks the members of a list from its end: the last one that says something is
// right. Where one is an alias, its members are asked; one that does not exist is taken
// for a name, and so is one that is being asked already. one is told as well whether the
// member is negated, by itself and by the aliases that it stands in.
func (m *matcher) list(kind string, members []member, one func(x *member, negated bool) bool) verdict {
	m.limit = min(m.steps+maxListSteps, maxSteps) + len(members)
	return m.members(kind, members, false, one)
}

// members asks those of a list, or, inverted, those of an alias that is negated.
func (m *matcher) members(kind string, members []member, inverted bool, one func(x *member, negated bool) bool) verdict {
	for i := len(members) - 1; i >= 0; i-- {
		x := &members[i]
		if m.steps++; m.steps > m.limit {
			m.undecided("the aliases, which are too many to follow")
			return silent
		}
		if v := m.member(kind, x, x.negated != inverted, one); v != silent {
			if x.negated {
				return v.not()
			}
			return v
		}
	}
	return silent
}

// member asks one, and leaves it to the caller what its own ! makes of the verdict.
func (m *matcher) member(kind string, x *member, negated bool, one func(x *member, negated bool) bool) verdict {
	if x.kind == memberAlias {
		key := aliasKey{kind, x.name}
		if of := m.aliases[key]; of != nil && !m.open[key] {
			m.open[key] = true
			defer delete(m.open, key)
			return m.members(kind, of, negated, one)
		}
	}
	if one(x, negated) {
		return yes
	}
	return silent
}

// users decides whether a list of users has somebody: the one who asks, or the one that a
// command is to be run as.
func (m *matcher) users(a asking, members []member, who *person) verdict {
	return m.list("User", members, func(x *member, _ bool) bool { return m.isUser(a, x, who) })
}

func (m *matcher) isUser(a asking, x *member, who *person) bool {
	switch x.kind {
	case memberALL:
		return true
	case memberGroup:
		return m.inGroup(a, x.name[1:], who)
	case memberNetgroup:
		if a.host.Netgroups == nil {
			m.undecided("the users of netgroup " + x.name)
		}
		return a.host.Netgroups.Has(x.name[1:], "", who.name)
	}
	if uid, ok := parseID(x.name); ok && who.account && uid == who.uid {
		return true
	}
	return equal(x.name, who.name, a.settings.foldUsers)
}

func equal(a, b string, fold bool) bool { return a == b || fold && strings.EqualFold(a, b) }

// parseID reads #1001.
func parseID(s string) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, "#")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}

func (m *matcher) inGroup(a asking, name string, who *person) bool {
	if strings.HasPrefix(name, ":") {
		if a.settings.groupPlugin {
			m.undecided("the users of %" + name + ", which a plugin of sudo knows")
		}
		return false
	}
	if gid, ok := parseID(name); ok && slices.Contains(who.gids, gid) {
		return true
	}
	return slices.ContainsFunc(who.groups, func(g string) bool { return equal(g, name, a.settings.foldGroups) })
}

func (m *matcher) hosts(host *Host, members []member) verdict {
	return m.list("Host", members, func(x *member, _ bool) bool { return m.isHost(host, x) })
}

func (m *matcher) isHost(host *Host, x *member) bool {
	switch x.kind {
	case memberALL:
		return true
	case memberNetgroup:
		if host.Netgroups == nil {
			m.undecided("the hosts of netgroup " + x.name)
		}
		return host.Netgroups.Has(x.name[1:], host.Name, "") || host.Netgroups.Has(x.name[1:], host.Short(), "")
	case memberNetwork:
		if host.Addresses == nil {
			m.undecided("whether its address is in " + x.name)
			return false
		}
		return onNetwork(host.Addresses(), x.name)
	}
	name := host.Short()
	if strings.Contains(x.name, ".") {
		name = host.Name
	}
	if hasWildcard(x.name) {
		return globMatch(x.name, name, globMode{fold: true})
	}
	return strings.EqualFold(x.name, name)
}
