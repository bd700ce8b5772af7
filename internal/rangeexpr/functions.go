package rangeexpr

import (
	"errors"
	"fmt"
	"strings"
)

// A form is how a function is called.
type form struct {
	args  int
	usage string
}

// forms are the functions there are, those of libcrange's yamlfile.c. Others that
// Range may be given are none here: they are NO_FUNCTION where it has not loaded them.
var forms = map[string]form{
	"cluster":     {1, "cluster(names)"},
	"group":       {1, "group(names)"},
	"get_cluster": {1, "get_cluster(hosts)"},
	"get_groups":  {1, "get_groups(hosts)"},
	"clusters":    {1, "clusters(hosts)"},
	"has":         {2, "has(KEY;values)"},
	"mem":         {2, "mem(cluster;hosts)"},
	"allclusters": {0, "allclusters()"},
}

func (ev *evaluation) call(f *frame, n *call) (value, error) {
	if _, known := forms[n.name]; !known {
		e := LookupError{Kind: NoFunction, Name: n.name, Column: n.at + 1}
		if n.name != "get_admin" {
			e.Hint = "put a comma before the parenthesis where it is a host"
		}
		return value{}, ev.lookup(f, e)
	}
	args := make([][]string, 0, len(n.args))
	for _, arg := range n.args {
		list, err := ev.closed(f, arg)
		if err != nil {
			return value{}, err
		}
		args = append(args, list)
	}
	switch n.name {
	case "cluster":
		return ev.clusterNodes(f, n, args[0])
	case "group":
		return ev.group(f, n, args[0])
	case "get_cluster":
		return ev.clustersOf(f, n, args[0], true)
	case "clusters":
		return ev.clustersOf(f, n, args[0], false)
	case "get_groups":
		return ev.keysOf(f, n, groups, args[0])
	case "mem":
		return ev.mem(f, n, args[0], args[1])
	case "has":
		return ev.having(f, n, args[0], args[1])
	}
	all, err := ev.allClusters(f, n)
	return value{names: all}, err
}

// clusterNodes is %: the nodes of each cluster, or cluster:KEY.
func (ev *evaluation) clusterNodes(f *frame, n *call, list []string) (value, error) {
	all := gathering{evaluation: ev}
	for _, name := range list {
		if err := ev.spend(f, n.at, 1); err != nil {
			return value{}, err
		}
		cluster, key := ev.split(name)
		if n.joined && errors.Is(ev.cluster(cluster).err, ErrNoCluster) {
			err := ev.lookup(f, LookupError{
				Kind: NoClusterDef, Name: cluster, Column: n.at + 1,
				Hint: "a - after a } takes away: put the rest of the name within the braces",
			})
			if err != nil {
				return value{}, err
			}
			continue
		}
		v, err := ev.keyOf(f, n.at, cluster, key)
		if err != nil {
			return value{}, err
		}
		if err := all.add(f, n.at, v); err != nil {
			return value{}, err
		}
	}
	return all.finish(f, n.at)
}

