package store

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// chunk is how many keys an administrative request touches, so that none of them
// holds up the server for others.
const chunk = 500

// Forget removes everything that the server has of these hosts. It returns how
// many objects there were.
func (s *Server) Forget(ctx context.Context, hosts []string) (int, error) {
	names, err := s.names(ctx)
	if err != nil {
		return 0, err
	}
	own, err := s.NamesOf(ctx, hosts)
	if err != nil {
		return 0, err
	}
	removed := 0
	for i, host := range hosts {
		n, err := s.forget(ctx, host, union(names, own[i]))
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Server) forget(ctx context.Context, host string, names []string) (int, error) {
	removed := 0
	for part := range chunks(names) {
		pipe := s.db.Pipeline()
		var dels []*redis.IntCmd
		for _, name := range part {
			dels = append(dels, pipe.Unlink(ctx, keyObject(host, name)))
			pipe.SRem(ctx, keyOn(name), host)
		}
		if err := s.exec(ctx, pipe); err != nil {
			return removed, err
		}
		for _, d := range dels {
			if d.Err() != nil {
				return removed, s.wrap(d.Err())
			}
			removed += int(d.Val())
		}
	}
	// The host itself goes last: cut short, it is still there to be forgotten.
	pipe := s.db.Pipeline()
	cmds := []redis.Cmder{pipe.Unlink(ctx, keyOf(host)), pipe.ZRem(ctx, keyHosts, host), pipe.ZRem(ctx, keyLive, host)}
	if err := s.exec(ctx, pipe); err != nil {
		return removed, err
	}
	return removed, s.wrap(firstError(cmds...))
}

// A Pruned counts what Prune removed.
type Pruned struct {
	Hosts   int // whose snapshot expired long ago
	Entries int // of $on, that lead to no object
	Names   int // that no host holds
}

// Prune removes from the index the hosts whose snapshot expired over keep ago,
// entries that lead to no object, and names that no host holds. It may run
// beside pushes: what a push adds meanwhile is put back.
func (s *Server) Prune(ctx context.Context, keep time.Duration) (Pruned, error) {
	var p Pruned
	x, err := s.Index(ctx, AllExpiries)
	if err != nil {
		return p, err
	}
	gone, known := x.split(keep)
	for _, host := range gone {
		removed, err := s.expel(ctx, host, x.Now.Add(-keep))
		if err != nil {
			return p, err
		}
		if removed {
			p.Hosts++
		} else {
			known[host] = true
		}
	}
	for _, name := range x.Names {
		n, err := s.pruneHolders(ctx, name, known)
		p.Entries += n
		if err != nil {
			return p, err
		}
		if err := s.pruneClaims(ctx, name, x.Now); err != nil {
			return p, err
		}
		empty, err := s.pruneName(ctx, name)
		if err != nil {
			return p, err
		}
		if empty {
			p.Names++
		}
	}
	return p, nil
}

// split returns the hosts whose snapshot expired over keep ago, or of which no
// expiry is known, and those that stay.
func (x *Index) split(keep time.Duration) (gone []string, known map[string]bool) {
	known = make(map[string]bool, len(x.Expires))
	for _, e := range x.Expires {
		if e.At.Before(x.Now.Add(-keep)) {
			gone = append(gone, e.Host)
		} else {
			known[e.Host] = true
		}
	}
	for _, p := range x.Pushed {
		if !known[p.Host] && p.At.Before(x.Now.Add(-keep)) {
			gone = append(gone, p.Host)
		}
	}
	slices.Sort(gone)
	return slices.Compact(gone), known
}

// expel removes a host whose snapshot expired before that time, unless it pushes
// meanwhile: a push touches one of the keys that are watched, and Commit touches
// the host's records last.
func (s *Server) expel(ctx context.Context, host string, before time.Time) (bool, error) {
	lists, err := s.NamesOf(ctx, []string{host})
	if err != nil {
		return false, err
	}
	names := lists[0]
	watched := []string{keyOf(host)}
	for _, name := range names {
		watched = append(watched, keyObject(host, name))
	}
	removed := false
	err = s.db.Watch(ctx, func(tx *redis.Tx) error {
		live, err := tx.ZScore(ctx, keyLive, host).Result()
		if err != nil && err != redis.Nil || err == nil && !fromUnix(live).Before(before) {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			for _, name := range names {
				pipe.SRem(ctx, keyOn(name), host)
			}
			pipe.Unlink(ctx, watched...)
			pipe.ZRem(ctx, keyHosts, host)
			pipe.ZRem(ctx, keyLive, host)
			return nil
		})
		removed = err == nil
		return err
	}, watched...)
	if errors.Is(err, redis.TxFailedErr) {
		return false, nil // it is back
	}
	return removed, s.wrap(err)
}

