package redistest_test

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"
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
	small := redistest.Run(t, "sleep", []string{"0.05"}, nil)
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
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := redistest.Run(limited{t, ctx}, "sh", []string{"-c", "sleep 60 | cat; echo too late"}, nil)
	if r.ExitCode != -1 || r.Stdout != "" {
		t.Errorf("result is %+v", r)
	}
	if r.Wall > 5*time.Second {
		t.Errorf("it took %v", r.Wall)
	}
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
