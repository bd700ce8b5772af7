package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/trust"
)

// Limits of a command that states none.
const (
	DefaultTimeout = 10 * time.Second
	DefaultLimit   = 4 << 20 // bytes of output
)

// slowTimeout is for the programs that probe hardware.
const slowTimeout = 30 * time.Second

// A Command is a program whose output becomes one section of the JSON object.
//
// Commands of one list that share a Section are alternatives: the first one
// that is installed and works (exits 0, or prints something) is the section.
type Command struct {
	Section string        // "sysctl-a"; neither empty nor "collection", which is reserved
	Argv    []string      // a program without a slash is looked for in a fixed PATH
	Timeout time.Duration // 0: DefaultTimeout
	Limit   int64         // bytes of output that are kept; 0: DefaultLimit
}

// Catalogue returns the commands worth running on any Linux machine. All of
// them only read. Firewall listings are left out because nft and iptables-save
// load kernel modules when they are first run; an administrator can add them.
//
// The list depends on the machine in one way: each network card adds a section
// "ethtool-<interface>".
func Catalogue() []Command {
	commands := []Command{
		{Section: "sysctl-a", Argv: []string{"sysctl", "-a"}},
		{Section: "uname-a", Argv: []string{"uname", "-a"}},
		{Section: "uptime", Argv: []string{"uptime"}},
		{Section: "getenforce", Argv: []string{"getenforce"}},

		// No column that changes while a process idles (%CPU, TIME): an
		// unchanged process table is not sent again.
		{Section: "ps", Argv: []string{"ps", "-eww", "-o", "user:16,pid,ppid,ni,nlwp,rss,lstart,args"}},
		{Section: "ps", Argv: []string{"ps"}}, // busybox
		{Section: "lsmod", Argv: []string{"lsmod"}},
		{Section: "who", Argv: []string{"who"}},
		{Section: "last", Argv: []string{"last", "-w", "-n", "200"}},
		{Section: "crontab-l", Argv: []string{"crontab", "-l"}},
	}
	for _, more := range [][]Command{networkCommands(), diskCommands(), hardwareCommands(), softwareCommands()} {
		commands = append(commands, more...)
	}
	return commands
}

func networkCommands() []Command {
	commands := []Command{
		{Section: "ss-anp", Argv: []string{"ss", "-anp"}},
		{Section: "netstat-s", Argv: []string{"netstat", "-s"}},
		{Section: "netstat-s", Argv: []string{"nstat", "-asz"}},
		{Section: "ip-addr", Argv: []string{"ip", "addr"}},
		{Section: "ip-route", Argv: []string{"ip", "route"}},
		{Section: "ip-6-route", Argv: []string{"ip", "-6", "route"}},
		{Section: "ip-rule", Argv: []string{"ip", "rule"}},
		{Section: "lldp-xml", Argv: []string{"lldpcli", "-f", "xml", "show", "neighbors", "details"}},
		{Section: "lldp-xml", Argv: []string{"lldpctl", "-f", "xml"}},
	}
	for _, name := range networkCards() {
		commands = append(commands, Command{Section: "ethtool-" + name, Argv: []string{"ethtool", name}})
	}
	return commands
}

func diskCommands() []Command {
	return []Command{
		{Section: "mount", Argv: []string{"mount"}},
		{Section: "df-Pk", Argv: []string{"df", "-P", "-k"}},
		{Section: "df-Pi", Argv: []string{"df", "-P", "-i"}},
		{Section: "lsblk-J", Argv: []string{"lsblk", "-J"}},
	}
}

func hardwareCommands() []Command {
	return []Command{
		{Section: "lscpu", Argv: []string{"lscpu"}},
		{Section: "lspci", Argv: []string{"lspci"}, Timeout: slowTimeout},
		{Section: "lshw-json", Argv: []string{"lshw", "-json", "-quiet"}, Timeout: slowTimeout},
		{Section: "dmidecode", Argv: []string{"dmidecode"}, Timeout: slowTimeout},
	}
}

func softwareCommands() []Command {
	return []Command{
		{Section: "dpkg-l", Argv: []string{"dpkg", "-l"}},
		{Section: "rpm-qa", Argv: []string{"rpm", "-qa"}, Timeout: slowTimeout},
		{
			Section: "systemctl-list-units",
			Argv:    []string{"systemctl", "list-units", "--all", "--full", "--no-pager", "--plain", "--no-legend"},
		},
		{
			Section: "systemctl-list-unit-files",
			Argv:    []string{"systemctl", "list-unit-files", "--full", "--no-pager", "--no-legend"},
		},
	}
}

