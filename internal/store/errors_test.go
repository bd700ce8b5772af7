package store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// What passes by itself is told from what stays until somebody does something about it.
func TestWhatPassesByItself(t *testing.T) {
	t.Parallel()
	s, err := Open("redis://127.0.0.1:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, row := range []struct {
		err    error
		passes bool
	}{
		{refused, true},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, true},
		{&seedsError{errs: []error{refused}}, true},
		{context.DeadlineExceeded, true},
		{io.EOF, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{replyError("ERR max number of clients reached"), true},
		{replyError("ERR max number of clients + cluster connections reached"), true},
		{replyError("LOADING Redis is loading the dataset in memory"), true},
		{replyError("BUSY Redis is busy running a script."), true},
		{replyError("CLUSTERDOWN The cluster is down"), true},
		{replyError("MASTERDOWN Link with MASTER is down"), true},
		{replyError("TRYAGAIN Multiple keys request during rehashing of slot"), true},

		{nil, false},
		{context.Canceled, false},
		{replyError("WRONGPASS invalid username-password pair or user is disabled."), false},
		{replyError("NOAUTH Authentication required."), false},
		{replyError("NOPERM this user has no permissions to run the 'get' command"), false},
		{replyError("OOM command not allowed when used memory > 'maxmemory'."), false},
		{replyError("READONLY You can't write against a read only replica."), false},
		{replyError("MISCONF Redis is configured to save RDB snapshots"), false},
		{replyError("WRONGTYPE Operation against a key"), false},
		{replyError("ERR unknown command"), false},
		{&net.OpError{Op: "dial", Err: x509.UnknownAuthorityError{}}, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}}, false},
		{ErrNeedsTLS, false},
		{ErrReplyTooLarge, false},
		{unexpected([]byte("HTTP/1.1 400")), false},
	} {
		// Alone, as the reply to a greeting, and within what is said of an object.
		wrapped := s.wrap(row.err)
		list := []error{wrapped, fmt.Errorf("cannot renew /etc/motd: %w", wrapped)}
		var reply redis.Error
		if errors.As(row.err, &reply) {
			list = append(list, s.wrap(&unansweredError{row.err}))
		}
		for _, err := range list {
			if Passing(err) != row.passes {
				t.Errorf("%v passes by itself: %v, want %v", err, !row.passes, row.passes)
			}
		}
	}
}

// However often a server could not be reached, nothing knocks at it but who asks.
func TestNobodyKnocksUnasked(t *testing.T) {
	t.Parallel()
	s, err := Open("redis://127.0.0.1:1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 * s.options.Conns {
		_, err = s.ReadHost(t.Context(), "web01", nil, false, "")
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "refused") {
			t.Fatalf("the error is %v", err)
		}
	}
	stacks := make([]byte, 8<<20)
	if stacks = stacks[:runtime.Stack(stacks, true)]; strings.Contains(string(stacks), "tryDial") {
		t.Error("go-redis tries to connect on its own")
	}
}
