package store

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// namesAtATime is how many names are pruned together: a page of the hosts of each, and of
// its bases, is read in one request.
const namesAtATime = 100

// names goes through what the index lists as names, and their hosts and bases.
func (g *pruning) names(ctx context.Context) error {
	return g.pages(ctx, "SSCAN", keyNames, func(names []string) error {
		for len(names) > 0 {
			part := names[:min(namesAtATime, len(names))]
			if err := g.pruneNames(ctx, part); err != nil {
				return err
			}
			names = names[len(part):]
		}
		return nil
	})
}

// A nameLook is the first page of what the index has of a name.
type nameLook struct {
	name          string
	hosts, claims page
}

// A page is the first of a set or a sorted set.
type page struct {
	members []string
	more    bool // there are others
	wrong   bool // it is none
}

// pruneNames prunes the entries of these names, their claims, and those names that have
// neither.
func (g *pruning) pruneNames(ctx context.Context, names []string) error {
	looks, err := g.lookAtNames(ctx, names)
	if errors.Is(err, ErrReplyTooLarge) {
		if len(names) == 1 {
			return g.pruneLarge(ctx, names[0])
		}
		if err := g.pruneNames(ctx, names[:len(names)/2]); err != nil {
			return err
		}
		return g.pruneNames(ctx, names[len(names)/2:])
	}
	if err != nil {
		return err
	}
	var entries, claims []Ref
	var idle []string // of which nobody may be left
	for _, l := range looks {
		some, err := g.takeEntries(ctx, l, &entries)
		if err != nil {
			return err
		}
		if err := g.takeClaims(ctx, l, &claims); err != nil {
			return err
		}
		if !some {
			idle = append(idle, l.name)
		}
	}
	pruned, err := g.pruneEntries(ctx, entries)
	if err != nil {
		return err
	}
	if err := g.pruneClaims(ctx, claims); err != nil {
		return err
	}
	return g.dropNames(ctx, append(idle, pruned...))
}

// pruneLarge prunes a name of which a page is too large to be read with others.
func (g *pruning) pruneLarge(ctx context.Context, name string) error {
	look := nameLook{name: name, hosts: page{more: true}, claims: page{more: true}}
	if _, err := g.takeEntries(ctx, look, nil); err != nil {
		return err
	}
	if err := g.takeClaims(ctx, look, nil); err != nil {
		return err
	}
	return g.dropNames(ctx, []string{name})
}

// lookAtNames reads the first page of the hosts and of the bases of each name.
func (g *pruning) lookAtNames(ctx context.Context, names []string) ([]nameLook, error) {
	q := newRequest(2 * len(names))
	for _, name := range names {
		q.scan("SSCAN", keyOn(name), "0", g.Page)
		q.scan("ZSCAN", keyBases(name), "0", g.Page)
	}
	looks := make([]nameLook, len(names))
	err := g.do(ctx, q, func(r replies) (err error) {
		for i, name := range names {
			looks[i].name = name
			if looks[i].hosts, err = r.page(); err != nil {
				return err
			}
			if looks[i].claims, err = r.page(); err != nil {
				return err
			}
			looks[i].claims.members = firstOfPairs(looks[i].claims.members)
		}
		return nil
	})
	return looks, err
}

// page reads the first round of a scan.
func (r replies) page() (page, error) {
	cursor, members, err := r.scanned(nil, new(textBlock))
	if err != nil && kindOf(err) == ErrWrongType {
		return page{wrong: true}, nil
	}
	return page{members: members, more: cursor != "0"}, err
}

// takeEntries adds the hosts of a name to entries, or prunes them at once where they are
// more than a page. some: the name has hosts, all of which are in entries.
func (g *pruning) takeEntries(ctx context.Context, l nameLook, entries *[]Ref) (some bool, err error) {
	switch {
	case l.hosts.wrong:
		return false, g.remake(ctx, keyOn(l.name))
	case l.hosts.more:
		return false, g.pages(ctx, "SSCAN", keyOn(l.name), func(hosts []string) error {
			_, err := g.pruneEntries(ctx, refsOf(l.name, hosts))
			return err
		})
	}
	*entries = append(*entries, refsOf(l.name, l.hosts.members)...)
	return len(l.hosts.members) > 0, nil
}

