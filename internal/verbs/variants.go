package verbs

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Variants tells which variants there are of objects, each name by itself, and how they
// differ.
type Variants struct {
	Pattern string
	Comparing
	Style

	Pairs bool // how every two differ, not only each from the most common one
	Brief bool // no differences
	Fold  bool // the hosts as one expression
	Limit int  // of each name, so many variants, the most common ones; 0: all

	pattern sysops.Pattern
}

// Check reads the pattern.
func (v *Variants) Check() error {
	if v.Pairs && v.Brief {
		return moot("variants pairs", "brief", "cannot tell how every two variants differ, and not tell it")
	}
	if err := v.Style.Check(); err != nil {
		return err
	}
	if err := v.checkElement(); err != nil {
		return err
	}
	if err := v.checkMasks(); err != nil {
		return err
	}
	var err error
	v.pattern, err = sysops.ParsePattern(v.Pattern)
	return err
}

// Columns are the variant, how often it is there and, with Fold, where. Its differences,
// which rows for programs have, too, are nothing to sort by.
func (v *Variants) Columns() []output.Field {
	return v.fields(0, &sysops.Variant{Of: 1})
}

func (v *Variants) fields(number int, variant *sysops.Variant) []output.Field {
	fields := output.Fields(
		"name", variant.Name,
		"variant", number,
		"count", variant.Count,
		"share", rounded(variant.Share()),
		"contents", variant.Sums,
		"sha256", variant.Sum,
		"example", variant.Example.String(),
	)
	if v.Fold {
		fields = append(fields, foldFields(variant.Hosts())...)
	}
	return fields
}

// Run yields, of one name after the other, a row a variant, the most common one first. The
// limit is one for each name.
func (v *Variants) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, v.pattern, func(a *sysops.Answer) error {
		if a.Len() == 0 {
			return nothingToCompare(v.pattern)
		}
		masks, err := v.masks(call)
		if err != nil {
			return err
		}
		o.Matched = a.Len()
		bar := call.stage(Stage{What: "objects", Total: a.Len()})
		all, err := a.Variants(ctx, sysops.VariantOptions{Element: v.element, ByName: true, Masks: masks, Progress: bar.Step})
		bar.Done()
		if err != nil {
			return err
		}
		return (&variation{Variants: v, call: call, answer: a, outcome: o}).emitAll(ctx, all)
	})
}

// A variation is variants being compared.
type variation struct {
	*Variants
	call    *Call
	answer  *sysops.Answer
	outcome *Outcome
}

