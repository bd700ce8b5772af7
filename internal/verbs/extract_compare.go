package verbs

import (
	"context"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// ExtractDiff tells how objects differ from one, as the original's --compare does.
type ExtractDiff struct {
	Search  string // selects the one object, on all hosts
	Compare string // selects those that are compared with it
	Element string // as Comparing's

	from, to sysops.Pattern
	element  sysops.Element
}

// Check reads the searches.
func (x *ExtractDiff) Check() (err error) {
	if x.from, err = parseSearch(x.Search); err != nil {
		return err
	}
	if x.to, err = parseSearch(x.Compare); err != nil {
		return err
	}
	x.element, err = parseElement(x.Element)
	return err
}

// Columns are none.
func (*ExtractDiff) Columns() []output.Field { return nil }

// Run yields a row an object that differs.
func (x *ExtractDiff) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, x.to, func(a *sysops.Answer) error {
		o.Matched = a.Len()
		call.tell(Note{Text: fmt.Sprintf("%d keys match", a.Len())})
		query := sysops.Query{Pattern: x.from, Where: sysops.Where{Scope: call.Query.Scope, Site: call.Query.Site}, Caller: call.Query.Caller}
		from, err := call.onlyObject(ctx, o, query, x.element)
		if err != nil {
			return err
		}
		call.tell(Note{Text: fmt.Sprintf("comparing %s with %d objects", keyText(from.Key), a.Len())})
		different, identical := 0, 0
		for c, err := range a.Compare(ctx, from, sysops.CompareOptions{Element: x.element}) {
			switch {
			case err != nil:
				return err
			case c.Identical:
				identical++
				continue
			}
			different++
			if err := call.emitUnified(&c); err != nil {
				return err
			}
		}
		call.tell(Note{Text: fmt.Sprintf("%d objects differ, %d identical", different, identical)})
		o.Differs = different > 0
		return nil
	})
}

// emitUnified yields how objects differ, as the original does.
func (c *Call) emitUnified(found *sysops.Comparison) error {
	return c.Emit(output.Row{Text: unifiedText(found, c.label, DefaultContext)})
}

// label names an object and, where every server is asked, the server that it is of.
func (c *Call) label(o *sysops.Object) string {
	named := *o
	if c.Query.EveryServer {
		named.Name = o.Name + "@" + o.Server
	}
	return objectLabel(&named)
}

// ExtractVariants groups objects by what they hold, and tells how every two groups differ,
// as the original's --compare-all does: objects of all names are grouped together.
type ExtractVariants struct {
	Search  string
	Element string // as Comparing's
	Hosts   bool   // the hosts of each group

	pattern sysops.Pattern
	element sysops.Element
}

// Check reads the search.
func (x *ExtractVariants) Check() (err error) {
	if x.pattern, err = parseSearch(x.Search); err != nil {
		return err
	}
	x.element, err = parseElement(x.Element)
	return err
}

// Columns are none.
func (*ExtractVariants) Columns() []output.Field { return nil }

// A group as text is how many objects have it, the digest of what they hold, and one of
// them.
var extractGroupTable = &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {}, {Gap: "  "}}}

// Run yields a row a group, the largest first, then one for every two.
func (x *ExtractVariants) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, x.pattern, func(a *sysops.Answer) error {
		o.Matched = a.Len()
		call.tell(Note{Text: fmt.Sprintf("%d keys match", a.Len())})
		variants, err := a.Variants(ctx, sysops.VariantOptions{Element: x.element})
		if err != nil || len(variants) == 0 {
			return err
		}
		if len(variants) == 1 {
			return call.say("%s: identical everywhere, in %s such as %s\n", x.element, counted(variants[0].Count, "object"), keyText(variants[0].Example))
		}
		o.Differs = true
		for i := range variants {
			if err := x.emit(call, &variants[i]); err != nil {
				return err
			}
		}
		if len(variants) > mostPairs {
			return tooManyPairs(len(variants), hint.TooManyGroups)
		}
		p := &pairing{
			answer: a, variants: variants,
			emit: func(_, _ int, c *sysops.Comparison) error {
				if err := call.say("\n"); err != nil {
					return err
				}
				return call.emitUnified(c)
			},
			moved: func(key sysops.Key) {
				left := leftOutVariant(key)
				o.leaveOut(left)
				call.tell(Note{Warning: true, Text: fmt.Sprintf("%s is left out: %s", left.Key, left.Reason)})
			},
		}
		return p.everyTwo(ctx)
	})
}

func (x *ExtractVariants) emit(call *Call, v *sysops.Variant) error {
	if err := call.Emit(output.Row{Table: extractGroupTable, Cells: output.Cells(fmt.Sprint(v.Count), v.Sum, keyText(v.Example))}); err != nil || !x.Hosts {
		return err
	}
	for _, h := range v.Hosts() {
		if err := call.say("        %s\n", h); err != nil {
			return err
		}
	}
	return nil
}
