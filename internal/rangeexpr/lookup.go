package rangeexpr

import (
	"errors"
	"fmt"
)

// key evaluates $KEY: in a cluster file a key of the same cluster, else one of GROUPS.
func (ev *evaluation) key(f *frame, n key) (value, error) {
	cluster := f.cluster
	if cluster == "" {
		cluster = groups
	}
	return ev.keyOf(f, n.at, cluster, n.name)
}

// groups is the cluster whose keys are the groups.
const groups = "GROUPS"

// lookupCost is how many names could be touched while a file is looked for. Who reads
// a cluster checks afterwards what is left.
const lookupCost = 100

// cluster reads a cluster, once in an evaluation.
func (ev *evaluation) cluster(name string) loaded {
	c, ok := ev.clusters[name]
	if !ok {
		ev.work -= lookupCost
		if ev.Clusters == nil {
			c.err = fmt.Errorf("%w: there are no cluster files", ErrNoCluster)
		} else {
			c.Cluster, c.err = ev.Clusters.Cluster(name)
		}
		ev.clusters[name] = c
	}
	return c
}

// keyOf evaluates a key of a cluster, once in an evaluation.
func (ev *evaluation) keyOf(f *frame, at int, cluster, key string) (value, error) {
	c := ev.cluster(cluster)
	if err := ev.spend(f, at, 1); err != nil {
		return value{}, err
	}
	switch {
	case errors.Is(c.err, ErrNoCluster):
		return value{}, ev.lookup(f, LookupError{Kind: NoClusterDef, Name: cluster, Column: at + 1, Hint: ev.likeCluster(cluster)})
	case c.err != nil:
		return value{}, ev.lookup(f, LookupError{Kind: Unreadable, Name: cluster, Column: at + 1, Err: c.err})
	case !c.has(key):
		return value{}, ev.lookup(f, LookupError{Kind: NoCluster, Name: cluster + ":" + key, Column: at + 1, Hint: ev.like(key, c.keys)})
	}
	id := keyID{cluster, key, ev.partly}
	r, ok := ev.keys[id]
	if ok && !r.done {
		return value{}, ev.lookup(f, LookupError{Kind: Cycle, Name: cluster + ":" + key, Column: at + 1})
	}
	if !ok {
		if ev.frames == maxFrames {
			return value{}, f.limit(at, "more than %d keys of clusters need one another", maxFrames)
		}
		r = &result{}
		ev.keys[id] = r
		ev.frames++
		r.value, r.err = ev.items(f, at, id, c.Cluster)
		ev.frames--
		r.done = true
	}
	return r.value, r.err
}

// items unites the items of a key.
func (ev *evaluation) items(f *frame, at int, id keyID, c *Cluster) (value, error) {
	if id.key == keyOfKeys {
		return value{names: c.keys()}, nil
	}
	k := c.key(id.key)
	if k.err != nil {
		return value{}, ev.problem(k.err)
	}
	all := gathering{evaluation: ev, value: value{names: k.names}}
	if err := ev.allow(f, at, size{count: len(k.names)}); err != nil {
		return value{}, err
	}
	in := &frame{cluster: id.cluster}
	for _, item := range k.exprs {
		in.expr = item.Text
		in.file = FileError{File: c.File, Line: item.Line, Key: id.key}
		if err := all.addNode(in, item.node); err != nil {
			return value{}, err
		}
	}
	return all.finish(f, at)
}

// likeCluster says which cluster may be meant.
func (ev *evaluation) likeCluster(name string) string {
	if ev.Clusters == nil {
		return "there are no cluster files"
	}
	return ev.like(name, func() []string {
		all, err := ev.Clusters.Clusters()
		if err != nil {
			return nil // of which the error that this is a hint for says enough
		}
		return all
	})
}

// like says which of the candidates may be meant. It looks for a few names alone.
func (ev *evaluation) like(name string, candidates func() []string) string {
	if ev.quiet || ev.hints == maxHints {
		return ""
	}
	ev.hints++
	if like := nearest(name, candidates()); like != "" {
		return "is it " + like + "?"
	}
	return ""
}
