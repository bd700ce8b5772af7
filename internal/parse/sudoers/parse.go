// Package sudoers reads the sudoers files of one host in the grammar of sudo 1.9, and
// decides as sudo does who may run what as whom there.
//
// Parse reads a file, Assemble puts a host's files together, Policy.Entries is "sudo -l -U
// user", and Policy.Decide is "sudo -l -U user command". Whoever asks many users, or many
// hosts with the same files, asks through Policy.On, which keeps what is the same. The
// source of all that the manual leaves open is the behaviour of sudo 1.9.13, beside which
// the tests run.
//
// What the files and the host's accounts do not tell is said (Undecided, Missing), and
// taken for no match. Nothing that a host sends takes more than bounded time and memory:
// files, includes, aliases that name each other and entries have their limits, and what is
// beyond them is said, too.
//
// Which files a host has, and what many hosts have in common, is left to
// internal/audit/sudo.
package sudoers

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A File is one sudoers file, read but not yet put together with those that it
// includes. It does not change any more and may be used concurrently.
type File struct {
	entries []entry
	lines   int

	// unfinished: the file ends within an entry, which goes on in what is read next. At
	// the very end sudo then refuses to use any of its files.
	unfinished bool

	cut bool // only the first maxFile bytes were read
}

// IncludesByHost reports whether what the file includes depends on which host it is on:
// %h in a path stands for the host's short name.
func (f *File) IncludesByHost() bool {
	return slices.ContainsFunc(f.entries, func(e entry) bool { return e.include != nil && strings.Contains(e.include.path, "%h") })
}

// maxFile is how much of a file is read, because a list takes more memory than its text:
// the largest sudoers of a fleet have some thousands of lines.
const maxFile = 1 << 20

// Parse reads one sudoers file in the grammar of sudo 1.9, and as sudo does it: an entry
// with an error is passed over, the others hold. It never fails.
func Parse(contents []byte) *File {
	f := &File{}
	if len(contents) > maxFile {
		contents, f.cut = contents[:bytes.LastIndexByte(contents[:maxFile], '\n')+1], true
	}
	contents, marks := escapeMarks(contents)
	p := &parser{lex: newLexer(contents)}
	p.advance()
	for p.tok.kind != tokEOF {
		e, ok := p.entry()
		for len(marks) > 0 && marks[0] < p.tok.line {
			e.redacted = e.redacted || marks[0] >= e.line
			marks = marks[1:]
		}
		if ok {
			f.entries = append(f.entries, e)
		}
	}
	f.lines, f.unfinished = p.lex.line, p.unfinished
	return f
}

// mark is what the agent puts in the place of a secret.
var mark = regexp.MustCompile(`\[redacted(:[0-9a-f]{12})?\]`)

// escapeMarks has marks read as text, for in sudoers a colon ends a command and brackets
// are a pattern. It returns the numbers of the lines that have one.
func escapeMarks(contents []byte) (escaped []byte, lines []int) {
	if !bytes.Contains(contents, []byte("[redacted")) {
		return contents, nil
	}
	n := 0
	for line := range bytes.Lines(contents) {
		n++
		if mark.Match(line) {
			lines = append(lines, n)
			line = mark.ReplaceAllFunc(line, func(m []byte) []byte {
				return []byte(strings.NewReplacer("[", `\[`, ":", `\:`, "]", `\]`).Replace(string(m)))
			})
		}
		escaped = append(escaped, line...)
	}
	return escaped, lines
}

type parser struct {
	lex        *lexer
	tok        token // the next one
	unfinished bool
}

func (p *parser) advance() token {
	t := p.tok
	p.tok = p.lex.next()
	return t
}

var errSyntax = errors.New("syntax error")

func (p *parser) is(text string) bool { return p.tok.kind == tokPunct && p.tok.text == text }

