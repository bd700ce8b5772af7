package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/snmp"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

const (
	defaultSNMPTTL = 30 * 24 * time.Hour // the original's
	snmpWalks      = "snmp-walks"        // the object that tells how the walks of a device ended
	maxParallel    = 256
)

func newSNMP() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snmp",
		Short: "Walk devices that speak SNMP, and push what they say",
		Long: `Walk each device below each OID, as snmpwalk does, and push it as <device>#<oid>: text,
a line a variable. A walk that does not come to its end replaces nothing; how each one
ended is in the device's object snmp-walks. What is known of a device that does not
answer lives until its TTL ends. One run walks all OIDs of a device: what it does not
name is deleted.

The credentials are in a file that not everyone may read:
  community: …               version 2c
or
  user: …                    version 3
  auth_passphrase: …         and auth: SHA (default), SHA256, …
  priv_passphrase: …         and priv: AES (default), AES256, …

Exit status 0: every server has all of every device. 2: not so; the rest is pushed.`,
		Example: `  sysops-agent snmp                  what the config lists under agent: snmp:
  sysops-agent snmp --target sw1.example.com --oids .1.3.6.1.2.1.1 \
      --credentials /etc/sysops/snmp.yaml
  sysops-agent snmp --target sw1=10.0.0.7:1161 --oids .1.3.6.1.2.1.1 \
      --credentials snmp.yaml --print`,
		Args: cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := newSettings(cmd)
			if err != nil {
				return err
			}
			return s.snmp(cmd)
		},
	}
	f := cmd.Flags()
	f.StringSlice("target", nil, "device to walk, as `NAME` or NAME=ADDRESS[:PORT]; repeatable")
	f.String("targets-file", "", "`file` of further devices, one a line; - is stdin")
	f.StringSlice("oids", nil, "`OIDs` in numbers: a walk and an object each")
	f.String("credentials", "", "YAML `file` with community, or user and passphrases")
	f.Duration("ttl", 0, "how long what a device said lives unless it is walked again (default 720h)")
	f.Duration("timeout", 0, "how long to wait for an answer (default 5s)")
	f.Int("retries", snmp.DefaultRetries, "how often a question is put again")
	f.Int("parallel", 8, "how many devices to walk at a time")
	f.Bool("print", false, "print what the devices say, and push nothing")
	f.Bool("take-over", false, "push although another machine walks these devices")
	f.BoolP("quiet", "q", false, "say nothing but what went wrong")
	cli.CommandLineOnly(cmd, "ttl") // that of the host's own snapshot is another
	return cmd
}

// A snmpRun is one walk of all devices.
type snmpRun struct {
	*settings
	walker   *snmp.Walker
	targets  []target
	oids     []string
	ttl      time.Duration
	redactor *redact.Redactor
	client   *sysops.Client // nil: print
	stdout   io.Writer

	mu     sync.Mutex // guards what follows, and what is written
	stderr io.Writer
	failed []error // of devices, each once
}

func (s *settings) snmp(cmd *cobra.Command) error {
	parallel, err := cmd.Flags().GetInt("parallel")
	if err != nil {
		return err
	}
	if parallel < 1 || parallel > maxParallel {
		return fmt.Errorf("cannot walk %d devices at a time: from 1 to %d are possible", parallel, maxParallel)
	}
	run, err := s.newSNMPRun(cmd)
	if err != nil {
		return err
	}
	if print, err := cmd.Flags().GetBool("print"); err != nil {
		return err
	} else if !print {
		if run.client, _, err = s.connect(cmd); err != nil {
			return err
		}
		defer run.client.Close()
	}
	return run.walkAll(cmd.Context(), parallel)
}

