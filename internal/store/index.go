package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// An Index is what a server knows of its hosts and names.
type Index struct {
	Now     time.Time     // the server's clock
	Offset  time.Duration // the server's clock less ours
	Pushed  []Push
	Expires []Expiry
	Names   []string
	Size    int  // how many hosts its core should have; 0: nobody has said
	Indexed bool // $names exists: the server is ours, not one that only the original filled
}

// A Push is one member of $hosts.
type Push struct {
	Host string
	PushTime
}

// An Expiry is one member of $live: when a host's snapshot expires, by the
// server's clock.
type Expiry struct {
	Host string
	At   time.Time
}

// Live counts the hosts whose snapshot has not expired.
func (x *Index) Live() int {
	n := 0
	for _, e := range x.Expires {
		if e.At.After(x.Now) {
			n++
		}
	}
	return n
}

// Index reads TIME, $size, $hosts, $live and $names in one request.
func (s *Server) Index(ctx context.Context) (*Index, error) {
	pipe := s.db.Pipeline()
	now := pipe.Time(ctx)
	size := pipe.Get(ctx, keySize)
	pushed := pipe.ZRangeWithScores(ctx, keyHosts, 0, -1)
	live := pipe.ZRangeWithScores(ctx, keyLive, 0, -1)
	names := pipe.SScan(ctx, keyNames, 0, "", namesAtOnce)
	began := time.Now()
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	ended := time.Now()
	err := firstError(now, size, pushed, live, names)
	if err != nil {
		return nil, s.wrap(err)
	}
	x := &Index{
		Size: count(size),
		Now:  now.Val(), Offset: offset(now.Val(), began, ended),
		Pushed:  make([]Push, len(pushed.Val())),
		Expires: make([]Expiry, len(live.Val())),
	}
	if x.Names, err = s.moreNames(ctx, names); err != nil {
		return nil, err
	}
	x.Indexed = len(x.Names) > 0
	for i, z := range pushed.Val() {
		x.Pushed[i] = Push{member(z), pushTime(z.Score)}
	}
	for i, z := range live.Val() {
		x.Expires[i] = Expiry{member(z), fromUnix(z.Score)}
	}
	return x, nil
}

// Names are read in rounds, because nothing bounds how many a hostile host has
// added, nor, but for 512 MB, how long they are.
const (
	namesAtOnce = 10_000
	maxNames    = 1_000_000
)

// names returns all names that any host holds, or held until the last Prune. Some
// may come twice.
func (s *Server) names(ctx context.Context) ([]string, error) {
	pipe := s.db.Pipeline()
	first := pipe.SScan(ctx, keyNames, 0, "", namesAtOnce)
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	return s.moreNames(ctx, first)
}

// moreNames goes on from the first round of names, which is most often the last.
func (s *Server) moreNames(ctx context.Context, round *redis.ScanCmd) ([]string, error) {
	var all []string
	for {
		names, cursor, err := round.Result()
		if err != nil {
			return nil, s.wrap(err)
		}
		if all = append(all, names...); len(all) > maxNames {
			return nil, s.wrap(fmt.Errorf("%w: over %d names", ErrReplyTooLarge, maxNames))
		}
		if cursor == 0 {
			return all, nil
		}
		pipe := s.db.Pipeline()
		round = pipe.SScan(ctx, keyNames, cursor, "", namesAtOnce)
		if err := s.exec(ctx, pipe); err != nil {
			return nil, err
		}
	}
}

// count reads a number that anyone may have written: what is none counts as 0.
func count(c *redis.StringCmd) int {
	n, err := c.Int()
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// offset assumes that the server read its clock half way.
func offset(server, began, ended time.Time) time.Duration {
	return server.Sub(began.Add(ended.Sub(began) / 2))
}

func member(z redis.Z) string {
	m, _ := z.Member.(string)
	return m
}

// firstError returns the first error among the commands' replies, if any.
func firstError(cmds ...redis.Cmder) error {
	for _, c := range cmds {
		if err := c.Err(); err != nil && err != redis.Nil {
			return err
		}
	}
	return nil
}

// Holders returns, for each name, the hosts that hold an object of that name.
func (s *Server) Holders(ctx context.Context, names []string) ([][]string, error) {
	return s.lists(ctx, names, 64, func(pipe redis.Pipeliner, name string) *redis.StringSliceCmd {
		return pipe.SMembers(ctx, keyOn(name))
	})
}

// NamesOf returns, for each host, the names of its objects.
func (s *Server) NamesOf(ctx context.Context, hosts []string) ([][]string, error) {
	lists, err := s.lists(ctx, hosts, 1024, func(pipe redis.Pipeliner, host string) *redis.StringSliceCmd {
		return pipe.HKeys(ctx, keyOf(host))
	})
	for i, fields := range lists {
		lists[i] = slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "$") })
	}
	return lists, err
}

// lists asks for one list each, atOnce in a request, and fewer where that makes too
// large a reply.
func (s *Server) lists(ctx context.Context, of []string, atOnce int, ask func(redis.Pipeliner, string) *redis.StringSliceCmd) ([][]string, error) {
	lists := make([][]string, 0, len(of))
	for len(of) > 0 {
		part := of[:min(atOnce, len(of))]
		got, err := s.listsOf(ctx, part, ask)
		if errors.Is(err, ErrReplyTooLarge) && len(part) > 1 {
			atOnce = len(part) / 2
			continue
		}
		if err != nil {
			return nil, err
		}
		lists = append(lists, got...)
		of = of[len(part):]
	}
	return lists, nil
}

func (s *Server) listsOf(ctx context.Context, of []string, ask func(redis.Pipeliner, string) *redis.StringSliceCmd) ([][]string, error) {
	pipe := s.db.Pipeline()
	cmds := make([]*redis.StringSliceCmd, len(of))
	for i, o := range of {
		cmds[i] = ask(pipe, o)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	lists := make([][]string, len(cmds))
	for i, c := range cmds {
		if err := c.Err(); err != nil {
			return nil, fmt.Errorf("cannot read the index of %.200q: %w", of[i], s.wrap(err))
		}
		lists[i] = c.Val()
	}
	return lists, nil
}

// Scan calls keep with every key of the server that is no part of the index, in
// no order, some of them twice: the way to search a cache that has no index. It
// sends no MATCH, so it brings every key; that leaves what a pattern means to
// one implementation, and works on the embedded server too.
func (s *Server) Scan(ctx context.Context, keep func(key string)) error {
	cursor := uint64(0)
	for {
		pipe := s.db.Pipeline()
		cmd := pipe.Scan(ctx, cursor, "", 1000)
		if err := s.exec(ctx, pipe); err != nil {
			return err
		}
		keys, next, err := cmd.Result()
		if err != nil {
			return s.wrap(err)
		}
		for _, k := range keys {
			if !strings.HasPrefix(k, "$") {
				keep(k)
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