func (v *variation) emitAll(ctx context.Context, all []sysops.Variant) error {
	apart := false // from what comes next, by an empty line
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Name == all[0].Name {
			n++
		}
		if apart && v.call.Form == AsText {
			if err := v.call.say("\n"); err != nil {
				return err
			}
		}
		apart = n > 1
		v.outcome.Differs = v.outcome.Differs || apart
		if err := v.emitName(ctx, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// emitName yields the variants of one name.
func (v *variation) emitName(ctx context.Context, variants []sysops.Variant) error {
	total, contents := len(variants), 0
	for i := range variants {
		contents += variants[i].Sums
	}
	if v.Limit > 0 && total > v.Limit {
		variants = variants[:v.Limit]
		v.outcome.Cut += total - v.Limit
	}
	if v.Pairs && len(variants) > mostPairs {
		return tooManyPairs(len(variants), hint.TooManyPairs)
	}
	if total > mostPairs {
		many := fmt.Sprintf("%s has %d variants", output.OneLine(variants[0].Name), total)
		v.outcome.Notes = []Note{{Text: v.call.advised(many, ": ", hint.ManyVariants)}} // of the last such name
	}
	if v.Brief || total == 1 || v.call.Form == AsCells { // else they are read to be compared
		var err error
		if variants, err = v.verify(ctx, variants); err != nil || len(variants) == 0 {
			return err
		}
	}
	if v.call.Form != AsText {
		return v.emitRows(ctx, variants)
	}
	if err := v.call.say("%s", groupTitle(variants[0].Name, total, contents, variants[0].Of)); err != nil || total == 1 {
		return err
	}
	for i := range variants {
		if err := v.call.Emit(v.line(i+1, &variants[i])); err != nil {
			return err
		}
	}
	if v.Brief {
		return nil
	}
	return v.eachDifference(ctx, variants, func(from, to int, c *sysops.Comparison) error {
		if err := v.call.say("\nvariant %d (%s) against variant %d:\n", to+1, counted(variants[to].Count, "object"), from+1); err != nil {
			return err
		}
		return v.call.Emit(v.render(c))
	})
}

// verify leaves out the variants of which no object that was looked at holds what was
// counted.
func (v *variation) verify(ctx context.Context, variants []sysops.Variant) ([]sysops.Variant, error) {
	verified, lost, err := v.answer.VerifyVariants(ctx, variants)
	for _, key := range lost {
		v.outcome.leaveOut(leftOutVariant(key))
	}
	return verified, err
}

// groupTitle says how many variants there are of a name, and of how many contents where
// masks make fewer of them.
func groupTitle(name string, variants, contents, objects int) string {
	what := fmt.Sprintf("%d variants", variants)
	if variants == 1 {
		what = "identical"
	}
	if contents > variants {
		what += fmt.Sprintf(" (of %d before masking)", contents)
	}
	return fmt.Sprintf("%s: %s in %s\n", output.OneLine(name), what, counted(objects, "object"))
}

// A variant as text is its number, how often it is there, and where.
var (
	variantTable       = &output.Table{Columns: []output.Column{{Width: 5, Right: true}, {Width: 7, Right: true}, {Width: 8, Right: true}, {Gap: "   "}}}
	variantFoldedTable = &output.Table{Columns: []output.Column{{Width: 5, Right: true}, {Width: 7, Right: true}, {Width: 8, Right: true}, {Gap: " \t", Whole: true}}}
)

// line is a variant as text, which has no fields: the limit is one for each name.
func (v *variation) line(number int, variant *sysops.Variant) output.Row {
	hosts := variant.Hosts()
	table, where := variantTable, output.SomeHosts(hosts, len(hosts))
	if v.Fold {
		table, where = variantFoldedTable, hostset.Fold(hosts)
	}
	return output.Row{Table: table, Cells: output.Cells(fmt.Sprint(number), fmt.Sprint(variant.Count), percent(variant.Share()), where)}
}

func percent(share float64) string { return fmt.Sprintf("%.3f%%", 100*share) }

// eachDifference calls emit for the variants beside the most common one, with how they
// differ from that, or for every two. What nobody has any more, or nobody can read, is left
// out and named; the next most common one then takes its place.
func (v *variation) eachDifference(ctx context.Context, variants []sysops.Variant, emit func(from, to int, c *sysops.Comparison) error) error {
	p := &pairing{
		answer: v.answer, variants: variants,
		emit: func(from, to int, c *sysops.Comparison) error {
			v.call.warnCoarse(c, v.Context)
			return emit(from, to, c)
		},
		moved: func(key sysops.Key) {
			v.outcome.leaveOut(leftOutVariant(key))
		},
	}
	if v.Pairs {
		return p.everyTwo(ctx)
	}
	return p.mostCommon(ctx)
}

// leftOutVariant is a variant of which no object that was looked at can be read.
func leftOutVariant(example sysops.Key) output.LeftOut {
	return output.LeftOut{Key: example.String(), Reason: "it has changed since it was counted, or cannot be read"}
}

// A variantDiff is how a variant differs from another, for programs.
type variantDiff struct {
	From    int    `json:"from"` // the number of the other
	Binary  bool   `json:"binary"`
	Removed int    `json:"removed"`
	Added   int    `json:"added"`
	Coarse  bool   `json:"coarse"`
	Diff    string `json:"diff,omitempty"`
	Bytes   []byte `json:"diff_base64,omitempty"` // in place of Diff, where that is no UTF-8
}

func newVariantDiff(from int, c *sysops.Comparison, context int) variantDiff {
	d := variantDiff{From: from, Binary: c.Binary}
	if c.Diff != nil {
		d.Removed, d.Added = c.Diff.Changes()
		d.Coarse = c.Diff.Coarse
	}
	if text := unifiedText(c, objectLabel, context); utf8.Valid(text) {
		d.Diff = string(text)
	} else {
		d.Bytes = text
	}
	return d
}

// emitRows yields one row for each variant. Without Pairs, those that are not there yet
// are all that is held.
func (v *variation) emitRows(ctx context.Context, variants []sysops.Variant) error {
	differences := !v.Brief && v.call.Form == AsValues
	diffs := make(map[int][]variantDiff)
	emitted := 0
	emitUntil := func(end int) error {
		for ; emitted < end; emitted++ {
			fields := v.fields(emitted+1, &variants[emitted])
			if differences {
				fields = append(fields, output.Field{Name: "diffs", Value: append([]variantDiff{}, diffs[emitted]...)}) // [], not null
			}
			if err := v.call.Emit(output.Row{Fields: fields}); err != nil {
				return err
			}
			delete(diffs, emitted)
		}
		return nil
	}
	if differences {
		err := v.eachDifference(ctx, variants, func(from, to int, c *sysops.Comparison) error {
			diffs[to] = append(diffs[to], newVariantDiff(from+1, c, v.Context))
			if v.Pairs {
				return nil
			}
			return emitUntil(to + 1)
		})
		if err != nil {
			return err
		}
	}
	return emitUntil(len(variants))
}
