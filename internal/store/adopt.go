package store

import (
	"context"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

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
