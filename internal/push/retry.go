package push

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

const (
	firstPause = 2 * time.Second // at most, before the first retry; each later one may be twice as long
	pauses     = 4               // of the longest kind fit into the time for retries
)

// A pace is the clock and the dice of retries.
type pace struct {
	now    func() time.Time
	sleep  func(context.Context, time.Duration)
	random func(time.Duration) time.Duration // up to one, exclusively
}

var realPace = pace{now: time.Now, sleep: sleep, random: rand.N[time.Duration]}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// retry tries servers again at which the push failed for a reason that passes by itself, for
// as long as the snapshot says. A fleet fails together, where servers are down or have no
// connection left, and is not to come back together: pauses are random, from nothing up to
// what doubles each time.
func (c *Publisher) retry(ctx context.Context, p *push) {
	until := c.pace.now().Add(p.snap.Retry)
	most := firstPause
	for first := true; p.snap.Retry > 0 && ctx.Err() == nil; first = false {
		failed := p.failed()
		if len(failed) == 0 {
			return
		}
		if first && p.snap.Retrying != nil {
			p.snap.Retrying(p.report(time.Since(failed[0].began)))
		}
		pause := c.pace.random(max(1, min(most, p.snap.Retry/pauses)))
		if c.pace.now().Add(pause).After(until) {
			return
		}
		c.pause(ctx, p, pause)
		most *= 2
		if ctx.Err() == nil {
			p.again(ctx, failed)
		}
	}
}

// pause waits without a connection, unless another push of this publisher needs it. A herd
// that held connections to the servers that it has done with would keep each other out: half
// of it would have one server's and wait for the other's.
func (c *Publisher) pause(ctx context.Context, p *push, d time.Duration) {
	defer c.working.Add(1)
	if c.working.Add(-1) == 0 {
		for _, d := range p.deliveries {
			d.server.Disconnect()
		}
	}
	c.pace.sleep(ctx, d)
}

// failed are the deliveries that are worth another try.
func (p *push) failed() []*delivery {
	var failed []*delivery
	for _, d := range p.deliveries {
		if d.passing() {
			failed = append(failed, d)
		}
	}
	return failed
}

// passing reports whether what kept a server from having all of the push passes by itself.
func (d *delivery) passing() bool {
	if d.err != nil {
		return store.Passing(d.err)
	}
	for _, err := range d.done.failed {
		if store.Passing(err) {
			return true
		}
	}
	return false
}

// again pushes to some of the servers, as a push of its own: objects are read anew, so it is a
// later one than what the others have.
func (p *push) again(ctx context.Context, failed []*delivery) {
	p.mark, p.serial, p.token = store.Mark(time.Now()), store.SerialAfter(p.serial, time.Now()), newToken(p.snap.Machine)
	p.sightings.goOn()
	if !p.bases.off {
		p.stale = p.bases.cache.stale(p.names, time.Now())
	}
	anew := make([]*delivery, len(failed))
	for i, d := range failed {
		anew[i] = d.anew()
		p.deliveries[slices.Index(p.deliveries, d)] = anew[i]
	}
	p.run(ctx, anew)
}