func refsOf(name string, hosts []string) []Ref {
	refs := make([]Ref, len(hosts))
	for i, host := range hosts {
		refs[i] = Ref{host, name}
	}
	return refs
}

// pruneEntries removes those of the entries of $on that lead nowhere: their host has no
// record of the object, and there is no object. A recorded object that is lost keeps its
// entry: it must stay an error until its host writes it again. It returns the names of
// which it removed any.
func (g *pruning) pruneEntries(ctx context.Context, entries []Ref) (touched []string, _ error) {
	for part := range chunks(entries) {
		stale, err := g.leadingNowhere(ctx, part)
		if err != nil {
			return nil, err
		}
		if err := g.dropEntries(ctx, stale); err != nil {
			return nil, err
		}
		for _, e := range stale {
			if n := len(touched); n == 0 || touched[n-1] != e.Name {
				touched = append(touched, e.Name)
			}
		}
	}
	return touched, nil
}

// leadingNowhere returns the entries of which there is neither record nor object.
func (s *Server) leadingNowhere(ctx context.Context, entries []Ref) ([]Ref, error) {
	unrecorded, err := s.without(ctx, entries, func(q *request, e Ref) { q.add("HEXISTS", keyOf(e.Host), e.Name) })
	if err != nil {
		return nil, err
	}
	return s.without(ctx, unrecorded, func(q *request, e Ref) { q.add("EXISTS", keyObject(e.Host, e.Name)) })
}

// without returns the entries for which the answer is no.
func (s *Server) without(ctx context.Context, entries []Ref, ask func(*request, Ref)) ([]Ref, error) {
	yes, err := s.yes(ctx, len(entries), func(q *request, i int) { ask(q, entries[i]) })
	if err != nil {
		return nil, err
	}
	var out []Ref
	for i, e := range entries {
		if !yes[i] {
			out = append(out, e)
		}
	}
	return out, nil
}

// dropEntries removes entries, and puts those back that lead somewhere by then: a push
// writes an object before its entry.
func (g *pruning) dropEntries(ctx context.Context, entries []Ref) error {
	if len(entries) == 0 {
		return nil
	}
	if err := g.changeEntries(ctx, entries, redis.Pipeliner.SRem); err != nil {
		return err
	}
	nowhere, err := g.leadingNowhere(ctx, entries)
	if err != nil {
		return err
	}
	g.done.Entries += len(nowhere)
	gone := make(map[Ref]bool, len(nowhere))
	for _, e := range nowhere {
		gone[e] = true
	}
	var back []Ref
	for _, e := range entries {
		if !gone[e] {
			back = append(back, e)
		}
	}
	return g.changeEntries(ctx, back, redis.Pipeliner.SAdd)
}

