package sysops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

const (
	batchBytes   = 4 << 20 // a batch of writes is sent when it has grown to this
	batchesAhead = 1       // that may wait for a server while it takes another
)

// A delivery is one server's part of a push.
type delivery struct {
	push    *push
	server  *store.Server
	timeout time.Duration
	before  store.Traffic
	began   time.Time

	state    *store.HostState
	siblings []*delivery
	err      error // why the server is left out
	detached bool  // it could not keep up with the group, and gets a pass of its own

	batch   *store.Batch
	queue   chan *store.Batch
	sending sync.WaitGroup
	records map[string]store.Record // what to record of an object once it is stored

	sent outcomes // written by the sender until it ends
	took time.Duration
}

// outcomes is what the server said to the writes.
type outcomes struct {
	err      error
	replaced []string
	restated []string
	renewed  int
	deleted  []string
	lost     []string         // it had forgotten them
	repaired int              // and has them again
	failed   map[string]error // by name: what it refused; "" for the index
}

func newDelivery(p *push, s *store.Server, timeout time.Duration) *delivery {
	return &delivery{push: p, server: s, timeout: timeout, before: s.Traffic(), began: time.Now()}
}

// read is the first wait: what does the server have of this host?
func (d *delivery) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	d.state, d.err = d.server.ReadHost(ctx, d.push.snap.Host)
	d.detached = false
	d.took = time.Since(d.began)
}

// begin prepares for offers. group are the deliveries whose records may be looked at.
func (d *delivery) begin(ctx context.Context, group []*delivery) {
	d.siblings = group
	d.records = make(map[string]store.Record)
	d.sent = outcomes{failed: make(map[string]error)}
	d.queue = make(chan *store.Batch, batchesAhead)
	d.batch = d.newBatch()
	d.sending.Go(func() {
		for b := range d.queue {
			if d.sent.err == nil {
				d.send(ctx, b)
			}
		}
	})
}

func (d *delivery) newBatch() *store.Batch {
	return d.server.NewBatch(d.push.snap.Host, d.push.snap.TTL)
}

// send sends one batch and takes down what became of it. Large ones get longer.
func (d *delivery) send(ctx context.Context, b *store.Batch) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout*time.Duration(1+2*b.Size()/batchBytes))
	defer cancel()
	list, err := b.Send(ctx)
	if err != nil {
		d.sent.err = err
		return
	}
	for _, o := range list {
		switch {
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
		case o.Kind == store.OpRenew:
			d.sent.renewed++
		case o.Kind == store.OpDelete:
			d.sent.deleted = append(d.sent.deleted, o.Name)
		}
	}
}

// offer adds what the server needs to have this object as it is now.
func (d *delivery) offer(obj *packed) {
	if d.detached {
		return
	}
	old, recorded := d.state.Records[obj.name]
	rec := store.Record{Sum: obj.sum, StatSum: obj.statSum, Seen: d.firstSeen(obj)}
	switch {
	case !recorded || old.Sum != rec.Sum:
		d.batch.Replace(obj.object(&rec))
	case old.StatSum != rec.StatSum:
		d.batch.SetStat(obj.name, obj.md5sum, obj.stat)
	default:
		d.batch.Renew(obj.name, obj.md5sum)
	}
	d.records[obj.name] = rec
	if d.batch.Size() < batchBytes {
		return
	}
	select {
	case d.queue <- d.batch:
		d.batch = d.newBatch()
		return
	default:
	}
	timer := time.NewTicker(siblingGrace)
	defer timer.Stop()
	for {
		select {
		case d.queue <- d.batch:
			d.batch = d.newBatch()
			return
		case <-timer.C:
			if d.holdsOthersUp() {
				d.detached = true
				return
			}
		}
	}
}

// holdsOthersUp reports whether a sibling could take more than this server does.
func (d *delivery) holdsOthersUp() bool {
	return slices.ContainsFunc(d.siblings, func(other *delivery) bool {
		return other != d && !other.detached && len(other.queue) == 0
	})
}

// abandon ends a delivery that has begun, and that nothing has been offered to.
func (d *delivery) abandon(err error) {
	close(d.queue)
	d.sending.Wait()
	d.err = err
	d.took = time.Since(d.began)
}

// firstSeen is when these contents were first seen, by this server's clock: as
// any sibling recorded it, so that a server that lost them gives the same answer.
func (d *delivery) firstSeen(obj *packed) time.Time {
	seen := d.state.Now
	for _, other := range d.siblings {
		if r, ok := other.state.Records[obj.name]; ok && r.Sum == obj.sum {
			if t := r.Seen.Add(d.state.Offset - other.state.Offset); t.Before(seen) {
				seen = t
			}
		}
	}
	if own, ok := d.state.Records[obj.name]; ok && own.Sum == obj.sum {
		return own.Seen // it stands in the object; clocks must not move it
	}
	return seen
}

