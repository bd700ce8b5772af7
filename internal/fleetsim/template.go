package fleetsim

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/snapshot"
)

// defaultJSON is where the sections of a machine without any would come from:
// the path that agents use.
const defaultJSON = "/etc/hardware_identification.json"

// A Template is one real machine, ready to be turned into others. It is safe for
// concurrent use.
type Template struct {
	families []*family
	objects  []object // what people ask for first, first; see familiar
	probes   string   // the kernel's net.ipv4.tcp_keepalive_probes
}

// An object is what each host has, or most.
type object struct {
	name     string
	private  bool           // as on the real machine
	stat     *snapshot.Stat // the real one; nil for the output of a command
	packages string         // hosts with another packaging system lack it; "": none does
	card     string         // hosts without this interface lack it; "": none does

	text []byte // the real machine's own, where make is nil
	make func(m *machine) []byte
}

// NewTemplate reads the objects of a real machine once. What cannot be read is
// left out. What a fleet must have and the machine lacks (sysctl-a,
// /etc/ssh/sshd_config and the like) comes with the package.
func NewTemplate(ctx context.Context, sources []snapshot.Source) (*Template, error) {
	found := make(map[string]object, len(sources))
	for _, src := range sources {
		c, err := src.Read(ctx)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("cannot read the real machine: %w", context.Cause(ctx))
		}
		if err != nil {
			continue
		}
		name := src.Name
		if c.Name != "" {
			name = c.Name
		}
		if !contradicts(name) {
			found[name] = object{name: name, private: src.Private, stat: c.Stat, text: bytes.Clone(c.Data)}
		}
	}
	t := &Template{}
	if err := t.addFamilies(found); err != nil {
		return nil, err
	}
	if err := addBuiltin(found); err != nil {
		return nil, err
	}
	for name, made := range t.generated(found) {
		o := found[name]
		o.name, o.make = name, made
		o.private = o.private || slices.Contains(private, shortName(name))
		if o.stat == nil && !strings.Contains(name, "@") {
			o.stat = &snapshot.Stat{Mode: 0o100644, Nlink: 1, Dev: 2049, Mtime: epoch, Ctime: epoch}
			switch {
			case name == interactionsName:
				o.stat.Mode = 0o100600
			case o.private:
				o.stat.Mode = 0o100440 // as sudo demands of its files
			}
		}
		found[name] = o
	}
	for _, o := range found {
		o.packages, o.card = packagesOfName(o.name), cardOfName(o.name)
		t.objects = append(t.objects, o)
	}
	slices.SortFunc(t.objects, func(a, b object) int {
		return cmp.Or(cmp.Compare(rank(a.name), rank(b.name)), strings.Compare(a.name, b.name))
	})
	return t, nil
}

// private are the generated objects that an agent keeps from becoming bases, also
// where the real machine does not have them; see shortName.
var private = []string{
	"@ps", "@ss-anp", "@dmidecode", "@lldp-xml",
	"/etc/sudoers", "/etc/sudoers.d/10-deploy", "/etc/sudoers.d/20-service", interactionsName,
}

// shortName is the name or, of the output of a command, an @ and the section.
func shortName(name string) string {
	if _, section, ok := strings.Cut(name, "@"); ok {
		return "@" + section
	}
	return name
}

// contradicts reports whether an object of the real machine would say other than those
// that are generated, on every host: who may use sudo, and what its own network is like.
func contradicts(name string) bool {
	for _, glob := range []string{
		"/etc/sudoers?*", "/etc/sudoers.d/*", "/usr/local/etc/sudoers*", "/usr/local/etc/sudoers.d/*",
		"/proc/net/bonding/*", "/proc/net/snmp*", "/proc/net/netstat", "@nstat-*", "@lldp-*",
	} {
		if ok, _ := path.Match(glob, shortName(name)); ok { // the globs are well formed
			return true
		}
	}
	return strings.HasSuffix(name, "interaction_times.json") && name != interactionsName
}

// addFamilies makes the real machine's distribution and the others out of it.
func (t *Template) addFamilies(found map[string]object) error {
	base := parseSysctl(found[sectionName(found, "sysctl-a")].text)
	if !usable(base) {
		var err error
		if base, err = parseBase(baseText); err != nil {
			return err
		}
	}
	sortSettings(base)
	own := &family{
		share: ownShare, system: string(found["/etc/os-release"].text), card: "eth",
		release: valueOf(base, "kernel.osrelease"), build: valueOf(base, "kernel.version"),
	}
	if own.system == "" {
		own.system = osRelease("Debian GNU/Linux", "12 (bookworm)", "12", "debian", "")
	}
	own.packages = packagesOf(own.system)
	own.kernel = version(own.release)
	own.sysctl = newProgram(base, own.card)
	t.probes = valueOf(base, probesKey)
	t.families = []*family{own}
	since := newAges()
	for _, f := range otherFamilies() {
		f.kernel = version(f.release)
		f.sysctl = newProgram(f.settings(base, since), f.card)
		t.families = append(t.families, f)
	}
	return nil
}

