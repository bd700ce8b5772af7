// Package accounts reads what says who is known on a host: passwd(5), group(5),
// netgroup(5), and nsswitch.conf(5), which says where else users may come from.
//
// It reads them as glibc does: a line that is none of the format is passed over, the
// others hold, and nothing fails. Whoever asks bounds the contents; what is made of them
// is a small multiple of their size.
//
// What an account may do, and on which hosts somebody has one, is left to others
// (sudoers, and internal/audit/access).
package accounts

import (
	"bytes"
	"strconv"
	"strings"
)

// An Account is a line of passwd(5).
type Account struct {
	Name              string
	UID, GID          uint32
	Gecos, Dir, Shell string
}

// ParsePasswd reads passwd(5) as glibc does: what is no account (comments, too few
// fields, ids that are no numbers, + and - of NIS) is passed over.
func ParsePasswd(contents []byte) []Account {
	var out []Account
	for f := range records(contents, 7) {
		uid, uidOK := parseID(f[2])
		gid, gidOK := parseID(f[3])
		if uidOK && gidOK {
			out = append(out, Account{Name: f[0], UID: uid, GID: gid, Gecos: f[4], Dir: f[5], Shell: f[6]})
		}
	}
	return out
}

// A Group is a line of group(5).
type Group struct {
	Name    string
	GID     uint32
	Members []string
}

// ParseGroup reads group(5) as glibc does; see ParsePasswd.
func ParseGroup(contents []byte) []Group {
	var out []Group
	for f := range records(contents, 4) {
		gid, ok := parseID(f[2])
		if !ok {
			continue
		}
		g := Group{Name: f[0], GID: gid}
		for m := range strings.SplitSeq(f[3], ",") {
			if m = strings.TrimSpace(m); m != "" {
				g.Members = append(g.Members, m)
			}
		}
		out = append(out, g)
	}
	return out
}

// records returns the fields of each line that has enough of them.
func records(contents []byte, fields int) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range bytes.Lines(contents) {
			text := strings.TrimLeft(strings.TrimSuffix(string(line), "\n"), " \t")
			if text == "" || strings.ContainsRune("#+-", rune(text[0])) {
				continue
			}
			f := strings.SplitN(text, ":", fields)
			if len(f) == fields && f[0] != "" && !yield(f) {
				return
			}
		}
	}
}

func parseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// IncludesNIS reports whether a passwd(5) has lines that include accounts of NIS.
func IncludesNIS(passwd []byte) bool {
	return bytes.HasPrefix(passwd, []byte("+")) || bytes.Contains(passwd, []byte("\n+"))
}