// end deletes what has vanished, waits for the writes, and then repairs,
// records and commits. names are those in the snapshot; they are end's to change.
func (d *delivery) end(ctx context.Context, names map[string]bool) {
	if !d.detached {
		for name := range d.state.Records {
			if !names[name] {
				d.batch.Delete(name)
			}
		}
		d.queue <- d.batch
	}
	close(d.queue)
	d.sending.Wait()
	d.err = d.sent.err
	if d.err != nil || d.detached {
		d.took = time.Since(d.began)
		return
	}
	d.commit(ctx, names)
	d.took = time.Since(d.began)
}

// commit is the last wait. The record of a new or changed object is written only
// now that the object is known to be stored, and the snapshot counts as pushed only
// if all of it was. Repairs go in the same request: should the server refuse one,
// the object is missing there, not wrong, and its siblings and the next push know.
func (d *delivery) commit(ctx context.Context, names map[string]bool) {
	d.batch = d.newBatch()
	for _, name := range slices.Concat(d.sent.replaced, d.sent.restated) {
		d.batch.PutRecord(name, d.records[name])
	}
	for _, name := range d.sent.deleted {
		d.batch.DropRecord(name)
	}
	lost, before := d.sent.lost, len(d.sent.replaced)
	for _, name := range lost {
		obj, err := d.push.retake(ctx, name)
		if err != nil || obj.name != name {
			delete(names, name) // it vanished meanwhile, and the server has lost it already
			d.batch.Delete(name)
			d.batch.DropRecord(name)
			continue
		}
		rec := store.Record{Sum: obj.sum, StatSum: obj.statSum, Seen: d.firstSeen(obj)}
		d.batch.Replace(obj.object(&rec))
		d.batch.PutRecord(name, rec)
		if d.batch.Size() >= batchBytes {
			if d.send(ctx, d.batch); d.sent.err != nil {
				d.err = d.sent.err
				return
			}
			d.batch = d.newBatch()
		}
	}
	if len(d.sent.failed) == 0 {
		d.batch.Commit(sortedNames(names), d.push.snap.Machine,
			store.PushScore(d.state.Now, d.push.mark), d.state.Now.Add(d.push.snap.TTL), d.coreSize())
	}
	d.send(ctx, d.batch)
	d.err = d.sent.err
	d.sent.repaired = len(d.sent.replaced) - before
}

// coreSize is how many hosts the core has. Each server keeps that number, so that
// one which restarted empty knows, and tells, that it is not whole, also while its
// siblings are down. Where all servers know equally many hosts, that is it; else
// the most that any of them knows, or has been told.
func (d *delivery) coreSize() int {
	size, agreed := 0, len(d.siblings) == len(d.push.deliveries)
	for _, other := range d.siblings {
		agreed = agreed && other.state.Hosts == d.state.Hosts
		size = max(size, other.state.Hosts, other.state.Size)
	}
	if agreed {
		return d.state.Hosts
	}
	return size
}

func sortedNames(names map[string]bool) []string {
	out := make([]string, 0, len(names))
	for n := range names {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// A PushReport says what became of a push.
type PushReport struct {
	Host     string
	Objects  int             // in the snapshot, as far as it could be read
	Problems []ObjectProblem // sources that could not be read
	Servers  []ServerPush
	Took     time.Duration
}

// ObjectProblem is an object of which something could not be done.
type ObjectProblem struct {
	Name string // empty: the index
	Err  error
}

// ServerPush is what became of a push at one server.
type ServerPush struct {
	Server   string
	Err      error           // the server failed: what it has is not known to be whole
	Refused  []ObjectProblem // objects that it did not take
	Replaced int             // objects whose contents were sent
	Restated int             // objects of which only the stat changed
	Renewed  int             // unchanged objects
	Deleted  int             // objects that the host no longer has
	Repaired int             // objects that the server had lost
	Sent     int64           // bytes
	Received int64
	Waits    int64 // times that it was waited for, the greeting of a new connection included
	Took     time.Duration
}

func (p *push) report(took time.Duration) *PushReport {
	r := &PushReport{Host: p.snap.Host, Objects: len(p.sources), Took: took}
	r.Problems = sortedProblems(p.problems)
	for _, s := range p.deliveries {
		now := s.server.Traffic()
		r.Servers = append(r.Servers, ServerPush{
			Server: s.server.Name(), Err: s.err, Refused: sortedProblems(s.sent.failed),
			Replaced: len(s.sent.replaced) - s.sent.repaired, Restated: len(s.sent.restated), Renewed: s.sent.renewed,
			Deleted: len(s.sent.deleted), Repaired: s.sent.repaired,
			Sent: now.Sent - s.before.Sent, Received: now.Received - s.before.Received, Waits: now.Waits - s.before.Waits,
			Took: s.took,
		})
	}
	return r
}

func sortedProblems(m map[string]error) []ObjectProblem {
	out := make([]ObjectProblem, 0, len(m))
	for name, err := range m {
		out = append(out, ObjectProblem{name, err})
	}
	slices.SortFunc(out, func(a, b ObjectProblem) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// err sums up what kept the push from being whole; nil if nothing did. Sources
// that could not be read are told in the report, and are no failure of the push.
func (r *PushReport) err() error {
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
	return fmt.Errorf("cannot push %s to every server (%d of %d have all of it): %w", r.Host, whole, len(r.Servers), joinLine(errs))
}
