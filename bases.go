package sysops

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/codec"
	"github.com/sysops-api/sysops-api/internal/store"
)

// What becomes a base, and for which contents one is looked for.
const (
	leastBased = 128       // bytes of a frame that stands by itself: less is not worth a base
	mostBased  = 512 << 10 // bytes of contents: an agent has several bases in memory at a time

	maxBases   = 32 // of a name, at one server
	raceBases  = 8  // that may be claimed of a name beside those that the claimer saw
	claimBytes = 4 << 20
)

// poorly says how a frame must compare with one that stands by itself, to be worth
// another base: the more bases a name has, the worse it must be. The first few make
// the most difference, and contents that no base helps (every host's own) must not
// use up the places.
func poorly(frame, alone, bases int, helped bool) bool {
	switch {
	case bases == 0:
		return alone > leastBased
	case bases < 8:
		return frame*10 > alone && frame > leastBased
	case !helped:
		return false
	case bases < 16:
		return frame*6 > alone
	}
	return frame*3 > alone
}

// bases is what a push packs against.
type bases struct {
	off     bool
	shelf   *shelf
	encoder *codec.Encoder
}

// wanted reports whether contents may be packed against bases, and become one. Every
// host may read bases, so what only root may read on its own host never is one.
func (b *bases) wanted(src *Source, c *Content) bool {
	return !b.off && !src.Private && (c.Stat == nil || c.Stat.Mode&0o004 != 0) &&
		len(c.Data) <= mostBased && !codec.IsBinary(c.Data)
}

// pack returns the best frame of contents that the offered bases allow.
func (b *bases) pack(contents []byte, offered []codec.ID) frame {
	p := codec.NewPacking(contents)
	for _, id := range offered {
		if base := b.shelf.base(id); base != nil {
			p.Offer(base)
		}
	}
	packed, base, alone := b.encoder.Frame(p)
	f := frame{bytes: packed}
	if base != nil {
		f.base = base.ID
	}
	if poorly(len(packed), alone, len(offered), base != nil && 5*len(packed) < 4*alone) {
		if f.claim = packed; base != nil {
			f.claim = b.encoder.Encode(contents)
		}
	}
	return f
}

// offerSum digests the bases that a frame was chosen from: while they are the same,
// packing again would lead to the same frame.
func offerSum(ids []codec.ID) uint32 {
	h := fnv.New32a()
	for _, id := range ids {
		h.Write(id[:])
	}
	return h.Sum32()
}

// learn takes down which bases the servers of a group offer, and reads those that are
// not on the shelf yet and could serve, each from one server.
func (p *push) learn(ctx context.Context, group []*delivery) {
	if p.bases.off {
		return
	}
	missing := make(map[*delivery][]store.ID)
	asked := make(map[codec.ID]bool)
	for _, name := range p.stale {
		from := make(map[codec.ID]*delivery)
		known := false
		for _, d := range group {
			claims, ok := d.state.Offers[name]
			known = known || ok
			for _, c := range claims {
				from[codec.ID(c.ID)] = d
			}
		}
		if !known {
			continue
		}
		p.bases.shelf.offered(name, slices.Collect(maps.Keys(from)), time.Now())
		ids := p.bases.shelf.of(name)
		if !slices.ContainsFunc(group, func(d *delivery) bool { return d.couldPackBetter(name, offerSum(ids)) }) {
			continue
		}
		for _, id := range ids {
			if !asked[id] && !p.bases.shelf.has(id) {
				asked[id] = true
				missing[from[id]] = append(missing[from[id]], store.ID(id))
			}
		}
	}
	var wg sync.WaitGroup
	for d, ids := range missing {
		wg.Go(func() { d.readBases(ctx, ids) })
	}
	wg.Wait()
}

// couldPackBetter reports whether bases could make the frame of that name smaller:
// there is none yet, or it was not chosen from these.
func (d *delivery) couldPackBetter(name string, offer uint32) bool {
	old, recorded := d.state.Records[name]
	return !recorded || old.Offer != offer && (old.Packed == 0 || old.Packed > leastBased)
}