func (g *pruning) changeEntries(ctx context.Context, entries []Ref, change func(redis.Pipeliner, context.Context, string, ...any) *redis.IntCmd) error {
	pipe := g.db.Pipeline()
	var cmds []redis.Cmder
	for len(entries) > 0 {
		n := 1 // those of one name stand together
		for n < len(entries) && entries[n].Name == entries[0].Name {
			n++
		}
		hosts := make([]any, n)
		for i := range hosts {
			hosts[i] = entries[i].Host
		}
		cmds = append(cmds, change(pipe, ctx, keyOn(entries[0].Name), hosts...))
		entries = entries[n:]
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.faults.pass(g.wrap(firstError(cmds...)))
}

// dropNames removes names that have neither hosts nor bases, and puts those back that have
// some by then: a push lists its names after their entries.
func (g *pruning) dropNames(ctx context.Context, names []string) error {
	unused, err := g.unused(ctx, names)
	if err != nil || len(unused) == 0 {
		return err
	}
	if err := g.changeNames(ctx, unused, redis.Pipeliner.SRem); err != nil {
		return err
	}
	still, err := g.unused(ctx, unused)
	if err != nil {
		return err
	}
	g.done.Names += len(still)
	gone := make(map[string]bool, len(still))
	for _, name := range still {
		gone[name] = true
	}
	var back []string
	for _, name := range unused {
		if !gone[name] {
			back = append(back, name)
		}
	}
	return g.changeNames(ctx, back, redis.Pipeliner.SAdd)
}

// unused returns the names that have neither hosts nor bases, whose places nobody would
// give back else.
func (s *Server) unused(ctx context.Context, names []string) ([]string, error) {
	var out []string
	for part := range chunks(names) {
		used, err := s.yes(ctx, 2*len(part), func(q *request, i int) {
			key := keyOn(part[i/2])
			if i%2 == 1 {
				key = keyBases(part[i/2])
			}
			q.add("EXISTS", key)
		})
		if err != nil {
			return nil, err
		}
		for i, name := range part {
			if !used[2*i] && !used[2*i+1] {
				out = append(out, name)
			}
		}
	}
	return out, nil
}

func (g *pruning) changeNames(ctx context.Context, names []string, change func(redis.Pipeliner, context.Context, string, ...any) *redis.IntCmd) error {
	for part := range chunks(names) {
		pipe := g.db.Pipeline()
		cmd := change(pipe, ctx, keyNames, members(part)...)
		if err := g.exec(ctx, pipe); err != nil {
			return err
		}
		if err := g.faults.pass(g.wrap(cmd.Err())); err != nil {
			return err
		}
	}
	return nil
}

// takeClaims adds the claims of a name to claims, or prunes them at once where they are
// more than a page.
func (g *pruning) takeClaims(ctx context.Context, l nameLook, claims *[]Ref) error {
	switch {
	case l.claims.wrong:
		return g.remake(ctx, keyBases(l.name))
	case l.claims.more:
		return g.pages(ctx, "ZSCAN", keyBases(l.name), func(ids []string) error { return g.pruneClaims(ctx, refsOf(l.name, ids)) })
	}
	*claims = append(*claims, refsOf(l.name, l.claims.members)...)
	return nil
}

// pruneClaims gives back the places of bases that have expired. Each claim is a Ref whose
// Host is the ID of the base. A claim may be older than its base by a moment.
func (g *pruning) pruneClaims(ctx context.Context, claims []Ref) error {
	for part := range chunks(claims) {
		baseless, err := g.without(ctx, part, func(q *request, c Ref) {
			id, _ := parseID(c.Host) // what is no ID has the base of none
			q.add("EXISTS", keyBase(id))
		})
		if err != nil {
			return err
		}
		if err := g.dropClaims(ctx, baseless); err != nil {
			return err
		}
	}
	return nil
}

// dropClaims removes those of these claims that are not new.
func (g *pruning) dropClaims(ctx context.Context, claims []Ref) error {
	pipe := g.db.Pipeline()
	scores := make([]*redis.FloatCmd, len(claims))
	for i, c := range claims {
		scores[i] = pipe.ZScore(ctx, keyBases(c.Name), c.Host)
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	now := g.clock()
	pipe = g.db.Pipeline()
	var cmds []redis.Cmder
	for i, c := range claims {
		_, isID := parseID(c.Host)
		if scores[i].Err() == nil && (!isID || now.Sub(fromUnix(scores[i].Val())).Abs() > ClaimedFor) {
			cmds = append(cmds, pipe.ZRem(ctx, keyBases(c.Name), c.Host))
		}
	}
	if err := g.exec(ctx, pipe); err != nil {
		return err
	}
	return g.faults.pass(g.wrap(firstError(cmds...)))
}
