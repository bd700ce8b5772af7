package redistest

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
)

// AsRedis6 stands before a server, and refuses what no Redis before 7 and no KeyDB knows, the
// options of PEXPIRE, and ZMSCORE, which came with Redis 6.2. Debian's redis-server 6.0 was
// seen to answer so.
func AsRedis6(t testing.TB, s *Server) (url string) {
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

// relay hands on one command at a time. A refused command spoils the transaction that it is in.
func relay(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	commands, replies := bufio.NewReader(client), bufio.NewReader(server)
	open, spoiled := false, false // a transaction
	for {
		command, err := message(commands)
		if err != nil {
			return
		}
		words := strings.Split(string(command), "\r\n")
		reply := ""
		switch name := strings.ToLower(words[2]); {
		case name == "pexpire" && words[0] != "*3":
			reply, spoiled = "-ERR wrong number of arguments for 'pexpire' command\r\n", open
		case name == "zmscore":
			reply, spoiled = "-ERR unknown command `ZMSCORE`\r\n", open
		case name == "multi":
			open, spoiled = true, false
		case name == "exec" && spoiled:
			reply, open = "-EXECABORT Transaction discarded because of previous errors.\r\n", false
			command = []byte("*1\r\n$7\r\nDISCARD\r\n")
		case name == "exec", name == "discard":
			open = false
		}
		if reply == "" || string(command[:4]) == "*1\r\n" {
			if _, err := server.Write(command); err != nil {
				return
			}
			said, err := message(replies)
			if err != nil {
				return
			}
			if reply == "" {
				reply = string(said)
			}
		}
		if _, err := io.WriteString(client, reply); err != nil {
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
