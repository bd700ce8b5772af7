package sysops

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/codec"
	"github.com/sysops-api/sysops-api/internal/store"
)

// An Answer is the result of a Query: which objects there are, the means to read
// them, and how complete that is. Its sequences may be run more than once, not
// concurrently. Close it.
type Answer struct {
	client  *Client
	query   Query
	sel     selection // what query.Pattern means
	cores   []*coreState
	targets []target // in key order
	began   time.Time

	complete Completeness       // the counts; the rest is filled in when it is asked for
	unread   map[*hostState]int // objects that the last reading could not read
	done     *Completeness      // what complete was when the answer was closed
	ended    time.Time          // when the last reading did; zero: none has
	cost     costs
	traffic  map[*member]store.Traffic // when the query began
}

// Len returns how many objects the query selects.
func (a *Answer) Len() int { return len(a.targets) }

// Keys returns the keys of the objects, in order. With Query.EveryServer a key
// comes once for each server, whose name (host:port/db) is the second value;
// otherwise the second value is empty.
func (a *Answer) Keys() iter.Seq2[Key, string] {
	return func(yield func(Key, string) bool) {
		for i := range a.targets {
			t := &a.targets[i]
			server := ""
			if a.query.EveryServer {
				server = t.server().Name()
			}
			if !yield(t.key(), server) {
				return
			}
		}
	}
}

// server returns the first member that can have the target.
func (t *target) server() *member {
	for _, m := range t.core.members {
		if t.servers&m.bit != 0 {
			return m
		}
	}
	return nil
}

// A NameCount is a name and how many of the answer's hosts hold it.
type NameCount struct {
	Name  string `json:"name"`
	Hosts int    `json:"hosts"`
}

