package extract

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// Where an ACL keeps hosts from writing bases, gc chooses them: for each name that enough
// hosts hold, from a sample of their contents, and the same at all servers of a core.

const (
	sampledHosts = 256     // of a name
	sampledBytes = 8 << 20 // of their contents
	namesAtOnce  = 100     // whose bases are read in one request
)

// A baseChoice is the choosing of bases for one core.
type baseChoice struct {
	members []*chooser
	lead    *chooser // whose hosts and objects are looked at: it has the most
	encoder *frame.Encoder
	decoder *frame.Decoder

	used map[store.ID]bool        // chosen bases that somebody refers to
	idle map[store.ID][]idlePlace // others, and where they are listed
}

// An idlePlace is a place among the bases of a name, of one that nobody was seen to use.
type idlePlace struct {
	name string
	last time.Time // when somebody did
}

// A chooser is one server that is given bases.
type chooser struct {
	*member
	ahead   time.Duration
	wrote   int
	chosen  bool // it has bases that gc has chosen
	changed bool // and has not had the same before
	err     error
}

func (c *chooser) clock() time.Time { return time.Now().Add(c.ahead) }

// chooseBases sees to it that the servers have bases where hosts may not write them, and
// notes in changes what was done.
func (t *tending) chooseBases(ctx context.Context, changes []ServerChange) {
	b := &baseChoice{
		encoder: frame.NewEncoder(), decoder: frame.NewDecoder(frame.MostBased),
		used: make(map[store.ID]bool), idle: make(map[store.ID][]idlePlace),
	}
	most := -1
	at := make([]*chooser, len(t.members))
	for i, m := range t.members {
		if t.failure(m) != nil || changes[i].Err != nil && !store.Answered(changes[i].Err) {
			continue
		}
		c := &chooser{member: m}
		var tended store.Tending
		if c.ahead, c.err = m.Ahead(ctx); c.err == nil {
			tended, c.err = m.Tending(ctx)
		}
		if at[i] = c; c.err != nil {
			continue
		}
		if b.members = append(b.members, c); tended.Listed > most {
			most, b.lead = tended.Listed, c
		}
	}
	if b.lead != nil {
		b.lead.err = cmp.Or(b.run(ctx), b.lead.err)
	}
	for i, c := range at {
		if c != nil {
			changes[i].Bases = c.wrote
			changes[i].Err = cmp.Or(changes[i].Err, c.err)
		}
	}
}