// pruneHolders removes the hosts from $on:<name> that have neither a record of
// the object nor the object, or that are no longer known and lack the object.
func (s *Server) pruneHolders(ctx context.Context, name string, known map[string]bool) (int, error) {
	lists, err := s.Holders(ctx, []string{name})
	if err != nil {
		return 0, err
	}
	pruned := 0
	for part := range chunks(lists[0]) {
		pipe := s.db.Pipeline()
		recorded, stored := make([]*redis.BoolCmd, len(part)), make([]*redis.IntCmd, len(part))
		for i, host := range part {
			recorded[i] = pipe.HExists(ctx, keyOf(host), name)
			stored[i] = pipe.Exists(ctx, keyObject(host, name))
		}
		if err := s.exec(ctx, pipe); err != nil {
			return pruned, err
		}
		var stale []string
		for i, host := range part {
			if err := firstError(recorded[i], stored[i]); err != nil {
				return pruned, s.wrap(err)
			}
			if stored[i].Val() == 0 && !(recorded[i].Val() && known[host]) {
				stale = append(stale, host)
			}
		}
		n, err := s.dropHolders(ctx, name, stale)
		pruned += n
		if err != nil {
			return pruned, err
		}
	}
	return pruned, nil
}

// dropHolders removes hosts from $on:<name> and puts those back whose object has
// been written meanwhile: a push writes the object before its entry.
func (s *Server) dropHolders(ctx context.Context, name string, hosts []string) (int, error) {
	if len(hosts) == 0 {
		return 0, nil
	}
	pipe := s.db.Pipeline()
	cmds := []redis.Cmder{pipe.SRem(ctx, keyOn(name), members(hosts)...)}
	stored := make([]*redis.IntCmd, len(hosts))
	for i, host := range hosts {
		stored[i] = pipe.Exists(ctx, keyObject(host, name))
		cmds = append(cmds, stored[i])
	}
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	if err := firstError(cmds...); err != nil {
		return 0, s.wrap(err)
	}
	var back []string
	for i, host := range hosts {
		if stored[i].Val() > 0 {
			back = append(back, host)
		}
	}
	if len(back) == 0 {
		return len(hosts), nil
	}
	pipe = s.db.Pipeline()
	add := pipe.SAdd(ctx, keyOn(name), members(back)...)
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	return len(hosts) - len(back), s.wrap(add.Err())
}

// pruneName removes name from $names where no host holds it and it has no bases, whose
// places nobody would give back else.
func (s *Server) pruneName(ctx context.Context, name string) (bool, error) {
	for range 2 { // look, remove, and look again for a push that came between
		pipe := s.db.Pipeline()
		held, based := pipe.Exists(ctx, keyOn(name)), pipe.Exists(ctx, keyBases(name))
		if err := s.exec(ctx, pipe); err != nil {
			return false, err
		}
		if err := firstError(held, based); err != nil {
			return false, s.wrap(err)
		}
		pipe = s.db.Pipeline()
		if held.Val()+based.Val() > 0 {
			add := pipe.SAdd(ctx, keyNames, name)
			if err := s.exec(ctx, pipe); err != nil {
				return false, err
			}
			return false, s.wrap(add.Err())
		}
		rem := pipe.SRem(ctx, keyNames, name)
		if err := s.exec(ctx, pipe); err != nil {
			return false, err
		}
		if err := rem.Err(); err != nil {
			return false, s.wrap(err)
		}
	}
	return true, nil
}

