package fleetsim

import (
	"bytes"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A setting is one line of sysctl -a.
type setting struct{ key, value string }

// parseSysctl reads what sysctl -a printed.
func parseSysctl(text []byte) []setting {
	var out []setting
	for line := range bytes.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimRight(string(line), "\n"), " =")
		if ok && !strings.ContainsAny(key, " \t") {
			out = append(out, setting{key, strings.TrimPrefix(value, " ")})
		}
	}
	return out
}

// usable reports whether settings will do as a base: a container's or an
// unprivileged user's sysctl -a may lack most of them.
func usable(settings []setting) bool {
	return len(settings) >= 500 && slices.ContainsFunc(settings, func(s setting) bool { return s.key == budgetKey })
}

// baseText is a sysctl -a written short. "[directory]" begins a directory,
// "[directory < other]" one that has all of an earlier one's settings too;
// "name=value" follow, values with white space quoted as in Go, and "-name" for
// what the other directory has and this one lacks.
//
//go:embed base.txt
var baseText string

func parseBase(text string) ([]setting, error) {
	directories := make(map[string][]setting)
	var out []setting
	var directory string
	flush := func() {
		for _, s := range directories[directory] {
			out = append(out, setting{directory + "." + s.key, s.value})
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if header, ok := strings.CutPrefix(line, "["); ok {
			flush()
			name, like, copies := strings.Cut(strings.TrimSuffix(header, "]"), " < ")
			if _, known := directories[like]; copies && !known {
				return nil, fmt.Errorf("cannot read the base: directory %s is like %s, which comes after it", name, like)
			}
			directory, directories[name] = name, slices.Clone(directories[like])
			continue
		}
		entries, err := parseEntries(directories[directory], line)
		if err != nil {
			return nil, fmt.Errorf("cannot read the base: directory %s: %w", directory, err)
		}
		directories[directory] = entries
	}
	flush()
	sortSettings(out)
	return out, nil
}

// parseEntries adds one line's entries to those of a directory.
func parseEntries(entries []setting, line string) ([]setting, error) {
	for line != "" {
		name, rest, _ := strings.Cut(line, "=")
		if lacks, ok := strings.CutPrefix(line, "-"); ok {
			lacks, line, _ = strings.Cut(lacks, " ")
			entries = slices.DeleteFunc(entries, func(s setting) bool { return s.key == lacks })
			continue
		}
		value, after, _ := strings.Cut(rest, " ")
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			if value, err = strconv.Unquote(quoted); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			after = strings.TrimPrefix(rest[len(quoted):], " ")
		}
		line = after
		entries = put(entries, setting{name, value})
	}
	return entries, nil
}

// put replaces the setting of that key, or adds it.
func put(settings []setting, s setting) []setting {
	if i := slices.IndexFunc(settings, func(o setting) bool { return o.key == s.key }); i >= 0 {
		settings[i] = s
		return settings
	}
	return append(settings, s)
}

// sortSettings sorts by key, as sysctl of procps 4 does. Lines of one key
// (kernel.core_modes) stay in their order.
func sortSettings(settings []setting) {
	slices.SortStableFunc(settings, func(a, b setting) int { return strings.Compare(a.key, b.key) })
}

// interfaceDirectories hold a directory for each interface, and some of "all",
// "default" and "lo".
var interfaceDirectories = []string{"net.ipv4.conf.", "net.ipv4.neigh.", "net.ipv6.conf.", "net.ipv6.neigh."}

// splitInterface splits a key such as net.ipv4.conf.eth0.rp_filter at its
// interface.
func splitInterface(key string) (directory, name, rest string, ok bool) {
	for _, d := range interfaceDirectories {
		if after, found := strings.CutPrefix(key, d); found {
			name, rest, ok = strings.Cut(after, ".")
			return d, name, rest, ok
		}
	}
	return "", "", "", false
}

func isCard(name string) bool { return name != "all" && name != "default" && name != "lo" }

// A module is a kernel module that brings settings with it, as a bit.
type module uint

const (
	moduleBridge module = 1 << iota
	moduleConntrack
	moduleXFS
	moduleNFS
	moduleRAID
	moduleSCTP
	moduleIPVS
	moduleEnd
)

// loaded is the share of the hosts that have a module although their role does
// not ask for it.
func (m module) loaded() float64 {
	switch m {
	case moduleSCTP:
		return 0.5
	case moduleIPVS:
		return 0.2
	}
	return 0.8
}

