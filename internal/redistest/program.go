package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Result is what a program did, and what it cost.
type Result struct {
	Stdout   string
	Stderr   string
	ExitCode int           // -1 when a signal ended it
	CPU      time.Duration // user and system time, with that of children it waited for
	Wall     time.Duration // from its start to its end

	// MaxRSS is the most memory that it, or a child it waited for, held, in bytes. When that is less than this
	// process has held, it is sampled every 2 ms: a peak in the program's last moments, or in a child, may be
	// missed. For a program that ends before the first sample it is the peak of this process.
	MaxRSS int64
}

// Run runs a program to its end, without input, and returns what it did; a program that fails is not a failed test.
// name is looked up in PATH when it holds no slash. env (as "NAME=value") is added to this process's environment.
// The program dies with the test binary; when the test's context ends, so do the program and its children.
func Run(t testing.TB, name string, args, env []string) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its process group
	cmd.WaitDelay = 10 * time.Second                                                     // for children that outlive it and hold its output open
	start := time.Now()
	proc, err := startProcess(cmd)
	if err != nil {
		t.Fatalf("cannot start %q: %v", name, err)
	}
	sampled := sampleRSS(proc)
	var exit *exec.ExitError
	if proc.err != nil && !errors.As(proc.err, &exit) {
		t.Fatalf("cannot run %q: %v", name, proc.err)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return Result{
		Stdout:   stdout.String(),
		Stderr:   stderr.String(),
		ExitCode: cmd.ProcessState.ExitCode(),
		CPU:      cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		Wall:     time.Since(start),
		MaxRSS:   maxRSS(usage.Maxrss*maxRSSUnit, sampled),
	}
}

// sampleRSS waits for the end of a process and returns its highest peak seen.
func sampleRSS(proc *process) int64 {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var peak int64
	for {
		peak = max(peak, peakRSS(proc.cmd.Process.Pid))
		select {
		case <-proc.done:
			return peak
		case <-tick.C:
		}
	}
}

// maxRSS chooses between the kernel's final figure and the sampled one.
//
// On Linux a child starts in its parent's memory, and ru_maxrss remembers the parent's peak across exec. So the final
// figure is the larger of the program's peak and of ours: exact when it is clearly above ours, else useless.
func maxRSS(final, sampled int64) int64 {
	ours := peakRSS(os.Getpid())
	if sampled == 0 || final > ours+ours/16 {
		return final
	}
	return sampled
}

// WriteProgram writes an executable file, such as a shell script that begins with "#!/bin/sh", in place of what was at
// path; a program that runs from there runs on. What a test writes in order to run it goes through WriteProgram.
//
// A child that another goroutine forks while the file is open for writing holds it open until its own exec is done, and
// the kernel runs no file that is open for writing anywhere ("text file busy"). So no child is forked meanwhile.
func WriteProgram(t testing.TB, path, text string) {
	t.Helper()
	next := path + ".new"
	syscall.ForkLock.RLock()
	err := os.WriteFile(next, []byte(text), 0o700)
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		t.Fatalf("cannot write program %q: %v", path, err)
	}
}

// builds holds what this process has built: package to func() (string, error).
var builds sync.Map

// buildDir is the folder of this process's builds.
var buildDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "redistest-build-") })

// Build builds a command of this module and returns the program's path. pkg is an import path, or relative to the
// module's folder, such as "./cmd/sysops". Each is built once a process, statically (CGO_ENABLED=0) as for a release.
//
// The programs outlive the test that built them first. [Main] removes them.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(pkg, sync.OnceValues(func() (string, error) { return build(pkg) }))
	file, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Main runs the tests of a package and then removes what they built:
//
//	func TestMain(m *testing.M) { redistest.Main(m) }
func Main(m *testing.M) {
	m.Run() // testing exits with its result when TestMain returns
	if dir, err := buildDir(); err == nil {
		os.RemoveAll(dir)
	}
}

func build(pkg string) (string, error) {
	base, err := buildDir()
	if err != nil {
		return "", fmt.Errorf("cannot make folder for builds: %w", err)
	}
	dir, err := os.MkdirTemp(base, "") // two packages may have the same last element
	if err != nil {
		return "", fmt.Errorf("cannot make folder for %q: %w", pkg, err)
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("cannot find module: %w", err)
	}
	file := filepath.Join(dir, path.Base(pkg))
	cmd := exec.Command("go", "build", "-o", file, pkg)
	cmd.Dir = filepath.Dir(strings.TrimSpace(string(mod)))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build %q: %w\n%s", pkg, err, out)
	}
	return file, nil
}
