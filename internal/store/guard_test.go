package store

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
)

// What a server announces is judged before any of it has come; what it sends is
// let through, wherever the reads happen to end.
func TestTheGuardJudgesAnnouncedLengths(t *testing.T) {
	for _, row := range []struct {
		reply string
		want  error
	}{
		{"+OK\r\n:12\r\n$-1\r\n*-1\r\n_\r\n", nil},
		{"*2\r\n$3\r\nabc\r\n$0\r\n\r\n", nil},
		{"$24\r\n$9223372036854775000\r\n..\r\n+OK\r\n", nil}, // that is contents
		{"-ERR " + strings.Repeat("x", 1000) + "$9223372036854775000\r\n", nil},
		{"$9223372036854775000\r\n", ErrReplyTooLarge},
		{"$99999999999999999999999\r\n", ErrReplyTooLarge},
		{"$3\r\nabc\r\n$100663297\r\n", ErrReplyTooLarge},
		{"*35184372088832\r\n", ErrReplyTooLarge},
		{"*1\r\n*100000000\r\n", ErrReplyTooLarge},
		{"%35184372088832\r\n", ErrReplyTooLarge},
		{strings.Repeat("*1\r\n", maxDepth) + ":1\r\n" + strings.Repeat("*1\r\n", maxDepth) + ":1\r\n", nil},
		{strings.Repeat("*3\r\n*-1\r\n*0\r\n*1\r\n$1\r\na\r\n", maxDepth), nil},
		{strings.Repeat("*1\r\n", maxDepth+1), ErrNotRedis},
		{strings.Repeat("*2\r\n:1\r\n", maxDepth+1), ErrNotRedis},
		{strings.Repeat("|0\r\n", maxDepth+1), ErrNotRedis},
		{strings.Repeat("|1\r\n+a\r\n", maxDepth+1), ErrNotRedis},
	} {
		for at := range len(row.reply) {
			var g guard
			err := g.feed([]byte(row.reply[:at]))
			if err == nil {
				err = g.feed([]byte(row.reply[at:]))
			}
			if row.want == nil && err != nil || row.want != nil && kindOf(err) != row.want {
				t.Errorf("%.40q read in two parts, at %d: %v, want %v", row.reply, at, err, row.want)
			}
		}
	}
}

// Whatever is contents is skipped whole: the guard ends at the end of every reply.
func FuzzGuardSkipsContents(f *testing.F) {
	f.Add([]byte("plain"), 3)
	f.Add([]byte("\r\n$9999999999\r\n"), 1)
	f.Fuzz(func(t *testing.T, contents []byte, step int) {
		reply := bytes.Join([][]byte{[]byte("$"), []byte(strconv.Itoa(len(contents))), []byte("\r\n"), contents, []byte("\r\n")}, nil)
		var g guard
		step = max(1, step%7)
		for len(reply) > 0 {
			n := min(step, len(reply))
			if err := g.feed(reply[:n]); err != nil {
				t.Fatal(err)
			}
			reply = reply[n:]
		}
		if g.skip != 0 || len(g.header) != 0 {
			t.Errorf("after the reply it still waits for %d bytes, in header %q", g.skip, g.header)
		}
	})
}
