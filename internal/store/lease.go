package store

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// A push holds its host at a server while it is under way, so that two of them do not mix: with
// the lease, a list in the name of the host, of which the first member is whoever has it. All that is done
// to it a host may do to its objects. It expires soon, unless it is renewed: a push that was killed keeps
// the next one waiting for no longer.

// LeaseLife is how long a lease lasts that is not renewed.
const LeaseLife = 6 * time.Second

// keyLease is the lease of a host (LIST). No object has such a name.
func keyLease(host string) string { return keyObject(host, "$push") }

// addLease takes the lease, unless somebody has it, and reads who does. A server that refuses it, because
// it is full or may not be written to, has nobody hold it.
func addLease(ctx context.Context, pipe redis.Pipeliner, host, token string) *redis.StringCmd {
	key := keyLease(host)
	pipe.Do(ctx, "MULTI")
	pipe.Do(ctx, "RPUSH", key, token)
	pipe.Do(ctx, "PEXPIRE", key, LeaseLife.Milliseconds())
	pipe.Do(ctx, "EXEC")
	return pipe.LIndex(ctx, key, 0)
}

// LeaseHolder returns the token of whoever holds a host; empty: nobody does.
func (s *Server) LeaseHolder(ctx context.Context, host string) (string, error) {
	pipe := s.db.Pipeline()
	first := pipe.LIndex(ctx, keyLease(host), 0)
	if err := s.exec(ctx, pipe); err != nil {
		return "", err
	}
	return first.Val(), nil
}

// RenewLease puts off the expiry of a lease that the caller has.
func (s *Server) RenewLease(ctx context.Context, host string) error {
	pipe := s.db.Pipeline()
	expire := pipe.PExpire(ctx, keyLease(host), LeaseLife)
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(expire.Err())
}

// EndLease gives up a lease that the caller has, or that of a push that is known to be dead.
func (s *Server) EndLease(ctx context.Context, host string) error {
	pipe := s.db.Pipeline()
	del := pipe.Del(ctx, keyLease(host))
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(del.Err())
}

// Hold finds out whether another push has come in between: somebody else holds the host, or has
// pushed since ReadHost, when it had this $serial. The outcome is Lost then.
func (b *Batch) Hold(token, serial string) {
	ctx := context.Background()
	b.pipe.PExpire(ctx, keyLease(b.host), LeaseLife)
	first := b.pipe.LIndex(ctx, keyLease(b.host), 0)
	last := b.pipe.HMGet(ctx, keyOf(b.host), fieldSerial)
	b.add(OpHold, "", 256+3*len(b.host)).read = func(out *Outcome) {
		now := serial
		if v := last.Val(); len(v) == 1 && v[0] != nil { // a server that lost everything was not pushed to
			now, _ = v[0].(string)
		}
		out.Lost = first.Val() != "" && first.Val() != token || now != serial
	}
}

// EndLease gives up the lease with what the batch does before.
func (b *Batch) EndLease() {
	b.add(OpHold, "", 64+len(b.host), b.pipe.Del(context.Background(), keyLease(b.host)))
}
