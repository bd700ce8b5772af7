package push

import (
	"context"
	"maps"
	"slices"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// commit repairs what the server has lost, records what it has, and tells that the snapshot
// is whole. A record is what later pushes go by, for as long as the object does not change.
// So it follows the confirmation of its object, in a later request, and so does what tells
// of the whole snapshot: a server that is out of memory refuses what is large and takes the
// small record beside it. This is one wait, and one more where something was repaired.
func (d *offering) commit(ctx context.Context, names map[string]bool) {
	d.batch = d.newBatch()
	before := len(d.sent.replaced)
	d.noteFixed()
	d.heedReadBack()
	d.settleClaims()
	d.repair(ctx, names)
	whole := len(d.sent.failed) == 0
	if whole {
		d.batch.Commit(store.Commit{
			Names: sortedNames(names), Machine: d.push.snap.Machine, Back: d.state.Left,
			Score: store.PushScore(d.state.Now, d.push.mark), Serial: d.push.serial, Expires: d.state.Now.Add(d.push.snap.TTL),
		})
	}
	if len(d.given) == 0 || !whole {
		d.endLease() // becomeBases writes no object
	}
	d.send(ctx, d.batch)
	d.becomeBases(ctx, whole)
	d.err = d.sent.err
	d.remember()
	d.sent.replaced = slices.Compact(slices.Sorted(slices.Values(d.sent.replaced))) // what became a base was written twice
	d.sent.repaired = len(d.sent.replaced) - before
}

// repair sends again what the server has lost: objects, and bases or, where it does not take
// these, the objects that refer to them, each by itself. It leaves the records of what is
// known to be stored in the batch.
func (d *offering) repair(ctx context.Context, names map[string]bool) {
	stored := slices.Concat(d.sent.replaced, d.sent.restated, d.fresh)
	lost, gave, orphans := d.sent.lost, len(d.sent.lostBases) > 0, append(d.repairBases(), d.apart...)
	for {
		for _, name := range stored {
			if !slices.Contains(orphans, name) {
				d.putRecord(name, d.records[name])
			}
		}
		if len(lost)+len(orphans) == 0 && !gave {
			return
		}
		d.sent.lostBases = nil
		confirmed := len(d.sent.replaced)
		d.resend(ctx, slices.Concat(lost, orphans), orphans, names)
		d.send(ctx, d.batch)
		if d.batch = d.newBatch(); d.sent.err != nil {
			return
		}
		stored = d.sent.replaced[confirmed:]
		for _, name := range orphans {
			if names[name] && !slices.Contains(stored, name) {
				d.batch.Drop(name) // it is better absent than unreadable
			}
		}
		lost, gave, orphans = nil, len(d.sent.lostBases) > 0, d.repairBases()
	}
}

// putRecord records an object as it is now stored.
func (d *offering) putRecord(name string, rec store.Record) {
	d.batch.PutRecord(name, rec)
	d.recorded[name] = rec
}

// replace writes an object of which rec is to be the record. Where the record that the
// server has would pass for that of the new frame, since the contents are the same, it is
// made unsure before: the push may end here.
func (d *offering) replace(o store.Object, rec store.Record) {
	old, recorded := d.recorded[o.Name]
	if !recorded {
		old, recorded = d.state.Records[o.Name]
	}
	if recorded && old.Sum == rec.Sum && old.Base != rec.Base && !old.Unsure {
		old.Unsure = true
		d.putRecord(o.Name, old)
	}
	d.batch.Replace(o)
}

// becomeBases gives back the places of bases that the server has refused. Where the snapshot
// is whole, it writes in place of objects whose contents have become bases that they are the
// same: it could not be done before the server was known to have the bases, and that the
// records are unsure.
func (d *offering) becomeBases(ctx context.Context, whole bool) {
	if d.batch = d.newBatch(); d.sent.err != nil || len(d.claims) == 0 {
		return
	}
	sure := make(map[string]store.Record)
	for _, name := range slices.Sorted(slices.Values(d.given)) {
		c := d.claims[name]
		if d.sent.refused[store.ID(c.obj.sum)] {
			d.batch.UnclaimBase(name, store.ID(c.obj.sum))
		}
		rec := d.records[name]
		if !whole || d.sent.failed[name] != nil || !rec.Unsure {
			continue
		}
		rec.Unsure = false
		if sure[name] = rec; !d.sent.refused[store.ID(c.obj.sum)] {
			d.batch.Replace(c.obj.sameAs(&rec))
			d.records[name] = rec
		}
	}
	confirmed := len(d.sent.replaced)
	d.send(ctx, d.batch)
	d.batch = d.newBatch()
	if d.sent.err != nil {
		return
	}
	for _, name := range d.sent.replaced[confirmed:] {
		rec := d.records[name]
		rec.Unsure = false
		sure[name] = rec
		d.push.bases.cache.claimed(name, d.claims[name].obj.sum, d.claims[name].packed)
	}
	for _, name := range slices.Sorted(maps.Keys(sure)) {
		d.putRecord(name, sure[name])
	}
	d.endLease()
	d.send(ctx, d.batch)
}

// endLease ends the push's lease with what is in the batch, which is the last that changes an object.
func (d *offering) endLease() {
	if d.holds() && !d.released {
		d.batch.EndLease()
		d.released = true
	}
}

// resend writes objects again that the server has lost. The orphans among them are to refer
// to no base.
func (d *offering) resend(ctx context.Context, lost, orphans []string, names map[string]bool) {
	slices.Sort(lost)
	for _, name := range slices.Compact(lost) {
		obj, err := d.push.retake(ctx, name, slices.Contains(orphans, name))
		if err != nil || obj.name != name {
			delete(names, name) // it vanished meanwhile, and the server has lost it already
			d.batch.Delete(name)
			continue
		}
		rec := d.record(obj)
		o := obj.object(&rec)
		if !d.mayRefer(name, rec.Base) {
			if obj, err = d.push.retake(ctx, name, true); err != nil || obj.name != name {
				continue // it is as good as changed: the next push has it
			}
			rec = d.record(obj)
			o = obj.object(&rec)
		}
		d.ensureBase(name, rec.Base)
		d.records[name] = rec
		d.replace(o, rec)
		if d.batch.Size() >= batchBytes {
			d.send(ctx, d.batch)
			d.batch = d.newBatch()
		}
	}
}

// ensureBase sees to it that the server has the base of an object that is sent again, where
// nobody has looked yet.
func (d *offering) ensureBase(name string, id store.ID) {
	if id == (store.ID{}) || d.users[id] != nil {
		return
	}
	packed := d.push.bases.cache.verified(frame.ID(id))
	switch {
	case d.fixed:
		d.batch.HoldBase(id, packed, sampleAt(id, d.push.mark, len(packed)), false)
	case packed != nil:
		d.batch.GiveBase(id, packed)
	default:
		return
	}
	d.users[id] = []string{name}
}
