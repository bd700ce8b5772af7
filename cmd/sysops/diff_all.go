package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/mask"
)

// mostPairs is of how many variants every two are compared: 4950 times.
const mostPairs = 100

// namedHosts is how many hosts of a variant are named, without --fold.
const namedHosts = 3

// beginAll is what --all begins with, whatever it prints of each name: --limit is for
// the rows of one.
func (d *diffFlags) beginAll(in *inquiry) (*mask.Set, *terminal.Progress, error) {
	if in.answer.Len() == 0 {
		return nil, nil, nothingToCompare(in.query.Pattern)
	}
	masks, err := d.masks(in.conf)
	in.out.Limit = 0
	return masks, in.progressBefore("objects", in.answer.Len()), err
}

// printVariants prints the variants of each name, and how they differ.
func (d *diffFlags) printVariants(ctx context.Context, in *inquiry) error {
	masks, bar, err := d.beginAll(in)
	if err != nil {
		return err
	}
	all, err := in.answer.Variants(ctx, sysops.VariantOptions{Element: d.compared, ByName: true, Masks: masks, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	different, apart := false, false
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Name == all[0].Name {
			n++
		}
		if apart && in.format == "text" {
			if err := in.row([]byte("\n")); err != nil {
				return err
			}
		}
		apart = n > 1
		different = different || apart
		if err := d.printGroup(ctx, in, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	d.conclude(in, different)
	return nil
}

// printGroup prints the variants of one name.
func (d *diffFlags) printGroup(ctx context.Context, in *inquiry, variants []sysops.Variant) error {
	total, contents := len(variants), 0
	for i := range variants {
		contents += variants[i].Sums
	}
	if in.limit > 0 && total > in.limit {
		variants = variants[:in.limit]
		in.out.Cut += total - in.limit
	}
	if d.pairs && len(variants) > mostPairs {
		return tooManyPairs(len(variants), "--limit takes the most common ones; without --pairs, each is compared with the most common one")
	}
	if total > mostPairs {
		d.summary = fmt.Sprintf("%s has %d variants: --lines shows in which lines they differ", output.OneLine(variants[0].Name), total)
	}
	if in.format != "text" {
		return d.printVariantRows(ctx, in, variants)
	}
	in.rows += len(variants)
	if err := in.row(groupTitle(variants[0].Name, total, contents, variants[0].Of)); err != nil || total == 1 {
		return err
	}
	for i := range variants {
		if err := in.row(d.variantLine(i+1, &variants[i])); err != nil {
			return err
		}
	}
	if d.brief {
		return nil
	}
	return d.eachDifference(ctx, in, variants, func(from, to int, c *sysops.Comparison) error {
		title := fmt.Sprintf("\nvariant %d (%s) against variant %d:\n", to+1, objects(variants[to].Count), from+1)
		if err := in.row([]byte(title)); err != nil {
			return err
		}
		return in.out.Add(d.render(c))
	})
}

func tooManyPairs(n int, hint string) error {
	return &sysops.HintedError{Err: fmt.Errorf("cannot show how every two of %d variants differ: %d are the most", n, mostPairs), Hint: hint}
}

// groupTitle says how many variants there are of a name, and of how many contents where
// masks make fewer of them.
func groupTitle(name string, variants, contents, objectCount int) []byte {
	what := fmt.Sprintf("%d variants", variants)
	if variants == 1 {
		what = "identical"
	}
	if contents > variants {
		what += fmt.Sprintf(" (of %d before masking)", contents)
	}
	return fmt.Appendf(nil, "%s: %s in %s\n", output.OneLine(name), what, objects(objectCount))
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

// variantLine is a variant as text: its number, how often it is there, and where.
func (d *diffFlags) variantLine(number int, v *sysops.Variant) []byte {
	hosts := v.Hosts()
	where := "  " + someHosts(hosts, len(hosts))
	if d.fold {
		where = "\t" + hostset.Fold(hosts)
	}
	return fmt.Appendf(nil, "%5d %7d %7.3f%% %s\n", number, v.Count, 100*v.Share(), where)
}

// someHosts names the first few of so many hosts, and says how many more there are.
func someHosts(hosts []string, all int) string {
	if all <= namedHosts+1 {
		return strings.Join(hosts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(hosts[:namedHosts], ", "), all-namedHosts)
}

// eachDifference calls emit for the variants beside the first, with how they differ
// from that, or for every two. What nobody has any more is left out and named.
func (d *diffFlags) eachDifference(ctx context.Context, in *inquiry, variants []sysops.Variant, emit func(from, to int, c *sysops.Comparison) error) error {
	for from := range variants {
		if from > 0 && !d.pairs {
			break
		}
		to := from
		for c, err := range in.answer.CompareVariants(ctx, &variants[from], variants[from+1:], sysops.CompareOptions{}) {
			if err != nil {
				return err
			}
			to++
			if c.Moved {
				d.leaveOut(in, &c)
				continue
			}
			d.warnCoarse(in, &c)
			if err := emit(from, to, &c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *diffFlags) leaveOut(in *inquiry, c *sysops.Comparison) {
	if in.leftOut == nil {
		in.leftOut = &[]output.LeftOut{}
	}
	*in.leftOut = append(*in.leftOut, output.LeftOut{Key: c.Key.String(), Reason: "it has changed since it was counted, or cannot be read"})
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

// printVariantRows prints one row for each variant. Without --pairs, those that are
// not there yet are all that is held.
func (d *diffFlags) printVariantRows(ctx context.Context, in *inquiry, variants []sysops.Variant) error {
	diffs := make(map[int][]variantDiff)
	printed := 0
	printUntil := func(end int) error {
		for ; printed < end; printed++ {
			in.rows++
			if err := in.row(nil, d.variantFields(in, printed+1, &variants[printed], diffs[printed])...); err != nil {
				return err
			}
			delete(diffs, printed)
		}
		return nil
	}
	if !d.brief && in.format != "csv" {
		err := d.eachDifference(ctx, in, variants, func(from, to int, c *sysops.Comparison) error {
			diffs[to] = append(diffs[to], newVariantDiff(from+1, c, d.context))
			if d.pairs {
				return nil
			}
			return printUntil(to + 1)
		})
		if err != nil {
			return err
		}
	}
	return printUntil(len(variants))
}

func (d *diffFlags) variantFields(in *inquiry, number int, v *sysops.Variant, diffs []variantDiff) []output.Field {
	fields := output.Fields(
		"name", v.Name,
		"variant", number,
		"count", v.Count,
		"share", rounded(v.Share()),
		"contents", v.Sums,
		"sha256", v.Sum,
		"example", v.Example.String(),
	)
	if d.fold {
		fields = append(fields, foldFields(v.Hosts())...)
	}
	if !d.brief && in.format != "csv" {
		fields = append(fields, output.Field{Name: "diffs", Value: append([]variantDiff{}, diffs...)}) // [], not null
	}
	return fields
}
