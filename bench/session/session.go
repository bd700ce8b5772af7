// Package session runs what is written for a test, such as the servers of
// internal/redistest, in a program: what was started ends with it, however it ends.
package session

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
)

// A session is the testing.TB of a program, as far as redistest and this package use
// it, from one goroutine: what was started ends with it, however it ends.
type session struct {
	testing.TB // nil: it keeps others from implementing the interface

	program          string
	interrupted, ctx context.Context
	stderr           io.Writer
	dir              string // of all temporary files
	failed           bool
	cleanups         []func()
}

// Run runs f, and then whatever f wants done at the end; it reports whether f
// succeeded. When ctx ends, so does the command that f is running. What f logs goes to
// stderr, and so do errors, as those of the program.
func Run(ctx context.Context, program string, stderr io.Writer, f func(testing.TB)) bool {
	s := &session{program: program, interrupted: ctx, stderr: stderr}
	var cancel func()
	s.ctx, cancel = context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // Fatal ends the goroutine
		defer close(done)
		defer s.end(cancel)
		var err error
		if s.dir, err = os.MkdirTemp("", "sysops-bench-"); err != nil {
			s.Fatalf("cannot make a temporary folder: %v", err)
		}
		os.Setenv("TMPDIR", s.dir) // for sort, go build and whoever else
		f(s)
	}()
	<-done
	return !s.failed
}

func (s *session) end(cancel func()) {
	cancel()
	for len(s.cleanups) > 0 {
		last := len(s.cleanups) - 1
		f := s.cleanups[last]
		s.cleanups = s.cleanups[:last]
		f()
	}
	if s.dir == "" {
		return
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.Errorf("cannot remove the temporary folder: %v", err)
	}
}

func (s *session) Helper()                  {}
func (s *session) Context() context.Context { return s.ctx }
func (s *session) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }

// Failed has redistest print what the servers logged. What fails here, they do not
// explain.
func (s *session) Failed() bool { return false }

func (s *session) TempDir() string {
	dir, err := os.MkdirTemp(s.dir, "")
	if err != nil {
		s.Fatalf("cannot make a temporary folder: %v", err)
	}
	return dir
}

func (s *session) Logf(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }

func (s *session) Errorf(format string, args ...any) {
	s.failed = true
	if s.interrupted.Err() != nil { // whatever failed, failed of that
		format, args = "interrupted", nil
	}
	s.Logf(s.program+": error: "+format, args...)
}

func (s *session) Fatal(args ...any) { s.Fatalf("%s", fmt.Sprint(args...)) }

func (s *session) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}
