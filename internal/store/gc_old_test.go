package store

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// asRedis62 is a server before one that knows no options of PEXPIRE, as Redis 6.2 does not.
func asRedis62(t *testing.T, s *redistest.Server) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", s.Addr())
			if err != nil {
				client.Close()
				return
			}
			go relay(client, server)
		}
	}()
	return "redis://" + ln.Addr().String()
}

// relay hands on one command at a time.
func relay(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	commands, replies := bufio.NewReader(client), bufio.NewReader(server)
	for {
		command, err := message(commands)
		if err != nil {
			return
		}
		reply := []byte("-ERR wrong number of arguments for 'pexpire' command\r\n")
		if words := strings.Split(string(command), "\r\n"); !strings.EqualFold(words[2], "pexpire") || words[0] == "*3" {
			if _, err := server.Write(command); err != nil {
				return
			}
			if reply, err = message(replies); err != nil {
				return
			}
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// message reads a command or a reply, as it is on the wire.
func message(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(line[1:])))
	switch line[0] {
	case '$', '=':
		if n >= 0 {
			body := make([]byte, n+2)
			_, err = io.ReadFull(r, body)
			line = append(line, body...)
		}
		return line, err
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return line, nil
	}
	for range n {
		part, err := message(r)
		if err != nil {
			return nil, err
		}
		line = append(line, part...)
	}
	return line, nil
}

// An object that would never expire is bounded also where the server cannot be told to do so
// only if it has no expiry.
func TestPruneBoundsObjectsOfOldServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, err := Open(asRedis62(t, w.Server), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	w.store = old
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("/etc/eternal-%d", i))
	}
	w.pushed("web01", 3600, append(names, "/etc/motd")...)
	w.Must("EXPIRE", "web01#/etc/motd", "100")
	for _, name := range names {
		w.Must("PERSIST", "web01#"+name)
	}
	p, err := w.store.Prune(t.Context(), Pruning{Keep: 24 * time.Hour, Page: 7, Settle: time.Millisecond})
	if err != nil || p.Repaired != len(names) {
		t.Errorf("%+v, %v; want %d objects repaired", p, err, len(names))
	}
	for _, name := range names {
		if left := w.Must("TTL", "web01#"+name).(int64); left < ttl-3700 || left > ttl-3600 {
			t.Errorf("%s lives for %d s, and its snapshot for %d", name, left, ttl-3600)
		}
	}
	if left := w.Must("TTL", "web01#/etc/motd").(int64); left > 100 {
		t.Errorf("what expires in 100 s now expires in %d", left)
	}
}
