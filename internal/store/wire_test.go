package store

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A scripted server answers each connection through its own function, which gets what
// was sent, a line at a time.
func scripted(t *testing.T, o Options, db string, answer func(conn net.Conn, lines *bufio.Reader, n int)) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn, bufio.NewReader(conn), n)
			}()
		}
	}()
	s, err := Open("redis://"+listener.Addr().String()+db, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// command reads a command and returns its words.
func command(lines *bufio.Reader) []string {
	var words []string
	head, err := lines.ReadString('\n')
	if err != nil {
		return nil
	}
	for range int(head[1] - '0') {
		if _, err := lines.ReadString('\n'); err != nil {
			return nil
		}
		word, err := lines.ReadString('\n')
		if err != nil {
			return nil
		}
		words = append(words, strings.TrimSuffix(word, "\r\n"))
	}
	return words
}

// roster asks for one list.
func roster(ctx context.Context, s *Server) (string, error) {
	list, err := s.Roster(ctx)
	return strings.Join(list, " "), err
}

const oneHost = "*1\r\n$5\r\nweb01\r\n"

func TestTheGreetingGoesWithTheFirstRequest(t *testing.T) {
	for _, row := range []struct {
		o    Options
		db   string
		want string
	}{
		{Options{}, "", "SMEMBERS $roster"},
		{Options{}, "/3", "SELECT 3, SMEMBERS $roster"},
		{Options{Password: "secret"}, "", "AUTH default secret, SMEMBERS $roster"},
		{Options{User: "reader", Password: "secret"}, "/3", "AUTH reader secret, SELECT 3, SMEMBERS $roster"},
	} {
		got := make(chan string, 1)
		s := scripted(t, row.o, row.db, func(conn net.Conn, lines *bufio.Reader, _ int) {
			var sent []string
			for range strings.Count(row.want, ",") + 1 {
				sent = append(sent, strings.Join(command(lines), " "))
			}
			got <- strings.Join(sent, ", ") // before anything is answered
			io.WriteString(conn, strings.Repeat("+OK\r\n", len(sent)-1)+oneHost)
			io.Copy(io.Discard, conn)
		})
		if hosts, err := roster(t.Context(), s); hosts != "web01" || err != nil {
			t.Errorf("%q, %v", hosts, err)
		}
		if sent := <-got; sent != row.want {
			t.Errorf("sent %s, want %s", sent, row.want)
		}
		if w := s.Traffic().Waits; w != 1 {
			t.Errorf("it waited %d times", w)
		}
	}
}

func TestARefusedGreetingIsAnError(t *testing.T) {
	s := scripted(t, Options{Password: "wrong"}, "/3", func(conn net.Conn, lines *bufio.Reader, _ int) {
		io.WriteString(conn, "-WRONGPASS invalid username-password pair or user is disabled.\r\n+OK\r\n"+oneHost)
		io.Copy(io.Discard, conn)
	})
	for range 2 {
		if hosts, err := roster(t.Context(), s); !errors.Is(err, ErrAuth) {
			t.Errorf("%q, %v; want ErrAuth", hosts, err)
		}
	}
}

// A server that is restarted closes the connections that lie idle. That is no fault of
// the next request; to be closed once more is.
func TestAConnectionThatWasClosedMeanwhileIsReplaced(t *testing.T) {
	var opened atomic.Int64
	s := scripted(t, Options{}, "", func(conn net.Conn, lines *bufio.Reader, n int) {
		opened.Add(1)
		if n < 3 {
			command(lines)
			io.WriteString(conn, oneHost)
		}
	})
	for i := range 3 {
		if hosts, err := roster(t.Context(), s); hosts != "web01" || err != nil {
			t.Fatalf("request %d: %q, %v", i, hosts, err)
		}
	}
	if _, err := roster(t.Context(), s); !errors.Is(err, ErrCut) {
		t.Errorf("%v, want ErrCut", err)
	}
	if n := opened.Load(); n != 4 {
		t.Errorf("%d connections were opened, want 4", n)
	}
}

// What one request has left unread must not answer the next one.
func TestLeftoversAnswerNoOtherRequest(t *testing.T) {
	for _, left := range []string{
		"-ERR unknown command\r\n*1\r\n$3\r\nold\r\n",
		"*1\r\n$3\r\nold\r\n*1\r\n$5\r\nolder\r\n*1\r\n$6\r\noldest\r\n",
		"*2\r\n$3\r\nold\r\n:1\r\n*1\r\n$5\r\nolder\r\n",
	} {
		s := scripted(t, Options{}, "", func(conn net.Conn, lines *bufio.Reader, n int) {
			for command(lines) != nil {
				if n == 0 {
					command(lines)
					io.WriteString(conn, left)
				} else {
					io.WriteString(conn, oneHost)
				}
			}
		})
		s.NamesOf(t.Context(), []string{"web01", "web02"}) // what becomes of it is not the question
		if hosts, err := roster(t.Context(), s); hosts != "web01" || err != nil {
			t.Errorf("after %q: %q, %v", left, hosts, err)
		}
	}
}

func TestARequestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	s := scripted(t, Options{Timeout: time.Hour}, "", func(conn net.Conn, lines *bufio.Reader, n int) {
		command(lines)
		if n > 0 {
			io.WriteString(conn, oneHost)
		} else {
			cancel(why)
		}
		io.Copy(io.Discard, conn)
	})
	if _, err := roster(ctx, s); !errors.Is(err, why) {
		t.Errorf("%v, want %v", err, why)
	}
	if hosts, err := roster(t.Context(), s); hosts != "web01" || err != nil {
		t.Errorf("the next request: %q, %v", hosts, err)
	}
}

