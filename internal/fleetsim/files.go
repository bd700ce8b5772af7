package fleetsim

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// builtin holds the files of a machine that has none of its own, each at its path.
//
//go:embed builtin
var builtin embed.FS

// addBuiltin adds the files that come with the package and that the real machine
// lacks.
func addBuiltin(found map[string]object) error {
	err := fs.WalkDir(builtin, "builtin", func(path string, d fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, "builtin")
		if _, has := found[name]; err != nil || d.IsDir() || has {
			return err
		}
		text, err := builtin.ReadFile(path)
		found[name] = object{name: name, text: text}
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot read the files that come with the program: %w", err)
	}
	return nil
}

// generated returns the objects that no host has as the real machine has them.
// They are there whether or not the real machine has them.
func (t *Template) generated(found map[string]object) map[string]func(*machine) []byte {
	out := map[string]func(*machine) []byte{
		"/etc/hostname":        func(m *machine) []byte { return []byte(m.name + "\n") },
		"/etc/hosts":           hostsFile,
		"/etc/os-release":      func(m *machine) []byte { return []byte(m.family.system) },
		"/etc/passwd":          passwd(found["/etc/passwd"].text),
		"/etc/resolv.conf":     resolvConf,
		"/etc/ssh/sshd_config": sshdConfig(found["/etc/ssh/sshd_config"].text),
		"/proc/meminfo":        meminfo(found["/proc/meminfo"].text),
		"/proc/version": func(m *machine) []byte {
			return fmt.Appendf(nil, "Linux version %s (builder@example.com) (gcc) %s\n", m.family.release, m.family.build)
		},
		"/etc/fstab":                  fstab,
		"/etc/chrony.conf":            chronyConf,
		"/etc/sysctl.d/90-local.conf": localTuning,

		"/etc/group":                      groups(found["/etc/group"].text, found["/etc/passwd"].text),
		"/etc/sudoers":                    sudoers,
		"/etc/sudoers.d/10-deploy":        deployRules,
		"/etc/sudoers.d/20-service":       serviceRules,
		"/etc/sysctl.d/95-keepalive.conf": t.keepalive,
		"/proc/net/bonding/" + bond:       bondState,
		interactionsName:                  pushRecord,
	}
	for section, made := range map[string]func(*machine) []byte{
		"sysctl-a": func(m *machine) []byte { return m.family.sysctl.appendTo(make([]byte, 0, 64<<10), m) },
		"uname-a": func(m *machine) []byte {
			return fmt.Appendf(nil, "Linux %s %s %s x86_64 GNU/Linux\n", m.name, m.family.release, m.family.build)
		},
		"uptime":    uptime,
		"ps":        processes,
		"ss-anp":    connections,
		"ip-addr":   addresses,
		"ip-route":  routes,
		"lscpu":     lscpu,
		"dmidecode": dmidecode,
		"lsmod":     loadedModules,
		"df-Pk":     diskSpace,
		"netstat-s": netstat,
		"lldp-xml":  neighbours,
	} {
		out[sectionName(found, section)] = made
	}
	return out
}

func (m *machine) short() string {
	short, _, _ := strings.Cut(m.name, ".")
	return short
}

