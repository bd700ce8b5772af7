package acl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A Proof is what a server said it would let a user do, held against what the rules grant.
type Proof struct {
	User      string
	Lines     int // that were tried: every command of the server, on keys of every kind
	Permitted int // of them
	Faults    []Fault
}

// A Fault is a command that a user may run and should not, or the other way round.
type Fault struct {
	User string
	Line string // as it would be sent
	May  bool   // it may, and should not
	Why  string // the server gives for refusing it
}

func (f Fault) String() string {
	if f.May {
		return fmt.Sprintf("%s may run %s", f.User, f.Line)
	}
	return fmt.Sprintf("%s may not run %s: %s", f.User, f.Line, f.Why)
}

// otherHost is a host that nobody has, whose keys stand for those of all others.
const otherHost = "another.invalid"

// keysOf returns a key of every kind that there is for a host, and of kinds that are not ours.
func keysOf(host string) []string {
	const name = "/etc/passwd"
	id := strings.Repeat("0", 64)
	return []string{
		host + "#" + name, "$of:" + host,
		otherHost + "#" + name, "$of:" + otherHost,
		host + "x#" + name, "x" + host + "#" + name, "$of:" + host + "x", // a rule that is too wide
		"$hosts", "$live", "$names", "$on:" + name, "$base:" + id, "$bases:" + name, "$queries", "$roster", "$size", "$another",
		"another", host,
	}
}

var channelsTried = []string{store.Channel, "another"}

// prove asks a server what it would let a user do, without anything being done, and compares
// that with what the user is granted. A command of which the rules speak must be permitted on
// the keys that they name; all else must not be. needs are lines that must be permitted.
func prove(ctx context.Context, s *store.Server, u User, needs [][]string) (*Proof, error) {
	all, err := s.Commands(ctx)
	if err != nil {
		return nil, err
	}
	list := grid(all, u)
	sent := make([][]string, len(list))
	for i := range list {
		sent[i] = list[i].args
	}
	said, err := s.DryRun(ctx, u.Name, append(slices.Clone(sent), needs...))
	if err != nil {
		return nil, err
	}
	p := &Proof{User: u.Name, Lines: len(said)}
	for i, why := range said {
		if why == "" {
			p.Permitted++
		}
		switch {
		case i >= len(list):
			if why != "" {
				p.Faults = append(p.Faults, Fault{User: u.Name, Line: strings.Join(needs[i-len(list)], " "), Why: why})
			}
		case why == "" && !u.May(list[i].command, list[i].keys, list[i].channels):
			p.Faults = append(p.Faults, Fault{User: u.Name, Line: list[i].String(), May: true})
		}
	}
	return p, nil
}

// strange returns the keys and channels of a user's rules that are not among those granted:
// no key that is tried need match them.
func (u User) strange(rules string) []Fault {
	var faults []Fault
	for word := range strings.FieldsSeq(rules) {
		at := strings.IndexAny(word, "~&")
		if at < 0 || strings.HasPrefix(word, "#") || strings.HasPrefix(word, "+") {
			continue
		}
		glob := strings.TrimRight(word[at+1:], "]")
		if !slices.ContainsFunc(u.grants(), func(g Grant) bool { return slices.Contains(g.Keys, glob) || slices.Contains(g.Channels, glob) }) {
			faults = append(faults, Fault{User: u.Name, Line: "commands on " + word[at:], May: true})
		}
	}
	return faults
}

// grants are all of the user's.
func (u User) grants() []Grant {
	var out []Grant
	for _, s := range u.Selectors {
		out = append(out, s...)
	}
	return out
}

// grid returns every command on keys of every kind.
func grid(all []store.Command, u User) []line {
	host, ok := naming.HostOfUser(u.Name)
	if !ok {
		host = "one.invalid"
	}
	var out []line
	for i := range all {
		out = append(out, lines(&all[i], keysOf(host), channelsTried)...)
	}
	return out
}

// Needs returns a line for each command that a user is granted by name on keys of its own,
// with all that it has to be given: what a push may meet at a server. None of them has to
// be run to know whether it may.
func (u User) Needs() [][]string {
	var out [][]string
	for _, g := range u.grants() {
		for _, k := range g.Keys {
			commands := g.Commands
			if slices.Contains(commands, "@write") {
				commands = slices.Sorted(maps.Keys(sample))
			}
			for _, c := range commands {
				if args, known := sample[c]; known {
					out = append(out, append([]string{c, example(k)}, args...))
				}
			}
		}
	}
	return out
}

// example returns a key that a glob matches.
func example(glob string) string {
	return strings.ReplaceAll(strings.ReplaceAll(glob, "*", "$check"), `\`, "")
}

// sample is what follows the key of a command.
var sample = map[string][]string{
	"del": nil, "rpush": {"x"}, "pexpire": {"1000"}, "lindex": {"1"}, "lset": {"1", "x"},
	"hgetall": nil, "hmget": {"x"}, "hget": {"x"}, "hset": {"x", "x"}, "hdel": {"x"},
	"zscore": {"x"}, "zcard": nil, "zadd": {"1", "x"}, "sadd": {"x"},
	"strlen": nil, "getrange": {"0", "0"}, "zrange": {"0", "0"},
	"xadd": {"*", "x", "x"}, "smembers": nil, "hkeys": nil, "sscan": {"0"}, "zrangebyscore": {"0", "1"},
}
