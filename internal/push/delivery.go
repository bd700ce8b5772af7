package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	batchBytes   = 4 << 20 // a batch of writes is sent when it has grown to this
	batchesAhead = 1       // that may wait for a server while it takes another
)

// A delivery is one server's part of a push: what it was asked, and what became of what it
// was offered.
type delivery struct {
	push    *push
	server  *store.Server
	timeout time.Duration
	before  store.Traffic
	began   time.Time

	state  *store.HostState // what it has of the host
	note   serverNote       // what earlier pushes have found out about it
	fixed  bool             // hosts may not write bases there
	absent []store.ID       // bases that it lists and does not have

	released bool        // its lease went with what was written last
	renews   atomic.Bool // its lease is renewed until the push ends

	tries int
	done  outcomes // of the offering that ended
	err   error    // why the server is left out
	took  time.Duration
}

// An offering is a snapshot being offered to one server: in a pass with its siblings or,
// where it could not keep up with them, in one of its own.
type offering struct {
	*delivery
	siblings []*offering // that the snapshot is offered to in the same pass, itself included
	behind   bool        // it cannot keep up, and is offered no more in this pass

	batch    *store.Batch
	queue    chan *store.Batch
	sending  sync.WaitGroup
	records  map[string]store.Record // what to record of an object once it is stored
	recorded map[string]store.Record // what this push has recorded
	fresh    []string                // unchanged objects whose record is not as it should be

	users   map[store.ID][]string // base → the objects that refer to it
	fetched int                   // of them that are not in the cache
	claims  map[string]claim      // by name
	claimed int                   // bytes of their frames
	given   []string              // names whose claim was heard, and whose base was written
	apart   []string              // objects whose frame refers to what this server cannot have

	back *readBack // of objects that have not changed
	sent outcomes  // written by the sender until it ends
}

// outcomes is what the server said to the writes.
type outcomes struct {
	err      error
	replaced []string
	restated []string
	renewed  int
	deleted  []string
	lost     []string         // it had forgotten them, or
	foreign  []string         // of these, others had written in their place
	repaired int              // and has them again
	failed   map[string]error // by name: what it refused; "" for the index

	fixed     bool              // it has turned out that hosts may not write bases
	old       bool              // because it is a server before Redis 7
	claimless bool              // that they may not claim any
	unrenewed []store.ID        // bases that are there, and that hosts may not renew
	lostBases []store.ID        // that objects refer to
	refused   map[store.ID]bool // those that the server would not take
	cards     map[string]int    // name → how many bases it had when ours was claimed
}

func newDelivery(p *push, s *store.Server, timeout time.Duration) *delivery {
	return &delivery{push: p, server: s, timeout: timeout, before: s.Traffic(), began: time.Now(), tries: 1}
}

// anew is the delivery to be tried once more. What an earlier try has left running, such as
// objects being read back, goes on with the earlier one.
func (d *delivery) anew() *delivery {
	return &delivery{push: d.push, server: d.server, timeout: d.timeout, before: d.before, began: d.began, tries: d.tries + 1}
}

// read is the first wait: what does the server have of this host?
func (d *delivery) read(ctx context.Context) {
	ctx, cancel := d.server.WhileFlowing(ctx, d.timeout)
	defer cancel()
	bases := &d.push.bases
	d.state, d.err = d.server.ReadHost(ctx, d.push.snap.Host, d.push.stale, !bases.off, d.push.token)
	d.renews.Store(d.err == nil && d.holds())
	if clock := d.push.clock; clock != nil && d.err == nil {
		d.state.Now = clock(d.state.Now)
	}
	if d.err == nil && !bases.off {
		d.note = bases.cache.server(d.server.Name())
		d.fixed = !d.note.Fixed.IsZero()
		if d.rechosen() && len(d.push.stale) < len(d.push.names) {
			d.state.Claims, d.err = d.server.Claims(ctx, d.push.names)
		}
	}
	d.took = time.Since(d.began)
}

// begin begins an offering.
func (d *delivery) begin(ctx context.Context) *offering {
	o := &offering{
		delivery: d, records: make(map[string]store.Record), recorded: make(map[string]store.Record), users: make(map[store.ID][]string), claims: make(map[string]claim),
		sent:  outcomes{failed: make(map[string]error), cards: make(map[string]int), refused: make(map[store.ID]bool)},
		queue: make(chan *store.Batch, batchesAhead), batch: d.newBatch(),
	}
	o.unclaimAbsent()
	o.back = d.startReadBack(ctx)
	o.sending.Go(func() {
		for b := range o.queue {
			o.send(ctx, b)
		}
	})
	return o
}

