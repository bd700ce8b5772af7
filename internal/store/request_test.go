package store

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func repliesOf(text string) replies { return replies{in: bufio.NewReader(strings.NewReader(text))} }

func TestRequestsAreWhatRedisReads(t *testing.T) {
	q := newRequest(1)
	q.add("GET", "")
	q.begin(2)
	q.arg("DEL")
	q.arg("web01", "#", "/etc/ü")
	want := "*2\r\n$3\r\nGET\r\n$0\r\n\r\n*2\r\n$3\r\nDEL\r\n$13\r\nweb01#/etc/ü\r\n"
	if string(q.bytes) != want {
		t.Errorf("%q, want %q", q.bytes, want)
	}
}

// A list comes back as it was sent, however the network cuts it up, and strings that
// are longer than a buffer or a block too.
func TestListsComeBack(t *testing.T) {
	want := []string{"", "a", "\r\n$5\r\n", strings.Repeat("x", blockSize), "b", strings.Repeat("y", 3*blockSize), "c"}
	var sent bytes.Buffer
	for range 2 {
		fmt.Fprintf(&sent, "*%d\r\n", len(want))
		for _, s := range want {
			fmt.Fprintf(&sent, "$%d\r\n%s\r\n", len(s), s)
		}
	}
	r := replies{in: bufio.NewReader(iotest.OneByteReader(&sent))}
	var texts textBlock
	got, err := r.list(nil, &texts)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%.100q, %v", got, err)
	}
	if n, err := r.array(); n != len(want) || err != nil {
		t.Fatal(n, err)
	}
	values := newByteBlock(1)
	for i, w := range want {
		if b, err := values.read(r); err != nil || b == nil || string(b) != w {
			t.Errorf("element %d: %.100q, %v", i, b, err)
		}
	}
}

func TestRepliesThatAreNoneAreTold(t *testing.T) {
	for _, row := range []struct {
		reply string
		want  error
	}{
		{"-NOPERM this user has no permissions\r\n", ErrPermission},
		{"-WRONGTYPE Operation against a key\r\n", ErrWrongType},
		{"-LOADING Redis is loading\r\n", ErrLoading},
		{"-NOAUTH Authentication required.\r\n", ErrAuth},
		{"-WRONGPASS invalid username-password pair\r\n", ErrAuth},
		{"-READONLY You can't write\r\n", ErrReadOnly},
		{"-OOM command not allowed\r\n", ErrNoMemory},
		{"-EXECABORT Transaction discarded because of: OOM command not allowed\r\n", ErrNoMemory},
		{"-EXECABORT Transaction discarded because of: NOPERM no permissions\r\n", ErrPermission},
		{"-EXECABORT Transaction discarded because of previous errors.\r\n", nil},
		{"-ERR unknown command\r\n", nil},
		{"", ErrCut},
		{"*1", ErrCut},
		{"*1\r\n$3\r\nab", ErrCut},
		{"HTTP/1.1 400 Bad Request\r\n", ErrNotRedis},
		{"+OK\r\n", ErrNotRedis},
		{":1\r\n", ErrNotRedis},
		{"$3\r\nabc\r\n", ErrNotRedis},
		{"*1\r\n:1\r\n", ErrNotRedis},
		{"*1\r\n*1\r\n$1\r\na\r\n", ErrNotRedis},
		{"*1\r\n$3\r\nabcd\r\n", ErrNotRedis},
		{"*1\n$1\na\n", ErrNotRedis},
		{"*x\r\n", ErrNotRedis},
		{"*-2\r\n", ErrNotRedis},
		{"*\r\n", ErrNotRedis},
		{"*1\r\n$\r\n\r\n", ErrNotRedis},
		{"*1\r\n$1\r\nabc", ErrNotRedis},
		{"\r\n", ErrNotRedis},
		{strings.Repeat("x", 10_000), ErrNotRedis},
		{"*1\r\n$9223372036854775000\r\n", ErrReplyTooLarge},
		{"*1\r\n$99999999999999999999999\r\n", ErrReplyTooLarge},
		{"*35184372088832\r\n", ErrReplyTooLarge},
	} {
		got, err := repliesOf(row.reply).list(nil, new(textBlock))
		if err == nil || kindOf(err) != row.want {
			t.Errorf("%.60q is read as %q, %v; want %v", row.reply, got, err, row.want)
		}
	}
	for _, none := range []string{"*-1\r\n", "*0\r\n"} {
		if got, err := repliesOf(none).list(nil, new(textBlock)); err != nil || len(got) != 0 {
			t.Errorf("%q is read as %q, %v", none, got, err)
		}
	}
	if b, err := repliesOf("$-1\r\n").text(); b != nil || err != nil {
		t.Errorf("nil is read as %q, %v", b, err)
	}
}

