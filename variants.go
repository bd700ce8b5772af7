package sysops

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/mask"
)

// VariantOptions say what objects of an answer are told apart by.
type VariantOptions struct {
	Element  Element   // default Contents
	ByName   bool      // objects of each name have variants of their own
	Masks    *mask.Set // the form in which contents are compared; with ByName alone. nil: byte for byte
	Progress func()    // called after each object, by one goroutine at a time; nil: not
}

// A Variant is one of the texts that objects of an answer have.
type Variant struct {
	Name    string // of all its objects, with VariantOptions.ByName; else empty
	Sum     string // SHA-256 of the contents or, of other elements, of Object.Text; 64 hex digits. Empty: there are several
	Sums    int    // how many different contents there are; more than one with Masks alone
	Count   int    // how many objects have it
	Of      int    // of how many: those of the name or, without ByName, all
	Example Key    // the first of them

	sum     [sha256.Size]byte
	element Element
	masks   *mask.Set
	form    *digester         // where objects of the name are not compared byte for byte: what
	digest  frame.Digest      // digests them, and their digest in place of sum
	holders []*extract.Target // in key order
	pass    *extract.Pass     // that the variants were counted in
	reader  int               // the place of the holder to read; those before would not do
}

// Share returns which part of the objects has the variant, from 0 to 1.
func (v *Variant) Share() float64 { return float64(v.Count) / float64(v.Of) }

// Hosts returns the hosts that have the variant, sorted.
func (v *Variant) Hosts() []string {
	var out []string
	for _, t := range v.holders {
		if n := len(out); n == 0 || out[n-1] != t.Host() {
			out = append(out, t.Host())
		}
	}
	return out
}

// Variants groups the objects of the answer by what they hold: the most frequent
// variant first, equally frequent ones by their examples and, with ByName, one name
// after the other. Contents are fetched where the index does not know their digest and,
// with Masks, once for each that is different: one that nobody can be asked for is then
// left out, with Query.Partial. Errors are those of Objects.
func (a *Answer) Variants(ctx context.Context, o VariantOptions) ([]Variant, error) {
	if o.Element != Contents || !o.ByName {
		o.Masks = nil
	}
	g := &variantGroups{options: o, pass: a.read(), names: make(map[string]*nameGroup)}
	if o.Element != Contents {
		for s, err := range textSums(ctx, g.pass, a.survey.Targets(), o.Element) {
			if err != nil {
				return nil, err
			}
			g.add(&s)
		}
		return g.sorted(), nil
	}
	var unknown []extract.Target
	for s, err := range indexedSums(ctx, g.pass, a.survey.Targets()) {
		switch {
		case err != nil:
			return nil, err
		case s.known:
			g.add(&s)
		default:
			unknown = append(unknown, *s.Target)
		}
	}
	if len(unknown) > 0 {
		for s, err := range textSums(ctx, g.pass, unknown, Contents) {
			if err != nil {
				return nil, err
			}
			g.add(&s)
		}
	}
	if o.Masks != nil {
		if err := g.mask(ctx, newDigesters(o.Masks, a.client.servers.Decoder())); err != nil {
			return nil, err
		}
	}
	return g.sorted(), nil
}

// variantGroups gathers the objects of each variant: by name, with ByName, and by sum.
type variantGroups struct {
	options VariantOptions
	pass    *extract.Pass
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
		name = s.Name()
	}
	group := g.names[name]
	if group == nil {
		group = &nameGroup{variants: make(map[[sha256.Size]byte]*Variant)}
		g.names[name] = group
	}
	v := group.variants[s.sum]
	if v == nil {
		v = &Variant{Name: name, Sums: 1, sum: s.sum, element: g.options.Element, masks: g.options.Masks, pass: g.pass}
		group.variants[s.sum] = v
		g.list = append(g.list, v)
	}
	v.Count++
	v.holders = append(v.holders, s.Target)
	group.objects++
	if g.options.Masks.Plain(name) {
		g.progress(1)
	}
}

