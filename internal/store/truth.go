package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"
)

// A Truth is what one server has of what a host says of itself. Only the host writes it, where
// an ACL confines hosts; all that $hosts, $live and $on say of it is a hint.
type Truth struct {
	Known   bool      // the server has the host at all
	Push    *PushTime // its last whole push; nil: it does not say, as no agent before record version 03 did
	Expires time.Time // of its snapshot; zero: it does not say
	Left    *PushTime // when it left; nil: it has not
	Live    time.Time // what $live says, for a host that does not say itself; zero: nothing

	Holds []bool // for each name that was asked about: whether it has an object of that name
}

// truthsAtOnce is how many hosts one request asks about.
const truthsAtOnce = 25_000

// Truths reads of each host what it says of itself, and whether it has objects of these
// names. What nobody can have written who writes what we write counts as not said.
func (s *Server) Truths(ctx context.Context, hosts, names []string) ([]Truth, error) {
	out := make([]Truth, 0, len(hosts))
	for atOnce := max(1, truthsAtOnce/(1+len(names))); len(hosts) > 0; {
		part := hosts[:min(atOnce, len(hosts))]
		list, err := s.truths(ctx, part, names)
		switch {
		case errors.Is(err, ErrReplyTooLarge) && len(part) > 1:
			atOnce = max(1, len(part)/16) // a host has written fields that are not ours
			continue
		case errors.Is(err, ErrReplyTooLarge):
			list = []Truth{{Known: true, Holds: make([]bool, len(names))}}
		case err != nil:
			return nil, err
		}
		out, hosts = append(out, list...), hosts[len(part):]
	}
	return out, nil
}

func (s *Server) truths(ctx context.Context, hosts, names []string) ([]Truth, error) {
	q := newRequest(3 * len(hosts))
	for _, h := range hosts {
		q.begin(6 + len(names))
		q.arg("HMGET")
		q.arg(keyOf(h))
		q.arg(fieldPush)
		q.arg(fieldExpires)
		q.arg(fieldLeft)
		q.arg(fieldSerial)
		for _, n := range names {
			q.arg(n)
		}
		q.add("HLEN", keyOf(h))
		q.add("ZSCORE", keyLive, h)
	}
	list := make([]Truth, len(hosts))
	err := s.do(ctx, q, func(r replies) error {
		for i := range list {
			if err := list[i].read(r, len(names)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read what hosts say of themselves")
	}
	return list, nil
}

// read reads the three replies about one host. A key of the wrong type says nothing.
func (t *Truth) read(r replies, names int) error {
	t.Holds = make([]bool, names)
	n, err := r.array()
	if err != nil && kindOf(err) != ErrWrongType {
		return err
	}
	if err == nil {
		if n != truthFields+names {
			return errors.New("cannot read a host's fields")
		}
		var own [truthFields]string
		for i := range n {
			b, err := r.text()
			if err != nil {
				return err
			}
			if i < truthFields {
				own[i] = string(b)
			} else {
				t.Holds[i-truthFields] = b != nil
			}
		}
		t.say(own)
	}
	fields, err := r.integer()
	if err != nil && kindOf(err) != ErrWrongType {
		return err
	}
	t.Known = fields > 0
	b, err := r.text()
	if err != nil && kindOf(err) != ErrWrongType {
		return err
	}
	if score, err := parseScore(b); err == nil {
		t.Live = fromUnix(score)
	}
	return nil
}

// truthFields is how many of a host's own fields a Truth is made of.
const truthFields = 4

// say takes what the host says itself: $push, $expires, $left and $serial; empty: it does not say.
func (t *Truth) say(own [truthFields]string) {
	if score, err := parseScore([]byte(own[1])); err == nil {
		t.Expires = fromUnix(score)
	}
	t.Push, t.Left = saidTime(own[0], own[3]), saidTime(own[2], own[3])
}

// saidTime reads a score, and its serial, if that is of it; nil: it says nothing.
func saidTime(score, serial string) *PushTime {
	at, err := parsePush([]byte(score))
	if err != nil {
		return nil
	}
	if at.Serial = parseSerial(serial, score); at.At.IsZero() && at.Serial == 0 {
		return nil
	}
	return &at
}

// A Holding is who has objects of some names.
type Holding struct {
	Lists []List   // for each name: who is listed
	Holds [][]bool // for each host that was asked about, and each name: whether the host has recorded one
}

// Holding reads in one request who is listed for names, no more than most, and whether hosts
// have recorded objects of them. Lists that are too large for a reply are cut.
func (s *Server) Holding(ctx context.Context, names []string, most int, hosts []string) (*Holding, error) {
	h, err := s.holding(ctx, names, most, hosts, true)
	if errors.Is(err, ErrReplyTooLarge) {
		h, err = s.holding(ctx, names, most, hosts, false)
	}
	return h, about(err, "cannot read who has objects of these names")
}

func (s *Server) holding(ctx context.Context, names []string, most int, hosts []string, listed bool) (*Holding, error) {
	h := &Holding{Lists: slices.Repeat([]List{{Cut: true}}, len(names))}
	q := newRequest(len(names) * (1 + len(hosts)))
	if listed {
		for _, n := range names {
			addScan(q, keyOn(n), "0", most+1)
		}
	}
	for _, host := range hosts {
		for _, n := range names {
			q.add("HEXISTS", keyOf(host), n)
		}
		h.Holds = append(h.Holds, make([]bool, len(names)))
	}
	return h, s.do(ctx, q, func(r replies) (err error) {
		var space textBlock
		for i := range names {
			if !listed {
				break
			}
			if h.Lists[i], err = r.holders(most, &space); err != nil {
				return err
			}
		}
		for _, holds := range h.Holds {
			if err := r.yes(holds); err != nil {
				return err
			}
		}
		return nil
	})
}

// Recorded reports, for each object, whether its host has a record of it.
func (s *Server) Recorded(ctx context.Context, objects []Ref) ([]bool, error) {
	there, err := s.yes(ctx, len(objects), func(q *request, i int) { q.add("HEXISTS", keyOf(objects[i].Host), objects[i].Name) })
	if err != nil {
		return nil, about(err, "cannot read what hosts say of their objects")
	}
	return there, nil
}

// Roster reads which hosts gc has verified.
func (s *Server) Roster(ctx context.Context) ([]string, error) {
	return s.hosts(ctx, "SMEMBERS", keyRoster)
}

// LiveHosts reads which hosts have a snapshot, as any host may have listed it: what to go by
// where $hosts cannot be read, and gc has verified none.
func (s *Server) LiveHosts(ctx context.Context) ([]string, error) {
	return s.hosts(ctx, "ZRANGE", keyLive, "0", strconv.Itoa(usualHosts-1))
}

// hosts reads a list of hosts. A key of another type lists none.
func (s *Server) hosts(ctx context.Context, command ...string) (hosts []string, _ error) {
	q := &request{}
	q.add(command...)
	err := s.do(ctx, q, func(r replies) (err error) {
		if hosts, err = r.list(nil, new(textBlock)); kindOf(err) == ErrWrongType {
			err = nil
		}
		return err
	})
	return hosts, about(err, "cannot read which hosts there are")
}