func (d *delivery) newBatch() *store.Batch {
	return d.server.NewBatch(d.push.snap.Host, d.push.snap.TTL)
}

// send sends one batch and takes down what became of it. A server may be busy with a large one
// for longer. After an error it does nothing.
func (d *offering) send(ctx context.Context, b *store.Batch) {
	if d.sent.err != nil {
		return
	}
	ctx, cancel := d.server.WhileFlowing(ctx, d.timeout*time.Duration(1+2*b.Size()/batchBytes))
	defer cancel()
	list, err := b.Send(ctx)
	if err != nil {
		d.sent.err = err
		return
	}
	for _, o := range list {
		switch {
		case o.Kind == store.OpHold:
			if o.Lost {
				d.sent.err = fmt.Errorf("server %s: %w", d.server.Name(), ErrUnderWay)
			}
		case o.Kind == store.OpHoldBase, o.Kind == store.OpGiveBase:
			d.noteBase(o)
		case o.Kind == store.OpClaimBase:
			if o.Err == nil { // refused, it is no claim
				d.sent.cards[o.Name] = o.Card
			}
			d.sent.claimless = d.sent.claimless || errors.Is(o.Err, store.ErrPermission)
		case o.Kind == store.OpListBase: // what is not listed is not found by others, no more
		case o.Err != nil:
			if d.sent.failed[o.Name] == nil {
				d.sent.failed[o.Name] = o.Err
			}
		case o.Lost:
			d.sent.lost = append(d.sent.lost, o.Name)
		case o.Kind == store.OpReplace:
			d.sent.replaced = append(d.sent.replaced, o.Name)
		case o.Kind == store.OpSetStat:
			d.sent.restated = append(d.sent.restated, o.Name)
		case o.Kind == store.OpRenew, o.Kind == store.OpKeep:
			d.sent.renewed++
		case o.Kind == store.OpDelete:
			d.sent.deleted = append(d.sent.deleted, o.Name)
		}
	}
}

// offer adds what the server needs to have this object as it is now.
func (d *offering) offer(obj *packedObject) {
	if d.behind {
		return
	}
	old, recorded := d.state.Records[obj.name]
	rec := d.record(obj)
	rec.Packed, rec.Base = old.Packed, old.Base
	changed := !recorded || old.Sum != rec.Sum || old.Unsure || d.packsBetter(obj, &old)
	var object store.Object
	if changed {
		object = obj.object(&rec)
	}
	d.records[obj.name] = rec
	if !d.mayRefer(obj.name, rec.Base) {
		d.apart = append(d.apart, obj.name)
		return
	}
	d.refer(obj.name, rec.Base)
	switch {
	case changed:
		d.replace(object, rec)
		d.propose(obj, obj.pack())
	case !old.Seen.Equal(rec.Seen):
		d.batch.SetStat(obj.name, obj.md5sum, obj.stat, rec.Seen)
	case old.StatSum != rec.StatSum:
		d.batch.SetStat(obj.name, obj.md5sum, obj.stat, time.Time{})
	default:
		if d.batch.Renew(obj.name, obj.md5sum); old != rec && (obj.choice != choiceSum(nil) || old.MayBase != rec.MayBase) {
			d.fresh = append(d.fresh, obj.name)
		}
	}
	if d.batch.Size() < batchBytes {
		return
	}
	select {
	case d.queue <- d.batch:
		d.batch = d.newBatch()
		return
	default:
	}
	timer := time.NewTicker(extract.SiblingGrace)
	defer timer.Stop()
	for {
		select {
		case d.queue <- d.batch:
			d.batch = d.newBatch()
			return
		case <-timer.C:
			if d.holdsOthersUp() {
				d.behind = true
				return
			}
		}
	}
}

// record is what to record of an object, but for its frame.
func (d *offering) record(obj *packedObject) store.Record {
	return store.Record{Sum: obj.sum, StatSum: obj.statSum, Seen: d.push.firstSeen(obj, d.siblings), Choice: obj.choice, MayBase: obj.mayBase}
}

