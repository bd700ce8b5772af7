package store

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/redis/go-redis/v9"
)

// hosts goes through what the index lists as hosts.
func (g *pruning) hosts(ctx context.Context) error {
	if err := g.pages(ctx, "ZSCAN", keyHosts, func(hosts []string) error { return g.judge(ctx, hosts) }); err != nil {
		return err
	}
	return g.pages(ctx, "ZSCAN", keyLive, func(hosts []string) error { return g.judgeUnlisted(ctx, hosts) })
}

// judgeUnlisted judges those of hosts that $hosts does not list.
func (g *pruning) judgeUnlisted(ctx context.Context, hosts []string) error {
	for part := range chunks(hosts) {
		scores, err := g.scores(ctx, keyHosts, part)
		if err != nil {
			return err
		}
		var unlisted []string
		for i, host := range part {
			if scores[i] == nil {
				unlisted = append(unlisted, host)
			}
		}
		if err := g.judge(ctx, unlisted); err != nil {
			return err
		}
	}
	return nil
}

// scores reads the scores of hosts in $hosts or $live; nil: it has none.
func (s *Server) scores(ctx context.Context, key string, hosts []string) ([]*string, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	q := newRequest(len(hosts))
	for _, host := range hosts {
		q.add("ZSCORE", key, host) // ZMSCORE came with Redis 6.2
	}
	scores := make([]*string, len(hosts))
	err := s.do(ctx, q, func(r replies) error {
		var space textBlock
		for i := range scores {
			b, err := r.text()
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			if err == nil && b != nil {
				text := space.keep(b)
				scores[i] = &text
			}
		}
		return nil
	})
	return scores, err
}

// judge finds out what becomes of each of these hosts.
func (g *pruning) judge(ctx context.Context, hosts []string) error {
	for part := range chunks(hosts) {
		seen, err := g.see(ctx, part)
		if err != nil {
			return err
		}
		fates, err := sideBySide(ctx, seen, g.fate)
		if err != nil {
			return err
		}
		var verified, unlist, wrong []string
		var doubtful []hostDoubt
		for i, f := range fates {
			if f.wrong {
				wrong = append(wrong, keyOf(seen[i].host))
			}
			if f.unlist {
				unlist = append(unlist, seen[i].host)
			}
			if f.verified {
				verified = append(verified, seen[i].host)
			}
			if !f.unlist && seen[i].wronged(g.clock()) {
				doubtful = append(doubtful, seen[i])
			}
		}
		if err := g.unlink(ctx, wrong...); err != nil {
			return err
		}
		g.done.Repaired += len(wrong)
		if err := g.unlist(ctx, unlist); err != nil {
			return err
		}
		if g.Verified != nil && len(verified) > 0 {
			if err := g.Verified(ctx, verified); err != nil {
				return err
			}
		}
		if err := g.hostDoubts.add(ctx, doubtful...); err != nil {
			return err
		}
	}
	return nil
}

// see reads what the host says, and what others may have said of it.
func (g *pruning) see(ctx context.Context, hosts []string) ([]hostDoubt, error) {
	testimonies, err := g.Testimonies(ctx, hosts)
	if err != nil {
		return nil, err
	}
	pushed, err := g.scores(ctx, keyHosts, hosts)
	if err != nil {
		return nil, err
	}
	expires, err := g.scores(ctx, keyLive, hosts)
	if err != nil {
		return nil, err
	}
	seen := make([]hostDoubt, len(hosts))
	for i, host := range hosts {
		seen[i] = hostDoubt{host, testimonies[i], pushed[i], expires[i]}
	}
	return seen, nil
}

// A fate is what becomes of a host.
type fate struct {
	unlist   bool // it is to be in neither $hosts nor $live
	verified bool // it is to be on the roster
	wrong    bool // what is in the place of its records is to go: nothing can be written there
}

// fate decides on a host, and removes its records where it is gone for long.
func (g *pruning) fate(ctx context.Context, h hostDoubt) (fate, error) {
	st := &h.testimony
	if !st.Known {
		return fate{unlist: true}, nil
	}
	if st.wrong {
		return fate{unlist: true, wrong: true}, nil
	}
	if g.isGone(&h) {
		removed, err := g.expel(ctx, h.host)
		if err != nil || removed {
			return fate{unlist: removed}, g.faults.pass(err)
		}
	}
	if _, left := st.Left(); left { // listed, it tells siblings that did not hear of it
		return fate{}, nil
	}
	if st.Pushes() {
		return fate{verified: true}, nil
	}
	some, err := g.HasObject(ctx, h.host)
	return fate{verified: some}, g.faults.pass(err)
}