func (g *variantGroups) progress(objects int) {
	if g.options.Progress != nil {
		for range objects {
			g.options.Progress()
		}
	}
}

// mask puts together the variants that are equal in the form in which they are
// compared. One object of each is read for that.
func (g *variantGroups) mask(ctx context.Context, forms *digesters) error {
	var list []*Variant
	var firsts []extract.Target
	var read []*Variant // of the objects in firsts
	for _, v := range g.list {
		if g.options.Masks.Plain(v.Name) {
			list = append(list, v)
			continue
		}
		var err error
		if v.form, err = forms.of(v.Name); err != nil {
			return err
		}
		firsts, read = append(firsts, *v.holders[0]), append(read, v)
	}
	m := &masking{pass: g.pass, variants: make(map[*extract.Target]*Variant, len(firsts)), equal: make(map[maskedText]*Variant), list: list}
	for i := range firsts {
		m.variants[&firsts[i]] = read[i]
	}
	done := make(map[*Variant]bool, len(read))
	for found, err := range m.digests(ctx, firsts) {
		if err == nil && found.moved {
			err = m.digestAnother(ctx, found.Variant)
		}
		if err != nil {
			return err
		}
		g.progress(found.Count)
		m.add(found.Variant)
		done[found.Variant] = true
	}
	for _, v := range read {
		if done[v] {
			continue
		}
		if err := m.digestAnother(ctx, v); err != nil { // the first holder is gone, or unreadable
			return err
		}
		if v.form != nil {
			g.progress(v.Count)
			m.add(v)
		}
	}
	g.list = m.list
	return nil
}

// masking is variants being compared in a form.
type masking struct {
	pass     *extract.Pass
	variants map[*extract.Target]*Variant // by the holder that is read
	equal    map[maskedText]*Variant
	list     []*Variant // that are different
}

// A maskedText is what objects of a name are told apart by.
type maskedText struct {
	name   string
	digest frame.Digest
}

// A digested is a variant of which an object was read and digested or, if moved, holds
// something else by now.
type digested struct {
	*Variant
	moved bool
}

// digests reads one object of each variant and digests it. Where many held the same,
// it makes sure that this one still does.
func (m *masking) digests(ctx context.Context, firsts []extract.Target) iter.Seq2[digested, error] {
	return extract.Stream(ctx, m.pass, firsts, extract.Reading[digested]{
		Elements: []extract.Element{extract.Contents}, Packed: true,
		Work: func(it *extract.Item) (digested, bool, error) {
			v, moved := m.variants[it.Target], false
			err := v.form.use(func(w *frame.DigestWorker) error {
				if v.Count == 1 {
					digest, length, err := w.Frame(it.Frame())
					v.digest = digest
					it.Unpacked(length)
					return err
				}
				contents, err := it.Contents()
				moved = sha256.Sum256(contents) != v.sum
				v.digest = w.Contents(contents)
				it.Hold(0)
				return err
			})
			if err != nil {
				return digested{}, false, fmt.Errorf("cannot read its contents: %w", err)
			}
			return digested{v, moved}, true, nil
		},
	})
}

// digestAnother digests another holder of a variant than the first.
func (m *masking) digestAnother(ctx context.Context, v *Variant) error {
	form := v.form
	v.form = nil // the holder is known by its sum
	obj, err := v.object(ctx, 1, &CompareOptions{})
	if err != nil || obj == nil {
		return err
	}
	v.form = form
	return v.form.use(func(w *frame.DigestWorker) error {
		v.digest = w.Contents(obj.Contents)
		return nil
	})
}

// add puts a variant to those that are equal to it. One that nobody holds any more
// stays by itself.
func (m *masking) add(v *Variant) {
	if v.form == nil {
		m.list = append(m.list, v)
		return
	}
	key := maskedText{v.Name, v.digest}
	same := m.equal[key]
	if same == nil {
		m.equal[key] = v
		m.list = append(m.list, v)
		return
	}
	same.Count += v.Count
	same.Sums += v.Sums
	same.holders = append(same.holders, v.holders...)
}

