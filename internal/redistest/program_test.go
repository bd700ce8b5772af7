package redistest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestRunReturnsWhatAProgramDid(t *testing.T) {
	r := redistest.Run(t, "sh", []string{"-c", `echo "$WORD"; echo no >&2; exit 3`}, []string{"WORD=yes"})
	if r.Stdout != "yes\n" || r.Stderr != "no\n" || r.ExitCode != 3 {
		t.Errorf("result is %+v", r)
	}
}

func TestRunReturnsTheTimeAProgramTook(t *testing.T) {
	r := redistest.Run(t, "sh", []string{"-c", `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.1`}, nil)
	if r.CPU <= 0 || r.Wall < r.CPU/time.Duration(runtime.NumCPU()) || r.Wall < 100*time.Millisecond {
		t.Errorf("CPU %v, wall %v", r.CPU, r.Wall)
	}
}

func TestRunReturnsTheMemoryOfTheProgramAndNotItsParents(t *testing.T) {
	const mib = 1 << 20
	held := make([]byte, 200*mib)
	for i := range held {
		held[i] = 1
	}
	small := redistest.Run(t, "sleep", []string{"1"}, nil) // long enough for a sample, however busy the machine is
	if small.MaxRSS < mib/4 || small.MaxRSS > 50*mib {
		t.Errorf("sleep held %d bytes", small.MaxRSS)
	}
	runtime.KeepAlive(held)
	large := redistest.Run(t, "dd", []string{"if=/dev/zero", "of=/dev/null", "bs=300M", "count=1"}, nil)
	if large.MaxRSS < 295*mib || large.MaxRSS > 350*mib {
		t.Errorf("dd with a buffer of 300 MiB held %d bytes", large.MaxRSS)
	}
}

// A child that outlived the program would hold its output open, and Run would wait for it.
func TestRunEndsWithItsContextAndSoDoChildren(t *testing.T) {
	t.Parallel()
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		f, err := os.Open(held) // returns when a child holds the other end
		if err != nil {
			ended <- err
			return
		}
		defer f.Close()
		cancel()
		_, err = io.ReadAll(f) // returns when none does
		ended <- err
	}()
	redistest.Within(t, "a program whose context has ended, and its children", func() {
		r := redistest.Run(limited{t, ctx}, "sh", []string{"-c", "sleep 3600 3>" + held + " | cat; echo too late"}, nil)
		if r.ExitCode != -1 || r.Stdout != "" {
			t.Errorf("result is %+v", r)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// limited is a test with a context of its own.
type limited struct {
	testing.TB
	ctx context.Context
}

func (l limited) Context() context.Context { return l.ctx }

func TestRunOfAMissingProgramFailsTheTest(t *testing.T) {
	failure := failureOf(t, func(t testing.TB) { redistest.Run(t, "no-such-program", nil, nil) })
	if !strings.Contains(failure, `cannot start "no-such-program"`) {
		t.Errorf("failure is %q", failure)
	}
}

func TestBuildBuildsOnceAndOutlivesItsFirstTest(t *testing.T) {
	const pkg = "./internal/redistest/testdata/hello"
	var first string
	t.Run("first", func(t *testing.T) { first = redistest.Build(t, pkg) })
	if second := redistest.Build(t, pkg); second != first {
		t.Errorf("built again: %q, then %q", first, second)
	}
	if got := redistest.Run(t, first, nil, nil).Stdout; got != "hello\n" {
		t.Errorf("it prints %q", got)
	}
	if base := filepath.Base(first); base != "hello" {
		t.Errorf("the program is called %q", base)
	}
}

func TestBuildOfAMissingPackageFailsTheTest(t *testing.T) {
	failure := failureOf(t, func(t testing.TB) { redistest.Build(t, "./no/such/package") })
	if !strings.Contains(failure, `cannot build "./no/such/package"`) {
		t.Errorf("failure is %q", failure)
	}
}

// One in fourteen would be refused ("text file busy") if a program were written as any file is.
func TestAProgramThatWasWrittenRunsWhileOthersFork(t *testing.T) {
	dir := t.TempDir()
	done := make(chan struct{})
	var forking sync.WaitGroup
	for range 4 {
		forking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					_ = exec.Command("true").Run() // what becomes of it is not the question
				}
			}
		})
	}
	for i := range 200 {
		path := filepath.Join(dir, strconv.Itoa(i))
		redistest.WriteProgram(t, path, "#!/bin/sh\nexit 7\n")
		var exit *exec.ExitError
		if err := exec.Command(path).Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
			t.Errorf("program %d: %v", i, err)
		}
	}
	close(done)
	forking.Wait()
}

func TestAProgramIsWrittenInPlaceOfTheLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	for _, says := range []string{"first", "second"} {
		redistest.WriteProgram(t, path, "#!/bin/sh\necho "+says+"\n")
		if got := redistest.Run(t, path, nil, nil).Stdout; got != says+"\n" {
			t.Errorf("it prints %q, want %s", got, says)
		}
	}
}
