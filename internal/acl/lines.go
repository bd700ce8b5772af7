package acl

import (
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/store"
)

// A line is a command as it could be sent.
type line struct {
	command        *store.Command
	args           []string
	keys, channels []string // among the args
}

func (l *line) String() string { return strings.Join(l.args, " ") }

// filler is what stands where a command wants an argument and it does not matter which: a
// number, since many want one.
const filler = "1"

// lines returns a command with the keys given in all places where it has one: the same in
// each and, where it has several, one of them beside others.
func lines(c *store.Command, keys []string, channels []string) []line {
	if len(channels) > 0 && slices.Contains(channelled, c.Name) {
		var out []line
		for _, name := range channels {
			args := append(strings.Split(c.Name, "|"), name)
			for len(args) < c.Least {
				args = append(args, filler)
			}
			out = append(out, line{command: c, args: args, channels: []string{name}})
		}
		return out
	}
	if len(c.Keys) == 0 {
		return []line{fill(c, func(int) string { return filler })}
	}
	var out []line
	for _, k := range keys {
		l := fill(c, func(int) string { return k })
		out = append(out, l)
		if len(l.keys) < 2 {
			continue
		}
		for _, other := range keys {
			if other == k {
				continue
			}
			out = append(out, fill(c, func(i int) string {
				if i == 0 {
					return k
				}
				return other
			}))
		}
	}
	return out
}

// channelled are the commands whose first argument is a channel that is published to, or
// listened on.
var channelled = []string{"publish", "spublish", "subscribe", "ssubscribe", "psubscribe"}

// fill makes a line of a command, whose i-th key is key(i).
func fill(c *store.Command, key func(i int) string) line {
	l := line{command: c, args: strings.Split(c.Name, "|")}
	l.reach(c.Least)
	put := func(at int) {
		l.reach(at + 1)
		k := key(len(l.keys))
		l.args[at] = k
		l.keys = append(l.keys, k)
	}
	for _, spec := range c.Keys {
		at := spec.Index
		if spec.Keyword != "" {
			l.args = append(l.args, spec.Keyword)
			at = len(l.args)
		}
		if spec.Number { // a number of keys goes before them
			l.reach(at + max(spec.NumberAt, spec.First) + 1)
			l.args[at+spec.NumberAt] = filler
			put(at + spec.First)
			continue
		}
		put(at)
		switch {
		case spec.Last > 0:
			for next := at + spec.Step; next <= at+spec.Last; next += spec.Step {
				put(next)
			}
		case spec.Last < 0 && spec.Limit == 0:
			l.reach(at + spec.Step) // what belongs to the key
			put(at + spec.Step)
			l.reach(at + 2*spec.Step - spec.Last - 1)
		case spec.Last < 0: // as many other arguments as keys
			l.reach(at + spec.Limit)
		}
	}
	return l
}

// reach makes the line have n arguments at least.
func (l *line) reach(n int) {
	for len(l.args) < n {
		l.args = append(l.args, filler)
	}
}
