package sysops

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/parse/elements"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Element is one of the five parts of an object, numbered as in the Redis list
// that holds it (the order of the original sysops-api).
type Element int

// The elements of an object.
const (
	Contents Element = iota // the bytes of the file, or of the command's output
	MD5Sum                  // 32 hex digits; verified where the contents are read as well
	StatOf                  // what stat(2) said of the file; see Stat
	CountsOf                // lines, words and bytes; see Wordcount
	TimeOf                  // when these contents were first seen
)

func (e Element) String() string {
	switch e {
	case Contents:
		return "contents"
	case MD5Sum:
		return "md5sum"
	case StatOf:
		return "stat"
	case CountsOf:
		return "wordcount"
	case TimeOf:
		return "time"
	}
	return fmt.Sprintf("Element(%d)", int(e))
}

// Object is one object of an answer. Which of the fields after Key are set
// depends on the elements that the query asked for; the zero value of the
// others says nothing.
type Object struct {
	Key
	Site     string          // of the core that answered
	Core     string          // the core that answered
	Server   string          // the server that answered, host:port/db
	Contents []byte          // owned by the receiver
	MD5Sum   string          // 32 hex digits
	Stat     *snapshot.Stat  // nil: a command's output has no stat
	Words    snapshot.Counts // lines, words, bytes
	Time     time.Time       // when these contents were first seen, by the server's clock
}

// readingOf is a reading of elements, the contents where none is given, that makes
// something of each object.
func readingOf[T any](elements []Element, work func(*Object) T) extract.Reading[T] {
	return objectReading(elements, func(_ *extract.Item, o *Object) (T, bool, error) { return work(o), true, nil })
}

// objectReading is readingOf for work that needs the item, may leave an object out, or may
// fail.
func objectReading[T any](elements []Element, work func(*extract.Item, *Object) (T, bool, error)) extract.Reading[T] {
	wire := wireElements(elements)
	return extract.Reading[T]{Elements: wire, Work: func(it *extract.Item) (v T, keep bool, err error) {
		o, err := objectOf(it, wire)
		if err != nil {
			return v, false, err
		}
		return work(it, &o)
	}}
}

// wireElements are elements as the engine takes them: each once, the contents first.
func wireElements(elements []Element) []extract.Element {
	if len(elements) == 0 {
		return []extract.Element{extract.Contents}
	}
	out := make([]extract.Element, len(elements))
	for i, e := range elements {
		out[i] = extract.Element(e)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unread is an object of which nothing has been read.
func unread(it *extract.Item) Object {
	o := Object{Key: Key(it.Key()), Server: it.Server()}
	o.Site, o.Core = it.Place()
	return o
}

// objectOf makes an Object of what was read. The error is about the bytes.
func objectOf(it *extract.Item, elements []extract.Element) (Object, error) {
	o := unread(it)
	if elements[0] != extract.Contents {
		it.Unpacked(0)
	}
	for place, e := range elements {
		if err := o.read(it, place, Element(e)); err != nil {
			return Object{}, fmt.Errorf("cannot read its %s: %w", Element(e), err)
		}
	}
	if o.MD5Sum != "" && elements[0] == extract.Contents { // which somebody may have replaced
		if sum := md5.Sum(o.Contents); !strings.EqualFold(hex.EncodeToString(sum[:]), o.MD5Sum) {
			return Object{}, errors.New("damaged: its contents are not those of its md5sum")
		}
	}
	return o, nil
}

// read takes over the element that was read at this place.
func (o *Object) read(it *extract.Item, place int, e Element) (err error) {
	if e == Contents {
		o.Contents, err = it.Contents()
		return err
	}
	text, err := it.Text(place)
	if err != nil {
		return err
	}
	switch e {
	case MD5Sum:
		o.MD5Sum, err = elements.MD5Sum(text)
	case StatOf:
		o.Stat, err = elements.Stat(text)
	case CountsOf:
		o.Words, err = elements.WordCount(text)
	case TimeOf:
		o.Time, err = elements.Time(text)
	}
	return err
}
