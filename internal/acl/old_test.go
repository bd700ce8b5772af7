package acl

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/store"
)

// oldServer answers as Redis 6.2 does to what Apply asks, and keeps what users it was to make.
func oldServer(t *testing.T) (url string, made func() []string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	lines := make(chan string, 100)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go answerAsOld(conn, lines)
		}
	}()
	return "redis://" + ln.Addr().String(), func() []string {
		var all []string
		for {
			select {
			case l := <-lines:
				all = append(all, l)
			default:
				return all
			}
		}
	}
}

func answerAsOld(conn net.Conn, made chan<- string) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		var words []string
		n := 1
		for i := 0; i < 1+2*n; i++ {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			switch {
			case i == 0:
				n, _ = strconv.Atoi(line[1:])
			case i%2 == 0:
				words = append(words, line)
			}
		}
		command := strings.ToUpper(strings.Join(words, " "))
		reply := "+OK\r\n"
		switch {
		case strings.HasPrefix(command, "INFO"):
			text := "# Server\r\nredis_version:6.2.14\r\n"
			reply = fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
		case command == "ACL WHOAMI":
			reply = "$3\r\nops\r\n"
		case strings.HasPrefix(command, "ACL GETUSER"):
			reply = "*2\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n"
		case strings.HasPrefix(command, "CONFIG"):
			reply = "*2\r\n$7\r\naclfile\r\n$0\r\n\r\n"
		case strings.HasPrefix(command, "ACL SETUSER"):
			made <- strings.Join(words, " ")
		}
		if _, err := conn.Write([]byte(reply)); err != nil {
			return
		}
	}
}

// Redis 6.2 has one union of all commands and all keys of a user, in which a host may delete
// the list of hosts: nothing is done there, nor at its siblings, unless it is asked for.
func TestAnOldServerGetsNoUsers(t *testing.T) {
	t.Parallel()
	url, made := oldServer(t)
	old, err := store.Open(url, store.Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Close() })
	_, good := closed(t)
	cores := []Core{{Servers: []*store.Server{good, old}}}
	_, err = Apply(t.Context(), cores, hosts("web01"), Options{})
	var cause *hint.Error
	if !errors.As(err, &cause) || cause.Cause != hint.WeakACL {
		t.Errorf("%v", err)
	}
	names, err := good.UserNames(t.Context())
	if got := made(); len(got) > 0 || err != nil || strings.Contains(strings.Join(names, " "), "host:") {
		t.Errorf("users were made: %q, %q, %v", got, names, err)
	}
	if _, err := Apply(t.Context(), cores, hosts("web01"), Options{Weak: true}); err != nil {
		t.Fatal(err)
	}
	got := made()
	if len(got) != 1 || strings.ContainsAny(got[0], "()%|") || !strings.Contains(got[0], "~web01#* ") {
		t.Errorf("with --weak: %q", got)
	}
	rules, err := good.UserRules(t.Context(), []string{"host:web01"})
	if err != nil || !strings.Contains(rules[0], "%R~$base:*") {
		t.Errorf("its sibling has the rules that confine: %q, %v", rules, err)
	}
}