// newSNMPRun settles what the flags and the config say.
func (s *settings) newSNMPRun(cmd *cobra.Command) (*snmpRun, error) {
	conf, f := s.agent.SNMP, cmd.Flags()
	run := &snmpRun{settings: s, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	if terminal.IsTerminal(run.stdout) {
		run.stdout = terminal.SafeWriter(run.stdout)
	}
	for flag, value := range map[string]*config.Duration{"ttl": &conf.TTL, "timeout": &conf.Timeout} {
		if err := durationFlag(cmd, flag, value); err != nil {
			return nil, err
		}
	}
	run.ttl = cmp.Or(time.Duration(conf.TTL), defaultSNMPTTL)
	run.walker = &snmp.Walker{Timeout: time.Duration(conf.Timeout), MaxBytes: int(cmp.Or(s.agent.MaxObject, collect.DefaultMaxSize))}
	retries, err := f.GetInt("retries")
	if err != nil {
		return nil, err
	}
	if conf.Retries != nil && !f.Changed("retries") {
		retries = *conf.Retries
	}
	if retries < 0 {
		return nil, fmt.Errorf("cannot put a question %d times again: the number is negative", retries)
	}
	if run.walker.Retries = retries; retries == 0 {
		run.walker.Retries = -1
	}
	redactor, err := s.redactor()
	if err != nil {
		return nil, err
	}
	run.redactor = redactor.Plain() // nobody knows who has a say in what devices tell
	if err := run.readTargets(cmd, conf); err != nil {
		return nil, err
	}
	if err := run.readOIDs(cmd, conf); err != nil {
		return nil, err
	}
	path, err := f.GetString("credentials")
	if err != nil {
		return nil, err
	}
	if path = cmp.Or(path, conf.Credentials); path == "" {
		return nil, hint.To(errors.New("cannot walk any device: no credentials are given"), "name a file with --credentials or agent: {snmp: {credentials: …}}; it holds community: …, or user: …, and has the mode 0600")
	}
	run.walker.Credentials, err = snmp.ReadCredentials(path)
	return run, err
}

func (r *snmpRun) readOIDs(cmd *cobra.Command, conf config.SNMP) error {
	list, err := cmd.Flags().GetStringSlice("oids")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		list = conf.OIDs
	}
	for _, text := range list {
		oid, err := snmp.ParseOID(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		if !slices.Contains(r.oids, oid) {
			r.oids = append(r.oids, oid)
		}
	}
	if len(r.oids) == 0 {
		return hint.To(errors.New("cannot walk any device: no OID is given"), "name them with --oids or agent: {snmp: {oids: […]}}: .1.3.6.1.2.1.1 is the system's description, .1.3.6.1.2.1.2.2 its interfaces")
	}
	return nil
}

// walkAll walks the devices, so many at a time.
func (r *snmpRun) walkAll(ctx context.Context, parallel int) error {
	next := make(chan target)
	var wg sync.WaitGroup
	for range min(parallel, len(r.targets)) {
		wg.Go(func() {
			for t := range next {
				r.walk(ctx, t)
			}
		})
	}
	for _, t := range r.targets {
		if ctx.Err() != nil {
			break
		}
		next <- t
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(r.failed) == 0 {
		return nil
	}
	return r.sumUp()
}

// A devicesError says that devices failed, each of which has been told.
type devicesError struct {
	of     int
	failed []error // of some of them
}

func (e *devicesError) Error() string {
	return fmt.Sprintf("cannot walk and push %d of %d devices whole", len(e.failed), e.of)
}

func (e *devicesError) Unwrap() []error { return e.failed } // which know what to do

func (r *snmpRun) sumUp() error {
	err := &devicesError{of: len(r.targets), failed: r.failed}
	switch {
	case errors.Is(err, sysops.ErrOtherMachine):
		return hint.To(err, "one machine walks a device; if it is to be this one from now on, run it once with --take-over")
	case errors.Is(err, snmp.ErrSilent):
		return hint.To(err, "a device is silent, too, where it does not know the community, or does not serve this machine's address")
	}
	return err
}

// walk walks one device, and pushes or prints what it says.
func (r *snmpRun) walk(ctx context.Context, t target) {
	walks, err := r.walker.Walk(ctx, t.address, r.oids)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.fail(t, err)
		return
	}
	whole, variables := 0, 0
	for i := range walks {
		w := &walks[i]
		if w.Err != nil {
			continue
		}
		whole++
		variables += w.Variables
		w.Text = r.redactor.Redact(w.Text)
	}
	if r.client == nil {
		r.print(t, walks)
	}
	var pushed string
	if r.client != nil && whole > 0 {
		if pushed, err = r.push(ctx, t, walks); ctx.Err() != nil {
			return
		}
	}
	r.tell(t, walks, err, fmt.Sprintf("%d of %d OIDs, %d variables%s", whole, len(walks), variables, pushed))
}

// push pushes a device's snapshot. What did not come to its end stays as it was.
func (r *snmpRun) push(ctx context.Context, t target, walks []snmp.Walk) (string, error) {
	snap := snapshot.Snapshot{Host: t.name, Machine: walkerID(collect.MachineID()), TTL: r.ttl, TakeOver: r.takeOver}
	add := func(name string, text []byte) {
		// Private: no host needs to read what devices say.
		snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Private: true, Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: text}, nil
		}})
	}
	for _, w := range walks {
		if w.Err != nil {
			snap.Keep = append(snap.Keep, w.OID)
			continue
		}
		add(w.OID, w.Text)
	}
	add(snmpWalks, r.redactor.Redact(outcomes(walks)))
	report, err := r.client.Publish(ctx, "", snap)
	if report == nil || err != nil {
		return "", err
	}
	sent := 0
	for _, s := range report.Servers {
		sent = max(sent, s.Replaced)
	}
	return fmt.Sprintf(" · %d of %d objects changed, on %d servers", sent, report.Objects, len(report.Servers)), nil
}

// outcomes is the text of snmp-walks. It stays the same while nothing changes, so
// that its time tells since when it is so.
func outcomes(walks []snmp.Walk) []byte {
	var b bytes.Buffer
	for _, w := range walks {
		if w.Err != nil {
			fmt.Fprintf(&b, "%s failed: %v\n", w.OID, w.Err)
		} else {
			fmt.Fprintf(&b, "%s ok\n", w.OID)
		}
	}
	return b.Bytes()
}

// walkerID is the machine's id as one that walks devices. It is not that of the machine
// itself, so that a device and a host of one name are found out: each of their
// pushes would delete the other's objects.
func walkerID(machine string) string {
	if machine == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("snmp " + machine))
	return hex.EncodeToString(sum[:16])
}

func (r *snmpRun) print(t target, walks []snmp.Walk) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range walks {
		for line := range bytes.Lines(w.Text) {
			if len(r.targets) > 1 {
				fmt.Fprintf(r.stdout, "%s: ", t.name)
			}
			r.stdout.Write(line) //nolint:errcheck // a pipe that was closed has had enough
		}
	}
}

func (r *snmpRun) fail(t target, err error) { r.tell(t, nil, err, "") }

// tell says how a device's turn ended.
func (r *snmpRun) tell(t target, walks []snmp.Walk, err error, summary string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first error
	for _, w := range walks {
		if w.Err != nil {
			terminal.Warn(r.stderr, "%s: %s: %v", t.name, w.OID, w.Err)
			first = cmp.Or(first, w.Err)
		}
	}
	if err != nil {
		terminal.Warn(r.stderr, "%s: %v", t.name, err)
	} else if !r.quiet {
		terminal.Say(r.stderr, "%s: %s", t.name, summary)
	}
	if err = cmp.Or(err, first); err != nil {
		r.failed = append(r.failed, err)
	}
}
