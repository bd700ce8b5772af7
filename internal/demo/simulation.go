package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A Simulation is one synthetic fleet on its way into servers, onto the disk, or both. A
// host has the same contents whenever it is made of the same machine and seed.
type Simulation struct {
	Hosts   int
	Objects int // a host; 0: all there are
	Seed    uint64
	TTL     time.Duration // how long the snapshots live
	Builtin bool          // derive the fleet from what comes with the program, not from this machine
	Tree    string        // a folder that gets the fleet as files; empty: none does
	NoBases bool          // store every object by itself
	Force   bool          // push although the servers know other hosts, and take over those of the same names

	// Where the fleet goes: to Servers or, where there are none, to those of the directory
	// that List opens, which is a mistake unless there is one that is Listed. Beside a Tree
	// it goes to servers alone that are Named for that.
	Servers      []string
	Named        bool
	List         func() (sysops.Directory, error)
	Listed       bool
	Sites, Cores int  // into how many Servers are divided
	Divided      bool // somebody says into how many

	Config *config.Config
	Stdout *terminal.Writer // gets a config that leads to Servers
	Stderr io.Writer        // what is told to people

	layout   *layout
	template *fleetsim.Template
	client   *sysops.Client // nil: nothing is pushed
	files    *fileTree      // nil: no files are written
}

// Run makes the fleet. It ends when the hosts that are to be silent are.
func (s *Simulation) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	pushes := s.Tree == "" || s.Named
	var err error
	if s.layout, err = s.newLayout(ctx, pushes); err != nil {
		return err
	}
	if err := s.derive(ctx); err != nil {
		return err
	}
	if pushes {
		options, err := s.Config.Options()
		if err != nil {
			return err
		}
		options.NoBases = options.NoBases || s.NoBases
		if s.client, err = sysops.New(s.layout.directory, sysops.Options(options)); err != nil {
			return err
		}
		defer s.client.Close()
		if err := s.checkServers(ctx); err != nil {
			return err
		}
	}
	if s.Tree != "" {
		if s.files, err = openTree(s.Tree, s.Force); err != nil {
			return err
		}
		defer s.files.close()
	}
	if pushes && s.layout.made {
		if err := s.printConfig(); err != nil {
			return err
		}
	}
	return s.populate(ctx)
}

// check refuses numbers that make no fleet.
func (s *Simulation) check() error {
	for _, n := range []struct {
		flag         string
		value, least int
	}{{"hosts", s.Hosts, 1}, {"objects", s.Objects, 0}, {"sites", s.Sites, 1}, {"cores", s.Cores, 1}} {
		if n.value < n.least {
			return fmt.Errorf("cannot use --%s %d: at least %d is needed", n.flag, n.value, n.least)
		}
	}
	if s.TTL < time.Second {
		return fmt.Errorf("cannot use --ttl %v: at least a second is needed", s.TTL)
	}
	return nil
}

// derive makes the template of this machine, or of what comes with the program.
func (s *Simulation) derive(ctx context.Context) error {
	var sources []snapshot.Source
	if !s.Builtin {
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
	if most := s.template.Objects(); s.Objects > most {
		return hint.To(fmt.Errorf("cannot make %d objects a host: there is only something to make %d of", s.Objects, most), "more --hosts make a larger fleet")
	}
	return nil
}
