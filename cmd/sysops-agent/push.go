package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/wholefile"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// originalServers are the flags by which the original took its four servers.
var originalServers = []struct{ name, letter, ordinal string }{
	{"primary", "p", "first"},
	{"secondary", "s", "second"},
	{"tertiary", "t", "third"},
	{"fourth", "f", "fourth"},
}

const retryHelp = "try servers again for so long that are down, hang or are full of connections (default not at all)"

func newPush() *cobra.Command {
	var cfengine bool
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "push",
		Short: "Push the outgoing directory and the collected JSON object",
		Long: `Push what the outgoing directory chooses, and each section of the JSON object, to
all servers of the core at once. Contents travel only where they changed or a server
lost them; objects that this host no longer has are deleted.

Exit status 0: every server has all of it. 2: some server does not; the others do.
With --retry, servers that are down, hang, load their data or have no connection left
are tried again, after random pauses that grow. A wrong password and the like are not.

With --dry-run it shows each object, how many bytes of it would be sent, and in which
lines of it which rule found a secret, which is not shown.

With --cfengine it is a module of CFEngine: it prints classes and variables, whatever
happens, and nothing else. docs/driving.md lists them; contrib/cfengine has a policy.`,
		Example: `  sysops-agent push --server redis://mps01:6379/1 --server redis://mps02:6379/1
  sysops-agent push -p mps01 -s mps02 -t mps01 -f mps02
  sysops-agent push --dry-run
  sysops-agent push --cfengine`,
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := dry.check(cmd, cfengine); err != nil {
				return err
			}
			if cfengine {
				return pushForCFEngine(cmd)
			}
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			if dry.on {
				return dry.run(cmd, s)
			}
			_, err = s.push(cmd)
			return err
		},
	}
	addPushFlags(cmd)
	dry.addFlags(cmd)
	cmd.Flags().BoolVar(&cfengine, "cfengine", false, "tell CFEngine what became of it, in its module protocol, and say nothing else")
	cli.CommandLineOnly(cmd, "cfengine")
	for _, f := range originalServers {
		cmd.Flags().StringP(f.name, f.letter, "", "the "+f.ordinal+" of the original's four servers; repeats are folded")
	}
	return cmd
}

// addPushFlags adds the flags that push and run share.
func addPushFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Duration("ttl", 0, "how long the snapshot lives unless it is renewed (default 6h)")
	f.Bool("take-over", false, "push although another machine uses this host name")
	f.BoolP("quiet", "q", false, "say nothing but errors")
	f.String("metrics", "", "`file` for node_exporter's textfile collector; default none")
	f.Duration("retry", 0, retryHelp)
}

