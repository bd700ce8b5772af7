package trust

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// ErrSilent is the error of what lies on a file system that does not answer: that of a
// file server which is gone, above all.
var ErrSilent = errors.New("its file system does not answer")

// limit is how long a file system may take to answer. One that is dead never does, and
// cannot be interrupted: whoever asked it goes on without.
const limit = 10 * time.Second

// within makes a call to a file system. Where that does not answer the call is left behind; it
// must change nothing but what it returns.
func within[T any](call func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := call()
		done <- result{v, err}
	}()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-late.C:
		var none T
		return none, ErrSilent
	}
}

// withinUnlessPiped is within for what a file of this mode is opened for and read. The writer of a pipe
// is waited for, as long as it takes.
func withinUnlessPiped[T any](mode fs.FileMode, call func() (T, error)) (T, error) {
	if !mode.IsRegular() && !mode.IsDir() {
		return call()
	}
	return within(call)
}

// Stat is os.Stat, but that what does not answer is ErrSilent.
func Stat(path string) (fs.FileInfo, error) { return stat(os.Stat, path) }

// Lstat is os.Lstat, but that what does not answer is ErrSilent.
func Lstat(path string) (fs.FileInfo, error) { return stat(os.Lstat, path) }

func stat(of func(string) (fs.FileInfo, error), path string) (fs.FileInfo, error) {
	info, err := within(func() (fs.FileInfo, error) { return of(path) })
	if errors.Is(err, ErrSilent) {
		err = &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return info, err
}
