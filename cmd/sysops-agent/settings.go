package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Where things are unless the config or a flag says otherwise.
const (
	defaultOutgoing = "/var/lib/sysops/outgoing"
	defaultState    = "/var/lib/sysops/state"
	defaultEvery    = 20 * time.Minute
)

// settings is what the flags, the environment and the config say, together.
type settings struct {
	conf     *config.Config
	agent    config.Agent // with the defaults filled in
	host     string
	takeOver bool
	quiet    bool     // say nothing but errors
	servers  []string // of -p -s -t -f
	bases    string   // the folder of bases; "": objects are packed by themselves

	files *hostfs.Host // which of this host's file systems do not answer
}

func newSettings(cmd *cobra.Command) (*settings, error) {
	conf, err := cli.Settings(cmd)
	if err != nil {
		return nil, err
	}
	s := &settings{conf: conf, agent: conf.Agent, files: hostfs.New()}
	text := func(flag string) string {
		f := cmd.Flags().Lookup(flag)
		if f == nil {
			return ""
		}
		return f.Value.String()
	}
	a := &s.agent
	a.Outgoing = cmp.Or(text("outgoing"), a.Outgoing, defaultOutgoing)
	a.JSON = cmp.Or(text("json"), a.JSON, collect.DefaultPath)
	a.State = cmp.Or(text("state"), a.State, defaultState)
	a.Metrics = cmp.Or(text("metrics"), a.Metrics)
	for _, path := range []*string{&a.Outgoing, &a.JSON, &a.State, &a.Metrics} {
		if *path == "" {
			continue
		}
		// Names are made of them: the same wherever the agent is started.
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, fmt.Errorf("cannot find %s: %w", *path, err)
		}
	}
	a.TTL = cmp.Or(a.TTL, config.Duration(snapshot.DefaultTTL))
	a.Every = cmp.Or(a.Every, config.Duration(defaultEvery))
	for flag, value := range map[string]*config.Duration{"ttl": &a.TTL, "every": &a.Every} {
		if err := durationFlag(cmd, flag, value); err != nil {
			return nil, err
		}
	}
	if a.Splay == nil {
		a.Splay = new(a.Every / 4)
	}
	if err := durationFlag(cmd, "splay", a.Splay); err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("retry") {
		a.Retry = new(config.Duration(0))
		if err := durationFlag(cmd, "retry", a.Retry); err != nil {
			return nil, err
		}
	}
	if s.host, err = hostName(cmp.Or(text("host"), a.Host), a.Domain); err != nil {
		return nil, err
	}
	s.takeOver, s.quiet = text("take-over") == "true", text("quiet") == "true"
	for _, f := range originalServers {
		if v := text(f.name); v != "" {
			s.servers = append(s.servers, serverURL(v))
		}
	}
	return s, nil
}

// durationFlag sets value from a flag, where the command has it and it is given.
func durationFlag(cmd *cobra.Command, flag string, value *config.Duration) error {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	d, err := cmd.Flags().GetDuration(flag)
	if err != nil {
		return err
	}
	if d < 0 {
		return fmt.Errorf("cannot use --%s %v: it is negative", flag, d)
	}
	*value = config.Duration(d)
	return nil
}

func hostName(given, domain string) (string, error) {
	if given == "" {
		return collect.HostName(domain)
	}
	host, err := sysops.ParseHost(given)
	if err == nil && domain != "" && !strings.Contains(host, ".") {
		host, err = sysops.ParseHost(host + "." + domain)
	}
	return host, err
}

// serverURL makes a URL of the bare host names that the original took.
func serverURL(s string) string {
	if strings.Contains(s, "://") {
		return s
	}
	return "redis://" + s
}

// connect opens the client for the servers of this host's core.
func (s *settings) connect(cmd *cobra.Command) (*sysops.Client, sysops.Directory, error) {
	options, err := s.conf.Options()
	if err != nil {
		return nil, nil, err
	}
	options.BasesFolder, options.NoBases = s.bases, s.bases == ""
	dir := sysops.ServerList(s.servers...)
	if len(s.servers) == 0 {
		if dir, err = cli.Directory(cmd, s.conf, s.agent.State); err != nil {
			return nil, nil, err
		}
	}
	client, err := sysops.New(dir, sysops.Options(options))
	return client, dir, err
}

