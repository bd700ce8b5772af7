// Package push is a snapshot on its way to all servers of a core: what each of them has of
// the host already, what it lacks, the bases that frames are packed against, and what
// became of it.
//
// It promises that a push that is cut anywhere leaves no record that lies, that a server
// that is slow or down keeps nothing from its siblings, and that contents travel only where
// they changed or were lost. It leaves to its callers what the objects are.
package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	defaultMaxBytes = 256 << 20
	maxSources      = 20_000 // of a snapshot: each is a name that every search reads
)

// A Publisher pushes snapshots. It is safe for concurrent use.
type Publisher struct {
	servers  *extract.Servers
	noBases  bool
	encoders sync.Pool  // of *frame.Encoder
	cache    *baseCache // what is known of bases

	clock func(server time.Time) time.Time // in place of the servers' clocks; nil: they are right
	pace  pace                             // of what is tried again

	working atomic.Int32 // pushes that do not pause
}

// NewPublisher returns a publisher to the servers. basesFolder is where the bases are kept
// that it has downloaded; empty: in memory. A folder serves one process at a time. noBases:
// every object is packed by itself.
func NewPublisher(servers *extract.Servers, basesFolder string, noBases bool) *Publisher {
	return &Publisher{
		servers: servers, noBases: noBases, cache: newBaseCache(basesFolder), pace: realPace,
		encoders: sync.Pool{New: func() any { return frame.NewEncoder() }},
	}
}

// Publish pushes a snapshot to all servers of a core of the directory
// (the local one, where core is empty), at the same time. Each has its own
// deadline; one that is slow or hangs gets the snapshot apart from the others.
//
// Contents travel only where they changed or where a server lost them; objects
// that the snapshot no longer has are deleted. A server is asked three times
// (read, write, repair), with further writes where there are more than 4 MiB.
//
// The report says what became of each server and object; it is there even where
// the error is not nil. The error tells what kept the push from being whole on
// every server. ErrOtherMachine: nothing was written, unless the server that knows
// the other machine was over a second slower than one that does not.
//
// Where the snapshot says so (Retry), servers that failed are tried again, and only these:
// what they have recorded is not sent again, and what there is to push is read anew.
func (c *Publisher) Publish(ctx context.Context, core string, snap snapshot.Snapshot) (*snapshot.Report, error) {
	p, err := c.newPush(ctx, core, snap)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	c.working.Add(1)
	defer c.working.Add(-1)
	p.run(ctx, p.deliveries)
	c.retry(ctx, p)
	c.encoders.Put(p.bases.encoder)
	report := p.report(time.Since(began))
	if report.Bases = p.unusable; report.Bases == nil {
		report.Bases = c.cache.save()
	}
	return report, pushError(report)
}

// Leave removes this host from all servers of a core (the local one, where core is empty),
// each of which is waited for, and returns how many objects the server had that had most.
// It needs no more rights than a push does. The host's next push brings it back.
func (c *Publisher) Leave(ctx context.Context, core, host string) (int, error) {
	host, err := naming.ParseHost(host)
	if err != nil {
		return 0, err
	}
	_, servers, err := c.servers.Core(ctx, core)
	if err != nil {
		return 0, err
	}
	mark, serial := store.Mark(time.Now()), store.SerialAfter(0, time.Now())
	removed, errs := make([]int, len(servers)), make([]error, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() { removed[i], errs[i] = s.Leave(ctx, host, mark, serial) })
	}
	wg.Wait()
	most := 0
	for _, n := range removed {
		most = max(most, n)
	}
	if errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil }); len(errs) > 0 {
		return most, fmt.Errorf("cannot leave every server as %s: %w", host, extract.JoinLine(errs))
	}
	return most, nil
}

// ErrOtherMachine says that another machine pushes under this host's name.
var ErrOtherMachine = errors.New("another machine has this host name")

// A push is one snapshot on its way to the servers of a core.
type push struct {
	snap       snapshot.Snapshot
	mark       int    // of this push, on every server; see store.PushScore
	serial     int64  // likewise; see store.SerialAfter
	token      string // by which other pushes tell this one; see store's lease
	clock      func(server time.Time) time.Time
	deliveries []*delivery

	sightings sightings

	bases bases
	names []string // of the sources that may be packed against bases
	stale []string // those whose bases servers are to be asked about

	unusable error // why there is no place for bases

	mu       sync.Mutex                  // guards what follows: one object is read at a time
	sources  map[string]*snapshot.Source // by the name that the object got when it was read
	sizes    map[string]int              // of their contents
	bytes    int64                       // of all of them
	problems map[string]error            // by name: what could not be read
}

