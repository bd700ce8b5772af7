package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
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

// newLayout returns the layout that the flags or, without --server, the config's
// directory describe. A fleet of files alone needs no servers.
func (s *simulation) newLayout(cmd *cobra.Command, conf *config.Config, pushes bool) (*layout, error) {
	urls, err := cmd.Flags().GetStringSlice("server")
	if err != nil {
		return nil, err
	}
	divides := cmd.Flags().Changed("cores") || cmd.Flags().Changed("sites")
	listed := cmd.Flags().Changed("directory") || conf.Directory.URL != "" || len(conf.Directory.Sites) > 0
	switch {
	case len(urls) > 0 && pushes:
		return s.layoutOf(urls, conf)
	case !pushes && (divides || len(urls) > 0 || !listed):
		return s.layoutOf(nil, nil)
	case divides && listed:
		return nil, &sysops.HintedError{
			Err:  errors.New("cannot use --cores and --sites with a directory: it says itself which there are"),
			Hint: "name the servers with --server to divide them, or leave --cores and --sites out",
		}
	}
	dir, err := cli.Directory(cmd, conf, "")
	if err != nil {
		return nil, err
	}
	return layoutFrom(cmd.Context(), dir)
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

// layoutOf divides servers evenly into --cores cores, and these into --sites sites.
// urls are empty where nothing is pushed.
func (s *simulation) layoutOf(urls []string, conf *config.Config) (*layout, error) {
	var folded []string
	for _, u := range urls {
		if !slices.Contains(folded, u) {
			folded = append(folded, u)
		}
	}
	if s.cores%s.sites != 0 {
		return nil, fmt.Errorf("cannot divide %d cores into %d sites: each needs as many", s.cores, s.sites)
	}
	if len(folded)%s.cores != 0 {
		return nil, fmt.Errorf("cannot divide %d servers into %d cores: each needs as many", len(folded), s.cores)
	}
	l := &layout{made: true}
	each := len(folded) / s.cores
	sites := make(map[string]map[string][]string)
	for i := range s.cores {
		site := fmt.Sprintf("site%d", i/(s.cores/s.sites)+1)
		k := simulatedCore{site, fmt.Sprintf("%s-%d", site, i%(s.cores/s.sites)+1), folded[i*each : (i+1)*each]}
		l.cores = append(l.cores, k)
		if sites[site] == nil {
			sites[site] = make(map[string][]string)
		}
		sites[site][k.name] = k.servers
	}
	if len(folded) == 0 {
		return l, nil
	}
	made := *conf
	made.Directory = config.Directory{Sites: sites}
	made.Directory.Local.Site, made.Directory.Local.Core = l.cores[0].site, l.cores[0].name
	var err error
	l.directory, err = made.OpenDirectory(directory.KeepOptions{})
	return l, err
}

// printConfig prints a config that leads to the fleet, with what is needed to
// connect. The password is not in it.
func (s *simulation) printConfig(conf *config.Config) error {
	fmt.Fprint(s.stdout, "# A fleet of sysops simulate.\ndirectory:\n  sites:\n")
	previous := ""
	for _, k := range s.layout.cores {
		if k.site != previous {
			fmt.Fprintf(s.stdout, "    %s:\n", k.site)
		}
		previous = k.site
		fmt.Fprintf(s.stdout, "      %s: %s\n", k.name, quotedList(k.servers))
	}
	fmt.Fprintf(s.stdout, "  local: {site: %s, core: %s}\n", s.layout.cores[0].site, s.layout.cores[0].name)
	r := &conf.Redis
	timeout := ""
	if r.Timeout > 0 {
		timeout = time.Duration(r.Timeout).String()
	}
	header := "redis:\n"
	for _, line := range [][2]string{
		{"user", r.User},
		{"password_file", r.PasswordFile},
		{"ca_file", r.CAFile},
		{"cert_file", r.CertFile},
		{"key_file", r.KeyFile},
		{"timeout", timeout},
	} {
		if line[1] != "" {
			fmt.Fprintf(s.stdout, "%s  %s: %q\n", header, line[0], line[1])
			header = ""
		}
	}
	return s.stdout.Flush()
}

// quotedList is a list in YAML.
func quotedList(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
