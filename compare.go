package sysops

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	Brief    bool    // only whether objects differ: Comparison.Diff stays nil
	Progress func()  // called after each object, by one goroutine at a time; nil: not
}

// A Comparison is what comparing two objects found.
type Comparison struct {
	From   *Object // has the element that is compared, and its time
	Object         // has its time and, where they differ and CompareOptions.Brief is not set, the element

	Identical bool

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
		c := &comparing{Answer: a, from: from, text: from.Text(o.Element), o: o}
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
	from *Object
	text []byte
	o    CompareOptions
}

// settleByIndex gives what the index alone can tell, and returns the targets of which
// it cannot. It returns none where that was all, or give wants no more.
func (c *comparing) settleByIndex(ctx context.Context, give func(Comparison, error) bool) ([]target, error) {
	var rest []target
	same := sha256.Sum256(c.text)
	for s, err := range c.indexedSums(ctx) {
		if err != nil {
			give(Comparison{}, err)
			return nil, err
		}
		identical := s.known && s.sum == same
		if !identical && (!s.known || !c.o.Brief) {
			rest = append(rest, *s.target)
			continue
		}
		if !give(Comparison{From: c.from, Object: Object{Key: s.key(), Core: s.core.core}, Identical: identical}, nil) {
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
	text := obj.Text(c.o.Element)
	out := Comparison{From: c.from, Object: obj, Identical: bytes.Equal(c.text, text)}
	switch {
	case out.Identical || c.o.Brief:
		out.Contents, it.held = nil, 0
	case bytes.IndexByte(c.text, 0) >= 0 || bytes.IndexByte(text, 0) >= 0:
		out.Binary = true
	default:
		out.Diff = DiffLines(c.text, text)
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

// indexedSums reads from the index what contents the objects have. Of what something
// else than our publisher wrote, it does not know.
func (a *Answer) indexedSums(ctx context.Context) iter.Seq2[summed, error] {
	return stream(ctx, a, a.targets, reading[summed]{fetch: a.client.records(), size: smallSize, work: func(it *item) (summed, bool, error) {
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

// VariantOptions say what objects of an answer are told apart by.
type VariantOptions struct {
	Element  Element // default Contents
	ByName   bool    // objects of each name have variants of their own
	Progress func()  // called after each object, by one goroutine at a time; nil: not
}

// A Variant is one of the texts that objects of an answer have.
type Variant struct {
	Name    string // of all its objects, with VariantOptions.ByName; else empty
	Sum     string // SHA-256 of the contents or, of other elements, of Object.Text; 64 hex digits
	Count   int    // how many objects have it
	Of      int    // of how many: those of the name or, without ByName, all
	Example Key    // the first of them

	sum     [sha256.Size]byte
	element Element
	holders []*target // in key order
	reader  int       // the place of the holder to read; those before would not do
}

// Share returns which part of the objects has the variant, from 0 to 1.
func (v *Variant) Share() float64 { return float64(v.Count) / float64(v.Of) }

// Hosts returns the hosts that have the variant, sorted.
func (v *Variant) Hosts() []string {
	var out []string
	for _, t := range v.holders {
		if n := len(out); n == 0 || out[n-1] != t.host.name {
			out = append(out, t.host.name)
		}
	}
	return out
}

// Variants groups the objects of the answer by what they hold: the most frequent
// variant first, equally frequent ones by their examples and, with ByName, one name
// after the other. Contents are not fetched, but where the index does not know their
// digest. Errors are those of Objects.
func (a *Answer) Variants(ctx context.Context, o VariantOptions) ([]Variant, error) {
	g := &variantGroups{options: o, names: make(map[string]*nameGroup)}
	if o.Element != Contents {
		for s, err := range a.textSums(ctx, a.targets, o.Element, false) {
			if err != nil {
				return nil, err
			}
			g.add(&s)
		}
		return g.sorted(), nil
	}
	var unknown []target
	for s, err := range a.indexedSums(ctx) {
		switch {
		case err != nil:
			return nil, err
		case s.known:
			g.add(&s)
		default:
			unknown = append(unknown, *s.target)
		}
	}
	if len(unknown) == 0 {
		return g.sorted(), nil
	}
	for s, err := range a.textSums(ctx, unknown, Contents, true) {
		if err != nil {
			return nil, err
		}
		g.add(&s)
	}
	return g.sorted(), nil
}

// variantGroups gathers the objects of each variant: by name, with ByName, and by sum.
type variantGroups struct {
	options VariantOptions
	names   map[string]*nameGroup
	list    []*Variant // as they come, which is in key order but for those that had to be read
}

type nameGroup struct {
	variants map[[sha256.Size]byte]*Variant
	objects  int
}

func (g *variantGroups) add(s *summed) {
	name := ""
	if g.options.ByName {
		name = s.name
	}
	group := g.names[name]
	if group == nil {
		group = &nameGroup{variants: make(map[[sha256.Size]byte]*Variant)}
		g.names[name] = group
	}
	v := group.variants[s.sum]
	if v == nil {
		v = &Variant{Name: name, sum: s.sum, element: g.options.Element}
		group.variants[s.sum] = v
		g.list = append(g.list, v)
	}
	v.Count++
	v.holders = append(v.holders, s.target)
	group.objects++
	if g.options.Progress != nil {
		g.options.Progress()
	}
}

func (g *variantGroups) sorted() []Variant {
	for _, v := range g.list {
		if len(v.holders) > 1 {
			slices.SortStableFunc(v.holders, func(x, y *target) int { return x.key().Compare(y.key()) })
		}
		v.Example, v.Of = v.holders[0].key(), g.names[v.Name].objects
		v.Sum = hex.EncodeToString(v.sum[:])
	}
	slices.SortFunc(g.list, func(x, y *Variant) int {
		if c := cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(y.Count, x.Count)); c != 0 {
			return c
		}
		return x.Example.Compare(y.Example)
	})
	out := make([]Variant, len(g.list))
	for i, v := range g.list {
		out[i] = *v
	}
	return out
}

// CompareVariants compares one variant with others of the same answer, and returns
// the comparisons in their order. One object of each is read; where its host has
// pushed another since they were counted, the next that was counted. o.Element does
// not matter: it is that of the variants. Errors are those of Objects, and one where
// nothing has the contents of from any more. Variants remember which object can be
// read, so they must not be compared concurrently.
func (a *Answer) CompareVariants(ctx context.Context, from *Variant, others []Variant, o CompareOptions) iter.Seq2[Comparison, error] {
	o.Element = from.element
	return func(yield func(Comparison, error) bool) {
		if len(others) == 0 {
			return
		}
		first, err := a.objectOf(ctx, from, from.reader, &o)
		if err == nil && first == nil {
			err = hinted(fmt.Errorf("cannot compare with what %s held: it and others that held the same have changed, or cannot be read", from.Example),
				"ask again: what is there by then is counted")
		}
		if err != nil {
			yield(Comparison{}, err)
			return
		}
		c := &comparing{Answer: a, from: first, text: first.Text(o.Element), o: o}
		give := func(found Comparison, err error) bool {
			if err == nil && o.Progress != nil {
				o.Progress()
			}
			return yield(found, err)
		}
		next := 0
		catchUp := func(until int) bool { // with those whose holder would not do
			for ; next < until; next++ {
				if !give(c.compareLater(ctx, &others[next])) {
					return false
				}
			}
			return true
		}
		for found, err := range c.compareFirst(ctx, others) {
			if err != nil {
				give(Comparison{}, err)
				return
			}
			if !catchUp(found.place) || !give(found.Comparison, nil) {
				return
			}
			next++
		}
		catchUp(len(others))
	}
}

// A placed is the comparison with the variant at a place of a list.
type placed struct {
	Comparison
	place int
}

// compareFirst compares with one holder of each variant, and leaves out those
// whose holder has something else by now or cannot be read.
func (c *comparing) compareFirst(ctx context.Context, variants []Variant) iter.Seq2[placed, error] {
	targets := make([]target, len(variants))
	for i := range variants {
		targets[i] = *variants[i].holders[variants[i].reader]
	}
	places := make(map[*target]int, len(targets))
	for i := range targets {
		places[&targets[i]] = i
	}
	return stream(ctx, c.Answer, targets, reading[placed]{
		goesOn: true, fetch: c.fetch(), size: unpackedSize,
		work: func(it *item) (placed, bool, error) {
			obj, err := c.readForComparison(it, &c.o)
			place := places[it.target]
			if err != nil || sha256.Sum256(obj.Text(c.o.Element)) != variants[place].sum {
				return placed{}, false, err
			}
			return placed{c.compare(it, obj), place}, true, nil
		},
	})
}

// compareLater compares with another holder of a variant.
func (c *comparing) compareLater(ctx context.Context, v *Variant) (Comparison, error) {
	obj, err := c.objectOf(ctx, v, v.reader+1, &c.o)
	if err != nil {
		return Comparison{}, err
	}
	if obj == nil {
		return Comparison{From: c.from, Object: Object{Key: v.Example}, Moved: true}, nil
	}
	return c.compare(&item{}, *obj), nil
}

// holdersTried is how many objects of a variant are looked at for one that still has
// it. Hosts push a few times an hour: more than one failure is rare.
const holdersTried = 8

// objectOf reads an object of a variant, the first from the place on that still has
// it; nil: none that was looked at has.
func (a *Answer) objectOf(ctx context.Context, v *Variant, from int, o *CompareOptions) (*Object, error) {
	for place := from; place < min(from+holdersTried, len(v.holders)); place++ {
		r := reading[*Object]{goesOn: true, fetch: a.client.elementsOf(o.elements()), size: unpackedSize, work: func(it *item) (*Object, bool, error) {
			obj, err := a.readForComparison(it, o)
			return &obj, sha256.Sum256(obj.Text(o.Element)) == v.sum, err
		}}
		for obj, err := range stream(ctx, a, []target{*v.holders[place]}, r) {
			v.reader = place
			return obj, err
		}
	}
	return nil, nil
}
