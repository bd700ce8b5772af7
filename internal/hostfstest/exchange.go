// Package hostfstest does to a host's files what tests of reading them need: what users may
// do to each other, and file systems that do not answer.
package hostfstest

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Exchange swaps what lies at two paths, in one moment.
func Exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

// Meanwhile does something over and over, in a goroutine, until stop is called, which waits
// for the last time to end.
func Meanwhile(do func()) (stop func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ended:
				return
			default:
				do()
			}
		}
	})
	return func() {
		close(ended)
		running.Wait()
	}
}
