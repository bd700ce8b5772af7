package fleetsim

import (
	"bytes"
	"fmt"
	"strings"
)

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
	}
	if o, ok := found["/proc/meminfo"]; ok {
		out["/proc/meminfo"] = meminfo(o.text)
	}
	if _, ok := found["/proc/version"]; ok {
		out["/proc/version"] = func(m *machine) []byte {
			return fmt.Appendf(nil, "Linux version %s (builder@example.com) (gcc) %s\n", m.family.release, m.family.build)
		}
	}
	for section, made := range map[string]func(*machine) []byte{
		"sysctl-a": func(m *machine) []byte { return m.family.sysctl.appendTo(make([]byte, 0, 64<<10), m) },
		"uname-a": func(m *machine) []byte {
			return fmt.Appendf(nil, "Linux %s %s %s x86_64 GNU/Linux\n", m.name, m.family.release, m.family.build)
		},
		"uptime":   uptime,
		"ps":       processes,
		"ss-anp":   connections,
		"ip-addr":  addresses,
		"ip-route": routes,
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
	if len(text) == 0 {
		text = []byte(passwdText)
	}
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
	if len(text) == 0 {
		text = []byte(sshdText)
	}
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

// Files of a machine that has none of its own.
const (
	passwdText = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
sshd:x:105:65534::/run/sshd:/usr/sbin/nologin
`
	sshdText = `Include /etc/ssh/sshd_config.d/*.conf
Port 22
#ListenAddress 0.0.0.0
HostKey /etc/ssh/ssh_host_ed25519_key
SyslogFacility AUTH
LogLevel VERBOSE
LoginGraceTime 2m
PermitRootLogin no
StrictModes yes
MaxAuthTries 3
MaxSessions 10
PubkeyAuthentication yes
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
AllowGroups ssh-users
X11Forwarding no
PrintMotd no
ClientAliveInterval 300
ClientAliveCountMax 2
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
`
)
