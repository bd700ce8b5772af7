package directory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/internal/trust"
)

// A program is a directory that a program prints: Ansible's inventory, as its scripts
// answer --list
// (docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html).
//
//	{"esv4": {"children": ["esv4-2360"]}, "esv4-2360": {"hosts": ["redis://mps01:6379/1"]}}
//
// A group with children is a site, and its children are cores; a core's hosts are its
// servers' URLs. See readInventory for what else there may be.
type program struct {
	path    string
	args    []string
	timeout time.Duration
	local   fixed
	cache   cache[*File]
}

const (
	programOutput = 16 << 20    // more is refused
	programStderr = 4 << 10     // more is dropped
	programGrace  = time.Second // for its pipes to close once it was killed
)

func openExec(loc location, o Options) (Service, error) {
	path, err := loc.file()
	if err != nil {
		return nil, err
	}
	return &program{
		path: path, args: append(slices.Clone(loc.params["arg"]), "--list"),
		timeout: o.Timeout, local: fixed{o.LocalSite, o.LocalCore},
	}, nil
}

func (p *program) Sites(ctx context.Context) ([]string, error) {
	f, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	return f.Sites(ctx)
}

func (p *program) Cores(ctx context.Context, site string) ([]string, error) {
	f, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	return f.Cores(ctx, site)
}

func (p *program) Servers(ctx context.Context, core string) ([]string, error) {
	f, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	return f.Servers(ctx, core)
}

// Local returns what the URL or the config says, else the core of the group "local".
func (p *program) Local(ctx context.Context) (site, core string, err error) {
	if p.local != (fixed{}) {
		return p.local.Local(ctx)
	}
	f, err := p.list(ctx)
	if err != nil {
		return "", "", err
	}
	return f.Local(ctx)
}

// list returns what the program prints.
func (p *program) list(ctx context.Context) (*File, error) {
	return p.cache.get(ctx, "", func(ctx context.Context) (*File, error) {
		out, err := p.run(ctx)
		if err != nil {
			return nil, fmt.Errorf("cannot run the directory's program %s: %w", p.path, err)
		}
		f, err := readInventory(out)
		if err != nil {
			return nil, fmt.Errorf("cannot use what the directory's program %s prints: %w", p.path, err)
		}
		return f, nil
	})
}

var errTooMuch = fmt.Errorf("it prints more than %d MiB", programOutput>>20)

// run runs the program, without a shell and without input, and returns its output. At
// the deadline its process group is killed.
func (p *program) run(ctx context.Context) ([]byte, error) {
	if err := trust.Check(p.path); err != nil {
		return nil, err // somebody else would choose what runs
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stdout := &bounded{limit: programOutput, full: func() { stop(errTooMuch) }}
	stderr := &bounded{limit: programStderr, full: func() {}}
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Dir = "/"
	cmd.Env = secure.Environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = programGrace
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		_ = cmd.Cancel() // it ended, and left a child that holds its output
		err = errors.New("it ended, and left a process that keeps its output open")
	}
	switch {
	case errors.Is(context.Cause(ctx), errTooMuch):
		err = errTooMuch
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it was killed at the deadline (%v at most; timeout= sets it): %w", p.timeout, context.DeadlineExceeded)
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	if err == nil {
		return stdout.kept.Bytes(), nil
	}
	if said := printable(stderr.kept.String(), maxSaid); said != "" {
		err = fmt.Errorf("%w; it says: %s", err, said)
	}
	return nil, err
}

// bounded keeps the first limit bytes, and calls full when there are more. A write
// never fails, so that the program ends by itself or by its group's death.
type bounded struct {
	limit int
	full  func()
	kept  bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.limit - b.kept.Len()
	b.kept.Write(p[:min(room, len(p))])
	if len(p) > room {
		b.full()
	}
	return len(p), nil
}

// A group is one member of the inventory: {"hosts": […]}, {"children": […]}, or just
// the list of hosts. Its variables are Ansible's.
type group struct {
	hosts    []string
	children []string
	parent   bool // it has "children", which may be empty
}

func (g *group) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, &g.hosts)
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		return errors.New("a group is neither an object nor a list of hosts")
	}
	var members struct {
		Hosts    []string  `json:"hosts"`
		Children *[]string `json:"children"`
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	g.hosts = members.Hosts
	if g.parent = members.Children != nil; g.parent {
		g.children = *members.Children
	}
	return nil
}

// The groups with a meaning of their own. The first three are Ansible's.
const (
	groupMeta      = "_meta"     // variables of hosts
	groupAll       = "all"       // holds every group
	groupUngrouped = "ungrouped" // hosts that are in no group
	groupLocal     = "local"     // {"children": [CORE]}: the local core
)

// readInventory reads an inventory. Nothing in it is passed over that looks like a
// server: a group of hosts must be a child of a site, and a host of "all" or
// "ungrouped" must be in such a group too. Sites have no hosts, and cores no children.
func readInventory(text []byte) (*File, error) {
	groups, err := readGroups(text)
	if err != nil {
		return nil, err
	}
	localCore, err := takeLocal(groups)
	if err != nil {
		return nil, err
	}
	outside := slices.Concat(groups[groupAll].hosts, groups[groupUngrouped].hosts)
	delete(groups, groupAll)
	delete(groups, groupUngrouped)

	sites := make(map[string]map[string][]string)
	cored := make(map[string]bool) // groups that are cores
	hosts := make(map[string]bool)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		site := groups[name]
		if !site.parent {
			continue
		}
		if len(site.hosts) > 0 {
			return nil, fmt.Errorf("site %q has hosts of its own: put them into a core, one of its children", name)
		}
		sites[name] = make(map[string][]string)
		for _, child := range site.children {
			core, ok := groups[child]
			if !ok || core.parent {
				return nil, fmt.Errorf("site %q has a child %q that is no group of hosts", name, child)
			}
			sites[name][child] = core.hosts
			cored[child] = true
			for _, h := range core.hosts {
				hosts[h] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if !groups[name].parent && !cored[name] {
			return nil, fmt.Errorf("core %q is in no site: make it a child of a group", name)
		}
	}
	if i := slices.IndexFunc(outside, func(h string) bool { return !hosts[h] }); i >= 0 {
		return nil, fmt.Errorf("%q and %q have a host (their number %d) that is in no core", groupAll, groupUngrouped, i+1)
	}
	return listed(sites, "", localCore)
}

// readGroups reads the JSON, in which _meta may have any form.
func readGroups(text []byte) (map[string]group, error) {
	var members map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("it is no JSON object of groups: %w", endOf(err))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	if members == nil {
		return nil, errors.New("it is null; write {} where there are no groups")
	}
	groups := make(map[string]group)
	for name, member := range members {
		var g group
		if name == groupMeta {
			continue
		}
		if err := json.Unmarshal(member, &g); err != nil {
			return nil, fmt.Errorf("group %.100q is not as in {\"hosts\": [URL, …]} or {\"children\": [NAME, …]}: %w", name, endOf(err))
		}
		groups[name] = g
	}
	return groups, nil
}

// takeLocal takes the group "local" out, and returns the core it names.
func takeLocal(groups map[string]group) (string, error) {
	local, ok := groups[groupLocal]
	delete(groups, groupLocal)
	if ok && (len(local.children) != 1 || len(local.hosts) > 0) {
		return "", fmt.Errorf(`group "local" must name one core, as in {"children": ["CORE"]}`)
	}
	return strings.Join(local.children, ""), nil
}

// endOf says of JSON that ends early that it was cut.
func endOf(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is empty or cut off")
	}
	return err
}
