package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/snmp"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func newCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with config, permissions and connections",
		Long: `Look at everything that a push relies on, and print a line for each: ok, warning or
error. Exit status 0 where a push can work, 2 where it cannot.`,
		Example: "  sysops-agent check\n  sysops-agent check --server redis://mps01:6379/1",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			c := newChecklist(cmd.OutOrStdout())
			s.checkConfig(c)
			s.checkFiles(c)
			s.checkServers(cmd, c)
			if c.errors > 0 {
				return fmt.Errorf("cannot push yet: %d of the checks failed", c.errors)
			}
			return nil
		},
	}
}

// A checklist prints what was found.
type checklist struct {
	w      *terminal.Writer
	text   *terminal.Text
	errors int
}

func newChecklist(w io.Writer) *checklist {
	out := terminal.NewWriter(w)
	return &checklist{w: out, text: terminal.NewText(out, false)}
}

var checkTable = &output.Table{Columns: []output.Column{{Width: len("warning ")}, {}}}

// add prints a line at once: the next check may take a while.
func (c *checklist) add(result, text string) {
	_ = c.text.Write(&output.Row{Table: checkTable, Cells: output.Cells(result, terminal.SafeText(output.OneLine(text)))})
	_ = c.w.Flush() // a pipe that was closed has had enough
}

func (c *checklist) ok(format string, args ...any) { c.add("ok", fmt.Sprintf(format, args...)) }

func (c *checklist) warning(format string, args ...any) {
	c.add("warning", fmt.Sprintf(format, args...))
}

// warningOf is a warning with what to do about it.
func (c *checklist) warningOf(err error) { c.tell("warning", err) }

func (c *checklist) error(err error) {
	c.errors++
	c.tell("error", err)
}

func (c *checklist) tell(result string, err error) {
	c.add(result, err.Error())
	for _, hint := range terminal.Hints(err) {
		c.add("", hint)
	}
}

func (s *settings) checkConfig(c *checklist) {
	for _, f := range s.conf.Files {
		c.ok("config %s", f)
	}
	if s.conf.PassedOver != "" {
		c.warning("root does not read %s, the config of another user", s.conf.PassedOver)
	}
	if len(s.conf.Files) == 0 {
		c.ok("no config file: flags, environment and defaults")
	}
	c.ok("host name %s", s.host)
	if machine, err := hostfs.Call(s.files, func() (string, error) { return collect.MachineID(), nil }); err != nil {
		c.error(fmt.Errorf("cannot read this machine's id: %w", err))
	} else if machine == "" {
		c.warning("this machine has no id (/etc/machine-id): two machines that push as %s would not be told apart", s.host)
	}
	commands, err := s.commands()
	if err != nil {
		c.error(err)
	}
	for _, err := range collect.CheckPrograms(s.files, commands) {
		c.warning("%v", err)
	}
	if err := s.checkSchedule(); err != nil {
		c.error(err)
	}
}

func (s *settings) checkFiles(c *checklist) {
	if os.Geteuid() != 0 {
		c.warning("not running as root: what this user cannot read is left out")
	}
	if snap, listed, err := s.snapshot(nil); err != nil {
		c.error(err)
	} else {
		c.ok("outgoing directory %s: %d objects", s.agent.Outgoing, len(snap.Sources))
		if len(snap.Sources) == 0 {
			c.error(errors.New("cannot push an empty snapshot: sysops-agent init chooses files"))
		}
		for _, p := range listed.Problems {
			c.warning("%v", p)
		}
		s.checkNames(c, listed)
	}
	folder := filepath.Dir(s.agent.JSON)
	err := s.answers(folder)
	if err == nil {
		err = s.files.Do(func() error { return writable(folder) })
	}
	if err != nil {
		c.warning("collect cannot write %s: %v", s.agent.JSON, err)
	} else {
		c.ok("collect can write %s", s.agent.JSON)
	}
	if err = s.answers(s.agent.State); err != nil {
		c.error(fmt.Errorf("cannot use the state directory %s: %w", s.agent.State, err))
	} else if err = s.files.Do(s.checkState); err != nil {
		c.error(err)
	} else {
		s.checkBasesFolder(c)
	}
	if path := s.agent.SNMP.Credentials; path != "" {
		err := s.files.Do(func() error {
			_, err := snmp.ReadCredentials(path)
			return err
		})
		if err != nil {
			c.warning("%v", err) // a push works without
		}
	}
}

// checkNames tells where many names come and go.
func (s *settings) checkNames(c *checklist, listed *collect.Snapshot) {
	churning, err := s.churnOfNames(listed)
	if err != nil {
		c.warning("%v", err)
	}
	for _, p := range churning {
		c.warningOf(p.err(s))
	}
}

// checkBasesFolder tells whether a push could keep bases, and creates nothing.
func (s *settings) checkBasesFolder(c *checklist) {
	if !s.usesBases() {
		c.ok("no bases (agent.bases: false): each object stands by itself")
		return
	}
	dir := s.basesFolder()
	if err := s.files.Do(func() error { return couldKeepBases(dir) }); err != nil {
		c.warning("%v", noBases(dir, err))
	} else {
		c.ok("push can keep bases in %s", dir)
	}
}

func couldKeepBases(dir string) error {
	there := dir // or the folder that it would be created in
	for there != filepath.Dir(there) {
		if _, err := os.Stat(there); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		there = filepath.Dir(there)
	}
	if there == dir {
		return checkBases(there)
	}
	return writable(there)
}

// writable creates and removes a file, which is the only way to be sure.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".sysops-check-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func (s *settings) checkServers(cmd *cobra.Command, c *checklist) {
	if s.usesBases() {
		s.bases = s.basesFolder() // which nothing is written to; see checkBasesFolder
	}
	client, dir, err := s.connect(cmd)
	if err != nil {
		c.error(err)
		return
	}
	defer client.Close()
	_, core, err := dir.Local(cmd.Context())
	if err != nil {
		c.error(err)
		return
	}
	if core == "" {
		c.error(errors.New("cannot find this host's core: set directory.local.core in the config"))
		return
	}
	servers, err := dir.Servers(cmd.Context(), core)
	if err != nil {
		c.error(err)
		return
	}
	if len(servers) == 1 {
		c.warning("core %s has a single server: nothing answers while it is down", core)
	}
	for _, url := range servers {
		warnings, err := client.CheckServer(cmd.Context(), url, s.host)
		if err != nil {
			c.error(err)
			continue
		}
		c.ok("server %s answers, and takes writes", url)
		for _, w := range warnings {
			c.warning("%s", w)
		}
	}
}
