package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/hint"
)

// A layout says where the hosts of a simulation go: in turn to each of its cores.
type layout struct {
	cores     []simulatedCore
	directory sysops.Directory // nil where nothing is pushed
	made      bool             // of --server, --cores and --sites; else it is the config's
}

type simulatedCore struct {
	site, name string
	servers    []string
}

func (l *layout) core(i int) *simulatedCore { return &l.cores[i%len(l.cores)] }

// domain is where the core's hosts are. No site's name makes it another's domain
// than that which is set apart for examples (RFC 2606): a synthetic host has no
// real one's name.
func (k *simulatedCore) domain() string {
	label := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(k.site))
	return label + ".example.com"
}

// newLayout returns the layout of the servers that are named or, without any, of the
// config's directory. A fleet of files alone needs no servers.
func (s *Simulation) newLayout(ctx context.Context, pushes bool) (*layout, error) {
	switch {
	case len(s.Servers) > 0 && pushes:
		return s.layoutOf(s.Servers)
	case !pushes && (s.Divided || len(s.Servers) > 0 || !s.Listed):
		return s.layoutOf(nil)
	case s.Divided && s.Listed:
		return nil, hint.To(errors.New("cannot use --cores and --sites with a directory: it says itself which there are"), "name the servers with --server to divide them, or leave --cores and --sites out")
	}
	dir, err := s.List()
	if err != nil {
		return nil, err
	}
	return layoutFrom(ctx, dir)
}

// layoutFrom takes the layout from a directory.
func layoutFrom(ctx context.Context, dir sysops.Directory) (*layout, error) {
	l := &layout{directory: dir}
	sites, err := dir.Sites(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot list the sites: %w", err)
	}
	for _, site := range sites {
		cores, err := dir.Cores(ctx, site)
		if err != nil {
			return nil, fmt.Errorf("cannot list the cores of site %s: %w", site, err)
		}
		for _, name := range cores {
			servers, err := dir.Servers(ctx, name)
			if err != nil {
				return nil, fmt.Errorf("cannot list the servers of core %s: %w", name, err)
			}
			l.cores = append(l.cores, simulatedCore{site, name, servers})
		}
	}
	if len(l.cores) == 0 {
		return nil, fmt.Errorf("cannot find a core: %w: the directory lists none", sysops.ErrUnknown)
	}
	return l, nil
}

// layoutOf divides servers evenly into cores, and these into sites.
// urls are empty where nothing is pushed.
func (s *Simulation) layoutOf(urls []string) (*layout, error) {
	var folded []string
	for _, u := range urls {
		if !slices.Contains(folded, u) {
			folded = append(folded, u)
		}
	}
	if s.Cores%s.Sites != 0 {
		return nil, fmt.Errorf("cannot divide %d cores into %d sites: each needs as many", s.Cores, s.Sites)
	}
	if len(folded)%s.Cores != 0 {
		return nil, fmt.Errorf("cannot divide %d servers into %d cores: each needs as many", len(folded), s.Cores)
	}
	l := &layout{made: true}
	each := len(folded) / s.Cores
	sites := make(map[string]map[string][]string)
	for i := range s.Cores {
		site := fmt.Sprintf("site%d", i/(s.Cores/s.Sites)+1)
		k := simulatedCore{site, fmt.Sprintf("%s-%d", site, i%(s.Cores/s.Sites)+1), folded[i*each : (i+1)*each]}
		l.cores = append(l.cores, k)
		if sites[site] == nil {
			sites[site] = make(map[string][]string)
		}
		sites[site][k.name] = k.servers
	}
	if len(folded) == 0 {
		return l, nil
	}
	made := *s.Config
	made.Directory = config.Directory{Sites: sites}
	made.Directory.Local.Site, made.Directory.Local.Core = l.cores[0].site, l.cores[0].name
	var err error
	l.directory, err = made.OpenDirectory(directory.KeepOptions{})
	return l, err
}

// printConfig prints a config that leads to the fleet, with what is needed to
// connect. The password is not in it.
func (s *Simulation) printConfig() error {
	fmt.Fprint(s.Stdout, "# A fleet of sysops simulate.\ndirectory:\n  sites:\n")
	previous := ""
	for _, k := range s.layout.cores {
		if k.site != previous {
			fmt.Fprintf(s.Stdout, "    %s:\n", k.site)
		}
		previous = k.site
		fmt.Fprintf(s.Stdout, "      %s: %s\n", k.name, quotedList(k.servers))
	}
	fmt.Fprintf(s.Stdout, "  local: {site: %s, core: %s}\n", s.layout.cores[0].site, s.layout.cores[0].name)
	r := &s.Config.Redis
	timeout := ""
	if r.Timeout > 0 {
		timeout = time.Duration(r.Timeout).String()
	}
	header := "redis:\n"
	for _, line := range [][2]string{
		{"user", r.User},
		{"password_file", r.PasswordFile},
		{"sentinel_user", r.SentinelUser},
		{"sentinel_password_file", r.SentinelPasswordFile},
		{"ca_file", r.CAFile},
		{"cert_file", r.CertFile},
		{"key_file", r.KeyFile},
		{"timeout", timeout},
	} {
		if line[1] != "" {
			fmt.Fprintf(s.Stdout, "%s  %s: %q\n", header, line[0], line[1])
			header = ""
		}
	}
	return s.Stdout.Flush()
}

// quotedList is a list in YAML.
func quotedList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
