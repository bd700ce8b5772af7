package sysops

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/diff"
	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/mask"
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
	case CountsOf:
		return fmt.Appendf(nil, "lines %d\nwords %d\nbytes %d\n", o.Words.Lines, o.Words.Words, o.Words.Bytes)
	case TimeOf:
		return fmt.Appendf(nil, "%s\n", o.Time.UTC().Format(time.RFC3339))
	}
	return o.Contents
}

// CompareOptions say what is compared, and how thoroughly.
type CompareOptions struct {
	Element  Element   // default Contents
	Masks    *mask.Set // the form in which contents are compared, that of From's name; nil: byte for byte
	Brief    bool      // only whether objects differ: Comparison.Diff stays nil
	Progress func()    // called after each object, by one goroutine at a time; nil: not
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

	Diff *diff.Diff // nil: identical, binary, moved, or CompareOptions.Brief
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
		if err := o.fits(from.Name, from); err != nil {
			give(Comparison{}, fmt.Errorf("cannot compare with %s: %w", from.Key, err))
			return
		}
		c := newComparing(from, o)
		pass, rest := a.read(), a.survey.Targets()
		if o.Element == Contents {
			var err error
			if rest, err = c.settleByIndex(ctx, pass, rest, give); err != nil || rest == nil {
				return
			}
		}
		for found, err := range extract.Stream(ctx, pass, rest, objectReading(o.elements(), func(it *extract.Item, obj *Object) (Comparison, bool, error) {
			if err := o.fits(from.Name, obj); err != nil {
				return Comparison{}, false, err
			}
			found, held := c.compare(obj)
			it.Hold(held)
			return found, true, nil
		})) {
			if !give(found, err) {
				return
			}
		}
	}
}

// comparing is one object being compared with others.
type comparing struct {
	from     *Object
	fromText []byte
	o        CompareOptions
}

func newComparing(from *Object, o CompareOptions) *comparing {
	c := &comparing{from: from, o: o}
	c.fromText = c.text(from)
	return c
}

// Limits of contents that are compared in a form other than their own, which has to be
// made. What is longer can be compared byte for byte.
const (
	mostMasked      = 16 << 20 // bytes
	mostMaskedLines = 1 << 18
)

// fits says why an object cannot be compared in the form of a name: nil if it can.
func (o *CompareOptions) fits(name string, obj *Object) error {
	if o.Element != Contents || o.Masks.Plain(name) || len(obj.Contents) <= mostMasked && bytes.Count(obj.Contents, newline) <= mostMaskedLines {
		return nil
	}
	return fmt.Errorf("it has over %d MiB or %d lines, which is too much to be masked", mostMasked>>20, mostMaskedLines)
}

var newline = []byte{'\n'}

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
func (c *comparing) settleByIndex(ctx context.Context, pass *extract.Pass, targets []extract.Target, give func(Comparison, error) bool) ([]extract.Target, error) {
	var rest []extract.Target
	same := sha256.Sum256(c.from.Contents)
	for s, err := range indexedSums(ctx, pass, targets) {
		if err != nil {
			give(Comparison{}, err)
			return nil, err
		}
		identical := s.known && s.sum == same
		if !identical && (!s.known || !c.o.Brief || !c.o.Masks.Plain(c.from.Name)) {
			rest = append(rest, *s.Target)
			continue
		}
		found := Comparison{From: c.from, Object: Object{Key: Key(s.Key())}, Identical: identical}
		found.Site, found.Core = s.Place()
		if !give(found, nil) {
			return nil, nil
		}
	}
	return rest, nil
}

// elements are those that a comparison reads.
func (o *CompareOptions) elements() []Element { return []Element{o.Element, TimeOf} }

// compare compares an object that has been read, and lets go of what nobody needs. held is
// how many bytes the comparison holds.
func (c *comparing) compare(obj *Object) (out Comparison, held int) {
	text := c.text(obj)
	out = Comparison{From: c.from, Object: *obj, Identical: bytes.Equal(c.fromText, text)}
	out.Masked = out.Identical && !bytes.Equal(c.from.Contents, obj.Contents)
	if out.Identical || c.o.Brief {
		out.Contents = nil
		return out, 0
	}
	held = len(obj.Contents)
	if len(text) > 0 && (len(obj.Contents) == 0 || &text[0] != &obj.Contents[0]) {
		held += len(text)
	}
	if bytes.IndexByte(c.fromText, 0) >= 0 || bytes.IndexByte(text, 0) >= 0 {
		out.Binary = true
		return out, held
	}
	out.Diff = diff.Lines(c.fromText, text)
	return out, held + out.Diff.Memory()
}

// A summed is an object and the digest of its contents.
type summed struct {
	*extract.Target
	sum   [sha256.Size]byte
	known bool
}

// indexedSums reads from the index what contents the objects of targets have. Of what
// something else than our publisher wrote, it does not know.
func indexedSums(ctx context.Context, pass *extract.Pass, targets []extract.Target) iter.Seq2[summed, error] {
	return extract.Stream(ctx, pass, targets, extract.Reading[summed]{Work: func(it *extract.Item) (summed, bool, error) {
		r, known := it.Record()
		return summed{it.Target, r.Sum, known}, true, nil
	}})
}

// textSums digests the text of an element of targets, by reading it.
func textSums(ctx context.Context, pass *extract.Pass, targets []extract.Target, e Element) iter.Seq2[summed, error] {
	return extract.Stream(ctx, pass, targets, objectReading([]Element{e}, func(it *extract.Item, obj *Object) (summed, bool, error) {
		it.Hold(0) // but the digest
		return summed{it.Target, sha256.Sum256(obj.Text(e)), true}, true, nil
	}))
}

