package naming

import (
	"errors"
	"fmt"
	"strings"
)

// What a text is not, where it should be one.
var (
	ErrBadHost    = errors.New("not a host name")
	ErrBadName    = errors.New("not an object name")
	ErrBadPattern = errors.New("not a pattern")
)

// Key names one object in the cache: one file, or one command's output, of one
// host. Its text form, which is also the Redis key, is "<host>#<name>".
type Key struct {
	Host string // fully qualified host name, as ParseHost returns it
	Name string // a path, or "path@section" for one section of a JSON object
}

// String returns "<host>#<name>".
func (k Key) String() string { return k.Host + "#" + k.Name }

// Compare orders keys as their text forms are ordered, byte by byte.
func (k Key) Compare(other Key) int {
	if k.Host == other.Host {
		return strings.Compare(k.Name, other.Name)
	}
	// '#' sorts below every byte of a host name, so a host that is a prefix of
	// another one comes first in the text form too.
	return strings.Compare(k.Host, other.Host)
}

// ParseKey splits s at its first '#'. It reports false where s is not the key
// of an object: it has no '#', nothing before or after it, or begins with '$'
// (the index).
func ParseKey(s string) (Key, bool) {
	host, name, ok := strings.Cut(s, "#")
	if !ok || host == "" || name == "" || host[0] == '$' || name[0] == '$' {
		return Key{}, false
	}
	return Key{Host: host, Name: name}, true
}

const maxHostLen = 253

// ParseHost returns s as a host name: lower-cased, 1 to 253 bytes of
// [A-Za-z0-9._:-], as RFC 1123 has it plus ':' (addresses) and '_' (devices).
func ParseHost(s string) (string, error) {
	if s == "" {
		return "", fmt.Errorf("cannot use %q as a host name: %w: it is empty", s, ErrBadHost)
	}
	if len(s) > maxHostLen {
		return "", fmt.Errorf("cannot use %q… as a host name: %w: %d bytes, at most %d are allowed", s[:32], ErrBadHost, len(s), maxHostLen)
	}
	for i := range len(s) {
		if !isHostByte(s[i]) {
			return "", fmt.Errorf("cannot use %q as a host name: %w: %q is not one of A-Z a-z 0-9 . _ : -", s, ErrBadHost, s[i])
		}
	}
	return strings.ToLower(s), nil
}

func isHostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '.' || c == '_' || c == ':' || c == '-'
}

const maxNameLen = 4096

// CheckName refuses what cannot be the name of an object.
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrBadName)
	case len(name) > maxNameLen:
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrBadName, len(name), maxNameLen)
	case name[0] == '$':
		return fmt.Errorf("%w: a leading '$' is reserved for the index", ErrBadName)
	}
	return nil
}