func (c *Publisher) newPush(ctx context.Context, core string, snap snapshot.Snapshot) (*push, error) {
	host, err := naming.ParseHost(snap.Host)
	if err != nil {
		return nil, err
	}
	snap.Host = host
	if snap.TTL == 0 {
		snap.TTL = snapshot.DefaultTTL
	}
	if snap.TTL < time.Second {
		return nil, fmt.Errorf("cannot publish with a TTL of %v: at least a second is needed", snap.TTL)
	}
	if snap.MaxBytes == 0 {
		snap.MaxBytes = defaultMaxBytes
	}
	if len(snap.Sources) > maxSources {
		return nil, hint.To(fmt.Errorf("cannot publish %d objects: at most %d are allowed", len(snap.Sources), maxSources),
			"a link in the outgoing directory may lead to a directory of many files")
	}
	if len(snap.Sources)+len(snap.Keep) == 0 {
		return nil, hint.For(errors.New("cannot publish an empty snapshot: it would delete everything that is known of the host"), hint.EmptyPush)
	}
	name, servers, err := c.servers.Core(ctx, core)
	if err != nil {
		return nil, err
	}
	unusable := c.cache.usable()
	p := &push{
		snap: snap, mark: store.Mark(time.Now()), serial: store.SerialAfter(0, time.Now()), token: newToken(snap.Machine), unusable: unusable, clock: c.clock,
		bases:   bases{off: c.noBases || unusable != nil, cache: c.cache, encoder: c.encoders.Get().(*frame.Encoder), asked: make(map[string]bool)},
		sources: make(map[string]*snapshot.Source), sizes: make(map[string]int), problems: make(map[string]error),
	}
	if !p.bases.off {
		for i := range snap.Sources {
			if src := &snap.Sources[i]; !src.Private {
				p.names = append(p.names, src.Name)
			}
		}
		p.stale = c.cache.stale(p.names, time.Now())
	}
	for _, s := range servers {
		p.deliveries = append(p.deliveries, newDelivery(p, s, c.servers.Timeout()))
	}
	if len(p.deliveries) == 0 {
		return nil, fmt.Errorf("cannot publish: core %s has no servers in the directory", name)
	}
	return p, nil
}

// run reads the state of servers, then writes to those that answered in
// time together, so that each object is read and packed once. Servers that
// answer later get a pass of their own.
func (p *push) run(ctx context.Context, deliveries []*delivery) {
	underWay.Store(p.token, struct{}{})
	defer p.keepTurn(ctx, deliveries)()
	arrived := make(chan *delivery, len(deliveries))
	for _, s := range deliveries {
		go func() {
			s.read(ctx)
			arrived <- s
		}()
	}
	group, waiting := p.gather(arrived, len(deliveries))
	err := p.otherMachine(group)
	if err == nil {
		err = cmp.Or(p.takeTurn(ctx, group), p.otherMachine(healthy(group)))
	}
	if err != nil {
		// All servers get the same verdict: half a push would lock the other out.
		for range waiting {
			<-arrived
		}
		for _, s := range deliveries {
			s.err = err
		}
		return
	}
	group = healthy(group)
	p.learn(ctx, group)
	for _, d := range group {
		p.bases.before = append(p.bases.before, d.state.Records)
		p.serial = max(p.serial, store.SerialAfter(d.state.Serial, time.Now()))
	}
	var wg sync.WaitGroup
	var behind []*delivery // of the group alone: who is offered the snapshot alone holds nobody up
	wg.Go(func() { behind = p.pass(ctx, group) })
	for range waiting {
		s := <-arrived
		wg.Go(func() { p.passAlone(ctx, s) })
	}
	wg.Wait()
	for _, s := range behind {
		s.read(ctx)
		wg.Go(func() { p.passAlone(ctx, s) })
	}
	wg.Wait()
}

// passAlone is pass for a server that could not keep up with its siblings.
func (p *push) passAlone(ctx context.Context, s *delivery) {
	if s.err == nil {
		s.err = p.takeTurn(ctx, []*delivery{s})
	}
	p.pass(ctx, []*delivery{s})
}

// gather returns the deliveries, of so many, that answered in time, and how many are still to
// arrive. In time is extract.SiblingGrace, and as long as the first took, after the first;
// longer where none of them knows this machine by this host's name: one that knows
// another may be slow, and the verdict must be the same on all servers.
func (p *push) gather(arrived <-chan *delivery, count int) (group []*delivery, waiting int) {
	began := time.Now()
	wait := extract.ProbeWait
	var first time.Duration
	var timeout <-chan time.Time
	for waiting = count; waiting > 0; {
		select {
		case s := <-arrived:
			waiting--
			if s.err != nil {
				continue
			}
			group = append(group, s)
			if first == 0 {
				first = time.Since(began)
			}
			if s.state.Machine == p.snap.Machine {
				wait = extract.SiblingGrace
			}
			timeout = time.After(time.Until(began.Add(2*first + wait)))
		case <-timeout:
			return group, waiting
		}
	}
	return group, waiting
}

