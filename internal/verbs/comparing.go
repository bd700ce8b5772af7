package verbs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/mask"
)

// Comparing says what is compared of objects, and what of it does not count.
type Comparing struct {
	Element string // contents (also if empty), md5sum, stat, wordcount or time

	// What does not count in contents.
	Mask   []string // regular expressions: what they match on a line, or their groups alone
	Drop   []string // regular expressions: lines that they match
	Set    bool     // the order of lines
	JSON   bool     // how JSON is written, also where the name does not say that it is some
	NoMask bool     // nothing but the above: no rules that are there by default, none of Call.Rules

	element sysops.Element
}

func (c *Comparing) checkElement() (err error) {
	c.element, err = parseElement(c.Element)
	return err
}

func parseElement(name string) (sysops.Element, error) {
	for _, e := range []sysops.Element{sysops.Contents, sysops.MD5Sum, sysops.StatOf, sysops.CountsOf, sysops.TimeOf} {
		if e.String() == name || name == "" {
			return e, nil
		}
	}
	return 0, hint.To(fmt.Errorf("cannot compare element %q", name), "the elements are contents, md5sum, stat, wordcount and time")
}

// checkMasks refuses what cannot be masked.
func (c *Comparing) checkMasks() error {
	if c.element != sysops.Contents && (c.Set || c.JSON || c.NoMask || len(c.Mask)+len(c.Drop) > 0) {
		return &Misuse{Code: "mask element", Params: []string{"element"}, Value: c.element.String(), Err: fmt.Errorf("cannot mask %s: only contents can be", c.element)}
	}
	_, err := mask.New(c.maskOptions())
	return err
}

func (c *Comparing) maskOptions() mask.Options {
	return mask.Options{Mask: c.Mask, Drop: c.Drop, Set: c.Set, JSON: c.JSON}
}

// masks are those of the verb and, without NoMask, those by default and of the site.
func (c *Comparing) masks(call *Call) (*mask.Set, error) {
	o := c.maskOptions()
	if !c.NoMask {
		o.Rules = slices.Concat(mask.Default(), call.Rules)
	}
	return mask.New(o)
}

// changeFields say how much differs.
func changeFields(c *sysops.Comparison) []output.Field {
	removed, added, coarse := 0, 0, false
	if c.Diff != nil {
		removed, added = c.Diff.Changes()
		coarse = c.Diff.Coarse
	}
	return output.Fields("binary", c.Binary, "removed", removed, "added", added, "coarse", coarse)
}

// warnCoarse says of a difference that is shown that it is not the smallest one.
func (call *Call) warnCoarse(c *sysops.Comparison, context int) {
	if c.Diff != nil && c.Diff.Coarse && unshown(c, context) == nil {
		call.tell(Note{Warning: true, Text: fmt.Sprintf("what differs in %s is shown coarsely: it is too large, or too different, for the smallest difference", c.Key)})
	}
}

// identicalObjects says how many objects are identical, and how many of them only in
// the form in which they are compared.
func identicalObjects(n, masked int) string {
	if masked == 0 {
		return fmt.Sprintf("%d identical", n)
	}
	return fmt.Sprintf("%d identical (%d but for what is masked)", n, masked)
}

func nothingToCompare(p sysops.Pattern) error {
	return hint.For(fmt.Errorf("cannot compare anything: nothing matches %s", p), hint.NothingMatches)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// rounded is a share, for programs.
func rounded(share float64) float64 { return math.Round(1e6*share) / 1e6 }

// onlyObject reads the one object that a query selects. What it rests on goes into the
// outcome.
func (c *Call) onlyObject(ctx context.Context, o *Outcome, query sysops.Query, element sysops.Element) (*sysops.Object, error) {
	query.CheckKeys = true
	answer, err := c.Client.Ask(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := answer.Close(ctx); err != nil && ctx.Err() == nil {
			o.Warnings = append(o.Warnings, err)
		}
	}()
	if answer.Len() != 1 {
		return nil, notOne(query.Pattern, answer)
	}
	var from *sysops.Object
	for obj, err := range answer.Objects(ctx, slices.Compact([]sysops.Element{element, sysops.TimeOf})...) {
		if err != nil {
			return nil, err
		}
		from = &obj
	}
	o.From = answer.Completeness()
	if from == nil {
		return nil, notRead(query.Pattern, o.From)
	}
	return from, nil
}

// notRead says why the object with which others were to be compared is not there.
func notRead(p sysops.Pattern, c *sysops.Completeness) error {
	if len(c.Unreadable) == 0 {
		return fmt.Errorf("cannot compare with what matches %s: it is gone", p)
	}
	return hint.To(fmt.Errorf("cannot compare with what matches %s: it is unreadable: %s", p, c.Unreadable[0].Reason),
		"the host's next push repairs the object")
}

// namedKeys is how many keys are named of those that match and should not.
const namedKeys = 3

func notOne(p sysops.Pattern, answer *sysops.Answer) error {
	if answer.Len() == 0 {
		return nothingToCompare(p)
	}
	var keys []string
	for key := range answer.Keys() {
		if keys = append(keys, key.String()); len(keys) == namedKeys {
			break
		}
	}
	more := ""
	if n := answer.Len() - len(keys); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return hint.To(fmt.Errorf("cannot compare with %s: it matches %d objects, and must match one: %s%s", p, answer.Len(), strings.Join(keys, ", "), more),
		"name the host too: host#name")
}