// isGone reports whether a host's snapshot expired, or the host left, longer ago than hosts
// are kept. What the host says itself counts. Where it does not say, what others may have
// written does; then, and always, expel looks for objects.
func (g *pruning) isGone(h *hostDoubt) bool {
	before := g.clock().Add(-g.Keep)
	if left, ok := h.testimony.Left(); ok {
		return left.At.Before(before)
	}
	if expires, ok := h.testimony.expiry(g.clock()); ok {
		return expires.Before(before)
	}
	ttl, known := h.testimony.lifetime()
	if !known {
		ttl = maxLifetime * time.Second
	}
	if expires, ok := plausible(h.expires, g.clock().Add(ttl+clockSlack)); ok {
		return expires.Before(before)
	}
	if pushed, ok := plausible(h.pushed, g.clock().Add(clockSlack)); ok {
		return pushed.Before(before)
	}
	return true // nothing says when; its objects do
}

// plausible reads a score that anyone may have written as a time; false where that is
// none, or is after latest.
func plausible(score *string, latest time.Time) (time.Time, bool) {
	if score == nil {
		return time.Time{}, false
	}
	seconds, err := parseScore([]byte(*score))
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > 1<<40 || fromUnix(seconds).After(latest) {
		return time.Time{}, false
	}
	return fromUnix(seconds), true
}

var errSome = errors.New("there is one")

// HasObject reports whether any object is there that $of:<host> lists.
func (s *Server) HasObject(ctx context.Context, host string) (bool, error) {
	err := s.walk(ctx, "HSCAN", keyOf(host), chunk, func(page []string) error {
		names := namesIn(firstOfPairs(page))
		keys := make([]string, len(names))
		for i, name := range names {
			keys[i] = keyObject(host, name)
		}
		for part := range chunks(keys) {
			there, err := s.existing(ctx, part)
			if err != nil {
				return err
			}
			for _, yes := range there {
				if yes {
					return errSome
				}
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errSome):
		return true, nil
	case errors.Is(err, ErrReplyTooLarge): // no publisher of ours has written that
		return false, nil
	}
	return false, err
}

// expel removes the records of a host that is gone, unless an object of it is there: then
// it is being pushed, or the objects have to expire first. A push that comes meanwhile
// touches the records, or does so after they are gone and then writes all of them.
func (g *pruning) expel(ctx context.Context, host string) (bool, error) {
	return g.unlinkIf(ctx, keyOf(host), func() (bool, error) {
		h, err := g.see(ctx, []string{host})
		if err != nil || !h[0].testimony.Known || !g.isGone(&h[0]) {
			return false, err
		}
		some, err := g.HasObject(ctx, host)
		return !some, err
	})
}

// unlinkIf removes a key where sure says so and nobody has written it since sure was asked.
func (s *Server) unlinkIf(ctx context.Context, key string, sure func() (bool, error)) (removed bool, _ error) {
	return s.changeIf(ctx, key, sure, func(pipe redis.Pipeliner) { pipe.Unlink(ctx, key) })
}

// changeIf changes a key where sure says so and nobody has written it since sure was asked.
func (s *Server) changeIf(ctx context.Context, key string, sure func() (bool, error), change func(redis.Pipeliner)) (changed bool, _ error) {
	var unsure error
	err := s.db.Watch(ctx, func(tx *redis.Tx) error {
		yes, err := sure()
		if unsure = err; err != nil || !yes {
			return nil
		}
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			change(pipe)
			return nil
		})
		changed = err == nil
		return err
	}, key)
	switch {
	case unsure != nil:
		return false, unsure
	case errors.Is(err, redis.TxFailedErr):
		return false, nil
	}
	return changed, s.wrap(err)
}

// unlist takes hosts out of $hosts and $live, and puts those back that have records by
// then: a push writes records before it lists its host.
func (g *pruning) unlist(ctx context.Context, hosts []string) error {
	for part := range chunks(hosts) {
		taken := [2][]*string{}
		gone := 0
		for i, key := range []string{keyHosts, keyLive} {
			var err error
			if taken[i], err = g.takeScores(ctx, key, part); err != nil {
				return err
			}
		}
		testimonies, err := g.Testimonies(ctx, part)
		if err != nil {
			return err
		}
		pipe := g.db.Pipeline()
		var back []redis.Cmder
		for i, host := range part {
			stays := testimonies[i].Known && !testimonies[i].wrong
			for at, key := range []string{keyHosts, keyLive} {
				if score := taken[at][i]; stays && score != nil {
					back = append(back, pipe.Do(ctx, "ZADD", key, "NX", *score, host))
				}
			}
			if !stays && (taken[0][i] != nil || taken[1][i] != nil) {
				gone++
			}
		}
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := firstError(back...); err != nil {
			return g.wrap(err)
		}
		g.done.Hosts += gone
	}
	return nil
}