// pass takes the snapshot once and brings a group of servers up to it. It returns those
// that could not keep up with the others.
func (p *push) pass(ctx context.Context, group []*delivery) (behind []*delivery) {
	if group = healthy(group); len(group) == 0 {
		return nil // nothing is read for nobody
	}
	if err := p.otherMachine(group); err != nil { // one that came late
		for _, s := range group {
			s.err = err
		}
		return nil
	}
	offers := make([]*offering, len(group))
	for i, s := range group {
		offers[i] = s.begin(ctx)
		offers[i].siblings = offers
	}
	names := p.offerAll(ctx, offers)
	if len(names) == 0 && !p.keepsAny(group) {
		for _, o := range offers {
			o.abandon(hint.For(errors.New("cannot publish: none of the snapshot's objects can be read, and an empty snapshot would delete what is known of the host"), hint.NothingRead))
		}
		return nil
	}
	var wg sync.WaitGroup
	for _, o := range offers {
		wg.Go(func() { o.end(ctx, maps.Clone(names)) })
	}
	wg.Wait()
	for _, o := range offers {
		if o.behind && o.err == nil {
			behind = append(behind, o.delivery)
		}
	}
	return behind
}

// offerAll reads every source and offers what it has become, and returns the names.
func (p *push) offerAll(ctx context.Context, offers []*offering) map[string]bool {
	names := make(map[string]bool)
	for i := range p.snap.Sources {
		obj, err := p.take(ctx, &p.snap.Sources[i])
		if err != nil || names[obj.name] {
			continue // an error is noted in p.problems
		}
		names[obj.name] = true
		for _, o := range offers {
			o.offer(obj)
		}
	}
	return names
}

// keeps reports whether an object that is not in the snapshot is to live on, because
// nobody knows whether it is there.
func (p *push) keeps(name string) bool {
	stands := func(kept string) bool {
		rest, ok := strings.CutPrefix(name, strings.TrimSuffix(kept, "/"))
		return ok && (rest == "" || rest[0] == '/' || rest[0] == '@')
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for kept, err := range p.problems {
		if stands(kept) && errors.Is(err, snapshot.ErrUnknown) {
			return true
		}
	}
	return slices.ContainsFunc(p.snap.Keep, stands)
}

// keepsAny reports whether a server has an object that is to live on.
func (p *push) keepsAny(group []*delivery) bool {
	for _, s := range group {
		for name := range s.state.Records {
			if p.keeps(name) {
				return true
			}
		}
	}
	return false
}

func healthy(group []*delivery) []*delivery {
	var out []*delivery
	for _, s := range group {
		if s.err == nil {
			out = append(out, s)
		}
	}
	return out
}

// otherMachine refuses a push under a name that another machine uses. All
// servers of the group decide together, so that they do not end up with
// different machines.
func (p *push) otherMachine(group []*delivery) error {
	for _, s := range group {
		other := s.state.Machine
		if p.snap.TakeOver || p.snap.Machine == "" || other == "" || other == p.snap.Machine || !s.state.Expires.After(s.state.Now) {
			continue
		}
		return hint.For(fmt.Errorf("cannot push as %s: %w: machine %.8s…, not this one (%.8s…), and its snapshot lives for another %s",
			p.snap.Host, ErrOtherMachine, other, p.snap.Machine, words.Age(s.state.Expires.Sub(s.state.Now))),
			hint.OtherMachine)
	}
	return nil
}

// take reads a source and digests it. What cannot be read is noted.
func (p *push) take(ctx context.Context, src *snapshot.Source) (*packedObject, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	obj, err := digest(ctx, src, &p.bases)
	if err != nil {
		p.problems[src.Name] = err
		return nil, err
	}
	if p.bytes += int64(obj.size - p.sizes[obj.name]); p.bytes > p.snap.MaxBytes {
		p.bytes -= int64(obj.size - p.sizes[obj.name])
		err := fmt.Errorf("cannot push %s: the snapshot would exceed %d bytes", obj.name, p.snap.MaxBytes)
		p.problems[src.Name] = err
		return nil, err
	}
	p.sizes[obj.name] = obj.size
	delete(p.problems, src.Name) // an earlier pass may have had less luck
	p.sources[obj.name] = src
	return obj, nil
}

// retake reads an object again by the name that it had. alone: its frame is to refer
// to no base. One that was only kept has vanished.
func (p *push) retake(ctx context.Context, name string, alone bool) (*packedObject, error) {
	p.mu.Lock()
	src := p.sources[name]
	p.mu.Unlock()
	if src == nil {
		return nil, fs.ErrNotExist
	}
	obj, err := p.take(ctx, src)
	if err == nil && alone {
		obj.pack = obj.packAlone
	}
	return obj, err
}
