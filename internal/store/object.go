package store

import (
	"context"
	"fmt"

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

// Elements reads the same elements of each object, in one request.
func (s *Server) Elements(ctx context.Context, objects []Ref, elements []int) ([]Entry, error) {
	pipe := s.db.Pipeline()
	cmds := make([]*redis.StringCmd, 0, len(objects)*len(elements))
	for _, o := range objects {
		key := keyObject(o.Host, o.Name)
		for _, e := range elements {
			cmds = append(cmds, pipe.LIndex(ctx, key, int64(e)))
		}
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(objects))
	values := make([][]byte, len(cmds))
	for i, c := range cmds {
		e := &entries[i/len(elements)]
		b, err := c.Bytes()
		switch {
		case err == nil:
			values[i] = b
		case err == redis.Nil:
			e.Missing = true
		case kindOf(err) == ErrWrongType:
			e.Err = s.wrap(err)
		default:
			// A refused user, a server that loads: no object is to blame.
			return nil, fmt.Errorf("cannot read objects: %w", s.wrap(err))
		}
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