// readBases reads bases, and keeps those that are what they should be. Of the others
// the server is told: what is not there gives its place back.
func (d *delivery) readBases(ctx context.Context, ids []store.ID) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	for part := range slices.Chunk(ids, basesAtOnce) {
		frames, err := d.server.Bases(ctx, part)
		if err != nil {
			return // the objects stand by themselves
		}
		for i, frame := range frames {
			id := codec.ID(part[i])
			if frame == nil {
				d.absent = append(d.absent, part[i])
			} else if base, err := openBase(id, frame); err == nil {
				d.push.bases.shelf.keep(id, frame)
				d.push.bases.shelf.open.put(base)
			}
		}
	}
}

// unclaimAbsent gives back the places of bases that have expired.
func (d *delivery) unclaimAbsent() {
	for name, claims := range d.state.Offers {
		for _, c := range claims {
			if slices.Contains(d.absent, c.ID) && d.state.Now.Sub(c.At) > store.ClaimedFor {
				d.batch.UnclaimBase(name, c.ID)
			}
		}
	}
}

// refer makes sure, with the next batch, that the server has the base that an object
// of that name refers to.
func (d *delivery) refer(name string, id store.ID) {
	if id == (store.ID{}) {
		return
	}
	users, known := d.users[id]
	d.users[id] = append(users, name)
	if known {
		return
	}
	frame := d.push.bases.shelf.frame(codec.ID(id))
	claims, asked := d.state.Offers[name]
	if asked && frame != nil && !slices.ContainsFunc(claims, func(c store.Claim) bool { return c.ID == id }) {
		d.batch.GiveBase(id, frame)
		if len(claims) < maxBases {
			d.batch.ListBase(name, id, d.state.Now)
		}
	}
	d.batch.HoldBase(id, frame, spot(id, d.push.mark, len(frame)))
}

// spot is where a push looks at a base: elsewhere with every push.
func spot(id store.ID, mark, length int) int {
	h := fnv.New32a()
	h.Write(id[:8])
	h.Write([]byte{byte(mark), byte(mark >> 8), byte(mark >> 16)})
	return int(h.Sum32()) % max(length, 1)
}

// propose claims a place among the bases of the object's name, if it should have one.
func (d *delivery) propose(obj *packed, f frame) {
	if f.claim == nil || d.claimed+len(f.claim) > claimBytes {
		return
	}
	d.claimed += len(f.claim)
	seen := max(len(d.state.Offers[obj.name]), len(d.push.bases.shelf.of(obj.name)))
	d.claims[obj.name] = claim{obj: obj, frame: f.claim, seen: seen}
	d.batch.ClaimBase(obj.name, store.ID(obj.sum), d.state.Now)
}

// A claim is a place among the bases of its name that an object has asked for.
type claim struct {
	obj   *packed
	frame []byte // that stands by itself
	seen  int    // bases of that name before
}

// settleClaims writes the bases whose claims were heard, and in place of their objects
// that they are the same. It takes back the other claims: each was one of many at the
// same time.
func (d *delivery) settleClaims() {
	for name, c := range d.claims {
		id := store.ID(c.obj.sum)
		card, answered := d.sent.cards[name]
		switch {
		case !answered:
		case card > min(maxBases, c.seen+raceBases):
			d.batch.UnclaimBase(name, id)
		default:
			d.batch.GiveBase(id, c.frame)
			rec := d.records[name]
			same := c.obj.sameAs(&rec)
			d.batch.Replace(same)
			d.records[name] = rec
			d.given = append(d.given, name)
		}
	}
}

// repairBases puts back the bases that the server has lost. It returns the objects
// that refer to one which cannot be put back: they must be sent again, each by itself.
func (d *delivery) repairBases() []string {
	var orphans []string
	for _, id := range d.sent.lostBases {
		frame := d.push.bases.shelf.verified(codec.ID(id))
		if frame == nil || d.sent.refused[id] {
			orphans = append(orphans, d.users[id]...)
			continue
		}
		d.batch.RepairBase(id, frame)
		d.batch.ListBase(d.users[id][0], id, d.state.Now)
	}
	return orphans
}
