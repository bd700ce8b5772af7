package netstat

import (
	"bytes"
	"errors"
	"math"
	"slices"
)

// A Reader reads counters as a counterParser does, and remembers what lines mean. Hosts
// print the same lines with other numbers, mostly in the same order: so what a line says
// is known from the one that followed the last time, without looking for words. It is
// for one goroutine at a time.
type Reader struct {
	wanted []Counter // in the order of their values
	names  *Names    // by which all are numbered; nil: those of wanted alone are read

	parser counterParser
	known  map[string]*knownLine
	bytes  int // that known holds, about
	key    []byte

	found   meaning // what the parser told of a line
	visits  int
	heading bool
	visit   func(*meaning, float64) // nil while a line is learnt
	count   int                     // of the counters of the last object
	fresh   int                     // counters that no object before this one had
	excess  bool                    // it had more of these than it may
}

// NewReader returns a reader whose Pick returns the counters that are wanted.
func NewReader(wanted []Counter) *Reader { return &Reader{wanted: wanted} }

// NewReaderOfAll returns a reader whose All returns every counter, by its number. Several
// readers may share the names.
func NewReaderOfAll(names *Names) *Reader { return &Reader{names: names} }

// A Value is that of the counter that Names has given this number.
type Value struct {
	ID    int
	Value float64
}

// A meaning is the counter of a line or, of a heading, the counters that follow it.
type meaning struct {
	id     int   // number of Names; negative: none
	wanted []int // which of Reader.wanted
}

// A knownLine is a line around its first number.
type knownLine struct {
	before, after string
	number        bool // whether there is one
	counts        bool // it is the value of a counter
	heading       bool
	meaning
	group     []byte // counterParser's, behind the line
	direction string
	next      *knownLine // what followed it when it was last met
}

// Limits of what is remembered: a host may make up any line.
const (
	maxKnownLine = 256     // bytes
	maxKnown     = 4 << 20 // bytes, then all is forgotten
	exactDigits  = 15      // of a number that is read here
	mostFresh    = 1000    // counters that an object may add to those of the others; no kernel has as many
)

// match reads the line at the front of text, if it is this one but for the number.
func (k *knownLine) match(text []byte) (value float64, length int, ok bool) {
	n := len(k.before)
	if len(text) < n || string(text[:n]) != k.before {
		return 0, 0, false
	}
	if k.number {
		var v uint64
		start := n
		for n < len(text) && n-start < exactDigits && text[n] >= '0' && text[n] <= '9' {
			v = 10*v + uint64(text[n]-'0')
			n++
		}
		if n == start || len(text)-n < len(k.after) || string(text[n:n+len(k.after)]) != k.after {
			return 0, 0, false
		}
		value = float64(v)
		n += len(k.after)
	}
	if n == len(text) {
		return value, n, true
	}
	return value, n + 1, text[n] == '\n'
}

// each calls visit for each counter that is wanted, and heading as a counterParser does.
func (m *Reader) each(contents []byte, heading func(*meaning), visit func(*meaning, float64)) {
	m.parser = counterParser{buf: m.parser.buf, heading: m.foundHeading, visit: m.foundCounter}
	var last *knownLine
	for len(contents) > 0 {
		var k *knownLine
		if last != nil && last.next != nil {
			if value, n, ok := last.next.match(contents); ok {
				k, contents = last.next, contents[n:]
				m.enter(k, value, heading, visit)
			}
		}
		if k == nil {
			var line []byte
			line, contents, _ = bytes.Cut(contents, []byte("\n"))
			if k = m.line(bytes.TrimRight(line, " \t\r\n"), heading, visit); last != nil {
				last.next = k
			}
		}
		last = k
	}
}

// enter does what the parser would on a line.
func (m *Reader) enter(k *knownLine, value float64, heading func(*meaning), visit func(*meaning, float64)) {
	m.parser.group, m.parser.direction = k.group, k.direction
	switch {
	case k.heading:
		m.parser.names = nil
		heading(&k.meaning)
	case k.counts:
		visit(&k.meaning, value)
	}
}

// line reads a line that did not follow the last one before. It is nil where nothing is
// to be remembered.
func (m *Reader) line(line []byte, heading func(*meaning), visit func(*meaning, float64)) *knownLine {
	before, digits, after := firstNumber(line)
	if !memorable(line, before, digits) {
		m.visit = visit
		m.parser.line(line)
		return nil
	}
	value, _ := number(digits)
	k := m.known[string(m.keyOf(before, digits, after))]
	if k == nil {
		k = m.learn(line, before, digits, after)
	}
	m.enter(k, value, heading, visit)
	return k
}

