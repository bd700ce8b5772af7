package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
)

// hostFlags say which hosts are asked about: those of an expression, a file and a
// Range query together, without the excluded ones.
type hostFlags struct {
	hosts, exclude string
	file           string
	clusters       string
	rangeQuery     string
	rangeServers   []string

	warn func(error) // set by parse
}

func (h *hostFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.hosts, "hosts", "", "only these hosts, as an `expression`: names, globs, sequences (web001..120.example.com), braces (web{1..3,7}), clusters (%web); , unites, & intersects, ' - ' takes away")
	f.StringVar(&h.file, "hosts-file", "", "only the hosts listed in this `file`, one name, sequence or braces a line; - is stdin; united with --hosts")
	f.StringVar(&h.exclude, "exclude", "", "not these hosts, an `expression` as for --hosts")
	h.addClusters(cmd)
	h.addRange(cmd)
}

// none reports whether no flag chooses hosts.
func (h *hostFlags) none() bool { return h.hosts == "" && h.file == "" && h.rangeQuery == "" }

func (h *hostFlags) addClusters(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.clusters, "clusters", "", "`folder` of the cluster files, CLUSTER.yaml, that %CLUSTER and @GROUP are looked up in")
}

func (h *hostFlags) addRange(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.rangeQuery, "range-query", "", "only hosts in this Range `expression`, united with the other lists; the scope is global unless one is given")
	f.StringSliceVar(&h.rangeServers, "range-servers", nil, "Range `servers` to ask for --range-query; else --clusters, a directory that knows Range, or those of /etc/cm.conf")
}

// parse reads what needs no server: what to ask about (nil: all hosts) and what not.
func (h *hostFlags) parse(u *ui) (hosts, exclude *hostset.Set, err error) {
	h.warn = func(err error) { u.warn("%v", err) }
	clusters, err := h.openClusters()
	if err != nil {
		return nil, nil, err
	}
	if h.hosts != "" {
		if hosts, err = clusters.Parse(h.hosts); err != nil {
			return nil, nil, err
		}
	}
	if h.file != "" {
		listed, err := readHosts(u, h.file)
		if err != nil {
			return nil, nil, err
		}
		hosts = hosts.Union(listed)
	}
	if h.exclude != "" {
		exclude, err = clusters.Parse(h.exclude)
	}
	return hosts, exclude, err
}

// openClusters returns nil where there is no --clusters.
func (h *hostFlags) openClusters() (*hostset.Clusters, error) {
	if h.clusters == "" {
		return nil, nil
	}
	return hostset.OpenClusters(h.clusters)
}

// clusterSource returns who knows clusters.
func (h *hostFlags) clusterSource(dir sysops.Directory) (hostset.Source, error) {
	clusters, err := h.openClusters()
	return hostset.Source{Servers: h.rangeServers, Clusters: clusters, Directory: dir, Warn: h.warn}, err
}

// expand adds the hosts of --range-query to hosts.
func (h *hostFlags) expand(ctx context.Context, dir sysops.Directory, hosts *hostset.Set) (*hostset.Set, error) {
	if h.rangeQuery == "" {
		return hosts, nil
	}
	from, err := h.clusterSource(dir)
	if err != nil {
		return nil, err
	}
	set, err := hostset.Expand(ctx, from, h.rangeQuery)
	if err != nil {
		return nil, err
	}
	return hosts.Union(set), nil
}

func readHosts(u *ui, path string) (*hostset.Set, error) {
	if path == "-" {
		return hostset.Read(u.stdin, "stdin")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of hosts: %w", err)
	}
	defer f.Close()
	return hostset.Read(f, path)
}

// globalByDefault makes the scope of a Range query global where none is given, as the
// original did: the query says itself which hosts.
func (h *hostFlags) globalByDefault(scope sysops.Scope, given bool) sysops.Scope {
	if h.rangeQuery != "" && !given {
		return sysops.Global
	}
	return scope
}