// split splits cluster:KEY at its first colon, as Range does; at another, or at none,
// where that is a key and the first is not: names of clusters may have colons.
func (ev *evaluation) split(name string) (cluster, key string) {
	first := strings.IndexByte(name, ':')
	if first < 0 {
		return name, defaultKey
	}
	const most = 8 // each takes a look for a file
	for tried, at := 0, first; at < len(name) && tried < most; tried++ {
		if c := ev.cluster(name[:at]); c.err == nil && c.has(name[at+1:]) {
			return name[:at], name[at+1:]
		}
		next := strings.IndexByte(name[at+1:], ':')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	if ev.cluster(name).err == nil {
		return name, defaultKey
	}
	return name[:first], name[first+1:]
}

// group is @: the nodes of each key of GROUPS.
func (ev *evaluation) group(f *frame, n *call, list []string) (value, error) {
	all := gathering{evaluation: ev}
	for _, name := range list {
		v, err := ev.keyOf(f, n.at, groups, name)
		if err != nil {
			return value{}, err
		}
		if err := all.add(f, n.at, v); err != nil {
			return value{}, err
		}
	}
	return all.finish(f, n.at)
}

func (ev *evaluation) allClusters(f *frame, n *call) ([]string, error) {
	if ev.Clusters == nil {
		return nil, nil
	}
	if ev.all == nil {
		all, err := ev.Clusters.Clusters()
		if err != nil {
			return nil, ev.lookup(f, LookupError{Kind: Unlisted, Column: n.at + 1, Err: err})
		}
		ev.all = all
	}
	return ev.all, ev.spend(f, n.at, len(ev.all))
}

// What searches clusters or keys passes over those that cannot be evaluated: one
// broken file would else be a problem of every host.

// searchCost is how many names could be touched while a key is found.
const searchCost = 10

// search calls found with what the key of a cluster stands for, if it can be told.
func (ev *evaluation) search(f *frame, at int, cluster, key string, found func([]string)) (skipped, err error) {
	var v value
	err = ev.quietly(func() (err error) {
		v, err = ev.keyOf(f, at, cluster, key)
		return err
	})
	if isLimit(err) {
		return nil, err
	}
	if err == nil {
		found(v.names)
	}
	return err, ev.spend(f, at, searchCost)
}

// clustersOf is * and clusters(): the clusters whose nodes hold a host, or the first
// of them in alphabetical order.
func (ev *evaluation) clustersOf(f *frame, n *call, hosts []string, first bool) (value, error) {
	if len(hosts) == 0 {
		return value{}, nil
	}
	all, err := ev.allClusters(f, n)
	if err != nil {
		return value{}, err
	}
	seen := make(map[string]bool)
	var holders []string
	var unread error
	for _, cluster := range all {
		skipped, err := ev.search(f, n.at, cluster, defaultKey, func(nodes []string) {
			ev.work -= min(len(hosts), len(nodes))
			before := len(seen)
			held := intersection(hosts, nodes)
			for _, host := range held {
				seen[host] = true
			}
			if len(seen) > before || !first && len(held) > 0 {
				holders = append(holders, cluster)
			}
		})
		if err != nil {
			return value{}, err
		}
		if unread == nil {
			unread = skipped
		}
	}
	for _, host := range hosts {
		if seen[host] {
			continue
		}
		e := LookupError{Kind: NoClusterOf, Name: host, Column: n.at + 1}
		if unread != nil {
			e.Hint = fmt.Sprintf("not all can be read: %v", unread)
		}
		if err := ev.lookup(f, e); err != nil {
			return value{}, err
		}
	}
	return value{names: holders}, nil
}

// mem returns the keys of clusters that hold any of the hosts.
func (ev *evaluation) mem(f *frame, n *call, clusters, hosts []string) (value, error) {
	all := gathering{evaluation: ev}
	for _, cluster := range clusters {
		v, err := ev.keysOf(f, n, cluster, hosts)
		if err != nil {
			return value{}, err
		}
		if err := all.add(f, n.at, v); err != nil {
			return value{}, err
		}
	}
	return all.finish(f, n.at)
}

func (ev *evaluation) keysOf(f *frame, n *call, cluster string, hosts []string) (value, error) {
	keys, err := ev.keyOf(f, n.at, cluster, keyOfKeys)
	if err != nil {
		return value{}, err
	}
	var holders []string
	for _, key := range keys.names {
		_, err := ev.search(f, n.at, cluster, key, func(nodes []string) {
			ev.work -= min(len(hosts), len(nodes))
			if intersects(hosts, nodes) {
				holders = append(holders, key)
			}
		})
		if err != nil {
			return value{}, err
		}
	}
	return value{names: holders}, nil
}

// having is has(): the clusters whose KEY holds any of the values.
func (ev *evaluation) having(f *frame, n *call, keys, values []string) (value, error) {
	all, err := ev.allClusters(f, n)
	if err != nil {
		return value{}, err
	}
	var holders []string
	for _, cluster := range all {
		has := false
		for _, key := range keys {
			_, err := ev.search(f, n.at, cluster, key, func(nodes []string) {
				ev.work -= min(len(values), len(nodes))
				has = has || intersects(values, nodes)
			})
			if err != nil {
				return value{}, err
			}
		}
		if has {
			holders = append(holders, cluster)
		}
	}
	return value{names: holders}, nil
}
