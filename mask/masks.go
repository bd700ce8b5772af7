package mask

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// A Rule says what does not count when objects of some names are compared: an
// entry of mask: in the config.
type Rule struct {
	// Names are the names it is for: of objects, or of sections.
	Names []string

	// Mask are regular expressions in Go's syntax. Of what they match on a line, the
	// groups, or all of it where they have none, are replaced by an asterisk.
	Mask []string

	Drop []string // lines that match one of these do not count
	Set  *bool    // whether the order of lines does not count; nil: the rule does not say
	JSON *bool    // whether contents that are JSON are compared as JSON, value by value; nil: the rule does not say

	// Instead: earlier rules, those that are there by default among them, are not for
	// these names.
	Instead bool
}

// matches reports whether the rule is for objects of this name.
func (r *Rule) matches(name string) bool {
	_, section, hasSection := strings.Cut(name, "@")
	for _, g := range r.Names {
		if glob := naming.NewGlob(g); glob.Match(name) || hasSection && glob.Match(section) {
			return true
		}
	}
	return false
}

// Set say in which form contents are compared: without what differs on any two hosts
// or at any two times and means nothing. They are safe for concurrent use. A nil *Masks
// compares contents byte for byte.
type Set struct {
	o Options

	mu     sync.Mutex
	byName map[string]*Form
	forms  map[string]*Form // by the rules that make them
}

// Options say what Masks are made of. The zero value compares contents byte for byte.
type Options struct {
	Rules []Rule // DefaultMasks, most often, and those of the config after them

	// Mask, Drop, Set and JSON are as in a MaskRule, for objects of every name; Set and
	// JSON win over what rules say where they are true.
	Mask, Drop []string
	Set, JSON  bool
}

// New compiles masks. Its error names the rule that is wrong.
func New(o Options) (*Set, error) {
	for i := range o.Rules {
		r := &o.Rules[i]
		if len(r.Names) == 0 {
			return nil, hint.To(fmt.Errorf("cannot use mask rule %d: it is for no names", i+1), `names: ["*"] is for all`)
		}
		if _, err := newForm(formRules{Mask: r.Mask, Drop: r.Drop}); err != nil {
			return nil, maskError(fmt.Errorf("cannot use the mask rule for %s: %w", r.Names[0], err))
		}
	}
	if _, err := newForm(formRules{Mask: o.Mask, Drop: o.Drop}); err != nil {
		return nil, maskError(fmt.Errorf("cannot mask: %w", err))
	}
	return &Set{o: o, byName: make(map[string]*Form), forms: make(map[string]*Form)}, nil
}

func maskError(err error) error {
	return hint.To(err, "the syntax is that of Go's regexp (RE2)")
}

// plainForm compares byte for byte.
var plainForm = &Form{}

// Form returns the form in which objects of a name are compared.
func (m *Set) Form(name string) (*Form, error) {
	if m == nil {
		return plainForm, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.byName[name]; f != nil {
		return f, nil
	}
	var r formRules
	var from []int
	for i := range m.o.Rules {
		rule := &m.o.Rules[i]
		if !rule.matches(name) {
			continue
		}
		if rule.Instead {
			r, from = formRules{}, nil
		}
		from = append(from, i)
		r.Mask, r.Drop = append(r.Mask, rule.Mask...), append(r.Drop, rule.Drop...)
		if rule.Set != nil {
			r.Set = *rule.Set
		}
		if rule.JSON != nil {
			r.JSON = *rule.JSON
		}
	}
	key := fmt.Sprint(from)
	f := m.forms[key]
	if f == nil {
		r.Mask, r.Drop = append(r.Mask, m.o.Mask...), append(r.Drop, m.o.Drop...)
		r.Set, r.JSON = r.Set || m.o.Set, r.JSON || m.o.JSON
		var err error
		if f, err = newForm(r); err != nil {
			return nil, maskError(err) // NewMasks has compiled them all
		}
		m.forms[key] = f
	}
	m.byName[name] = f
	return f, nil
}

// Text returns contents of an object of this name in the form in which they are
// compared. It may return contents themselves.
func (m *Set) Text(name string, contents []byte) []byte {
	f, err := m.Form(name)
	if err != nil {
		return contents
	}
	return f.Text(contents)
}

// Plain reports whether objects of this name are compared byte for byte, whatever they hold.
func (m *Set) Plain(name string) bool {
	f, err := m.Form(name)
	return err == nil && f.Plain()
}

func boolean(b bool) *bool { return &b }

// keysPattern is a regular expression for the values of these keys of sysctl -a.
func keysPattern(keys ...string) string {
	return `^(?:` + strings.Join(keys, "|") + `) = ?(.*)`
}

// Default returns the rules for what every machine has and the agent collects:
// counters, process ids, uptimes, timestamps and identifiers. What an administrator
// can set is never masked, nor what follows from the hardware, nor anything in files
// that programs are configured by.
func Default() []Rule { return slices.Clone(defaultMasks) }
