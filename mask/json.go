package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of JSON that is compared as JSON. Beyond them, it is a text: the paths of
// values that are nested deeply would take far more room than the text, and so does what
// is remembered of each value.
const (
	mostDepth  = 64
	mostGrowth = 8        // times the text
	leastRoom  = 64 << 10 // whatever the text
	mostRoom   = 32 << 20
	mostText   = 16 << 20
	mostValues = 1 << 18 // members and elements
)

// MayBeJSON reports whether a text that begins with this byte can be JSON worth
// comparing as such: an object or a list, after white space.
func MayBeJSON(first byte) bool { return strings.IndexByte("{[ \t\r\n", first) >= 0 }

// Values returns JSON as lines that each hold one value, with its path as jq writes it:
//
//	.interfaces[0].mtu = 1500
//
// Members are sorted by name, members of one name stay in their order; numbers are as
// they were written. It returns false where the form does not care for JSON, or the
// text is something else than one JSON object or list, or is nested too deeply.
func (f *Form) Values(text []byte) ([]byte, bool) {
	if !f.json || len(text) == 0 || len(text) > mostText || !MayBeJSON(text[0]) {
		return nil, false
	}
	start := bytes.TrimLeft(text, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return nil, false
	}
	// What is no UTF-8, different texts could come out alike. Decoder.Token lets a few
	// things pass that are no JSON.
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := &flattener{in: d, text: text, room: min(mostRoom, max(leastRoom, mostGrowth*len(text)))}
	if err := w.value(nil, 0); err != nil {
		return nil, false
	}
	return w.out, true
}

// A flattener writes the values that it reads as lines.
type flattener struct {
	in   *json.Decoder
	text []byte // that in reads
	out  []byte
	room int

	values int // so far
}

// token returns the next token. Half a surrogate pair is an error: it would become
// what every other half becomes.
func (w *flattener) token() (json.Token, error) {
	before := w.in.InputOffset()
	t, err := w.in.Token()
	s, isString := t.(string)
	if isString && strings.ContainsRune(s, utf8.RuneError) && bytes.Contains(w.text[before:w.in.InputOffset()], []byte(`\u`)) {
		return nil, errors.New("it holds half a surrogate pair")
	}
	return t, err
}

func (w *flattener) value(path []byte, depth int) error {
	if w.values++; w.values > mostValues {
		return fmt.Errorf("it has more than %d values", mostValues)
	}
	token, err := w.token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return w.members(path, depth)
	case json.Delim('['):
		return w.elements(path, depth)
	}
	text, err := marshal(token)
	if err != nil {
		return err
	}
	return w.line(path, text)
}

func (w *flattener) line(path, value []byte) error {
	if len(path) == 0 {
		path = []byte{'.'}
	}
	w.out = append(append(append(append(w.out, path...), " = "...), value...), '\n')
	if len(w.out) > w.room {
		return fmt.Errorf("the values take more than %d bytes", w.room)
	}
	return nil
}

func checkDepth(depth int) error {
	if depth > mostDepth {
		return fmt.Errorf("it is nested more than %d deep", mostDepth)
	}
	return nil
}

// members writes an object. Its members are put in order when all are written.
func (w *flattener) members(path []byte, depth int) error {
	if err := checkDepth(depth); err != nil {
		return err
	}
	type member struct {
		name     string
		from, to int // in out
	}
	var list []member
	start := len(w.out)
	for w.in.More() {
		token, err := w.token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		m := member{name: name, from: len(w.out)}
		if err := w.value(appendName(path, name), depth+1); err != nil {
			return err
		}
		m.to = len(w.out)
		list = append(list, m)
	}
	if _, err := w.in.Token(); err != nil {
		return err
	}
	if len(list) == 0 {
		return w.line(path, []byte("{}"))
	}
	byName := func(a, b member) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(list, byName) {
		return nil
	}
	slices.SortStableFunc(list, byName)
	sorted := make([]byte, 0, len(w.out)-start)
	for _, m := range list {
		sorted = append(sorted, w.out[m.from:m.to]...)
	}
	copy(w.out[start:], sorted)
	return nil
}

func (w *flattener) elements(path []byte, depth int) error {
	if err := checkDepth(depth); err != nil {
		return err
	}
	i := 0
	for ; w.in.More(); i++ {
		if err := w.value(append(strconv.AppendInt(append(slices.Clip(path), '['), int64(i), 10), ']'), depth+1); err != nil {
			return err
		}
	}
	if _, err := w.in.Token(); err != nil {
		return err
	}
	if i == 0 {
		return w.line(path, []byte("[]"))
	}
	return nil
}

// appendName returns the path of a member.
func appendName(path []byte, name string) []byte {
	path = append(slices.Clip(path), '.')
	if isWord(name) {
		return append(path, name...)
	}
	quoted, err := marshal(name)
	if err != nil { // of a string, it never fails
		quoted = strconv.AppendQuote(nil, name)
	}
	return append(path, quoted...)
}

// marshal is json.Marshal, with < > & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), newline), err
}

func isWord(s string) bool {
	for i, c := range []byte(s) {
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return s != ""
}
