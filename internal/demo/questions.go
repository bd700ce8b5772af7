package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
)

// A question is what a sysadmin wants to know, and the arguments that ask it.
type question struct {
	text string
	args []string
}

func (d *demo) questions() []question {
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
func (d *demo) aHost() string {
	for i := range d.hosts {
		if !fleetsim.Silent(d.seed, i) {
			return fleetsim.Name(i, d.fleet.core(i).domain())
		}
	}
	return d.own
}

// ask asks the questions as the shell would: through the same commands. The
// question, the command and its answer go to stdout, what the command tells
// people to stderr.
func (d *demo) ask(ctx context.Context) error {
	for _, q := range d.questions() {
		fmt.Fprintf(d.stdout, "\n# %s\n$ %s\n", q.text, commandLine("sysops", q.args))
		if err := d.stdout.Flush(); err != nil {
			return err
		}
		began := time.Now()
		args := append([]string{"sysops"}, q.args...)
		status := run(ctx, append(args, "--config", d.fleet.config()), d.stdin, d.stdout, d.stderr)
		took := time.Since(began)
		if status > exitNothing {
			return fmt.Errorf("cannot go on: %s ended with exit status %d", commandLine("sysops", q.args), status)
		}
		fmt.Fprintf(d.stderr, "(exit status %d, %.2f s for the whole command)\n", status, took.Seconds())
	}
	return nil
}

// invitations are questions to go on with. The config makes the scope global.
func (d *demo) invitations() []question {
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

// invite says how to go on.
func (d *demo) invite() {
	fmt.Fprintf(d.stderr, "\nThe fleet keeps running. In another terminal:\n\n  export SYSOPS_CONFIG=%s\n", shellQuote(d.fleet.config()))
	if len(d.setAside) > 0 {
		fmt.Fprintf(d.stderr, "  unset %s\n", strings.Join(d.setAside, " "))
	}
	for _, q := range d.invitations() {
		fmt.Fprintf(d.stderr, "\n  # %s\n  %s\n", q.text, commandLine("sysops", q.args))
	}
	fmt.Fprint(d.stderr, `
From a checkout, without sysops installed, write it as: go run ./cmd/sysops ls
Ctrl-C ends the demonstration.
`)
}

// commandLine is what a user would type.
func commandLine(program string, args []string) string {
	var b strings.Builder
	b.WriteString(shellQuote(program))
	for _, a := range args {
		b.WriteByte(' ')
		b.WriteString(shellQuote(a))
	}
	return b.String()
}

// shellQuote quotes a word for the shell, where it needs that.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=@%+", r)
	}
	if s != "" && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
