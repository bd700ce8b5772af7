package collect

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
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
// name gets another one. What lies on a file system that does not answer is left for
// another time; h is what is known of them, nil: nothing yet.
func Init(h *hostfs.Host, dir string) (made []string, err error) {
	return initialize(h, dir, Policy())
}

func initialize(h *hostfs.Host, dir string, policy []string) ([]string, error) {
	if h == nil {
		h = hostfs.New()
	}
	root, err := h.Root()
	if err != nil {
		return nil, err
	}
	there := present(root, policy)
	made, err := hostfs.Call(h, func() ([]string, error) { return link(dir, there) })
	if err == hostfs.ErrSilent { // nobody had the time to say where
		err = fmt.Errorf("cannot use outgoing directory %s: %w", dir, err)
	}
	return made, err
}

// link makes a link in the outgoing directory for each path that has none.
func link(dir string, paths []string) (made []string, err error) {
	if err := makeOutgoing(dir); err != nil {
		return nil, err
	}
	taken, linked, err := existing(dir)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
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
	if err, untrusted := errors.AsType[*trust.Error](trust.Check(dir)); untrusted {
		return outgoingError(dir, err, "whoever may write there chooses which files are read")
	}
	err := wholefile.MkdirAll(nil, filepath.Dir(dir), 0o755)
	if err == nil {
		err = wholefile.MkdirAll(nil, dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("cannot create outgoing directory %s: %w", dir, cause(err))
	}
	return checkDir(dir)
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
func present(root *hostfs.Folder, policy []string) []string {
	real := make(map[string]string) // by path
	secrecy := newSecrecy(nil)
	for _, pattern := range policy {
		isGlob := strings.ContainsAny(pattern, globChars)
		for _, path := range glob(root, "/", strings.Split(strings.TrimPrefix(pattern, "/"), "/")) {
			at, err := root.Find(path, true)
			if err != nil || secrecy.file(path, at) {
				continue
			}
			if at.Info.Mode().IsRegular() || at.Folder != nil && !isGlob {
				real[path] = at.Real
			}
		}
	}
	maps.DeleteFunc(real, func(path, real string) bool { return real != path && slices.Contains(policy, real) })
	return slices.Sorted(maps.Keys(real))
}

const globChars = `*?[\`

// glob returns the paths in a folder that the components of a pattern match, as those of
// [filepath.Match] do. A component that is no pattern need not be there.
func glob(folder *hostfs.Folder, path string, components []string) (paths []string) {
	names := components[:1]
	if strings.ContainsAny(names[0], globChars) {
		entries, _ := folder.Entries(0)
		names = nil
		for _, e := range entries {
			if ok, _ := filepath.Match(components[0], e.Name); ok { // the patterns are well formed
				names = append(names, e.Name)
			}
		}
	}
	for _, name := range names {
		below := filepath.Join(path, name)
		if len(components) == 1 {
			paths = append(paths, below)
		} else if at, err := folder.Find(name, true); err == nil && at.Folder != nil {
			paths = append(paths, glob(at.Folder, below, components[1:])...)
		}
	}
	return paths
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
