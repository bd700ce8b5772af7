package lines

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/mask"
)

// DeviationOptions say which lines are told, and in which form lines are compared.
type DeviationOptions struct {
	Form     *mask.Form
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

	targets []extract.Target // of the name
	members *members         // of targets
}

// Hosts returns the first most hosts of the objects that deviate, in order; 0: all.
func (d *Deviation) Hosts(most int) []string {
	n := d.Count
	if most > 0 {
		n = min(n, most)
	}
	out := make([]string, 0, n)
	for at := range d.members.all {
		host := d.targets[at].Host()
		if len(out) == 0 || out[len(out)-1] != host {
			out = append(out, host)
		}
		if len(out) == most {
			break
		}
	}
	return out
}

// everyLine is matched by every line.
var everyLine = sync.OnceValues(func() (*frame.Expr, error) { return frame.Compile("", frame.ExprOptions{}) })

// DeviationsOf finds the lines in which objects of one name, which the targets are, differ
// from most others. What objects have of a base in common is counted once for all of them.
// Errors are those of CountAll.
func DeviationsOf(ctx context.Context, p *extract.Pass, targets []extract.Target, o DeviationOptions) (Deviations, error) {
	every, err := everyLine()
	if err != nil {
		return Deviations{}, err
	}
	budget := &lineBudget{}
	c := &census{targets: targets, perWorker: perWorker[enumerator]{fresh: func() *enumerator { return newEnumerator(o.Form, budget) }}}
	places := make(map[*extract.Target]uint32, len(targets))
	for i := range targets {
		places[&targets[i]] = uint32(i)
	}
	read := extract.Search(p, every, frame.SearchOptions{}, func(it *extract.Item, found *frame.Found) (none struct{}, err error) {
		if !found.Binary {
			if err := fits(found); err != nil {
				return none, err
			}
		}
		e := c.take()
		e.add(found, places[it.Target])
		c.put(e)
		return none, nil
	})
	if o.Form.JSON() { // the lines that count are not those of frames
		read = extract.Reading[struct{}]{Elements: []extract.Element{extract.Contents}, Work: func(it *extract.Item) (none struct{}, keep bool, err error) {
			contents, err := it.Contents()
			if err != nil {
				return none, false, fmt.Errorf("cannot read its contents: %w", err)
			}
			e := c.take()
			defer c.put(e)
			it.Hold(0)
			err = e.addContents(contents, places[it.Target])
			return none, err == nil, err
		}}
	}
	for _, err := range extract.Stream(ctx, p, targets, read) {
		if err = cmp.Or(err, budget.err()); err != nil {
			return Deviations{}, err
		}
		if o.Progress != nil {
			o.Progress()
		}
	}
	return c.sum(o.Most), nil
}
