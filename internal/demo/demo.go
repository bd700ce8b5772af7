package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// A demo is one run of the demonstration.
type demo struct {
	*ui
	hosts int
	seed  uint64
	once  bool

	fleet    *demoFleet
	own      string   // this machine's name
	setAside []string // variables of the user's environment that would lead elsewhere
}

// demoHostsLimit keeps the servers, which need about a megabyte for two hosts,
// within a machine's memory.
const demoHostsLimit = 2000

func newDemo(u *ui) *cobra.Command {
	d := &demo{ui: u}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try it all on this machine, with nothing installed",
		Long: `Start a fleet inside this process, ask it three questions, and keep it running so
that you can ask your own from another terminal.

The fleet is six Redis servers in three cores at two sites, on free ports of
127.0.0.1. This machine pushes a snapshot of itself, and a few hundred neighbours
made up from that snapshot push theirs. Nothing is kept: a private temporary
folder holds the config, and is removed at the end. Nobody pushes again, so after
an hour the hosts count as stale, and after six they are missing.`,
		Example: "  sysops demo\n  sysops demo --once --hosts 1000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"config", "server"} {
				if cmd.Flags().Changed(name) {
					return fmt.Errorf("cannot use --%s here: the demonstration brings its own servers", name)
				}
			}
			if d.hosts < 1 || d.hosts > demoHostsLimit {
				return fmt.Errorf("cannot make %d hosts: 1 to %d fit into a demonstration", d.hosts, demoHostsLimit)
			}
			return d.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.IntVar(&d.hosts, "hosts", 300, "how many neighbours this machine gets")
	cli.CommandLineOnly(cmd, "hosts") // to a question, it is an expression
	f.Uint64Var(&d.seed, "seed", 1, "another number makes other neighbours")
	f.BoolVar(&d.once, "once", false, "end after the questions")
	return cmd
}

func (d *demo) run(ctx context.Context) (err error) {
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal must leave nothing behind either
		defer stop()
	}
	defer d.setEnvironmentAside()()
	fmt.Fprintln(d.stderr, "Starting 6 Redis servers in this process: 2 sites, 3 cores, 2 servers a core")
	if d.fleet, err = startDemoFleet(); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, d.fleet.close()) }()
	if err := d.fill(ctx); err != nil {
		return err
	}
	if err := d.ask(ctx); err != nil {
		return err
	}
	if d.once {
		return nil
	}
	d.invite()
	<-ctx.Done()
	fmt.Fprintln(d.stderr, "\nThe demonstration is over: servers stopped, folder removed.")
	return nil
}

// setEnvironmentAside takes the variables that stand for flags out of the
// environment, and returns what brings them back: a SYSOPS_SERVER of the user's
// own must not lead the demonstration's questions to a real fleet.
func (d *demo) setEnvironmentAside() (restore func()) {
	values := make(map[string]string)
	for _, kv := range os.Environ() {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "SYSOPS_") {
			values[name] = value
			os.Unsetenv(name)
		}
	}
	d.setAside = slices.DeleteFunc(slices.Sorted(maps.Keys(values)), func(name string) bool { return name == "SYSOPS_CONFIG" })
	return func() {
		for name, value := range values {
			os.Setenv(name, value)
		}
	}
}

// fill has this machine and its neighbours push.
func (d *demo) fill(ctx context.Context) error {
	began := time.Now()
	fmt.Fprint(d.stderr, "Taking a snapshot of this machine … ")
	own, err := snapshotOfThisMachine(ctx, d.fleet.folder)
	if err != nil {
		fmt.Fprintln(d.stderr)
		return err
	}
	d.own = own.Host
	fmt.Fprintf(d.stderr, "%d files and outputs, %.1f s\n", len(own.Sources), time.Since(began).Seconds())
	template, err := fleetsim.NewTemplate(ctx, likeness(ctx, own.Sources))
	if err != nil {
		return err
	}
	silent, live := d.pushes(template)
	live = append(live, demoPush{d.fleet.cores[0].name, own})
	objects := 0
	for _, p := range slices.Concat(silent, live) {
		objects += len(p.snap.Sources)
	}
	return d.push(ctx, silent, live, fmt.Sprintf("Making %d neighbours of it, and pushing %d objects … ", d.hosts, objects))
}

// demoSilentTTL is how long hosts that are to be silent live.
const demoSilentTTL = time.Second

// push publishes the hosts that are to be silent first, with a TTL so short that
// they are missing when the questions are asked.
func (d *demo) push(ctx context.Context, silent, live []demoPush, what string) error {
	began := time.Now()
	fmt.Fprint(d.stderr, what)
	var done atomic.Int64
	step := func() {
		if n := done.Add(1); terminal.IsTerminal(d.stderr) && n%10 == 0 {
			fmt.Fprintf(d.stderr, "\r%s%d of %d", what, n, len(silent)+len(live))
		}
	}
	err := d.fleet.publish(ctx, silent, step)
	expired := time.After(demoSilentTTL + 100*time.Millisecond)
	if err == nil {
		err = d.fleet.publish(ctx, live, step)
	}
	if err != nil {
		fmt.Fprintln(d.stderr)
		return err
	}
	if len(silent) > 0 {
		select {
		case <-expired:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if terminal.IsTerminal(d.stderr) { // in place of the count
		fmt.Fprintf(d.stderr, "\r%s%*s\r%s", what, len("2000 of 2000"), "", what)
	}
	fmt.Fprintf(d.stderr, "%.1f s\n", time.Since(began).Seconds())
	return nil
}

// pushes makes the neighbours, those that have stopped reporting apart.
func (d *demo) pushes(template *fleetsim.Template) (silent, live []demoPush) {
	for i := range d.hosts {
		core := d.fleet.core(i)
		push := demoPush{core.name, template.Host(d.seed, i, core.domain())}
		if fleetsim.Silent(d.seed, i) {
			push.snap.TTL = demoSilentTTL
			silent = append(silent, push)
		} else {
			live = append(live, push)
		}
	}
	return silent, live
}
