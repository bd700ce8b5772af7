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

// asRedis6 is a server before one that knows no options of PEXPIRE, as no Redis before 7 and no
// KeyDB does, and no ZMSCORE, which came with Redis 6.2.
func asRedis6(t *testing.T, s *redistest.Server) (url string) {
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

// behindRedis6 has the store ask the world's server as if it were an old one.
func (w *world) behindRedis6() {
	w.t.Helper()
	old, err := Open(asRedis6(w.t, w.Server), Options{Timeout: redistest.Patience})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { old.Close() })
	w.store = old
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
		words := strings.Split(string(command), "\r\n")
		reply := []byte("-ERR wrong number of arguments for 'pexpire' command\r\n")
		switch {
		case strings.EqualFold(words[2], "pexpire") && words[0] != "*3":
		case strings.EqualFold(words[2], "zmscore"):
			reply = []byte("-ERR unknown command `ZMSCORE`\r\n")
		default:
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
	w.behindRedis6()
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

// On an old server, too, gc is through all that is to go with its first run.
func TestPruneOfOldServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.behindRedis6()
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	w.Must("DEL", keySize)
	want := redistest.Dump(t, w.Server)
	w.deadNames("web01", 50)
	w.pushed("gone01", 2*day, "/etc/motd", "/etc/gone")
	w.Must("ZADD", keyHosts, "4000000000", "ghost")
	w.Must("ZADD", keyLive, "1", "web01")
	w.object("web01", "/etc/unrecorded")
	p, verified := w.prune(Pruning{})
	if p != (Pruned{Hosts: 2, Entries: 52, Names: 51, Objects: 1, Repaired: 1}) || len(verified) != 1 {
		t.Errorf("%+v; verified are %q", p, verified)
	}
	if got := redistest.Dump(t, w.Server); got != want {
		t.Errorf("there remains\n%s\nwant\n%s", got, want)
	}
}
