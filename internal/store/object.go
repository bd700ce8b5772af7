package store

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Ref names an object.
type Ref struct{ Host, Name string }

// An Entry is what a server holds of one object.
type Entry struct {
	Values  [][]byte // the elements that were asked for, in that order
	Missing bool     // the server has no such object, or the object lacks an element
	Err     error    // the server has something else in its place
}

// Elements reads the same elements of each object, in one request. The values of
// several objects may share memory.
func (s *Server) Elements(ctx context.Context, objects []Ref, elements []int) ([]Entry, error) {
	values := make([][]byte, len(objects)*len(elements))
	q := newRequest(len(values))
	for _, o := range objects {
		for _, e := range elements {
			q.begin(3)
			q.arg("LINDEX")
			q.arg(o.Host, keySeparator, o.Name)
			q.arg(strconv.Itoa(e))
		}
	}
	entries := make([]Entry, len(objects))
	err := s.do(ctx, q, func(r replies) error {
		space := newByteBlock(len(values))
		for i := range values {
			e := &entries[i/len(elements)]
			b, err := space.read(r)
			switch {
			case err == nil:
				values[i] = b
				e.Missing = e.Missing || b == nil
			case kindOf(err) == ErrWrongType:
				e.Err = s.wrap(err)
			default:
				// A refused user, a server that loads: no object is to blame.
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read objects")
	}
	for i := range entries {
		entries[i].Values = values[i*len(elements) : (i+1)*len(elements)]
	}
	return entries, nil
}

// Deleted reports, for each object, whether its host has deleted it: the index no
// longer lists the object, and still knows the host.
func (s *Server) Deleted(ctx context.Context, objects []Ref) ([]bool, error) {
	pipe := s.db.Pipeline()
	listed, known := make([]*redis.BoolCmd, len(objects)), make([]*redis.FloatCmd, len(objects))
	for i, o := range objects {
		listed[i] = pipe.SIsMember(ctx, keyOn(o.Name), o.Host)
		known[i] = pipe.ZScore(ctx, keyHosts, o.Host)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	deleted := make([]bool, len(objects))
	for i := range objects {
		if err := firstError(listed[i], known[i]); err != nil {
			return nil, s.wrap(err)
		}
		deleted[i] = !listed[i].Val() && known[i].Err() == nil
	}
	return deleted, nil
}
