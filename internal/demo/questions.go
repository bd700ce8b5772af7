package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A question is what a sysadmin wants to know, and the arguments that ask it.
type question struct {
	text string
	args []string
}

func (d *Demo) questions() []question {
	return []question{
		{
			"Which values has net.core.netdev_budget, on all machines everywhere?",
			[]string{"grep", "--uniq", "^net.core.netdev_budget =", "sysctl-a", "--scope", "global"},
		},
		{
			"Which name servers does this one host use?",
			[]string{"cat", d.aHost() + "#/etc/resolv.conf", "--scope", "global"},
		},
		{
			"Who differs from the usual 300, or does not tell?",
			[]string{"grep", "-L", "^net.core.netdev_budget = 300$", "sysctl-a", "--scope", "global"},
		},
	}
}

// aHost is the first neighbour that still reports, this machine if there is none.
func (d *Demo) aHost() string {
	for i := range d.Hosts {
		if !fleetsim.Silent(d.Seed, i) {
			return fleetsim.Name(i, d.fleet.core(i).domain())
		}
	}
	return d.own
}

// nothingMatches is the exit status of a question that is answered all the same.
const nothingMatches = 1

// ask asks the questions as the shell would: through the same commands. The
// question, the command and its answer go to stdout, what the command tells
// people to stderr.
func (d *Demo) ask(ctx context.Context) error {
	for _, q := range d.questions() {
		fmt.Fprintln(d.Stdout)
		terminal.SayBehind(d.Stdout, "# ", q.text)
		fmt.Fprintf(d.Stdout, "$ %s\n", words.CommandLine("sysops", q.args))
		if err := d.Stdout.Flush(); err != nil {
			return err
		}
		began := time.Now()
		status := d.Ask(ctx, append(slices.Clone(q.args), "--config", d.fleet.config()))
		took := time.Since(began)
		if status > nothingMatches {
			return fmt.Errorf("cannot go on: %s ended with exit status %d", words.CommandLine("sysops", q.args), status)
		}
		terminal.Say(d.Stderr, "(exit status %d, %.2f s for the whole command)", status, took.Seconds())
	}
	return nil
}

// invitations are questions to go on with. The config makes the scope global.
func (d *Demo) invitations() []question {
	return []question{
		{"Which files and outputs are there, on how many hosts?", []string{"ls"}},
		{"Who has stopped reporting?", []string{"hosts", "--missing"}},
		{"Which variants of this file are there, and how do they differ?", []string{"diff", "--all", "/etc/ssh/sshd_config"}},
		{"Which kernels are there?", []string{"grep", "--uniq", "^kernel.osrelease", "sysctl-a"}},
		{"Who uses a public name server?", []string{"grep", "-F", "8.8.8.8", "/etc/resolv.conf"}},
		{"Who has a connection to this address?", []string{"grep", "-l", "-F", fleetsim.Address(0, d.fleet.core(0).domain()) + ":", "ss-anp"}},
		{"Which kernel settings are not what the files say?", []string{"audit", "sysctl"}},
		{"Who may run what with sudo?", []string{"audit", "sudo"}},
		{"In which lines of sudoers does who differ from most?", []string{"diff", "--all", "--lines", "/etc/sudoers.d/*"}},
		{"Who is root?", []string{"audit", "access", "--user", "0"}},
		{"Which hosts have a worse network, and which switch do they share?", []string{"audit", "network", "--report"}},
		{"What does this machine say?", []string{"cat", d.own + "#/etc/os-release"}},
		{"Who asked what?", []string{"queries"}},
	}
}

// invite says how to go on. Commands stand on one line, however narrow the terminal is: so
// they can be copied.
func (d *Demo) invite() {
	fmt.Fprintln(d.Stderr)
	terminal.Say(d.Stderr, "The fleet keeps running. In another terminal:")
	fmt.Fprintf(d.Stderr, "\n  export SYSOPS_CONFIG=%s\n", words.ShellQuote(d.fleet.config()))
	if len(d.setAside) > 0 {
		fmt.Fprintf(d.Stderr, "  unset %s\n", strings.Join(d.setAside, " "))
	}
	for _, q := range d.invitations() {
		fmt.Fprintln(d.Stderr)
		terminal.SayBehind(d.Stderr, "  # ", q.text)
		fmt.Fprintf(d.Stderr, "  %s\n", words.CommandLine("sysops", q.args))
	}
	fmt.Fprintln(d.Stderr)
	terminal.Say(d.Stderr, "From a checkout, without sysops installed, write it as: go run ./cmd/sysops ls")
	terminal.Say(d.Stderr, "Ctrl-C ends the demonstration.")
}
