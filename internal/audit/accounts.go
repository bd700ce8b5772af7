package audit

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
