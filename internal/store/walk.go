package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
)

// chunk is how many keys or members an administrative request touches, so that none of
// them holds up the server for others.
const chunk = 500

// namesAtOnce is how many members of a list an administrative request reads. Where most of them
// have just been removed, Redis looks at ten times as many places: 10,000 members take it 65 ms.
const namesAtOnce = 1000

func chunks[T any](list []T) iter.Seq[[]T] { return slices.Chunk(list, chunk) }

// walk reads a set, a sorted set or a hash, page by page, and hands each page to take:
// members, or members and scores in turn, as SSCAN, ZSCAN and HSCAN have them. SCAN, with
// an empty key, walks over all keys. Nothing is kept, so there may be any number of them;
// what is there throughout is in one page at least.
//
// A key that is not there has no pages. A page that is too large is asked for in smaller
// ones; a single member that is too large ends the walk with an *unreadableError.
func (s *Server) walk(ctx context.Context, command, key string, count int, take func(page []string) error) error {
	cursor, some := "0", count
	for {
		q := &request{}
		q.scan(command, key, cursor, some)
		next, page := "", []string(nil)
		err := s.do(ctx, q, func(r replies) (err error) {
			next, page, err = r.scanned(nil, new(textBlock))
			return err
		})
		switch {
		case errors.Is(err, ErrReplyTooLarge) && some > 1:
			some = max(1, some/16)
			continue
		case err != nil:
			return &unreadableError{key, err}
		}
		if len(page) > 0 {
			if err := take(page); err != nil {
				return err
			}
		}
		if next == "0" {
			return nil
		}
		cursor, some = next, count
	}
}

// An unreadableError says which key could not be read to its end.
type unreadableError struct {
	key string // empty: all keys
	err error
}

func (e *unreadableError) Error() string {
	if e.key == "" {
		return "cannot read all keys: " + e.err.Error()
	}
	return fmt.Sprintf("cannot read all of %.200q: %v", e.key, e.err)
}

func (e *unreadableError) Unwrap() error { return e.err }

// scan appends one round of a scan. key is empty for SCAN.
func (q *request) scan(command, key, cursor string, count int) {
	args := []string{command, key, cursor, "COUNT", strconv.Itoa(count)}
	if key == "" {
		args = slices.Delete(args, 1, 2)
	}
	q.add(args...)
}

// yes asks one question of each of n things, which add appends, and returns to which the
// answer was 1. A key of another type answers no.
func (s *Server) yes(ctx context.Context, n int, add func(q *request, i int)) ([]bool, error) {
	if n == 0 {
		return nil, nil
	}
	q := newRequest(n)
	for i := range n {
		add(q, i)
	}
	answers := make([]bool, n)
	err := s.do(ctx, q, func(r replies) error { return r.yes(answers) })
	if err != nil {
		return nil, err
	}
	return answers, nil
}

// yes reads answers that are 1 or 0. A key of another type answers no.
func (r replies) yes(answers []bool) error {
	for i := range answers {
		v, err := r.integer()
		if err != nil && kindOf(err) != ErrWrongType {
			return err
		}
		answers[i] = v > 0
	}
	return nil
}

// existing tells which of these keys there are.
func (s *Server) existing(ctx context.Context, keys []string) ([]bool, error) {
	return s.yes(ctx, len(keys), func(q *request, i int) { q.add("EXISTS", keys[i]) })
}

// fields reads the same fields of each of these hashes, nil for one that is not there. A
// key that is no hash, or whose fields are too large to be ours, has none and is in wrong.
func (s *Server) fields(ctx context.Context, keys []string, names ...string) (values [][]*string, wrong []string, err error) {
	q := newRequest(len(keys))
	for _, key := range keys {
		q.add(append([]string{"HMGET", key}, names...)...)
	}
	values = make([][]*string, len(keys))
	err = s.do(ctx, q, func(r replies) error {
		var space textBlock
		for i, key := range keys {
			list, err := r.optional(&space)
			switch {
			case err == nil && len(list) == len(names):
				values[i] = list
			case err == nil:
				return fmt.Errorf("cannot read a reply of %d fields for %d", len(list), len(names))
			case kindOf(err) == ErrWrongType:
				values[i], wrong = make([]*string, len(names)), append(wrong, key)
			default:
				return err
			}
		}
		return nil
	})
	switch {
	case err == nil:
		return values, wrong, nil
	case !errors.Is(err, ErrReplyTooLarge):
		return nil, nil, err
	case len(keys) == 1:
		return [][]*string{make([]*string, len(names))}, keys, nil
	}
	half := len(keys) / 2
	values, wrong, err = s.fields(ctx, keys[:half], names...)
	if err != nil {
		return nil, nil, err
	}
	others, alsoWrong, err := s.fields(ctx, keys[half:], names...)
	return append(values, others...), append(wrong, alsoWrong...), err
}

// optional reads an array of strings, each of which may be nil.
func (r replies) optional(space *textBlock) ([]*string, error) {
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	list := make([]*string, 0, min(n, trusted))
	for range n {
		b, err := r.text()
		if err != nil {
			return nil, err
		}
		if b == nil {
			list = append(list, nil)
			continue
		}
		text := space.keep(b)
		list = append(list, &text)
	}
	return list, nil
}
