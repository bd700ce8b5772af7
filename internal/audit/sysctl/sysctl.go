// Package sysctl finds the hosts whose kernel does not have the values that their
// files say it has: what somebody set by hand and the next boot takes back, and what a
// file says that was never loaded, or that something else has changed since.
//
// The files are read as "sysctl --system" of procps-ng 4 reads them. systemd-sysctl(8),
// which sets the values at boot where there is systemd, differs in two places: it reads
// /etc/sysctl.conf only where a link in sysctl.d leads there, as Debian's 99-sysctl.conf
// does; and it takes globs in lines that exclude keys.
package sysctl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/parse/sysctl"
)

// section is where a host's live values are.
const section = "sysctl-a"

// Pattern selects what the audit reads.
func Pattern() (sysops.Pattern, error) {
	names := []string{sysctl.MainFile, section}
	for _, d := range sysctl.Directories() {
		names = append(names, d+"/*.conf")
	}
	return sysops.Names(names...)
}

// Options of the audit.
type Options struct {
	Ignore   []string // globs of keys that are left out; * matches dots too
	Progress func()   // called after each object, by one goroutine; nil: not
}

// Ignored are globs of the keys that are best left out: the kernel changes them itself,
// they cannot be set, they have no value to be read, or "sysctl -a" leaves them out.
func Ignored() []string {
	return []string{
		"fs.aio-nr", "fs.dentry-state", "fs.file-nr", "fs.inode-nr", "fs.inode-state", "fs.quota.*",
		"kernel.arch", "kernel.bootloader_*", "kernel.cap_last_cap", "kernel.core_modes", "kernel.domainname", "kernel.hostname",
		"kernel.ngroups_max", "kernel.ns_last_pid", "kernel.osrelease", "kernel.ostype", "kernel.pty.nr", "kernel.random.*",
		"kernel.seccomp.actions_avail", "kernel.version", "kernel.*_next_id",
		"net.core.netdev_rss_key", "net.ipv4.tcp_available_*", "net.ipv[46].conf.*.mc_forwarding", "net.ipv[46].route.flush",
		"net.ipv[46].neigh.*.base_reachable_time", "net.ipv[46].neigh.*.retrans_time", "net.netfilter.nf_conntrack_count",
		"vm.compact_memory", "vm.drop_caches", "vm.stat_refresh",
	}
}

// A State is what is the matter with a key on a host.
type State string

// The states of a Finding.
const (
	Differs State = "differs" // the live value is another
	Absent  State = "absent"  // the kernel shows no such key
	Unknown State = "unknown" // of the host: nothing can be told
)

// A Finding is what is the matter, and on which hosts it is the same.
type Finding struct {
	Problem
	Hosts []string // sorted
}

// A Problem is what can be the matter on a host.
type Problem struct {
	State      State
	Key        string // empty with Unknown
	Persistent string // the value that the files give it
	Live       string
	File       string // that has the last word
	Reason     string // with Unknown
}

// A Report is what the audit found.
type Report struct {
	Findings []Finding // what most hosts have in common first
	Agree    int       // hosts of which every key has its value
	Differ   int       // hosts with a key that differs or is absent
	Unknown  int       // hosts of which nothing can be told
}

// Reasons for which nothing can be told of a host.
const (
	noLive  = "it has no live values (" + section + ")"
	noFiles = "it has no sysctl.conf and nothing in sysctl.d"
	damaged = "its files or live values cannot be read"
)

