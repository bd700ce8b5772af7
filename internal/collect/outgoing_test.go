package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

// host is a machine in a temporary folder: an outgoing directory, and beside it
// what is linked from there.
type host struct {
	t        *testing.T
	root     string
	outgoing string
	options  FileOptions
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, root: t.TempDir()}
	h.outgoing = filepath.Join(h.root, "outgoing")
	h.options.JSON = h.path("hardware.json")
	h.must(os.Mkdir(h.outgoing, 0o700))
	return h
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// path returns the absolute path of a place relative to the root.
func (h *host) path(name string) string { return filepath.Join(h.root, name) }

// write makes a file at a path relative to the root, and returns its path.
func (h *host) write(name, text string) string {
	h.t.Helper()
	path := h.path(name)
	h.must(os.MkdirAll(filepath.Dir(path), 0o700))
	h.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// link makes a symbolic link at a path relative to the root.
func (h *host) link(name, target string) {
	h.t.Helper()
	h.must(os.MkdirAll(filepath.Dir(h.path(name)), 0o700))
	h.must(os.Symlink(target, h.path(name)))
}

// folder opens a folder at a path relative to the root.
func (h *host) folder(name string) *hostfs.Folder {
	h.t.Helper()
	root, err := hostfs.New().Root()
	h.must(err)
	at, err := root.Find(h.path(name), true)
	h.must(err)
	return at.Folder
}

func (h *host) list() *Snapshot {
	h.t.Helper()
	s, err := Outgoing(h.outgoing, h.options)
	h.must(err)
	return s
}

// names returns the names of the snapshot, those below root relative to it.
func (h *host) names(s *Snapshot) []string {
	h.t.Helper()
	var names []string
	for _, source := range s.Sources {
		names = append(names, strings.TrimPrefix(source.Name, h.root+"/"))
	}
	return names
}

// objects lists, expects no problem, and returns the contents by name.
func (h *host) objects() map[string]string {
	h.t.Helper()
	s := h.list()
	if len(s.Problems) > 0 {
		h.t.Fatalf("problems: %v", s.Problems)
	}
	objects := make(map[string]string)
	for _, source := range s.Sources {
		content, err := source.Read(h.t.Context())
		h.must(err)
		name := source.Name
		if content.Name != "" {
			name = content.Name
		}
		objects[strings.TrimPrefix(name, h.root+"/")] = string(content.Data)
	}
	return objects
}

func (h *host) expect(want map[string]string) {
	h.t.Helper()
	got := h.objects()
	for name, text := range want {
		if got[name] != text {
			h.t.Errorf("%s is %q, want %q", name, got[name], text)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			h.t.Errorf("%s is an object", name)
		}
	}
}

func (h *host) expectProblem(s *Snapshot, text string) Problem {
	h.t.Helper()
	for _, p := range s.Problems {
		if p.Error() == text {
			return p
		}
	}
	h.t.Fatalf("problems are %q, want %q", s.Problems, text)
	return Problem{}
}

func TestALinkIsAnObjectNamedByItsTarget(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", h.write("etc/passwd", "root:x:0\n"))
	h.expect(map[string]string{"etc/passwd": "root:x:0\n"})
}

func TestALinkIsReadOnceAndNotResolvedFurther(t *testing.T) {
	h := newHost(t)
	h.write("run/stub-resolv.conf", "nameserver 127.0.0.53\n")
	h.link("etc/resolv.conf", "../run/stub-resolv.conf")
	h.link("outgoing/x", h.path("etc/resolv.conf"))
	h.expect(map[string]string{"etc/resolv.conf": "nameserver 127.0.0.53\n"})
}

func TestARelativeLinkIsNamedFromWhereItLies(t *testing.T) {
	h := newHost(t)
	h.write("etc/passwd", "root")
	h.link("outgoing/sub/x", "../../etc/./passwd")
	h.expect(map[string]string{"etc/passwd": "root"})
}

func TestAPlainFileIsNamedByItsOwnPath(t *testing.T) {
	h := newHost(t)
	h.write("outgoing/note", "one")
	h.write("outgoing/sub/note", "two")
	h.expect(map[string]string{"outgoing/note": "one", "outgoing/sub/note": "two"})
}

func TestAnObjectHasTheStatOfTheFileBehindTheLink(t *testing.T) {
	h := newHost(t)
	path := h.write("etc/passwd", "root")
	h.link("outgoing/x", path)
	content, err := h.list().Sources[0].Read(t.Context())
	h.must(err)
	fi, err := os.Stat(path)
	h.must(err)
	want, _ := snapshot.StatOf(fi)
	if content.Stat == nil || *content.Stat != *want {
		t.Errorf("stat is %+v, want %+v", content.Stat, want)
	}
}

func TestALinkedDirectoryIsWalked(t *testing.T) {
	h := newHost(t)
	h.write("cron.d/backup", "1")
	h.write("cron.d/deep/er/job", "2")
	h.link("outgoing/x", h.path("cron.d"))
	h.expect(map[string]string{"cron.d/backup": "1", "cron.d/deep/er/job": "2"})
}

func TestLinksInsideALinkedDirectoryAreNamedByWhereTheyWereMet(t *testing.T) {
	h := newHost(t)
	h.link("conf.d/10-a", h.write("available/a", "A"))
	h.link("conf.d/more", h.path("elsewhere"))
	h.write("elsewhere/b", "B")
	h.link("outgoing/x", h.path("conf.d"))
	h.expect(map[string]string{"conf.d/10-a": "A", "conf.d/more/b": "B"})
}

func TestACycleOfDirectoriesEnds(t *testing.T) {
	h := newHost(t)
	h.write("d/sub/file", "1")
	h.link("d/sub/up", "..")
	h.link("d/self", ".")
	h.link("outgoing/x", h.path("d"))
	h.expect(map[string]string{"d/sub/file": "1"})
}

func TestADirectoryThatIsReachedTwiceIsNamedByItsRealPlace(t *testing.T) {
	h := newHost(t)
	h.write("d/real/file", "1")
	h.link("d/a-link", "real") // met first
	h.link("outgoing/x", h.path("d"))
	h.expect(map[string]string{"d/real/file": "1"})
}

func TestALinkedDirectoryOfTooManyEntriesIsCutShort(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		h.write("big/"+name, name)
	}
	h.link("outgoing/x", h.path("big"))
	l := newLister(h.options)
	l.limit = 3
	l.link(h.outgoing, h.folder("outgoing"), "x")
	if got := h.names(&l.Snapshot); !slices.Equal(got, []string{"big/a", "big/b", "big/c"}) {
		t.Errorf("names are %q", got)
	}
	h.expectProblem(&l.Snapshot, "cannot read "+h.path("big")+": it has more than 3 entries; the rest is left out")
}

