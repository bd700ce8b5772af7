package redistest

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// maxRSSUnit is the unit of syscall.Rusage.Maxrss in bytes.
const maxRSSUnit = 1024

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// stopped reports whether SIGSTOP has taken effect: kill(2) returns before it has.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true // it has ended, which is as silent
	}
	_, rest, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")) // the name may hold anything
	return bytes.HasPrefix(rest, []byte("T")) || bytes.HasPrefix(rest, []byte("Z"))
}

// peakRSS returns the most memory that a running process has held since its exec, in bytes; 0 when it has ended.
func peakRSS(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && string(fields[0]) == "VmHWM:" {
			kb, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			return kb * 1024
		}
	}
	return 0
}
