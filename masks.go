package sysops

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/mask"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// A MaskRule says what does not count when objects of some names are compared: an
// entry of mask: in the config.
type MaskRule struct {
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
func (r *MaskRule) matches(name string) bool {
	_, section, hasSection := strings.Cut(name, "@")
	for _, g := range r.Names {
		if glob := naming.NewGlob(g); glob.Match(name) || hasSection && glob.Match(section) {
			return true
		}
	}
	return false
}

// Masks say in which form contents are compared: without what differs on any two hosts
// or at any two times and means nothing. They are safe for concurrent use. A nil *Masks
// compares contents byte for byte.
type Masks struct {
	o MaskOptions

	mu     sync.Mutex
	byName map[string]*mask.Form
	forms  map[string]*mask.Form // by the rules that make them
}

// MaskOptions say what Masks are made of. The zero value compares contents byte for byte.
type MaskOptions struct {
	Rules []MaskRule // DefaultMasks, most often, and those of the config after them

	// Mask, Drop, Set and JSON are as in a MaskRule, for objects of every name; Set and
	// JSON win over what rules say where they are true.
	Mask, Drop []string
	Set, JSON  bool
}

// NewMasks compiles masks. Its error names the rule that is wrong.
func NewMasks(o MaskOptions) (*Masks, error) {
	for i := range o.Rules {
		r := &o.Rules[i]
		if len(r.Names) == 0 {
			return nil, hinted(fmt.Errorf("cannot use mask rule %d: it is for no names", i+1), `names: ["*"] is for all`)
		}
		if _, err := mask.New(mask.Rules{Mask: r.Mask, Drop: r.Drop}); err != nil {
			return nil, maskError(fmt.Errorf("cannot use the mask rule for %s: %w", r.Names[0], err))
		}
	}
	if _, err := mask.New(mask.Rules{Mask: o.Mask, Drop: o.Drop}); err != nil {
		return nil, maskError(fmt.Errorf("cannot mask: %w", err))
	}
	return &Masks{o: o, byName: make(map[string]*mask.Form), forms: make(map[string]*mask.Form)}, nil
}

func maskError(err error) error {
	return hinted(err, "the syntax is that of Go's regexp (RE2)")
}

// plainForm compares byte for byte.
var plainForm = &mask.Form{}

// form returns the form in which objects of a name are compared.
func (m *Masks) form(name string) (*mask.Form, error) {
	if m == nil {
		return plainForm, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.byName[name]; f != nil {
		return f, nil
	}
	var r mask.Rules
	var from []int
	for i := range m.o.Rules {
		rule := &m.o.Rules[i]
		if !rule.matches(name) {
			continue
		}
		if rule.Instead {
			r, from = mask.Rules{}, nil
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
		if f, err = mask.New(r); err != nil {
			return nil, maskError(err) // NewMasks has compiled them all
		}
		m.forms[key] = f
	}
	m.byName[name] = f
	return f, nil
}

// Text returns contents of an object of this name in the form in which they are
// compared. It may return contents themselves.
func (m *Masks) Text(name string, contents []byte) []byte {
	f, err := m.form(name)
	if err != nil {
		return contents
	}
	return f.Text(contents)
}

// Plain reports whether objects of this name are compared byte for byte, whatever they hold.
func (m *Masks) Plain(name string) bool {
	f, err := m.form(name)
	return err == nil && f.Plain()
}

// digesters are those of each form that one question needs.
type digesters struct {
	masks   *Masks
	decoder *frame.Decoder

	mu     sync.Mutex
	byForm map[*mask.Form]*digester
}

// A digester finds out which contents are equal in a form.
type digester struct {
	workers sync.Pool // of *frame.DigestWorker
}

func (c *Client) newDigesters(m *Masks) *digesters {
	return &digesters{masks: m, decoder: c.servers.Decoder(), byForm: make(map[*mask.Form]*digester)}
}

func (d *digesters) of(name string) (*digester, error) {
	f, err := d.masks.form(name)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.byForm[f]
	if g == nil {
		form := frame.Form{Unordered: f.Set()}
		if f.Edits() {
			form.Line = f.Line
		}
		if f.JSON() {
			form.Whole, form.Begins = f.Values, mask.MayBeJSON
		}
		made := frame.NewDigester(form, d.decoder)
		g = &digester{}
		g.workers.New = func() any { return made.NewWorker() }
		d.byForm[f] = g
	}
	return g, nil
}

// use lends a worker to work.
func (g *digester) use(work func(*frame.DigestWorker) error) error {
	w, ok := g.workers.Get().(*frame.DigestWorker)
	if !ok {
		return errors.New("cannot digest contents: no worker") // New makes nothing else
	}
	defer g.workers.Put(w)
	return work(w)
}

func boolean(b bool) *bool { return &b }

// keysPattern is a regular expression for the values of these keys of sysctl -a.
func keysPattern(keys ...string) string {
	return `^(?:` + strings.Join(keys, "|") + `) = ?(.*)`
}

// DefaultMasks returns the rules for what every machine has and the agent collects:
// counters, process ids, uptimes, timestamps and identifiers. What an administrator
// can set is never masked, nor what follows from the hardware, nor anything in files
// that programs are configured by.
func DefaultMasks() []MaskRule { return slices.Clone(defaultMasks) }
