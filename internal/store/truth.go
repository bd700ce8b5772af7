package store

import (
	"context"
	"errors"
	"slices"
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
	for part := range slices.Chunk(hosts, max(1, truthsAtOnce/(1+len(names)))) {
		list, err := s.truths(ctx, part, names)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (s *Server) truths(ctx context.Context, hosts, names []string) ([]Truth, error) {
	q := newRequest(3 * len(hosts))
	for _, h := range hosts {
		q.begin(5 + len(names))
		q.arg("HMGET")
		q.arg(keyOf(h))
		q.arg(fieldPush)
		q.arg(fieldExpires)
		q.arg(fieldLeft)
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
	n, err := r.array()
	if err != nil && kindOf(err) != ErrWrongType {
		return err
	}
	if err == nil {
		if n != 3+names {
			return errors.New("cannot read a host's fields")
		}
		t.Holds = make([]bool, names)
		for i := range n {
			b, err := r.text()
			if err != nil {
				return err
			}
			t.field(i, b)
		}
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

// field takes one of the fields that truths asks for.
func (t *Truth) field(i int, b []byte) {
	switch {
	case b == nil:
	case i >= 3:
		t.Holds[i-3] = true
	case i == 1:
		if score, err := parseScore(b); err == nil {
			t.Expires = fromUnix(score)
		}
	default:
		at, err := parsePush(b)
		if err != nil || at.At.IsZero() {
			return
		}
		if i == 0 {
			t.Push = &at
		} else {
			t.Left = &at
		}
	}
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
	q := &request{}
	q.add("SMEMBERS", keyRoster)
	var roster []string
	err := s.do(ctx, q, func(r replies) (err error) {
		roster, err = r.list(nil, new(textBlock))
		return err
	})
	if err != nil {
		return nil, about(err, "cannot read the roster")
	}
	return roster, nil
}
