package sysops

import (
	"errors"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/push"
	"github.com/sysops-api/sysops-api/internal/store"
)

// Errors that a caller may want to tell apart, with [errors.Is].
var (
	// ErrBadHost: the text is not a host name.
	ErrBadHost = naming.ErrBadHost

	// ErrBadName: the text cannot be an object's name.
	ErrBadName = naming.ErrBadName

	// ErrBadPattern: a PATTERN does not parse.
	ErrBadPattern = naming.ErrBadPattern

	// ErrUnknown: the directory knows no such scope, site or core.
	ErrUnknown = extract.ErrUnknown

	// ErrIncomplete: a core is down, and the query does not allow an answer without
	// it. The error names the core.
	ErrIncomplete = extract.ErrIncomplete

	// ErrMoved: nothing that was looked at has the contents of a Variant any more.
	ErrMoved = errors.New("it and others that held the same have changed, or cannot be read")

	// ErrClosed: the Client has been closed.
	ErrClosed = extract.ErrClosed

	// ErrOtherMachine: another machine pushes under this host's name.
	ErrOtherMachine = push.ErrOtherMachine

	// ErrUnderWay: another push of the same host was under way, or came in between.
	ErrUnderWay = push.ErrUnderWay
)

// What can be wrong with a server. Errors that concern one wrap these, so that
// [errors.Is] tells them apart.
var (
	ErrServerNeedsTLS    = store.ErrNeedsTLS
	ErrServerUnreachable = store.ErrUnreachable
	ErrServerTimeout     = store.ErrTimeout
	ErrServerCut         = store.ErrCut
	ErrServerNotRedis    = store.ErrNotRedis
	ErrServerAuth        = store.ErrAuth
	ErrServerPermission  = store.ErrPermission
	ErrServerLoading     = store.ErrLoading
	ErrServerReadOnly    = store.ErrReadOnly
	ErrServerNoMemory    = store.ErrNoMemory
	ErrServerWrongType   = store.ErrWrongType
	ErrReplyTooLarge     = store.ErrReplyTooLarge
)
