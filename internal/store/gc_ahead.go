package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// What a server's clock gave while it was ahead lies beyond the server's present once it has
// been set right. Nobody knows when it really was. So gc takes down what would last too long,
// and leaves nothing that the present could catch up with.

// beyond reports whether a time is one that the server cannot have given yet.
func beyond(at, now time.Time) bool { return at.After(now.Add(clockSlack)) }

// pushBeyond and leftBeyond report whether what the host wrote then is of the future.
func (st *Testimony) pushBeyond(now time.Time) bool {
	at, ok := recordedPush(st.push)
	return ok && beyond(at.At, now)
}

func (st *Testimony) leftBeyond(now time.Time) bool {
	at, ok := recordedPush(st.left)
	return ok && beyond(at.At, now)
}

// expiryBeyond reports whether the host's snapshot would outlive its objects.
func (st *Testimony) expiryBeyond(now time.Time) bool {
	if _, known := st.lifetime(); !known || st.expires == nil {
		return false
	}
	_, ok := st.expiry(now)
	return !ok
}

// isAhead reports whether a host's own stamps lie beyond the server's present.
func (st *Testimony) isAhead(now time.Time) bool {
	return st.pushBeyond(now) || st.leftBeyond(now) || st.expiryBeyond(now)
}

// takeDown takes away when a host pushed, where that lies beyond the present, and lowers when it
// left and when its snapshot expires to the latest that can be, unless a push comes between.
// In $hosts it has then a score that says nothing: its objects are there, and nobody knows since when.
func (g *pruning) takeDown(ctx context.Context, h *hostDoubt) error {
	key, now := keyOf(h.host), g.clock()
	var hosts, live string // its scores; empty: they stay
	changed, err := g.changeIf(ctx, key, func() (bool, error) {
		again, err := g.see(ctx, []string{h.host})
		return err == nil && sameStamps(&again[0].testimony, &h.testimony), err
	}, func(pipe redis.Pipeliner) {
		if h.testimony.pushBeyond(now) {
			hosts = saysNothing
			pipe.HSet(ctx, key, fieldPush, hosts)
			h.testimony.keepSerial(ctx, pipe, key, *h.testimony.push, hosts)
		}
		if h.testimony.expiryBeyond(now) {
			ttl, _ := h.testimony.lifetime()
			live = formatScore(unix(now.Add(ttl)))
			pipe.HSet(ctx, key, fieldExpires, live)
		}
		if h.testimony.leftBeyond(now) {
			left, _ := recordedPush(h.testimony.left)
			hosts, live = formatScore(PushScore(now, left.Mark)), formatScore(unix(now))
			pipe.HSet(ctx, key, fieldLeft, hosts)
			h.testimony.keepSerial(ctx, pipe, key, *h.testimony.left, hosts)
		}
	})
	if err != nil || !changed {
		return g.faults.pass(err)
	}
	g.done.Ahead++
	pipe := g.db.Pipeline()
	var cmds []redis.Cmder
	for of, score := range map[string]string{keyHosts: hosts, keyLive: live} {
		if score != "" {
			cmds = append(cmds, pipe.Do(ctx, "ZADD", of, score, h.host))
		}
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.faults.pass(g.wrap(firstError(cmds...)))
}

// keepSerial has the serial of what had the score before belong to what has now another.
func (st *Testimony) keepSerial(ctx context.Context, pipe redis.Pipeliner, key, before, now string) {
	if st.serial == nil {
		return
	}
	if serial := parseSerial(*st.serial, before); serial != 0 {
		pipe.HSet(ctx, key, fieldSerial, formatSerial(serial, now))
	}
}

// saysNothing is the score of a host of which nobody knows when it pushed.
const saysNothing = "-1"

// sameStamps reports whether a host has not pushed or left in between.
func sameStamps(a, b *Testimony) bool {
	return same(a.push, b.push) && same(a.left, b.left) && same(a.expires, b.expires)
}
