// Package hostfstest does to a host's files what tests of reading them need: what users may
// do to each other, and file systems that do not answer.
package hostfstest

import "golang.org/x/sys/unix"

// Exchange swaps what lies at two paths, in one moment.
func Exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}
