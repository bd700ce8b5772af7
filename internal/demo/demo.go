package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// A Demo is one run of the demonstration.
type Demo struct {
	Hosts int // how many neighbours this machine gets; see Check
	Seed  uint64
	Once  bool // end after the questions

	Stdout *terminal.Writer // questions and their answers
	Stderr io.Writer        // what is told to people

	// Ask runs a command line of sysops, without its name, as a shell would: what it
	// prints goes to Stdout and Stderr. It returns the exit status.
	Ask func(ctx context.Context, args []string) int

	fleet    *demoFleet
	own      string   // this machine's name
	setAside []string // variables of the user's environment that would lead elsewhere
}

// hostsLimit keeps the servers, which need about a megabyte for two hosts, within a
// machine's memory.
const hostsLimit = 2000

// Check says what is wrong with the number of hosts.
func (d *Demo) Check() error {
	if d.Hosts < 1 || d.Hosts > hostsLimit {
		return fmt.Errorf("cannot make %d hosts: 1 to %d fit into a demonstration", d.Hosts, hostsLimit)
	}
	return nil
}

// Run starts the fleet, asks the questions and, unless Once is set, keeps the fleet until
// ctx ends or the terminal is closed. It leaves nothing behind. Meanwhile it has the
// variables SYSOPS_… taken out of the environment of the process.
func (d *Demo) Run(ctx context.Context) (err error) {
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		var stop func()
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal must leave nothing behind either
		defer stop()
	}
	defer d.setEnvironmentAside()()
	terminal.Say(d.Stderr, "Starting 6 Redis servers in this process: 2 sites, 3 cores, 2 servers a core")
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
	if d.Once {
		return nil
	}
	d.invite()
	<-ctx.Done()
	fmt.Fprintln(d.Stderr)
	terminal.Say(d.Stderr, "The demonstration is over: servers stopped, folder removed.")
	return nil
}

// setEnvironmentAside takes the variables that stand for flags out of the
// environment, and returns what brings them back: a SYSOPS_SERVER of the user's
// own must not lead the demonstration's questions to a real fleet.
func (d *Demo) setEnvironmentAside() (restore func()) {
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
func (d *Demo) fill(ctx context.Context) error {
	began := time.Now()
	end := terminal.Begin(d.Stderr, "Taking a snapshot of this machine … ")
	own, err := snapshotOfThisMachine(ctx, d.fleet.folder)
	if err != nil {
		end("")
		return err
	}
	d.own = own.Host
	end(fmt.Sprintf("%d files and outputs, %.1f s", len(own.Sources), time.Since(began).Seconds()))
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
	return d.push(ctx, silent, live, fmt.Sprintf("Making %d neighbours of it, and pushing %d objects … ", d.Hosts, objects))
}

// push publishes the hosts that are to be silent first, with a TTL so short that
// they are missing when the questions are asked.
func (d *Demo) push(ctx context.Context, silent, live []demoPush, what string) error {
	began := time.Now()
	stage := terminal.BeginStage(d.Stderr, what, "hosts", len(silent)+len(live))
	var alone sync.Mutex
	step := func() {
		alone.Lock()
		defer alone.Unlock()
		stage.Step()
	}
	err := d.fleet.publish(ctx, silent, step)
	expired := time.After(silentTTL + 100*time.Millisecond)
	if err == nil {
		err = d.fleet.publish(ctx, live, step)
	}
	if err != nil {
		stage.End("")
		return err
	}
	if len(silent) > 0 {
		select {
		case <-expired:
		case <-ctx.Done():
			stage.End("")
			return context.Cause(ctx)
		}
	}
	stage.End(fmt.Sprintf("%.1f s", time.Since(began).Seconds()))
	return d.fleet.tend(ctx)
}

// pushes makes the neighbours, those that have stopped reporting apart.
func (d *Demo) pushes(template *fleetsim.Template) (silent, live []demoPush) {
	for i := range d.Hosts {
		core := d.fleet.core(i)
		push := demoPush{core.name, template.Host(d.Seed, i, core.domain())}
		if fleetsim.Silent(d.Seed, i) {
			push.snap.TTL = silentTTL
			silent = append(silent, push)
		} else {
			live = append(live, push)
		}
	}
	return silent, live
}
