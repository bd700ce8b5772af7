package redistest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func TestServerStartsEmptyAndAnswers(t *testing.T) {
	s := redistest.Start(t)
	if got := s.Must("DBSIZE"); got != int64(0) {
		t.Errorf("DBSIZE is %v, want 0", got)
	}
	if want := fmt.Sprintf("redis://127.0.0.1:%d", s.Port()); s.URL() != want {
		t.Errorf("URL is %q, want %q", s.URL(), want)
	}
}

func TestServerDoesNotPersist(t *testing.T) {
	s := redistest.Start(t)
	want := []any{"save", "", "appendonly", "no"}
	if got := s.Must("CONFIG", "GET", "save"); !reflect.DeepEqual(got, want[:2]) {
		t.Errorf("save is %q", got)
	}
	if got := s.Must("CONFIG", "GET", "appendonly"); !reflect.DeepEqual(got, want[2:]) {
		t.Errorf("appendonly is %q", got)
	}
}

func TestServerAllowsDebug(t *testing.T) {
	redistest.Start(t).Must("DEBUG", "SLEEP", "0")
}

func TestServerTakesConfigLines(t *testing.T) {
	s := redistest.Start(t, redistest.Config("maxmemory 2mb", "databases 3"))
	if got := s.Must("CONFIG", "GET", "maxmemory"); !reflect.DeepEqual(got, []any{"maxmemory", "2097152"}) {
		t.Errorf("maxmemory is %q", got)
	}
}

func TestServerWithWrongConfigFailsTheTestWithItsLog(t *testing.T) {
	failure := failureOf(t, func(t testing.TB) { redistest.Start(t, redistest.Config("no-such-directive 1")) })
	if !strings.Contains(failure, "no-such-directive") {
		t.Errorf("the failure does not show the log: %q", failure)
	}
}

func TestServersOfACoreAreSeparate(t *testing.T) {
	core := redistest.Core(t, 4)
	for i, s := range core {
		s.Must("SET", "who", strconv.Itoa(i))
	}
	for i, s := range core {
		if got := s.Must("GET", "who"); got != strconv.Itoa(i) {
			t.Errorf("server %d holds %v", i, got)
		}
		if url := redistest.URLs(core)[i]; url != s.URL() {
			t.Errorf("URL %d is %q, want %q", i, url, s.URL())
		}
	}
}

func TestStoppedServerDoesNotAnswerUntilCont(t *testing.T) {
	s := redistest.Start(t)
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if reply, err := s.DoContext(ctx, "PING"); err == nil {
		t.Fatalf("a stopped server answered %q", reply)
	} else if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a stopped server failed otherwise than by silence: %v", err)
	}
	s.Cont()
	if got := s.Must("PING"); got != "PONG" {
		t.Errorf("after Cont it answered %q", got)
	}
}

func TestStoppedServerEndsWithItsTest(t *testing.T) {
	var addr string
	t.Run("test", func(t *testing.T) {
		s := redistest.Start(t)
		addr = s.Addr()
		s.Stop()
	})
	if accepts(addr) {
		t.Errorf("the server at %s outlived its test", addr)
	}
}

func TestKilledServerRefusesConnections(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	if _, err := s.Do("PING"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a killed server fails with %v, want a refused connection", err)
	}
}

func TestRestartedServerIsEmptyAtTheSamePort(t *testing.T) {
	for _, persistence := range []string{"no", "yes"} {
		t.Run("appendonly="+persistence, func(t *testing.T) {
			s := redistest.Start(t, redistest.Config("appendonly "+persistence, "appendfsync always"))
			addr, pid := s.Addr(), s.PID()
			s.Must("SET", "key", "value")
			s.Kill()
			s.Restart()
			if s.Addr() != addr {
				t.Errorf("address is %s, was %s", s.Addr(), addr)
			}
			if s.PID() == pid {
				t.Errorf("it is the same process: %d", pid)
			}
			if got := s.Must("DBSIZE"); got != int64(0) {
				t.Errorf("it holds %v keys", got)
			}
		})
	}
}

func TestServerRestartsAfterACleanShutdown(t *testing.T) {
	s := redistest.Start(t)
	if _, err := s.Do("SHUTDOWN", "NOSAVE"); err == nil {
		t.Fatal("SHUTDOWN was answered")
	}
	s.Restart()
	s.Must("PING")
}

