package collect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// What is private never becomes a base, because every host may read bases (see
// [snapshot.Source]). The measure is what anybody on the host itself could have read:
//
//   - A file that others may not read, or cannot reach, is private in any case; so
//     is the JSON object where it is sent whole.
//   - Some files that anybody may read are private all the same: they tell of
//     people, of command lines, or of who is let in. They are privateFiles.
//   - The output of a command has no mode to go by, and is what root was shown. It
//     is private, but for the sections that are known to show everybody the same
//     and to tell of the machine alone: sharedSections. A command that an
//     administrator adds is thus private until they say otherwise.

// privateFiles match names of files, or the places where they really are; * matches
// / as well.
var privateFiles = []string{
	// Who may become whom, and who is let in.
	"*/sudoers*", "*/.ssh/*", "*/authorized_keys*",
	"/etc/iptables/*", "/etc/sysconfig/*tables*", "/etc/nftables*", "/etc/ufw/*", "/etc/firewalld/*",

	// What runs, with its arguments, and when.
	"*/crontab", "*/crontab.*", "*/crontabs/*", "*/anacrontab", "*/cron.*/*", "*/spool/cron/*", "*/spool/at/*",
	"/proc/[0-9]*/*", "/proc/self/*", "/proc/thread-self/*",

	// People: what is theirs, who writes to them, when they came.
	"/root/*", "/home/*", "/var/mail/*", "/var/spool/mail/*", "/var/log/*", "*/run/utmp",

	// Who is connected: not bonding, dev and vlan.
	"/proc/net/[^bdv]*",

	// Addresses of the kernel, which it shows to root and hides from others.
	"/proc/modules", "/proc/kallsyms", "/proc/iomem", "/proc/ioports", "/proc/vmallocinfo",
}

// sharedSections match the sections of commands that are not private.
//
// Of the catalogue's, ps, ss-anp, who, last and crontab-l tell of people, command
// lines and connections. dmidecode, lshw-json (serial numbers, UUIDs) and lldp-xml
// (the network's switches) are for root alone. "collection" holds the arguments and
// complaints of all commands.
//
// netstat-s is counters. systemctl-list-units names people with a session and what
// systemd-run was given, yet for the most part says the same on thousands of hosts.
// What sysctl-a shows to root alone and is a secret is redacted.
var sharedSections = []string{
	"sysctl-a", "uname-a", "uptime", "getenforce", "lsmod",
	"netstat-s", "ip-addr", "ip-route", "ip-6-route", "ip-rule", "ethtool-*",
	"mount", "df-Pk", "df-Pi", "lsblk-J", "lscpu", "lspci",
	"dpkg-l", "rpm-qa", "systemctl-list-units", "systemctl-list-unit-files",
}

// A privacy decides which objects are private.
type privacy struct {
	more, less    globs // of the administrator; see [FileOptions]
	files, shared globs // privateFiles and sharedSections
}

func newPrivacy(o FileOptions) *privacy {
	return &privacy{
		more: newGlobs(o.Private), less: newGlobs(o.NotPrivate), files: newGlobs(privateFiles), shared: newGlobs(sharedSections),
	}
}

// checkPatterns refuses what matches nothing and is not meant to.
func checkPatterns(globs ...string) error {
	for _, glob := range globs {
		if glob == "" {
			return errors.New("cannot tell which objects are private: a pattern of names is empty")
		}
		if err := naming.CheckGlob(glob); err != nil {
			return fmt.Errorf("cannot tell which objects are private: %q is no pattern of names: %w", glob, err)
		}
	}
	return nil
}

// section decides on a section of the JSON object at file.
func (p *privacy) section(file, key string) bool {
	names := []string{file + "@" + key, key}
	switch {
	case p.more.match(names...):
		return true
	case p.less.match(names...):
		return false
	}
	return !p.shared.match(key)
}

// file decides on the file at a place, published under name. That others may not read
// it is left to the mode that it has when it is read.
func (p *privacy) file(name string, at hostfs.Place) bool {
	switch {
	case !at.Open, p.more.match(name, at.Real):
		return true
	case p.less.match(name):
		return false
	}
	return p.files.match(name, at.Real)
}

// globs are patterns of names, in which * matches / as well.
type globs []naming.Glob

func newGlobs(texts []string) globs {
	out := make(globs, len(texts))
	for i, t := range texts {
		out[i] = naming.NewGlob(t)
	}
	return out
}

// match reports whether one of the patterns matches one of the names.
func (g globs) match(names ...string) bool {
	return slices.ContainsFunc(g, func(one naming.Glob) bool { return slices.ContainsFunc(names, one.Match) })
}
