package push

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrUnderWay says that another push of the same host is under way, or has come in between.
var ErrUnderWay = errors.New("another push of this host is under way, or came in between")

// turnWait is how long a push waits for another: longer than one that was killed is waited for.
const turnWait = 2*store.LeaseLife + 2*time.Second

// Pushes of this process are known by the beginning of their tokens, and those that are under way
// are remembered, so that one that failed keeps nobody waiting.
var (
	process  = func() string { b := make([]byte, 8); _, _ = rand.Read(b); return hex.EncodeToString(b) }()
	pushes   atomic.Int64
	underWay sync.Map // token → struct{}
)

// newToken is the token of a push from a machine, whose id may not be known.
func newToken(machine string) string {
	return fmt.Sprintf("%s-%d %.8s", process, pushes.Add(1), machine)
}

// isDead reports whether a token is that of a push of this process that has ended.
func isDead(token string) bool {
	_, lives := underWay.Load(token)
	return strings.HasPrefix(token, process+"-") && !lives
}

// holds reports whether the push has the server's lease, contested whether another push does.
func (d *delivery) holds() bool     { return d.state != nil && d.state.Holder == d.push.token }
func (d *delivery) contested() bool { return d.err == nil && d.state.Holder != "" && !d.holds() }

// takeTurn waits until this push holds the host at all servers of the group that give leases. Of
// pushes that hold some each, the one that holds the first server, in the order of names, goes on,
// and the others give way. The error is ErrUnderWay where it took too long.
func (p *push) takeTurn(ctx context.Context, group []*delivery) error {
	group = slices.SortedFunc(slices.Values(group), func(a, b *delivery) int { return strings.Compare(a.server.Name(), b.server.Name()) })
	for deadline := time.Now().Add(turnWait); ; {
		group = slices.DeleteFunc(group, func(d *delivery) bool { return d.err != nil || d.state.Holder == "" })
		at := slices.IndexFunc(group, (*delivery).contested)
		switch {
		case at < 0:
			return nil
		case time.Now().After(deadline):
			p.giveWay(group)
			_, machine, _ := strings.Cut(group[at].state.Holder, " ")
			return fmt.Errorf("cannot push as %s to server %s: %w (from machine %q)", p.snap.Host, group[at].server.Name(), ErrUnderWay, machine)
		case at == 0:
			p.giveWay(group)
		}
		group[at].await(ctx, deadline)
		each(group, func(d *delivery) {
			if !d.holds() {
				d.read(ctx)
			}
		})
	}
}

// giveWay ends the leases that this push has.
func (p *push) giveWay(group []*delivery) {
	each(group, func(d *delivery) {
		if !d.holds() || d.released && d.err == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), extract.ProbeWait/2) // it expires soon
		defer cancel()
		if d.server.EndLease(ctx, p.snap.Host) == nil {
			d.state.Holder = ""
		}
	})
}

// await waits until nobody holds the host at the server. The push that does is not kept alive by
// those that wait.
func (d *delivery) await(ctx context.Context, deadline time.Time) {
	for holder := d.state.Holder; holder != "" && time.Now().Before(deadline); {
		if isDead(holder) {
			_ = d.server.EndLease(ctx, d.push.snap.Host) // read tells
			return
		}
		select {
		case <-time.After(20*time.Millisecond + mathrand.N(60*time.Millisecond)):
		case <-ctx.Done():
			return
		}
		var err error
		if holder, err = d.server.LeaseHolder(ctx, d.push.snap.Host); err != nil {
			return
		}
	}
}

// keepTurn renews leases until the function that it returns is called, which ends them.
func (p *push) keepTurn(ctx context.Context, deliveries []*delivery) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	for _, d := range deliveries {
		go func() {
			tick := time.NewTicker(store.LeaseLife / 2)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if d.renews.Load() {
						_ = d.server.RenewLease(ctx, p.snap.Host) // whether it is lost is found out before the commit
					}
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return func() {
		cancel()
		p.giveWay(deliveries)
		underWay.Delete(p.token)
	}
}

// each does work for all deliveries at once.
func each(group []*delivery, work func(*delivery)) {
	var wg sync.WaitGroup
	for _, d := range group {
		wg.Go(func() { work(d) })
	}
	wg.Wait()
}