// A HostDifference is one name in which two hosts were compared.
type HostDifference struct {
	Comparison        // of the first host's object with the second's, where both have it
	Name       string // of both objects
	OnlyOn     string // the host that alone has it; empty: both have
}

// CompareHosts compares all that the answer has of two hosts: every name that either
// has, in the order of the names. The answer's pattern must select the objects of both.
// What the index knows to be identical is not fetched. Errors are those of Objects.
func (a *Answer) CompareHosts(ctx context.Context, first, second string, o CompareOptions) iter.Seq2[HostDifference, error] {
	return func(yield func(HostDifference, error) bool) {
		give := func(d HostDifference, err error) bool {
			if err == nil && o.Progress != nil {
				o.Progress()
			}
			return yield(d, err)
		}
		pass := a.read()
		pairs, err := pairsOf(ctx, pass, first, second, &o)
		if err != nil {
			give(HostDifference{}, err)
			return
		}
		next := 0
		settle := func(until int) bool { // with those that need not be read
			for ; next < until; next++ {
				if d, ok := pairs[next].settled(first, second); ok && !give(d, nil) {
					return false
				}
			}
			return true
		}
		for found, err := range readPairs(ctx, pass, pairs, &o) {
			if err != nil {
				give(HostDifference{}, err)
				return
			}
			if !settle(found.place) || !give(found.HostDifference, nil) {
				return
			}
			next++
		}
		settle(len(pairs))
	}
}

// A pair is the objects of one name, of two hosts. One of them may be nil.
type pair struct {
	name   string
	of     [2]*extract.Target
	unread bool // what it holds must be read to be compared
}

// settled is a pair that need not be read: only one host has it, or both are known to
// be identical. It returns false where it had to be read, and could not be.
func (p *pair) settled(first, second string) (HostDifference, bool) {
	d := HostDifference{Name: p.name}
	switch {
	case p.unread:
		return d, false
	case p.of[1] == nil:
		d.OnlyOn, d.Object.Key = first, Key(p.of[0].Key())
	case p.of[0] == nil:
		d.OnlyOn, d.Object.Key = second, Key(p.of[1].Key())
	default:
		d.Identical, d.From, d.Object = true, &Object{Key: Key(p.of[0].Key())}, Object{Key: Key(p.of[1].Key())}
	}
	return d, true
}

// pairsOf puts the targets of two hosts together, and finds out from the index which of
// them are identical.
func pairsOf(ctx context.Context, pass *extract.Pass, first, second string, o *CompareOptions) ([]pair, error) {
	byName := make(map[string]*pair)
	var targets []extract.Target // of the two: the answer may have other hosts
	all := pass.Survey().Targets()
	for i := range all {
		t := &all[i]
		side := slices.Index([]string{first, second}, t.Host())
		if side < 0 {
			continue
		}
		p := byName[t.Name()]
		if p == nil {
			p = &pair{name: t.Name()}
			byName[t.Name()] = p
		}
		p.of[side] = t
		targets = append(targets, *t)
	}
	out := make([]pair, 0, len(byName))
	for _, p := range byName {
		p.unread = p.of[0] != nil && p.of[1] != nil
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	if o.Element != Contents {
		return out, nil
	}
	sums := make(map[string]summed) // of the first host
	for s, err := range indexedSums(ctx, pass, targets) {
		if err != nil {
			return nil, err
		}
		other, seen := sums[s.Name()]
		if !seen {
			sums[s.Name()] = s
			continue
		}
		if s.known && other.known && s.sum == other.sum {
			i, _ := slices.BinarySearchFunc(out, s.Name(), func(p pair, name string) int { return strings.Compare(p.name, name) })
			out[i].unread = false
		}
	}
	return out, nil
}

// A placedPair is what comparing the pair at a place of a list found.
type placedPair struct {
	HostDifference
	place int
}

// readPairs reads the pairs that have to be, and compares them. One of which an object
// is gone by now, or cannot be read, is left out.
func readPairs(ctx context.Context, pass *extract.Pass, pairs []pair, o *CompareOptions) iter.Seq2[placedPair, error] {
	var targets []extract.Target
	var places []int // of the targets in pairs
	for i := range pairs {
		if pairs[i].unread {
			targets = append(targets, *pairs[i].of[0], *pairs[i].of[1])
			places = append(places, i, i)
		}
	}
	placeOf := make(map[*extract.Target]int, len(targets))
	for i := range targets {
		placeOf[&targets[i]] = places[i]
	}
	type placedObject struct {
		Object
		place int
	}
	read := objectReading(o.elements(), func(it *extract.Item, obj *Object) (placedObject, bool, error) {
		err := o.fits(obj.Name, obj)
		return placedObject{*obj, placeOf[it.Target]}, err == nil, err
	})
	return func(yield func(placedPair, error) bool) {
		var from *placedObject
		for obj, err := range extract.Stream(ctx, pass, targets, read) {
			switch {
			case err != nil:
				yield(placedPair{}, fmt.Errorf("cannot compare the hosts: %w", err))
				return
			case from == nil || from.place != obj.place:
				from = &obj
				continue
			}
			c, _ := newComparing(&from.Object, *o).compare(&obj.Object)
			if !yield(placedPair{HostDifference{Comparison: c, Name: obj.Name}, obj.place}, nil) {
				return
			}
		}
	}
}
