package sysops

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// Text returns an element as text to be compared: contents as they are; of the
// others, lines that each hold one value. Of a stat, it leaves out inode, device and
// ctime, which differ on any two hosts.
func (o *Object) Text(e Element) []byte {
	switch e {
	case MD5Sum:
		return fmt.Appendf(nil, "%s\n", o.MD5Sum)
	case StatOf:
		s := o.Stat
		if s == nil {
			return []byte("no stat available\n")
		}
		return fmt.Appendf(nil, "mode %s %o\nnlink %d\nuid %d\ngid %d\nsize %d\nmtime %s\n",
			s.FileMode(), s.Mode, s.Nlink, s.UID, s.GID, s.Size, time.Unix(s.Mtime, 0).UTC().Format(time.RFC3339))
	case WordCount:
		return fmt.Appendf(nil, "lines %d\nwords %d\nbytes %d\n", o.Words.Lines, o.Words.Words, o.Words.Bytes)
	case TimeOf:
		return fmt.Appendf(nil, "%s\n", o.Time.UTC().Format(time.RFC3339))
	}
	return o.Contents
}

// CompareOptions say what is compared, and how thoroughly.
type CompareOptions struct {
	Element  Element // default Contents
	Masks    *Masks  // the form in which contents are compared, that of From's name; nil: byte for byte
	Brief    bool    // only whether objects differ: Comparison.Diff stays nil
	Progress func()  // called after each object, by one goroutine at a time; nil: not
}

// A Comparison is what comparing two objects found.
type Comparison struct {
	From   *Object // has the element that is compared, and its time
	Object         // has its time and, where they differ and CompareOptions.Brief is not set, the element

	Identical bool
	Masked    bool // Identical but for what Masks take away

	// Binary: either has NUL bytes, so that a difference is not looked for in lines.
	Binary bool

	// Moved: of all objects that a Variant was counted for, none that was looked at
	// has these contents any more. Object is but the key of its example.
	Moved bool

	Diff *Diff // nil: identical, binary, moved, or CompareOptions.Brief
}

// Compare compares one object with each of the answer, itself included where the
// query selects it. from has been read by an Answer's Objects, with the element that
// is compared and TimeOf.
//
// Contents that the index knows to be identical are not fetched, nor any with Brief
// that it knows. So come first the objects that are settled thus, then the others,
// each in key order. Errors are those of Objects.
func (a *Answer) Compare(ctx context.Context, from *Object, o CompareOptions) iter.Seq2[Comparison, error] {
	return func(yield func(Comparison, error) bool) {
		give := func(c Comparison, err error) bool {
			if err == nil && o.Progress != nil {
				o.Progress()
			}
			return yield(c, err)
		}
		c := newComparing(a, from, o)
		rest, goesOn := a.targets, false
		if o.Element == Contents {
			var err error
			if rest, err = c.settleByIndex(ctx, give); err != nil || rest == nil {
				return
			}
			goesOn = true
		}
		for found, err := range stream(ctx, a, rest, reading[Comparison]{goesOn: goesOn, fetch: c.fetch(), size: unpackedSize, work: c.work}) {
			if !give(found, err) {
				return
			}
		}
	}
}

// comparing is one object being compared with others.
type comparing struct {
	*Answer
	from     *Object
	fromText []byte
	o        CompareOptions
}

func newComparing(a *Answer, from *Object, o CompareOptions) *comparing {
	c := &comparing{Answer: a, from: from, o: o}
	c.fromText = c.text(from)
	return c
}

// text is what is compared of an object. An object of another name than from's is
// compared in the form of from's: what is equal byte for byte is equal in any.
func (c *comparing) text(obj *Object) []byte {
	if c.o.Element == Contents {
		return c.o.Masks.Text(c.from.Name, obj.Contents)
	}
	return obj.Text(c.o.Element)
}