// memorable leaves out lines of /proc/net, which come in pairs with many numbers, and
// whatever may mean something else with another number.
func memorable(line, before, digits []byte) bool {
	if len(line) == 0 || len(line) > maxKnownLine || len(digits) > exactDigits || bytes.HasPrefix(digits, []byte("-")) {
		return false
	}
	if line[0] == ' ' || line[0] == '\t' {
		return true
	}
	colon := bytes.IndexByte(line, ':')
	return len(before) > 0 && (colon < 0 || colon == len(line)-1)
}

// firstNumber cuts a line around its first word that is a number.
func firstNumber(line []byte) (before, digits, after []byte) {
	for rest := line; len(rest) > 0; {
		word, next := cutBlank(rest)
		if _, ok := number(word); ok {
			start := len(line) - len(bytes.TrimLeft(rest, " \t"))
			return line[:start], word, line[start+len(word):]
		}
		rest = next
	}
	return line, nil, nil
}

// keyOf is a line and the state of the parser that it is met in.
func (m *Reader) keyOf(before, digits, after []byte) []byte {
	state := byte(0)
	if m.parser.group != nil {
		state |= 1
	}
	if digits != nil {
		state |= 2
	}
	m.key = append(append(append(m.key[:0], state), m.parser.group...), 0)
	m.key = append(append(m.key, m.parser.direction...), 0)
	m.key = append(append(m.key, before...), 0)
	return append(m.key, after...)
}

func (m *Reader) learn(line, before, digits, after []byte) *knownLine {
	m.visit, m.visits, m.heading = nil, 0, false
	m.parser.line(line)
	k := &knownLine{
		before: string(before), after: string(after), number: digits != nil,
		counts: m.visits > 0, heading: m.heading, meaning: m.found,
		group: bytes.Clone(m.parser.group), direction: m.parser.direction,
	}
	if m.bytes += len(m.key) + len(line) + maxKnownLine; m.bytes > maxKnown || m.known == nil {
		m.known, m.bytes = make(map[string]*knownLine), 0
	}
	m.known[string(m.key)] = k
	return k
}

func (m *Reader) foundHeading(group []byte) {
	m.heading, m.found = true, meaning{id: -1}
	for i, c := range m.wanted {
		if equalFold(c.Group, group) {
			m.found.wanted = append(m.found.wanted, i)
		}
	}
}

func (m *Reader) foundCounter(group, name []byte, value float64) {
	m.found = meaning{id: -1}
	if m.names != nil {
		id, isNew := m.names.number(group, name, m.fresh < mostFresh)
		m.found.id = id
		if isNew {
			m.fresh++
		}
		m.excess = m.excess || id < 0 && m.fresh >= mostFresh
	}
	for i, c := range m.wanted {
		if c.is(group, name) {
			m.found.wanted = append(m.found.wanted, i)
		}
	}
	m.visits++
	if m.visit != nil {
		m.visit(&m.found, value)
	}
}

// Pick returns the values of the counters that are wanted, in their order, NaN of those
// of which contents say nothing. It calls heard with the place of each that is named:
// others may be zero because netstat -s leaves them out, or because there is no such
// counter.
func (m *Reader) Pick(contents []byte, heard func(int)) []float64 {
	values := slices.Repeat([]float64{math.NaN()}, len(m.wanted))
	m.each(contents, func(group *meaning) {
		for _, i := range group.wanted {
			if math.IsNaN(values[i]) {
				values[i] = 0
			}
		}
	}, func(counter *meaning, value float64) {
		for _, i := range counter.wanted {
			values[i] = value
			heard(i)
		}
	})
	return values
}

// ErrTooMany says that an object has counters that nobody else has, and more than any kernel.
var ErrTooMany = errors.New("it has too many counters that no other host has")

// All returns every counter in contents. The error is ErrTooMany: what a host makes up must
// not take the numbers that there are from the counters of others.
func (m *Reader) All(contents []byte) ([]Value, error) {
	m.fresh, m.excess = 0, false
	out := make([]Value, 0, m.count)
	m.each(contents, func(*meaning) {}, func(counter *meaning, value float64) {
		if counter.id >= 0 {
			out = append(out, Value{counter.id, value})
		}
	})
	m.count = len(out)
	if m.excess {
		m.known, m.bytes = nil, 0 // with lines that were taken for none
		return nil, ErrTooMany
	}
	return out, nil
}
