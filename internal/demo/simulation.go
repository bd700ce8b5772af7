package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A simulation is one synthetic fleet on its way into the servers, onto the disk,
// or both.
type simulation struct {
	*ui
	hosts, objects int
	sites, cores   int
	seed           uint64
	ttl            time.Duration
	tree           string
	builtin        bool
	noBases        bool
	force          bool

	layout   *layout
	template *fleetsim.Template
	client   *sysops.Client // nil: nothing is pushed
	files    *fileTree      // nil: no files are written
}

func newSimulate(u *ui) *cobra.Command {
	s := &simulation{ui: u}
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Push a synthetic fleet, derived from this machine",
		Long: `Make a fleet of any size out of a snapshot of this machine, and push it as its
agents would: to try questions on, and to measure, at a size that nobody has on a
desk. A host has the same contents whenever it is made of the same machine and
--seed; with --builtin, on every machine.

The fleet goes to the servers of the config's directory, hosts in turn to each of
its cores. With --server, the servers are divided into --cores cores at --sites
sites, and a config that leads to them is printed:

  sysops simulate --server … --server … --cores 2 > fleet.yaml
  sysops --config fleet.yaml grep --uniq netdev_budget sysctl-a --scope global

With --tree, the fleet is written as files instead, DIR/HOST/PATH, for other tools
to search; with --server on the same command line, as files too. The files are what
the cache answers: silent hosts, which have stopped reporting, have none.

Servers that know other hosts are left alone, unless --force is given. --force,
--no-bases and --hosts are taken from the command line alone.`,
		Example: `  sysops simulate --server redis://127.0.0.1:6379/1
  sysops simulate --hosts 24247 --objects 1 --builtin --tree /tmp/fleet`,
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	f := cmd.Flags()
	f.IntVar(&s.hosts, "hosts", 1000, "how many hosts")
	f.IntVar(&s.objects, "objects", 0, "objects a host: 1 is sysctl -a alone, more add what people ask for most; default: all there are")
	f.IntVar(&s.sites, "sites", 1, "into how many sites --server's cores are divided")
	f.IntVar(&s.cores, "cores", 1, "into how many cores --server's servers are divided")
	f.Uint64Var(&s.seed, "seed", 1, "another number makes other hosts")
	f.DurationVar(&s.ttl, "ttl", snapshot.DefaultTTL, "how long the snapshots live, as nobody renews them")
	f.StringVar(&s.tree, "tree", "", "write the fleet as files into this `DIR`, which is new or empty")
	f.BoolVar(&s.builtin, "builtin", false, "derive the fleet from what comes with the program, not from this machine")
	f.BoolVar(&s.noBases, "no-bases", false, "store every object by itself, to see what bases save")
	f.BoolVar(&s.force, "force", false, "push although the servers know other hosts, and take over those of the same names")
	for _, name := range []string{"hosts", "force", "no-bases"} {
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}

func (s *simulation) run(cmd *cobra.Command) error {
	// A server of the environment or the config is where a fleet goes that has no
	// other place; beside --tree it would be a surprise.
	named := cmd.Flags().Changed("server")
	conf, err := cli.Settings(cmd)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	pushes := s.tree == "" || named
	if s.layout, err = s.newLayout(cmd, conf, pushes); err != nil {
		return err
	}
	ctx := cmd.Context()
	if err := s.derive(ctx); err != nil {
		return err
	}
	if pushes {
		options, err := conf.Options()
		if err != nil {
			return err
		}
		options.NoBases = options.NoBases || s.noBases
		if s.client, err = sysops.New(s.layout.directory, sysops.Options(options)); err != nil {
			return err
		}
		defer s.client.Close()
		if err := s.checkServers(ctx); err != nil {
			return err
		}
	}
	if s.tree != "" {
		if s.files, err = openTree(s.tree, s.force); err != nil {
			return err
		}
		defer s.files.close()
	}
	if pushes && s.layout.made {
		if err := s.printConfig(conf); err != nil {
			return err
		}
	}
	return s.populate(ctx)
}

// check refuses numbers that make no fleet.
func (s *simulation) check() error {
	for _, n := range []struct {
		flag         string
		value, least int
	}{{"hosts", s.hosts, 1}, {"objects", s.objects, 0}, {"sites", s.sites, 1}, {"cores", s.cores, 1}} {
		if n.value < n.least {
			return fmt.Errorf("cannot use --%s %d: at least %d is needed", n.flag, n.value, n.least)
		}
	}
	if s.ttl < time.Second {
		return fmt.Errorf("cannot use --ttl %v: at least a second is needed", s.ttl)
	}
	return nil
}

// derive makes the template of this machine, or of what comes with the program.
func (s *simulation) derive(ctx context.Context) error {
	var sources []snapshot.Source
	if !s.builtin {
		folder, err := os.MkdirTemp("", "sysops-simulate-") // 0700
		if err != nil {
			return fmt.Errorf("cannot make a temporary folder: %w", err)
		}
		defer os.RemoveAll(folder)
		own, err := snapshotOfThisMachine(ctx, folder)
		if err != nil {
			return err
		}
		sources = likeness(ctx, own.Sources)
	}
	var err error
	if s.template, err = fleetsim.NewTemplate(ctx, sources); err != nil {
		return err
	}
	if most := s.template.Objects(); s.objects > most {
		return &sysops.HintedError{
			Err:  fmt.Errorf("cannot make %d objects a host: there is only something to make %d of", s.objects, most),
			Hint: "more --hosts make a larger fleet",
		}
	}
	return nil
}