func TestRepliesAreGoValues(t *testing.T) {
	s := redistest.Start(t)
	for _, c := range []struct {
		script string
		want   any
	}{
		{"return redis.status_reply('OK')", "OK"},
		{"return 'two\\r\\nlines'", "two\r\nlines"},
		{"return ''", ""},
		{"return 42", int64(42)},
		{"return false", nil},
		{"return {}", []any{}},
		{"return {1, 'a', {'b', false}}", []any{int64(1), "a", []any{"b", nil}}},
		{"return {redis.error_reply('ERR inner')}", []any{redistest.Error("ERR inner")}},
	} {
		if got := s.Must("EVAL", c.script, "0"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s is %#v, want %#v", c.script, got, c.want)
		}
	}
}

func TestAnsweredErrorIsAnError(t *testing.T) {
	_, err := redistest.Start(t).Do("NOSUCHCOMMAND")
	var answered redistest.Error
	if !errors.As(err, &answered) || !strings.HasPrefix(string(answered), "ERR unknown command") {
		t.Errorf("error is %#v", err)
	}
}

func TestMustFailsTheTest(t *testing.T) {
	failure := failureOf(t, func(t testing.TB) { redistest.Start(t).Must("NOSUCHCOMMAND", "x") })
	if !strings.Contains(failure, `["NOSUCHCOMMAND" "x"]`) {
		t.Errorf("failure is %q", failure)
	}
}

func TestPasswordIsDemanded(t *testing.T) {
	s := redistest.Start(t, redistest.Password(`p"w #1`))
	s.Must("PING")
	for command, want := range map[string]string{"PING": "-NOAUTH", "AUTH wrong": "-WRONGPASS"} {
		nc, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, nc, command); !strings.HasPrefix(got, want) {
			t.Errorf("%s without the password is answered %q", command, got)
		}
	}
}

func TestTLSNeedsTheRightAuthority(t *testing.T) {
	certs := redistest.NewCerts(t)
	s := redistest.Start(t, redistest.TLS(certs))
	s.Must("PING")
	if want := "rediss://" + s.Addr(); s.URL() != want {
		t.Errorf("URL is %q, want %q", s.URL(), want)
	}
	nc, err := tls.Dial("tcp", s.Addr(), tlsConfig(t, certs))
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, nc, "PING"); got != "+PONG\r\n" {
		t.Errorf("a client without a certificate is answered %q", got)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := tls.Dial("tcp", s.Addr(), tlsConfig(t, redistest.NewCerts(t))); !errors.As(err, &unknown) {
		t.Errorf("a client with another authority fails with %v", err)
	}
}

func TestTLSWithClientCertsRefusesOthers(t *testing.T) {
	certs, others := redistest.NewCerts(t), redistest.NewCerts(t)
	s := redistest.Start(t, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("pw"))
	s.Must("PING")
	without, foreign := tlsConfig(t, certs), tlsConfig(t, certs)
	pair, err := tls.LoadX509KeyPair(others.ClientCertFile, others.ClientKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	foreign.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	for name, config := range map[string]*tls.Config{"no": without, "a foreign": foreign} {
		nc, err := tls.Dial("tcp", s.Addr(), config)
		if err != nil {
			continue // TLS 1.2 refuses in the handshake, 1.3 after it
		}
		if got := ask(t, nc, "AUTH pw"); got != "" {
			t.Errorf("a client with %s certificate is answered %q", name, got)
		}
	}
}

// ask sends an inline command, and returns the first bytes of the answer, or none when the connection fails.
func ask(t *testing.T, nc net.Conn, command string) string {
	t.Helper()
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(redistest.Patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(nc, "%s\r\n", command) // a failure shows in Read
	buf := make([]byte, 1024)
	n, _ := nc.Read(buf)
	return string(buf[:n])
}

// tlsConfig trusts the authority of certs, and has no client certificate.
func tlsConfig(t *testing.T, certs *redistest.Certs) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(certs.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots}
}

func accepts(addr string) bool {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	nc.Close()
	return true
}

// failing is a test whose failure is wanted.
type failing struct {
	testing.TB
	failure string
}

func (f *failing) Fatal(args ...any) {
	f.failure = fmt.Sprint(args...)
	runtime.Goexit()
}

func (f *failing) Fatalf(format string, args ...any) { f.Fatal(fmt.Sprintf(format, args...)) }

// failureOf returns how run fails its test, without failing this one.
func failureOf(t *testing.T, run func(t testing.TB)) string {
	t.Helper()
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(f)
	}()
	<-done
	if f.failure == "" {
		t.Fatal("it did not fail")
	}
	return f.failure
}
