// Package mask brings texts into the form in which they are compared: without what
// differs on any two hosts or at any two times and means nothing, such as counters and
// process ids; lines whose order means nothing sorted; JSON as one line for each value.
package mask

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
)

// A Form is one way to bring texts into the form in which they are compared. The zero
// Form changes nothing. It is safe for concurrent use.
type Form struct {
	masks, drops []*regexp.Regexp
	set, json    bool
}

// formRules say what a Form does.
type formRules struct {
	// Mask are regular expressions, in Go's syntax. Of what they match on a line, the
	// groups, or all of it where they have none, are replaced by an asterisk.
	Mask []string

	Drop []string // lines that match one of these do not count
	Set  bool     // nor does the order of the lines
	JSON bool     // texts that are JSON are compared as JSON; see Values
}

// newForm compiles rules.
func newForm(r formRules) (*Form, error) {
	f := &Form{set: r.Set, json: r.JSON}
	for _, list := range []struct {
		texts []string
		to    *[]*regexp.Regexp
	}{{r.Mask, &f.masks}, {r.Drop, &f.drops}} {
		for _, text := range list.texts {
			x, err := regexp.Compile(text)
			if err != nil {
				return nil, fmt.Errorf("cannot compile %q: %w", text, err)
			}
			*list.to = append(*list.to, x)
		}
	}
	return f, nil
}

// Plain reports whether the form changes nothing, whatever the text.
func (f *Form) Plain() bool { return !f.Edits() && !f.set && !f.json }

// Edits reports whether the form changes or drops lines.
func (f *Form) Edits() bool { return len(f.masks) > 0 || len(f.drops) > 0 }

// Set reports whether the order of lines does not count.
func (f *Form) Set() bool { return f.set }

// JSON reports whether JSON is compared as JSON.
func (f *Form) JSON() bool { return f.json }

// placeholder stands for what is masked. It is no longer than what it replaces, or one
// byte for nothing: a hostile text does not grow without bounds.
const placeholder = '*'

// Line appends a line to dst in the form in which it is compared; line has no newline.
// It returns false, and dst as it was, where the line does not count.
func (f *Form) Line(dst, line []byte) ([]byte, bool) {
	for _, x := range f.drops {
		if x.Match(line) {
			return dst, false
		}
	}
	for _, x := range f.masks {
		line = masked(x, line)
	}
	return append(dst, line...), true
}

// masked returns a line with what x matches replaced, or line itself.
func masked(x *regexp.Regexp, line []byte) []byte {
	matches := x.FindAllSubmatchIndex(line, -1)
	if matches == nil {
		return line
	}
	var spans [][2]int
	for _, m := range matches {
		if len(m) == 2 && m[0] < m[1] { // not between all bytes
			spans = append(spans, [2]int{m[0], m[1]})
		}
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				spans = append(spans, [2]int{m[i], m[i+1]})
			}
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] }) // groups nest
	out := make([]byte, 0, len(line))
	at := 0
	for _, s := range spans {
		if s[0] < at {
			continue // within one that is replaced
		}
		out = append(append(out, line[at:s[0]]...), placeholder)
		at = s[1]
	}
	return append(out, line[at:]...)
}

// Text returns a text in the form in which it is compared. Each of its lines then ends
// in a newline, unless the form changes nothing. The result may be the text itself.
func (f *Form) Text(text []byte) []byte {
	if values, ok := f.Values(text); ok {
		text = values
	}
	if !f.Edits() && !f.set {
		return text
	}
	out := make([]byte, 0, len(text)+1)
	var ends []int
	for line := range bytes.Lines(text) {
		var counts bool
		if out, counts = f.Line(out, bytes.TrimSuffix(line, newline)); counts {
			out = append(out, '\n')
			ends = append(ends, len(out))
		}
	}
	if !f.set {
		return out
	}
	lines := make([][]byte, len(ends))
	at := 0
	for i, end := range ends {
		lines[i] = out[at:end]
		at = end
	}
	slices.SortFunc(lines, bytes.Compare)
	return slices.Concat(lines...)
}

var newline = []byte{'\n'}
