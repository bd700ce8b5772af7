package redistest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	pollInterval = 2 * time.Millisecond
	portAttempts = 100
)

// Server is one redis-server process. Its methods may be called concurrently; [Server.Must] and [Server.Restart],
// which end the test when they fail, only from the test's own goroutine.
type Server struct {
	t      testing.TB
	binary binary
	config config
	dir    string
	port   int

	mu   sync.Mutex
	proc *process
	runs int // how often it was started: each run has a folder of its own
}

// Start starts an empty redis-server on a free port of 127.0.0.1 and returns when it answers. It is killed at the
// end of the test, and when the test binary dies. When the test fails, what the server logged is shown.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := newServer(t, opts)
	if err := s.startSomewhere(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Core starts n servers concurrently, all with the same options.
func Core(t testing.TB, n int, opts ...Option) []*Server {
	t.Helper()
	servers := make([]*Server, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range servers {
		s := newServer(t, opts)
		servers[i] = s
		wg.Go(func() { errs[i] = s.startSomewhere() })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return servers
}

// URLs returns the URL of each server.
func URLs(servers []*Server) []string {
	urls := make([]string, len(servers))
	for i, s := range servers {
		urls[i] = s.URL()
	}
	return urls
}

// newServer returns a server that is not started yet, and registers its end.
func newServer(t testing.TB, opts []Option) *Server {
	t.Helper()
	bin, err := findBinary()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, binary: bin, dir: t.TempDir()}
	for _, opt := range opts {
		opt(&s.config)
	}
	t.Cleanup(func() {
		s.Kill()
		if log := s.log(); t.Failed() && log != "" {
			t.Logf("log of redis-server at %s:\n%s", s.Addr(), log)
		}
	})
	return s
}

// binary is a redis-server program and its major version.
type binary struct {
	path  string
	major int
}

var findBinary = sync.OnceValues(func() (binary, error) {
	for _, name := range []string{"redis-server", "/usr/bin/redis-server", "/usr/local/bin/redis-server"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return binary{}, fmt.Errorf("cannot ask version of %q: %w", path, err)
		}
		version := regexp.MustCompile(`\bv=(\d+)\.`).FindSubmatch(out)
		if version == nil {
			return binary{}, fmt.Errorf("cannot find version of %q in %q", path, out)
		}
		major, err := strconv.Atoi(string(version[1]))
		return binary{path: path, major: major}, err
	}
	return binary{}, errors.New("cannot find redis-server: install it with: apt-get install redis-server")
})

// startSomewhere starts the server on a free port, and on another one when that was taken meanwhile.
func (s *Server) startSomewhere() error {
	var err error
	for range portAttempts {
		s.port = 20000 + rand.IntN(10000)
		if !free(s.port) {
			continue
		}
		if err = s.start(); err == nil || free(s.port) && !strings.Contains(err.Error(), "already in use") {
			return err // it runs, or the port was not why it does not
		}
	}
	return fmt.Errorf("cannot find free port in %d attempts: %w", portAttempts, err)
}

// free reports whether a server could listen on port.
//
// Ports are chosen below those that kernels give to outgoing connections (32768 and up). Else, while a server is
// down, another program's connection could take its port, and a client that retries could even connect to itself.
func free(port int) bool {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

// start starts the server on its port, in a new folder, and waits until it answers.
func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	dir := s.runDir()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make folder: %w", err)
	}
	conf := filepath.Join(dir, "redis.conf")
	if err := os.WriteFile(conf, []byte(s.config.file(s.binary.major, s.port, dir)), 0o600); err != nil {
		return fmt.Errorf("cannot write configuration: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return fmt.Errorf("cannot create log: %w", err)
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(s.binary.path, conf)
	if s.config.master != "" {
		cmd.Args = append(cmd.Args, "--sentinel")
	}
	cmd.Env = append(os.Environ(), s.config.env...)
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := startProcess(cmd)
	if err != nil {
		return fmt.Errorf("cannot start %q: %w", s.binary.path, err)
	}
	if err := s.waitReady(proc); err != nil {
		proc.kill()
		return fmt.Errorf("cannot start redis-server at %s: %w; its log:\n%s", s.Addr(), err, readLog(dir))
	}
	s.proc = proc
	return nil
}

// waitReady waits until proc answers at the server's address. Somebody else's server there may answer too, for a
// moment, so who answers is checked.
func (s *Server) waitReady(proc *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var last error
	for {
		if last = s.ready(ctx, proc.cmd.Process.Pid); last == nil {
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("it ended: %v", proc.err)
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", Patience, last)
		case <-tick.C:
		}
	}
}

func (s *Server) ready(ctx context.Context, pid int) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.do("PING"); err != nil {
		return err
	}
	info, err := c.do("INFO", "server")
	if err != nil {
		return err
	}
	if text, _ := info.(string); !strings.Contains(text, fmt.Sprintf("\r\nprocess_id:%d\r\n", pid)) {
		return errors.New("another server answers there")
	}
	return nil
}

func (s *Server) connect(ctx context.Context) (*conn, error) {
	var tlsConfig *tls.Config
	if s.config.certs != nil {
		tlsConfig = s.config.certs.client
	}
	return dial(ctx, s.Addr(), tlsConfig, s.config.password)
}

func (s *Server) runDir() string { return filepath.Join(s.dir, fmt.Sprintf("run%d", s.runs)) }

// log returns what the server's last run logged.
func (s *Server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return readLog(s.runDir())
}

func readLog(dir string) string {
	data, _ := os.ReadFile(filepath.Join(dir, "log")) // no log is an empty one
	return strings.TrimSpace(string(data))
}

// URL returns redis://127.0.0.1:port, or rediss://127.0.0.1:port with [TLS]. It holds no password.
func (s *Server) URL() string {
	if s.config.certs != nil {
		return "rediss://" + s.Addr()
	}
	return "redis://" + s.Addr()
}

// Addr returns 127.0.0.1:port. It stays the same when the server is restarted.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port returns the server's TCP port.
func (s *Server) Port() int { return s.port }

// PID returns the process id of the running server; of the last one, when it is dead.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.cmd.Process.Pid
}

