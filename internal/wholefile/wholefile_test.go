package wholefile_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// The test program runs itself as another process, which writes and is killed, has a
// umask, or a limit to what it may write.
var processes = map[string]func(path string) error{
	"begin and wait": func(path string) error {
		f, err := wholefile.Create(path, wholefile.Options{})
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte("cut short")); err != nil {
			return err
		}
		fmt.Println("written")
		_, err = io.Copy(io.Discard, os.Stdin) // until it is killed
		return errors.Join(err, f.Commit())
	},
	"masks":        writeUnderMasks,
	"little space": writeInLittleSpace,
}

func TestMain(m *testing.M) {
	if do := processes[os.Getenv("WHOLEFILE_PROCESS")]; do != nil {
		if err := do(os.Getenv("WHOLEFILE_PATH")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func process(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "WHOLEFILE_PROCESS="+what, "WHOLEFILE_PATH="+path)
	return cmd
}

// beginAndWait starts a process that has written part of a file.
func beginAndWait(t *testing.T, path string) (kill func()) {
	t.Helper()
	cmd := process(t, "begin and wait", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "written\n" {
		kill()
		t.Fatalf("the process says %q, %v", line, err)
	}
	return kill
}

// lies returns what lies in a folder: the contents by name.
func lies(t *testing.T, folder string) map[string]string {
	t.Helper()
	got, err := contents(folder)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func contents(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	got := make(map[string]string)
	for _, e := range entries {
		text, failed := os.ReadFile(filepath.Join(folder, e.Name()))
		err = errors.Join(err, failed)
		got[e.Name()] = string(text)
	}
	return got, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(path, text string, o wholefile.Options) error {
	return wholefile.Write(path, []byte(text), o)
}

func TestAKillLeavesTheOldFileAndLittleElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	must(t, write(path, "old", wholefile.Options{}))
	for n := range 5 {
		kill := beginAndWait(t, path)
		kill()
		if got := lies(t, folder); got["state"] != "old" || len(got) != 2 {
			t.Errorf("after %d kills there are %q", n+1, got)
		}
	}
	must(t, write(filepath.Join(folder, "other"), "other", wholefile.Options{}))
	if got := lies(t, folder); len(got) != 3 {
		t.Errorf("the writing of another file leaves %q: whose that is cannot be told", got)
	}
	must(t, write(path, "new", wholefile.Options{}))
	if got := lies(t, folder); !maps.Equal(got, map[string]string{"state": "new", "other": "other"}) {
		t.Errorf("after the next one there are %q", got)
	}
}

func TestSweepRemovesWhatNobodyWrites(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "one")
	beginAndWait(t, path)()
	beginAndWait(t, filepath.Join(folder, "two"))()
	must(t, write(path, "whole", wholefile.Options{Unswept: true}))
	kept := []string{".x.part", ".x.abcdefgh.part", ".x.ABCDEFG.part", "x.ABCDEFGH.part", "..ABCDEFGH.part"}
	for _, name := range kept {
		must(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	f, err := wholefile.Create(path, wholefile.Options{})
	must(t, err)
	wholefile.Sweep(folder)
	wholefile.Sweep(filepath.Join(folder, "missing"))
	must(t, f.Commit())
	got := slices.Sorted(maps.Keys(lies(t, folder)))
	if want := slices.Sorted(slices.Values(append(kept, "one"))); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestOfTwoWritersTheLastToCommitWins(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	first, err := wholefile.Create(path, wholefile.Options{})
	must(t, err)
	second, err := wholefile.Create(path, wholefile.Options{})
	must(t, err)
	for f, text := range map[*wholefile.File]string{first: "first", second: "second"} {
		_, err := f.Write([]byte(text))
		must(t, err)
	}
	must(t, second.Commit())
	must(t, first.Commit())
	second.Abort() // does nothing
	if got := lies(t, folder); !maps.Equal(got, map[string]string{"state": "first"}) {
		t.Errorf("there are %q", got)
	}
}

func TestAnExclusiveFileIsNotWrittenTwice(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	kill := beginAndWait(t, path)
	err := write(path, "x", wholefile.Options{Exclusive: true})
	if !errors.Is(err, wholefile.ErrBusy) || err.Error() != "write "+path+": another process is writing it" {
		t.Errorf("the error is %v", err)
	}
	kill()
	if err := write(path, "x", wholefile.Options{Exclusive: true}); err != nil {
		t.Errorf("after the other one was killed: %v", err)
	}
	if got := lies(t, folder); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
}

func TestTheModeIsThatAskedForWhateverTheUmask(t *testing.T) {
	if out, err := process(t, "masks", t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("%s%v", out, err)
	}
}

func writeUnderMasks(folder string) error {
	var errs []error
	for _, mask := range []int{0o077, 0o000, 0o027, 0o777} {
		syscall.Umask(mask)
		for _, mode := range []fs.FileMode{0, 0o600, 0o640, 0o644, 0o444, 0o666} {
			path := filepath.Join(folder, fmt.Sprintf("%o-%o", mask, mode))
			must := func(err error) { errs = append(errs, err) }
			must(write(path, "x", wholefile.Options{Mode: mode}))
			must(write(path, "y", wholefile.Options{Mode: mode})) // over one that is there
			log, err := wholefile.Open(nil, path+".log", os.O_WRONLY, 0o640)
			must(errors.Join(err, log.Close()))
			want := mode
			if mode == 0 {
				want = 0o600
			}
			for path, want := range map[string]fs.FileMode{path: want, path + ".log": 0o640} {
				if fi, err := os.Stat(path); err != nil || fi.Mode() != want {
					errs = append(errs, fmt.Errorf("%s has the mode %v, want %v: %w", path, fi.Mode(), want, err))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// A disk that is full, at whatever byte, leaves what was there.
func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	if out, err := process(t, "little space", t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("%s%v", out, err)
	}
}

func writeInLittleSpace(folder string) error {
	signal.Ignore(syscall.SIGXFSZ) // so that writing fails instead
	path := filepath.Join(folder, "state")
	if err := write(path, "old", wholefile.Options{}); err != nil {
		return err
	}
	const text = "new, and longer"
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	ways := map[string]func() error{
		"Write": func() error { return write(path, text, wholefile.Options{}) },
		"Fill": func() error {
			return wholefile.Fill(path, wholefile.Options{}, func(w io.Writer) error {
				_, err := io.WriteString(w, text)
				return err
			})
		},
		"Commit, though Write has failed": func() error {
			f, err := wholefile.Create(path, wholefile.Options{})
			if err != nil {
				return err
			}
			defer f.Abort()
			for i := range len(text) {
				f.Write([]byte(text[i : i+1]))
			}
			return f.Commit()
		},
	}
	for name, way := range ways {
		for space := range uint64(len(text)) {
			limit.Cur = space
			if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
				return err
			}
			err := way()
			if !errors.Is(err, syscall.EFBIG) || !strings.HasPrefix(err.Error(), "write "+path+": ") {
				return fmt.Errorf("%s with room for %d bytes: %w", name, space, err)
			}
			if got, err := contents(folder); err != nil || len(got) != 1 || got["state"] != "old" {
				return fmt.Errorf("%s with room for %d bytes leaves %q, %w", name, space, got, err)
			}
		}
	}
	return nil
}

func TestAnErrorOfWhatFillsIsReturnedAsItIs(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state")
	must(t, write(path, "old", wholefile.Options{}))
	failed := errors.New("no more to come")
	err := wholefile.Fill(path, wholefile.Options{}, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("x", 1<<20))
		return failed
	})
	if got := lies(t, folder); err != failed || !maps.Equal(got, map[string]string{"state": "old"}) {
		t.Errorf("there are %d files, %v", len(got), err)
	}
}

func TestALinkIsReplacedAndNotFollowed(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	victim, path := filepath.Join(elsewhere, "victim"), filepath.Join(folder, "state")
	must(t, os.WriteFile(victim, []byte("theirs"), 0o644))
	for name, link := range map[string]func() error{
		"a symbolic link": func() error { return os.Symlink(victim, path) },
		"a hard link":     func() error { return os.Link(victim, path) },
		"one to nowhere":  func() error { return os.Symlink("nowhere", path) },
	} {
		must(t, link())
		must(t, write(path, "ours", wholefile.Options{}))
		fi, err := os.Lstat(path)
		if err != nil || fi.Mode() != 0o600 || !maps.Equal(lies(t, folder), map[string]string{"state": "ours"}) {
			t.Errorf("%s: there is %v, %v", name, fi.Mode(), err)
		}
		if got := lies(t, elsewhere); !maps.Equal(got, map[string]string{"victim": "theirs"}) {
			t.Errorf("%s: what it led to is %q", name, got)
		}
		must(t, os.Remove(path))
	}
}

func TestWhatCannotBeWrittenIsNamed(t *testing.T) {
	folder := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(folder, "folder", "full"), 0o700))
	must(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	for name, want := range map[string]string{
		"missing/state": "no such file or directory", "file/state": "not a directory", "folder": "file exists",
		"folder/": "is a directory", "folder/..": "is a directory", strings.Repeat("x", 256): "file name too long",
	} {
		path := folder + "/" + name
		if err := write(path, "x", wholefile.Options{}); err == nil || err.Error() != "write "+path+": "+want {
			t.Errorf("%.20s: the error is %v, want %s", name, err, want)
		}
	}
	if got, err := os.ReadDir(folder); err != nil || len(got) != 2 {
		t.Errorf("there are %v, %v", got, err)
	}
	long := filepath.Join(folder, strings.Repeat("x", 255))
	must(t, write(long, "x", wholefile.Options{})) // a name that leaves no room for the name of a temporary one
}

// A tree of files has one folder for the temporary ones, and makes folders as they are
// needed.
func TestAFileBelowARoot(t *testing.T) {
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	must(t, err)
	defer root.Close()
	must(t, os.Mkdir(filepath.Join(folder, "tmp"), 0o700))
	must(t, os.Symlink("/", filepath.Join(folder, "out")))
	at := time.Unix(1e9, 0)
	o := wholefile.Options{Root: root, Temporary: "tmp", Mode: 0o640, ModTime: at, Unsynced: true}
	f, err := wholefile.Create("a/b/one", o)
	must(t, err)
	defer f.Abort()
	_, err = f.Write([]byte("one"))
	must(t, err)
	if err := f.Commit(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without its folder: %v", err)
	}
	must(t, wholefile.MkdirAll(root, "a/b", 0o700))
	must(t, f.Commit())
	link, err := wholefile.Link("a/b/one", "a/two", o)
	must(t, err)
	must(t, link.Commit())
	one, err := os.Stat(filepath.Join(folder, "a/b/one"))
	must(t, err)
	two, err := os.Stat(filepath.Join(folder, "a/two"))
	must(t, err)
	if !os.SameFile(one, two) || one.Mode() != 0o640 || !one.ModTime().Equal(at) {
		t.Errorf("one is %v of %v, two is another file: %t", one.Mode(), one.ModTime(), !os.SameFile(one, two))
	}
	if err := wholefile.Write("out/etc/escaped", nil, o); err == nil {
		t.Error("a link led out of the folder")
	}
	if _, err := wholefile.Link("a/b/none", "a/three", o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link to what is not there: %v", err)
	}
	if got := lies(t, filepath.Join(folder, "tmp")); len(got) != 0 {
		t.Errorf("%q are left", got)
	}
}