func valueOf(settings []setting, key string) string {
	for _, s := range settings {
		if s.key == key {
			return s.value
		}
	}
	return ""
}

// sectionName returns the name of a command's output as this machine has it, or
// would have it.
func sectionName(found map[string]object, section string) string {
	path := defaultJSON
	for name := range found {
		if p, s, ok := strings.Cut(name, "@"); ok && s == section {
			return name
		} else if ok && s != "file_size_exceeded" {
			path = p
		}
	}
	return path + "@" + section
}

// packagesOfName tells which packaging system an object belongs to.
func packagesOfName(name string) string {
	for _, o := range []struct{ part, packages string }{
		{"/etc/apt/", "deb"},
		{"/etc/debian_version", "deb"},
		{"/etc/network/", "deb"},
		{"/etc/netplan/", "deb"},
		{"@dpkg-l", "deb"},
		{"/etc/yum", "rpm"},
		{"/etc/dnf/", "rpm"},
		{"/etc/zypp/", "rpm"},
		{"/etc/redhat-release", "rpm"},
		{"/etc/sysconfig/", "rpm"},
		{"@rpm-qa", "rpm"},
	} {
		if strings.HasPrefix(name, o.part) || o.part[0] == '@' && strings.HasSuffix(name, o.part) {
			return o.packages
		}
	}
	return ""
}

// cardOfName tells which interface an object is about.
func cardOfName(name string) string {
	if card, ok := strings.CutPrefix(name, "/proc/net/bonding/"); ok {
		return card
	}
	_, card, _ := strings.Cut(name, "@ethtool-")
	return card
}

// familiar are the objects that people ask for first, by the whole name or, after
// an @, the section.
var familiar = []string{
	"@sysctl-a", "/etc/ssh/sshd_config", "/etc/passwd", "/etc/resolv.conf", "@ss-anp", "@ps", "/etc/os-release", "/etc/hosts",
	"@uname-a", "@ip-addr", "/etc/fstab", "@df-Pk", "/proc/meminfo", "@lsmod", "/etc/sysctl.d/90-local.conf", "@lscpu",
	"/etc/group", "@ip-route", "/etc/nsswitch.conf", "/etc/chrony.conf", "@uptime", "/etc/crontab",
	"/etc/security/limits.conf", "@dmidecode", "/etc/rsyslog.conf",

	// Fleets of the first 21 and 25 are measured: what is new comes after them.
	"/etc/sudoers", "/etc/sudoers.d/10-deploy", "/etc/sudoers.d/20-service", "@netstat-s", "@lldp-xml", "/proc/net/bonding/" + bond,
	interactionsName, "/etc/sysctl.d/95-keepalive.conf",
}

// rank orders names: the familiar ones, then outputs of commands, files of /etc,
// and the deeper the later.
func rank(name string) int {
	if i := slices.Index(familiar, shortName(name)); i >= 0 {
		return i
	}
	if strings.Contains(name, "@") {
		return len(familiar)
	}
	return len(familiar) + strings.Count(name, "/")
}

// Objects returns the most objects that any host has. Others have fewer: they lack
// those of another packaging system, and of network cards that they do not have.
func (t *Template) Objects() int {
	most := 0
	for _, f := range t.families {
		n := 0
		for _, o := range t.objects {
			if o.packages == "" || o.packages == f.packages {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// Host returns the snapshot of host i of the fleet that seed stands for, under
// the name that [Name] gives it in domain. Its sources come in the order in which
// people ask for them, sysctl -a first, so that the first n of them are a smaller
// fleet that is like a real one too. They may be read again and again, also at the
// same time, and say the same each time. domain decides names and addresses, and
// nothing else.
func (t *Template) Host(seed uint64, i int, domain string) snapshot.Snapshot {
	m := t.machine(seed, i, domain)
	snap := snapshot.Snapshot{
		Host:    m.name,
		Machine: m.id(),
		Sources: make([]snapshot.Source, 0, len(t.objects)),
	}
	for j := range t.objects {
		o := &t.objects[j]
		if o.packages != "" && o.packages != m.family.packages || o.card != "" && !slices.Contains(m.interfaces, o.card) {
			continue
		}
		snap.Sources = append(snap.Sources, snapshot.Source{Name: o.name, Private: o.private, Read: func(context.Context) (snapshot.Content, error) {
			return o.content(m, j), nil
		}})
	}
	return snap
}

// content is the object as host m has it.
func (o *object) content(m *machine, index int) snapshot.Content {
	c := snapshot.Content{Data: o.text}
	if o.make != nil {
		c.Data = o.make(m)
	}
	if o.stat != nil {
		st := *o.stat
		at := mix(m.seed ^ mix(uint64(m.index)<<16+uint64(index)))
		st.Ino = 131072 + at%4000000
		installed := int64(m.random(streamStat).IntN(400 * 86400)) // before the real machine was
		st.Mtime -= installed
		st.Ctime -= installed
		st.Size = int64(len(c.Data))
		c.Stat = &st
	}
	return c
}
