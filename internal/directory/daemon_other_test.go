//go:build unix && !linux

package directory

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

func groupStopped(int) bool { return true }
