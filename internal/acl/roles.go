// Package acl says who may do what on a server, as rules of Redis' ACL: what a host, a reader
// and an administrator need, and nothing else.
//
// It promises that the rules are written down once: what is printed, what is installed, what
// a host's check tries and what is proved against a server are the same. It makes users with
// passwords that nobody sees, and refuses where the rules would hold nobody back. It leaves
// to its callers which servers and which hosts are meant.
//
// The rules of a server are the same in all of its databases.
package acl

import (
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A Role is what a user is for.
type Role string

// The roles.
const (
	Host   Role = "host"   // pushes one host's snapshots
	Reader Role = "reader" // asks, and leaves a record of that
	Admin  Role = "admin"  // keeps the index and the users
)

// Roles are all of them.
var Roles = []Role{Host, Reader, Admin}

// A User is somebody whom servers know.
type User struct {
	Name string // as Redis has it

	// Selectors are what Redis calls so: within one, every command may be run on every key.
	// The first are the rules outside parentheses. Each costs a server about 400 bytes a
	// user, and Redis 7.0 a tenth of a millisecond whenever it writes the user's rules down.
	Selectors []Selector
}

// A Selector is what may be granted together: no command of one grant does harm to the keys
// of another.
type Selector []Grant

// A Grant is commands that a user needs, and the keys that it needs them for.
type Grant struct {
	// Commands are in lower case: a command ("lset"), a part of one ("memory|usage"), or a
	// category ("@read"). What begins with - is taken away from those before it.
	Commands []string

	Keys     []string // globs; none: the commands name no key
	Access   Access   // what may be done to the keys
	Channels []string // globs, of those that may be published to and listened on
}

// Access is what may be done to keys, in the words of Redis' rules.
type Access string

// The kinds of access. A command that tells nothing of what a key holds but its length or
// type counts as none.
const (
	ReadWrite Access = "~"
	ReadOnly  Access = "%R~"
	WriteOnly Access = "%W~"
)

// connection is what every client needs to say who it is, and to ask a server what it is.
const connection = "auth hello select ping time command"

// cluster is what a client of a Redis Cluster needs beside that.
const cluster = "cluster|slots cluster|shards readonly asking"

// transaction is what makes several commands one.
const transaction = "multi exec discard"

// NewUser returns a user in a role. name is that of the host, as naming.ParseHost returns
// it, or that of the user, as naming.ParseUser does.
func NewUser(role Role, name string) User {
	switch role {
	case Host:
		return User{naming.HostUser(name), host(name)}
	case Reader:
		return User{name, reader()}
	default:
		return User{name, admin()}
	}
}

// host is what a push, a check and leave need, found by trial. Whatever is shared can be added
// to and not taken from, and of a base only be read.
func host(name string) []Selector {
	return []Selector{
		{
			{Commands: list(connection, transaction, cluster)},
			{Keys: []string{store.GlobObjectsOf(name)}, Access: ReadWrite, Commands: list("del rpush pexpire lindex lset")},
			{Keys: []string{store.GlobRecordsOf(name)}, Access: ReadWrite, Commands: list("hgetall hmget hset hdel")},
		},
		{
			{Keys: []string{store.GlobHosts}, Access: WriteOnly, Commands: list("zadd")},
			{Keys: []string{store.GlobLive}, Access: ReadWrite, Commands: list("zscore zadd")},
		},
		{
			// Apart from zadd, or a host could put a list of scores where a set is to be.
			{Keys: []string{store.GlobNames, store.GlobOn}, Access: WriteOnly, Commands: list("sadd")},
		},
		{
			{Keys: []string{store.GlobBase}, Access: ReadOnly, Commands: list("strlen getrange")},
			{Keys: []string{store.GlobBases}, Access: ReadOnly, Commands: list("zrange zcard")},
		},
	}
}

// reader is what the questions need. It changes nothing but the record of queries.
func reader() []Selector {
	return []Selector{
		{{
			Commands: list(
				connection, cluster, "info scan publish memory|usage",
				"lindex llen lrange getrange strlen get hget hmget hgetall hkeys hexists hlen hstrlen hscan",
				"smembers sismember smismember scard srandmember sscan",
				"zrange zrangebyscore zscore zmscore zcard zcount zscan",
				"xrevrange xrange xlen exists type pttl",
			),
			Keys: []string{store.GlobObjects, store.GlobOurs}, Access: ReadOnly, Channels: []string{store.Channel},
		}},
		{{Keys: []string{store.GlobQueries}, Access: WriteOnly, Commands: list("xadd")}},
	}
}

// admin is what gc, forget, index, block and acl need. Who makes users can make himself
// whatever he likes: what is left out keeps an administrator from accidents alone.
func admin() []Selector {
	return []Selector{{{
		Commands: list(
			"@read @write @connection @transaction -@dangerous", connection,
			"acl config|get info role memory command publish client|list client|kill", cluster,
		),
		Keys: []string{store.GlobObjects, store.GlobOurs}, Access: ReadWrite, Channels: []string{store.Channel},
	}}}
}

func list(words ...string) []string { return strings.Fields(strings.Join(words, " ")) }

// Rules returns the words of ACL SETUSER that make the user, but for its name and password.
// Whatever it was before is undone.
//
// weak is for servers before Redis 7, which have no rules in parentheses, so that every
// command that is granted may be run on every key that is: such a user can do more than it
// should, to what is shared.
func (u User) Rules(weak bool) []string {
	rules := []string{"reset", "on", "resetchannels"}
	for i, selector := range u.Selectors {
		words := selector.rules(weak)
		if i > 0 && !weak {
			words = []string{"(" + strings.Join(words, " ") + ")"}
		}
		rules = append(rules, words...)
	}
	return rules
}

// rules returns the words of what is granted together.
func (s Selector) rules(weak bool) []string {
	var keys, commands []string
	for _, g := range s {
		access := g.Access
		if weak {
			access = ReadWrite
		}
		for _, k := range g.Keys {
			keys = append(keys, string(access)+k)
		}
		for _, c := range g.Channels {
			keys = append(keys, "&"+c)
		}
		for _, c := range g.Commands {
			name, less := strings.CutPrefix(c, "-")
			switch {
			case less:
				commands = append(commands, "-"+name)
			case weak && strings.HasPrefix(c, "cluster|"): // it would take 8 KB a user there
			case !slices.Contains(commands, "+"+c):
				commands = append(commands, "+"+c)
			}
		}
	}
	return append(keys, commands...)
}
