package sysops

import (
	"errors"

	"github.com/sysops-api/sysops-api/internal/store"
)

// What can be wrong with a server. Errors that concern one wrap these, so that
// [errors.Is] tells them apart.
var (
	ErrServerUnreachable = store.ErrUnreachable
	ErrServerTimeout     = store.ErrTimeout
	ErrServerCut         = store.ErrCut
	ErrServerNotRedis    = store.ErrNotRedis
	ErrServerAuth        = store.ErrAuth
	ErrServerPermission  = store.ErrPermission
	ErrServerLoading     = store.ErrLoading
	ErrServerReadOnly    = store.ErrReadOnly
	ErrServerNoMemory    = store.ErrNoMemory
	ErrServerWrongType   = store.ErrWrongType
	ErrReplyTooLarge     = store.ErrReplyTooLarge
)

// ServerHints returns what to do about the servers' faults that err tells of.
func ServerHints(err error) []string {
	var out []string
	for _, h := range serverHints {
		if errors.Is(err, h.err) {
			out = append(out, h.hint)
		}
	}
	return out
}

var serverHints = []struct {
	err  error
	hint string
}{
	{ErrServerUnreachable, "is redis-server running there, and is the port right? A server that demands TLS needs rediss://, a private authority redis.ca_file"},
	{ErrServerTimeout, "the server may be overloaded, hung, or behind a firewall that drops packets; one without TLS needs redis://"},
	{ErrServerCut, "the server may be restarting, or at its maxclients"},
	{ErrServerNotRedis, "is that the port of another service? A server that demands TLS needs rediss://"},
	{ErrServerAuth, "set redis.user and redis.password_file in the config, or SYSOPS_REDIS_PASSWORD"},
	{ErrServerPermission, "the server's ACL must let this user read the index and objects and, to push, write them"},
	{ErrServerLoading, "it answers when it has read its data from disk; until then its siblings do"},
	{ErrServerReadOnly, "list the primary in the directory: clients replicate here, servers do not"},
	{ErrServerNoMemory, "raise its maxmemory, or shorten agent.ttl; the next push writes what is missing"},
	{ErrReplyTooLarge, "ask for less: fewer hosts (--hosts), or a whole name in place of a pattern"},
	{ErrServerWrongType, "something else uses this Redis database: remove that key, or give sysops a database of its own"},
}
