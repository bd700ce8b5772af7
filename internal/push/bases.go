package push

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	raceBases  = 8 // that may be claimed of a name beside those that the claimer saw
	claimBytes = 4 << 20
)

// bases is what a push packs against.
type bases struct {
	off     bool
	cache   *baseCache
	encoder *frame.Encoder
	asked   map[string]bool           // names whose bases the servers have told with this push
	before  []map[string]store.Record // of the servers: what was chosen with the last push
}

// mayBase reports whether contents may become a base, and be packed against others. Every
// host may read bases, so what only root may read on its own host never is one.
func mayBase(src *snapshot.Source, c *snapshot.Content) bool {
	return !src.Private && (c.Stat == nil || c.Stat.Mode&0o004 != 0) && len(c.Data) <= frame.MostBased && !frame.IsBinary(c.Data)
}

// atHand returns the bases of a name that are at hand, and whether these are all that
// the servers have just listed.
func (b *bases) atHand(name string) (ids []frame.ID, all bool) {
	ids = b.cache.available(name)
	return ids, !b.asked[name] || len(ids) == len(b.cache.listed(name))
}

// pack returns the best frame of contents that the bases at hand allow. all: there are
// no others, so where none of them fits well, the contents should be one.
func (b *bases) pack(name string, contents []byte, atHand []frame.ID, all bool) packedFrame {
	p := frame.NewPacking(contents)
	if f, ok := b.packAsBefore(p, name, choiceSum(atHand)); ok {
		return f
	}
	for _, id := range atHand {
		if base := b.cache.base(id); base != nil {
			p.Offer(base)
		}
	}
	packed, base, alone := b.encoder.Frame(p)
	f := packedFrame{bytes: packed}
	if base != nil {
		f.base = base.ID
	}
	if all && frame.DeservesBase(len(packed), alone, len(atHand), base != nil && 5*len(packed) < 4*alone) {
		if f.claim = packed; base != nil {
			f.claim = b.encoder.Encode(contents)
		}
	}
	return f
}

// packAsBefore packs against the base that was the best for the object's last contents,
// of the same choice. Where that fits nearly as well, no other is looked at: most
// contents change a little, and each base that is looked at has to be unpacked.
func (b *bases) packAsBefore(p *frame.Packing, name string, choice uint32) (packedFrame, bool) {
	for _, records := range b.before {
		old := records[name]
		if old.Choice != choice || old.Base == (store.ID{}) {
			continue
		}
		base := b.cache.base(frame.ID(old.Base))
		if base == nil {
			continue
		}
		p.Offer(base)
		if packed, used, _ := b.encoder.Frame(p); used != nil && 4*len(packed) <= 5*old.Packed {
			return packedFrame{bytes: packed, base: used.ID}, true
		}
		break
	}
	return packedFrame{}, false
}

// choiceSum digests the bases that a frame was chosen from: while they are the same,
// packing again would lead to the same frame.
func choiceSum(ids []frame.ID) uint32 {
	h := fnv.New32a()
	for _, id := range ids {
		h.Write(id[:])
	}
	return h.Sum32()
}

// learn takes down which bases the servers of a group list, and reads those that are
// not in the cache yet and could serve, each from one server: the next where one does not
// have it.
func (p *push) learn(ctx context.Context, group []*delivery) {
	if p.bases.off {
		return
	}
	wanted := make(map[store.ID][]*delivery) // base → who lists it
	for _, name := range p.names {
		from := make(map[frame.ID][]*delivery)
		var chosen []frame.ID
		known := false
		for _, d := range group {
			claims, ok := d.state.Claims[name]
			known = known || ok
			for _, c := range claims {
				if c.Chosen {
					chosen = append(chosen, frame.ID(c.ID))
				} else if d.fixed {
					continue // nobody can renew it
				}
				from[frame.ID(c.ID)] = append(from[frame.ID(c.ID)], d)
			}
		}
		if !known {
			continue
		}
		p.bases.asked[name] = true
		p.bases.cache.list(name, slices.Collect(maps.Keys(from)), time.Now())
		p.bases.cache.listChosen(name, chosen)
		ids := p.bases.cache.listed(name)
		if !slices.ContainsFunc(group, func(d *delivery) bool { return d.couldPackBetter(name, choiceSum(ids)) }) {
			continue
		}
		for id, listing := range from { // another push of this client may have added some to ids
			if !p.bases.cache.has(id) {
				wanted[store.ID(id)] = listing
			}
		}
	}
	for len(wanted) > 0 {
		wanted = p.readBases(ctx, wanted)
	}
}

