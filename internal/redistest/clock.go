package redistest

import (
	_ "embed"
	endian "encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// What has a server read another clock. libfaketime would do, but that it and the jemalloc of Debian's redis-server
// wait for each other.
//
//go:embed testdata/clock.c
var clockSource []byte

// A Clock is that of the servers that are started with [Clock.Option]. It goes as fast as ours.
type Clock struct {
	t       testing.TB
	library string
	file    string // how far it is ahead, in seconds
}

// NewClock returns a clock that shows the right time.
func NewClock(t testing.TB) *Clock {
	t.Helper()
	library, err := clockLibrary()
	if err != nil {
		t.Fatal(err)
	}
	c := &Clock{t: t, library: library, file: filepath.Join(t.TempDir(), "clock")}
	c.Set(0)
	return c
}

// Option has a server go by the clock.
func (c *Clock) Option() Option {
	return func(config *config) {
		config.env = append(config.env, "LD_PRELOAD="+c.library, "REDISTEST_CLOCK="+c.file)
	}
}

// Set has the clock be so far ahead of ours from now on, in whole seconds; where it is negative, behind. Servers
// that run see it at once.
func (c *Clock) Set(ahead time.Duration) {
	c.t.Helper()
	f, err := os.OpenFile(c.file, os.O_WRONLY|os.O_CREATE, 0o600) // never empty: servers have it in their memory
	if err == nil {
		_, err = f.Write(endian.NativeEndian.AppendUint64(nil, uint64(int64(ahead/time.Second))))
		f.Close()
	}
	if err != nil {
		c.t.Fatalf("cannot set clock: %v", err)
	}
}

// clockLibrary is built once a process, into the folder of its builds.
var clockLibrary = sync.OnceValues(func() (string, error) {
	base, err := buildDir()
	if err != nil {
		return "", fmt.Errorf("cannot make folder for builds: %w", err)
	}
	source, library := filepath.Join(base, "clock.c"), filepath.Join(base, "clock.so")
	if err := os.WriteFile(source, clockSource, 0o600); err != nil {
		return "", fmt.Errorf("cannot write the source of the clock: %w", err)
	}
	out, err := exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", library, source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot build what sets a server's clock: %w (a C compiler is installed with: sh scripts/test-deps.sh, or: apt-get install build-essential)\n%s", err, out)
	}
	return library, nil
})
