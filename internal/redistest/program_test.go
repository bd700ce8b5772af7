package redistest_test

import (
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
