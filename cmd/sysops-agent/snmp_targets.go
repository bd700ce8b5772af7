package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/trust"
)

// A target is a device to be walked.
type target struct {
	name    string // the host that its objects are of
	address string // host, or host:port
}

// maxTargets bounds a list that may be the wrong file.
const maxTargets = 100_000

// readTargets lists the devices of --target and --targets-file, else those of the
// config.
func (r *snmpRun) readTargets(cmd *cobra.Command, conf config.SNMP) error {
	list, err := cmd.Flags().GetStringSlice("target")
	if err != nil {
		return err
	}
	file, err := cmd.Flags().GetString("targets-file")
	if err != nil {
		return err
	}
	if len(list) == 0 && file == "" {
		list, file = conf.Targets, conf.TargetsFile
	}
	seen := make(map[string]string) // name → address
	add := func(text string) error {
		t, err := r.parseTarget(text)
		if err != nil {
			return err
		}
		switch address, known := seen[t.name]; {
		case known && address != t.address:
			return fmt.Errorf("cannot walk %s at two addresses, %s and %s: give one of them another name", t.name, address, t.address)
		case known:
			return nil
		case len(seen) == maxTargets:
			return fmt.Errorf("cannot walk over %d devices in one run", maxTargets)
		}
		seen[t.name] = t.address
		r.targets = append(r.targets, t)
		return nil
	}
	for _, text := range list {
		if err := add(text); err != nil {
			return err
		}
	}
	if file != "" {
		if err := eachTarget(cmd, file, add); err != nil {
			return err
		}
	}
	if len(r.targets) == 0 {
		return hint.To(errors.New("cannot walk any device: none is named"), "name them with --target, --targets-file or agent: {snmp: {targets: […]}}")
	}
	return nil
}

// eachTarget hands on the lines of a file, without comments.
func eachTarget(cmd *cobra.Command, path string, add func(string) error) error {
	in := cmd.InOrStdin()
	if path != "-" {
		f, err := trust.Open(path) // who adds a device is sent the credentials
		if err != nil {
			return fmt.Errorf("cannot read the list of devices: %w", err)
		}
		defer f.Close()
		in = f
	}
	lines := bufio.NewScanner(io.LimitReader(in, 64<<20))
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if err := add(text); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("cannot read the list of devices %s: %w", path, err)
	}
	return nil
}

// parseTarget reads NAME or NAME=ADDRESS[:PORT]. A name without a dot gets the domain
// of the config, as this host's own does.
func (r *snmpRun) parseTarget(text string) (target, error) {
	name, address, _ := strings.Cut(text, "=")
	if strings.Count(name, ":") == 1 { // more are an IPv6 address, which is a host name, too
		host, _, _ := strings.Cut(name, ":")
		return target{}, hint.To(fmt.Errorf("cannot walk %.80q: a port belongs to an address", text), fmt.Sprintf("write %s=%s", host, cmp.Or(address, name)))
	}
	host, err := hostName(name, r.agent.Domain)
	if err == nil && name == "" {
		_, err = sysops.ParseHost(name)
	}
	if err != nil {
		return target{}, fmt.Errorf("cannot walk %.80q: %w", text, err)
	}
	if host == r.host {
		return target{}, hint.To(fmt.Errorf("cannot walk %s: this machine pushes itself under that name, and each push would delete what the other has", host), fmt.Sprintf("give the device another name: snmp-%s=%s", host, cmp.Or(address, name)))
	}
	return target{host, cmp.Or(address, name)}, nil
}
