package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/demo"
	"github.com/sysops-api/sysops-api/snapshot"
)

func newSimulate(u *ui) *cobra.Command {
	s := &demo.Simulation{Stdout: u.stdout, Stderr: u.stderr}
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
		RunE: func(cmd *cobra.Command, _ []string) error { return simulate(cmd, s) },
	}
	f := cmd.Flags()
	f.IntVar(&s.Hosts, "hosts", 1000, "how many hosts")
	f.IntVar(&s.Objects, "objects", 0, "objects a host: 1 is sysctl -a alone, more add what people ask for most; default: all there are")
	f.IntVar(&s.Sites, "sites", 1, "into how many sites --server's cores are divided")
	f.IntVar(&s.Cores, "cores", 1, "into how many cores --server's servers are divided")
	f.Uint64Var(&s.Seed, "seed", 1, "another number makes other hosts")
	f.DurationVar(&s.TTL, "ttl", snapshot.DefaultTTL, "how long the snapshots live, as nobody renews them")
	f.StringVar(&s.Tree, "tree", "", "write the fleet as files into this `DIR`, which is new or empty")
	f.BoolVar(&s.Builtin, "builtin", false, "derive the fleet from what comes with the program, not from this machine")
	f.BoolVar(&s.NoBases, "no-bases", false, "store every object by itself, to see what bases save")
	f.BoolVar(&s.Force, "force", false, "push although the servers know other hosts, and take over those of the same names")
	for _, name := range []string{"hosts", "force", "no-bases"} {
		cli.CommandLineOnly(cmd, name)
	}
	return cmd
}

func simulate(cmd *cobra.Command, s *demo.Simulation) error {
	f := cmd.Flags()
	// A server of the environment or the config is where a fleet goes that has no
	// other place; beside --tree it would be a surprise.
	s.Named = f.Changed("server")
	conf, err := cli.Settings(cmd)
	if err != nil {
		return err
	}
	s.Servers, s.Config = cli.Servers(cmd), conf
	s.Divided = f.Changed("cores") || f.Changed("sites")
	s.Listed = f.Changed("directory") || conf.Directory.URL != "" || len(conf.Directory.Sites) > 0
	s.List = func() (sysops.Directory, error) { return cli.Directory(cmd, conf, "") }
	return s.Run(cmd.Context())
}