// Stop hangs the server (SIGSTOP): the kernel still accepts connections for it, but nothing is answered. When Stop
// returns, the server has stopped. [Server.Cont] wakes it.
func (s *Server) Stop() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for pid := s.PID(); !stopped(pid); {
		<-tick.C
	}
}

// Cont lets a hung server go on (SIGCONT); it then answers what it was asked meanwhile.
func (s *Server) Cont() {
	s.t.Helper()
	s.signal(syscall.SIGCONT)
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		s.t.Errorf("cannot send %v to redis-server at %s: %v", sig, s.Addr(), err)
	}
}

// Kill ends the server (SIGKILL), hung or not, and waits for its end: connections to it are then refused. It does
// nothing when the server is dead.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc != nil {
		s.proc.kill()
	}
}

// Restart starts the server again on the same port, with the same options and with an empty keyspace, whatever was
// persisted. One that still runs is killed first.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Do runs one command over a connection of its own and returns the reply as a string, int64, []any or nil. An error
// that the server answered is returned as an [Error]; inside an array it is an element. The
// server's password and TLS are used. It gives up after [Patience].
func (s *Server) Do(args ...string) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	return s.DoContext(ctx, args...)
}

// DoContext is [Server.Do] with the deadline of ctx; its cancellation ends the connecting only.
func (s *Server) DoContext(ctx context.Context, args ...string) (any, error) {
	if len(args) == 0 {
		return nil, errors.New("cannot run command: none given")
	}
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.do(args...)
}

// Must is [Server.Do] that ends the test when it fails.
func (s *Server) Must(args ...string) any {
	s.t.Helper()
	reply, err := s.Do(args...)
	if err != nil {
		s.t.Fatalf("cannot run %q at %s: %v", args, s.Addr(), err)
	}
	return reply
}
