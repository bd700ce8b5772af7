package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A bench is one run of this program: a folder to work in, the fleets that were
// needed so far, and what was found.
type bench struct {
	testing.TB
	scale
	dir    string // commands run here; the fleet as files is its folder tree
	env    []string
	fleets map[fleetKind]*fleet
	made   int   // fleets so far, the dismissed ones too: their configs must not get the names of others
	bytes  int64 // of the files in the tree
	report report
}

func newBench(t testing.TB, size scale) *bench {
	b := &bench{TB: t, scale: size, dir: t.TempDir(), fleets: make(map[fleetKind]*fleet)}
	sysops := redistest.Build(t, "./cmd/sysops")
	b.env = []string{"PATH=" + filepath.Dir(sysops) + ":" + os.Getenv("PATH"), "LC_ALL=C"}
	b.report.machine = b.machine()
	b.checkRoom()
	return b
}

// checkRoom refuses to begin what would not fit. The figures are from the full scale,
// with a half more.
func (b *bench) checkRoom() {
	const (
		diskAHost   = 150 << 10 // the files, and sort's
		memoryAHost = 300 << 10 // all fleets at once, and the files in the page cache
	)
	var disk syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &disk); err != nil {
		b.Fatalf("cannot tell the free space of %s: %v", b.dir, err)
	}
	if free, needed := int64(disk.Bavail)*int64(disk.Bsize), int64(b.hosts)*diskAHost; free < needed {
		b.Fatalf("cannot begin: %s has %.1f GB free, %.1f GB are needed; TMPDIR can name another folder", b.dir, gb(free), gb(needed))
	}
	if free, needed := availableMemory(), int64(b.hosts)*memoryAHost; free > 0 && free < needed {
		b.Fatalf("cannot begin: %.1f GB of memory are available, %.1f GB are needed", gb(free), gb(needed))
	}
}

// run runs a command line in the folder, as a user's shell would. config is the one
// that sysops finds. What goes to stdout is written to the file out, unless out is
// empty. An exit status above 1, which says that nothing matched, is fatal.
func (b *bench) run(line, config, out string) redistest.Result {
	b.Helper()
	script := line
	if !strings.Contains(line, "|") {
		script = "exec " + line // the peak of its memory is then its own
	}
	if out != "" {
		script = "exec >" + out + "; " + script
	}
	env := append([]string{"SYSOPS_CONFIG=" + config}, b.env...)
	r := redistest.Run(b, "sh", []string{"-c", "cd '" + b.dir + "' && " + script}, env)
	if b.Context().Err() != nil || r.ExitCode > 1 || r.ExitCode < 0 {
		b.Fatalf("%s: exit status %d\n%s", line, r.ExitCode, r.Stderr)
	}
	return r
}

// tree returns the folder that holds the fleet as files, all of it in the page cache.
func (b *bench) tree() string {
	dir := filepath.Join(b.dir, "tree")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		b.Logf("writing the fleet as files …")
		r := b.run(fmt.Sprintf("sysops simulate --builtin --objects 1 --hosts %d --tree tree", b.hosts), os.DevNull, "")
		b.Logf("  %s", strings.TrimSpace(r.Stderr))
		total := b.run("find tree -type f -print0 | xargs -0 cat | wc -c", os.DevNull, "").Stdout
		if _, err := fmt.Sscan(total, &b.bytes); err != nil {
			b.Fatalf("cannot tell how large the files are: %v", err)
		}
	}
	return dir
}

// save keeps a report, of what, among the results, and draws its growth.
func (b *bench) save(text, what string) {
	file := filepath.Join("bench", "results", b.report.machine.date.Format("2006-01-02")+"-"+what+".md")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.Fatalf("cannot write the results: %v", err)
	}
	b.Logf("%s is written", file)
	if len(b.report.growth) == 0 {
		return
	}
	if err := os.WriteFile(filepath.Join("docs", "growth.svg"), []byte(plot(b.report.growth)), 0o644); err != nil {
		b.Fatalf("cannot write the plot: %v", err)
	}
}
