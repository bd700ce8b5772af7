package sysops

import (
	"github.com/sysops-api/sysops-api/internal/naming"
)

// Key names one object in the cache: one file, or one command's output, of one
// host. Its text form, which is also the Redis key, is "<host>#<name>".
type Key struct {
	Host string // fully qualified host name, as ParseHost returns it
	Name string // a path, or "path@section" for one section of a JSON object
}

// String returns "<host>#<name>".
func (k Key) String() string { return naming.Key(k).String() }

// Compare orders keys as their text forms are ordered, byte by byte.
func (k Key) Compare(other Key) int { return naming.Key(k).Compare(naming.Key(other)) }

// ParseKey splits s at its first '#'. It reports false where s is not the key
// of an object: it has no '#', nothing before or after it, or begins with '$'
// (the index).
func ParseKey(s string) (Key, bool) {
	key, ok := naming.ParseKey(s)
	return Key(key), ok
}

// ParseHost returns s as a host name: lower-cased, 1 to 253 bytes of
// [A-Za-z0-9._:-], as RFC 1123 has it plus ':' (addresses) and '_' (devices).
func ParseHost(s string) (string, error) { return naming.ParseHost(s) }

// A Pattern selects objects by key. The zero Pattern selects nothing; make one
// with ParsePattern, ParseSearch, Names or AnyOf. A Pattern may be used concurrently.
type Pattern struct{ p naming.Pattern }

// String returns the text that the pattern was made from.
func (p Pattern) String() string { return p.p.String() }

// ParsePattern reads the PATTERN of the sysops verbs:
//
//	web*#/etc/passwd   host-glob#name-glob, where it holds a '#'; also host-glob#section
//	/etc/passwd        a whole name: exactly that one
//	sysctl-a           the whole part of a name after '@': exactly that section
//	passwd             else every key that contains it, globs allowed
//
// Globs are those of Redis: * ? [a-z] [^a] \x. Which of the last three forms is
// meant is decided by the names that the cache holds, and that three hosts have recorded,
// or one in a hundred: one host must not change what others ask. An empty pattern, or one
// with an unclosed '[' or a backslash at its end, is ErrBadPattern.
func ParsePattern(s string) (Pattern, error) { return patternOf(naming.ParsePattern(s)) }

// ParseSearch reads STR as the original's --search, and "sysops find", do: with
// a '#' the whole key must match STR, without one *STR*. Every STR but the
// empty one is valid, and selects what Redis' KEYS would.
func ParseSearch(s string) (Pattern, error) { return patternOf(naming.ParseSearch(s)) }

// Names selects the objects, of any host, that have one of these names: whole names,
// globs of them such as /etc/sysctl.d/*.conf, or sections such as sysctl-a. Unlike a
// whole name that is given to ParsePattern, one that no host has selects nothing.
func Names(names ...string) (Pattern, error) { return patternOf(naming.Names(names...)) }

// AnyOf selects what at least one of the patterns selects: for questions that need
// several objects of each host. A host lacks the answer if it lacks all of them.
func AnyOf(patterns ...Pattern) Pattern {
	parts := make([]naming.Pattern, len(patterns))
	for i, p := range patterns {
		parts[i] = p.p
	}
	return Pattern{naming.AnyOf(parts...)}
}

func patternOf(p naming.Pattern, err error) (Pattern, error) { return Pattern{p}, err }
