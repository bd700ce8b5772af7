package terminal

import (
	"errors"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
)

// Hints returns what the errors in the tree of err know to do, a line each.
func Hints(err error) []string {
	var out []string
	var h *hint.Error
	if errors.As(err, &h) {
		if text := advice(h); text != "" {
			out = append(out, text)
		}
	}
	for _, f := range faults {
		if errors.Is(err, f.err) {
			out = append(out, f.advice)
		}
	}
	return out
}

// causeWords are what to do about a cause for somebody at a command line, who has flags. They
// are a format of the cause's arguments.
var causeWords = map[hint.Cause]string{
	hint.NoServers:       "name the servers of a core with --server redis://host:6379/0, or list sites, cores and servers under directory: in %s",
	hint.ServerForURL:    "that is a server: name it with --server",
	hint.NoLocal:         "name one with --site or --core, ask with --scope global, or set directory.local in the config or core= in the directory's URL",
	hint.EmptySite:       "name the sites to ask one by one, with --site",
	hint.KeptTooOld:      "what it said %s ago is known; --directory-cache-age says how old that may be to be used",
	hint.CannotKeep:      "--directory-cache-age 0 keeps nothing",
	hint.TooManyLines:    "ask about fewer of them: with --hosts, with an expression for grep, with --drop or --mask for diff",
	hint.RegexSyntax:     "the syntax is that of Go's regexp (RE2); -F searches for the text itself",
	hint.GlobInList:      "--hosts takes globs",
	hint.GlobWithout:     "only servers know which hosts a glob stands for: sysops hosts --hosts asks them",
	hint.NoClusters:      "--clusters names the folder of the cluster files; --range-query asks a Range server",
	hint.NoRangeServers:  "name Range servers with --range-servers, or cluster files with --clusters",
	hint.OneUser:         "without --user, everybody who may do anything is listed",
	hint.NoField:         "sysops info --raw prints what there is",
	hint.UnknownHost:     "sysops hosts lists the hosts; --scope global reaches all cores",
	hint.HeavyHost:       "sysops find 'HOST#*' shows what it has pushed; sysops hosts block HOST ends an attack",
	hint.NoGC:            "run sysops gc --scope global from a timer: sysops-gc.timer does, where /etc/sysops/admin.yaml is the config of an administrator",
	hint.ManyNames:       "run sysops gc --scope global, and from a timer; sysops-agent check says on a host that its names come and go",
	hint.OldServer:       "Redis 7, Redis 8 and Valkey let hosts share bases; for older servers sysops gc chooses some, which hosts then use",
	hint.FullServer:      "raise maxmemory; sysops info --memory shows what takes it",
	hint.EmptyServer:     "it is full again when all hosts have pushed; sysops-agent check says on a host why it cannot",
	hint.ColdServer:      "it catches up with its hosts' next push; sysops info --disagree names them",
	hint.NothingMatches:  "sysops ls lists the names, sysops hosts the hosts",
	hint.NoCounter:       "sysops audit network --list-netstat lists the counters",
	hint.NoRatio:         "the ratios that have a name are %s; sysops audit network --list-netstat lists counters",
	hint.NoHostCounts:    "sysops audit network --list-netstat lists them",
	hint.NoHostInteracts: "sysops audit network --per-mps lists them",
	hint.TooFewHosts:     "but with --percentile %s",
	hint.HostWithout:     "sysops hosts lists the hosts; of objects, write host#name",
	hint.ManyVariants:    "--lines shows in which lines they differ",
	hint.TooManyPairs:    "--limit takes the most common ones; without --pairs, each is compared with the most common one",
	hint.TooManyGroups:   "sysops diff --all compares each with the most common one",
	hint.OtherMachine:    "give one of the two another name (agent.host or --host); if this machine replaces the other, push once with --take-over",
	hint.EmptyPush:       "to remove the host on purpose, use sysops hosts forget",
	hint.NothingRead:     "see what could not be read; to remove the host on purpose, use sysops hosts forget",
	hint.ChurnOfFiles:    "%s chooses all files of the folder: link those that matter, or a folder in it whose names stay",
	hint.ChurnOfSections: "give what it prints a name that stays from run to run: agent.commands and agent.snmp.targets in the config name the sections",
	hint.ChurnOfLinks:    "whatever makes the links there chooses by a glob that is too wide: leave out names that hold a process id or a time",
	hint.NoOutgoing:      "name a directory with --outgoing",
	hint.WeakACL:         "servers of Redis 7 or Valkey confine a host; --weak installs what an older one can keep",
	hint.OpenACL:         "log in as an administrator (sysops acl admin NAME) and run ACL SETUSER default off there; --default-on installs users beforehand",
	hint.NoPasswords:     "--passwords names the folder that they are kept in",
	hint.NobodyNamed:     "name hosts, or choose them with --hosts: --hosts '*' is every host that the servers know",
}

// Advice returns the words of the command line for a cause, "" where there are none.
func Advice(cause hint.Cause, args ...string) string {
	return advice(&hint.Error{Cause: cause, Args: args})
}

// advice is what an error says to do, or what its cause means here.
func advice(h *hint.Error) string {
	if h.Hint != "" {
		return h.Hint
	}
	args := make([]any, len(h.Args))
	for i, a := range h.Args {
		args[i] = a
	}
	if format := causeWords[h.Cause]; format != "" {
		return fmt.Sprintf(format, args...)
	}
	return ""
}

// faults are what to do about servers that fail.
var faults = []struct {
	err    error
	advice string
}{
	{sysops.ErrServerNeedsTLS, "write rediss:// where the server is listed; require_tls: false under redis: in the config lets passwords and contents travel in the clear"},
	{sysops.ErrServerUnreachable, "is redis-server running there, and is the port right? A server that demands TLS needs rediss://, a private authority redis.ca_file"},
	{sysops.ErrServerTimeout, "the server may be overloaded, hung, or behind a firewall that drops packets; one without TLS needs redis://"},
	{sysops.ErrServerCut, "the server may be restarting, or at its maxclients"},
	{sysops.ErrServerNotRedis, "is that the port of another service? A server that demands TLS needs rediss://"},
	{sysops.ErrServerAuth, "set redis.user and redis.password_file in the config, or SYSOPS_REDIS_PASSWORD; for Sentinels, redis.sentinel_password_file"},
	{sysops.ErrServerPermission, "the user's rules are not those of its role: sysops acl host, reader and admin print them, and sysops acl test tells what is wrong"},
	{sysops.ErrServerLoading, "it answers when it has read its data from disk; until then its siblings do"},
	{sysops.ErrServerReadOnly, "list the primary in the directory: clients replicate here, servers do not"},
	{sysops.ErrServerNoMemory, "raise its maxmemory, or shorten agent.ttl; the next push writes what is missing"},
	{sysops.ErrReplyTooLarge, "ask for less: fewer hosts (--hosts), or a whole name in place of a pattern"},
	{sysops.ErrServerWrongType, "something else uses this Redis database: remove that key, or give sysops a database of its own"},
}
