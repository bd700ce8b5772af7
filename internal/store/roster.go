package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The roster is who belongs to a core, as gc has verified it: the one list of hosts that no
// host can write to where ACLs confine them. What $hosts lists besides is a claim.

// maxRoster is how many hosts Roster reads at most; no core has as many.
const maxRoster = 1_000_000

// EachOfRoster hands take the hosts of the roster, some thousand at a time; some may come
// twice.
func (s *Server) EachOfRoster(ctx context.Context, take func(hosts []string) error) error {
	return s.walk(ctx, "SSCAN", keyRoster, namesAtOnce, take)
}

// Enroll puts hosts on the roster.
func (s *Server) Enroll(ctx context.Context, hosts []string) error {
	return s.roster(ctx, hosts, redis.Pipeliner.SAdd)
}

// Strike takes hosts off the roster.
func (s *Server) Strike(ctx context.Context, hosts []string) error {
	return s.roster(ctx, hosts, redis.Pipeliner.SRem)
}

func (s *Server) roster(ctx context.Context, hosts []string, change func(redis.Pipeliner, context.Context, string, ...any) *redis.IntCmd) error {
	for part := range chunks(hosts) {
		pipe := s.db.Pipeline()
		cmd := change(pipe, ctx, keyRoster, members(part)...)
		if err := s.exec(ctx, pipe); err != nil {
			return err
		}
		if err := cmd.Err(); err != nil {
			return fmt.Errorf("cannot write the roster: %w", s.wrap(err))
		}
	}
	return nil
}

// MarkPruned notes that gc has been through, by the server's clock.
func (s *Server) MarkPruned(ctx context.Context) error {
	ahead, err := s.Ahead(ctx)
	if err != nil {
		return err
	}
	pipe := s.db.Pipeline()
	set := pipe.Set(ctx, keyGC, time.Now().Add(ahead).Unix(), 0)
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(set.Err())
}

// Ahead asks how far the server's clock is ahead of ours.
func (s *Server) Ahead(ctx context.Context) (time.Duration, error) {
	pipe := s.db.Pipeline()
	cmd := pipe.Time(ctx)
	began := time.Now()
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	return offset(cmd.Val(), began, time.Now()), s.wrap(cmd.Err())
}

// A Tending is what gc has left at a server.
type Tending struct {
	Pruned time.Time // when gc was last through, by the server's clock; zero: never, as far as it knows
	Roster int       // hosts on the roster
	Listed int       // hosts in $hosts, verified or not
}

// Tending reads when gc was last at a server, and what it knows of hosts since.
func (s *Server) Tending(ctx context.Context) (Tending, error) {
	pipe := s.db.Pipeline()
	at, roster, listed := pipe.Get(ctx, keyGC), pipe.SCard(ctx, keyRoster), pipe.ZCard(ctx, keyHosts)
	if err := s.exec(ctx, pipe); err != nil {
		return Tending{}, err
	}
	if err := spoiledError(at, roster, listed); err != nil {
		return Tending{}, s.wrap(err)
	}
	t := Tending{Roster: int(roster.Val()), Listed: int(listed.Val())}
	if seconds, err := at.Float64(); err == nil && seconds > 0 {
		t.Pruned = fromUnix(seconds)
	}
	return t, nil
}

// A Testimony is what a server knows of a host from the host's own keys, which nobody else
// writes where ACLs confine hosts.
type Testimony struct {
	Known bool // $of:<host> exists

	push, expires, left *string // the fields of those names
	machine, serial     *string
	ttl                 *string
	wrong               bool // $of:<host> is no hash
}

// The fields of $of:<host> that a Testimony is made of, in their order.
var testimonyFields = []string{fieldPush, fieldExpires, fieldLeft, fieldMachine, fieldTTL, fieldSerial}

// Testimonies reads what the server knows of each host.
func (s *Server) Testimonies(ctx context.Context, hosts []string) ([]Testimony, error) {
	keys := make([]string, len(hosts))
	for i, h := range hosts {
		keys[i] = keyOf(h)
	}
	out := make([]Testimony, 0, len(hosts))
	for part := range chunks(keys) {
		values, wrong, err := s.fields(ctx, part, testimonyFields...)
		if err != nil {
			return nil, err
		}
		var silent []string // $of: is not there, or has other fields alone
		for i, v := range values {
			st := Testimony{push: v[0], expires: v[1], left: v[2], machine: v[3], ttl: v[4], serial: v[5], wrong: slices.Contains(wrong, part[i])}
			st.Known = st.wrong || slices.ContainsFunc(v, func(field *string) bool { return field != nil })
			if out = append(out, st); !st.Known {
				silent = append(silent, part[i])
			}
		}
		there, err := s.existing(ctx, silent)
		if err != nil {
			return nil, err
		}
		asked := out[len(out)-len(part):]
		for i := range asked {
			if !asked[i].Known {
				asked[i].Known, there = there[0], there[1:]
			}
		}
	}
	return out, nil
}

// Push returns the host's last push, by the server's clock, as the host itself recorded
// it; false where it did not.
func (st *Testimony) Push() (PushTime, bool) { return recordedPush(st.push) }

// Left returns when the host left, which may be before its last push at another server;
// false where it has not, or has pushed here since.
func (st *Testimony) Left() (PushTime, bool) {
	left, ok := recordedPush(st.left)
	if push, pushed := st.Push(); ok && pushed && push.At.After(left.At) {
		return PushTime{}, false
	}
	return left, ok
}

// Pushes reports whether a publisher of ours has vouched for the host.
func (st *Testimony) Pushes() bool {
	_, pushed := st.Push()
	return st.Known && (pushed || st.machine != nil)
}

func recordedPush(field *string) (PushTime, bool) {
	if field == nil {
		return PushTime{}, false
	}
	at, err := parsePush([]byte(*field))
	return at, err == nil && !at.At.IsZero()
}

// lifetime is the TTL of the host's objects, as it says itself; false where it does not.
func (st *Testimony) lifetime() (time.Duration, bool) {
	if st.ttl == nil {
		return 0, false
	}
	seconds, err := strconv.Atoi(*st.ttl)
	return time.Duration(seconds) * time.Second, err == nil && seconds > 0 && seconds < maxLifetime
}

// maxLifetime in seconds is longer than any snapshot lives: 100 years.
const maxLifetime = 100 * 365 * 24 * 3600

// expiry is when the host's snapshot expires, by the server's clock, as it says itself.
// One that is further away than its snapshots live says nothing: the clock was wrong.
func (st *Testimony) expiry(now time.Time) (time.Time, bool) {
	if st.expires == nil {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseFloat(*st.expires, 64)
	ttl, known := st.lifetime()
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > 1<<40 || known && fromUnix(seconds).After(now.Add(ttl+clockSlack)) {
		return time.Time{}, false
	}
	return fromUnix(seconds), true
}

// clockSlack is how far beyond the server's clock a time may lie that it gave a moment
// ago: clocks are set back.
const clockSlack = 30 * time.Second
