package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Policy returns what [Init] links into the outgoing directory: absolute paths
// of files and directories, and globs (as in [filepath.Match]) that stand for
// files only. Linked directories are searched at every push, so files that
// appear there later are found; those of a glob are found by the next Init.
//
// Not in it, on purpose: shadow files, private keys, and the connections of
// NetworkManager, which are mostly passwords.
func Policy() []string {
	return slices.Concat(accountPolicy(), systemPolicy(), networkPolicy(), softwarePolicy(), kernelPolicy())
}

func accountPolicy() []string {
	return []string{
		"/etc/passwd", "/etc/group", "/etc/login.defs", "/etc/nsswitch.conf",
		"/etc/pam.d", "/etc/security/limits.conf", "/etc/security/limits.d", "/etc/security/access.conf",
		"/etc/sudoers", "/etc/sudoers.d", "/etc/profile", "/etc/environment", "/etc/shells",
	}
}

func systemPolicy() []string {
	return []string{
		"/etc/fstab", "/etc/hostname", "/etc/machine-info", "/etc/os-release", "/etc/redhat-release", "/etc/debian_version",
		"/etc/sysctl.conf", "/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d",
		"/etc/modprobe.d", "/etc/modules-load.d",
		"/etc/crontab", "/etc/anacrontab", "/etc/cron.d",
		"/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
		"/var/spool/cron/crontabs", // Debian
		"/var/spool/cron/*",        // Red Hat; files only, so not Debian's at jobs
		"/etc/sysconfig/*", "/etc/default", "/etc/default/grub",
		"/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/logrotate.conf", "/etc/logrotate.d",
		// Globs, not the directory: a masked unit there is a link to /dev/null,
		// and an enabled one a second copy of the vendor's file.
		"/etc/systemd/*.conf", "/etc/systemd/system/*.service", "/etc/systemd/system/*.timer",
		"/etc/systemd/system/*.socket", "/etc/systemd/system/*.mount", "/etc/systemd/system/*.target",
		"/etc/systemd/system/*.d/*.conf",
	}
}

func networkPolicy() []string {
	return []string{
		"/etc/hosts", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/resolv.conf",
		"/etc/sysconfig/network-scripts/ifcfg-*", "/etc/sysconfig/network-scripts/route*-*",
		"/etc/sysconfig/network-scripts/rule*-*", // not keys-*
		"/etc/network/interfaces", "/etc/network/interfaces.d", "/etc/netplan",
		"/etc/NetworkManager/NetworkManager.conf", "/etc/NetworkManager/conf.d", "/etc/systemd/network",
		"/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d", "/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d",
		"/etc/ntp.conf", "/etc/ntpsec/ntp.conf", "/etc/chrony.conf", "/etc/chrony/chrony.conf", "/etc/chrony/conf.d",
	}
}

func softwarePolicy() []string {
	return []string{
		"/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/preferences.d", "/etc/apt/apt.conf.d",
		"/etc/yum.conf", "/etc/dnf/dnf.conf", "/etc/yum.repos.d", "/etc/zypp/repos.d", "/etc/apk/repositories",
	}
}

// kernelPolicy leaves out what never stands still, such as /proc/interrupts.
func kernelPolicy() []string {
	return []string{
		"/proc/cmdline", "/proc/cpuinfo", "/proc/mdstat", "/proc/meminfo", "/proc/modules", "/proc/mounts",
		"/proc/partitions", "/proc/swaps", "/proc/version", "/proc/net/bonding", "/proc/net/vlan",
	}
}

// Init creates the outgoing directory dir (mode 0700, those above it 0755) and
// links into it what [Policy] names and this machine has. It returns the paths
// that it newly linked, sorted.
//
// It can be run again at any time: it adds what has come up since, and neither
// removes nor replaces anything. A link that the administrator removed comes
// back; one that points elsewhere stays, and the path that would have had its
// name gets another one.
func Init(dir string) (made []string, err error) {
	return initialize(dir, Policy())
}

func initialize(dir string, policy []string) ([]string, error) {
	if err := makeOutgoing(dir); err != nil {
		return nil, err
	}
	taken, linked, err := existing(dir)
	if err != nil {
		return nil, err
	}
	var made []string
	for _, path := range present(policy) {
		if linked[path] {
			continue
		}
		name := freeName(path, taken)
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			return made, fmt.Errorf("cannot link %s into outgoing directory %s: %w", path, dir, cause(err))
		}
		taken[name] = true
		made = append(made, path)
	}
	return made, nil
}

// makeOutgoing creates dir, or checks the one that is there: links made in a
// directory that Outgoing refuses would be of no use.
func makeOutgoing(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("cannot create outgoing directory %s: %w", dir, err)
	}
	err := os.Mkdir(dir, 0o700)
	switch {
	case os.IsExist(err):
		return checkDir(dir, sharedByAll)
	case err != nil:
		return fmt.Errorf("cannot create outgoing directory %s: %w", dir, cause(err))
	}
	return nil
}

// existing returns the names of the entries of dir, and what its links point to.
func existing(dir string) (taken, linked map[string]bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot list outgoing directory %s: %w", dir, cause(err))
	}
	taken, linked = make(map[string]bool), make(map[string]bool)
	for _, entry := range entries {
		taken[entry.Name()] = true
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			linked[filepath.Clean(target)] = true
		}
	}
	return taken, linked, nil
}

// present returns what of the policy is there, sorted, each path once. Of a folder that
// the policy names twice (/lib/sysctl.d, where /lib is /usr/lib) it returns the real path.
func present(policy []string) []string {
	var paths []string
	for _, pattern := range policy {
		isGlob := strings.ContainsAny(pattern, `*?[\`)
		matches, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, path := range matches {
			fi, err := os.Stat(path)
			if err != nil {
				continue
			}
			if fi.Mode().IsRegular() || fi.IsDir() && !isGlob {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool {
		real, err := filepath.EvalSymlinks(path)
		return err == nil && real != path && slices.Contains(policy, real)
	})
}

// freeName makes a link's name from a path: etc_cron.d for /etc/cron.d. Of two
// paths with the same name (/a/b and /a_b) the second has a number appended.
func freeName(path string, taken map[string]bool) string {
	base := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "_")
	name := base
	for n := 2; taken[name]; n++ {
		name = base + "." + strconv.Itoa(n)
	}
	return name
}