func TestAServerThatDoesNotAnswerIsLate(t *testing.T) {
	s := scripted(t, Options{Timeout: 20 * time.Millisecond}, "", func(conn net.Conn, _ *bufio.Reader, _ int) {
		io.Copy(io.Discard, conn)
	})
	if _, err := roster(t.Context(), s); !errors.Is(err, ErrTimeout) {
		t.Errorf("%v, want ErrTimeout", err)
	}
}

func TestAClosedServerAnswersNothing(t *testing.T) {
	began := make(chan struct{}, 1)
	s := scripted(t, Options{Timeout: time.Hour}, "", func(conn net.Conn, lines *bufio.Reader, _ int) {
		command(lines)
		began <- struct{}{}
		io.Copy(io.Discard, conn)
	})
	done := make(chan error, 1)
	go func() {
		_, err := roster(context.Background(), s)
		done <- err
	}()
	<-began
	s.Close()
	if err := <-done; !errors.Is(err, ErrCut) {
		t.Errorf("a request under way: %v, want ErrCut", err)
	}
	if _, err := roster(t.Context(), s); !errors.Is(err, ErrCut) {
		t.Errorf("a later one: %v, want ErrCut", err)
	}
}

// No more connections are opened than were allowed, however many requests there are.
func TestConnectionsAreBounded(t *testing.T) {
	var open, most atomic.Int64
	s := scripted(t, Options{Conns: 3}, "", func(conn net.Conn, lines *bufio.Reader, _ int) {
		most.Store(max(most.Load(), open.Add(1)))
		defer open.Add(-1)
		for command(lines) != nil {
			time.Sleep(time.Millisecond)
			io.WriteString(conn, oneHost)
		}
	})
	errs := make(chan error)
	for range 50 {
		go func() {
			_, err := roster(t.Context(), s)
			errs <- err
		}()
	}
	for range 50 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := most.Load(); n > 3 {
		t.Errorf("%d connections at a time", n)
	}
}

// A server whose clock is hours ahead of ours would name hosts as live for an hour
// that have expired: it is asked again by its own clock.
func TestAnIndexIsReadByTheServersClock(t *testing.T) {
	ahead := 5 * time.Hour
	var bounds []string
	s := scripted(t, Options{}, "", func(conn net.Conn, lines *bufio.Reader, _ int) {
		for {
			words := command(lines)
			if words == nil {
				return
			}
			switch words[0] {
			case "TIME":
				io.WriteString(conn, "*2\r\n"+bulk(time.Now().Add(ahead).Unix())+bulk(0))
			case "SCARD", "ZCARD":
				io.WriteString(conn, ":0\r\n")
			case "ZRANGE":
				io.WriteString(conn, "*2\r\n$5\r\nweb01\r\n"+bulk(time.Now().Unix()))
			case "ZRANGEBYSCORE":
				bounds = append(bounds, words[3])
				if words[4] == "WITHSCORES" {
					io.WriteString(conn, "*0\r\n")
				} else {
					io.WriteString(conn, oneHost)
				}
			case "SSCAN":
				io.WriteString(conn, "*2\r\n$1\r\n0\r\n*0\r\n")
			}
		}
	})
	x, err := s.Index(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(bounds) != 4 || x.Until.Sub(x.Now) < 50*time.Minute || x.Live() != 1 {
		t.Errorf("asked up to %q; until %v, now %v, %d live", bounds, x.Until, x.Now, x.Live())
	}
}

func bulk(n int64) string {
	text := strconv.FormatInt(n, 10)
	return "$" + strconv.Itoa(len(text)) + "\r\n" + text + "\r\n"
}
