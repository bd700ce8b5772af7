package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// What can be wrong with a server, or with its answer. Errors of this package
// wrap one of these where it is known, and the cause.
var (
	ErrBadURL        = errors.New("not the URL of a server")
	ErrNeedsTLS      = errors.New("has to be reached over TLS")
	ErrUnreachable   = errors.New("cannot be reached")
	ErrTimeout       = errors.New("did not answer in time")
	ErrCut           = errors.New("cut the connection")
	ErrNotRedis      = errors.New("does not speak Redis' protocol")
	ErrAuth          = errors.New("refused the user or password")
	ErrPermission    = errors.New("gives no permission")
	ErrLoading       = errors.New("is still loading its data")
	ErrCrowded       = errors.New("has as many connections as it allows")
	ErrNotNow        = errors.New("cannot do it just now")
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
	err = s.unspoken(err)
	var refused *refusedError
	switch kind := kindOf(err); {
	case kind == nil:
		return fmt.Errorf("server %s answered with an error: %w", s.name, err)
	case errors.Is(kind, err):
		return fmt.Errorf("server %s %w", s.name, kind)
	case errors.As(err, &refused):
		return fmt.Errorf("server %s %w for %s: %w", s.name, kind, refused.command, err)
	default:
		return fmt.Errorf("server %s %w: %w", s.name, kind, err)
	}
}

// unspoken returns an error without our passwords: a server or a Sentinel that does not know
// AUTH or HELLO repeats in its reply what it was sent.
func (s *Server) unspoken(err error) error {
	text := err.Error()
	hidden := text
	for _, password := range []string{s.options.Password, s.options.SentinelPassword} {
		if password != "" {
			quoted := strconv.Quote(password)
			hidden = strings.NewReplacer(password, "****", quoted[1:len(quoted)-1], "****").Replace(hidden)
		}
	}
	if hidden == text {
		return err
	}
	return &unspokenError{hidden, err}
}

// An unspokenError is an error with another text.
type unspokenError struct {
	text string
	err  error
}

func (e *unspokenError) Error() string { return e.text }
func (e *unspokenError) Unwrap() error { return e.err }

// Answered reports whether an error of this package is what a server said. Such a server
// is not down.
func Answered(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply) || errors.Is(err, ErrReplyTooLarge)
}

// BeforeRedis7 reports whether err is what a server says to an option of PEXPIRE that it does
// not know: Redis before 7, and KeyDB. The reply has no code of its own.
func BeforeRedis7(err error) bool {
	return Answered(err) && kindOf(err) == nil && strings.Contains(err.Error(), "wrong number of arguments for 'pexpire'")
}

// Passing reports whether an error of this package is about what passes by itself within
// minutes, so that trying again soon makes sense: a server that is down, hangs, loads its data
// or has no connection left. A wrong password, a missing right, a full memory, a replica and a
// certificate that is not believed stay until somebody does something about them.
func Passing(err error) bool {
	for _, kind := range []error{ErrUnreachable, ErrTimeout, ErrCut, ErrLoading, ErrCrowded, ErrNotNow} {
		if errors.Is(err, kind) {
			return !tlsError(err)
		}
	}
	return false
}

// A refusedError is the reply to a command that the server's ACL does not let this user
// run, or not on these keys: the reply itself names the command in some cases alone.
type refusedError struct {
	command string // in capitals
	reply   error
}

func (e *refusedError) Error() string { return e.reply.Error() }
func (e *refusedError) Unwrap() error { return e.reply }

// refusals is a hook of go-redis that notes at each reply of this kind which command it
// was about.
type refusals struct{}

func (refusals) DialHook(next redis.DialHook) redis.DialHook { return next }

func (refusals) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		_ = next(ctx, cmd) // the command has it
		noteRefusal(cmd)
		return cmd.Err()
	}
}

func (refusals) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			noteRefusal(cmd)
		}
		return err
	}
}

func noteRefusal(cmd redis.Cmder) {
	var reply redis.Error
	if err := cmd.Err(); errors.As(err, &reply) && kindOf(err) == ErrPermission {
		cmd.SetErr(&refusedError{strings.ToUpper(cmd.Name()), err})
	}
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
	var seeds *seedsError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, ErrReplyTooLarge):
		return ErrReplyTooLarge
	case errors.Is(err, ErrNeedsTLS):
		return ErrNeedsTLS
	case errors.As(err, &seeds):
		return ErrUnreachable
	case errors.As(err, &reply):
		// Where a server refuses EXEC itself, why follows these words.
		_, why, refused := strings.Cut(reply.Error(), "EXECABORT Transaction discarded because of: ")
		for _, k := range replyKinds {
			if redis.HasErrorPrefix(reply, k.prefix) || refused && strings.HasPrefix(why, k.prefix+" ") {
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
	{"max number of clients", ErrCrowded}, // after "ERR"
	{"BUSY", ErrNotNow},                   // a script runs
	{"MASTERDOWN", ErrNotNow},
	{"CLUSTERDOWN", ErrNotNow},
	{"TRYAGAIN", ErrNotNow}, // slots of a Cluster move
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
