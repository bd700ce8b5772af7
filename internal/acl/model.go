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
	return slices.ContainsFunc(u.Selectors, func(s Selector) bool { return s.may(c, keys, channels) })
}

func (s Selector) may(c *store.Command, keys, channels []string) bool {
	for _, k := range keys {
		if !slices.ContainsFunc(s, func(g Grant) bool {
			return matches(g.Keys, k) && !(g.Access == ReadOnly && c.Writes) && !(g.Access == WriteOnly && c.Reads)
		}) {
			return false
		}
	}
	for _, name := range channels {
		if !slices.ContainsFunc(s, func(g Grant) bool { return matches(g.Channels, name) }) {
			return false
		}
	}
	return slices.ContainsFunc(s, func(g Grant) bool { return g.includes(c) })
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
var nobody = User{"default", []Selector{{{Commands: list(
	connection, transaction, cluster, "reset quit echo info role unwatch readwrite",
	"client|setinfo client|setname client|getname client|id",
)}}}}