// eat consumes the token where it is this one.
func (p *parser) eat(text string) bool {
	if !p.is(text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(text string) error {
	if !p.eat(text) {
		return errSyntax
	}
	return nil
}

// endLine consumes the end of the line.
func (p *parser) endLine() error {
	if p.tok.kind != tokNewline {
		return errSyntax
	}
	p.advance()
	return nil
}

// recover passes over the rest of a line.
func (p *parser) recover() {
	for p.tok.kind != tokNewline {
		if p.tok.kind == tokEOF {
			p.unfinished = true
			return
		}
		p.advance()
	}
	p.advance()
}

// entry reads a line. It reports false for one that is empty.
func (p *parser) entry() (entry, bool) {
	e := entry{line: p.tok.line}
	var err error
	switch p.tok.kind {
	case tokNewline:
		p.advance()
		return e, false
	case tokInclude, tokIncludeDir:
		e.include, err = p.include()
	case tokDefaults:
		e.defaults, err = p.defaults()
	case tokAliasType:
		e.aliases, err = p.aliases()
	default:
		e.spec, err = p.userSpec()
	}
	if err == nil {
		err = p.endLine()
	}
	if err != nil {
		e.problem = err.Error()
		e.spec, e.defaults = nil, nil // what was complete of the others holds
		p.recover()
	}
	return e, true
}

func (p *parser) include() (*include, error) {
	dir := p.advance().kind == tokIncludeDir
	if p.tok.kind != tokWord {
		return nil, errSyntax
	}
	return &include{path: p.advance().text, dir: dir}, nil
}

func (p *parser) defaults() (*defaultsLine, error) {
	d := &defaultsLine{binding: p.advance().text}
	var err error
	switch d.binding {
	case "@":
		d.members, err = p.list(p.host)
	case ":", ">":
		d.members, err = p.list(p.user)
	case "!":
		d.members, err = p.commands()
	}
	for err == nil {
		var s setting
		if s, err = p.setting(); err != nil {
			break
		}
		d.settings = append(d.settings, s)
		if !p.eat(",") {
			break
		}
	}
	return d, err
}

func (p *parser) setting() (setting, error) {
	s := setting{op: 1}
	if p.eat("!") {
		s.op = 0
	}
	if p.tok.kind != tokVariable {
		return s, errSyntax
	}
	s.name = p.advance().text
	if s.op == 0 || p.tok.kind != tokPunct || !strings.Contains("=+-", p.tok.text) {
		return s, nil
	}
	s.op = p.advance().text[0]
	if p.tok.kind != tokWord {
		return s, errSyntax
	}
	s.value = p.advance().text
	return s, nil
}

func (p *parser) aliases() (*aliasLine, error) {
	l := &aliasLine{kind: p.advance().text}
	for {
		if p.tok.kind == tokALL || p.tok.kind == tokOption {
			p.advance()
			return l, errors.New("a reserved word is used as the name of an alias")
		}
		if p.tok.kind != tokAlias {
			return l, errSyntax
		}
		d := aliasDef{name: p.advance().text}
		if err := p.expect("="); err != nil {
			return l, err
		}
		var err error
		switch l.kind {
		case "Host":
			d.members, err = p.list(p.host)
		case "Cmnd":
			d.members, err = p.commands()
		default:
			d.members, err = p.list(p.user)
		}
		if err != nil {
			return l, err
		}
		l.defs = append(l.defs, d)
		if !p.eat(":") {
			return l, nil
		}
	}
}

// list reads members that are separated by commas, each with ! or without.
func (p *parser) list(one func() (member, error)) ([]member, error) {
	var out []member
	for {
		negated := p.eat("!")
		m, err := one()
		if err != nil {
			return nil, err
		}
		m.negated = negated
		out = append(out, m)
		if !p.eat(",") {
			return out, nil
		}
	}
}

// member reads a token of one of these kinds.
func (p *parser) member(kinds ...kind) (member, error) {
	if !slices.Contains(kinds, p.tok.kind) {
		return member{}, errSyntax
	}
	t := p.advance()
	m := member{name: t.text}
	switch t.kind {
	case tokALL:
		m.kind = memberALL
	case tokAlias:
		m.kind = memberAlias
	case tokGroup:
		m.kind = memberGroup
	case tokNetgroup:
		m.kind = memberNetgroup
	case tokNetwork:
		m.kind = memberNetwork
	}
	return m, nil
}

func (p *parser) user() (member, error) {
	return p.member(tokALL, tokAlias, tokWord, tokGroup, tokNetgroup)
}

func (p *parser) group() (member, error) { return p.member(tokALL, tokAlias, tokWord) }

func (p *parser) host() (member, error) {
	return p.member(tokALL, tokAlias, tokWord, tokNetwork, tokNetgroup)
}

func (p *parser) commands() ([]member, error) {
	var out []member
	for {
		m, err := p.command()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
		if !p.eat(",") {
			return out, nil
		}
	}
}

// command reads a command with its digests.
func (p *parser) command() (member, error) {
	var digests []string
	for p.tok.kind == tokDigestType {
		d := p.advance().text
		if err := p.expect(":"); err != nil {
			return member{}, err
		}
		if p.tok.kind != tokDigest {
			return member{}, errSyntax
		}
		digests = append(digests, d+":"+p.advance().text)
		if !p.is(",") {
			break
		}
		p.advance()
		if p.tok.kind != tokDigestType {
			return member{}, errSyntax
		}
	}
	negated := p.eat("!")
	t := p.tok
	m := member{negated: negated, name: t.text}
	if digests != nil || t.hasArgs {
		m.detail = &detail{args: t.args, hasArgs: t.hasArgs, digests: digests}
	}
	switch t.kind {
	case tokALL:
		m.kind = memberALL
	case tokAlias:
		m.kind = memberAlias
	case tokCommand:
		m.kind = memberCommand
		if strings.HasPrefix(m.name, "/") && strings.HasSuffix(m.name, "/sudoedit") {
			m.name = "sudoedit"
		}
	case tokWord:
		if t.text != "list" {
			p.advance()
			return m, errors.New("expected a fully-qualified path name")
		}
		m.kind = memberCommand
	default:
		return m, errSyntax
	}
	p.advance()
	if digests != nil && m.kind == memberAlias {
		return m, errors.New("a digest requires a path name")
	}
	return m, nil
}

// userSpec reads who may do what where. After the first place, an error up to the end
// of the line or the next colon costs one place only.
func (p *parser) userSpec() (*userSpec, error) {
	s := &userSpec{line: p.tok.line}
	var err error
	if s.users, err = p.list(p.user); err != nil {
		return nil, err
	}
	for {
		v, err := p.privilege()
		switch {
		case err == nil:
			s.privileges = append(s.privileges, v)
		case s.privileges == nil || p.tok.kind != tokNewline && !p.is(":"):
			return nil, err
		}
		if !p.eat(":") {
			return s, nil
		}
	}
}

func (p *parser) privilege() (privilege, error) {
	var v privilege
	var err error
	if v.hosts, err = p.list(p.host); err != nil {
		return v, err
	}
	if err = p.expect("="); err != nil {
		return v, err
	}
	for {
		c, err := p.cmndSpec()
		if err != nil {
			return v, err
		}
		if n := len(v.cmnds); n > 0 {
			c.inherit(&v.cmnds[n-1])
		}
		v.cmnds = append(v.cmnds, c)
		if !p.eat(",") {
			return v, nil
		}
	}
}

func (p *parser) cmndSpec() (cmndSpec, error) {
	var c cmndSpec
	var err error
	if p.is("(") {
		if c.runas, err = p.runas(); err != nil {
			return c, err
		}
	}
	for p.tok.kind == tokOption {
		if err := p.option(&c.options); err != nil {
			return c, err
		}
	}
	for p.tok.kind == tokTag {
		name := p.advance().text
		for i, t := range tags {
			switch name {
			case t.on:
				c.tags[i] = tagOn
			case t.off:
				c.tags[i] = tagOff
			}
		}
	}
	if c.cmnd, err = p.command(); err != nil {
		return c, err
	}
	if c.cmnd.kind == memberALL && !c.cmnd.negated && c.tags[tagSetenv] == tagUnset {
		c.tags[tagSetenv] = tagImplied
	}
	return c, nil
}

// inherit takes over from the command before what is not said anew.
func (c *cmndSpec) inherit(prev *cmndSpec) {
	if c.runas == nil {
		c.runas = prev.runas
	}
	if c.role == nil && c.selinuxType == nil {
		c.role, c.selinuxType = prev.role, prev.selinuxType
	}
	for _, s := range []struct{ mine, its **string }{{&c.apparmor, &prev.apparmor}, {&c.chroot, &prev.chroot}, {&c.cwd, &prev.cwd}} {
		if *s.mine == nil {
			*s.mine = *s.its
		}
	}
	if c.timeout == 0 {
		c.timeout = prev.timeout
	}
	if c.notBefore.IsZero() {
		c.notBefore = prev.notBefore
	}
	if c.notAfter.IsZero() {
		c.notAfter = prev.notAfter
	}
	for i := range c.tags {
		if c.tags[i] == tagUnset && prev.tags[i] != tagImplied {
			c.tags[i] = prev.tags[i]
		}
	}
}

func (p *parser) runas() (*runas, error) {
	p.advance()
	r := &runas{}
	var err error
	if !p.is(")") && !p.is(":") {
		if r.users, err = p.list(p.user); err != nil {
			return nil, err
		}
	}
	if p.eat(":") && (r.users != nil || !p.is(")")) {
		if r.groups, err = p.list(p.group); err != nil {
			return nil, err
		}
	}
	if r.users == nil && r.groups == nil {
		r.users = []member{{kind: memberSelf}}
	}
	return r, p.expect(")")
}

func (p *parser) option(o *options) error {
	name := p.advance().text
	if err := p.expect("="); err != nil {
		return err
	}
	if p.tok.kind != tokWord {
		return errSyntax
	}
	value := p.advance().text
	var err error
	switch name {
	case "ROLE":
		o.role = &value
	case "TYPE":
		o.selinuxType = &value
	case "APPARMOR_PROFILE":
		o.apparmor = &value
	case "CWD", "CHROOT":
		if value != "*" && value[0] != '/' && value[0] != '~' {
			return fmt.Errorf(`values for %q must start with a '/', '~', or '*'`, name)
		}
		if name == "CWD" {
			o.cwd = &value
		} else {
			o.chroot = &value
		}
	case "TIMEOUT":
		o.timeout, err = parseTimeout(value)
	case "NOTBEFORE":
		o.notBefore, err = parseTime(value)
	case "NOTAFTER":
		o.notAfter, err = parseTime(value)
	}
	return err
}
