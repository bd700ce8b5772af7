// Package naming says what a host, an object and a key may be called, which objects a
// pattern means, and in which order names come.
//
// It promises that there is one meaning of a glob, that of Redis' KEYS, wherever a
// person writes one. It knows no server: what a pattern means depends on the names that
// the cache holds, which its callers bring along.
package naming
