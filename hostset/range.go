package hostset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// A Source is where a Range expression is looked up. The first of its fields that
// is set is asked; where none is, the Range servers that /etc/cm.conf names are, as
// the original did.
type Source struct {
	Servers   []string          // "host" or "host:port", tried in turn
	Clusters  *Clusters         // cluster files
	Directory directory.Service // passed over unless it is a HostExpander

	// Warn is told that a Range server does not answer where another one does. nil:
	// nobody is. A Directory has its own.
	Warn func(error)
}

// Expand returns the hosts that a Range expression stands for. What a part of it
// stands for is no answer: that the rest cannot be looked up is an error. So is an
// expression that stands for no host.
func Expand(ctx context.Context, from Source, expr string) (*Set, error) {
	expand, err := from.expander()
	if err != nil {
		return nil, err
	}
	nodes, err := expand(ctx, expr)
	if err != nil {
		return nil, err
	}
	set, err := Of(nodes)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("cannot use the Range expression %q: %w: it stands for none", expr, naming.ErrBadHost)
	}
	return set, nil
}

// Expander returns what looks Range expressions up, for those that stand for something
// else than hosts, such as clusters(HOST), or for nothing.
func (from Source) Expander() (directory.Expander, error) {
	expand, err := from.expander()
	return expandFunc(expand), err
}

// ClustersOf returns the clusters that hold at least one of the hosts. A host that is in
// none is no error.
func (from Source) ClustersOf(ctx context.Context, hosts []string) ([]string, error) {
	expr := "clusters(" + Fold(hosts) + ")"
	if len(from.Servers) == 0 && from.Clusters != nil {
		return from.Clusters.found(expr)
	}
	expand, err := from.expander()
	if err != nil {
		return nil, err
	}
	nodes, err := expand(ctx, expr)
	if found, ok := directory.InNoCluster(err); ok {
		return found, nil
	}
	return nodes, err
}

type expandFunc func(context.Context, string) ([]string, error)

func (f expandFunc) Expand(ctx context.Context, expr string) ([]string, error) { return f(ctx, expr) }

func (from Source) expander() (func(context.Context, string) ([]string, error), error) {
	switch dir, ok := from.Directory.(directory.Expander); {
	case len(from.Servers) > 0:
		return expanderOf("range://"+strings.Join(from.Servers, ","), from.Warn)
	case from.Clusters != nil:
		return func(_ context.Context, expr string) ([]string, error) { return from.Clusters.Expand(expr) }, nil
	case ok:
		return dir.Expand, nil
	}
	expand, err := expanderOf("cmconf:///etc/cm.conf", from.Warn)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, expr string) ([]string, error) {
		nodes, err := expand(ctx, expr)
		if errors.Is(err, fs.ErrNotExist) {
			err = hint.For(err, hint.NoRangeServers)
		}
		return nodes, err
	}, nil
}

// expanderOf opens a directory that knows Range.
func expanderOf(url string, warn func(error)) (func(context.Context, string) ([]string, error), error) {
	service, err := directory.Open(url, directory.Options{Warn: warn})
	if err != nil {
		return nil, err
	}
	return service.(directory.Expander).Expand, nil
}
