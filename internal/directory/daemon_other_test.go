//go:build unix && !linux

package directory

func groupStopped(int) bool { return true }