// mostMemory is what nothing that a server sends may make a reader take.
const mostMemory = 256 << 20

// Whatever a server sends is read, or is an error, within the memory that what it sent
// takes up, or one string that it announces.
func FuzzReplies(f *testing.F) {
	f.Add([]byte("*2\r\n$5\r\nweb01\r\n$10\r\n1700000000\r\n"))
	f.Add([]byte("*2\r\n$1\r\n0\r\n*1\r\n$9\r\n/etc/motd\r\n"))
	f.Add([]byte("*4000000\r\n$-1\r\n"))
	f.Add([]byte("$90000000\r\nx"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		for what, read := range map[string]func(r replies) (n int, _ error){
			"a list": func(r replies) (n int, _ error) {
				list, err := r.list(nil, new(textBlock))
				for _, s := range list {
					n += len(s)
				}
				return max(n, len(list)), err
			},
			"pushes": func(r replies) (int, error) {
				list, err := scored(r, readPush)
				return len(list), err
			},
			"names": func(r replies) (int, error) {
				_, list, err := r.scanned(nil, new(textBlock))
				return len(list), err
			},
			"the time": func(r replies) (int, error) {
				_, err := r.clock()
				if errors.Is(err, ErrReplyTooLarge) && !bytes.ContainsAny(sent, "$*") {
					t.Errorf("%.60q is too large", sent)
				}
				return 0, err
			},
			"a string": func(r replies) (int, error) {
				b, err := newByteBlock(1).read(r)
				return len(b), err
			},
		} {
			var n int
			var err error
			took := redistest.Allocated(func() { n, err = read(replies{in: bufio.NewReader(bytes.NewReader(sent))}) })
			if err == nil && n > len(sent) {
				t.Errorf("%d bytes became %d of %s", len(sent), n, what)
			}
			if took > mostMemory {
				t.Errorf("%d bytes took %d as %s", len(sent), took, what)
			}
		}
	})
}

// Whatever the replies before it are, a refusal names the command that it is about.
func TestARefusalNamesItsCommand(t *testing.T) {
	t.Parallel()
	const refused = "-NOPERM this user has no permissions\r\n"
	q := newRequest(4)
	q.add("time")
	q.add("ZRANGE", "$hosts", "0", "-1", "WITHSCORES")
	q.add("hget", "$of:web01", "/etc/motd")
	q.add("SSCAN", "$names", "0")
	good := []string{"*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n", "$-1\r\n", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nn\r\n"}
	for i, want := range []string{"TIME", "ZRANGE", "HGET", "SSCAN"} {
		sent := strings.Join(append(slices.Clone(good[:i]), refused), "")
		r := replies{bufio.NewReader(strings.NewReader(sent)), &position{request: q.bytes}}
		var err error
		for step := 0; err == nil && step < 4; step++ {
			switch step {
			case 0:
				_, err = r.clock()
			case 1:
				_, err = scored(r, readExpiry)
			case 2:
				_, err = r.text()
			case 3:
				_, _, err = r.scanned(nil, new(textBlock))
			}
		}
		var named *refusedError
		if !errors.As(err, &named) || named.command != want || kindOf(err) != ErrPermission {
			t.Errorf("the refusal of %s: %v (%+v)", want, err, named)
		}
	}
}
