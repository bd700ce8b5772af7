package store

import (
	"context"
	"strconv"
)

// Ref names an object.
type Ref struct{ Host, Name string }

// An Entry is what a server holds of one object.
type Entry struct {
	Values  [][]byte // the elements that were asked for, in that order
	Missing bool     // the server has no such object, or the object lacks an element
	Err     error    // the server has something else in its place

	// Push is the last whole push of the object's host at the server, as the host says
	// itself; nil: nobody has asked, or it does not say.
	Push *PushTime
}

// Elements reads the same elements of each object, in one request. The values of
// several objects may share memory. pushes: it also reads when the host of each pushed
// last.
func (s *Server) Elements(ctx context.Context, objects []Ref, elements []int, pushes bool) ([]Entry, error) {
	values := make([][]byte, len(objects)*len(elements))
	q := newRequest(len(values))
	for i, o := range objects {
		for _, e := range elements {
			q.begin(3)
			q.arg("LINDEX")
			q.arg(o.Host, keySeparator, o.Name)
			q.arg(strconv.Itoa(e))
		}
		if pushes && (i == 0 || objects[i-1].Host != o.Host) {
			q.add("HGET", keyOf(o.Host), fieldPush)
		}
	}
	entries := make([]Entry, len(objects))
	err := s.do(ctx, q, func(r replies) error {
		space := newByteBlock(len(values))
		for i := range entries {
			e := &entries[i]
			e.Values = values[i*len(elements) : (i+1)*len(elements)]
			for j := range e.Values {
				b, err := space.read(r)
				switch {
				case err == nil:
					e.Values[j] = b
					e.Missing = e.Missing || b == nil
				case kindOf(err) == ErrWrongType:
					e.Err = s.wrap(err)
				default:
					// A refused user, a server that loads: no object is to blame.
					return err
				}
			}
			switch {
			case !pushes:
			case i > 0 && objects[i-1].Host == objects[i].Host:
				e.Push = entries[i-1].Push
			default:
				b, err := r.text()
				if err != nil && kindOf(err) != ErrWrongType {
					return err
				}
				if at, err := parsePush(b); err == nil && b != nil {
					e.Push = &at
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read objects")
	}
	return entries, nil
}

// A Standing is what a host says of an object of its that is not there.
type Standing int

// What a host can say of an object.
const (
	HostUnknown    Standing = iota // nothing: the server does not have the host
	ObjectDenied                   // that it has no such object
	ObjectRecorded                 // that it has it
)

// Standings reads what hosts say of objects of theirs.
func (s *Server) Standings(ctx context.Context, objects []Ref) ([]Standing, error) {
	q := newRequest(2 * len(objects))
	for _, o := range objects {
		q.add("HEXISTS", keyOf(o.Host), o.Name)
		q.add("HLEN", keyOf(o.Host))
	}
	out := make([]Standing, len(objects))
	err := s.do(ctx, q, func(r replies) error {
		for i := range out {
			recorded, err := r.integer()
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			fields, err := r.integer()
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			switch {
			case recorded > 0:
				out[i] = ObjectRecorded
			case fields > 0:
				out[i] = ObjectDenied
			}
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read what hosts say of their objects")
	}
	return out, nil
}
