package wholetest_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A gate is a network before a server that does something at the moment when a client sends
// a certain command: faults hit the request that a test is about.
type gate struct {
	addr string

	mu     sync.Mutex
	waits  []pass
	silent bool
}

// A pass is what happens when a client sends needle, in capitals or not.
type pass struct {
	needle string // empty: it has happened
	do     func()
}

func newGate(t testing.TB, target string) *gate {
	g := &gate{}
	g.addr = impostor(t, func(client net.Conn) {
		server, err := net.Dial("tcp", target)
		if err != nil {
			return
		}
		defer server.Close()
		go func() {
			_, _ = io.Copy(client, server) // either end may go
			client.Close()
		}()
		buf := make([]byte, 1<<20)
		for {
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			if n += g.rest(client, buf[n:]); !g.look(buf[:n]) {
				_, _ = io.Copy(io.Discard, client) // hangs from now on
				return
			}
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
	})
	return g
}

// rest reads what else belongs to a request: a client sends all of it at once.
func (g *gate) rest(client net.Conn, buf []byte) int {
	all := 0
	for all < len(buf) {
		_ = client.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		n, err := client.Read(buf[all:])
		all += n
		if err != nil {
			break
		}
	}
	_ = client.SetReadDeadline(time.Time{})
	return all
}

func (g *gate) url() string { return "redis://" + g.addr }

// when does something before the client's next request that holds needle goes on.
func (g *gate) when(needle string, do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits = append(g.waits, pass{needle: needle, do: do})
}

// hang swallows the next request that holds needle, and all that follows.
func (g *gate) hang(needle string) {
	g.when(needle, func() { g.silent = true })
}

// look reports whether what a client sends may go on.
func (g *gate) look(sent []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waits {
		if w.needle != "" && bytes.Contains(bytes.ToLower(sent), []byte(w.needle)) {
			g.waits[i].needle = ""
			w.do()
		}
	}
	return !g.silent
}

// hangs reports whether it has come to that.
func (g *gate) hangs() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.silent
}