// Names returns the names in the answer, sorted.
func (a *Answer) Names() []NameCount {
	counts := make(map[string]int)
	for i := range a.targets {
		counts[a.targets[i].name]++
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
// loop ends it. After an error the sequence ends: ErrIncomplete where a core
// went down or an object is unreadable and the query does not allow a partial
// answer, the context's error where ctx ended.
func (a *Answer) Objects(ctx context.Context, elements ...Element) iter.Seq2[Object, error] {
	return stream(ctx, a, a.targets, readingOf(a, elements, func(_ *item, o *Object) Object { return *o }))
}

// readingOf is a reading of elements that makes something of each object.
func readingOf[T any](a *Answer, elements []Element, work func(*item, *Object) T) reading[T] {
	if len(elements) == 0 {
		elements = []Element{Contents}
	}
	wire := make([]int, len(elements))
	for i, e := range elements {
		wire[i] = int(e)
	}
	slices.Sort(wire) // the contents first: their size governs the pace
	size := smallSize
	if wire[0] == int(Contents) {
		size = unpackedSize
	}
	return reading[T]{fetch: a.client.elementsOf(wire), size: size, work: func(it *item) (v T, keep bool, err error) {
		o, err := a.client.object(it, wire)
		if err != nil {
			return v, false, err
		}
		a.cost.add(it.from, len(it.values[0]), len(o.Contents))
		return work(it, &o), true, nil
	}}
}

// A Made is an object, without what was read of it, and what Make made of that.
type Made[T any] struct {
	Object
	Value T
}

// Make reads elements of every object (its contents, where none is named), has work
// make something of each, by all CPUs at once, and returns the results in key order:
// the objects of a host follow each other. work must neither change the object nor
// keep its contents: what it needs of them, it copies. Errors are those of Objects.
func Make[T any](ctx context.Context, a *Answer, work func(*Object) T, elements ...Element) iter.Seq2[Made[T], error] {
	return stream(ctx, a, a.targets, readingOf(a, elements, func(_ *item, o *Object) Made[T] {
		return Made[T]{Object{Key: o.Key, Site: o.Site, Core: o.Core, Server: o.Server}, work(o)}
	}))
}

// Expr is a compiled expression for Answer.Grep. It is safe for concurrent use.
type Expr struct {
	x *codec.Expr
	o GrepOptions
}

// GrepOptions are the switches of grep(1).
type GrepOptions struct {
	Fixed        bool // -F: the expression is text, not a regular expression
	IgnoreCase   bool // -i
	Word         bool // -w: no word character on either side of the match
	Invert       bool // -v: lines that do not match
	OnlyMatching bool // -o: each non-empty match, in place of its line
	Group        bool // with OnlyMatching: the first capture group, where there is one, in place of the match
	Text         bool // -a: search contents with NUL bytes like text
	CountOnly    bool // -c, -l, -L: Match.Lines stays empty
	MaxCount     int  // -m: no more than the first so many lines of an object; 0: all
}

// CompileExpr reads a regular expression in Go's syntax, or text with Fixed.
func CompileExpr(expr string, o GrepOptions) (*Expr, error) {
	x, err := codec.Compile(expr, codec.ExprOptions{
		Fixed: o.Fixed, IgnoreCase: o.IgnoreCase, Word: o.Word, Invert: o.Invert, OnlyMatching: o.OnlyMatching, Group: o.Group,
	})
	if err != nil {
		return nil, hinted(err, "the syntax is that of Go's regexp (RE2); -F searches for the text itself")
	}
	return &Expr{x, o}, nil
}

// Spans returns where on a line the expression matches, as start and end: for
// highlighting. Of an expression compiled with Invert it returns what does not
// belong to the answer.
func (e *Expr) Spans(line []byte) [][2]int { return e.x.Spans(line) }

// sliceBytes is what a slice needs beside what it points to.
const sliceBytes = 24

// A Match is what Grep found in one object.
type Match struct {
	Object
	Lines  [][]byte // without their newline; must not be changed: others may have the same
	Count  int      // how many lines (or matches, with OnlyMatching)
	Binary bool     // the object holds NUL bytes: Lines is empty unless Text is set
}

// Grep searches the contents of every object, and returns one Match for each,
// in key order, those without a matching line included. A line excludes its
// newline and is matched alone. Its errors are those of Objects.
func (a *Answer) Grep(ctx context.Context, expr *Expr) iter.Seq2[Match, error] {
	return stream(ctx, a, a.targets, searching(a, expr, func(it *item, found *codec.Found) Match {
		m := Match{
			Object: Object{Key: it.key(), Site: it.core.site, Core: it.core.core, Server: it.from.Name()},
			Count:  found.Count, Binary: found.Binary && !expr.o.Text,
		}
		if m.Binary || expr.o.CountOnly {
			return m
		}
		for i := range found.Runs {
			if r := &found.Runs[i]; r.Hits != nil {
				m.Lines = append(m.Lines, r.Hits.Parts[r.From:r.To]...)
			} else {
				m.Lines = append(m.Lines, bytes.Clone(r.Part))
				it.held += len(r.Part)
			}
		}
		it.held += sliceBytes * len(m.Lines)
		return m
	}))
}

// searching is a reading that searches objects, and has see make something of what is
// found in each. found is valid until see returns; see is called by all CPUs at once.
func searching[T any](a *Answer, expr *Expr, see func(it *item, found *codec.Found) T) reading[T] {
	search := codec.NewSearch(expr.x, a.client.decoder, expr.o.MaxCount)
	scanners := sync.Pool{New: func() any { return search.NewScanner() }}
	return reading[T]{
		fetch: a.client.elementsOf([]int{int(Contents)}), size: searchedSize,
		work: func(it *item) (v T, keep bool, err error) {
			scanner, _ := scanners.Get().(*codec.Scanner)
			defer scanners.Put(scanner)
			found, err := scanner.Frame(it.values[0], it.base)
			if err != nil {
				return v, false, fmt.Errorf("cannot read its contents: %w", err)
			}
			a.cost.add(it.from, len(it.values[0]), found.Length)
			return see(it, found), true, nil
		},
	}
}

// Completeness says what the answer rests on. It is final once the answer has
// been read to its end, or closed.
func (a *Answer) Completeness() *Completeness {
	if a.done != nil {
		return a.done
	}
	for _, list := range []*[]string{&a.complete.Stale, &a.complete.Missing, &a.complete.Lacking} {
		if *list == nil {
			*list = []string{} // programs that read the JSON loop over it
		}
	}
	a.complete.Cores = a.coreReports()
	a.complete.Took = time.Since(a.began)
	if !a.ended.IsZero() {
		a.complete.Took = a.ended.Sub(a.began)
	}
	return &a.complete
}

// Close records the query at the servers that were asked, and publishes it. Its
// error tells where that was refused (a replica, an ACL); it takes nothing from
// the answer.
func (a *Answer) Close(ctx context.Context) error {
	a.done = a.Completeness() // what servers do from now on is not about the answer
	entry, err := a.record()
	if err != nil {
		return fmt.Errorf("cannot describe the query for the record: %w", err)
	}
	refused := make([][]error, len(a.cores))
	var wg sync.WaitGroup
	for i, k := range a.cores {
		wg.Go(func() {
			ask(ctx, k, quick,
				func(ctx context.Context, m *member) (error, error) {
					if m.down.Load() != nil || m.slow.Load() {
						return nil, nil
					}
					return m.Record(ctx, entry), nil
				},
				func(_ *member, err error) {
					if err != nil {
						refused[i] = append(refused[i], err)
					}
				})
		})
	}
	wg.Wait()
	if all := slices.Concat(refused...); len(all) > 0 {
		return fmt.Errorf("cannot record the query: %w", joinLine(all))
	}
	return nil
}