// Adopt adds the objects to the index that something else than our publisher
// wrote: the original's inserter. Their hosts' snapshots count as pushed when
// their TTL began, assuming ttl. It returns how many objects were adopted.
func (s *Server) Adopt(ctx context.Context, ttl time.Duration) (int, error) {
	var refs []Ref
	seen := make(map[Ref]bool)
	err := s.Scan(ctx, func(key string) {
		host, name, ok := strings.Cut(key, "#")
		if r := (Ref{host, name}); ok && host != "" && name != "" && !seen[r] {
			seen[r] = true
			refs = append(refs, r)
		}
	})
	if err != nil {
		return 0, err
	}
	adopted := 0
	for part := range chunks(refs) {
		n, err := s.adopt(ctx, part, ttl)
		adopted += n
		if err != nil {
			return adopted, err
		}
	}
	return adopted, nil
}

func (s *Server) adopt(ctx context.Context, refs []Ref, ttl time.Duration) (int, error) {
	pipe := s.db.Pipeline()
	now := pipe.Time(ctx)
	type state struct {
		left   *redis.DurationCmd
		kind   *redis.StatusCmd
		record *redis.StringCmd
		ours   *redis.BoolCmd // a publisher of ours serves the host
	}
	states := make([]state, len(refs))
	for i, r := range refs {
		states[i] = state{
			left:   pipe.PTTL(ctx, keyObject(r.Host, r.Name)),
			kind:   pipe.Type(ctx, keyObject(r.Host, r.Name)),
			record: pipe.HGet(ctx, keyOf(r.Host), r.Name),
			ours:   pipe.HExists(ctx, keyOf(r.Host), fieldMachine),
		}
	}
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	pipe = s.db.Pipeline()
	var cmds []redis.Cmder
	adopted := 0
	for i, r := range refs {
		if err := firstError(now, states[i].left, states[i].kind, states[i].record, states[i].ours); err != nil {
			return 0, s.wrap(err)
		}
		// A record of ours has a length; the one that adoption leaves is empty.
		if states[i].kind.Val() != "list" || states[i].record.Val() != "" {
			continue
		}
		left := states[i].left.Val()
		if left <= 0 {
			left = ttl
		}
		if states[i].record.Err() == redis.Nil {
			adopted++
		}
		expires := now.Val().Add(left)
		cmds = append(cmds, pipe.SAdd(ctx, keyNames, r.Name), pipe.SAdd(ctx, keyOn(r.Name), r.Host), pipe.HSetNX(ctx, keyOf(r.Host), r.Name, ""))
		if states[i].ours.Val() {
			continue // its own pushes say when it reported
		}
		cmds = append(cmds,
			pipe.ZAddArgs(ctx, keyHosts, redis.ZAddArgs{GT: true, Members: []redis.Z{{Score: PushScore(expires.Add(-ttl), 0), Member: r.Host}}}),
			pipe.ZAddArgs(ctx, keyLive, redis.ZAddArgs{GT: true, Members: []redis.Z{{Score: unix(expires), Member: r.Host}}}))
	}
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	return adopted, s.wrap(firstError(cmds...))
}

func members(list []string) []any {
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = m
	}
	return out
}

func union(a, b []string) []string {
	seen := make(map[string]bool, len(a)+len(b))
	var out []string
	for _, list := range [][]string{a, b} {
		for _, v := range list {
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}

func chunks[T any](list []T) iter.Seq[[]T] { return slices.Chunk(list, chunk) }
