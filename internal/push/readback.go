package push

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A push knows by its records what a server has, and renews objects that have not changed
// without looking at them, but for their MD5 sum. So that one which others have replaced is
// noticed, each push reads some of them back: those whose turn came since the last push.

const (
	// Each object has a turn once in turnEvery. A push that comes longest after the last one
	// looks at all of them. So nothing stays unnoticed for a day, however often a host pushes.
	turnEvery = 20 * time.Hour
	longest   = 24*time.Hour - turnEvery

	readBackBytes = 4 << 20 // of frames, in one request
)

// hasTurn reports whether the turn of a host's object came after the push at last, up to now.
func hasTurn(host, name string, last, now time.Time) bool {
	since := now.Sub(last)
	if since >= longest {
		return true
	}
	h := fnv.New64a()
	h.Write([]byte(host))
	h.Write([]byte{0})
	h.Write([]byte(name))
	turn := time.Duration(mix(h.Sum64()) % uint64(turnEvery))
	ago := (time.Duration(now.UnixNano()%int64(turnEvery)) - turn + turnEvery) % turnEvery
	return ago < since
}

// mix spreads a hash whose upper bits tell names apart badly that differ at their ends.
func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// A readBack is what a push has found out about stored objects.
type readBack struct {
	done     chan struct{}     // closed at the end
	replaced []string          // objects that are not what this host has stored
	stats    map[string]uint64 // of the others: digests of their stats
	seen     map[string]int64  // and when they were first seen
	bases    map[store.ID]bool // that these objects refer to → whether the server's is damaged
	known    map[store.ID]*frame.Base
}

// startReadBack begins to read the objects back whose turn it is.
func (d *delivery) startReadBack(ctx context.Context) *readBack {
	r := &readBack{done: make(chan struct{}), stats: make(map[string]uint64), seen: make(map[string]int64), bases: make(map[store.ID]bool), known: make(map[store.ID]*frame.Base)}
	var names []string
	for name, rec := range d.state.Records {
		if rec.Sum != ([32]byte{}) && hasTurn(d.push.snap.Host, name, d.state.Pushed, d.state.Now) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		close(r.done)
		return r
	}
	slices.Sort(names)
	go func() {
		defer close(r.done)
		for len(names) > 0 {
			n, size := 0, 0
			for ; n < len(names) && (n == 0 || size < readBackBytes); n++ {
				size += 1<<10 + d.state.Records[names[n]].Packed
			}
			if d.readBack(ctx, r, names[:n]) != nil {
				return // it is tried again with the next turn; renewing tells what is wrong with the server
			}
			names = names[n:]
		}
	}()
	return r
}

// readBackDecoder unpacks what was stored, which may be larger than a reader takes by default.
var readBackDecoder = sync.OnceValue(func() *frame.Decoder { return frame.NewDecoder(defaultMaxBytes) })

// allElements are the elements of an object.
var allElements = []int{store.Contents, store.MD5Sum, store.Stat, store.WordCount, store.Time}

// readBack looks at some objects.
func (d *delivery) readBack(ctx context.Context, r *readBack, names []string) error {
	ctx, cancel := d.server.WhileFlowing(ctx, d.timeout)
	defer cancel()
	refs := make([]store.Ref, len(names))
	for i, name := range names {
		refs[i] = store.Ref{Host: d.push.snap.Host, Name: name}
	}
	entries, err := d.server.Elements(ctx, refs, allElements, false)
	if errors.Is(err, store.ErrReplyTooLarge) && len(names) > 1 {
		half := len(names) / 2
		return errors.Join(d.readBack(ctx, r, names[:half]), d.readBack(ctx, r, names[half:]))
	}
	if errors.Is(err, store.ErrReplyTooLarge) { // no publisher of ours has written that
		r.replaced = append(r.replaced, names...)
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.readTheirBases(ctx, r, entries); err != nil {
		return err
	}
	for i, name := range names {
		e := &entries[i]
		if e.Missing && len(e.Values[0])+len(e.Values[1]) == 0 && e.Err == nil {
			continue // it is gone, which renewing tells
		}
		if e.Err != nil || e.Missing || !d.isOurs(name, e.Values, r) {
			r.replaced = append(r.replaced, name)
		}
	}
	return nil
}

// readTheirBases reads from the server the bases that these objects refer to, each once.
func (d *delivery) readTheirBases(ctx context.Context, r *readBack, entries []store.Entry) error {
	wanted := make(map[store.ID]bool)
	for _, e := range entries {
		id, refers := frame.BaseOf(e.Values[0])
		if _, asked := r.bases[store.ID(id)]; refers && !asked {
			wanted[store.ID(id)] = true
		}
	}
	for _, id := range slices.Collect(maps.Keys(wanted)) {
		frames, err := d.server.Bases(ctx, []store.ID{id})
		if err != nil {
			return err
		}
		base, err := frame.OpenBase(frame.ID(id), frames[0])
		if r.bases[id] = err != nil; err != nil {
			base = d.push.bases.cache.base(frame.ID(id)) // the object may be whole all the same
		}
		r.known[id] = base
	}
	return nil
}

// isOurs reports whether the elements of an object are those that its record goes with, but
// for its stat: this push may have set that before it was read.
func (d *delivery) isOurs(name string, elements [][]byte, r *readBack) bool {
	rec := d.state.Records[name]
	var base *frame.Base
	if id, refers := frame.BaseOf(elements[store.Contents]); refers {
		base = r.known[store.ID(id)]
	}
	contents, err := readBackDecoder().Decode(elements[store.Contents], base)
	if err != nil || sha256.Sum256(contents) != rec.Sum {
		return false
	}
	sum := md5.Sum(contents)
	words, err := json.Marshal(snapshot.CountsOf(contents))
	if err != nil {
		panic(err) // a struct of integers always marshals
	}
	var stat *snapshot.Stat
	if err := json.Unmarshal(elements[store.Stat], &stat); err != nil {
		return false
	}
	r.stats[name] = statSum(name, stat)
	if r.seen[name], err = strconv.ParseInt(string(elements[store.Time]), 10, 64); err != nil {
		return false
	}
	return string(elements[store.MD5Sum]) == hex.EncodeToString(sum[:]) && string(elements[store.WordCount]) == string(words)
}

// heedReadBack waits for what was read back. What others have replaced is sent anew, and so
// is a base that is damaged.
func (d *offering) heedReadBack() {
	<-d.back.done
	for name, stat := range d.back.stats {
		was, is := d.state.Records[name], d.records[name]
		if stat != was.StatSum && stat != is.StatSum || d.back.seen[name] != was.Seen.Unix() && d.back.seen[name] != is.Seen.Unix() {
			d.back.replaced = append(d.back.replaced, name)
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(d.back.replaced))) {
		d.push.mu.Lock()
		known := d.push.sources[name] != nil
		d.push.mu.Unlock()
		if known && !slices.Contains(d.sent.replaced, name) && !slices.Contains(d.sent.lost, name) {
			d.sent.lost = append(d.sent.lost, name)
			d.sent.foreign = append(d.sent.foreign, name)
		}
	}
	for id, damaged := range d.back.bases {
		if damaged && d.users[id] != nil && !slices.Contains(d.sent.lostBases, id) {
			d.sent.lostBases = append(d.sent.lostBases, id)
		}
	}
}
