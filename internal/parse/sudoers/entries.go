package sudoers

// An Entry is one line of what "sudo -l" lists: some commands, and as whom they may be
// run.
type Entry struct {
	RunAs    string // root, or ALL : ALL
	Commands string // with their tags and options, aliases expanded: NOPASSWD: ALL

	// NoPassword: at least one of the commands may be run without a password, because of
	// its tag or of Defaults.
	NoPassword bool

	// DefaultsNoPassword: it is Defaults that say so, which the text of the entry does
	// not show.
	DefaultsNoPassword bool
}

// String returns the entry as sudo prints it.
func (e *Entry) String() string { return "(" + e.RunAs + ") " + e.Commands }

// Size is about what an entry takes, in bytes.
func (e *Entry) Size() int { return len(e.RunAs) + len(e.Commands) }

// MaxText bounds the entries of one rule, in bytes: an entry may be a thousand times as
// long as its rule.
const MaxText = 16 << 20

// entries returns those of a privilege: one for each list of run-as users. They end with
// the one that makes them longer than MaxText, which nobody lists whole.
func (m *matcher) entries(a asking, v *privilege) (out []Entry) {
	text := 0
	for i := 0; i < len(v.cmnds) && text <= MaxText; {
		first := &v.cmnds[i]
		p := m.printer(a.user)
		p.runas(first.runas, a.settings.runasDefault)
		e := Entry{RunAs: p.String()}
		p = m.printer(a.user)
		var prev *cmndSpec
		for ; i < len(v.cmnds) && v.cmnds[i].runas == first.runas; i++ {
			c := &v.cmnds[i]
			if prev != nil {
				p.WriteString(", ")
			}
			p.cmndSpec(c, prev)
			tagged := c.tags[tagNopasswd] == tagOn
			byDefaults := c.tags[tagNopasswd] == tagUnset && m.exempt(a) && !c.cmnd.negated
			e.NoPassword = e.NoPassword || byDefaults || tagged && !c.cmnd.negated
			e.DefaultsNoPassword = e.DefaultsNoPassword || byDefaults
			prev = c
		}
		e.Commands = p.String()
		text += e.Size()
		out = append(out, e)
	}
	return out
}

func (m *matcher) printer(user *person) *printer {
	return &printer{policy: m.Policy, self: user.name, open: make(map[aliasKey]bool)}
}
