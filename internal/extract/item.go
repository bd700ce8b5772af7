package extract

import (
	"bytes"
	"fmt"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// Element is one of the five parts of an object, numbered as in the Redis list that holds
// it (the order of the original).
type Element int

// The elements of an object.
const (
	Contents Element = iota
	MD5Sum
	Stat
	Counts
	Time
)

// An Item is an object in the course of a stream: its target, and what was read of it. It
// is valid until Reading.Work returns.
type Item struct {
	want
	got
	by   *fetch
	held int // bytes that it and its result hold, as Work finds out
}

// Server returns the name of the server that the object was read from.
func (it *Item) Server() string { return it.from.Name() }

// Contents unpacks the contents. They are the caller's own.
func (it *Item) Contents() ([]byte, error) {
	contents, err := it.by.servers.decoder.Decode(it.values[0], it.base)
	if err != nil {
		return nil, err
	}
	if it.base != nil && shares(contents, it.base) {
		contents = bytes.Clone(contents) // whoever receives them may change them
	}
	it.held = len(contents)
	it.spent(len(contents))
	return contents, nil
}

// shares reports whether contents are the base's own memory.
func shares(contents []byte, base *frame.Base) bool {
	own := base.Contents()
	return len(contents) > 0 && len(own) > 0 && &contents[0] == &own[0]
}

// Text returns the element at this place of Reading.Elements, other than the contents. The
// original packed these with bzip2; ours are plain, and none of them begins as bzip2 does.
// One that is far longer than any of them is damaged.
func (it *Item) Text(place int) (string, error) {
	value := it.values[place]
	switch {
	case len(value) > mostText:
		return "", fmt.Errorf("damaged: it has %d bytes", len(value))
	case !frame.Bzip2.Begins(value):
		return string(value), nil
	}
	text, err := textDecoder.Decode(value, nil)
	if err != nil {
		return "", fmt.Errorf("damaged: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// mostText is how long an element other than the contents may be.
const mostText = 4 << 10

var textDecoder = frame.NewDecoder(mostText)

// Last reports whether no other server is left that has the object, should this one's not do.
func (it *Item) Last() bool { return it.servers&^it.tried&^it.from.bit == 0 }

// Frame returns the contents as they were read, and the base that they refer to; nil: none.
// unpacked is to be told with Unpacked.
func (it *Item) Frame() ([]byte, *frame.Base) { return it.values[0], it.base }

// Unpacked takes down how many bytes of contents a frame stood for that Work has looked at.
func (it *Item) Unpacked(bytes int) { it.spent(bytes) }

// Record returns what the index records of the object; false: nothing, as something else
// than our publisher wrote it. It is for a Reading without Elements.
func (it *Item) Record() (store.Record, bool) { return store.ParseRecord(it.values[0]) }

// Hold says how many bytes the result of Work holds, in place of the contents.
func (it *Item) Hold(bytes int) { it.held = bytes }

// spent counts the object for the cost of the survey.
func (it *Item) spent(unpacked int) { it.by.cost.add(it.from, len(it.values[0]), unpacked) }

// size is how much memory the item needs when it is worked on; false: it does not say, and
// this is a guess. packed is Reading.Packed.
func (it *Item) size(packed bool) (bytes int, declared bool) {
	if !it.by.packed || len(it.values) == 0 {
		return elementSize, true
	}
	if _, refers := frame.BaseOf(it.values[0]); packed && refers {
		return 4 * len(it.values[0]), true
	}
	if n, ok := frame.Len(it.values[0]); ok {
		return n, true
	}
	return 10 * len(it.values[0]), false
}

// Search is a Reading that searches contents, and has see make something of what is found
// in each. found is valid until see returns; see is called by all CPUs at once. Its error
// makes the object unreadable.
func Search[T any](p *Pass, expr *frame.Expr, o frame.SearchOptions, see func(it *Item, found *frame.Found) (T, error)) Reading[T] {
	search := frame.NewSearch(expr, p.survey.servers.decoder, o)
	scanners := sync.Pool{New: func() any { return search.NewScanner() }}
	return Reading[T]{
		Elements: []Element{Contents}, Packed: true,
		Work: func(it *Item) (v T, keep bool, err error) {
			scanner, _ := scanners.Get().(*frame.Scanner)
			defer scanners.Put(scanner)
			found, err := scanner.Frame(it.Frame())
			if err != nil {
				return v, false, fmt.Errorf("cannot read its contents: %w", err)
			}
			it.Unpacked(found.Length)
			v, err = see(it, found)
			return v, err == nil, err
		},
	}
}