// push pushes, and says on stderr what became of it. The report is nil where no
// server was asked.
func (s *settings) push(cmd *cobra.Command) (*snapshot.Report, error) {
	if err := s.checkState(); err != nil {
		return nil, err
	}
	unlock, err := s.lock(cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	defer unlock()
	began := time.Now()
	before, unreadable := s.lastPush()
	record := func(report *snapshot.Report, listed *collect.Snapshot, churning []churn, failed error) (news []error, err error) {
		if hostfs.Unknown(unreadable) {
			return nil, unreadable
		}
		r := newPushRecord(s.host, before, report, listed, failed, began, time.Now())
		r.Churn = churning
		return r.news, s.record(r)
	}
	warn := func(err error) {
		if err != nil && !s.quiet {
			terminal.Warn(cmd.ErrOrStderr(), "%v", err)
		}
	}
	told := newOutages(before)
	report, listed, pushed := s.pushAlone(cmd, told, func(report *snapshot.Report, listed *collect.Snapshot) {
		_, err := record(report, listed, before.churn(), errRetrying) // what is news is told at the end
		warn(err)
	})
	churning, unkept := s.noteNames(listed, report)
	news, err := record(report, listed, churning, pushed)
	for _, p := range churning {
		news = append(news, p.err(s))
	}
	if !s.quiet {
		terminal.WarnOf(cmd.ErrOrStderr(), news...)
	}
	warn(cmp.Or(err, unkept)) // mostly for one reason
	told.tellEnds(cmd.ErrOrStderr(), report, time.Now())
	if told.allOf(report) {
		pushed = toldOutage{pushed}
	}
	return report, pushed
}

// pushAlone is push where no other is under way.
func (s *settings) pushAlone(cmd *cobra.Command, told *outages, retrying func(*snapshot.Report, *collect.Snapshot)) (*snapshot.Report, *collect.Snapshot, error) {
	snap, listed, err := s.snapshot(nil)
	if err != nil {
		return nil, nil, err
	}
	snap.Retry = s.retry()
	snap.Retrying = func(r *snapshot.Report) {
		retrying(r, listed)
		told.tell(cmd.ErrOrStderr(), r, snap.Retry)
	}
	if err := s.keepBases(); err != nil && !s.quiet {
		terminal.Warn(cmd.ErrOrStderr(), "%v", err)
	}
	client, _, err := s.connect(cmd)
	if err != nil {
		return nil, listed, err
	}
	defer client.Close()
	report, pushed := client.Publish(cmd.Context(), "", snap)
	if report == nil {
		return nil, listed, pushed
	}
	if s.agent.Interactions {
		if err := s.recordInteractions(report, time.Now()); err != nil {
			terminal.Warn(cmd.ErrOrStderr(), "%v", err)
		}
	}
	warnForeign(cmd.ErrOrStderr(), report)
	if !s.quiet {
		for _, p := range listed.Problems {
			terminal.Warn(cmd.ErrOrStderr(), "%s", output.OneLine(p.Error())) // it holds names that users have chosen
		}
		printReport(cmd.ErrOrStderr(), report, told)
	}
	return report, listed, pushed
}

// lock keeps two pushes of one outgoing directory apart: the second would undo what the first
// is doing. Whoever may read a folder or file can lock it, for ever: a directory that others
// may read is no lock, but a file in the state directory is.
func (s *settings) lock(stderr io.Writer) (unlock func(), err error) {
	dir := s.agent.Outgoing
	f, err := hostfs.Call(s.files, func() (*os.File, error) { return openOwn(dir) })
	switch {
	case errors.Is(err, hostfs.ErrSilent):
		return nil, fmt.Errorf("cannot push %s: %w", dir, err)
	case errors.Is(err, os.ErrNotExist):
		return nil, hint.To(fmt.Errorf("cannot push: %w", err), "sysops-agent init creates and fills it; --outgoing names another")
	case err != nil:
		return nil, fmt.Errorf("cannot push: %w", err)
	case f == nil:
		return s.lockFile(stderr)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, underWay(dir)
	}
	return func() { f.Close() }, nil
}

// openOwn opens a folder that nobody else may read; nil where others may.
func openOwn(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Mode()&0o044 != 0 {
		f.Close()
		return nil, nil
	}
	return f, nil
}

// lockFile locks a file that nobody else can open. Where there can be none, a push is better
// than no push.
func (s *settings) lockFile(stderr io.Writer) (unlock func(), err error) {
	var f *os.File
	if err = wholefile.MkdirAll(nil, s.agent.State, 0o700); err == nil {
		if err := s.checkState(); err != nil {
			return nil, err // it was missing, and somebody else was quicker
		}
		f, err = wholefile.Lock(nil, filepath.Join(s.agent.State, "push.lock"))
	}
	switch {
	case errors.Is(err, wholefile.ErrBusy):
		return nil, underWay(s.agent.Outgoing)
	case err == nil:
		return func() { f.Close() }, nil
	case !s.quiet:
		terminal.Warn(stderr, "nothing keeps two pushes of %s apart: others may read it, and so lock it, and no lock can be made in %s (%v); run: chmod 0700 %[1]s",
			s.agent.Outgoing, s.agent.State, pathless(err))
	}
	return func() {}, nil
}

func underWay(dir string) error {
	return fmt.Errorf("cannot push %s: another push of it is under way", dir)
}

// snapshot lists what there is to push. found, where it is not nil, is told what was redacted in
// each object that is read.
func (s *settings) snapshot(found func([]redact.Finding)) (snapshot.Snapshot, *collect.Snapshot, error) {
	options, err := s.fileOptions()
	if err != nil {
		return snapshot.Snapshot{}, nil, err
	}
	options.Found = found
	listed, err := collect.Outgoing(s.agent.Outgoing, options)
	if err != nil {
		return snapshot.Snapshot{}, nil, err
	}
	machine, err := hostfs.Call(s.files, func() (string, error) { return collect.MachineID(), nil })
	if err != nil {
		return snapshot.Snapshot{}, nil, fmt.Errorf("cannot read this machine's id: %w", err)
	}
	snap := snapshot.Snapshot{
		Host: s.host, Machine: machine, TTL: time.Duration(s.agent.TTL), Sources: listed.Sources, Keep: listed.Keep, TakeOver: s.takeOver,
	}
	if s.agent.Interactions {
		snap.Sources = append(snap.Sources, s.interactionSource())
	}
	return snap, listed, nil
}

// warnForeign tells, whatever else is to be said, that somebody else has written what is this
// host's.
func warnForeign(w io.Writer, r *snapshot.Report) {
	for _, s := range r.Servers {
		for _, name := range s.Foreign {
			terminal.Warn(w, "server %s had something else in place of %s: others can write there. It has been written anew", s.Server, name)
		}
	}
}

// unread says what becomes of an object that could not be read.
func unread(name string, err error) error {
	if errors.Is(err, snapshot.ErrUnknown) {
		return fmt.Errorf("%s is unknown, and stays on the servers as it was: %w", name, err)
	}
	return fmt.Errorf("%s is left out: %w", name, err)
}

// mostRefused is how many objects are named that one server did not take.
const mostRefused = 3

// printReport prints what became of a push, but for the outages that have been told.
func printReport(w io.Writer, r *snapshot.Report, told *outages) {
	for _, p := range r.Problems {
		terminal.Warn(w, "%s", output.OneLine(unread(p.Name, p.Err).Error()))
	}
	if r.Bases != nil {
		terminal.Warn(w, "%v", r.Bases)
	}
	for _, s := range r.Servers {
		for i, p := range s.Refused {
			if i == mostRefused { // mostly all for one reason
				terminal.Warn(w, "server %s did not take %s", s.Server, words.Plural(len(s.Refused)-i, "more object"))
				break
			}
			terminal.Warn(w, "%s", output.OneLine(p.Err.Error()))
		}
		switch {
		case s.Err == nil:
		case told.has(s):
			continue
		default:
			terminal.Warn(w, "%v", s.Err)
			continue
		}
		terminal.Say(w, "%s: %s · %.1f KB out, %.1f KB in · %.2f s", s.Server, pushedOf(s), float64(s.Sent)/1e3, float64(s.Received)/1e3, s.Took.Seconds())
	}
}
