package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	Lasting []string  // hosts whose snapshot expires later than Until; they are not in Expires
	Until   time.Time // by the server's clock; zero: no host is in Lasting
	Names   []string
	Roster  int  // how many hosts gc has verified; 0: it has not, or the server lost what it found
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
	n := len(x.Lasting)
	for _, e := range x.Expires {
		if e.At.After(x.Now) {
			n++
		}
	}
	return n
}

// How far ahead Index reads when snapshots expire, beside any time in the future:
// all of it, or nothing.
const (
	AllExpiries time.Duration = 0
	NoExpiries  time.Duration = -1
)

// Index reads TIME, the size of $roster, $hosts, $live and $names in one request.
//
// Of a host whose snapshot lasts longer than ahead it tells only that. A server
// spends more time on writing out a time than a name, so that saves a quarter of
// its work.
func (s *Server) Index(ctx context.Context, ahead time.Duration) (*Index, error) {
	x, err := s.index(ctx, ahead, time.Now())
	if err == nil && ahead > 0 && x.Until.Before(x.Now.Add(ahead/2)) {
		return s.index(ctx, ahead, x.Now) // its clock is not ours
	}
	return x, err
}

func (s *Server) index(ctx context.Context, ahead time.Duration, now time.Time) (*Index, error) {
	x := &Index{}
	q := &request{}
	q.add("TIME")
	q.add("SCARD", keyRoster)
	q.add("ZRANGE", keyHosts, "0", "-1", "WITHSCORES")
	switch {
	case ahead == AllExpiries:
		q.add("ZRANGE", keyLive, "0", "-1", "WITHSCORES")
	case ahead > 0:
		x.Until = now.Add(ahead).Truncate(time.Second)
		until := strconv.FormatInt(x.Until.Unix(), 10)
		q.add("ZRANGEBYSCORE", keyLive, "-inf", until, "WITHSCORES")
		q.add("ZRANGEBYSCORE", keyLive, "("+until, "+inf")
	}
	addScan(q, keyNames, "0")
	cursor := ""
	began := time.Now()
	err := s.do(ctx, q, func(r replies) error {
		var err error
		if x.Now, err = r.clock(); err != nil {
			return err
		}
		x.Offset = offset(x.Now, began, time.Now())
		if x.Roster, err = r.integer(); err != nil && kindOf(err) != ErrWrongType && kindOf(err) != ErrPermission {
			return err
		}
		if x.Pushed, err = scored(r, readPush); err != nil {
			return err
		}
		if ahead != NoExpiries {
			if x.Expires, err = scored(r, readExpiry); err != nil {
				return err
			}
		}
		if ahead > 0 {
			if x.Lasting, err = r.list(nil, new(textBlock)); err != nil {
				return err
			}
		}
		cursor, x.Names, err = r.scanned(nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	if x.Names, err = s.moreNames(ctx, cursor, x.Names); err != nil {
		return nil, err
	}
	x.Indexed = len(x.Names) > 0
	return x, nil
}

// clock reads the reply to TIME.
func (r replies) clock() (time.Time, error) {
	var space textBlock
	parts, err := r.list(nil, &space)
	if err != nil {
		return time.Time{}, err
	}
	if len(parts) != 2 {
		return time.Time{}, fmt.Errorf("cannot read the time %.60q", parts)
	}
	seconds, err1 := strconv.ParseInt(parts[0], 10, 64)
	micros, err2 := strconv.ParseInt(parts[1], 10, 64)
	return time.Unix(seconds, micros*1000), errors.Join(err1, err2)
}

// scored reads an array of members, each with its score, and makes something of each.
func scored[T any](r replies, of func(member string, score []byte) (T, error)) ([]T, error) {
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	var space textBlock
	list := make([]T, 0, min(n/2, trusted))
	for range n / 2 {
		b, err := r.text()
		if err != nil {
			return nil, err
		}
		member := space.keep(b)
		if b, err = r.text(); err != nil {
			return nil, err
		}
		v, err := of(member, b)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func readPush(host string, score []byte) (Push, error) {
	at, err := parsePush(score)
	return Push{host, at}, err
}

func readExpiry(host string, score []byte) (Expiry, error) {
	at, err := parseScore(score)
	return Expiry{host, fromUnix(at)}, err
}

// Names are read in rounds, because nothing bounds how many a hostile host has
// added, nor, but for 512 MB, how long they are.
const (
	namesAtOnce = 10_000
	maxNames    = 1_000_000
	maxRounds   = 10_000 // many of them without a name: what was a large set is small now
)

func addScan(q *request, key, cursor string) {
	q.add("SSCAN", key, cursor, "COUNT", strconv.Itoa(namesAtOnce))
}

// scanned reads one round of a scan, appending to list. The scan ends with cursor "0".
func (r replies) scanned(list []string) (cursor string, _ []string, _ error) {
	n, err := r.array()
	if err != nil {
		return "", nil, err
	}
	if n != 2 {
		return "", nil, fmt.Errorf("cannot read a scan's reply of %d parts", n)
	}
	b, err := r.text()
	if err != nil {
		return "", nil, err
	}
	cursor = string(b)
	var space textBlock
	list, err = r.list(list, &space)
	return cursor, list, err
}

// moreNames goes on with the scan of $names from cursor, which "0" ends and "" begins. Some
// names may come twice.
func (s *Server) moreNames(ctx context.Context, cursor string, all []string) ([]string, error) {
	for round := 0; cursor != "0"; round++ {
		q := &request{}
		addScan(q, keyNames, cmp.Or(cursor, "0"))
		err := s.do(ctx, q, func(r replies) (err error) {
			cursor, all, err = r.scanned(all)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(all) > maxNames || round > maxRounds {
			return nil, s.wrap(fmt.Errorf("%w: over %d names", ErrReplyTooLarge, maxNames))
		}
	}
	return all, nil
}

// offset assumes that the server read its clock half way.
func offset(server, began, ended time.Time) time.Duration {
	return server.Sub(began.Add(ended.Sub(began) / 2))
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
	return s.lists(ctx, "SMEMBERS", keyOn, names, 64)
}

// NamesOf returns, for each host, the names of its objects.
func (s *Server) NamesOf(ctx context.Context, hosts []string) ([][]string, error) {
	lists, err := s.lists(ctx, "HKEYS", keyOf, hosts, 1024)
	for i, fields := range lists {
		lists[i] = slices.DeleteFunc(fields, func(f string) bool { return strings.HasPrefix(f, "$") })
	}
	return lists, err
}

// fewObjects is how many objects of a host HaveObjects looks for.
const fewObjects = 8

// HaveObjects tells of each host whether objects are there that it has recorded. It looks
// for a few of each: a push renews all of them, so that they expire together.
func (s *Server) HaveObjects(ctx context.Context, hosts []string) ([]bool, error) {
	lists, err := s.NamesOf(ctx, hosts)
	if err != nil {
		return nil, err
	}
	var keys []string
	var of []int // of which host each key is
	for i, names := range lists {
		for _, name := range names[:min(fewObjects, len(names))] {
			keys, of = append(keys, keyObject(hosts[i], name)), append(of, i)
		}
	}
	have := make([]bool, len(hosts))
	for len(keys) > 0 {
		n := min(truthsAtOnce, len(keys))
		there, err := s.existing(ctx, keys[:n])
		if err != nil {
			return nil, about(err, "cannot look for objects")
		}
		for i, is := range there {
			have[of[i]] = have[of[i]] || is
		}
		keys, of = keys[n:], of[n:]
	}
	return have, nil
}

// lists asks for one list each, atOnce in a request, and fewer where that makes too
// large a reply.
func (s *Server) lists(ctx context.Context, command string, key func(string) string, of []string, atOnce int) ([][]string, error) {
	lists := make([][]string, 0, len(of))
	for len(of) > 0 {
		part := of[:min(atOnce, len(of))]
		got, err := s.listsOf(ctx, command, key, part)
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

func (s *Server) listsOf(ctx context.Context, command string, key func(string) string, of []string) ([][]string, error) {
	q := newRequest(len(of))
	for _, o := range of {
		q.add(command, key(o))
	}
	lists := make([][]string, 0, len(of))
	err := s.do(ctx, q, func(r replies) error {
		var space textBlock
		for range of {
			list, err := r.list(nil, &space)
			if err != nil {
				return err
			}
			lists = append(lists, list)
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read the index of %.200q", of[min(len(lists), len(of)-1)])
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
