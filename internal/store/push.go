package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// HostState is what a server knows of a host before it pushes.
type HostState struct {
	Now     time.Time         // the server's clock
	Offset  time.Duration     // the server's clock less ours
	Records map[string]Record // by name; a name whose record is unreadable is there with a zero Record
	Machine string            // id of the machine that pushed last, "" if unknown
	Expires time.Time         // of its snapshot; zero: never pushed
	Pushed  time.Time         // its last whole push; zero: it does not say
	Serial  int64             // of that push, or of its leaving; 0: it does not say
	Left    bool              // it has left since its last push
	Holder  string            // the token of the push that holds it, which may be the one that asked; empty: none, or the server gives no leases
	Turn    string            // what $serial holds, for Batch.Hold

	Claims map[string][]Claim // the bases that are offered for the names that were asked about
	Chosen string             // the version of the bases that gc has chosen; "": none, or nobody has asked
}

// ReadHost reads TIME, the host's records, the expiry of its snapshot, and the bases that
// are offered for names, in one request, and takes the host's lease for the push of that token if nobody has it. bases: it also reads whether gc has chosen any.
func (s *Server) ReadHost(ctx context.Context, host string, names []string, bases bool, token string) (*HostState, error) {
	pipe := s.db.Pipeline()
	now, holder := pipe.Time(ctx), addLease(ctx, pipe, host, token)
	of := pipe.HGetAll(ctx, keyOf(host))
	live := pipe.ZScore(ctx, keyLive, host)
	offers := make([]*redis.ZSliceCmd, len(names))
	for i, name := range names {
		offers[i] = pipe.ZRangeWithScores(ctx, keyBases(name), 0, maxOffers-1)
	}
	chosen := redis.NewStringCmd(ctx)
	if bases {
		chosen = pipe.GetRange(ctx, keyChosen, 0, longestChoice-1)
	}
	began := time.Now()
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	ended := time.Now()
	if err := firstError(now, of, live); err != nil {
		return nil, s.wrap(err)
	}
	st := &HostState{
		Claims: make(map[string][]Claim, len(names)),
		Now:    now.Val(), Offset: offset(now.Val(), began, ended),
		Records: make(map[string]Record, len(of.Val())), Machine: of.Val()[fieldMachine], Expires: fromUnix(live.Val()),
	}
	// $live is anybody's to write: what the host itself has written goes before it.
	if own, err := parseScore([]byte(of.Val()[fieldExpires])); err == nil {
		st.Expires = fromUnix(own)
	}
	if own, err := parsePush([]byte(of.Val()[fieldPush])); err == nil {
		st.Pushed = own.At
	}
	st.Serial = serialOf(of.Val(), st.Now)
	_, st.Left = of.Val()[fieldLeft]
	st.Holder, st.Turn = holder.Val(), of.Val()[fieldSerial]
	st.Chosen = parseChoice(chosen.Val()).Version // where that may not be read, it is as if none were
	for field, v := range of.Val() {
		if field[:min(1, len(field))] == "$" {
			continue
		}
		rec, _ := decodeRecord(v)
		st.Records[field] = rec
	}
	for i, name := range names {
		if offers[i].Err() == nil { // without them, objects stand by themselves
			st.Claims[name] = claims(offers[i].Val())
		}
	}
	return st, nil
}

// serialOf is the serial of what a host did last, by its own fields; 0: they do not say, or say
// what is of the future.
func serialOf(own map[string]string, now time.Time) int64 {
	serial := max(parseSerial(own[fieldSerial], own[fieldPush]), parseSerial(own[fieldSerial], own[fieldLeft]))
	if SerialIsBeyond(serial, now) {
		return 0
	}
	return serial
}

// maxOffers is how many bases of a name are looked at, whatever a hostile host
// has added.
const maxOffers = 64

// Object is one object, ready to be written.
type Object struct {
	Name      string
	Frame     []byte
	MD5Sum    string
	Stat      string
	WordCount string
	Seen      time.Time
}

// size is about what it weighs on the wire.
func (o *Object) size(host string) int {
	return len(o.Frame) + len(o.Stat) + len(o.WordCount) + 4*(len(host)+len(o.Name)) + 256
}

// A Batch is one pipeline of writes for one host. It is not safe for concurrent use.
type Batch struct {
	s    *Server
	host string
	ttl  time.Duration
	pipe redis.Pipeliner
	ops  []op
	size int
}

// An op is one operation of a batch: its commands, and how their replies are read.
type op struct {
	kind OpKind
	name string
	cmds []redis.Cmder

	stage  stage
	weight int // bytes; the lighter ones of a stage go first

	exec *redis.Cmd     // of a MULTI; nil: the operation is none
	read func(*Outcome) // takes from the replies what the operation is to find out; nil: nothing
}