// settleByIndex gives what the index alone can tell, and returns the targets of which
// it cannot. It returns none where that was all, or give wants no more.
func (c *comparing) settleByIndex(ctx context.Context, give func(Comparison, error) bool) ([]target, error) {
	var rest []target
	same := sha256.Sum256(c.from.Contents)
	for s, err := range c.indexedSums(ctx, c.targets) {
		if err != nil {
			give(Comparison{}, err)
			return nil, err
		}
		identical := s.known && s.sum == same
		if !identical && (!s.known || !c.o.Brief || !c.o.Masks.Plain(c.from.Name)) {
			rest = append(rest, *s.target)
			continue
		}
		if !give(Comparison{From: c.from, Object: Object{Key: s.key(), Site: s.core.site, Core: s.core.core}, Identical: identical}, nil) {
			return nil, nil
		}
	}
	return rest, nil
}

// elements are those that a comparison reads, as they are numbered on the wire.
func (o *CompareOptions) elements() []int {
	return slices.Compact([]int{int(o.Element), int(TimeOf)})
}

func (c *comparing) fetch() *fetch { return c.client.elementsOf(c.o.elements()) }

// work reads an object and compares it.
func (c *comparing) work(it *item) (Comparison, bool, error) {
	obj, err := c.readForComparison(it, &c.o)
	if err != nil {
		return Comparison{}, false, err
	}
	return c.compare(it, obj), true, nil
}

func (a *Answer) readForComparison(it *item, o *CompareOptions) (Object, error) {
	obj, err := a.client.object(it, o.elements())
	if err == nil && o.Element == Contents {
		a.cost.add(it.from, len(it.values[0]), len(obj.Contents))
	}
	return obj, err
}

// compare compares an object that has been read, and lets go of what nobody needs.
func (c *comparing) compare(it *item, obj Object) Comparison {
	text := c.text(&obj)
	if it.held += len(text); len(text) > 0 && len(obj.Contents) > 0 && &text[0] == &obj.Contents[0] {
		it.held -= len(text)
	}
	out := Comparison{From: c.from, Object: obj, Identical: bytes.Equal(c.fromText, text)}
	out.Masked = out.Identical && !bytes.Equal(c.from.Contents, obj.Contents)
	switch {
	case out.Identical || c.o.Brief:
		out.Contents, it.held = nil, 0
	case bytes.IndexByte(c.fromText, 0) >= 0 || bytes.IndexByte(text, 0) >= 0:
		out.Binary = true
	default:
		out.Diff = DiffLines(c.fromText, text)
		it.held += editBytes * len(out.Diff.edits)
	}
	return out
}

// editBytes is what an edit of a Diff needs.
const editBytes = 32

// A summed is an object and the digest of its contents.
type summed struct {
	*target
	sum   [sha256.Size]byte
	known bool
}

// indexedSums reads from the index what contents the objects of targets have. Of what
// something else than our publisher wrote, it does not know.
func (a *Answer) indexedSums(ctx context.Context, targets []target) iter.Seq2[summed, error] {
	return stream(ctx, a, targets, reading[summed]{fetch: a.client.records(), size: smallSize, work: func(it *item) (summed, bool, error) {
		sum, ok := store.ParseSum(it.values[0])
		return summed{it.target, sum, ok}, true, nil
	}})
}

// textSums digests the text of an element of targets, by reading it.
func (a *Answer) textSums(ctx context.Context, targets []target, e Element, goesOn bool) iter.Seq2[summed, error] {
	elements := []int{int(e)}
	r := reading[summed]{goesOn: goesOn, fetch: a.client.elementsOf(elements), size: smallSize, work: func(it *item) (summed, bool, error) {
		obj, err := a.client.object(it, elements)
		it.held = 0 // but the digest
		return summed{it.target, sha256.Sum256(obj.Text(e)), true}, true, err
	}}
	if e == Contents {
		r.size = unpackedSize
	}
	return stream(ctx, a, targets, r)
}