// commands returns the catalogue as the config changes it.
func (s *settings) commands() ([]collect.Command, error) {
	list := collect.Catalogue()
	for _, section := range sortedKeys(s.agent.Commands) {
		c := s.agent.Commands[section]
		list = slices.DeleteFunc(list, func(old collect.Command) bool {
			return old.Section == section && (c.Off || len(c.Run) > 0)
		})
		switch {
		case c.Off:
		case len(c.Run) > 0:
			list = append(list, collect.Command{Section: section, Argv: c.Run, Timeout: time.Duration(c.Timeout), Limit: int64(c.Limit)})
		default:
			known := false
			for i := range list {
				if list[i].Section == section {
					list[i].Timeout = cmp.Or(time.Duration(c.Timeout), list[i].Timeout)
					list[i].Limit = cmp.Or(int64(c.Limit), list[i].Limit)
					known = true
				}
			}
			if !known {
				return nil, hint.To(fmt.Errorf("cannot use agent.commands.%s: it says no program to run, and the catalogue has no such section", section), "write run: [program, argument …]")
			}
		}
	}
	return list, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// keepBases prepares the folder that keeps bases from one push to the next. Without
// one a push goes without bases: to download them every time would cost more than
// they save.
func (s *settings) keepBases() error {
	s.bases = ""
	if !s.usesBases() {
		return nil
	}
	dir := s.basesFolder()
	err := s.files.Do(func() error {
		if err := wholefile.MkdirAll(nil, dir, 0o700); err != nil {
			return err
		}
		return checkBases(dir)
	})
	if err != nil {
		return noBases(dir, err)
	}
	s.bases = dir
	return nil
}

// answers returns an error where a path leads to a file system that does not answer.
func (s *settings) answers(path string) error {
	root, err := s.files.Root()
	if err == nil {
		_, err = root.Find(path, true)
	}
	if errors.Is(err, hostfs.ErrSilent) {
		return err
	}
	return nil
}

func (s *settings) usesBases() bool { return s.agent.Bases == nil || *s.agent.Bases }

func (s *settings) basesFolder() string { return filepath.Join(s.agent.State, "bases") }

// checkBases makes sure that the folder of bases can be written.
func checkBases(dir string) error {
	if err := trust.Check(dir); err != nil {
		return err
	}
	return writable(dir)
}

// checkState says who else can change what is kept between two pushes, or exchange all of it.
// What is wrong with it otherwise, who writes there tells.
func (s *settings) checkState() error {
	for _, dir := range []string{s.agent.State, s.basesFolder()} {
		if err, untrusted := errors.AsType[*trust.Error](trust.Check(dir)); untrusted {
			return hint.To(fmt.Errorf("cannot use the state directory %s: %w", dir, err), "whoever may write there could have the agent ask other servers, or read any file")
		}
	}
	return nil
}

func noBases(dir string, err error) error {
	return fmt.Errorf("cannot keep bases in %s: %w; without, objects take more room on the servers (--state DIR names another place)", dir, pathless(err))
}

// pathless strips the path off an error that the message has named already.
func pathless(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// fileOptions returns how files are read, the redaction included.
func (s *settings) fileOptions() (collect.FileOptions, error) {
	o := collect.FileOptions{
		Host: s.files, JSON: s.agent.JSON, MaxSize: int64(s.agent.MaxObject),
		Private: globs(s.agent.Private), NotPrivate: globs(s.agent.NotPrivate), Secrets: s.conf.Secrets(),
	}
	var err error
	o.Redactor, err = s.redactor()
	return o, err
}

// redactor returns what takes secrets out of all that the agent tells: nil where the config says
// that they are to stay in.
func (s *settings) redactor() (*redact.Redactor, error) {
	if s.agent.Redact != nil && !*s.agent.Redact {
		return nil, nil
	}
	key, err := s.agent.RedactKey()
	if err != nil {
		return nil, err
	}
	return redact.New(key), nil
}

func globs(list []config.NameGlob) []string {
	out := make([]string, len(list))
	for i, g := range list {
		out[i] = string(g)
	}
	return out
}

// checkSchedule refuses a schedule by which the host would be missing between two
// pushes.
func (s *settings) checkSchedule() error {
	every, splay, ttl := time.Duration(s.agent.Every), time.Duration(*s.agent.Splay), time.Duration(s.agent.TTL)
	if every < time.Minute {
		return fmt.Errorf("cannot push every %v: the least is 1m", every)
	}
	if retry := s.retry(); retry > every {
		return fmt.Errorf("cannot try for %v what is due again after %v: agent.retry may be as long as agent.every", retry, every)
	}
	if every+splay < ttl {
		return nil
	}
	return hint.To(fmt.Errorf("cannot push every %v with a splay of %v and a TTL of %v: the host would be missing between two pushes", every, splay, ttl), "set agent.ttl to several times agent.every")
}

// retry is for how long a server is tried again at which the push failed.
func (s *settings) retry() time.Duration {
	if s.agent.Retry == nil {
		return 0
	}
	return time.Duration(*s.agent.Retry)
}

// elsewhere says, where a path may not be written, how to name another.
func elsewhere(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return hint.To(err, "--outgoing DIR and --json FILE, or agent: {outgoing: …, json: …} in ~/.config/sysops/config.yaml, name places that you may write to")
}
