package sudoers

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A printer writes entries as "sudo -l" prints them, with the members of aliases in
// place of their names.
type printer struct {
	strings.Builder
	policy *Policy
	self   string // the user, whom an empty list of run-as users means
	open   map[aliasKey]bool
	full   bool // there is more than is printed
}

// maxEntryText is how much of an entry is printed: aliases that name each other double
// it at every step.
const maxEntryText = 64 << 10

const timeLayout = "20060102150405Z"

// runas writes whom a command may be run as.
func (p *printer) runas(r *runas, runasDefault string) {
	if r == nil {
		p.text(runasDefault)
		return
	}
	if r.users == nil {
		p.text(p.self)
	}
	p.list("Runas", r.users)
	if r.groups != nil {
		p.WriteString(" : ")
		p.list("Runas", r.groups)
	}
}

// list writes members, separated by commas.
func (p *printer) list(kind string, members []member) { p.members(kind, members, false) }

// members writes members or, inverted, the opposite of each.
func (p *printer) members(kind string, members []member, inverted bool) {
	for i := range members {
		if p.full {
			return
		}
		if i > 0 {
			p.WriteString(", ")
		}
		p.member(kind, &members[i], members[i].negated != inverted)
	}
}

func (p *printer) member(kind string, m *member, negated bool) {
	if p.Len() > maxEntryText {
		p.full = true
		p.WriteString("…")
		return
	}
	if m.kind == memberAlias {
		key := aliasKey{kind, m.name}
		if members, ok := p.policy.aliases[key]; ok && !p.open[key] {
			p.open[key] = true
			defer delete(p.open, key)
			p.members(kind, members, negated)
			return
		}
	}
	if digests := m.details().digests; digests != nil {
		p.WriteString(strings.Join(digests, ", ") + " ")
	}
	not := ""
	if negated {
		not = "!"
	}
	name := m.name
	if m.kind == memberGroup && !strings.ContainsAny(name, " \t") { // sudo negates what is behind the %
		n := max(literal([]byte(name), "%"), literal([]byte(name), "%:"))
		p.WriteString(name[:n])
		name = name[n:]
	}
	p.WriteString(not)
	switch m.kind {
	case memberALL:
		p.WriteString("ALL")
	case memberSelf:
		p.text(p.self)
	case memberCommand:
		p.command(m)
	default:
		p.word(name)
	}
}

func (p *printer) command(m *member) {
	if isRegex(m.name) {
		p.text(m.name)
	} else {
		p.quoted(m.name, ",:=# \t")
	}
	switch d := m.details(); {
	case !d.hasArgs:
	case isRegex(d.args):
		p.text(" " + d.args)
	default:
		p.WriteByte(' ')
		p.quoted(d.args, ",:=#")
	}
}

func (p *printer) word(name string) {
	switch {
	case strings.HasPrefix(name, "#") && strings.Trim(name[1:], "0123456789") == "":
		p.text(name)
	case strings.ContainsAny(name, " \t"):
		p.WriteByte('"')
		p.quoted(name, `"`)
		p.WriteByte('"')
	default:
		p.quoted(name, `,:=#"`)
	}
}

// quoted writes text with a backslash before each of these characters.
func (p *printer) quoted(text, special string) {
	for i := range len(text) {
		if strings.IndexByte(special, text[i]) >= 0 {
			p.WriteByte('\\')
		}
		p.text(text[i : i+1])
	}
}

// text writes what hosts sent, on one line whatever they sent.
func (p *printer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f {
			fmt.Fprintf(p, `\x%02x`, c)
		} else {
			p.WriteByte(c)
		}
	}
}

// cmndSpec writes a command with what is not said of the one before it.
func (p *printer) cmndSpec(c, prev *cmndSpec) {
	if prev == nil {
		prev = &cmndSpec{}
	}
	for _, o := range []struct {
		name          string
		value, before *string
	}{
		{"ROLE", c.role, prev.role},
		{"TYPE", c.selinuxType, prev.selinuxType},
		{"APPARMOR_PROFILE", c.apparmor, prev.apparmor},
		{"CHROOT", c.chroot, prev.chroot},
		{"CWD", c.cwd, prev.cwd},
	} {
		if o.value != nil && o.value != o.before {
			p.text(o.name + "=" + *o.value + " ")
		}
	}
	if c.timeout > 0 && c.timeout != prev.timeout {
		p.WriteString("TIMEOUT=" + strconv.Itoa(c.timeout) + " ")
	}
	p.date("NOTBEFORE=", c.notBefore, prev.notBefore)
	p.date("NOTAFTER=", c.notAfter, prev.notAfter)
	for i, t := range tags {
		if c.tags[i] == prev.tags[i] {
			continue
		}
		switch c.tags[i] {
		case tagOn:
			p.WriteString(t.on + ": ")
		case tagOff:
			p.WriteString(t.off + ": ")
		}
	}
	p.member("Cmnd", &c.cmnd, c.cmnd.negated)
}

// date writes a date that differs from the one before. A year of five digits is too long
// for sudo.
func (p *printer) date(name string, t, before time.Time) {
	if text := t.Format(timeLayout); !t.IsZero() && !t.Equal(before) && len(text) == len(timeLayout) {
		p.WriteString(name + text + " ")
	}
}
