package redistest_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// TestServerDiesWithTheTestBinary runs itself in a process that kills itself.
func TestServerDiesWithTheTestBinary(t *testing.T) {
	if os.Getenv("REDISTEST_CHILD") != "" {
		fmt.Println("ADDR", redistest.Start(t).Addr())
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	env := []string{"REDISTEST_CHILD=1", "TMPDIR=" + t.TempDir()} // its folders stay behind
	r := redistest.Run(t, os.Args[0], []string{"-test.run=^TestServerDiesWithTheTestBinary$"}, env)
	_, addr, ok := strings.Cut(strings.TrimSpace(r.Stdout), "ADDR ")
	if !ok {
		t.Fatalf("the child started no server: %s%s", r.Stdout, r.Stderr)
	}
	redistest.WaitFor(t, "the end of the server", func() bool { return !accepts(addr) })
}
