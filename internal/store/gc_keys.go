package store

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// typesOfShared are the types of the keys that all hosts share.
var typesOfShared = map[string]string{
	keyHosts: "zset", keyLive: "zset", keyNames: "set", keyRoster: "set", keyQueries: "stream",
}

// replaceWrong removes shared keys of another type, in whose place nothing can be written:
// what should be there comes back from $of:<host>, and with the pushes. It also removes
// $size, which older agents keep.
func (g *pruning) replaceWrong(ctx context.Context) error {
	pipe := g.db.Pipeline()
	kinds := make(map[string]*redis.StatusCmd)
	for key := range typesOfShared {
		kinds[key] = pipe.Type(ctx, key)
	}
	size := pipe.Unlink(ctx, keySize)
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	if err := size.Err(); err != nil {
		return g.wrap(err)
	}
	for key, kind := range kinds {
		if err := kind.Err(); err != nil {
			return g.wrap(err)
		}
		if kind.Val() == "none" || kind.Val() == typesOfShared[key] {
			continue
		}
		if err := g.unlink(ctx, key); err != nil {
			return err
		}
		g.done.Repaired++
	}
	return nil
}

// unlink removes keys.
func (s *Server) unlink(ctx context.Context, keys ...string) error {
	pipe := s.db.Pipeline()
	var cmds []redis.Cmder
	for _, key := range keys {
		cmds = append(cmds, pipe.Unlink(ctx, key))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(firstError(cmds...))
}

// keys goes through all keys of the server: for hosts and names that the index does not
// list, and for objects that no push has recorded.
func (g *pruning) keys(ctx context.Context) error {
	return g.pages(ctx, "SCAN", "", func(keys []string) error {
		var hosts []string
		var objects []Ref
		for _, key := range keys {
			host, name, isObject := strings.Cut(key, keySeparator)
			switch {
			case strings.HasPrefix(key, keyOf("")):
				hosts = append(hosts, strings.TrimPrefix(key, keyOf("")))
			case isObject && host != "" && host[0] != '$' && name != "" && name[0] != '$':
				objects = append(objects, Ref{host, name})
			}
		}
		if err := g.judgeUnlisted(ctx, hosts); err != nil {
			return err
		}
		if err := g.listNames(ctx, namesOfKeys(keys)); err != nil {
			return err
		}
		for part := range chunks(objects) {
			if err := g.judgeObjects(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
}

// listNames puts names into $names that have an entry, or a base: what of them is to go is
// found by that list.
func (g *pruning) listNames(ctx context.Context, names []string) error {
	for part := range chunks(names) {
		pipe := g.db.Pipeline()
		add := pipe.SAdd(ctx, keyNames, members(part)...)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := add.Err(); err != nil {
			return g.wrap(err)
		}
	}
	return nil
}

// judgeObjects bounds the life of recorded objects that would never expire, or long after their
// host's next push, and takes down those that no push has recorded.
func (g *pruning) judgeObjects(ctx context.Context, objects []Ref) error {
	seen, err := g.seeObjects(ctx, objects)
	if err != nil {
		return err
	}
	var doubtful []Ref
	var eternal, late []eternalObject
	for i, o := range seen {
		switch {
		case g.surplus(&o):
			doubtful = append(doubtful, objects[i])
		case o.ours && o.recorded && o.lives == neverExpires:
			eternal = append(eternal, eternalObject{keyObject(objects[i].Host, objects[i].Name), g.due(&o.testimony).Milliseconds()})
		case o.ours && o.recorded && o.late():
			ttl, _ := o.testimony.lifetime()
			late = append(late, eternalObject{keyObject(objects[i].Host, objects[i].Name), ttl.Milliseconds()})
		}
	}
	n, err := g.boundAll(ctx, eternal, "NX")
	if g.done.Repaired += n; err != nil {
		return err
	}
	n, err = g.boundAll(ctx, late, "LT")
	if g.done.Ahead += n; err != nil {
		return err
	}
	return g.objectDoubts.add(ctx, doubtful...)
}

// late reports whether the object would outlive any snapshot of its host: it was written by a
// clock that was ahead.
func (o *seenObject) late() bool {
	ttl, known := o.testimony.lifetime()
	return known && o.lives > (ttl+clockSlack).Milliseconds()
}

// An eternalObject is one that would never expire, or too late.
type eternalObject struct {
	key string
	due int64 // milliseconds that it should live
}

// boundAll has objects expire that a push has not bounded meanwhile, and returns how many. which
// is the option of PEXPIRE that says so.
func (g *pruning) boundAll(ctx context.Context, list []eternalObject, which string) (done int, _ error) {
	pipe := g.db.Pipeline()
	cmds := make([]*redis.Cmd, len(list))
	for i, o := range list {
		cmds[i] = pipe.Do(ctx, "PEXPIRE", o.key, o.due, which)
	}
	if err := g.exec(ctx, pipe); err != nil {
		return 0, err
	}
	var left []eternalObject
	for i, c := range cmds {
		n, err := c.Int()
		if BeforeRedis7(err) {
			left = append(left, list[i])
			continue
		}
		if err := g.faults.pass(g.wrap(err)); err != nil {
			return done, err
		}
		done += n
	}
	bounded, err := sideBySide(ctx, left, g.bound)
	for _, yes := range bounded {
		if yes {
			done++
		}
	}
	return done, g.faults.pass(err)
}

// bound is boundAll for one object, on a server of any version.
func (g *pruning) bound(ctx context.Context, o eternalObject) (bool, error) {
	return g.changeIf(ctx, o.key, func() (bool, error) {
		pipe := g.db.Pipeline()
		left := pipe.Do(ctx, "PTTL", o.key) // go-redis makes other numbers of it
		if err := g.exec(ctx, pipe); err != nil {
			return false, err
		}
		ms, err := left.Int64()
		return ms == neverExpires || ms > o.due+clockSlack.Milliseconds(), g.wrap(err)
	}, func(pipe redis.Pipeliner) { pipe.Do(ctx, "PEXPIRE", o.key, o.due) })
}

// due is how much longer the objects of a host have to live.
func (g *pruning) due(st *Testimony) time.Duration {
	if expires, ok := st.expiry(g.clock()); ok {
		return max(expires.Sub(g.clock()), time.Millisecond)
	}
	if ttl, ok := st.lifetime(); ok {
		return ttl
	}
	return foreignLife
}

// foreignLife is the TTL of the original's objects, 6 h.
const foreignLife = 6 * time.Hour

// What PTTL says of a key that is not there, or does not expire.
const (
	notThere     = -2
	neverExpires = -1
)

// A seenObject is an object as the whole keyspace shows it.
type seenObject struct {
	lives     int64 // ms that are left, or one of the above
	recorded  bool  // in $of:<host>
	ours      bool  // a publisher of ours serves the host
	foreign   bool  // a list of five elements of a host that none serves
	testimony Testimony
}

// surplus reports whether an object is to go: no push has recorded it or, of the original's
// inserter where nobody reads that, it would stay for ever.
func (g *pruning) surplus(o *seenObject) bool {
	switch {
	case o.lives == notThere:
		return false
	case o.ours:
		return !o.recorded
	}
	return g.Foreign && o.foreign && (!o.recorded || o.lives == neverExpires)
}

// seeObjects looks at objects, and closer at those of which something is odd.
func (g *pruning) seeObjects(ctx context.Context, objects []Ref) ([]seenObject, error) {
	q := newRequest(2 * len(objects))
	for _, o := range objects {
		q.add("HEXISTS", keyOf(o.Host), o.Name)
		q.add("PTTL", keyObject(o.Host, o.Name))
	}
	seen := make([]seenObject, len(objects))
	err := g.do(ctx, q, func(r replies) error {
		for i := range seen {
			recorded, err := r.integer()
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			if seen[i].lives, err = r.lifetime(); err != nil {
				return err
			}
			seen[i].recorded = recorded > 0
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var odd []int
	for i, o := range seen {
		if o.lives != notThere && (!o.recorded || o.lives == neverExpires || o.lives > (foreignLife+clockSlack).Milliseconds()) {
			odd = append(odd, i)
		}
	}
	return seen, g.lookCloser(ctx, objects, seen, odd)
}

// lifetime reads the reply to PTTL, in which -1 and -2 mean something.
func (r replies) lifetime() (int64, error) {
	kind, digits, err := r.head()
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseInt(string(digits), 10, 64)
	if kind != ':' || err != nil {
		return 0, unexpected(append([]byte{kind}, digits...))
	}
	return ms, nil
}

// lookCloser finds out whose objects those are that are odd.
func (g *pruning) lookCloser(ctx context.Context, objects []Ref, seen []seenObject, odd []int) error {
	if len(odd) == 0 {
		return nil
	}
	hosts := make([]string, len(odd))
	for n, i := range odd {
		hosts[n] = objects[i].Host
	}
	testimonies, err := g.Testimonies(ctx, hosts)
	if err != nil {
		return err
	}
	pipe := g.db.Pipeline()
	lengths := make([]*redis.IntCmd, len(odd))
	for n, i := range odd {
		lengths[n] = pipe.LLen(ctx, keyObject(objects[i].Host, objects[i].Name))
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	for n, i := range odd {
		o := &seen[i]
		o.testimony, o.ours = testimonies[n], testimonies[n].Pushes()
		o.foreign = !o.ours && lengths[n].Err() == nil && lengths[n].Val() == Time+1
	}
	return nil
}

// removeObjects removes objects that are still as surplus as they were, unless a push
// writes them meanwhile.
func (g *pruning) removeObjects(ctx context.Context, objects []Ref) error {
	seen, err := g.seeObjects(ctx, objects)
	if err != nil {
		return err
	}
	var surplus []Ref
	for i, o := range objects {
		if g.surplus(&seen[i]) {
			surplus = append(surplus, o)
		}
	}
	removed, err := sideBySide(ctx, surplus, func(ctx context.Context, o Ref) (bool, error) {
		return g.unlinkIf(ctx, keyObject(o.Host, o.Name), func() (bool, error) {
			again, err := g.seeObjects(ctx, []Ref{o})
			return err == nil && g.surplus(&again[0]), err
		})
	})
	for _, yes := range removed {
		if yes {
			g.done.Objects++
		}
	}
	return g.faults.pass(err)
}

// sideBySide does work for each of list, a few at a time, since each takes several waits.
// It returns what each came to, and the first error, after which no more is begun.
func sideBySide[T, R any](ctx context.Context, list []T, work func(context.Context, T) (R, error)) ([]R, error) {
	const atOnce = 3 // leaves one of four connections to others
	results, errs := make([]R, len(list)), make([]error, len(list))
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(atOnce, len(list)) {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				if results[i], errs[i] = work(ctx, list[i]); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return results, cmp.Or(errs...)
}
