package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// An ID names a base: the SHA-256 of its contents.
type ID [32]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes the ID in hex.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads an ID in hex.
func (id *ID) UnmarshalText(text []byte) error {
	read, ok := parseID(string(text))
	if !ok {
		return fmt.Errorf("%.80q is no ID of a base", text)
	}
	*id = read
	return nil
}

func parseID(s string) (ID, bool) {
	var id ID
	if len(s) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// MaxBaseFrame is how long the frame of a base may be: 1 MiB. What is longer is
// none, and no reader takes more of it.
const MaxBaseFrame = 1 << 20

// Bases reads the frames of bases, in one request. One that the server lacks, or
// that is too long to be one, is nil.
func (s *Server) Bases(ctx context.Context, ids []ID) ([][]byte, error) {
	q := newRequest(len(ids))
	for _, id := range ids {
		q.add("GETRANGE", keyBase(id), "0", strconv.Itoa(MaxBaseFrame))
	}
	frames := make([][]byte, len(ids))
	err := s.do(ctx, q, func(r replies) error {
		var space byteBlock
		for i := range ids {
			b, err := space.read(r)
			if err != nil && kindOf(err) != ErrWrongType {
				return err
			}
			if len(b) > 0 && len(b) <= MaxBaseFrame {
				frames[i] = b
			}
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "cannot read bases")
	}
	return frames, nil
}

// A Claim is one base that is offered for a name.
type Claim struct {
	ID     ID
	At     time.Time // when a host claimed it, by the server's clock; chosen, when it was last in use
	Chosen bool      // by gc: it does not expire
}

func member(z redis.Z) string {
	m, _ := z.Member.(string)
	return m
}

// claims reads a $bases reply, without what is no ID.
func claims(z []redis.Z) []Claim {
	out := make([]Claim, 0, len(z))
	for _, m := range z {
		if c, ok := readClaim(m); ok {
			out = append(out, c)
		}
	}
	return out
}

// baseTTL is how long a base outlives the objects that refer to it: a host that
// misses a push or two must not lose it.
func (b *Batch) baseTTL() time.Duration { return 2 * b.ttl }

// HoldBase puts off the expiry of a base that an object refers to, never brings it
// forward, and makes sure that it is there: as long as frame, and with the same
// bytes from at on. Without a frame, it only has to be there. Its outcome is Lost
// where it is not, and Fixed where hosts may read bases and not renew them. With renew
// false it does not try to.
func (b *Batch) HoldBase(id ID, frame []byte, at int, renew bool) {
	const looked = 32 // bytes: where the whole was replaced they differ, and a part is found out sooner or later
	at = max(0, min(at, len(frame)-looked))
	end := max(1, min(at+looked, len(frame)))
	h := heldBase{id: id, from: at, to: end - 1, renew: renew, lost: func(length int, part string) bool {
		if len(frame) == 0 {
			return length == 0 || length > MaxBaseFrame
		}
		return length != len(frame) || part != string(frame[at:end])
	}}
	h.add(b)
}

// FetchBase is HoldBase for a caller that does not know the frame: its outcome brings
// the one that is there.
func (b *Batch) FetchBase(id ID, renew bool) {
	h := heldBase{id: id, to: MaxBaseFrame, renew: renew, fetch: true, lost: func(length int, _ string) bool { return length == 0 || length > MaxBaseFrame }}
	h.add(b)
}

// A heldBase is a look at the bytes of a base from … to, and whether that is lost.
type heldBase struct {
	id       ID
	from, to int
	renew    bool // its expiry is put off
	fetch    bool // the outcome brings the bytes
	lost     func(length int, part string) bool
}

func (h *heldBase) add(b *Batch) {
	ctx := context.Background()
	key := keyBase(h.id)
	var cmds []redis.Cmder
	if h.renew {
		cmds = append(cmds, b.pipe.Do(ctx, "PEXPIRE", key, b.baseTTL().Milliseconds(), "GT"))
	}
	length := b.pipe.StrLen(ctx, key)
	part := b.pipe.GetRange(ctx, key, int64(h.from), int64(h.to))
	b.add(OpHoldBase, h.id.String(), 3*len(key)+128, append(cmds, length, part)...).read = func(out *Outcome) {
		if h.renew && cmds[0].Err() != nil {
			// Who may not renew a base, or cannot before Redis 7, cannot put it back either, but
			// may use one that stays.
			out.Old = BeforeRedis7(cmds[0].Err())
			out.Fixed = (out.Old || kindOf(cmds[0].Err()) == ErrPermission) && length.Err() == nil && part.Err() == nil
			if !out.Fixed {
				return
			}
		}
		switch {
		case kindOf(length.Err()) == ErrWrongType:
			out.Lost = true
		case length.Err() != nil || part.Err() != nil: // firstError says why
		case h.lost(int(length.Val()), part.Val()):
			out.Lost = true
		case h.fetch:
			out.Frame = []byte(part.Val())
		}
	}
}

// GiveBase writes a base, over whatever the server has in its place. It puts off the
// expiry as HoldBase does: others may rely on it for longer than this host.
func (b *Batch) GiveBase(id ID, frame []byte) {
	key, ttl := keyBase(id), b.baseTTL().Milliseconds()
	b.atOnce(
		OpGiveBase, id.String(), len(frame)+4*len(key)+128,
		[]any{"SET", key, frame, "KEEPTTL"},
		[]any{"PEXPIRE", key, ttl, "NX"},
		[]any{"PEXPIRE", key, ttl, "GT"},
	)
	b.atStage(stageBases, len(frame), 1)
}

// ClaimBase asks for a place among the bases of a name. Its outcome tells how many
// bases then had one, this one included; none, where this one had it before.
func (b *Batch) ClaimBase(name string, id ID, now time.Time) {
	ctx := context.Background()
	added := b.pipe.ZAddNX(ctx, keyBases(name), redis.Z{Score: float64(now.Unix()), Member: id.String()})
	card := b.pipe.ZCard(ctx, keyBases(name))
	b.add(OpClaimBase, name, 2*len(name)+192, added, card).read = func(out *Outcome) {
		if added.Val() > 0 {
			out.Card = int(card.Val())
		}
	}
}

// ListBase gives a base a place that it had before the server lost it.
func (b *Batch) ListBase(name string, id ID, now time.Time) {
	b.add(OpListBase, name, len(name)+128,
		b.pipe.ZAddNX(context.Background(), keyBases(name), redis.Z{Score: float64(now.Unix()), Member: id.String()}))
	b.atStage(stageLists, 0, 1)
}

// UnclaimBase gives a place back.
func (b *Batch) UnclaimBase(name string, id ID) {
	b.add(OpListBase, name, len(name)+128, b.pipe.ZRem(context.Background(), keyBases(name), id.String()))
}

// ClaimedFor is how long a claim may go without its base: the claimer writes it
// with its next request. One of a time that is to come is none.
const ClaimedFor = 10 * time.Minute

// writeLines are what a push does to have bases of its own, with a base that nobody can have:
// its contents would have a SHA-256 of zeros.
func writeLines() [][]string {
	base, list := keyBase(ID{}), keyBases("$check")
	return [][]string{
		{"SET", base, "", "PX", "1", "XX"},
		{"PEXPIRE", base, "1", "GT"},
		{"ZADD", list, "XX", "0", base},
		{"ZREM", list, base},
	}
}

// A NoBasesError says that a server lets a user push, and not use bases, or write any:
// objects stand by themselves there.
type NoBasesError struct {
	err      error
	Readable bool // bases may be read: those that gc has chosen can be used
}

func (e *NoBasesError) Error() string { return e.err.Error() }
func (e *NoBasesError) Unwrap() error { return e.err }