// readBases reads each base from the first server that lists it. It returns those that
// this one did not have, with the servers that are left.
func (p *push) readBases(ctx context.Context, wanted map[store.ID][]*delivery) map[store.ID][]*delivery {
	asked := make(map[*delivery][]store.ID)
	for id, from := range wanted {
		asked[from[0]] = append(asked[from[0]], id)
	}
	left := make(map[store.ID][]*delivery)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for d, ids := range asked {
		wg.Go(func() {
			missing, err := d.readBases(ctx, ids)
			mu.Lock()
			defer mu.Unlock()
			for _, id := range missing {
				if others := wanted[id][1:]; len(others) > 0 {
					left[id] = others
				} else if err == nil {
					p.bases.cache.forget(frame.ID(id))
				}
			}
		})
	}
	wg.Wait()
	return left
}

// couldPackBetter reports whether bases could make the frame of that name smaller:
// there is none yet, or it was not chosen from these.
func (d *delivery) couldPackBetter(name string, choice uint32) bool {
	old, recorded := d.state.Records[name]
	return !recorded || old.Choice != choice && (old.Packed == 0 || old.Packed > frame.LeastBased)
}

// readBases reads bases, and keeps those that are what they should be. It returns the
// others. Of those the server is told: what is not there gives its place back.
func (d *delivery) readBases(ctx context.Context, ids []store.ID) (missing []store.ID, err error) {
	ctx, cancel := d.server.WhileFlowing(ctx, d.timeout)
	defer cancel()
	for len(ids) > 0 {
		part := ids[:min(len(ids), extract.BasesAtOnce)]
		frames, err := d.server.Bases(ctx, part)
		if err != nil {
			return append(missing, ids...), err // the objects stand by themselves
		}
		ids = ids[len(part):]
		for i, packed := range frames {
			id := frame.ID(part[i])
			if base, err := frame.OpenBase(id, packed); err == nil {
				d.push.bases.cache.keep(id, packed)
				d.push.bases.cache.opened.Put(base)
				continue
			}
			missing = append(missing, part[i])
			if packed == nil {
				d.absent = append(d.absent, part[i])
			}
		}
	}
	return missing, nil
}

// mayRefer reports whether an object of that name may refer to a base at this server: where
// hosts may not write bases, to one that stays, and to no other.
func (d *delivery) mayRefer(name string, id store.ID) bool {
	if id == (store.ID{}) || !d.fixed {
		return true
	}
	if claims, asked := d.state.Claims[name]; asked {
		return slices.ContainsFunc(claims, func(c store.Claim) bool { return c.Chosen && c.ID == id })
	}
	return d.push.bases.cache.stays(name, frame.ID(id))
}

// unclaimAbsent gives back the places of bases that have expired.
func (d *offering) unclaimAbsent() {
	if d.fixed {
		return
	}
	for name, claims := range d.state.Claims {
		for _, c := range claims {
			if slices.Contains(d.absent, c.ID) && d.state.Now.Sub(c.At).Abs() > store.ClaimedFor {
				d.batch.UnclaimBase(name, c.ID)
			}
		}
	}
}

// refer makes sure, with the next batch, that the server has the base that an object
// of that name refers to. It comes before the object, which must not be there without.
func (d *offering) refer(name string, id store.ID) {
	if id == (store.ID{}) {
		return
	}
	users, known := d.users[id]
	d.users[id] = append(users, name)
	if known {
		return
	}
	cache := d.push.bases.cache
	claims, asked := d.state.Claims[name]
	if asked && !d.fixed && !slices.ContainsFunc(claims, func(c store.Claim) bool { return c.ID == id }) {
		if packed := cache.verified(frame.ID(id)); packed != nil {
			d.batch.GiveBase(id, packed)
			if len(claims) < frame.MostBases {
				d.batch.ListBase(name, id, d.state.Now)
			}
		}
	}
	switch packed := cache.frame(frame.ID(id)); {
	case packed == nil && d.fetched < extract.BasesAtOnce:
		d.batch.FetchBase(id, !d.fixed)
		d.fetched++
	default:
		d.batch.HoldBase(id, packed, sampleAt(id, d.push.mark, len(packed)), !d.fixed)
	}
}