// A stage is when operations of a batch are sent. Over a line that is slow, or is cut, what
// is small and keeps most of the host alive has then arrived before what is large; a base
// before what refers to it; and what declares the snapshot whole last of all.
type stage int

const (
	stageRenewals stage = iota // and whatever else is small
	stageBases
	stageLists
	stageObjects
	stageCommit
)

// atStage has the last n operations sent with others of a stage. They stay together.
func (b *Batch) atStage(s stage, weight, n int) {
	last := b.ops[len(b.ops)-n:]
	for i := range last {
		last[i].stage, last[i].weight = s, weight
	}
}

// arrange brings the operations into the order in which they are sent. Those that are alike
// in stage and weight stay as they were added.
func (b *Batch) arrange(ctx context.Context) {
	slices.SortStableFunc(b.ops, func(x, y op) int {
		return cmp.Or(cmp.Compare(x.stage, y.stage), cmp.Compare(x.weight, y.weight))
	})
	b.pipe.Discard()
	for _, o := range b.ops {
		for _, c := range o.cmds {
			_ = b.pipe.Process(ctx, c) // it is queued
		}
	}
}

// OpKind is what an operation of a batch does.
type OpKind string

// The kinds of operation.
const (
	OpReplace OpKind = "replace"
	OpRenew   OpKind = "renew"
	OpSetStat OpKind = "set the stat of"
	OpKeep    OpKind = "keep"
	OpDelete  OpKind = "delete"
	OpDrop    OpKind = "drop"
	OpIndex   OpKind = "index"
	OpHold    OpKind = "hold"

	OpHoldBase  OpKind = "renew the base"
	OpGiveBase  OpKind = "give the base"
	OpClaimBase OpKind = "claim a base for"
	OpListBase  OpKind = "list a base of"
)

// An Outcome says how one operation ended.
type Outcome struct {
	Kind  OpKind
	Name  string // of the object; for HoldBase and GiveBase the base's ID in hex
	Lost  bool   // Renew, SetStat, Keep or HoldBase found that the server has lost it
	Card  int    // ClaimBase: how many bases of the name have a place; 0: this one had it before
	Frame []byte // FetchBase: what is in the base's place
	Fixed bool   // HoldBase, FetchBase: hosts may read bases, and not renew them
	Old   bool   // HoldBase, FetchBase, GiveBase: the server is one before Redis 7, where hosts cannot have bases
	Err   error  // the server refused; nil for Lost
}

// NewBatch returns an empty batch. ttl is that of the host's objects.
func (s *Server) NewBatch(host string, ttl time.Duration) *Batch {
	return &Batch{s: s, host: host, ttl: ttl, pipe: s.db.Pipeline()}
}

// Size is about how many bytes Send will send.
func (b *Batch) Size() int { return b.size }

func (b *Batch) add(kind OpKind, name string, size int, cmds ...redis.Cmder) *op {
	b.ops = append(b.ops, op{kind: kind, name: name, cmds: cmds})
	b.size += size
	return &b.ops[len(b.ops)-1]
}

// atOnce adds commands that take effect together: a reader sees what was before or after.
// What follows MULTI is answered QUEUED, so no typed command will do.
func (b *Batch) atOnce(kind OpKind, name string, size int, commands ...[]any) {
	ctx := context.Background() // go-redis keeps it with the command and does not use it
	cmds := []redis.Cmder{b.pipe.Do(ctx, "MULTI")}
	for _, c := range commands {
		cmds = append(cmds, b.pipe.Do(ctx, c...))
	}
	exec := b.pipe.Do(ctx, "EXEC")
	b.add(kind, name, size, append(cmds, exec)...).exec = exec
}

// Replace writes an object: a reader sees the old list or the new one. Its record is not touched: PutRecord goes with a later batch, once the
// outcome is known. Should the push be cut short between the two, the record is
// that of the contents before, and Renew finds out that they are no longer there; where the
// contents are the same and only the frame is another, the record is to be Unsure before.
func (b *Batch) Replace(o Object) {
	key := keyObject(b.host, o.Name)
	b.atOnce(
		OpReplace, o.Name, o.size(b.host),
		[]any{"DEL", key},
		[]any{"RPUSH", key, o.Frame, o.MD5Sum, o.Stat, o.WordCount, o.Seen.Unix()},
		[]any{"PEXPIRE", key, b.ttl.Milliseconds()},
	)
	b.hold(o.Name)
	b.atStage(stageObjects, o.size(b.host), 2)
}

// Renew puts off the expiry of an object that has not changed, and makes sure
// that it is there: still a list, still with this md5sum.
func (b *Batch) Renew(name, md5sum string) {
	b.renew(OpRenew, name, md5sum)
}