// A process may hold so many files open, and others are to be read, too.
func TestALinkedDirectoryOfTooManyDirectoriesIsCutShort(t *testing.T) {
	for shape, put := range map[string]func(h *host, i int){
		"beside each other": func(h *host, i int) { h.write(fmt.Sprintf("big/%04d/file", i), "1") },
		"in each other":     func(h *host, i int) { h.must(os.MkdirAll(h.path("big"+strings.Repeat("/d", i)), 0o700)) },
		"links": func(h *host, i int) {
			h.must(os.MkdirAll(h.path("elsewhere"), 0o700))
			h.link(fmt.Sprintf("big/%04d", i), h.path("elsewhere"))
		},
	} {
		t.Run(shape, func(t *testing.T) {
			h := newHost(t)
			for i := range maxFolders + 200 {
				put(h, i)
			}
			h.link("outgoing/x", h.path("big"))
			h.link("outgoing/y", h.write("passwd", "root"))
			before := openFiles(t)
			s := h.list()
			if n := openFiles(t) - before; n > maxFolders+100 {
				t.Errorf("%d files are open", n)
			}
			h.expectProblem(s, fmt.Sprintf("cannot read %s: it has more than %d directories; the rest is left out", h.path("big"), maxFolders))
			if !slices.Contains(h.names(s), "passwd") {
				t.Errorf("its neighbour is not among %d names", len(s.Sources))
			}
			runtime.KeepAlive(s)
		})
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// In a folder such as sysctl.d, a link to /dev/null hides the file of that name elsewhere: it
// counts as an empty file, and is not opened.
func TestLinksToTheNullDeviceInFoldersAreEmpty(t *testing.T) {
	h := newHost(t)
	h.link("sysctl.d/50-default.conf", "/dev/null")
	h.link("outgoing/x", h.path("sysctl.d"))
	h.expect(map[string]string{"sysctl.d/50-default.conf": ""})
	h.link("sysctl.d/zero.conf", "/dev/zero")
	h.expectProblem(h.list(), "cannot read "+h.path("sysctl.d/zero.conf")+": it is a device, not a file")
}

func TestPipesSocketsAndDevicesAreReportedAndNotOpened(t *testing.T) {
	h := newHost(t)
	h.write("d/file", "1")
	h.must(syscall.Mkfifo(h.path("d/pipe"), 0o600))
	h.must(syscall.Mkfifo(h.path("outgoing/pipe"), 0o600))
	h.link("outgoing/d", h.path("d"))
	h.link("outgoing/null", "/dev/null")
	s := h.list()
	if got := h.names(s); !slices.Equal(got, []string{"d/file"}) {
		t.Errorf("names are %q", got)
	}
	h.expectProblem(s, "cannot read "+h.path("d/pipe")+": it is a pipe, not a file")
	h.expectProblem(s, "cannot read "+h.path("outgoing/pipe")+": it is a pipe, not a file")
	h.expectProblem(s, "cannot read /dev/null: it is a device, not a file")
}

func TestALinkToNothingIsAProblem(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", h.path("etc/gone"))
	h.write("outgoing/y", "still here")
	s := h.list()
	p := h.expectProblem(s, "cannot read "+h.path("etc/gone")+": no such file or directory")
	if !errors.Is(p, fs.ErrNotExist) || p.Warning {
		t.Errorf("got %#v", p)
	}
	if got := h.names(s); !slices.Equal(got, []string{"outgoing/y"}) {
		t.Errorf("names are %q", got)
	}
}

func TestEntriesThatLeadToTheSameNameAreFolded(t *testing.T) {
	h := newHost(t)
	path := h.write("etc/hosts", "::1")
	h.link("outgoing/a", path)
	h.link("outgoing/b", "../etc/hosts")
	h.link("outgoing/c", h.path("etc"))
	h.expect(map[string]string{"etc/hosts": "::1"})
}

func TestNamesAreSorted(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/1", h.write("z", ""))
	h.link("outgoing/2", h.write("a", ""))
	if got := h.names(h.list()); !slices.Equal(got, []string{"a", "z"}) {
		t.Errorf("names are %q", got)
	}
}

func TestAMissingOutgoingDirectoryIsAnErrorWithAHint(t *testing.T) {
	_, err := Outgoing(filepath.Join(t.TempDir(), "missing"), FileOptions{})
	if !strings.Contains(strings.Join(terminal.Hints(err), "\n"), "sysops-agent init") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

func TestADirectoryInsideThatEveryoneMayWriteToIsLeftOut(t *testing.T) {
	h := newHost(t)
	h.write("outgoing/shared/x", "1")
	h.must(os.Chmod(h.path("outgoing/shared"), 0o777))
	s := h.list()
	if len(s.Sources) != 0 {
		t.Errorf("names are %q", h.names(s))
	}
	h.expectProblem(s, "cannot read "+h.path("outgoing/shared")+": everyone may write to it (mode 0777): chmod go-w "+h.path("outgoing/shared"))
}

func TestOutgoingRefusesAFile(t *testing.T) {
	h := newHost(t)
	_, err := Outgoing(h.write("file", ""), h.options)
	if err == nil || !strings.HasSuffix(err.Error(), "it is a file, not a directory") {
		t.Errorf("error is %v", err)
	}
}

func TestContentsAreRedacted(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", h.write("etc/app.conf", "user=a\npassword=hunter22\n"))
	h.write("hardware.json", `{"ps": "app --password=hunter22 -v\n", "j": {"token": "hunter22"}}`)
	h.options.Redactor = redact.New(nil)
	h.expect(map[string]string{
		"etc/app.conf":     "user=a\npassword=[redacted]\n",
		"hardware.json@ps": "app --password=[redacted] -v\n",
		"hardware.json@j":  `{"token": "[redacted]"}`,
	})
}