// isOf reports whether an object that was read holds the variant.
func (v *Variant) isOf(obj *Object) (bool, error) {
	if v.form == nil {
		return sha256.Sum256(obj.Text(v.element)) == v.sum, nil
	}
	same := false
	err := v.form.use(func(w *frame.DigestWorker) error {
		same = w.Contents(obj.Contents) == v.digest
		return nil
	})
	return same, err
}

func (g *variantGroups) sorted() []Variant {
	for _, v := range g.list {
		if len(v.holders) > 1 {
			slices.SortStableFunc(v.holders, func(x, y *extract.Target) int { return x.Key().Compare(y.Key()) })
		}
		v.Example, v.Of, v.reader = Key(v.holders[0].Key()), g.names[v.Name].objects, 0
		if v.Sums == 1 {
			v.Sum = hex.EncodeToString(v.sum[:])
		}
	}
	slices.SortFunc(g.list, (*Variant).compare)
	out := make([]Variant, len(g.list))
	for i, v := range g.list {
		out[i] = *v
	}
	return out
}

// VerifyVariants reads one object of each variant of contents, and returns the variants of
// which one holds what was counted: the first that does is the Example then, and those
// before it, which have changed since or cannot be read, count no more. lost are the
// examples of the others. Of more than 500 variants, those after the 500th are returned as
// they are. What the index says of contents is what their host said: a frame
// that was replaced by another shows only when it is read. Errors are those of Objects.
func (a *Answer) VerifyVariants(ctx context.Context, variants []Variant) (verified []Variant, lost []Key, err error) {
	if len(variants) == 0 || variants[0].element != Contents {
		return variants, nil, nil
	}
	a.pass = variants[0].pass
	variants, rest := variants[:min(len(variants), mostVerified)], variants[min(len(variants), mostVerified):]
	good := make([]bool, len(variants))
	read, places := readVariants(variants, &CompareOptions{}, func(_ *extract.Item, _ *Object, place int) (int, error) { return place, nil })
	for place, err := range extract.Stream(ctx, a.pass, places, read) {
		if err != nil {
			return nil, nil, err
		}
		good[place] = true
	}
	for i := range variants {
		v := variants[i]
		if !good[i] {
			obj, err := v.object(ctx, v.reader+1, &CompareOptions{})
			if err != nil {
				return nil, nil, err
			}
			if obj == nil {
				lost = append(lost, v.Example)
				continue
			}
		}
		v.Count -= v.reader
		v.holders, v.reader = v.holders[v.reader:], 0
		v.Example = Key(v.holders[0].Key())
		verified = append(verified, v)
	}
	verified = append(verified, rest...)
	slices.SortFunc(verified, func(x, y Variant) int { return x.compare(&y) })
	return verified, lost, nil
}

// readVariants is a reading of one holder of each variant, and what it reads. work gets the
// objects that hold their variant, and its place; others are left out.
func readVariants[T any](variants []Variant, o *CompareOptions, work func(*extract.Item, *Object, int) (T, error)) (extract.Reading[T], []extract.Target) {
	targets := make([]extract.Target, len(variants))
	for i := range variants {
		targets[i] = *variants[i].holders[variants[i].reader]
	}
	places := make(map[*extract.Target]int, len(targets))
	for i := range targets {
		places[&targets[i]] = i
	}
	return objectReading(o.verified(), func(it *extract.Item, obj *Object) (none T, keep bool, err error) {
		place := places[it.Target]
		if is, err := variants[place].isIn(it, obj); err != nil || !is {
			return none, false, err
		}
		v, err := work(it, obj, place)
		return v, err == nil, err
	}), targets
}

// verified are the elements that a comparison of variants reads: with the MD5 sum, which
// tells contents that somebody has replaced from those that their host has.
func (o *CompareOptions) verified() []Element {
	if o.Element != Contents {
		return o.elements()
	}
	return append(o.elements(), MD5Sum)
}

