package sysops

import (
	"cmp"
	"context"
	"iter"
	"sync"

	"github.com/sysops-api/sysops-api/internal/codec"
)

// DeviationOptions say which lines are told, and in which form lines are compared.
type DeviationOptions struct {
	Masks    *Masks // the form; nil: lines count as they are
	Most     int    // leave out lines in which more objects than these deviate; 0: none
	Progress func() // called after each object, by one goroutine at a time; nil: not
}

// Deviations are the lines in which objects of a name differ from most of them. Each line
// counts by itself, wherever it stands and however often an object has it: objects of
// which each differs from each other as a whole are often alike but for a few lines.
type Deviations struct {
	Name    string
	Objects int         // of the name, without Binary
	Binary  int         // others, which have NUL bytes: their lines are not looked at
	Common  int         // lines that all Objects have
	LeftOut int         // lines that DeviationOptions.Most leaves out
	Lines   []Deviation // the most frequent first, equally frequent ones in their own order
}

// A Deviation is a line that some objects of a name have, and some have not.
type Deviation struct {
	Line    []byte // without its newline, in the form in which lines are compared; must not be changed
	Lacking bool   // most objects have the line, and those that deviate lack it; else they have it
	Count   int    // how many objects deviate: half of them at most
	Of      int    // of how many

	targets []target // of the name
	members *members // of targets
}

// Share returns which part of the objects deviates, from 0 to 0.5.
func (d *Deviation) Share() float64 { return float64(d.Count) / float64(d.Of) }

// Hosts returns the first most hosts of the objects that deviate, in order; 0: all.
func (d *Deviation) Hosts(most int) []string {
	n := d.Count
	if most > 0 {
		n = min(n, most)
	}
	out := make([]string, 0, n)
	for at := range d.members.all {
		host := d.targets[at].host.name
		if len(out) == 0 || out[len(out)-1] != host {
			out = append(out, host)
		}
		if len(out) == most {
			break
		}
	}
	return out
}

// Deviations finds the lines in which objects differ from most others of their name, one
// name after the other: memory is bounded by what there is of one name. What objects
// have of a base in common is counted once for all of them. Errors are those of CountLines.
func (a *Answer) Deviations(ctx context.Context, o DeviationOptions) iter.Seq2[Deviations, error] {
	return func(yield func(Deviations, error) bool) {
		goesOn := false
		for targets := range a.eachName() {
			found, err := a.deviationsOf(ctx, targets, goesOn, &o)
			if !yield(found, err) || err != nil {
				return
			}
			goesOn = true
		}
	}
}

// everyLine is matched by every line.
var everyLine = sync.OnceValues(func() (*Expr, error) { return CompileExpr("", GrepOptions{}) })

// deviationsOf compares the objects of one name.
func (a *Answer) deviationsOf(ctx context.Context, targets []target, goesOn bool, o *DeviationOptions) (Deviations, error) {
	form, err := o.Masks.form(targets[0].name)
	if err != nil {
		return Deviations{}, err
	}
	every, err := everyLine()
	if err != nil {
		return Deviations{}, err
	}
	budget := &lineBudget{}
	c := &census{targets: targets, crew: crew[enumerator]{hire: func() *enumerator { return newEnumerator(form, budget) }}}
	places := make(map[*target]uint32, len(targets))
	for i := range targets {
		places[&targets[i]] = uint32(i)
	}
	read := searching(a, every, func(it *item, found *codec.Found) struct{} {
		e := c.take()
		e.add(found, places[it.target])
		c.put(e)
		return struct{}{}
	})
	if form.JSON() { // the lines that count are not those of frames
		read = readingOf(a, nil, func(it *item, o *Object) struct{} {
			e := c.take()
			e.addContents(o.Contents, places[it.target])
			c.put(e)
			it.held = 0
			return struct{}{}
		})
	}
	read.goesOn = goesOn
	for _, err := range stream(ctx, a, targets, read) {
		if err = cmp.Or(err, budget.err()); err != nil {
			return Deviations{}, err
		}
		if o.Progress != nil {
			o.Progress()
		}
	}
	return c.sum(o.Most), nil
}
