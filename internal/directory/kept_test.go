package directory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// An inventory is a directory that is a program, whose answers the test writes.
type inventory struct {
	t               *testing.T
	program, folder string
	warnings        []string
	mu              sync.Mutex
}

func newInventory(t *testing.T) *inventory {
	i := &inventory{t: t, program: filepath.Join(t.TempDir(), "inventory"), folder: t.TempDir()}
	i.says(`{"esv4": {"children": ["esv4-1", "esv4-2"]}, "eat1": {"children": ["eat1-1"]},
		"esv4-1": {"hosts": ["redis://a:1/0", "redis://b:1/0"]}, "esv4-2": {"hosts": ["redis://c:1/0"]}, "eat1-1": {"hosts": ["redis://d:1/0"]}}`)
	return i
}

func (i *inventory) says(inventory string) { i.does("cat <<'END'\n" + inventory + "\nEND\n") }

func (i *inventory) does(script string) {
	i.t.Helper()
	redistest.WriteProgram(i.t, i.program, "#!/bin/sh\n"+script)
}

// open is a new process that uses the directory.
func (i *inventory) open(age time.Duration) directory.Service {
	i.t.Helper()
	dir, err := directory.OpenKept("exec://"+i.program+"?site=esv4", "", "", directory.KeepOptions{CacheAge: age, CacheFolder: i.folder, Warn: func(err error) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.warnings = append(i.warnings, strings.Join(append([]string{err.Error()}, terminal.Hints(err)...), "\n"))
	}})
	if err != nil {
		i.t.Fatal(err)
	}
	return dir
}

// world is all that a directory says, as one text.
func world(ctx context.Context, dir directory.Service) (string, error) {
	var b strings.Builder
	sites, err := dir.Sites(ctx)
	for _, s := range sites {
		cores, failed := dir.Cores(ctx, s)
		err = errors.Join(err, failed)
		for _, c := range cores {
			servers, failed := dir.Servers(ctx, c)
			err = errors.Join(err, failed)
			fmt.Fprintf(&b, "%s %s %s\n", s, c, strings.Join(servers, " "))
		}
	}
	site, core, failed := dir.Local(ctx)
	fmt.Fprintf(&b, "local %s %s\n", site, core)
	return b.String(), errors.Join(err, failed)
}

// ask returns what a question fails with whose servers dir lists.
func ask(t *testing.T, dir directory.Service, w sysops.Where) error {
	t.Helper()
	c, err := sysops.New(dir, sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pattern, err := sysops.ParsePattern("x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Ask(t.Context(), sysops.Query{Pattern: pattern, Where: w})
	return err
}

const wholeWorld = `eat1 eat1-1 redis://d:1/0
esv4 esv4-1 redis://a:1/0 redis://b:1/0
esv4 esv4-2 redis://c:1/0
local esv4 
`

func TestADirectoryThatIsDownIsAnsweredFromTheKeptCopy(t *testing.T) {
	for _, row := range []struct{ name, does, says string }{
		{"it fails", "echo the database is away >&2; exit 3\n", "the database is away"},
		{"it answers rubbish", "echo '<html>'\n", "inventory"},
		{"it has lost its contents", "echo '{}'\n", "lists no site"},
		{"it lists what is no server", `echo '{"esv4": {"children": ["esv4-1", "esv4-2"]}, "eat1": {"children": ["eat1-1"]}, "esv4-1": {"hosts": ["redis://a:1/0"]},
			"esv4-2": {"hosts": ["redis://c:1/0"]}, "eat1-1": {"hosts": ["http://d/"]}}'` + "\n", "http"},
		{"it lists a part", `echo '{"esv4": {"children": ["esv4-1", "esv4-9"]}, "esv4-1": {"hosts": ["redis://a:1/0"]}'` + "\n", "inventory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := newInventory(t)
			if got, err := world(t.Context(), i.open(time.Hour)); err != nil || got != wholeWorld {
				t.Fatalf("while it is up: %v\n%s", err, got)
			}
			i.does(row.does)
			got, err := world(t.Context(), i.open(time.Hour))
			if err != nil || got != wholeWorld {
				t.Errorf("while it is down: %v\n%s", err, got)
			}
			if len(i.warnings) != 1 || !strings.Contains(i.warnings[0], "ago is used") || !strings.Contains(i.warnings[0], row.says) {
				t.Errorf("warnings: %q; want one that says %q", i.warnings, row.says)
			}
		})
	}
}

func TestWithoutAUsableCopyTheDirectorysOwnErrorIsTold(t *testing.T) {
	i := newInventory(t)
	if _, err := world(t.Context(), i.open(0)); err != nil {
		t.Fatal(err)
	}
	i.does("echo away >&2; exit 1\n")
	if _, err := i.open(time.Hour).Sites(t.Context()); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("nothing was kept, and yet: %v", err)
	}

	i = newInventory(t)
	if _, err := world(t.Context(), i.open(time.Hour)); err != nil {
		t.Fatal(err)
	}
	i.does("echo away >&2; exit 1\n")
	_, err := i.open(time.Nanosecond).Sites(t.Context())
	if !strings.Contains(err.Error(), "away") || !strings.Contains(strings.Join(terminal.Hints(err), "\n"), "--directory-cache-age") {
		t.Errorf("the copy is too old, and yet: %v", err)
	}
	if len(i.warnings) > 0 {
		t.Errorf("warnings: %q", i.warnings)
	}
}

