package directory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

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
		redistest.WaitFor(t, "the end of the server at "+addr, func() bool { return isFree(addr) })
	}
}

// groupStopped reports whether every thread of a process group has stopped.
func groupStopped(pgid int) bool {
	threads, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/stat")
	if err != nil {
		return false
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// proc(5): pid (name) state ppid pgrp …; a name may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 2 && fields[2] == strconv.Itoa(pgid) && fields[0] != "T" && fields[0] != "Z" {
			return false
		}
	}
	return true
}
