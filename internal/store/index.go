package store

import (
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
	Pushed  []Push        // empty where Crowded
	Expires []Expiry
	Lasting []string  // hosts whose snapshot expires later than Until; they are not in Expires
	Until   time.Time // by the server's clock; zero: no host is in Lasting
	Names   []string  // some of them, where MoreNames
	Roster  int       // how many hosts gc has verified; 0: it has not, or the server lost what it found
	Indexed bool      // $names exists: the server is ours, not one that only the original filled

	// What hosts share has no bounds, and every host can spoil it.
	Listed      int      // members of $hosts
	NamesListed int      // members of $names
	Crowded     bool     // $hosts has more members than the roster allows, or cannot be read
	MoreNames   bool     // $names has more members than are read, or cannot be read
	Damaged     []string // keys that are of another type

	namesAt string // where the rest of the names is; "0": there are no others
}

// Allowed is how many hosts may be listed where gc has verified so many: as many again, and
// a thousand, are newcomers. More are a flood.
func Allowed(roster int) int { return 2*roster + 1000 }

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

// Index reads TIME, the size of $roster, $hosts, $live and $names in one request, as long
// as nobody has flooded them and there are no more than ten thousand names.
//
// Of a host whose snapshot lasts longer than ahead it tells only that. A server
// spends more time on writing out a time than a name, so that saves a quarter of
// its work.
func (s *Server) Index(ctx context.Context, ahead time.Duration) (*Index, error) {
	x, err := s.index(ctx, ahead, time.Now(), usualHosts)
	if err == nil && ahead > 0 && x.Until.Before(x.Now.Add(ahead/2)) {
		return s.index(ctx, ahead, x.Now, usualHosts) // its clock is not ours
	}
	return x, err
}

// usualHosts is more than a server has. It is asked for no more, before it is known whether
// gc vouches for more.
const usualHosts = 250_000

// index reads up to most hosts, and all that there are where nothing says how many there
// should be. What does not fit into a reply is left to the roster, if there is one.
func (s *Server) index(ctx context.Context, ahead time.Duration, now time.Time, most int) (*Index, error) {
	x := &Index{}
	began := time.Now()
	err := s.do(ctx, x.ask(ahead, now, most), func(r replies) error { return x.read(r, ahead, began) })
	switch {
	case errors.Is(err, ErrReplyTooLarge):
		return s.counts(ctx, err)
	case err != nil:
		return nil, err
	case x.Listed > most && !x.Crowded:
		return s.index(ctx, ahead, now, x.Listed+Allowed(0))
	}
	if err := s.readNames(ctx, x); errors.Is(err, ErrReplyTooLarge) {
		x.MoreNames = true
	} else if err != nil {
		return nil, err
	}
	return x, nil
}

// counts is index without anything that has no bounds, where that was too much for a reply.
func (s *Server) counts(ctx context.Context, tooLarge error) (*Index, error) {
	x := &Index{}
	q := &request{}
	q.add("TIME")
	q.add("SCARD", keyRoster)
	q.add("ZCARD", keyHosts)
	began := time.Now()
	err := s.do(ctx, q, func(r replies) error { return x.readCounts(r, began) })
	if err == nil && x.Roster == 0 {
		err = tooLarge
	}
	x.Crowded, x.MoreNames, x.Indexed = true, true, true
	return x, err
}

// ask makes the request of which read reads the replies.
func (x *Index) ask(ahead time.Duration, now time.Time, most int) *request {
	last := strconv.Itoa(most - 1)
	q := &request{}
	q.add("TIME")
	q.add("SCARD", keyRoster)
	q.add("ZCARD", keyHosts)
	q.add("ZRANGE", keyHosts, "0", last, "WITHSCORES")
	switch {
	case ahead == AllExpiries:
		q.add("ZRANGE", keyLive, "0", last, "WITHSCORES")
	case ahead > 0:
		x.Until = now.Add(ahead).Truncate(time.Second)
		until := strconv.FormatInt(x.Until.Unix(), 10)
		q.add("ZRANGEBYSCORE", keyLive, "-inf", until, "WITHSCORES", "LIMIT", "0", strconv.Itoa(most))
		q.add("ZRANGEBYSCORE", keyLive, "("+until, "+inf", "LIMIT", "0", strconv.Itoa(most))
	}
	q.add("SCARD", keyNames)
	addScan(q, keyNames, "0", firstNames)
	return q
}

func (x *Index) read(r replies, ahead time.Duration, began time.Time) (err error) {
	if err := x.readCounts(r, began); err != nil {
		return err
	}
	if x.Crowded {
		err = x.spoiled(keyHosts, r.skip())
	} else if x.Pushed, err = scored(r, readPush); err != nil {
		x.Crowded = true
		err = x.spoiled(keyHosts, err)
	}
	if err != nil {
		return err
	}
	if ahead != NoExpiries {
		if x.Expires, err = scored(r, readExpiry); x.spoiled(keyLive, err) != nil {
			return err
		}
	}
	if ahead > 0 {
		if x.Lasting, err = r.list(nil, new(textBlock)); x.spoiled(keyLive, err) != nil {
			return err
		}
	}
	listed, err := r.integer()
	if x.spoiled(keyNames, err) != nil {
		return err
	}
	x.NamesListed = listed
	cursor, names, err := r.scanned(nil, new(textBlock))
	x.Names, x.Indexed, x.namesAt = names, listed > 0 || err != nil, cursor
	x.MoreNames = cursor != "0" && (listed > maxNames || err != nil)
	return x.spoiled(keyNames, err)
}

