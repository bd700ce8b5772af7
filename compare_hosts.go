package sysops

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A HostDifference is one name in which two hosts were compared.
type HostDifference struct {
	Comparison        // of the first host's object with the second's, where both have it
	Name       string // of both objects
	OnlyOn     string // the host that alone has it; empty: both have
}

// CompareHosts compares all that the answer has of two hosts: every name that either
// has, in the order of the names. The answer's pattern must select the objects of both.
// What the index knows to be identical is not fetched. Errors are those of Objects.
func (a *Answer) CompareHosts(ctx context.Context, first, second string, o CompareOptions) iter.Seq2[HostDifference, error] {
	return func(yield func(HostDifference, error) bool) {
		give := func(d HostDifference, err error) bool {
			if err == nil && o.Progress != nil {
				o.Progress()
			}
			return yield(d, err)
		}
		pairs, err := a.pairs(ctx, first, second, &o)
		if err != nil {
			give(HostDifference{}, err)
			return
		}
		next := 0
		settle := func(until int) bool { // with those that need not be read
			for ; next < until; next++ {
				if d, ok := pairs[next].settled(first, second); ok && !give(d, nil) {
					return false
				}
			}
			return true
		}
		for found, err := range a.readPairs(ctx, pairs, &o) {
			if err != nil {
				give(HostDifference{}, err)
				return
			}
			if !settle(found.place) || !give(found.HostDifference, nil) {
				return
			}
			next++
		}
		settle(len(pairs))
	}
}

// A pair is the objects of one name, of two hosts. One of them may be nil.
type pair struct {
	name   string
	of     [2]*target
	unread bool // what it holds must be read to be compared
}

// settled is a pair that need not be read: only one host has it, or both are known to
// be identical. It returns false where it had to be read, and could not be.
func (p *pair) settled(first, second string) (HostDifference, bool) {
	d := HostDifference{Name: p.name}
	switch {
	case p.unread:
		return d, false
	case p.of[1] == nil:
		d.OnlyOn, d.Object.Key = first, p.of[0].key()
	case p.of[0] == nil:
		d.OnlyOn, d.Object.Key = second, p.of[1].key()
	default:
		d.Identical, d.From, d.Object = true, &Object{Key: p.of[0].key()}, Object{Key: p.of[1].key()}
	}
	return d, true
}

// pairs puts the targets of two hosts together, and finds out from the index which of
// them are identical.
func (a *Answer) pairs(ctx context.Context, first, second string, o *CompareOptions) ([]pair, error) {
	byName := make(map[string]*pair)
	var targets []target // of the two: the answer may have other hosts
	for i := range a.targets {
		t := &a.targets[i]
		side := slices.Index([]string{first, second}, t.host.name)
		if side < 0 {
			continue
		}
		p := byName[t.name]
		if p == nil {
			p = &pair{name: t.name}
			byName[t.name] = p
		}
		p.of[side] = t
		targets = append(targets, *t)
	}
	out := make([]pair, 0, len(byName))
	for _, p := range byName {
		p.unread = p.of[0] != nil && p.of[1] != nil
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	if o.Element != Contents {
		return out, nil
	}
	sums := make(map[string]summed) // of the first host
	for s, err := range a.indexedSums(ctx, targets) {
		if err != nil {
			return nil, err
		}
		other, seen := sums[s.name]
		if !seen {
			sums[s.name] = s
			continue
		}
		if s.known && other.known && s.sum == other.sum {
			i, _ := slices.BinarySearchFunc(out, s.name, func(p pair, name string) int { return strings.Compare(p.name, name) })
			out[i].unread = false
		}
	}
	return out, nil
}

// A placedPair is what comparing the pair at a place of a list found.
type placedPair struct {
	HostDifference
	place int
}

// readPairs reads the pairs that have to be, and compares them. One of which an object
// is gone by now, or cannot be read, is left out.
func (a *Answer) readPairs(ctx context.Context, pairs []pair, o *CompareOptions) iter.Seq2[placedPair, error] {
	var targets []target
	var places []int // of the targets in pairs
	for i := range pairs {
		if pairs[i].unread {
			targets = append(targets, *pairs[i].of[0], *pairs[i].of[1])
			places = append(places, i, i)
		}
	}
	placeOf := make(map[*target]int, len(targets))
	for i := range targets {
		placeOf[&targets[i]] = places[i]
	}
	type placedObject struct {
		Object
		place int
	}
	r := reading[placedObject]{goesOn: o.Element == Contents, fetch: a.client.elementsOf(o.elements()), size: unpackedSize}
	r.work = func(it *item) (placedObject, bool, error) {
		obj, err := a.readForComparison(it, o)
		return placedObject{obj, placeOf[it.target]}, err == nil, err
	}
	return func(yield func(placedPair, error) bool) {
		var from *placedObject
		for obj, err := range stream(ctx, a, targets, r) {
			switch {
			case err != nil:
				yield(placedPair{}, fmt.Errorf("cannot compare the hosts: %w", err))
				return
			case from == nil || from.place != obj.place:
				from = &obj
				continue
			}
			c := newComparing(a, &from.Object, *o).compare(&item{}, obj.Object)
			if !yield(placedPair{HostDifference{Comparison: c, Name: obj.Name}, obj.place}, nil) {
				return
			}
		}
	}
}
