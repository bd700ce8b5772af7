package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// checkLines checks --lines and --rare with the other flags.
func (d *diffFlags) checkLines(q *queryFlags) error {
	switch {
	case d.rare != 0 && !d.lines:
		return &sysops.HintedError{Err: errors.New("cannot use --rare: no lines are counted"), Hint: "--rare goes with --all --lines"}
	case d.rare < 0:
		return fmt.Errorf("cannot show lines of %d objects: the number is negative", d.rare)
	case !d.lines:
		return nil
	case !d.all:
		return &sysops.HintedError{Err: errors.New("cannot use --lines: there is one A to compare with"), Hint: "--lines goes with --all"}
	case d.compared != sysops.Contents:
		return fmt.Errorf("cannot count the lines of %s: only contents have some", d.compared)
	}
	for _, whole := range []struct {
		on   bool
		flag string
	}{{d.pairs, "pairs"}, {d.brief, "brief"}, {d.side, "side-by-side"}, {d.words, "word"}} {
		if whole.on && q.misfit(whole.flag) {
			return fmt.Errorf("cannot combine --lines and --%s: that is about whole objects", whole.flag)
		}
	}
	return nil
}

// printLines prints the lines in which objects of a name differ from most of them.
func (d *diffFlags) printLines(ctx context.Context, in *inquiry) error {
	masks, bar, err := d.beginAll(in)
	if err != nil {
		return err
	}
	defer bar.Done()
	different, apart := false, false
	for found, err := range in.answer.Deviations(ctx, sysops.DeviationOptions{Masks: masks, Most: d.rare, Progress: bar.Step}) {
		if err != nil {
			return err
		}
		bar.Done()
		different = different || len(found.Lines)+found.LeftOut > 0
		if in.format == "text" {
			title := d.linesTitle(&found)
			if apart {
				title = "\n" + title
			}
			if err := in.row([]byte(title)); err != nil {
				return err
			}
			apart = len(found.Lines) > 0
		}
		if err := d.printDeviations(in, &found); err != nil {
			return err
		}
		if err := in.stdout.Flush(); err != nil {
			return err
		}
	}
	d.conclude(in, different)
	return nil
}

// linesTitle says how much of a name is common to all.
func (d *diffFlags) linesTitle(found *sysops.Deviations) string {
	title := fmt.Sprintf("%s: %s, in all of them %s", output.OneLine(found.Name), objects(found.Objects), linesOf(found.Common))
	if n := len(found.Lines) + found.LeftOut; n > 0 {
		title += fmt.Sprintf(", in some %d", n)
	}
	if found.LeftOut > 0 {
		title += fmt.Sprintf(" (%d in which more than %d deviate are not shown)", found.LeftOut, d.rare)
	}
	if found.Binary > 0 {
		title += fmt.Sprintf("; and %s with NUL bytes", objects(found.Binary))
	}
	return title + "\n"
}

func linesOf(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// printDeviations prints the lines of one name.
func (d *diffFlags) printDeviations(in *inquiry, found *sysops.Deviations) error {
	lines := found.Lines
	if in.limit > 0 && len(lines) > in.limit {
		in.out.Cut += len(lines) - in.limit
		lines = lines[:in.limit]
	}
	in.rows += len(lines)
	for i := range lines {
		v := &lines[i]
		most := namedHosts + 1
		if d.fold {
			most = 0
		}
		hosts := v.Hosts(most)
		fields := output.Fields(
			"name", found.Name,
			"line", v.Line,
			"lacking", v.Lacking,
			"count", v.Count,
			"share", rounded(v.Share()),
			"example", sysops.Key{Host: hosts[0], Name: found.Name}.String(),
		)
		sign, role, where := "+", output.Added, "  ("+someHosts(hosts, v.Count)+")"
		if v.Lacking {
			sign, role = "-", output.Removed
		}
		if d.fold {
			folded := foldFields(hosts)
			fields = append(fields, folded...)
			where = fmt.Sprintf("\t%s", folded[1].Value)
		}
		var text output.Painter
		text.Add(output.Plain, fmt.Sprintf("%7d %7.3f%% ", v.Count, 100*v.Share()))
		text.Add(role, sign+string(v.Line))
		text.Add(output.Plain, where+"\n")
		if err := in.out.Add(text.Row(fields...)); err != nil {
			return err
		}
	}
	return nil
}

// rounded is a share, for programs.
func rounded(share float64) float64 { return math.Round(1e6*share) / 1e6 }
