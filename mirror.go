package sysops

import (
	"cmp"
	"context"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// A Version is what the index says of an object: enough to tell whether it has
// changed, without reading it.
type Version struct {
	Key
	Site, Core string

	// Known: the index has the rest. It has not of what something else than our
	// publisher wrote.
	Known bool
	Sum   [sha256.Size]byte // SHA-256 of the contents
	Stat  uint64            // digest of mode, owner, size and, outside /proc and /sys, mtime
}

// ObjectsByName is Objects in another order, that of names and of the hosts within
// each: what hosts have in common comes together. wanted, unless it is nil, is called
// with the version of each object of a name, in order, before the first of the name's
// objects is read; those that it returns false for are not read. It is called by one
// goroutine, not while the loop's body runs. Errors are those of Objects.
func (a *Answer) ObjectsByName(ctx context.Context, wanted func(Version) bool, elements ...Element) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		goesOn := false
		for targets := range a.eachName() {
			if wanted != nil {
				var err error
				if targets, err = a.wantedOf(ctx, targets, goesOn, wanted); err != nil {
					yield(Object{}, err)
					return
				}
			}
			r := readingOf(a, elements, func(_ *item, o *Object) Object { return *o })
			r.goesOn = goesOn || wanted != nil
			for o, err := range stream(ctx, a, targets, r) {
				if !yield(o, err) || err != nil {
					return
				}
			}
			goesOn = true
		}
	}
}

// eachName returns the targets of each name, in the order of the names and, within each,
// of the hosts.
func (a *Answer) eachName() iter.Seq[[]target] {
	return func(yield func([]target) bool) {
		rest := slices.Clone(a.targets)
		slices.SortFunc(rest, func(x, y target) int {
			return cmp.Or(strings.Compare(x.name, y.name), strings.Compare(x.host.name, y.host.name), strings.Compare(x.core.core, y.core.core))
		})
		for len(rest) > 0 {
			n := 1
			for n < len(rest) && rest[n].name == rest[0].name {
				n++
			}
			if !yield(rest[:n:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// A versioned is an object and its version.
type versioned struct {
	*target
	Version
}

// wantedOf returns the targets whose versions are wanted.
func (a *Answer) wantedOf(ctx context.Context, targets []target, goesOn bool, wanted func(Version) bool) ([]target, error) {
	read := reading[versioned]{goesOn: goesOn, fetch: a.client.records(), size: smallSize, work: func(it *item) (versioned, bool, error) {
		v := Version{Key: it.key(), Site: it.core.site, Core: it.core.core}
		var r store.Record
		if r, v.Known = store.ParseRecord(it.values[0]); v.Known {
			v.Sum, v.Stat = r.Sum, r.StatSum
		}
		return versioned{it.target, v}, true, nil
	}}
	var out []target
	for v, err := range stream(ctx, a, targets, read) {
		if err != nil {
			return nil, err
		}
		if wanted(v.Version) {
			out = append(out, *v.target)
		}
	}
	return out, nil
}

// Gone reports whether the answer proves that an object, which core had of its host,
// is no more in that site: it would be in the answer, and is not. It proves nothing
// where any core is left out or short of hosts, where core was not asked, and of hosts
// that are missing or older than Query.MaxAge. Nor does it of hosts that push as the
// original did: nothing tells an object of theirs that is gone from one that has expired.
func (a *Answer) Gone(site, core string, key Key) bool {
	if !a.sel.key(key) || !a.query.narrow(key.Host) {
		return false
	}
	var k *coreState
	for _, one := range a.cores {
		if one.err != nil || one.partial != nil || one.short > 0 {
			return false
		}
		if one.place == (place{site, core}) {
			k = one
		}
	}
	if k == nil {
		return false
	}
	switch h := k.hosts.get(key.Host); {
	case h == nil:
		if slices.ContainsFunc(k.left(), func(m *member) bool { return len(m.scanned) > 0 }) {
			return false
		}
	case !h.owned: // it has moved to another core
	case h.pushed.IsZero(), !h.live(time.Now()), !h.wanted:
		return false
	}
	at, _ := slices.BinarySearchFunc(a.targets, key, func(t target, key Key) int { return t.key().Compare(key) })
	for ; at < len(a.targets) && a.targets[at].key() == key; at++ {
		if a.targets[at].core.site == site {
			return false
		}
	}
	return true
}