// moduleOf tells which module a setting comes with, 0 for none.
func moduleOf(key string) module {
	for prefix, m := range map[string]module{
		"net.bridge.": moduleBridge, "net.netfilter.nf_conntrack_": moduleConntrack, "net.nf_conntrack_max": moduleConntrack,
		"net.netfilter.nf_flowtable_": moduleConntrack, "fs.xfs.": moduleXFS, "fs.nfs.": moduleNFS, "sunrpc.": moduleNFS,
		"dev.raid.": moduleRAID, "net.sctp.": moduleSCTP, "net.ipv4.vs.": moduleIPVS,
	} {
		if strings.HasPrefix(key, prefix) {
			return m
		}
	}
	return 0
}

// A program is a family's sysctl -a, ready to be written for any of its hosts:
// mostly long runs of lines that all of them share.
type program []step

// A step appends one part of the text.
type step struct {
	text   []byte // the lines; with value or choice, the one line up to its value
	module module // only on hosts with this module
	value  func(m *machine, r *rand.Rand, b []byte) []byte
	choice *choice

	// The lines of the host's interfaces, by their names. A bond's are apart:
	// its name sorts elsewhere.
	interfaces map[string][]byte
	bonds      bool
}

// A choice is a setting that role and local tuning decide.
type choice struct {
	byRole [roleCount]string
	knob   int // its index in knobs, -1 for none
}

func (p program) appendTo(b []byte, m *machine) []byte {
	r := m.random(streamSysctl)
	for i := range p {
		s := &p[i]
		if s.module&^m.modules != 0 {
			continue
		}
		b = append(b, s.text...)
		switch {
		case s.value != nil:
			b = append(s.value(m, r, b), '\n')
		case s.choice != nil:
			v := s.choice.byRole[m.role]
			if k := s.choice.knob; k >= 0 && m.tuned&(1<<k) != 0 {
				v = knobs[k].tuned
			}
			b = append(append(b, v...), '\n')
		case s.interfaces != nil:
			for _, name := range m.interfaces {
				if (name == bond) == s.bonds {
					b = append(b, s.interfaces[name]...)
				}
			}
		}
	}
	return b
}

// newProgram turns settings, sorted, into a family's program.
func newProgram(settings []setting, card string) program {
	var p program
	model := modelCard(settings)
	var previous string // the directory of interfaces and the name that the last line was in
	for _, s := range settings {
		directory, name, _, perInterface := splitInterface(s.key)
		if perInterface && isCard(name) {
			continue // written for the host's own interfaces instead
		}
		if here := directory + name; perInterface && here != previous {
			// "bond0" sorts before "default", all names of cards before "lo".
			if name == "default" || name == "lo" {
				p = append(p, step{interfaces: blocks(settings, directory, model, card), bonds: name == "default"})
			}
			previous = here
		}
		p = p.add(s)
	}
	return p
}

// add appends one line, to the run of shared ones where it can be.
func (p program) add(s setting) program {
	module := moduleOf(s.key)
	head := s.key + " = "
	if value := values[s.key]; value != nil {
		return append(p, step{text: []byte(head), module: module, value: value})
	}
	if c := choose(s); c != nil {
		return append(p, step{text: []byte(head), module: module, choice: c})
	}
	if n := len(p); n == 0 || p[n-1].module != module || p[n-1].value != nil || p[n-1].choice != nil || p[n-1].interfaces != nil {
		p = append(p, step{module: module})
	}
	last := &p[len(p)-1]
	last.text = append(append(append(last.text, head...), s.value...), '\n')
	return p
}

// choose returns the choice that a setting is, nil where no host differs.
func choose(s setting) *choice {
	c := &choice{knob: slices.IndexFunc(knobs, func(k knob) bool { return k.key == s.key })}
	if c.knob >= 0 && knobs[c.knob].usual != "" {
		s.value = knobs[c.knob].usual
	}
	found := c.knob >= 0
	for i, r := range roles {
		v, set := r.set[s.key]
		if !set {
			v = s.value
		}
		c.byRole[i] = v
		found = found || set
	}
	if !found {
		return nil
	}
	return c
}

// modelCard returns the interface whose lines all interfaces of the fleet get:
// the real machine's first card, "default" where it has none.
func modelCard(settings []setting) string {
	model := "default"
	for _, s := range settings {
		_, name, _, ok := splitInterface(s.key)
		if !ok || !isCard(name) {
			continue
		}
		if strings.HasPrefix(name, "e") {
			return name
		}
		if model == "default" {
			model = name
		}
	}
	return model
}

// blocks writes the lines of each interface that a host may have.
func blocks(settings []setting, directory, model, card string) map[string][]byte {
	out := make(map[string][]byte)
	for _, name := range append(interfaceNames(card, 2), interfaceNames(card, 5)...) {
		var b []byte
		for _, s := range settings {
			if d, n, rest, ok := splitInterface(s.key); ok && d == directory && n == model {
				b = fmt.Appendf(b, "%s%s.%s = %s\n", directory, name, rest, s.value)
			}
		}
		out[name] = b
	}
	return out
}
