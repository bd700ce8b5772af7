package store

import (
	"cmp"
	"context"
	"strconv"
)

// $queries keeps about maxQueries entries, and fewer where they are long: as many as make queryBytes
// if all are like the latest. However long and short ones follow each other, that comes to
// some times queryBytes at most.
const (
	maxQueries = 10_000
	queryBytes = 1 << 20
)

// Record adds an entry to $queries and publishes it. Either may be refused, by a
// replica or an ACL; the error is the first refusal. The entry may be there twice, if
// the connection is cut meanwhile.
func (s *Server) Record(ctx context.Context, entry []byte) error {
	q := newRequest(2)
	most := min(maxQueries, max(1, queryBytes/(len(entry)+1)))
	q.add("XADD", keyQueries, "MAXLEN", "~", strconv.Itoa(most), "*", "entry", string(entry))
	q.add("PUBLISH", channel, string(entry))
	return s.do(ctx, q, func(r replies) error {
		_, added := r.text()
		_, _, published := r.head()
		return cmp.Or(added, published)
	})
}

// Queries returns the newest n entries of $queries, newest first.
func (s *Server) Queries(ctx context.Context, n int) ([]string, error) {
	pipe := s.db.Pipeline()
	cmd := pipe.XRevRangeN(ctx, keyQueries, "+", "-", int64(n))
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	if err := firstError(cmd); err != nil {
		return nil, s.wrap(err)
	}
	var out []string
	for _, m := range cmd.Val() {
		if entry, ok := m.Values["entry"].(string); ok {
			out = append(out, entry)
		}
	}
	return out, nil
}

// A Node is one process of a server: its only one or, of a Cluster, a master.
type Node struct {
	Address string // host:port of a Cluster's master; else empty
	Info    string // its INFO
}

// Nodes asks every process of the server for Redis' INFO.
func (s *Server) Nodes(ctx context.Context) ([]Node, error) {
	if s.address.cluster() {
		return s.masters(ctx)
	}
	pipe := s.db.Pipeline()
	cmd := pipe.Info(ctx)
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	return []Node{{Info: cmd.Val()}}, s.wrap(cmd.Err())
}
