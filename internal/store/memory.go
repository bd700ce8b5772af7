package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/redis/go-redis/v9"
)

// A Memory is how much memory keys of a server take, as its MEMORY USAGE says: the
// key, its value, and what Redis needs to manage them.
type Memory struct {
	Names   []NameMemory
	Records Weight // $of: of all hosts
	Index   Weight // $hosts, $live, $names, $roster
	Queries Weight // $queries
}

// A NameMemory is the memory that one name takes.
type NameMemory struct {
	Name    string
	Objects Weight
	Bases   Weight // that are offered for the name
	Index   Weight // $on:<name>, $bases:<name>
}

// A Weight is what keys weigh, of which some were weighed and stand for the others.
type Weight struct {
	Keys    int
	Sampled int   // == Keys: the weight is exact
	Bytes   int64 // of all Keys
}

// Memory weighs the keys of a server whose index is x. Of each name's objects, and of
// the hosts' records, it weighs sample that are chosen at random; 0: all of them.
// Requests touch few keys, so that none of them holds up others for long.
func (s *Server) Memory(ctx context.Context, x *Index, sample int) (*Memory, error) {
	m := &Memory{}
	var err error
	if m.Index, err = s.weigh(ctx, 4, []string{keyHosts, keyLive, keyNames, keyRoster}); err != nil {
		return nil, err
	}
	if m.Queries, err = s.weigh(ctx, 1, []string{keyQueries}); err != nil {
		return nil, err
	}
	hosts := make([]string, 0, len(x.Pushed))
	for _, p := range x.Pushed {
		hosts = append(hosts, keyOf(p.Host))
	}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	all := len(hosts)
	if sample > 0 {
		hosts = hosts[:min(sample, all)]
	}
	if m.Records, err = s.weigh(ctx, all, hosts); err != nil {
		return nil, err
	}
	names := slices.Compact(slices.Sorted(slices.Values(x.Names)))
	for part := range slices.Chunk(names, 16) {
		list, err := s.memoryOf(ctx, part, sample)
		if err != nil {
			return nil, err
		}
		m.Names = append(m.Names, list...)
	}
	return m, nil
}

// memoryOf weighs what belongs to some names.
func (s *Server) memoryOf(ctx context.Context, names []string, sample int) ([]NameMemory, error) {
	pipe := s.db.Pipeline()
	type asked struct {
		card  *redis.IntCmd
		hosts *redis.StringSliceCmd
		bases *redis.ZSliceCmd
	}
	replies := make([]asked, len(names))
	for i, name := range names {
		replies[i] = asked{card: pipe.SCard(ctx, keyOn(name)), bases: pipe.ZRangeWithScores(ctx, keyBases(name), 0, maxOffers-1)}
		if sample > 0 {
			replies[i].hosts = pipe.SRandMemberN(ctx, keyOn(name), int64(sample))
		} else {
			replies[i].hosts = pipe.SMembers(ctx, keyOn(name))
		}
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	list := make([]NameMemory, len(names))
	for i, name := range names {
		r := replies[i]
		if err := spoiledError(r.card, r.hosts, r.bases); err != nil {
			return nil, s.wrap(err)
		}
		objects := make([]string, 0, len(r.hosts.Val()))
		for _, host := range r.hosts.Val() {
			objects = append(objects, keyObject(host, name))
		}
		var bases []string
		for _, c := range claims(r.bases.Val()) {
			bases = append(bases, keyBase(c.ID))
		}
		n := NameMemory{Name: name}
		var err error
		if n.Objects, err = s.weigh(ctx, max(int(r.card.Val()), len(objects)), objects); err != nil {
			return nil, err
		}
		if n.Bases, err = s.weigh(ctx, len(bases), bases); err != nil {
			return nil, err
		}
		if n.Index, err = s.weigh(ctx, 2, []string{keyOn(name), keyBases(name)}); err != nil {
			return nil, err
		}
		list[i] = n
	}
	return list, nil
}

// weigh weighs keys, which stand for so many. A key that is not there weighs nothing. Of
// a key with many elements Redis weighs five for all of them; an object has no more.
func (s *Server) weigh(ctx context.Context, all int, keys []string) (Weight, error) {
	w := Weight{Keys: all, Sampled: len(keys)}
	for part := range slices.Chunk(keys, chunk) {
		pipe := s.db.Pipeline()
		cmds := make([]*redis.Cmd, len(part))
		for i, key := range part {
			cmds[i] = pipe.Do(ctx, "MEMORY", "USAGE", key)
		}
		if err := s.exec(ctx, pipe); err != nil {
			return w, err
		}
		for _, c := range cmds {
			n, err := c.Int64()
			if err != nil && err != redis.Nil {
				return w, fmt.Errorf("cannot weigh its keys: %w", s.wrap(err))
			}
			w.Bytes += max(n, 0)
		}
	}
	if len(keys) > 0 {
		w.Bytes = int64(float64(w.Bytes) / float64(len(keys)) * float64(all))
	}
	return w, nil
}
