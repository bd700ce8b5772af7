package store

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// maxQueries is about how many entries $queries keeps.
const maxQueries = 10_000

// Record adds an entry to $queries and publishes it. Either may be refused, by a
// replica or an ACL; the error is the first refusal.
func (s *Server) Record(ctx context.Context, entry []byte) error {
	pipe := s.db.Pipeline()
	add := pipe.XAdd(ctx, &redis.XAddArgs{Stream: keyQueries, MaxLen: maxQueries, Approx: true, Values: []any{"entry", entry}})
	publish := pipe.Publish(ctx, channel, entry)
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(firstError(add, publish))
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

// Info returns the text of Redis' INFO.
func (s *Server) Info(ctx context.Context) (string, error) {
	pipe := s.db.Pipeline()
	cmd := pipe.Info(ctx)
	if err := s.exec(ctx, pipe); err != nil {
		return "", err
	}
	return cmd.Val(), s.wrap(cmd.Err())
}
