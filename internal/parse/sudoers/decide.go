package sudoers

import (
	"slices"
	"time"
)

// A Decision is whether a command may be run.
type Decision struct {
	Allowed    bool
	Rule       *Entry // that decides, with the command alone; nil: no rule says anything
	Condition  string // what has to be true for it, and the cache cannot tell; empty: nothing
	NoPassword bool
}

// Decide decides whether the user may run a command, which is a path with arguments. sudo
// does the same for "sudo -l -U user -u as command", but it looks at files: here, names
// are compared. now is for rules that hold for some time only.
func (q *Question) Decide(commandLine string, now time.Time) (d Decision) {
	t := q.target(q.as)
	if t.doesNotBelong && !q.settings.unknownIDs || t.groupIsUnknown {
		return Decision{}
	}
	cmd := parseCommand(commandLine)
	a := q.forCommand(q.asking, &cmd)
	for _, s := range slices.Backward(q.rules(a)) {
		for i := len(s.privileges) - 1; i >= 0; i-- {
			v := &s.privileges[i]
			if !q.holds(v) {
				continue
			}
			for j := len(v.cmnds) - 1; j >= 0; j-- {
				if q.decide(a, &d, &v.cmnds[j], &t, &cmd, now) {
					return d
				}
			}
		}
	}
	return d
}

// decide reports whether c decides.
func (m *matcher) decide(a asking, d *Decision, c *cmndSpec, t *target, cmd *command, now time.Time) bool {
	if !c.notBefore.IsZero() && now.Before(c.notBefore) || !c.notAfter.IsZero() && now.After(c.notAfter) {
		return false
	}
	if m.runas(a, c.runas, t) != yes {
		return false
	}
	found := m.commands(a, c, cmd)
	if d.Condition == "" {
		d.Condition = found.condition
	}
	if found.verdict == silent {
		return false
	}
	rule := m.entries(a, &privilege{cmnds: []cmndSpec{*c}})
	d.Rule = &rule[0]
	d.Allowed = found.verdict == yes
	if t.userSaid && !t.user.account && d.Condition == "" {
		d.Condition = t.user.name + " has an account there"
	}
	d.NoPassword = d.Allowed && (c.tags[tagNopasswd] == tagOn || c.tags[tagNopasswd] == tagUnset && m.exempt(a))
	if !d.Allowed {
		d.Condition = ""
	}
	return true
}
