package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// queriesAhead is how far the record of queries may be ahead of the server's clock, by
// which Redis numbers its entries.
const queriesAhead = 24 * time.Hour

// queries cuts the record of queries to its length, and takes out entries with IDs of a
// time to come: after one with the last ID that there is, Redis takes no more.
func (g *pruning) queries(ctx context.Context) error {
	return g.faults.pass(g.tidyQueries(ctx))
}

func (g *pruning) tidyQueries(ctx context.Context) error {
	if err := cmp.Or(g.trimQueries(ctx), g.boundQueries(ctx)); err != nil {
		return err
	}
	pipe := g.db.Pipeline()
	state := pipe.Do(ctx, "XINFO", "STREAM", keyQueries)
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	if err := state.Err(); err != nil {
		if strings.Contains(err.Error(), "no such key") { // nobody has asked yet
			return nil
		}
		return g.wrap(err)
	}
	if !g.farAhead(lastID(state)) {
		return nil
	}
	if err := g.dropQueriesAfter(ctx, g.clock().Add(queriesAhead)); err != nil {
		return err
	}
	g.done.Repaired++
	return g.lowerLastID(ctx)
}

// mostQueryBytes is what $queries may take of a server's memory: some times queryBytes, which
// readers that hold to it come to at worst.
const mostQueryBytes = 8 * queryBytes

// boundQueries halves the record until it takes no more than it may: not all who may add to it
// need hold to what Record does. Where the server does not tell, nothing is done.
func (g *pruning) boundQueries(ctx context.Context) error {
	for {
		pipe := g.db.Pipeline()
		bytes, length := pipe.MemoryUsage(ctx, keyQueries, 0), pipe.XLen(ctx, keyQueries)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if bytes.Err() != nil || length.Err() != nil || bytes.Val() <= mostQueryBytes || length.Val() == 0 {
			return nil
		}
		pipe = g.db.Pipeline()
		trim := pipe.XTrimMaxLen(ctx, keyQueries, length.Val()/2)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := trim.Err(); err != nil {
			return g.wrap(err)
		}
		g.done.Repaired++
	}
}

// trimQueries cuts the record to its length, some ten thousand entries at a time, as Redis
// does unless told otherwise.
func (g *pruning) trimQueries(ctx context.Context) error {
	for {
		pipe := g.db.Pipeline()
		trim := pipe.XTrimMaxLenApprox(ctx, keyQueries, maxQueries, 0)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := trim.Err(); err != nil || trim.Val() == 0 {
			return g.wrap(err)
		}
	}
}

// lastID finds the last ID in the reply to XINFO STREAM.
func lastID(state *redis.Cmd) string {
	list, err := state.Slice()
	for i := 0; err == nil && i+1 < len(list); i += 2 {
		if list[i] == "last-generated-id" {
			id, _ := list[i+1].(string)
			return id
		}
	}
	return ""
}

// farAhead reports whether an ID of a stream is of the future.
func (g *pruning) farAhead(id string) bool {
	ms, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(ms, 10, 64)
	return err == nil && n > uint64(g.clock().Add(queriesAhead).UnixMilli())
}

// dropQueriesAfter removes the entries of the future.
func (g *pruning) dropQueriesAfter(ctx context.Context, at time.Time) error {
	from := strconv.FormatInt(at.UnixMilli(), 10)
	for {
		q := &request{}
		q.add("XRANGE", keyQueries, from, "+", "COUNT", strconv.Itoa(queriesAtOnce))
		var ids []string
		err := g.do(ctx, q, func(r replies) (err error) {
			ids, err = r.entryIDs()
			return err
		})
		if errors.Is(err, ErrReplyTooLarge) {
			return g.unlink(ctx, keyQueries) // what is in there is not ours
		}
		if err != nil || len(ids) == 0 {
			return err
		}
		pipe := g.db.Pipeline()
		del := pipe.XDel(ctx, keyQueries, ids...)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := del.Err(); err != nil {
			return g.wrap(err)
		}
	}
}

const queriesAtOnce = 100

// entryIDs reads the IDs of a reply to XRANGE.
func (r replies) entryIDs() ([]string, error) {
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, min(n, queriesAtOnce))
	for range n {
		if parts, err := r.array(); err != nil || parts != 2 {
			return nil, errors.Join(err, fmt.Errorf("cannot read an entry of %d parts", parts))
		}
		id, err := r.text()
		if err != nil {
			return nil, err
		}
		ids = append(ids, string(id))
		if _, err := r.list(nil, new(textBlock)); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// lowerLastID has the stream go on from its newest entry. One without entries is removed.
func (g *pruning) lowerLastID(ctx context.Context) error {
	pipe := g.db.Pipeline()
	newest := pipe.XRevRangeN(ctx, keyQueries, "+", "-", 1)
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	if err := newest.Err(); err != nil {
		return g.wrap(err)
	}
	if len(newest.Val()) == 0 {
		return g.unlink(ctx, keyQueries)
	}
	pipe = g.db.Pipeline()
	set := pipe.Do(ctx, "XSETID", keyQueries, newest.Val()[0].ID)
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.wrap(set.Err())
}
