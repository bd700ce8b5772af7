package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A Blocking is what became of a user at one server.
type Blocking struct {
	User        bool // there is such a user, who may not log in any more
	Connections int  // of the user, that were closed
	Saved       bool // a restart of the server does not undo it
}

// Block shuts a user of Redis out: it is turned off, and its connections are closed. Where
// there is no such user nothing is done.
func (s *Server) Block(ctx context.Context, user string) (Blocking, error) {
	var b Blocking
	pipe := s.db.Pipeline()
	known := pipe.Do(ctx, "ACL", "GETUSER", user) // SETUSER would make one
	if err := s.exec(ctx, pipe); err != nil {
		return b, err
	}
	switch err := known.Err(); {
	case err == redis.Nil:
		return b, nil
	case err != nil:
		return b, fmt.Errorf("cannot look the user %s up: %w", user, s.wrap(err))
	}
	pipe = s.db.Pipeline()
	off := pipe.Do(ctx, "ACL", "SETUSER", user, "off")
	kill := pipe.ClientKillByFilter(ctx, "USER", user)
	save := pipe.Do(ctx, "ACL", "SAVE")
	if err := s.exec(ctx, pipe); err != nil {
		return b, err
	}
	if err := firstError(off, kill); err != nil {
		return b, fmt.Errorf("cannot turn the user %s off: %w", user, s.wrap(err))
	}
	b.User, b.Connections, b.Saved = true, int(kill.Val()), save.Err() == nil
	if err := save.Err(); err != nil && !strings.Contains(err.Error(), "ACL file") {
		return b, fmt.Errorf("cannot save that the user %s is off: %w", user, s.wrap(err))
	}
	return b, nil
}
