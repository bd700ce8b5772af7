package store

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Where hosts may not write bases, gc chooses them. A chosen base never expires, and is
// listed in $bases:<name> like those of hosts, with a score that is negative: the time when
// gc last saw it in use. $base:chosen tells hosts, which may read no other key of gc's, of which
// version the choice is, so that they need not ask for each name, and when gc was there.

// A NameBases is what a server has of the bases of one name.
type NameBases struct {
	Holders int // hosts in $on:<name>
	Claims  []Claim
}

// BasesOf reads which bases are offered for each of these names.
func (s *Server) BasesOf(ctx context.Context, names []string) ([]NameBases, error) {
	pipe := s.db.Pipeline()
	cards, lists := make([]*redis.IntCmd, len(names)), make([]*redis.ZSliceCmd, len(names))
	for i, name := range names {
		cards[i] = pipe.SCard(ctx, keyOn(name))
		lists[i] = pipe.ZRangeWithScores(ctx, keyBases(name), 0, maxOffers-1)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	out := make([]NameBases, len(names))
	for i := range out {
		for _, err := range []error{cards[i].Err(), lists[i].Err()} {
			if err != nil && kindOf(err) != ErrWrongType {
				return nil, s.wrap(err)
			}
		}
		out[i] = NameBases{int(cards[i].Val()), claims(lists[i].Val())}
	}
	return out, nil
}

// Claims is BasesOf for a host, which may read no more than the bases.
func (s *Server) Claims(ctx context.Context, names []string) (map[string][]Claim, error) {
	pipe := s.db.Pipeline()
	lists := make([]*redis.ZSliceCmd, len(names))
	for i, name := range names {
		lists[i] = pipe.ZRangeWithScores(ctx, keyBases(name), 0, maxOffers-1)
	}
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	out := make(map[string][]Claim, len(names))
	for i, name := range names {
		if lists[i].Err() == nil { // without them, objects stand by themselves
			out[name] = claims(lists[i].Val())
		}
	}
	return out, nil
}

// EachName hands take the names of $names, some thousand at a time; some may come twice.
func (s *Server) EachName(ctx context.Context, take func(names []string) error) error {
	return s.walk(ctx, "SSCAN", keyNames, namesAtOnce, take)
}

// A Holder is a host with what it has recorded of its object of some name.
type Holder struct {
	Host   string
	Record Record
}

// EachHolder hands take the hosts that have recorded an object of the name, some hundred at
// a time; some may come twice. An entry that no record of its host stands behind is none.
func (s *Server) EachHolder(ctx context.Context, name string, take func([]Holder) error) error {
	return s.walk(ctx, "SSCAN", keyOn(name), chunk, func(hosts []string) error {
		for part := range chunks(hosts) {
			entries, err := s.Records(ctx, refsOf(name, part))
			if err != nil {
				return err
			}
			holders := make([]Holder, 0, len(part))
			for i, e := range entries {
				if e.Err != nil || e.Missing {
					continue
				}
				if rec, ok := ParseRecord(e.Values[0]); ok {
					holders = append(holders, Holder{part[i], rec})
				}
			}
			if err := take(holders); err != nil {
				return err
			}
		}
		return nil
	})
}

// A ChosenBase is a base that gc chose for a name, or keeps.
type ChosenBase struct {
	Name  string
	ID    ID
	Frame []byte // nil: it is there already, and only in use
}

// Choose writes bases that shall stay, and notes that they are in use now. Not all of them
// are written at once, and the list of a name comes after its base.
func (s *Server) Choose(ctx context.Context, list []ChosenBase, now time.Time) error {
	for part := range chunks(list) {
		pipe := s.db.Pipeline()
		var cmds []redis.Cmder
		for _, b := range part {
			if b.Frame != nil {
				cmds = append(cmds, pipe.Set(ctx, keyBase(b.ID), b.Frame, 0))
			} else {
				cmds = append(cmds, pipe.Persist(ctx, keyBase(b.ID)))
			}
			cmds = append(cmds, pipe.ZAdd(ctx, keyBases(b.Name), redis.Z{Score: -unix(now), Member: b.ID.String()}))
		}
		if err := s.exec(ctx, pipe); err != nil {
			return err
		}
		if err := firstError(cmds...); err != nil {
			return s.wrap(err)
		}
	}
	return nil
}

// Unchoose takes bases off the lists of their names, and removes those that are no longer
// listed for another, as listed says.
func (s *Server) Unchoose(ctx context.Context, list []ChosenBase, listed map[ID]bool) error {
	for part := range chunks(list) {
		pipe := s.db.Pipeline()
		var cmds []redis.Cmder
		for _, b := range part {
			cmds = append(cmds, pipe.ZRem(ctx, keyBases(b.Name), b.ID.String()))
			if !listed[b.ID] {
				cmds = append(cmds, pipe.Unlink(ctx, keyBase(b.ID)))
			}
		}
		if err := s.exec(ctx, pipe); err != nil {
			return err
		}
		if err := firstError(cmds...); err != nil {
			return s.wrap(err)
		}
	}
	return nil
}

// MarkChosen notes, where hosts may read it, that gc has seen to the bases, and whether its
// choice has changed.
func (s *Server) MarkChosen(ctx context.Context, now time.Time, changed bool) error {
	choice, err := s.Choice(ctx)
	if err != nil {
		return err
	}
	if changed || choice.Version == "" {
		choice.Version = strconv.FormatInt(now.UnixMicro(), 36)
	}
	pipe := s.db.Pipeline()
	set := pipe.Set(ctx, keyChosen, choice.Version+" "+strconv.FormatInt(now.Unix(), 10), 0)
	if err := s.exec(ctx, pipe); err != nil {
		return err
	}
	return s.wrap(set.Err())
}

// A Choice is what a server tells hosts of the bases that gc has chosen.
type Choice struct {
	Version string    // differs after gc has chosen others; "": it has chosen none
	At      time.Time // when gc last saw to them, by the server's clock
}

// Choice reads what gc has left for hosts.
func (s *Server) Choice(ctx context.Context) (Choice, error) {
	pipe := s.db.Pipeline()
	text := pipe.GetRange(ctx, keyChosen, 0, longestChoice-1)
	if err := s.exec(ctx, pipe); err != nil {
		return Choice{}, err
	}
	if err := text.Err(); err != nil && kindOf(err) != ErrWrongType {
		return Choice{}, s.wrap(err)
	}
	return parseChoice(text.Val()), nil
}

// longestChoice is how much of $base:chosen is read.
const longestChoice = 64

func parseChoice(text string) Choice {
	version, at, _ := strings.Cut(text, " ")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || version == "" {
		return Choice{}
	}
	return Choice{version, time.Unix(seconds, 0)}
}

// Uses goes through the records of all hosts. It returns which of these bases any of them
// refers to, and the longest that a host's objects live.
func (s *Server) Uses(ctx context.Context, bases map[ID]bool) (used map[ID]bool, longest time.Duration, err error) {
	used = make(map[ID]bool)
	err = s.walk(ctx, "SCAN", "", chunk, func(keys []string) error {
		for _, key := range keys {
			if !strings.HasPrefix(key, keyOf("")) {
				continue
			}
			err := s.walk(ctx, "HSCAN", key, chunk, func(pairs []string) error {
				for i := 0; i+1 < len(pairs); i += 2 {
					if pairs[i] == fieldTTL {
						st := Testimony{ttl: &pairs[i+1]}
						ttl, _ := st.lifetime()
						longest = max(longest, min(ttl, longestTTL))
					} else if rec, ok := decodeRecord(pairs[i+1]); ok && bases[rec.Base] {
						used[rec.Base] = true
					}
				}
				return nil
			})
			if err != nil && !errors.Is(err, ErrReplyTooLarge) && !errors.Is(err, ErrWrongType) {
				return err
			}
		}
		return nil
	})
	return used, longest, err
}

// longestTTL bounds what a host may say of its TTL, so that it cannot keep bases for ever.
const longestTTL = 30 * 24 * time.Hour

// readClaim reads a member of $bases:<name>, false where it is none.
func readClaim(z redis.Z) (Claim, bool) {
	id, ok := parseID(member(z))
	return Claim{id, fromUnix(math.Abs(z.Score)), z.Score < 0}, ok
}
