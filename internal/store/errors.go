package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// What can be wrong with a server, or with its answer. Errors of this package
// wrap one of these where it is known, and the cause.
var (
	ErrBadURL        = errors.New("not the URL of a server")
	ErrUnreachable   = errors.New("cannot be reached")
	ErrTimeout       = errors.New("did not answer in time")
	ErrCut           = errors.New("cut the connection")
	ErrNotRedis      = errors.New("does not speak Redis' protocol")
	ErrAuth          = errors.New("refused the user or password")
	ErrPermission    = errors.New("does not permit this user the command")
	ErrLoading       = errors.New("is still loading its data")
	ErrReadOnly      = errors.New("is a read-only replica")
	ErrNoMemory      = errors.New("is out of memory")
	ErrWrongType     = errors.New("holds a key of another type in our place")
	ErrReplyTooLarge = errors.New("sent too large a reply")
)

// connectionError reports whether err says that the replies of a pipeline did
// not all arrive. An error reply (a redis.Error) is a reply.
func connectionError(err error) bool {
	var reply redis.Error
	var unanswered *unansweredError
	return err != nil && (errors.As(err, &unanswered) || !errors.As(err, &reply))
}

// An unansweredError is an error of a pipeline none of whose commands was answered.
type unansweredError struct{ err error }

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// wrap names the server and what is wrong with it.
func (s *Server) wrap(err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(kind, err) {
		return fmt.Errorf("server %s %w: %w", s.name, kind, err)
	} else if kind != nil {
		return fmt.Errorf("server %s %w", s.name, kind)
	}
	return fmt.Errorf("server %s answered with an error: %w", s.name, err)
}

// about says of an error reply what was asked. What is wrong with a connection is not
// about that.
func about(err error, format string, args ...any) error {
	var refused replyError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
	}
	return err
}

func kindOf(err error) error {
	var dial *net.OpError
	var timeout net.Error
	var reply redis.Error
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, ErrReplyTooLarge):
		return ErrReplyTooLarge
	case errors.As(err, &reply):
		for _, k := range replyKinds {
			if redis.HasErrorPrefix(reply, k.prefix) {
				return k.kind
			}
		}
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout
	case errors.As(err, &dial) && dial.Op == "dial":
		return ErrUnreachable
	case errors.As(err, &dial), errors.As(err, &errno), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, redis.ErrClosed):
		return ErrCut
	case tlsError(err):
		return ErrUnreachable
	}
	// Whatever is left was said by a parser.
	return ErrNotRedis
}

// replyKinds tells what an error reply means by how it begins.
var replyKinds = []struct {
	prefix string
	kind   error
}{
	{"NOAUTH", ErrAuth},
	{"WRONGPASS", ErrAuth},
	{"NOPERM", ErrPermission},
	{"LOADING", ErrLoading},
	{"READONLY", ErrReadOnly},
	{"OOM", ErrNoMemory},
	{"WRONGTYPE", ErrWrongType},
}

func tlsError(err error) bool {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &cert) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.As(err, &authority) || errors.As(err, &host)
}
