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
	Name   string // as Redis has it
	Grants []Grant
}

// A Grant lets a user run some commands on some keys.
type Grant struct {
	// Commands are in lower case: a command ("lset"), a part of one ("memory|usage"), or a
	// category ("@read"). What begins with - is taken away from those before it.
	Commands []string

	Keys     []string // globs; none: the commands may name no key
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

// host is what a push, a check and leave need. Whatever is shared can be added to and not
// taken from, and of a base only be read.
func host(name string) []Grant {
	return []Grant{
		{Commands: list(connection, transaction, "cluster|slots cluster|shards readonly asking")},
		{Keys: []string{store.GlobObjectsOf(name)}, Access: ReadWrite, Commands: list("del rpush pexpire lindex lset")},
		{Keys: []string{store.GlobRecordsOf(name)}, Access: ReadWrite, Commands: list("hgetall hmget hset hdel")},
		{Keys: []string{store.GlobHosts, store.GlobLive}, Access: ReadWrite, Commands: list("zscore zcard zadd")},
		{Keys: []string{store.GlobNames, store.GlobOn}, Access: WriteOnly, Commands: list("sadd")},
		{Keys: []string{store.GlobBase, store.GlobBases}, Access: ReadOnly, Commands: list("strlen getrange zrange zcard")},
	}
}

// reader is what the questions need. It changes nothing but the record of queries.
func reader() []Grant {
	return []Grant{
		{
			Commands: list(connection, "info scan publish cluster|slots cluster|shards readonly asking"),
			Channels: []string{store.Channel},
		},
		{Keys: []string{store.GlobObjects, store.GlobOurs}, Access: ReadOnly, Commands: list(
			"lindex llen lrange getrange strlen get hget hmget hgetall hkeys hexists hlen hstrlen hscan",
			"smembers sismember smismember scard srandmember sscan",
			"zrange zrangebyscore zscore zmscore zcard zcount zscan",
			"xrevrange xrange xlen exists type pttl memory|usage",
		)},
		{Keys: []string{store.GlobQueries}, Access: WriteOnly, Commands: list("xadd")},
	}
}

// admin is what gc, forget, index, block and acl need. Who makes users can make himself
// whatever he likes: what is left out keeps an administrator from accidents alone.
func admin() []Grant {
	return []Grant{
		{
			Commands: list("@connection @transaction acl config|get info role memory command publish",
				"client|list client|kill cluster|slots cluster|shards readonly asking"),
			Channels: []string{store.Channel},
		},
		{Keys: []string{store.GlobObjects, store.GlobOurs}, Access: ReadWrite, Commands: list("@read @write -@dangerous watch memory|usage")},
	}
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
	var flat, keyless, more []string
	for _, g := range u.Grants {
		for _, c := range g.Channels {
			rules = append(rules, "&"+c)
		}
		words := g.rules(weak)
		switch {
		case len(g.Keys) == 0:
			keyless = append(keyless, words...)
		case weak:
			flat = append(flat, words...)
		default:
			more = append(more, "("+strings.Join(words, " ")+")")
		}
	}
	return slices.Concat(rules, flat, keyless, more) // what a grant of keys takes away goes before the rest
}

// rules returns the words of one grant.
func (g *Grant) rules(weak bool) []string {
	var words []string
	for _, k := range g.Keys {
		access := g.Access
		if weak {
			access = ReadWrite
		}
		words = append(words, string(access)+k)
	}
	for _, c := range g.Commands {
		switch name, less := strings.CutPrefix(c, "-"); {
		case less:
			words = append(words, "-"+name)
		case !weak || !strings.HasPrefix(c, "cluster|"): // they would take 8 KB a user there
			words = append(words, "+"+c)
		}
	}
	return words
}
