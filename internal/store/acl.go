package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Users is what a server says about its users, before any is made.
type Users struct {
	Selectors bool   // it knows rules in parentheses: Redis 7, Valkey
	Open      bool   // user default is on: whoever connects is that user, or may become it
	OpenKeys  bool   // and has rules about keys or channels
	File      string // its ACL file; empty: users vanish when it restarts
	Unsure    error  // why File is not known; nil: it is
	Me        string // the user of this connection
}

// Users asks a server about its users.
func (s *Server) Users(ctx context.Context) (*Users, error) {
	if s.address.cluster() {
		return nil, fmt.Errorf("cannot look at the users of %s: each node of a Redis Cluster has its own; name the nodes, each as redis://host:port", s.name)
	}
	pipe := s.db.Pipeline()
	info := pipe.Info(ctx, "server")
	me := pipe.Do(ctx, "ACL", "WHOAMI")
	open := pipe.Do(ctx, "ACL", "GETUSER", "default")
	file := pipe.ConfigGet(ctx, "aclfile")
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	if err := firstError(info, me, open); err != nil {
		return nil, s.wrap(err)
	}
	u := &Users{Unsure: s.wrap(file.Err()), File: file.Val()["aclfile"]}
	u.Me, _ = me.Val().(string)
	major, _, _ := strings.Cut(between(info.Val(), "redis_version:", "\r\n"), ".")
	n, err := strconv.Atoi(major)
	u.Selectors = err == nil && n >= 7
	u.Open = slices.Contains(texts(field(open.Val(), "flags")), "on")
	for _, name := range []string{"keys", "channels", "selectors"} {
		v := field(open.Val(), name)
		u.OpenKeys = u.OpenKeys || v != nil && fmt.Sprint(v) != "" && fmt.Sprint(v) != "[]"
	}
	return u, nil
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// field returns the value of a field of a reply that is a list of names, each with its value.
func field(reply any, name string) any {
	list, _ := reply.([]any)
	for pair := range slices.Chunk(list, 2) {
		if len(pair) == 2 && pair[0] == name {
			return pair[1]
		}
	}
	return nil
}

// texts returns the strings of a reply that is a list.
func texts(reply any) []string {
	list, _ := reply.([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// SetUsers makes users, or makes them anew, in one request: each is a name and rules, the
// words of ACL SETUSER.
func (s *Server) SetUsers(ctx context.Context, users [][]string) error {
	pipe := s.db.Pipeline()
	cmds := make([]redis.Cmder, len(users))
	for i, u := range users {
		cmds[i] = pipe.Do(ctx, words("ACL", "SETUSER", u...)...)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	if err := firstError(cmds...); err != nil {
		return fmt.Errorf("cannot make its users: %w", s.wrap(err))
	}
	return nil
}

// saving is how long a server may take to write its users down. Redis 7.0 takes seconds, where
// somebody else has made tens of thousands.
const saving = 10 * time.Minute

// SaveUsers has the server write its users to its ACL file.
func (s *Server) SaveUsers(ctx context.Context) error {
	pipe := s.db.WithTimeout(saving).Pipeline()
	save := pipe.Do(ctx, "ACL", "SAVE")
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	if err := save.Err(); err != nil {
		return fmt.Errorf("cannot save its users: %w", s.wrap(err))
	}
	return nil
}

// UserNames returns the names of all users.
func (s *Server) UserNames(ctx context.Context) ([]string, error) {
	pipe := s.db.Pipeline()
	users := pipe.Do(ctx, "ACL", "USERS")
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	if err := users.Err(); err != nil {
		return nil, s.wrap(err)
	}
	return texts(users.Val()), nil
}

// rulesAtOnce is how many users' rules a server writes down before it turns to others:
// Redis 7.0 takes a tenth of a millisecond for each selector.
const rulesAtOnce = 32

// UserRules returns what each user may do, without its passwords: words with spaces between
// them, which servers of the same version write in the same way.
func (s *Server) UserRules(ctx context.Context, users []string) ([]string, error) {
	out := make([]string, 0, len(users))
	for part := range slices.Chunk(users, rulesAtOnce) {
		pipe := s.db.Pipeline()
		cmds := make([]*redis.Cmd, len(part))
		for i, u := range part {
			cmds[i] = pipe.Do(ctx, "ACL", "GETUSER", u)
		}
		if err := s.exec(ctx, pipe); err != nil {
			return nil, err
		}
		for _, c := range cmds {
			if err := firstError(c); err != nil {
				return nil, s.wrap(err)
			}
			var rules []string
			for _, name := range []string{"flags", "commands", "keys", "channels", "selectors"} {
				rules = append(rules, fmt.Sprint(field(c.Val(), name)))
			}
			out = append(out, strings.Join(rules, " "))
		}
	}
	return out, nil
}

// Dump returns what each key holds, in Redis' own form; "" for one that there is not.
func (s *Server) Dump(ctx context.Context, keys []string) ([]string, error) {
	pipe := s.db.Pipeline()
	cmds := make([]*redis.StringCmd, len(keys))
	for i, k := range keys {
		cmds[i] = pipe.Dump(ctx, k)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	out := make([]string, len(keys))
	for i, c := range cmds {
		if err := firstError(c); err != nil {
			return nil, s.wrap(err)
		}
		out[i] = c.Val()
	}
	return out, nil
}

func words(first, second string, rest ...string) []any {
	return append([]any{first, second}, members(rest)...)
}

// DryRun tells of each command, by ACL DRYRUN, why a user may not run it; "" where it may.
// Nothing is run. A command that the server does not know, or that has too many arguments
// or too few, is told as one that may not be run.
func (s *Server) DryRun(ctx context.Context, user string, commands [][]string) ([]string, error) {
	out := make([]string, 0, len(commands))
	for part := range chunks(commands) {
		pipe := s.db.Pipeline()
		anybodys := pipe.Do(ctx, "ACL", "DRYRUN", user, "HELLO") // refused, there is no such user
		cmds := make([]*redis.Cmd, len(part))
		for i, c := range part {
			cmds[i] = pipe.Do(ctx, words("ACL", "DRYRUN", append([]string{user}, c...)...)...)
		}
		if err := s.exec(ctx, pipe); err != nil {
			return nil, err
		}
		if err := anybodys.Err(); err != nil {
			return nil, fmt.Errorf("cannot try what user %s may do: %w", user, s.wrap(err))
		}
		for _, c := range cmds {
			said, err := c.Text()
			switch {
			case err != nil:
				said = err.Error()
			case said == "OK":
				said = ""
			}
			out = append(out, said)
		}
	}
	return out, nil
}

// Run runs commands one after another over the same connection, and returns the error of
// each; nil where it was answered.
func (s *Server) Run(ctx context.Context, commands [][]string) ([]error, error) {
	out := make([]error, 0, len(commands))
	for part := range chunks(commands) {
		pipe := s.db.Pipeline()
		cmds := make([]*redis.Cmd, len(part))
		for i, c := range part {
			cmds[i] = pipe.Do(ctx, members(c)...)
		}
		if err := s.exec(ctx, pipe); err != nil {
			return nil, err
		}
		for _, c := range cmds {
			out = append(out, s.wrap(firstError(c)))
		}
	}
	return out, nil
}

// Try asks whether this user may run commands, and runs none of them: each is queued by a
// transaction that is given up, one of its own since a Cluster takes no keys of several
// slots in one. The error is of the first that is refused.
func (s *Server) Try(ctx context.Context, commands [][]string) error {
	pipe := s.db.Pipeline()
	var cmds []redis.Cmder
	for _, c := range commands {
		cmds = append(cmds, pipe.Do(ctx, "MULTI"), pipe.Do(ctx, members(c)...), pipe.Do(ctx, "DISCARD"))
	}
	cmds = append(cmds, pipe.Do(ctx, "MULTI"), pipe.Do(ctx, "EXEC"))
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(firstError(cmds...))
}

// Reset sends RESET over a connection of its own, which makes it user default's, as anybody
// may, and then asks for something. It returns nil where that is refused.
func (s *Server) Reset(ctx context.Context) error {
	conn, err := s.wires.dial(ctx)
	if err != nil {
		return s.wrap(err)
	}
	q := newRequest(2)
	q.add("RESET")
	q.add("ZCARD", keyHosts)
	reset := false
	err = s.wires.exchange(ctx, newWire(conn), q, func(r replies) error {
		if err := r.status(); err != nil {
			return err
		}
		reset = true
		if _, _, err := r.head(); err != nil {
			return err
		}
		return errOpen // an error, so that nobody uses the connection again
	})
	switch kind := kindOf(err); {
	case errors.Is(err, errOpen):
		return fmt.Errorf("server %s %w", s.name, err)
	case reset && (kind == ErrAuth || kind == ErrPermission):
		return nil
	}
	return s.wrap(err)
}

var errOpen = errors.New("lets anybody read the index: after RESET a connection is user default's, which is on")