// takeScores removes hosts from $hosts or $live, and returns the scores that they had at
// that moment.
func (g *pruning) takeScores(ctx context.Context, key string, hosts []string) ([]*string, error) {
	pipe := g.db.TxPipeline()
	read := make([]*redis.Cmd, len(hosts))
	for i, host := range hosts {
		read[i] = pipe.Do(ctx, "ZSCORE", key, host)
	}
	rem := pipe.ZRem(ctx, key, members(hosts)...)
	if err := g.exec(ctx, pipe); err != nil {
		return nil, err
	}
	scores := make([]*string, len(hosts))
	if err := firstError(rem); err != nil {
		return scores, g.faults.pass(g.wrap(err))
	}
	for i, c := range read {
		switch text, err := c.Text(); {
		case err == nil:
			scores[i] = &text
		case !errors.Is(err, redis.Nil):
			return nil, g.wrap(err)
		}
	}
	return scores, nil
}

// A hostDoubt is a host, and what was seen of it.
type hostDoubt struct {
	host            string
	testimony       Testimony
	pushed, expires *string // its scores in $hosts and $live
}

// wronged reports whether $hosts or $live say otherwise than the host itself, or whether it says
// what nobody can know yet.
func (h *hostDoubt) wronged(now time.Time) bool {
	_, pushed := h.truePush(now)
	_, expires := h.trueExpiry(now)
	return pushed || expires || h.testimony.isAhead(now)
}

// truePush returns the score that the host should have in $hosts, where it has another.
func (h *hostDoubt) truePush(now time.Time) (float64, bool) {
	text := h.testimony.push
	if _, left := h.testimony.Left(); left {
		text = h.testimony.left
	}
	if text == nil {
		return 0, false
	}
	want, err := parseScore([]byte(*text))
	if err != nil || math.IsNaN(want) || want < 0 || want > 1<<40 || beyond(fromUnix(want), now) {
		return 0, false
	}
	if h.pushed == nil {
		return want, true
	}
	got, err := parseScore([]byte(*h.pushed))
	return want, err != nil || got != want
}

// trueExpiry returns the score that the host should have in $live, where it has another.
func (h *hostDoubt) trueExpiry(now time.Time) (float64, bool) {
	at, ok := h.testimony.expiry(now)
	if !ok {
		return 0, false
	}
	want := unix(at)
	if h.expires == nil {
		return want, true
	}
	got, err := parseScore([]byte(*h.expires))
	return want, err != nil || math.IsNaN(got) || math.Abs(got-want) > 1 // $expires may be in whole seconds
}

// restore writes the scores of hosts that are still what they were when they were seen,
// and not what the host says.
func (g *pruning) restore(ctx context.Context, list []hostDoubt) error {
	hosts := make([]string, len(list))
	for i, h := range list {
		hosts[i] = h.host
	}
	seen, err := g.see(ctx, hosts)
	if err != nil {
		return err
	}
	now := g.clock()
	pipe := g.db.Pipeline()
	var cmds []redis.Cmder
	for i, before := range list {
		h := &seen[i]
		if !same(h.testimony.left, before.testimony.left) || !same(h.testimony.push, before.testimony.push) || !same(h.pushed, before.pushed) || !same(h.expires, before.expires) {
			continue // a push came between
		}
		if h.testimony.isAhead(now) {
			if err := g.takeDown(ctx, h); err != nil {
				return err
			}
			continue
		}
		if score, wrong := h.truePush(now); wrong {
			cmds = append(cmds, pipe.ZAdd(ctx, keyHosts, redis.Z{Score: score, Member: h.host}))
		}
		if score, wrong := h.trueExpiry(now); wrong {
			cmds = append(cmds, pipe.ZAdd(ctx, keyLive, redis.Z{Score: score, Member: h.host}))
		}
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	if err := firstError(cmds...); err != nil {
		return g.faults.pass(g.wrap(err))
	}
	g.done.Repaired += len(cmds)
	return nil
}

func same(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
