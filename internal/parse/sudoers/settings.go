package sudoers

// settings are those of Defaults that decide who may do what.
type settings struct {
	runasDefault string
	authenticate bool
	exemptGroup  string
	foldUsers    bool
	foldGroups   bool
	groupPlugin  bool
	fastGlob     bool
	unknownIDs   bool // run-as users by numbers that no account has
	rootSudo     bool
}

// ask returns what user asks on a host, with the settings for what is run as USER,
// USER:GROUP or :GROUP, or, where as is empty, as the default user.
func (m *matcher) ask(h *Host, user, as string) asking {
	a := asking{
		host: h, user: h.person(user),
		settings: settings{runasDefault: "root", authenticate: true, foldUsers: true, foldGroups: true, rootSudo: true},
	}
	early := a
	early.host = h.withShortName() // sudo has not asked for the whole name of the host yet
	a.settings = m.defaults(early, as, true)
	a.settings = m.defaults(a, as, false)
	return a
}

// defaults returns the settings with those of Defaults that are not for some commands
// only: the early ones, which decide whom the others are for, or those.
func (m *matcher) defaults(a asking, as string, early bool) settings {
	who := a.target(as).user
	for _, d := range m.Policy.defaults {
		if m.binds(a, d, who) {
			a.settings = a.settings.with(d.settings, early)
		}
	}
	return a.settings
}

// binds reports whether Defaults are for what is asked, whichever command that is; who is
// the user whom it is to be run as.
func (m *matcher) binds(a asking, d *defaultsLine, who *person) bool {
	switch d.binding {
	case "@":
		return m.hosts(a.host, d.members) == yes
	case ":":
		return m.users(a, d.members, a.user) == yes
	case ">":
		return m.runas(a, &runas{users: d.members}, &target{user: who, userSaid: true}) == yes
	case "!":
		return m.list("Cmnd", d.members, func(x *member, _ bool) bool { return x.kind == memberALL }) == yes
	}
	return true
}

// forCommand returns what is asked with those settings for a command that say whether it
// needs a password.
func (m *matcher) forCommand(a asking, cmd *command) asking {
	out := a
	for _, d := range m.Policy.defaults {
		if d.binding != "!" || m.list("Cmnd", d.members, func(x *member, _ bool) bool {
			return x.kind == memberALL || x.kind == memberCommand && m.isCommand(a, x, cmd)
		}) != yes {
			continue
		}
		s := out.settings.with(d.settings, false)
		out.settings.authenticate, out.settings.exemptGroup = s.authenticate, s.exemptGroup
	}
	return out
}

// with returns the settings with those of a line of Defaults: the early ones, or the others.
func (s settings) with(list []setting, early bool) settings {
	for _, d := range list {
		if early != (d.name == "runas_default" || d.name == "group_plugin") {
			continue
		}
		on := d.op == 1
		switch d.name {
		case "runas_default":
			if d.op == '=' {
				s.runasDefault = d.value
			}
		case "exempt_group":
			s.exemptGroup = d.value
		case "group_plugin":
			s.groupPlugin = d.op == '='
		case "authenticate":
			s.authenticate = on
		case "case_insensitive_user":
			s.foldUsers = on
		case "case_insensitive_group":
			s.foldGroups = on
		case "fast_glob":
			s.fastGlob = on
		case "runas_allow_unknown_id":
			s.unknownIDs = on
		case "root_sudo":
			s.rootSudo = on
		}
	}
	return s
}

// exempt reports whether Defaults let the user do without a password.
func (m *matcher) exempt(a asking) bool {
	return !a.settings.authenticate || a.settings.exemptGroup != "" && m.inGroup(a, a.settings.exemptGroup, a.user)
}