func hostsFile(m *machine) []byte {
	return fmt.Appendf(nil, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n%s\t%s %s\n", m.address(), m.name, m.short())
}

// mistaken reports which of a few rare mistakes were made on the host.
func (m *machine) mistaken() (resolver, rootLogin, password, secondRoot bool) {
	r := m.random(streamMistakes)
	return r.Float64() < shareResolver, r.Float64() < shareRootLogin, r.Float64() < sharePassword, r.Float64() < shareSecondRoot
}

func resolvConf(m *machine) []byte {
	_, parent, _ := strings.Cut(m.domain, ".")
	b := fmt.Appendf(nil, "search %s %s\n", m.domain, parent)
	if public, _, _, _ := m.mistaken(); public {
		return append(b, "nameserver 8.8.8.8\n"...)
	}
	return fmt.Appendf(b, "nameserver 10.%[1]d.0.2\nnameserver 10.%[1]d.0.3\noptions timeout:1 attempts:2\n", site(m.domain))
}

// passwd is the real machine's, with the account of the role.
func passwd(text []byte) func(*machine) []byte {
	return func(m *machine) []byte {
		b := withNewline(text)
		b = append(append(b, roles[m.role].account...), '\n')
		b = append(b, "deploy:x:2000:2000:deployment:/home/deploy:/bin/bash\n"...)
		if _, _, _, second := m.mistaken(); second {
			b = append(b, "toor:x:0:0:second root:/root:/bin/bash\n"...)
		}
		return b
	}
}

// withNewline returns a copy of text that ends in a newline.
func withNewline(text []byte) []byte {
	return append(bytes.Clone(bytes.TrimSuffix(text, []byte("\n"))), '\n')
}

// sshdConfig is the real machine's, with what the fleet's rules demand.
func sshdConfig(text []byte) func(*machine) []byte {
	return func(m *machine) []byte {
		_, rootLogin, password, _ := m.mistaken()
		b := setKeyword(withNewline(text), "PermitRootLogin", rootLogin)
		return setKeyword(b, "PasswordAuthentication", password)
	}
}

// setKeyword sets a keyword of sshd_config to yes or no: on the line that has it,
// be it commented out, or on a new first line, since sshd takes a keyword's first
// value and a Match block may be at the end.
func setKeyword(text []byte, keyword string, yes bool) []byte {
	line := keyword + " no\n"
	if yes {
		line = keyword + " yes\n"
	}
	var out []byte
	done := false
	for l := range bytes.Lines(text) {
		if !done && bytes.HasPrefix(bytes.TrimLeft(l, "# "), []byte(keyword+" ")) {
			l, done = []byte(line), true
		}
		out = append(out, l...)
	}
	if !done {
		return append([]byte(line), out...)
	}
	return out
}

func chronyConf(m *machine) []byte {
	return fmt.Appendf(nil, "server ntp1.%[1]s iburst\nserver ntp2.%[1]s iburst\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n", m.domain)
}

// localTuning is where the settings that differ from the usual come from: those of
// the role, and what somebody turned by hand.
func localTuning(m *machine) []byte {
	set := maps.Clone(roles[m.role].set)
	if set == nil {
		set = make(map[string]string)
	}
	for i, k := range knobs {
		if m.tuned&(1<<i) != 0 {
			set[k.key] = k.tuned
		}
	}
	b := []byte("# Settings of this host. Loaded at boot; sysctl --system loads them now.\n")
	for _, key := range slices.Sorted(maps.Keys(set)) {
		b = fmt.Appendf(b, "%s = %s\n", key, set[key])
	}
	return b
}

const probesKey = "net.ipv4.tcp_keepalive_probes"

// keepalive is a file that was rolled out, and says what the kernel has. On a few hosts
// somebody changed it since and did not load it, or made a typing mistake.
func (t *Template) keepalive(m *machine) []byte {
	r := m.random(streamRollout)
	b := []byte("# Connections that are dead are found sooner. Loaded at boot.\n")
	if forgotten := r.Float64() < shareForgotten; forgotten {
		b = append(b, probesKey+" = 5\n"...)
	} else if t.probes != "" { // the real machine's kernel may not have it
		b = fmt.Appendf(b, "%s = %s\n", probesKey, t.probes)
	}
	if r.Float64() < shareMisspelt {
		b = append(b, "net.ipv4.tcp_keepalive_intervall = 15\n"...)
	}
	return b
}

// meminfo is the real machine's, with this host's memory.
func meminfo(text []byte) func(*machine) []byte {
	return func(m *machine) []byte {
		r := m.random(streamState)
		available := m.memory * int64(20+r.IntN(70)) / 100
		var out []byte
		for l := range bytes.Lines(text) {
			name, _, _ := bytes.Cut(l, []byte(":"))
			switch string(name) {
			case "MemTotal":
				l = fmt.Appendf(nil, "%-15s %8d kB\n", "MemTotal:", m.memory)
			case "MemAvailable":
				l = fmt.Appendf(nil, "%-15s %8d kB\n", "MemAvailable:", available)
			case "MemFree":
				l = fmt.Appendf(nil, "%-15s %8d kB\n", "MemFree:", available/3)
			}
			out = append(out, l...)
		}
		return out
	}
}