// run goes through all names.
func (b *baseChoice) run(ctx context.Context) error {
	err := b.lead.EachName(ctx, func(names []string) error {
		for part := range slices.Chunk(names, namesAtOnce) {
			listed := make([][]store.NameBases, len(b.members))
			for i, c := range b.members {
				var err error
				if listed[i], err = c.BasesOf(ctx, part); err != nil {
					return err
				}
			}
			for n, name := range part {
				of := make([]store.NameBases, len(b.members))
				for i := range of {
					of[i] = listed[i][n]
				}
				if err := b.choose(ctx, name, of); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = b.dropIdle(ctx)
	}
	for _, c := range b.members {
		if (c.chosen || c.changed) && c.err == nil {
			c.err = c.MarkChosen(ctx, c.clock(), c.changed)
		}
	}
	return err
}

// choose keeps, adds and repairs the bases of one name. listed is what each server has.
func (b *baseChoice) choose(ctx context.Context, name string, listed []store.NameBases) error {
	chosen := make(map[store.ID]time.Time)
	holders, claimed := 0, false
	for i, l := range listed {
		if b.members[i] == b.lead {
			holders = l.Holders
		}
		for _, c := range l.Claims {
			claimed = claimed || !c.Chosen
			if c.Chosen && len(chosen) < frame.MostBases && c.At.After(chosen[c.ID]) {
				chosen[c.ID] = c.At
			}
		}
	}
	if holders < frame.Holders && len(chosen) == 0 {
		return nil
	}
	s, err := b.sample(ctx, name, chosen)
	if err != nil {
		return err
	}
	k, err := b.keep(ctx, chosen)
	if err != nil {
		return err
	}
	if !s.hostsWrite(claimed) {
		texts, err := b.read(ctx, name, s, k)
		if err != nil {
			return err
		}
		if len(texts) >= frame.Holders {
			for _, base := range b.encoder.Choose(texts, k.bases) {
				k.add(base, b.encoder.Encode(base.Contents()))
				s.uses[store.ID(base.ID)]++ // its first users are to come
			}
		}
	}
	b.write(ctx, name, listed, s, k)
	for id, last := range chosen {
		switch {
		case s.uses[id] > 0:
			b.used[id] = true
		case k.frames[id] != nil:
			b.idle[id] = append(b.idle[id], idlePlace{name, last})
		}
	}
	return nil
}

// A baseSample is some of the hosts that hold a name, those rather whose frames are large.
type baseSample struct {
	picked []pickedHolder
	may    int              // whose contents may be a base
	own    int              // of them, that refer to a base which a host wrote
	uses   map[store.ID]int // of the bases that gc chose
}

type pickedHolder struct {
	store.Holder
	order float64
}

// hostsWrite reports whether hosts write bases of this name themselves: some are listed, and
// somebody refers to one. One host's word alone, that it refers to one, says nothing.
func (s *baseSample) hostsWrite(listed bool) bool { return 3*s.own > s.may || listed && s.own > 0 }

// sample goes through all who hold a name. Its memory does not grow with their number.
func (b *baseChoice) sample(ctx context.Context, name string, chosen map[store.ID]time.Time) (*baseSample, error) {
	s := &baseSample{uses: make(map[store.ID]int)}
	err := b.lead.EachHolder(ctx, name, func(holders []store.Holder) error {
		for _, h := range holders {
			r := &h.Record
			if _, ok := chosen[r.Base]; ok {
				s.uses[r.Base]++
			}
			if !r.MayBase || r.Choice == 0 {
				continue // it is nobody else's business, or uses no bases
			}
			if s.may++; r.Base != (store.ID{}) && s.uses[r.Base] == 0 {
				s.own++
			}
			if r.Packed > frame.LeastBased && r.Packed <= store.MaxBaseFrame {
				s.picked = append(s.picked, pickedHolder{h, rand.ExpFloat64() / float64(r.Packed)})
			}
		}
		s.trim(4 * sampledHosts)
		return nil
	})
	s.trim(0)
	return s, err
}

// trim leaves those that come first, each host once, where there are more than most.
func (s *baseSample) trim(most int) {
	if len(s.picked) <= most {
		return
	}
	slices.SortFunc(s.picked, func(x, y pickedHolder) int { return cmp.Compare(x.order, y.order) })
	seen := make(map[string]bool)
	s.picked = slices.DeleteFunc(s.picked, func(p pickedHolder) bool {
		again := seen[p.Host] || len(seen) == sampledHosts
		seen[p.Host] = seen[p.Host] || !again
		return again
	})
}

// keptBases are the bases of a name that are whole at one server at least.
type keptBases struct {
	bases  []*frame.Base
	frames map[store.ID][]byte
	at     map[*chooser]map[store.ID]bool // where they are whole
}

func (k *keptBases) add(base *frame.Base, packed []byte) {
	if id := store.ID(base.ID); k.frames[id] == nil {
		k.bases, k.frames[id] = append(k.bases, base), packed
	}
}

// keep reads the chosen bases of a name at each server.
func (b *baseChoice) keep(ctx context.Context, chosen map[store.ID]time.Time) (*keptBases, error) {
	k := &keptBases{frames: make(map[store.ID][]byte), at: make(map[*chooser]map[store.ID]bool)}
	ids := make([]store.ID, 0, len(chosen))
	for id := range chosen {
		ids = append(ids, id)
	}
	for _, c := range b.members {
		k.at[c] = make(map[store.ID]bool)
		if len(ids) == 0 || c.err != nil {
			continue
		}
		frames, err := c.Bases(ctx, ids)
		if err != nil {
			return nil, err
		}
		for i, packed := range frames {
			if base, err := frame.OpenBase(frame.ID(ids[i]), packed); err == nil {
				k.at[c][ids[i]] = true
				k.add(base, packed)
			}
		}
	}
	return k, nil
}

// objectsAtOnce is how many objects of a sample are read in one request.
const objectsAtOnce = 8

// read reads the contents of a sample, each of another host, as far as they are what their
// hosts have recorded.
func (b *baseChoice) read(ctx context.Context, name string, s *baseSample, k *keptBases) (texts [][]byte, _ error) {
	known := make(map[frame.ID]*frame.Base)
	for _, base := range k.bases {
		known[base.ID] = base
	}
	room := sampledBytes
	for part := range slices.Chunk(s.picked, objectsAtOnce) {
		refs := make([]store.Ref, len(part))
		for i, p := range part {
			refs[i] = store.Ref{Host: p.Host, Name: name}
		}
		entries, err := b.lead.Elements(ctx, refs, []int{store.Contents}, false)
		if errors.Is(err, store.ErrReplyTooLarge) {
			continue // one of these hosts has written what nobody can read
		}
		if err != nil {
			return nil, err
		}
		for i, e := range entries {
			if e.Err != nil || e.Missing {
				continue
			}
			contents, err := b.unpack(ctx, e.Values[0], known)
			if err != nil {
				return nil, err
			}
			if sha256.Sum256(contents) != part[i].Record.Sum || frame.IsBinary(contents) {
				continue
			}
			if room -= len(contents); room < 0 {
				return texts, nil
			}
			texts = append(texts, contents)
		}
	}
	return texts, nil
}

// unpack returns the contents of an object, nil where it cannot be read.
func (b *baseChoice) unpack(ctx context.Context, packed []byte, known map[frame.ID]*frame.Base) ([]byte, error) {
	id, refers := frame.BaseOf(packed)
	if _, asked := known[id]; refers && !asked {
		frames, err := b.lead.Bases(ctx, []store.ID{store.ID(id)})
		if err != nil {
			return nil, err
		}
		known[id], _ = frame.OpenBase(id, frames[0])
	}
	if refers && known[id] == nil {
		return nil, nil
	}
	contents, err := b.decoder.Decode(packed, known[id])
	if err != nil {
		return nil, nil
	}
	return contents, nil
}

// write gives each server the bases that it lacks, and notes which are in use. Those that
// are damaged everywhere go: who referred to one stands by itself with its next push.
func (b *baseChoice) write(ctx context.Context, name string, listed []store.NameBases, s *baseSample, k *keptBases) {
	for i, c := range b.members {
		if c.err != nil {
			continue
		}
		place := make(map[store.ID]bool)
		var put, gone []store.ChosenBase
		for _, claim := range listed[i].Claims {
			if claim.Chosen {
				if place[claim.ID] = true; k.frames[claim.ID] == nil {
					gone = append(gone, store.ChosenBase{Name: name, ID: claim.ID})
				}
			}
		}
		lacking := 0
		for id, packed := range k.frames {
			switch {
			case !k.at[c][id] || !place[id]:
				lacking++
				put = append(put, store.ChosenBase{Name: name, ID: id, Frame: packed})
			case s.uses[id] > 0:
				put = append(put, store.ChosenBase{Name: name, ID: id})
			}
		}
		c.err = cmp.Or(c.Choose(ctx, put, c.clock()), c.Unchoose(ctx, gone, nil))
		c.wrote += lacking
		c.chosen = c.chosen || len(k.frames) > 0
		c.changed = c.changed || lacking+len(gone) > 0
	}
}

// dropIdle removes the bases that no host refers to, and none has for twice as long as any
// host's objects live: until then, one may be about to.
func (b *baseChoice) dropIdle(ctx context.Context) error {
	unused := make(map[store.ID]bool)
	for id := range b.idle {
		if !b.used[id] {
			unused[id] = true
		}
	}
	if len(unused) == 0 {
		return nil
	}
	longest := time.Duration(0)
	for _, c := range b.members {
		if c.err != nil {
			return nil // it may know of hosts that do
		}
		used, ttl, err := c.Uses(ctx, unused)
		if err != nil {
			return err
		}
		longest = max(longest, ttl)
		for id := range used {
			delete(unused, id)
		}
	}
	for _, c := range b.members {
		var drop []store.ChosenBase
		listed := make(map[store.ID]bool)
		for id := range unused {
			for _, place := range b.idle[id] {
				if c.clock().Sub(place.last) > 2*longest {
					drop = append(drop, store.ChosenBase{Name: place.name, ID: id})
				} else {
					listed[id] = true
				}
			}
		}
		c.err = c.Unchoose(ctx, drop, listed)
		c.changed = c.changed || len(drop) > 0
	}
	return nil
}
