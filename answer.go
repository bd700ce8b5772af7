package sysops

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/naming"
)

// An Answer is the result of a Query: which objects there are, the means to read
// them, and how complete that is. What cannot be read is not in its sequences: whoever
// takes an answer for the whole looks at Completeness.Partial when they have ended. Its sequences may be run more than once, not
// concurrently. Close it.
type Answer struct {
	client *Client
	query  Query
	survey *extract.Survey
	pass   *extract.Pass // the reading that Completeness is about
	closed *Completeness // what it was when the answer was closed; nil: it is not
}

// Len returns how many objects the query selects.
func (a *Answer) Len() int { return len(a.survey.Targets()) }

// Keys returns the keys of the objects, in order. With Query.EveryServer a key
// comes once for each server, whose name (host:port/db) is the second value;
// otherwise the second value is empty.
func (a *Answer) Keys() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		targets := a.survey.Targets()
		for i := range targets {
			server := ""
			if a.query.EveryServer {
				server = targets[i].Server()
			}
			if !yield(Key(targets[i].Key()), server) {
				return
			}
		}
	}
}

// A NameCount is a name and how many of the answer's hosts hold it.
type NameCount struct {
	Name  string `json:"name"`
	Hosts int    `json:"hosts"`
}

// Names returns the names in the answer, sorted.
func (a *Answer) Names() []NameCount {
	counts := make(map[string]int)
	targets := a.survey.Targets()
	for i := range targets {
		counts[targets[i].Name()]++
	}
	out := make([]NameCount, 0, len(counts))
	for name, n := range counts {
		out = append(out, NameCount{name, n})
	}
	slices.SortFunc(out, func(x, y NameCount) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Objects reads the given elements of every object (the contents, if none is
// given), and returns the objects in key order. Reading goes on in the
// background while an object is used, within bounded memory; to break off the
// loop ends it. An object of which no server has a good copy, or which is larger
// than Options.MaxObject, is left out, and Completeness tells it. After an error
// the sequence ends: ErrIncomplete where a core went down and the query does not
// allow an answer without it, the context's error where ctx ended.
func (a *Answer) Objects(ctx context.Context, elements ...Element) iter.Seq2[Object, error] {
	return extract.Stream(ctx, a.read(), a.survey.Targets(), readingOf(elements, func(o *Object) Object { return *o }))
}

// mostVerified is how many objects are read to verify what is said of them, where reading
// all of a fleet's would take ten times as long as the answer.
const mostVerified = 500

// MD5Sums reads the MD5 sum of every object, in key order, and verifies it: that of each with
// its contents or, of more than 500 objects, those of 500 that are drawn anew each time. An
// object whose contents are others is unreadable. Errors are those of Objects.
func (a *Answer) MD5Sums(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		pass, targets := a.read(), a.survey.Targets()
		verifying := objectReading([]Element{Contents, MD5Sum}, func(it *extract.Item, o *Object) (Object, bool, error) {
			o.Contents = nil
			it.Hold(0)
			return *o, true, nil
		})
		if len(targets) > mostVerified {
			var drawn []extract.Target
			for _, i := range slices.Sorted(slices.Values(rand.Perm(len(targets))[:mostVerified])) {
				drawn = append(drawn, targets[i])
			}
			good := make(map[Key]bool)
			for o, err := range extract.Stream(ctx, pass, drawn, verifying) {
				if err != nil {
					yield(Object{}, err)
					return
				}
				good[o.Key] = true
			}
			bad := make(map[Key]bool)
			for i := range drawn {
				key := Key(drawn[i].Key())
				bad[key] = !good[key]
			}
			targets = slices.DeleteFunc(slices.Clone(targets), func(t extract.Target) bool { return bad[Key(t.Key())] })
			verifying = objectReading([]Element{MD5Sum}, func(_ *extract.Item, o *Object) (Object, bool, error) {
				return *o, true, nil
			})
		}
		for o, err := range extract.Stream(ctx, pass, targets, verifying) {
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// A Mapped is an object, without what was read of it, and what Make made of that.
type Mapped[T any] struct {
	Object
	Value T
}

// Map reads elements of every object (its contents, where none is named), has work
// make something of each, by all CPUs at once, and returns the results in key order:
// the objects of a host follow each other. work must neither change the object nor
// keep its contents: what it needs of them, it copies. Errors are those of Objects.
func Map[T any](ctx context.Context, a *Answer, work func(*Object) T, elements ...Element) iter.Seq2[Mapped[T], error] {
	return extract.Stream(ctx, a.read(), a.survey.Targets(), readingOf(elements, func(o *Object) Mapped[T] {
		return Mapped[T]{Object{Key: o.Key, Site: o.Site, Core: o.Core, Server: o.Server}, work(o)}
	}))
}

// A Recorded is what the index says of an object: enough to tell whether it has
// changed, without reading it.
type Recorded struct {
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
func (a *Answer) ObjectsByName(ctx context.Context, wanted func(Recorded) bool, elements ...Element) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		pass := a.read()
		for targets := range a.survey.ByName() {
			if wanted != nil {
				var err error
				if targets, err = wantedOf(ctx, pass, targets, wanted); err != nil {
					yield(Object{}, err)
					return
				}
			}
			for o, err := range extract.Stream(ctx, pass, targets, readingOf(elements, func(o *Object) Object { return *o })) {
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	}
}

// A versioned is an object and its version.
type versioned struct {
	*extract.Target
	Recorded
}

// wantedOf returns the targets whose versions are wanted.
func wantedOf(ctx context.Context, pass *extract.Pass, targets []extract.Target, wanted func(Recorded) bool) ([]extract.Target, error) {
	read := extract.Reading[versioned]{Work: func(it *extract.Item) (versioned, bool, error) {
		v := Recorded{Key: Key(it.Key())}
		v.Site, v.Core = it.Place()
		if r, known := it.Record(); known {
			v.Known, v.Sum, v.Stat = true, r.Sum, r.StatSum
		}
		return versioned{it.Target, v}, true, nil
	}}
	var out []extract.Target
	for v, err := range extract.Stream(ctx, pass, targets, read) {
		if err != nil {
			return nil, err
		}
		if wanted(v.Recorded) {
			out = append(out, *v.Target)
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
	return a.pass.Gone(site, core, naming.Key(key))
}

// read begins to read the objects anew.
func (a *Answer) read() *extract.Pass {
	a.pass = a.survey.NewPass()
	return a.pass
}

// Completeness says what the answer rests on. It is final once the answer has
// been read to its end, or closed.
func (a *Answer) Completeness() *Completeness {
	if a.closed != nil {
		return a.closed
	}
	return completenessOf(a.pass)
}

// Close records the query at the servers that were asked, and publishes it. Its
// error tells where that was refused (a replica, an ACL); it takes nothing from
// the answer.
func (a *Answer) Close(ctx context.Context) error {
	a.closed = a.Completeness() // what servers do from now on is not about the answer
	entry, err := a.record()
	if err != nil {
		return fmt.Errorf("cannot describe the query for the record: %w", err)
	}
	return a.survey.Record(ctx, entry)
}