// SetStat is Renew for an object whose contents are the same, and whose stat, or when they were
// first seen, is not; zero: that stays.
func (b *Batch) SetStat(name, md5sum, stat string, seen time.Time) {
	ctx, key := context.Background(), keyObject(b.host, name)
	more := []redis.Cmder{b.pipe.LSet(ctx, key, Stat, stat)}
	if !seen.IsZero() {
		more = append(more, b.pipe.LSet(ctx, key, Time, seen.Unix()))
	}
	b.renew(OpSetStat, name, md5sum, more...)
}

func (b *Batch) renew(kind OpKind, name, md5sum string, more ...redis.Cmder) {
	key := keyObject(b.host, name)
	expire := b.pipe.PExpire(context.Background(), key, b.ttl)
	sum := b.pipe.LIndex(context.Background(), key, MD5Sum)
	o := b.add(kind, name, 256+3*len(key), append([]redis.Cmder{expire, sum}, more...)...)
	o.read = func(out *Outcome) { out.Lost = objectLost(expire, sum, md5sum) }
	b.hold(name)
}

// Keep puts off the expiry of an object whatever it holds.
func (b *Batch) Keep(name string) {
	key := keyObject(b.host, name)
	expire := b.pipe.PExpire(context.Background(), key, b.ttl)
	b.add(OpKeep, name, 128+len(key), expire).read = func(out *Outcome) { out.Lost = expire.Err() == nil && !expire.Val() }
	b.hold(name)
}

// hold renews the host's membership of $on:<name>.
func (b *Batch) hold(name string) {
	b.add(OpIndex, name, 64+len(name)+len(b.host), b.pipe.SAdd(context.Background(), keyOn(name), b.host))
}

// Delete removes an object that the host no longer has, and then its record: a push cut
// short in between deletes it again. The host stays in $on:<name>, which is no more than a
// hint, until gc prunes it: who may remove members of what is shared could remove those of
// others.
func (b *Batch) Delete(name string) {
	ctx := context.Background()
	b.add(OpDelete, name, 128+2*len(name)+2*len(b.host), b.pipe.Del(ctx, keyObject(b.host, name)), b.pipe.HDel(ctx, keyOf(b.host), name))
}

// Drop removes an object that has been found to be unreadable, and leaves its record: the host has
// it, as readers and the next push will know.
func (b *Batch) Drop(name string) {
	b.add(OpDrop, name, 64+len(name)+len(b.host), b.pipe.Del(context.Background(), keyObject(b.host, name)))
}

// PutRecord records an object as it is now stored.
func (b *Batch) PutRecord(name string, r Record) {
	b.add(OpIndex, name, 128+len(name)+len(b.host), b.pipe.HSet(context.Background(), keyOf(b.host), name, r.encode()))
}

// A Commit is what is told of a snapshot when all of it is stored.
type Commit struct {
	Names   []string // of its objects
	Machine string   // the id of the machine that pushed it
	Score   float64  // of the push; see PushScore
	Serial  int64    // of the push; see SerialAfter
	Expires time.Time
	Back    bool // the host had left
}

// Commit declares the snapshot whole. The hints come first: what the host says of itself,
// which is the truth about it, is written last.
func (b *Batch) Commit(c Commit) {
	ctx := context.Background()
	if len(c.Names) > 0 {
		size := 64
		for _, n := range c.Names {
			size += len(n) + 16
		}
		b.add(OpIndex, keyNames, size, b.pipe.SAdd(ctx, keyNames, members(c.Names)...))
	}
	cmds := []redis.Cmder{
		b.pipe.ZAdd(ctx, keyHosts, redis.Z{Score: c.Score, Member: b.host}),
		b.pipe.ZAdd(ctx, keyLive, redis.Z{Score: unix(c.Expires), Member: b.host}),
	}
	if c.Back {
		cmds = append(cmds, b.pipe.HDel(ctx, keyOf(b.host), fieldLeft))
	}
	score := formatScore(c.Score)
	cmds = append(cmds, b.pipe.HSet(ctx, keyOf(b.host), fieldMachine, c.Machine, fieldTTL, int64(b.ttl.Seconds()),
		fieldPush, score, fieldSerial, formatSerial(c.Serial, score), fieldExpires, formatScore(unix(c.Expires)))) // last; see expel
	b.add(OpIndex, keyHosts, 320+5*len(b.host), cmds...)
	b.atStage(stageCommit, 0, 1)
}

// Send sends the batch, what is small first, and returns the outcome of each operation. The error is
// about the connection: what became of the operations is then unknown.
func (b *Batch) Send(ctx context.Context) ([]Outcome, error) {
	b.arrange(ctx)
	if err := b.s.exec(ctx, b.pipe); err != nil {
		return nil, err
	}
	out := make([]Outcome, len(b.ops))
	for i, o := range b.ops {
		out[i] = b.outcome(o)
	}
	return out, nil
}

