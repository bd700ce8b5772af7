package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/store"
)

// findBases finds the bases that frames refer to: in memory, at m, which gave the
// frames, or at a sibling. A base is its SHA-256, so any copy will do. What it does not
// look for, because enough are held already, a worker asks for again.
func (f *fetch) findBases(ctx context.Context, k *coreState, m *member, list []*got) {
	if !f.packed {
		return
	}
	w := wantBases(list)
	if w.remember(f.servers.bases); w.enough() {
		return
	}
	k.basing.Lock() // the rounds under way most often lack the same
	defer k.basing.Unlock()
	w.remember(f.servers.bases)
	order := k.basesFrom(m)
	for i, m := range order {
		if w.enough() {
			return
		}
		f.readBases(ctx, m, w, i < len(order)-1)
	}
	if !w.enough() {
		w.giveUp()
	}
}

// basesFrom returns the members to read bases from: m, its siblings that are up, and
// last those of them that have turned out to be slow.
func (k *coreState) basesFrom(m *member) []*member {
	var quick, slow []*member
	add := func(m *member) {
		if m.slow.Load() {
			slow = append(slow, m)
		} else {
			quick = append(quick, m)
		}
	}
	add(m)
	for _, other := range k.members {
		if other != m && other.err == nil && other.down.Load() == nil {
			add(other)
		}
	}
	return append(quick, slow...)
}

// wantsBase returns the base that the object's frame refers to, if it has still to be
// found.
func (g *got) wantsBase() (id frame.ID, wants bool) {
	if len(g.values) == 0 || g.base != nil || g.noBase != nil {
		return id, false
	}
	return frame.BaseOf(g.values[0])
}

// wantedBases are the bases that the objects of a round refer to and do not have.
type wantedBases struct {
	users map[frame.ID][]*got
	why   map[frame.ID][]error // what was found in place of one, and by whom
	held  int                  // bytes of those that were found
}

// roundBases is how many bytes of bases the objects of one round may hold on to.
const roundBases = 16 << 20

func wantBases(list []*got) *wantedBases {
	w := &wantedBases{users: make(map[frame.ID][]*got), why: make(map[frame.ID][]error)}
	for _, g := range list {
		if id, wants := g.wantsBase(); wants {
			w.users[id] = append(w.users[id], g)
		}
	}
	return w
}

// enough reports whether there is nothing to look for, or no room for it.
func (w *wantedBases) enough() bool { return len(w.users) == 0 || w.held > roundBases }

func (w *wantedBases) give(b *frame.Base) {
	for _, g := range w.users[b.ID] {
		g.base = b
	}
	delete(w.users, b.ID)
	w.held += b.Size()
}

// remember gives what is in memory.
func (w *wantedBases) remember(known *frame.Cache) {
	for id := range w.users {
		if w.enough() {
			return
		}
		if b := known.Get(id); b != nil {
			w.give(b)
		}
	}
}

// giveUp notes at the objects why their bases could not be found.
func (w *wantedBases) giveUp() {
	for id, users := range w.users {
		why := errors.New("no server has it")
		if errs := w.why[id]; len(errs) > 0 {
			why = JoinLine(errs)
		}
		for _, g := range users {
			g.noBase = why
		}
	}
}

// readBases reads bases from m, and keeps those that are what they should be. others:
// there is someone else to ask, so m is not waited for as long.
func (f *fetch) readBases(ctx context.Context, m *member, w *wantedBases, others bool) {
	if others {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, max(SiblingGrace, 2*m.patience()))
		defer cancel()
	}
	var ids []store.ID
	for id := range w.users {
		ids = append(ids, store.ID(id))
	}
	for part := range slices.Chunk(ids, BasesAtOnce) {
		frames, err := m.Bases(ctx, part)
		if err != nil {
			if others && errors.Is(err, store.ErrTimeout) {
				m.slow.Store(true) // the next round need not find that out again
			}
			for id := range w.users {
				w.why[id] = append(w.why[id], err)
			}
			return
		}
		for i, packed := range frames {
			if w.enough() {
				return
			}
			if packed == nil {
				continue
			}
			id := frame.ID(part[i])
			b, err := frame.OpenBase(id, packed)
			if err != nil {
				w.why[id] = append(w.why[id], fmt.Errorf("%s: %w", m.Name(), err))
				continue
			}
			f.servers.bases.Put(b)
			w.give(b)
		}
	}
}

// BasesAtOnce is how many bases are read in one request. So many of the largest are
// less than one reply may be: a few large ones must not keep the others from coming.
const BasesAtOnce = 64
