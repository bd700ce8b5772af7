package redistest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// process is a child that dies with this process. It leads a process group, so that Ctrl-C on a terminal reaches
// only this process, which then ends the others in its own order.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended and was waited for
	err  error         // of Wait; to be read when done is closed
}

// startProcess starts cmd.
//
// Linux sends the parent-death signal when the thread that started the child ends, not when the process does. So a
// goroutine that is locked to its thread starts the child and stays until the child's end.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// StartProcess starts a server that this package does not know, in a process group of its own. It is killed when the
// test binary dies; before that it is the caller's to end. ended is closed when it has ended and was waited for.
func StartProcess(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	p, err := startProcess(cmd)
	if err != nil {
		return nil, err
	}
	return p.done, nil
}

// kill ends the child with SIGKILL, which a stopped one obeys too, and waits for its end. A dead child stays dead.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when the child has ended
	<-p.done
}
