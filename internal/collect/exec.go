package collect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// How long a command may take to end, and its pipes to close, once it has been
// killed; and how long after that it is given up.
const (
	waitDelay    = time.Second
	abandonAfter = time.Second
)

const stderrLimit = 4 << 10

var (
	errTimeLimit   = errors.New("time limit")
	errOutputLimit = errors.New("output limit")
)

// execute runs program with c's arguments, within c's limits. path is where it finds others.
func (c Command) execute(ctx context.Context, program, path string) Result {
	result := Result{Section: c.Section, Argv: c.Argv, Exit: -1}
	timeout := cmp.Or(max(c.Timeout, 0), DefaultTimeout)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeLimit)
	defer cancel()

	stdout := &capture{limit: cmp.Or(max(c.Limit, 0), DefaultLimit), full: func() { stop(errOutputLimit) }}
	stderr := &capture{limit: stderrLimit}
	cmd := exec.CommandContext(ctx, program, c.Argv[1:]...) // Stdin nil is /dev/null
	cmd.Args[0] = c.Argv[0]
	cmd.Env = environment(path)
	cmd.Dir = "/" // never keeps a mount point busy
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = waitDelay

	started := time.Now()
	err := cmd.Start()
	if err == nil {
		err = await(ctx, cmd)
	}
	result.Duration = time.Since(started)
	if !errors.Is(err, errAbandoned) && cmd.ProcessState != nil {
		result.Exit = cmd.ProcessState.ExitCode()
	}
	result.Output, result.Truncated = stdout.taken()
	said, _ := stderr.taken()
	result.Stderr = firstLine(said)
	result.TimedOut = err != nil && !result.Truncated && errors.Is(context.Cause(ctx), errTimeLimit)
	result.Unknown = result.TimedOut && len(result.Output) == 0
	result.Error = explain(ctx, result, err, timeout)
	return result
}

var errAbandoned = errors.New("it does not end, although it was killed")

// await is cmd.Wait, except that it gives up on a process that SIGKILL does not
// end, such as df on a file server that is gone: it is left behind, to be
// reaped when the kernel lets go of it.
func await(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	select {
	case err := <-ended:
		return killLeftovers(cmd, err)
	case <-ctx.Done():
	}
	timer := time.NewTimer(waitDelay + abandonAfter)
	defer timer.Stop()
	select {
	case err := <-ended:
		return killLeftovers(cmd, err)
	case <-timer.C:
		return errAbandoned
	}
}

// killLeftovers ends the children that kept the pipes open after the command
// itself had exited. Children that closed them are daemons, and left alone.
func killLeftovers(cmd *exec.Cmd, err error) error {
	if errors.Is(err, exec.ErrWaitDelay) {
		_ = killGroup(cmd) // what left the group cannot be found
	}
	return err
}

func killGroup(cmd *exec.Cmd) error {
	err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// explain says in one phrase why the command did not run to its end; an exit
// status is no such reason.
func explain(ctx context.Context, r Result, err error, timeout time.Duration) string {
	var exit *exec.ExitError
	switch {
	case r.Truncated:
		return "it was killed at its output limit"
	case err == nil:
		return ""
	case errors.Is(err, errAbandoned):
		return err.Error()
	case r.TimedOut:
		return fmt.Sprintf("it was killed after %v", timeout)
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case errors.Is(err, exec.ErrWaitDelay):
		return "it exited, but a child kept its output open"
	case errors.As(err, &exit) && exit.Exited():
		return ""
	}
	return cause(err).Error()
}

func firstLine(data []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	return string(bytes.ToValidUTF8(line, []byte("\uFFFD")))
}

// A capture keeps the first limit bytes and calls full, once, when there are
// more. It never fails a write, so that the command sees no broken pipe before
// it is killed.
type capture struct {
	limit int64
	full  func() // may be nil

	mu   sync.Mutex // an abandoned command may still write
	kept []byte
	over bool
}

func (c *capture) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := c.limit - int64(len(c.kept))
	if int64(len(p)) <= room {
		c.kept = append(c.kept, p...)
		return len(p), nil
	}
	c.kept = append(c.kept, p[:room]...)
	if !c.over && c.full != nil {
		c.full()
	}
	c.over = true
	return len(p), nil
}

// taken returns what was kept and whether there was more. What is written
// later is not seen.
func (c *capture) taken() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept[:len(c.kept):len(c.kept)], c.over
}
