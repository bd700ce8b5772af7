package sysops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
)

// Errors that a caller may want to tell apart, with [errors.Is].
var (
	// ErrBadHost: the text is not a host name.
	ErrBadHost = errors.New("not a host name")

	// ErrBadName: the text cannot be an object's name.
	ErrBadName = errors.New("not an object name")

	// ErrBadPattern: a PATTERN does not parse.
	ErrBadPattern = errors.New("not a pattern")

	// ErrUnknown: the directory knows no such scope, site or core.
	ErrUnknown = errors.New("unknown")

	// ErrIncomplete: the answer would be partial, and the query does not allow
	// that. The error names what is left out.
	ErrIncomplete = errors.New("the answer is incomplete")

	// ErrUnreadable: an object exists and no server of its core has an
	// undamaged copy of it.
	ErrUnreadable = errors.New("unreadable object")

	// ErrClosed: the Client has been closed.
	ErrClosed = errors.New("the client is closed")

	// ErrOtherMachine: another machine pushes under this host's name.
	ErrOtherMachine = errors.New("another machine has this host name")
)

// A HintedError carries, beside what went wrong, what to do about it.
// Programs print Hint on a line of its own.
type HintedError = hint.Error

func hinted(err error, advice string) error { return hint.To(err, advice) }

// unknown says that the directory has no such thing, and which ones it has.
func unknown(what, name string, valid []string) error {
	err := fmt.Errorf("cannot find %s %q: %w to the directory", what, name, ErrUnknown)
	if len(valid) == 0 {
		return hinted(err, "the directory lists no "+what+"s at all")
	}
	return hinted(err, "the "+what+"s it lists: "+strings.Join(valid, ", "))
}
