package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
)

// A HostWeight is what one host takes of a server.
type HostWeight struct {
	Host    string
	Fields  int   // of its records: objects, and some reserved ones
	Records int64 // bytes of its records
	Objects int64 // bytes of its objects, of which some were weighed for all
}

// weighedAtOnce is how many keys one request weighs.
const weighedAtOnce = 1000

// HostWeights weighs hosts by their records and objects. Of the objects it weighs most, as
// evenly as hosts allow, and of each host four at least.
func (s *Server) HostWeights(ctx context.Context, hosts []string, most int) ([]HostWeight, error) {
	out := make([]HostWeight, 0, len(hosts))
	each := max(4, most/max(1, len(hosts)))
	for part := range slices.Chunk(hosts, weighedAtOnce) {
		weights, names, err := s.recordWeights(ctx, part, each)
		if err != nil {
			return nil, err
		}
		var objects []Ref
		for i, list := range names {
			for _, n := range list {
				objects = append(objects, Ref{part[i], n})
			}
		}
		bytes, err := s.objectWeights(ctx, objects)
		if err != nil {
			return nil, err
		}
		for i, list := range names {
			sum := int64(0)
			for _, n := range bytes[:len(list)] {
				sum += n
			}
			bytes = bytes[len(list):]
			if weights[i].Objects = sum; len(list) == each { // they stand for more
				weights[i].Objects = int64(float64(sum) / float64(each) * float64(weights[i].Fields))
			}
		}
		out = append(out, weights...)
	}
	return out, nil
}

// recordWeights weighs the records of hosts, and returns some names of objects of each.
func (s *Server) recordWeights(ctx context.Context, hosts []string, some int) ([]HostWeight, [][]string, error) {
	weights, names := make([]HostWeight, len(hosts)), make([][]string, len(hosts))
	q := newRequest(3 * len(hosts))
	for _, h := range hosts {
		q.add("HLEN", keyOf(h))
		q.add("MEMORY", "USAGE", keyOf(h))
		q.add("HSCAN", keyOf(h), "0", "COUNT", strconv.Itoa(some))
	}
	err := s.do(ctx, q, func(r replies) (err error) {
		var space textBlock
		for i, h := range hosts {
			w := &weights[i]
			w.Host = h
			if w.Fields, err = r.integer(); err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			if w.Records, err = r.weight(); err != nil {
				return err
			}
			_, pairs, err := r.scanned(nil, &space)
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			for _, n := range firstOfPairs(pairs) {
				if len(names[i]) < some && n != "" && n[0] != '$' {
					names[i] = append(names[i], n)
				}
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrReplyTooLarge) && len(hosts) > 1:
		half := len(hosts) / 2
		weights, names, err = s.recordWeights(ctx, hosts[:half], some)
		if err != nil {
			return nil, nil, err
		}
		others, also, err := s.recordWeights(ctx, hosts[half:], some)
		return append(weights, others...), append(names, also...), err
	case errors.Is(err, ErrReplyTooLarge): // the records of one host are heavier than any reply
		return []HostWeight{{Host: hosts[0], Fields: weights[0].Fields, Records: weights[0].Records}}, make([][]string, 1), nil
	}
	return weights, names, about(err, "cannot weigh hosts")
}

// objectWeights weighs objects. One that is not there weighs nothing.
func (s *Server) objectWeights(ctx context.Context, objects []Ref) ([]int64, error) {
	out := make([]int64, 0, len(objects))
	for part := range slices.Chunk(objects, 5*weighedAtOnce) {
		q := newRequest(len(part))
		for _, o := range part {
			q.add("MEMORY", "USAGE", keyObject(o.Host, o.Name))
		}
		err := s.do(ctx, q, func(r replies) error {
			for range part {
				n, err := r.weight()
				if err != nil {
					return err
				}
				out = append(out, n)
			}
			return nil
		})
		if err != nil {
			return nil, about(err, "cannot weigh objects")
		}
	}
	return out, nil
}

// weight reads a number of bytes, 0 for nil.
func (r replies) weight() (int64, error) {
	kind, digits, err := r.head()
	switch {
	case err != nil:
		return 0, err
	case kind == '$' && string(digits) == "-1":
		return 0, nil
	case kind != ':':
		return 0, unexpected(append([]byte{kind}, digits...))
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	return max(n, 0), err
}
