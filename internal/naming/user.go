package naming

import (
	"errors"
	"fmt"
	"strings"
)

// HostUser is the Redis user that a host pushes as, where servers have users: no other
// role's user can have such a name. host is as ParseHost returns it.
func HostUser(host string) string { return hostUserPrefix + host }

// HostOfUser returns the host that pushes as a user, false where it is no host's.
func HostOfUser(user string) (host string, ok bool) {
	host, ok = strings.CutPrefix(user, hostUserPrefix)
	if !ok {
		return "", false
	}
	parsed, err := ParseHost(host)
	return host, err == nil && parsed == host
}

const hostUserPrefix = "host:"

// ErrBadUser says that a text cannot be the name of a reader's or administrator's user.
var ErrBadUser = errors.New("not the name of a user")

const maxUserLen = 64

// ParseUser returns s as the name of a user who is no host: 1 to 64 bytes of
// [A-Za-z0-9._-], and not "default", which is what a connection is before it has logged in.
func ParseUser(s string) (string, error) {
	switch {
	case s == "":
		return "", fmt.Errorf("cannot use %q as a user: %w: it is empty", s, ErrBadUser)
	case len(s) > maxUserLen:
		return "", fmt.Errorf("cannot use %q… as a user: %w: %d bytes, at most %d are allowed", s[:32], ErrBadUser, len(s), maxUserLen)
	case s == "default":
		return "", fmt.Errorf("cannot use %q as a user: %w: it is whoever has not logged in", s, ErrBadUser)
	case strings.Trim(s, ".") == "":
		return "", fmt.Errorf("cannot use %q as a user: %w: its password would be kept in a file of that name", s, ErrBadUser)
	}
	for i := range len(s) {
		if c := s[i]; !isHostByte(c) || c == ':' {
			return "", fmt.Errorf("cannot use %q as a user: %w: %q is not one of A-Z a-z 0-9 . _ -", s, ErrBadUser, c)
		}
	}
	return s, nil
}
