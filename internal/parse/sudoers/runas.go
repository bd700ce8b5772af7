package sudoers

import (
	"slices"
	"strings"
)

// A target is whom a command is to be run as.
type target struct {
	user           *person
	userSaid       bool
	group          string
	gid            uint32
	groupSaid      bool
	self           string // the name of the user who asks
	doesNotBelong  bool   // no account has the number
	groupIsUnknown bool
}

// target reads USER, USER:GROUP or :GROUP; empty is the default user, and the user who
// asks where only a group is said.
func (a asking) target(as string) target {
	user, group, groupSaid := strings.Cut(as, ":")
	t := target{userSaid: user != "", groupSaid: groupSaid, self: a.user.name}
	switch {
	case user == "" && groupSaid:
		t.user = a.user
	case user == "":
		t.user = a.host.person(a.settings.runasDefault)
	default:
		t.user = a.host.person(user)
		t.doesNotBelong = strings.HasPrefix(t.user.name, "#")
	}
	if groupSaid {
		g, ok := a.host.group(group)
		t.group, t.gid, t.groupIsUnknown = g.Name, g.GID, !ok
	}
	return t
}

// runas decides whether a command may be run as t.
func (m *matcher) runas(a asking, r *runas, t *target) verdict {
	users := []member{{name: a.settings.runasDefault}}
	var groups []member
	if r != nil {
		users, groups = r.users, r.groups
	}
	v := m.list("Runas", users, func(x *member, _ bool) bool {
		if x.kind == memberSelf {
			return !t.userSaid || t.self == t.user.name
		}
		return m.isUser(a, x, t.user)
	})
	if !t.groupSaid || r == nil && t.userSaid { // without a list, the default user may have any group
		return v
	}
	if !t.userSaid || v == silent && t.self == t.user.name { // only the group changes
		v = yes
	}
	g := m.list("Runas", groups, func(x *member, _ bool) bool {
		if x.kind == memberALL {
			return true
		}
		if gid, ok := parseID(x.name); ok && gid == t.gid {
			return true
		}
		return equal(x.name, t.group, a.settings.foldGroups)
	})
	if g == silent && slices.Contains(t.user.gids, t.gid) {
		g = yes
	}
	switch {
	case v == no || g == no:
		return no
	case v == g:
		return v
	}
	return silent
}