func (b *Batch) outcome(o op) Outcome {
	out := Outcome{Kind: o.kind, Name: o.name}
	if o.read != nil {
		if o.read(&out); out.Lost || out.Fixed {
			return out
		}
	}
	// In a MULTI the first refusal tells why; EXEC only says that there was one.
	err := firstError(o.cmds...)
	if err == nil && o.exec != nil {
		err = execError(o.exec)
	}
	if err != nil {
		out.Old = BeforeRedis7(err)
		out.Err = fmt.Errorf("cannot %s %s: %w", o.kind, o.name, b.s.wrap(err))
	}
	return out
}

// objectLost reports whether a renewal found something else than the object, or nothing.
func objectLost(expire *redis.BoolCmd, sum *redis.StringCmd, md5sum string) bool {
	if expire.Err() != nil {
		return false // firstError says why
	}
	if err := sum.Err(); err != nil && err != redis.Nil {
		return kindOf(err) == ErrWrongType
	}
	return !expire.Val() || sum.Val() != md5sum
}

// execError returns the first error among the replies that EXEC collected.
func execError(exec *redis.Cmd) error {
	replies, err := exec.Slice()
	if err != nil {
		return err
	}
	for _, r := range replies {
		if err, ok := r.(error); ok {
			return err
		}
	}
	return nil
}

// Leave removes what the host has at the server, and notes when it left: who may write no
// more than a host can take it out of what is shared only by saying so. gc removes the
// rest. It returns how many objects there were.
func (s *Server) Leave(ctx context.Context, host string, mark int, serial int64) (int, error) {
	pipe := s.db.Pipeline()
	now, of := pipe.Time(ctx), pipe.HGetAll(ctx, keyOf(host))
	if err := s.exec(ctx, pipe); err != nil {
		return 0, err
	}
	if err := firstError(now, of); err != nil {
		return 0, s.wrap(err)
	}
	removed := 0
	for part := range chunks(slices.Sorted(maps.Keys(of.Val()))) {
		pipe = s.db.Pipeline()
		var cmds []redis.Cmder
		for _, field := range part {
			if field == fieldLeft {
				continue
			}
			if !strings.HasPrefix(field, "$") {
				cmds = append(cmds, pipe.Del(ctx, keyObject(host, field)))
			}
			cmds = append(cmds, pipe.HDel(ctx, keyOf(host), field))
		}
		if err := s.exec(ctx, pipe); err != nil {
			return removed, err
		}
		if err := firstError(cmds...); err != nil {
			return removed, s.wrap(err)
		}
		for _, c := range cmds {
			if del, ok := c.(*redis.IntCmd); ok && del.Name() == "del" {
				removed += int(del.Val())
			}
		}
	}
	serial = max(serial, serialOf(of.Val(), now.Val())+1)
	// The hints differ then from those of a server that did not hear of it, so that readers ask.
	score := PushScore(now.Val(), mark)
	pipe = s.db.Pipeline()
	cmds := []redis.Cmder{
		pipe.ZAdd(ctx, keyHosts, redis.Z{Score: score, Member: host}),
		pipe.ZAdd(ctx, keyLive, redis.Z{Score: unix(now.Val()), Member: host}),
		pipe.HSet(ctx, keyOf(host), fieldLeft, formatScore(score), fieldSerial, formatSerial(serial, formatScore(score))),
	}
	if err := s.exec(ctx, pipe); err != nil {
		return removed, err
	}
	return removed, s.wrap(firstError(cmds...))
}

// TryWrite tells whether this user may send what a push of host sends: needs, the lines of
// those commands, and what claims bases. None of them is run. A *NoBasesError is about the
// bases alone.
func (s *Server) TryWrite(ctx context.Context, host string, needs [][]string) error {
	var own, bases [][]string
	for _, line := range needs {
		if strings.HasPrefix(line[1], "$base") {
			bases = append(bases, line)
		} else {
			own = append(own, line)
		}
	}
	if err := s.Try(ctx, own); Answered(err) {
		return fmt.Errorf("cannot push as %s: %w", host, err)
	} else if err != nil {
		return err
	}
	for i, lines := range [][][]string{bases, writeLines()} {
		if err := s.Try(ctx, lines); BeforeRedis7(err) {
			return &NoBasesError{fmt.Errorf("objects of %s take more room at server %s: hosts need Redis 7 for bases", host, s.name), i > 0}
		} else if Answered(err) {
			return &NoBasesError{fmt.Errorf("cannot use bases as %s, so its objects take more room: %w", host, err), i > 0}
		} else if err != nil {
			return err
		}
	}
	return nil
}