// Of compares the files and the live values of each host of the answer, whose pattern
// is Pattern's. Hosts are compared by all CPUs; files that several hosts have alike are
// read once. Errors are those of sysops.Map.
func Of(ctx context.Context, answer *sysops.Answer, o Options) (*Report, error) {
	a := newAuditing()
	for _, text := range o.Ignore {
		a.ignore = append(a.ignore, naming.NewGlob(text))
	}
	hosts := make(chan audit.Host[part], runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for range cap(hosts) {
		workers.Go(func() {
			for h := range hosts {
				a.host(&h)
			}
		})
	}
	objects := bounded(sysops.Map(ctx, answer, read))
	err := func() error {
		defer workers.Wait()
		defer close(hosts)
		for h, err := range audit.ByHost(objects) {
			if err != nil {
				return err
			}
			if o.Progress != nil {
				for range h.Objects {
					o.Progress()
				}
			}
			hosts <- h
		}
		return nil
	}()
	if err != nil {
		return nil, err
	}
	a.takeBack(answer.Completeness().Unreadable)
	return a.result(), nil
}

// A part is what is kept of an object until its host is complete.
type part struct {
	contents string
	tooMuch  bool // for it, or of its host
}

func read(o *sysops.Object) part {
	switch {
	case !isLive(o.Name) && !sysctl.IsFile(o.Name):
		return part{}
	case len(o.Contents) > sysctl.MaxLive:
		return part{tooMuch: true}
	}
	return part{contents: string(o.Contents)}
}

// bounded lets go of what a host has beyond all that is decided.
func bounded(objects iter.Seq2[sysops.Mapped[part], error]) iter.Seq2[sysops.Mapped[part], error] {
	return audit.Bounded(objects, sysctl.MaxFiles+sysctl.MaxLive, func(p part) int { return len(p.contents) }, part{tooMuch: true})
}

// auditing is an audit under way.
type auditing struct {
	ignore []naming.Glob
	plans  *audit.Memo[[sha256.Size]byte, planned] // by what the files are called and hold

	mu      sync.Mutex
	found   map[Problem]*[]string // the hosts of each
	checked map[string]State      // what each host was counted as; empty: its settings agree
	report  Report
}

// planned is what NewPlan says.
type planned struct {
	plan *sysctl.Plan
	err  error
}

func newAuditing() *auditing {
	return &auditing{plans: audit.NewMemo[[sha256.Size]byte, planned](), found: make(map[Problem]*[]string), checked: make(map[string]State)}
}

// host compares what one host has.
func (a *auditing) host(h *audit.Host[part]) {
	var files []sysctl.File
	live, hasLive := "", false
	for _, o := range h.Objects {
		switch {
		case o.Value.tooMuch:
			a.unknown(h.Name, fmt.Sprintf("%v: its files and live values have more than %d bytes", sysctl.ErrTooMuch, sysctl.MaxLive))
			return
		case isLive(o.Name):
			live, hasLive = o.Value.contents, true
		case sysctl.IsFile(o.Name):
			files = append(files, sysctl.File{Name: o.Name, Contents: o.Value.contents})
		}
	}
	switch {
	case !hasLive:
		a.unknown(h.Name, noLive)
		return
	case len(files) == 0:
		a.unknown(h.Name, noFiles)
		return
	}
	plan, err := a.planOf(files)
	if err != nil {
		a.unknown(h.Name, err.Error())
		return
	}
	assignments, err := plan.Apply(live)
	if err != nil {
		a.unknown(h.Name, err.Error())
		return
	}
	a.add(h.Name, a.compare(assignments))
}

func isLive(name string) bool { return name == section || strings.HasSuffix(name, "@"+section) }

// compare returns what differs.
func (a *auditing) compare(assignments []sysctl.Assignment) []Problem {
	var out []Problem
	for _, s := range sysctl.Last(assignments) {
		p := Problem{State: Differs, Key: s.Key, Persistent: s.Value, Live: s.Live, File: s.File}
		switch {
		case s.Absent && s.Optional, !s.Absent && sysctl.Same(s.Value, s.Live):
			continue
		case s.Absent:
			p.State = Absent
		case hidden(s.Value) || hidden(s.Live):
			continue
		}
		if !slices.ContainsFunc(a.ignore, func(g naming.Glob) bool { return g.Match(s.Key) }) {
			out = append(out, p)
		}
	}
	return out
}

// hidden reports whether an agent without a key has redacted the value, so that it
// cannot be compared.
func hidden(value string) bool { return strings.Contains(value, "[redacted]") }

func (a *auditing) planOf(files []sysctl.File) (*sysctl.Plan, error) {
	d := sha256.New()
	size := 0
	for _, f := range files {
		size += len(f.Contents)
		sum := sha256.Sum256([]byte(f.Contents))
		d.Write(append(append(binary.AppendUvarint(nil, uint64(len(f.Name))), f.Name...), sum[:]...))
	}
	p := a.plans.Get([sha256.Size]byte(d.Sum(nil)), size, func() (p planned) {
		p.plan, p.err = sysctl.NewPlan(files)
		return p
	})
	return p.plan, p.err
}

func (a *auditing) unknown(host, reason string) {
	a.add(host, []Problem{{State: Unknown, Reason: reason}})
}

// add counts a host, and what was found on it.
func (a *auditing) add(host string, problems []Problem) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(problems) > 0 {
		a.checked[host] = problems[0].State
	} else {
		a.checked[host] = ""
	}
	for _, p := range problems {
		hosts := a.found[p]
		if hosts == nil {
			hosts = new([]string)
			p.Key, p.Persistent, p.Live = strings.Clone(p.Key), strings.Clone(p.Persistent), strings.Clone(p.Live)
			a.found[p] = hosts // without all that the host has
		}
		*hosts = append(*hosts, host)
	}
}

// takeBack makes unknown what was decided about hosts without one of their objects. Which
// these are is known when all is read.
func (a *auditing) takeBack(unreadable []sysops.UnreadableKey) {
	without := make(map[string]bool)
	for _, o := range unreadable {
		if key, ok := sysops.ParseKey(o.Key); ok {
			without[key.Host] = true
		}
	}
	if len(without) == 0 {
		return
	}
	for p, hosts := range a.found {
		if *hosts = slices.DeleteFunc(*hosts, func(h string) bool { return without[h] }); len(*hosts) == 0 {
			delete(a.found, p)
		}
	}
	for h := range without {
		a.unknown(h, damaged)
	}
}

func (a *auditing) result() *Report {
	r := &a.report
	for _, state := range a.checked {
		switch state {
		case "":
			r.Agree++
		case Unknown:
			r.Unknown++
		default:
			r.Differ++
		}
	}
	for p, hosts := range a.found {
		slices.Sort(*hosts)
		r.Findings = append(r.Findings, Finding{p, *hosts})
	}
	slices.SortFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(len(y.Hosts), len(x.Hosts)), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Persistent, y.Persistent),
			cmp.Compare(x.Live, y.Live), cmp.Compare(x.File, y.File), cmp.Compare(x.State, y.State), cmp.Compare(x.Reason, y.Reason))
	})
	return r
}