// isIn is isOf for an object that is being read. Where it is another, a server that has not
// been asked may have the one that was counted.
func (v *Variant) isIn(it *extract.Item, obj *Object) (bool, error) {
	is, err := v.isOf(obj)
	if err == nil && !is && !it.Last() {
		err = errors.New("its contents are not those that the index says")
	}
	return is, err
}

// compare is the order of variants.
func (v *Variant) compare(other *Variant) int {
	if c := cmp.Or(cmp.Compare(v.Name, other.Name), cmp.Compare(other.Count, v.Count)); c != 0 {
		return c
	}
	return v.Example.Compare(other.Example)
}

// CompareVariants compares one variant with others of the same answer, and returns
// the comparisons in their order. One object of each is read; where its host has
// pushed another since they were counted, the next that was counted. o.Element and
// o.Masks do not matter: they are those of the variants. Errors are those of Objects, and
// ErrMoved where nothing has the contents of from any more. Variants remember which object
// can be read, so they must not be compared concurrently.
func (a *Answer) CompareVariants(ctx context.Context, from *Variant, others []Variant, o CompareOptions) iter.Seq2[Comparison, error] {
	o.Element, o.Masks = from.element, from.masks
	return func(yield func(Comparison, error) bool) {
		if len(others) == 0 {
			return
		}
		a.pass = from.pass // the variants, and how they differ, are one reading
		first, err := from.object(ctx, from.reader, &o)
		if err == nil && first == nil {
			err = hint.To(fmt.Errorf("cannot compare with what %s held: %w", from.Example, ErrMoved),
				"ask again: what is there by then is counted")
		}
		if err != nil {
			yield(Comparison{}, err)
			return
		}
		c := newComparing(first, o)
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
	read, targets := readVariants(variants, &c.o, func(it *extract.Item, obj *Object, place int) (placed, error) {
		if err := c.o.fits(c.from.Name, obj); err != nil {
			return placed{}, err
		}
		found, held := c.compare(obj)
		it.Hold(held)
		return placed{found, place}, nil
	})
	return extract.Stream(ctx, variants[0].pass, targets, read)
}

// compareLater compares with another holder of a variant.
func (c *comparing) compareLater(ctx context.Context, v *Variant) (Comparison, error) {
	obj, err := v.object(ctx, v.reader+1, &c.o)
	if err != nil {
		return Comparison{}, err
	}
	if obj == nil {
		return Comparison{From: c.from, Object: Object{Key: v.Example}, Moved: true}, nil
	}
	found, _ := c.compare(obj)
	return found, nil
}

// holdersTried is how many objects of a variant are looked at for one that still has
// it. Hosts push a few times an hour: more than one failure is rare.
const holdersTried = 8

// object reads an object of the variant, the first from the place on that still has it;
// nil: none that was looked at has.
func (v *Variant) object(ctx context.Context, from int, o *CompareOptions) (*Object, error) {
	read := objectReading(o.verified(), func(it *extract.Item, obj *Object) (*Object, bool, error) {
		is, err := v.isIn(it, obj)
		if err == nil && is {
			err = o.fits(v.Name, obj)
		}
		return obj, is && err == nil, err
	})
	for place := from; place < min(from+holdersTried, len(v.holders)); place++ {
		for obj, err := range extract.Stream(ctx, v.pass, []extract.Target{*v.holders[place]}, read) {
			v.reader = place
			return obj, err
		}
	}
	return nil, nil
}

// digesters are those of each form that one question needs.
type digesters struct {
	masks   *mask.Set
	decoder *frame.Decoder

	mu     sync.Mutex
	byForm map[*mask.Form]*digester
}

// A digester finds out which contents are equal in a form.
type digester struct {
	workers sync.Pool // of *frame.DigestWorker
}

func newDigesters(m *mask.Set, decoder *frame.Decoder) *digesters {
	return &digesters{masks: m, decoder: decoder, byForm: make(map[*mask.Form]*digester)}
}

func (d *digesters) of(name string) (*digester, error) {
	f, err := d.masks.Form(name)
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