func TestAKeptCopyThatIsDamagedIsAsGoodAsNone(t *testing.T) {
	i := newInventory(t)
	if _, err := world(t.Context(), i.open(time.Hour)); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(i.folder, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%q, %v", kept, err)
	}
	if err := os.WriteFile(kept[0], []byte(`{"sites": {"time": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := world(t.Context(), i.open(time.Hour)); err != nil || got != wholeWorld {
		t.Errorf("while it is up: %v\n%s", err, got)
	}
	if err := os.WriteFile(kept[0], []byte(`{"sites": {"time": `), 0o600); err != nil {
		t.Fatal(err)
	}
	i.does("echo away >&2; exit 1\n")
	if _, err := i.open(time.Hour).Sites(t.Context()); err == nil || !strings.Contains(err.Error(), "away") {
		t.Errorf("while it is down: %v", err)
	}
}

func TestWhoGivesUpDoesNotMakeADirectoryCountAsDown(t *testing.T) {
	i := newInventory(t)
	dir := i.open(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dir.Sites(ctx); err == nil {
		t.Fatal("a question that was given up has an answer")
	}
	if sites, err := dir.Sites(t.Context()); err != nil || !slices.Equal(sites, []string{"eat1", "esv4"}) {
		t.Errorf("the next question: %q, %v", sites, err)
	}
}

func TestProcessesShareAKeptCopy(t *testing.T) {
	i := newInventory(t)
	one, other := i.open(time.Hour), i.open(time.Hour)
	if _, err := one.Sites(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Cores(t.Context(), "esv4"); err != nil {
		t.Fatal(err)
	}
	i.does("exit 1\n")
	third := i.open(time.Hour)
	sites, err1 := third.Sites(t.Context())
	cores, err2 := third.Cores(t.Context(), "esv4")
	if err1 != nil || err2 != nil || len(sites) != 2 || len(cores) != 2 {
		t.Errorf("%q, %v; %q, %v", sites, err1, cores, err2)
	}
}

func TestASiteWithoutCoresIsNotLeftOutUnnoticed(t *testing.T) {
	i := newInventory(t)
	i.says(`{"esv4": {"children": ["esv4-1"]}, "esv4-1": {"hosts": ["redis://127.0.0.1:1/0"]}, "eat1": {"children": []}}`)
	if err := ask(t, i.open(0), sysops.Where{Scope: sysops.Global, Partial: true}); err == nil || !strings.Contains(err.Error(), "eat1") {
		t.Errorf("%v", err)
	}
}

// A forged copy would send questions to servers of somebody else's choice.
func TestAKeptCopyThatOthersCanHaveWrittenIsNotUsed(t *testing.T) {
	for _, row := range []struct {
		name, says string
		forge      func(t *testing.T, file string) error
	}{
		{"others may write to it", "everyone may write to it (mode 0666): chmod go-w", func(_ *testing.T, file string) error { return os.Chmod(file, 0o666) }},
		{"its group may write to it", "its group may write to it (mode 0620): chmod go-w", func(_ *testing.T, file string) error { return os.Chmod(file, 0o620) }},
		{"others may write to its folder", "chmod go-w", func(_ *testing.T, file string) error { return os.Chmod(filepath.Dir(file), 0o777) }},
		{"it is a pipe", "", func(_ *testing.T, file string) error {
			return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600))
		}},
		{"it has a gigabyte", "", func(_ *testing.T, file string) error { return os.Truncate(file, 1<<30) }},
		{"it is of the future", "", func(_ *testing.T, file string) error {
			text := fmt.Sprintf(`{"sites": {"time": %q, "names": ["evil"]}}`, time.Now().Add(time.Hour).Format(time.RFC3339))
			return os.WriteFile(file, []byte(text), 0o600)
		}},
		{"it has no names", "", func(_ *testing.T, file string) error {
			text := fmt.Sprintf(`{"sites": {"time": %q, "names": null}}`, time.Now().Format(time.RFC3339))
			return os.WriteFile(file, []byte(text), 0o600)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			i := newInventory(t)
			if _, err := world(t.Context(), i.open(time.Hour)); err != nil {
				t.Fatal(err)
			}
			kept, err := filepath.Glob(filepath.Join(i.folder, "*"))
			if err != nil || len(kept) != 1 {
				t.Fatalf("%q, %v", kept, err)
			}
			if err := row.forge(t, kept[0]); err != nil {
				t.Fatal(err)
			}
			if got, err := world(t.Context(), i.open(time.Hour)); err != nil || got != wholeWorld {
				t.Errorf("while it is up: %v\n%s", err, got)
			}
			if err := row.forge(t, kept[0]); err != nil {
				t.Fatal(err)
			}
			i.warnings = nil
			i.does("echo away >&2; exit 1\n")
			sites, err := i.open(time.Hour).Sites(t.Context())
			if err == nil || !strings.Contains(err.Error(), "away") {
				t.Errorf("while it is down: %q, %v", sites, err)
			}
			if said := strings.Join(i.warnings, "\n"); len(i.warnings) > 1 || row.says == "" && said != "" || !strings.Contains(said, row.says) {
				t.Errorf("the warnings are %q, want one that says %q", i.warnings, row.says)
			}
		})
	}
}

// Two configs may name the same directory and differ in where the machine is.
func TestAKeptCopyIsOfOneConfigAlone(t *testing.T) {
	i := newInventory(t)
	open := func(core string) directory.Service {
		t.Helper()
		dir, err := directory.OpenKept("exec://"+i.program, "", core, directory.KeepOptions{CacheAge: time.Hour, CacheFolder: i.folder})
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if _, err := world(t.Context(), open("esv4-1")); err != nil {
		t.Fatal(err)
	}
	i.does("exit 1\n")
	if site, core, err := open("esv4-1").Local(t.Context()); err != nil || site != "esv4" || core != "esv4-1" {
		t.Errorf("%q %q, %v", site, core, err)
	}
	if site, core, err := open("eat1-1").Local(t.Context()); err == nil {
		t.Errorf("the local core of another config is answered: %q %q", site, core)
	}
}

func TestAFolderThatCannotBeWrittenToIsToldOnce(t *testing.T) {
	i := newInventory(t)
	i.folder = filepath.Join(i.program, "below-a-file")
	if got, err := world(t.Context(), i.open(time.Hour)); err != nil || got != wholeWorld {
		t.Errorf("%v\n%s", err, got)
	}
	if len(i.warnings) != 1 || !strings.Contains(i.warnings[0], "--directory-cache-age 0") {
		t.Errorf("warnings: %q", i.warnings)
	}
}

func TestALocalSiteThatTheDirectoryDoesNotListIsNamed(t *testing.T) {
	i := newInventory(t)
	dir, err := directory.OpenKept("exec://"+i.program+"?site=esv5", "", "", directory.KeepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = ask(t, dir, sysops.Where{Scope: sysops.SiteWide})
	if !errors.Is(err, sysops.ErrUnknown) || !strings.Contains(err.Error(), "esv5") || !strings.Contains(strings.Join(terminal.Hints(err), "\n"), "eat1, esv4") {
		t.Errorf("%v", err)
	}
}

func TestAHintListsNoMoreNamesThanAPersonReads(t *testing.T) {
	var children, groups strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&children, `,"c%d"`, n)
		fmt.Fprintf(&groups, `,"c%d":{"hosts":["redis://a:1/0"]}`, n)
	}
	i := newInventory(t)
	i.says(`{"esv4": {"children": [` + children.String()[1:] + `]}` + groups.String() + `}`)
	err := ask(t, i.open(0), sysops.Where{Core: "c1000"})
	if !strings.HasSuffix(strings.Join(terminal.Hints(err), "\n"), "and 980 more") || len(terminal.Hints(err)[0]) > 300 {
		t.Errorf("%v", err)
	}
}