// noteBase takes down what became of a base that objects refer to, or may later.
func (d *offering) noteBase(o store.Outcome) {
	var id store.ID
	if id.UnmarshalText([]byte(o.Name)) != nil {
		return
	}
	if o.Frame != nil {
		if _, err := frame.OpenBase(frame.ID(id), o.Frame); err == nil {
			d.push.bases.cache.keep(frame.ID(id), o.Frame)
		} else {
			o.Lost = true
		}
	}
	if o.Fixed && !o.Lost {
		d.sent.unrenewed = append(d.sent.unrenewed, id)
	}
	d.sent.old = d.sent.old || o.Old
	d.sent.fixed = d.sent.fixed || d.sent.old || o.Fixed || errors.Is(o.Err, store.ErrPermission)
	if !o.Lost && o.Err == nil {
		return
	}
	d.sent.refused[id] = d.sent.refused[id] || o.Err != nil
	if d.users[id] == nil { // its object stands by itself as yet
		return
	}
	if !slices.Contains(d.sent.lostBases, id) {
		d.sent.lostBases = append(d.sent.lostBases, id)
	}
}

// sampleAt is where a push looks at a base: elsewhere with every push.
func sampleAt(id store.ID, mark, length int) int {
	h := fnv.New32a()
	h.Write(id[:8])
	h.Write([]byte{byte(mark), byte(mark >> 8), byte(mark >> 16)})
	return int(h.Sum32()) % max(length, 1)
}

// propose claims a place among the bases of the object's name, if it should have one.
func (d *offering) propose(obj *packedObject, f packedFrame) {
	if f.claim == nil || d.claimless() || d.claimed+len(f.claim) > claimBytes {
		return
	}
	d.claimed += len(f.claim)
	seen := max(len(d.state.Claims[obj.name]), len(d.push.bases.cache.listed(obj.name)))
	d.claims[obj.name] = claim{obj: obj, packed: f.claim, seen: seen}
	d.batch.ClaimBase(obj.name, store.ID(obj.sum), d.state.Now)
}

// A claim is a place among the bases of its name that an object has asked for.
type claim struct {
	obj    *packedObject
	packed []byte // that stands by itself
	seen   int    // bases of that name before
}

// settleClaims writes the bases whose claims were heard. Until the server is known to have
// them their objects stand by themselves; see becomeBases. It takes back the other claims: each
// was one of many at the same time, so there are more by now.
func (d *offering) settleClaims() {
	for name, c := range d.claims {
		id := store.ID(c.obj.sum)
		card, answered := d.sent.cards[name]
		switch {
		case !answered:
		case card > min(frame.MostBases, c.seen+raceBases):
			d.batch.UnclaimBase(name, id)
			d.push.bases.cache.outdated(name)
		default:
			d.batch.GiveBase(id, c.packed)
			d.given = append(d.given, name)
			if rec := d.records[name]; slices.Contains(d.sent.replaced, name) {
				rec.Unsure = true
				d.records[name] = rec
			}
		}
	}
}

// noteFixed heeds that hosts may not write bases at this server, where that has turned out:
// from then on objects refer to bases that stay.
func (d *offering) noteFixed() {
	if !d.sent.fixed || d.fixed {
		return
	}
	d.fixed = true
	for _, id := range d.sent.unrenewed {
		if slices.ContainsFunc(d.users[id], func(name string) bool { return !d.mayRefer(name, id) }) {
			d.sent.lostBases = append(d.sent.lostBases, id)
		}
	}
}

// remember takes down for the next push what this one has found out about the server.
func (d *offering) remember() {
	if d.push.bases.off {
		return
	}
	note := d.note
	if (d.fixed || d.sent.old) && note.Fixed.IsZero() {
		note.Fixed = time.Now()
	}
	if d.sent.claimless {
		note.Claimless = time.Now()
	}
	if d.err == nil {
		note.Chosen = d.state.Chosen
	}
	d.push.bases.cache.note(d.server.Name(), note)
}

// repairBases puts back the bases that the server has lost. It returns the objects
// that refer to one which cannot be put back: they must be sent again, each by itself.
func (d *offering) repairBases() []string {
	var orphans []string
	for _, id := range d.sent.lostBases {
		packed := d.push.bases.cache.verified(frame.ID(id))
		if packed == nil || d.fixed || d.sent.refused[id] {
			orphans = append(orphans, d.users[id]...)
			continue
		}
		d.batch.GiveBase(id, packed)
		d.batch.ListBase(d.users[id][0], id, d.state.Now)
	}
	return orphans
}
