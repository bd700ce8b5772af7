package acl

import (
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// May reports whether the user is granted a command with these keys and channels: what the
// rules mean, as we read them, to hold against what a server makes of them.
func (u User) May(c *store.Command, keys, channels []string) bool {
	if c.Anybodys {
		return true
	}
	for _, name := range channels {
		if !slices.ContainsFunc(u.Grants, func(g Grant) bool { return matches(g.Channels, name) }) {
			return false
		}
	}
	return slices.ContainsFunc(u.Grants, func(g Grant) bool {
		if !g.includes(c) {
			return false
		}
		for _, k := range keys {
			if !matches(g.Keys, k) || g.Access == ReadOnly && c.Writes || g.Access == WriteOnly && c.Reads {
				return false
			}
		}
		return true
	})
}

// includes reports whether a command is among those of the grant.
func (g *Grant) includes(c *store.Command) bool {
	in := false
	for _, word := range g.Commands {
		name, less := strings.CutPrefix(word, "-")
		whole, _, _ := strings.Cut(c.Name, "|")
		category, is := strings.CutPrefix(name, "@")
		if name == c.Name || name == whole || is && slices.Contains(c.Categories, category) {
			in = !less
		}
	}
	return in
}

func matches(globs []string, text string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return naming.NewGlob(g).Match(text) })
}

// nobody is what user default may be while it is on: it can tell that a server is there.
var nobody = User{"default", []Grant{{Commands: list("auth hello reset quit ping echo select time command info role client|setinfo client|setname client|id client|getname readonly readwrite asking multi exec discard watch unwatch")}}}