// networkCards returns the interfaces that have hardware behind them. Those of
// containers and virtual machines come and go, and would each be a new name in
// the cache.
func networkCards() []string {
	devices, _ := filepath.Glob("/sys/class/net/*/device") // the pattern is well formed
	var names []string
	for _, device := range devices {
		name := filepath.Base(filepath.Dir(device))
		if !strings.HasPrefix(name, "-") { // ethtool would take it for a flag
			names = append(names, name)
		}
	}
	return names
}

// searchPath and environment are the same on every host and for every caller,
// so that outputs compare: LC_ALL=C fixes language and sort order. What root
// alone can write comes first.
const searchPath = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"

func environment(path string) []string {
	return []string{"PATH=" + path, "LC_ALL=C", "HOME=/", "TERM=dumb", "PAGER=cat", "SYSTEMD_COLORS=0"}
}

// ownPath returns the folders of a path into which nobody else may put a program: what a
// command runs in turn must not be of others' choice, either.
func ownPath(h *hostfs.Host, path string) string {
	root, err := h.Root()
	if err != nil {
		return "" // and nothing will be found to run
	}
	own := slices.DeleteFunc(strings.Split(path, ":"), func(dir string) bool {
		if _, err := root.Find(dir, true); err != nil {
			return true // or its file system does not answer
		}
		return h.Do(func() error { return trust.Check(dir) }) != nil
	})
	return strings.Join(own, ":")
}

// lookPath finds an executable in the folders of search. [exec.LookPath] would use the
// caller's PATH, which under cron or CFEngine lacks the sbin directories. An error says
// that it cannot be known whether there is one, or that there is one which others could have
// put there, or change; "" is that there is none.
func lookPath(h *hostfs.Host, program, search string) (path string, err error) {
	root, err := h.Root()
	if err != nil {
		return "", err
	}
	if strings.Contains(program, "/") {
		path, err := filepath.Abs(program)
		if err != nil {
			return "", err
		}
		if found, err := isExecutable(h, root, path); !found {
			return "", err
		}
		return path, nil
	}
	for dir := range strings.SplitSeq(search, ":") {
		path := filepath.Join(dir, program)
		found, why := isExecutable(h, root, path)
		if found {
			return path, nil
		}
		if err == nil {
			err = why
		}
	}
	return "", err
}

// CheckPrograms says of which commands the program would not be run: others can change it, or
// nobody knows. A program that is not installed is none of them. h is what is known of the
// host's file systems, nil: nothing yet.
func CheckPrograms(h *hostfs.Host, commands []Command) (errs []error) {
	if h == nil {
		h = hostfs.New()
	}
	for _, c := range commands {
		if c.refusal() != "" {
			continue
		}
		if _, err := lookPath(h, c.Argv[0], searchPath); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Section, err))
		}
	}
	return errs
}

// isExecutable looks for a program that nobody else chooses.
func isExecutable(h *hostfs.Host, root *hostfs.Folder, path string) (bool, error) {
	at, err := root.Find(path, true)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return false, nil
	case err != nil:
		return false, err
	case !at.Info.Mode().IsRegular() || at.Info.Mode()&0o111 == 0:
		return false, nil
	}
	err = judgeProgram(h, root, path)
	return err == nil, err
}

// mostInterpreters is how many programs the kernel goes through, each the interpreter of the
// one before.
const mostInterpreters = 5

// judgeProgram says why a program, or what interprets it, must not be run: others can change
// it, or nobody knows. It reads how each begins: the kernel is not to do that first, which
// would keep all others waiting that are being started. Whatever else there is to complain
// of, the kernel will.
func judgeProgram(h *hostfs.Host, root *hostfs.Folder, program string) error {
	path, what := program, program
	for range mostInterpreters {
		begin, err := beginning(root, path)
		if hostfs.Unknown(err) {
			return err
		}
		err = h.Do(func() error { return trust.Check(path) })
		if _, untrusted := errors.AsType[*trust.Error](err); untrusted {
			return fmt.Errorf("cannot run %s: %w", what, err)
		}
		if hostfs.Unknown(err) {
			return err
		}
		script, ok := strings.CutPrefix(begin, "#!")
		line, _, _ := strings.Cut(script, "\n")
		words := strings.Fields(line)
		if !ok || len(words) == 0 {
			return nil
		}
		path = filepath.Join("/", words[0]) // which is where it is run
		what = program + " by " + path
	}
	return nil
}

// beginning reads how a file begins.
func beginning(root *hostfs.Folder, path string) (string, error) {
	return hostfs.Read(root, path, true, func(f *hostfs.File) (string, error) {
		buf := make([]byte, 256)
		n, err := f.Read(buf)
		return string(buf[:n]), err
	})
}
