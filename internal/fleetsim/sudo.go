package fleetsim

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Who may do what as whom. The files of the real machine tell of people, who are not
// on every host: sudoers is made up whole, and of /etc/group what goes with the
// generated accounts.

// sudoersText holds /etc/sudoers as distributions have it, with what the fleet's own
// files need.
//
//go:embed sudoers
var sudoersText embed.FS

// sudoersFile is the one of the distribution.
func (f *family) sudoersFile() string {
	switch {
	case strings.Contains(f.system, "ubuntu"):
		return "ubuntu"
	case f.packages == "deb":
		return "debian"
	case f.kernel < 4000:
		return "el7"
	}
	return "el9"
}

// administrators is the group whose members may do everything, with its usual number.
func (f *family) administrators() (name string, gid int) {
	if f.packages == "deb" {
		return "sudo", 27
	}
	return "wheel", 10
}

// A duty is what a role adds to sudoers, and the group that has it. A group without
// members may have some in a directory service.
type duty struct {
	unit    string // of systemd, that the role's daemon is
	group   string
	gid     int
	members string
	rules   string
}

var duties = [roleCount]duty{
	web: {
		"nginx", "webmasters", 1101, "",
		"%webmasters BEHIND = (root) NOPASSWD: /usr/sbin/nginx -t, PASSWD: sudoedit /etc/nginx/conf.d/*.conf, LOGS\n",
	},
	app: {
		"app", "developers", 1102, "app",
		"Runas_Alias APPS = app, nobody\n%developers FLEET = (APPS) NOPASSWD: /usr/bin/jstack, /usr/bin/jmap -histo *, (root) PASSWD: LOGS\n",
	},
	db: {
		"postgresql", "dba", 1100, "postgres",
		"User_Alias DBAS = %dba\nDBAS FLEET = (postgres) ALL, (root) /usr/bin/systemctl restart postgresql, STORAGE\n",
	},
	cache: {
		"redis", "cacheops", 1103, "",
		"%cacheops FLEET = (redis) /usr/bin/redis-cli, (root) /usr/bin/systemctl status redis\n",
	},
	lb: {
		"haproxy", "netops", 1104, "",
		"%netops BEHIND = (root) NETWORKING, NOPASSWD: /usr/bin/systemctl reload haproxy\n",
	},
	logs: {
		"rsyslog", "auditors", 1105, "logship",
		"%auditors FLEET = (root) NOPASSWD: /usr/sbin/logrotate -f /etc/logrotate.conf, PASSWD: STORAGE, !/usr/sbin/smartctl -a /dev/sda\n",
	},
}

// mistakenRights reports which of a few rare mistakes were made on the host.
func (m *machine) mistakenRights() (all, negation, broken, admin bool) {
	r := m.random(streamSudo)
	return r.Float64() < shareDeployAll, r.Float64() < shareNegation, r.Float64() < shareSudoersError, r.Float64() < shareDeployAdmin
}

func sudoers(m *machine) []byte {
	text, err := sudoersText.ReadFile("sudoers/" + m.family.sudoersFile())
	if err != nil {
		panic(err) // it comes with the package
	}
	return text
}

// deployRules let deploy restart what it has installed. On a few hosts it may do more
// than was meant.
func deployRules(m *machine) []byte {
	all, negation, broken, _ := m.mistakenRights()
	unit := duties[m.role].unit
	b := fmt.Appendf(nil, "# What was installed is to run.\nCmnd_Alias SERVICE = /usr/bin/systemctl restart %[1]s, /usr/bin/systemctl reload %[1]s\n", unit)
	if broken {
		b = fmt.Appendf(b, "deploy ALL (root) NOPASSWD: /usr/bin/systemctl stop %s\n", unit)
	}
	b = append(b, "deploy ALL = (root) NOPASSWD: SERVICE\n"...)
	if all {
		b = append(b, "# Until the migration is done.\ndeploy ALL=(ALL) NOPASSWD: ALL\n"...)
	}
	if negation { // a copy of a shell is none of these
		b = append(b, "deploy ALL = (root) ALL, !SHELLS\n"...)
	}
	return b
}

func serviceRules(m *machine) []byte {
	d := &duties[m.role]
	return fmt.Appendf(nil, "# Who looks after %s.\n%s", d.unit, d.rules)
}

// groups is the real machine's, with those of the generated accounts and of the rules
// of sudoers.
func groups(text, passwd []byte) func(*machine) []byte {
	taken := make(map[string]bool) // numbers, by other groups and by accounts
	var admins []string            // of the real machine
	for name, f := range colonFields(text) {
		switch {
		case name != "sudo" && name != "wheel":
			taken[f[2]] = true
		case len(f) > 3:
			admins = append(admins, strings.FieldsFunc(f[3], func(c rune) bool { return c == ',' })...)
		}
	}
	for _, f := range colonFields(passwd) {
		if len(f) > 3 {
			taken[f[3]] = true
		}
	}
	admins = slices.DeleteFunc(admins, func(name string) bool { return name == "deploy" })
	return func(m *machine) []byte {
		account := strings.Split(roles[m.role].account, ":")
		d := &duties[m.role]
		replaced := []string{"sudo", "wheel", "deploy", account[0], d.group}
		var b []byte
		for name, f := range colonFields(text) {
			if !slices.Contains(replaced, name) && f[2] != account[3] {
				b = append(append(b, strings.Join(f, ":")...), '\n')
			}
		}
		name, gid := m.family.administrators()
		if taken[fmt.Sprint(gid)] { // its account would be an administrator
			const spare = 1099
			gid = spare
		}
		members := admins
		if _, _, _, admin := m.mistakenRights(); admin {
			members = append(slices.Clone(admins), "deploy")
		}
		return fmt.Appendf(b, "%s:x:%d:%s\n%s:x:%s:\n%s:x:%d:%s\ndeploy:x:2000:\n",
			name, gid, strings.Join(members, ","), account[0], account[3], d.group, d.gid, d.members)
	}
}

// colonFields yields the first field of each line of passwd(5) or group(5), and all of
// them, of which there are at least three.
func colonFields(text []byte) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		for line := range bytes.Lines(text) {
			f := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
			if len(f) >= 3 && !yield(f[0], f) {
				return
			}
		}
	}
}
