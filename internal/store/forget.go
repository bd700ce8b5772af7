package store

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Knows tells of each host whether the server has it on the roster, in $hosts or $live, or
// has records of it.
func (s *Server) Knows(ctx context.Context, hosts []string) ([]bool, error) {
	known := make([]bool, 0, len(hosts))
	for part := range chunks(hosts) {
		q := newRequest(2 * len(part))
		for _, h := range part {
			q.add("EXISTS", keyOf(h))
			q.add("SISMEMBER", keyRoster, h)
		}
		err := s.do(ctx, q, func(r replies) error {
			for range part {
				recorded, err := r.integer()
				if err != nil {
					return err
				}
				listed, err := r.integer()
				if err != nil && kindOf(err) != ErrWrongType {
					return err
				}
				known = append(known, recorded+listed > 0)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for _, key := range []string{keyHosts, keyLive} {
			scores, err := s.scores(ctx, key, part)
			if err != nil {
				return nil, err
			}
			for i, score := range scores {
				at := len(known) - len(part) + i
				known[at] = known[at] || score != nil
			}
		}
	}
	return known, nil
}

// EachHost hands take every host that the server has on the roster, in $hosts or in $live,
// verified or not, some thousand at a time; most of them several times.
func (s *Server) EachHost(ctx context.Context, take func(hosts []string) error) error {
	if err := s.EachOfRoster(ctx, take); err != nil {
		return err
	}
	for _, key := range []string{keyHosts, keyLive} {
		err := s.walk(ctx, "ZSCAN", key, namesAtOnce, func(page []string) error { return take(firstOfPairs(page)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget removes everything that the server has of these hosts. It returns how many
// objects there were.
func (s *Server) Forget(ctx context.Context, hosts []string) (int, error) {
	removed := 0
	for part := range chunks(hosts) {
		for _, host := range part {
			n, err := s.forgetRecorded(ctx, host)
			removed += n
			if err != nil {
				return removed, err
			}
		}
		n, err := s.forgetListed(ctx, part)
		removed += n
		if err != nil {
			return removed, err
		}
		if err := s.forgetHosts(ctx, part); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// forgetRecorded removes the objects that a host has recorded, and their entries.
func (s *Server) forgetRecorded(ctx context.Context, host string) (removed int, _ error) {
	err := s.walk(ctx, "HSCAN", keyOf(host), chunk, func(page []string) error {
		n, err := s.forgetObjects(ctx, refsTo(host, namesIn(firstOfPairs(page))))
		removed += n
		return err
	})
	if kindOf(err) == ErrWrongType {
		return removed, nil // it has recorded nothing
	}
	return removed, err
}

func refsTo(host string, names []string) []Ref {
	refs := make([]Ref, len(names))
	for i, name := range names {
		refs[i] = Ref{host, name}
	}
	return refs
}

// forgetListed removes the entries of hosts that are left in the index, and the objects
// that they lead to: a push that was cut short has recorded none of them.
func (s *Server) forgetListed(ctx context.Context, hosts []string) (removed int, _ error) {
	err := s.walk(ctx, "SSCAN", keyNames, namesAtOnce, func(names []string) error {
		for part := range chunks(names) {
			pipe := s.db.Pipeline()
			rems := make([]*redis.IntCmd, len(part))
			for i, name := range part {
				rems[i] = pipe.SRem(ctx, keyOn(name), members(hosts)...)
			}
			if err := s.exec(ctx, pipe); err != nil {
				return err
			}
			for i, name := range part {
				if err := rems[i].Err(); err != nil && kindOf(err) != ErrWrongType {
					return s.wrap(err)
				}
				if rems[i].Val() == 0 {
					continue
				}
				n, err := s.forgetObjects(ctx, refsOf(name, hosts))
				removed += n
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	if errors.Is(err, ErrReplyTooLarge) {
		return removed, nil // of what nobody can read, gc removes the rest
	}
	return removed, err
}

// forgetObjects removes objects and their entries.
func (s *Server) forgetObjects(ctx context.Context, objects []Ref) (removed int, _ error) {
	for part := range chunks(objects) {
		pipe := s.db.Pipeline()
		dels := make([]*redis.IntCmd, len(part))
		for i, o := range part {
			dels[i] = pipe.Unlink(ctx, keyObject(o.Host, o.Name))
			pipe.SRem(ctx, keyOn(o.Name), o.Host)
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
	return removed, nil
}

// forgetHosts removes hosts themselves, after all else: cut short, they are still there to
// be forgotten. What older agents keep as the size of the core goes with them: it counts
// them still.
func (s *Server) forgetHosts(ctx context.Context, hosts []string) error {
	pipe := s.db.Pipeline()
	var cmds []redis.Cmder
	for _, host := range hosts {
		cmds = append(cmds, pipe.Unlink(ctx, keyOf(host)))
	}
	cmds = append(cmds, pipe.ZRem(ctx, keyHosts, members(hosts)...), pipe.ZRem(ctx, keyLive, members(hosts)...), pipe.Unlink(ctx, keySize))
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	if err := firstError(cmds...); err != nil && kindOf(err) != ErrWrongType {
		return s.wrap(err)
	}
	return s.Strike(ctx, hosts)
}

// namesIn returns the names among the fields of $of:<host>, without the reserved ones.
func namesIn(fields []string) []string {
	var names []string
	for _, f := range fields {
		if f != "" && f[0] != '$' {
			names = append(names, f)
		}
	}
	return names
}

func members(list []string) []any {
	out := make([]any, len(list))
	for i, m := range list {
		out[i] = m
	}
	return out
}