// packsBetter reports whether bases that there were not when an unchanged object was
// packed would now halve it, or whether it must not refer to a base any more.
func (d *offering) packsBetter(obj *packedObject, old *store.Record) bool {
	if obj.choice == 0 {
		return old.Base != store.ID{}
	}
	again := d.claimless() && d.rechosen() && old.Base == store.ID{} // it may have lost its base
	if old.Choice == obj.choice && !again || obj.choice == choiceSum(nil) || old.Packed > 0 && old.Packed <= frame.LeastBased {
		return false
	}
	f := obj.pack()
	switch {
	case !d.mayRefer(obj.name, store.ID(f.base)):
		return false
	case old.Packed == 0: // recorded before there were bases
		return f.base != frame.ID{}
	case d.claimless(): // it has waited for gc to choose some
		return 5*len(f.bytes) <= 4*old.Packed
	}
	return 2*len(f.bytes) <= old.Packed
}

// rechosen reports whether gc has chosen other bases since the last push.
func (d *delivery) rechosen() bool { return d.state.Chosen != d.note.Chosen }

// claimless reports whether hosts may claim no bases at this server.
func (d *delivery) claimless() bool { return d.fixed || !d.note.Claimless.IsZero() }

// holdsOthersUp reports whether a sibling could take more than this server does.
func (d *offering) holdsOthersUp() bool {
	return slices.ContainsFunc(d.siblings, func(other *offering) bool {
		return other != d && !other.behind && len(other.queue) == 0
	})
}

// abandon ends an offering of nothing.
func (d *offering) abandon(err error) {
	close(d.queue)
	d.sending.Wait()
	d.err, d.done = err, d.sent
	d.took = time.Since(d.began)
}

// end deletes what has vanished, waits for the writes, and then repairs,
// records and commits. names are those in the snapshot; they are end's to change.
func (d *offering) end(ctx context.Context, names map[string]bool) {
	if !d.behind {
		for name, old := range d.state.Records {
			switch {
			case names[name]:
			case d.push.keeps(name):
				names[name] = true
				d.batch.Keep(name)
				d.refer(name, old.Base)
			default:
				d.batch.Delete(name)
			}
		}
		d.batch.Hold(d.push.token, d.state.Turn)
		d.queue <- d.batch
	}
	close(d.queue)
	d.sending.Wait()
	if d.err = d.sent.err; d.err == nil && !d.behind {
		d.commit(ctx, names)
	}
	d.done = d.sent
	d.took = time.Since(d.began)
}

func sortedNames(names map[string]bool) []string {
	out := make([]string, 0, len(names))
	for n := range names {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (p *push) report(took time.Duration) *snapshot.Report {
	r := &snapshot.Report{Host: p.snap.Host, Objects: len(p.sources), Took: took}
	r.Problems = sortedProblems(p.problems)
	for _, s := range p.deliveries {
		now := s.server.Traffic()
		r.Servers = append(r.Servers, snapshot.ServerReport{
			Server: s.server.Name(), Err: s.err, Passing: s.passing(), Tries: s.tries, Refused: sortedProblems(s.done.failed),
			Replaced: len(s.done.replaced) - s.done.repaired, Restated: len(s.done.restated), Renewed: s.done.renewed,
			Deleted: len(s.done.deleted), Repaired: s.done.repaired, Foreign: sorted(s.done.foreign), BeforeRedis7: s.done.old,
			Sent: now.Sent - s.before.Sent, Received: now.Received - s.before.Received, Waits: now.Waits - s.before.Waits,
			Took: s.took,
		})
	}
	return r
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

func sortedProblems(m map[string]error) []snapshot.Problem {
	out := make([]snapshot.Problem, 0, len(m))
	for name, err := range m {
		out = append(out, snapshot.Problem{Name: name, Err: err})
	}
	slices.SortFunc(out, func(a, b snapshot.Problem) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// pushError sums up what kept the push from being whole; nil if nothing did. Sources
// that could not be read are told in the report, and are no failure of the push.
func pushError(r *snapshot.Report) error {
	var errs []error
	whole := 0
	for _, s := range r.Servers {
		switch {
		case errors.Is(s.Err, ErrOtherMachine):
			return s.Err
		case s.Err != nil:
			errs = append(errs, s.Err)
		case len(s.Refused) > 0:
			errs = append(errs, fmt.Errorf("server %s did not take %d of %d objects: %w", s.Server, len(s.Refused), r.Objects, s.Refused[0].Err))
		default:
			whole++
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("cannot push %s to every server (%d of %d have all of it): %w", r.Host, whole, len(r.Servers), extract.JoinLine(errs))
}
