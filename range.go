package sysops

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api/internal/directory"
)

// ExpandRange asks Range servers ("host" or "host:port", tried in turn) which
// hosts a Range expression stands for. Without servers it asks those that
// /etc/cm.conf names, as the original did. What Range refuses is an error, even
// where it came with a partial list.
func ExpandRange(ctx context.Context, servers []string, expr string) (*HostSet, error) {
	if len(servers) == 0 {
		named, err := directory.ReadCMConf(directory.CMConf)
		if err != nil {
			return nil, hinted(err, "name Range servers with --range-servers")
		}
		servers = named
	}
	r, err := directory.NewRange(servers)
	if err != nil {
		return nil, err
	}
	hosts, err := r.Expand(ctx, expr)
	if err != nil {
		return nil, err
	}
	set := &HostSet{names: make(map[string]bool, len(hosts))}
	for _, h := range hosts {
		name, err := ParseHost(h)
		if err != nil {
			return nil, err
		}
		set.names[name] = true
	}
	if len(set.names) == 0 {
		return nil, fmt.Errorf("cannot use the Range expression %q: %w: it stands for none", expr, ErrBadHost)
	}
	return set, nil
}

var _ HostExpander = (*directory.Range)(nil)
