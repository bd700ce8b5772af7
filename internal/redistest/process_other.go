//go:build unix && !linux

package redistest

import "syscall"

// maxRSSUnit is the unit of syscall.Rusage.Maxrss in bytes, as on macOS.
const maxRSSUnit = 1

func dieWithParent(*syscall.SysProcAttr) {}

func stopped(int) bool { return true }

func peakRSS(int) int64 { return 0 }
