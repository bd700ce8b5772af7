package directory

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// TestServersDieWithTheTestBinary runs itself in a process that kills itself.
func TestServersDieWithTheTestBinary(t *testing.T) {
	if os.Getenv("DIRECTORY_CHILD") != "" {
		fmt.Println("ADDRS", startNSD(t, map[string]string{"example.com": zoneHead}).addr, startSlapd(t, "ldap", nil, base).addr)
		if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	env := []string{"DIRECTORY_CHILD=1", "TMPDIR=" + t.TempDir()} // its folders stay behind
	r := redistest.Run(t, os.Args[0], []string{"-test.run=^TestServersDieWithTheTestBinary$"}, env)
	_, addrs, ok := strings.Cut(strings.TrimSpace(r.Stdout), "ADDRS ")
	if !ok {
		t.Fatalf("the child started no servers: %s%s", r.Stdout, r.Stderr)
	}
	for _, addr := range strings.Fields(addrs) {
		for deadline := time.Now().Add(patient); !isFree(addr); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s is still served", addr)
			}
		}
	}
}