// readNames reads those names that the first request did not bring, where all are to be read.
func (s *Server) readNames(ctx context.Context, x *Index) error {
	for x.namesAt != "0" && !x.MoreNames {
		q := &request{}
		addScan(q, keyNames, x.namesAt, moreNames)
		err := s.do(ctx, q, func(r replies) (err error) {
			x.namesAt, x.Names, err = r.scanned(x.Names, new(textBlock))
			return err
		})
		if err := x.spoiled(keyNames, err); err != nil {
			return err
		}
		x.MoreNames = err != nil || len(x.Names) > 2*maxNames // who adds names meanwhile holds nobody up
	}
	return nil
}

// readCounts reads the replies that have bounds.
func (x *Index) readCounts(r replies, began time.Time) (err error) {
	if x.Now, err = r.clock(); err != nil {
		return err
	}
	x.Offset = offset(x.Now, began, time.Now())
	if x.Roster, err = r.integer(); kindOf(err) != ErrPermission && x.spoiled(keyRoster, err) != nil {
		return err
	}
	if x.Listed, err = r.integer(); err != nil {
		return x.spoiled(keyHosts, err)
	}
	x.Crowded = x.Roster > 0 && x.Listed > Allowed(x.Roster)
	return nil
}

// spoiled notes that a shared key is of another type, if that is what err says. Any other
// error it returns.
func (x *Index) spoiled(key string, err error) error {
	if err == nil || kindOf(err) != ErrWrongType {
		return err
	}
	if !slices.Contains(x.Damaged, key) {
		x.Damaged = append(x.Damaged, key)
	}
	return nil
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

// maxNames is more names than a server of an honest fleet has. Nothing bounds how many a
// hostile host adds; how long they are is bounded by what a reply may be.
const maxNames = 100_000

// How many names the first request reads, and each of those for the rest, of which there are two
// at most. Redis does nothing else meanwhile: 100,000 names take it 80 ms, which every question
// would cost while $names is flooded.
const (
	firstNames = 10_000
	moreNames  = (maxNames - firstNames) / 2
)

func addScan(q *request, key, cursor string, some int) {
	q.add("SSCAN", key, cursor, "COUNT", strconv.Itoa(some))
}

// scanned reads one round of a scan, appending to list. The scan ends with cursor "0".
func (r replies) scanned(list []string, space *textBlock) (cursor string, _ []string, _ error) {
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
	list, err = r.list(list, space)
	return cursor, list, err
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

// spoiledError is firstError, but for keys that are of another type: they say nothing.
func spoiledError(cmds ...redis.Cmder) error {
	return firstError(slices.DeleteFunc(cmds, func(c redis.Cmder) bool { return c.Err() != nil && kindOf(c.Err()) == ErrWrongType })...)
}

// A List is what a server lists of one name, or of one host.
type List struct {
	Members []string
	Cut     bool // it has more members than were to be read, or cannot be read
	Damaged bool // it is of another type
}

// Holders returns, for each name, the hosts that hold an object of that name, as any host
// may have it listed, if those are no more than most.
func (s *Server) Holders(ctx context.Context, names []string, most int) ([]List, error) {
	return s.lists(ctx, names, 64, "names", func(q *request, name string) { addScan(q, keyOn(name), "0", most+1) },
		func(r replies, space *textBlock) (List, error) { return r.holders(most, space) })
}

// holders reads the reply about one name.
func (r replies) holders(most int, space *textBlock) (List, error) {
	cursor, hosts, err := r.scanned(nil, space)
	switch {
	case kindOf(err) == ErrWrongType:
		return List{Cut: true, Damaged: true}, nil
	case err == nil && (cursor != "0" || len(hosts) > most):
		return List{Cut: true}, nil
	}
	return List{Members: hosts}, err
}

// NamesOf returns, for each host, the names of its objects.
func (s *Server) NamesOf(ctx context.Context, hosts []string) ([]List, error) {
	lists, err := s.fieldsOf(ctx, "HKEYS", hosts, 1024)
	for i, l := range lists {
		lists[i].Members = slices.DeleteFunc(l.Members, func(f string) bool { return strings.HasPrefix(f, "$") })
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
	for i, l := range lists {
		for _, name := range l.Members[:min(fewObjects, len(l.Members))] {
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

// fieldsOf reads what a command says of each host's records.
func (s *Server) fieldsOf(ctx context.Context, command string, hosts []string, atOnce int) ([]List, error) {
	return s.lists(ctx, hosts, atOnce, "hosts", func(q *request, host string) { q.add(command, keyOf(host)) },
		func(r replies, space *textBlock) (List, error) {
			fields, err := r.list(nil, space)
			if kindOf(err) == ErrWrongType {
				return List{Cut: true, Damaged: true}, nil
			}
			return List{Members: fields}, err
		})
}

// lists asks for one list each, atOnce in a request, and fewer where that makes too
// large a reply. One that is too large for a reply of its own is cut.
func (s *Server) lists(ctx context.Context, of []string, atOnce int, what string, add func(q *request, of string), read func(replies, *textBlock) (List, error)) ([]List, error) {
	lists := make([]List, 0, len(of))
	for len(of) > 0 {
		part := of[:min(atOnce, len(of))]
		q := newRequest(len(part))
		for _, o := range part {
			add(q, o)
		}
		done := len(lists)
		err := s.do(ctx, q, func(r replies) error {
			var space textBlock
			for range part {
				list, err := read(r, &space)
				if err != nil {
					return err
				}
				lists = append(lists, list)
			}
			return nil
		})
		switch {
		case errors.Is(err, ErrReplyTooLarge) && len(part) > 1:
			lists, atOnce = lists[:done], len(part)/2
			continue
		case errors.Is(err, ErrReplyTooLarge):
			lists = append(lists[:done], List{Cut: true})
		case err != nil:
			return nil, about(err, "cannot read the index of %s such as %.200q", what, part[min(len(lists)-done, len(part)-1)])
		}
		of = of[len(part):]
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
