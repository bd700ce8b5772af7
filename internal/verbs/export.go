package verbs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/export"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// The formats of an Export.
const (
	ExportTree    = "tree" // a folder with a file an object, which later exports bring up to date
	ExportTar     = "tar"
	ExportParquet = "parquet" // a table with a row an object
)

// Export writes objects to files. Its rows are what it would do, with DryRun; else there
// are none. It may be run again, after Check, and keeps its tree to itself until Close.
type Export struct {
	Pattern string // empty: every object
	Format  string // empty: ExportTree

	To     string    // the folder of the tree, or the file
	Stream io.Writer // takes the place of To, for what is no tree

	Link   bool   // identical contents of a name are one file with several links
	Purge  bool   // removes the files of objects that are gone
	DryRun bool   // changes nothing
	Mode   string // of the files, in octal; empty: 0600

	// Objects is called with how many there are, before the first is read; nil: not.
	Objects func(int)

	pattern sysops.Pattern
	mode    fs.FileMode
	tree    *export.Tree // once it is open
	call    *Call        // of the Run under way
	bar     Steps
	failed  error // of Call.Emit
}

// Check looks at the pattern, the format and what does not go with it.
func (e *Export) Check() (err error) {
	if e.Format == "" {
		e.Format = ExportTree
	}
	whole := e.Format == ExportTar || e.Format == ExportParquet
	switch {
	case !whole && e.Format != ExportTree:
		return hint.To(fmt.Errorf("cannot export as %q", e.Format), "the formats are tree, tar and parquet")
	case whole && (e.Link || e.Purge || e.DryRun):
		return &Misuse{
			Code: "export whole", Params: []string{"format"}, Value: e.Format,
			Err: fmt.Errorf("cannot export as %s so: the whole file is written each time", e.Format),
		}
	case !whole && e.Stream != nil:
		return contradiction("export stream", "cannot export a tree to a stream", "format")
	case e.To == "" && e.Stream == nil:
		return errors.New("cannot export to nowhere: its name is empty")
	}
	if e.mode = export.DefaultMode; e.Mode != "" {
		mode, err := strconv.ParseUint(e.Mode, 8, 32)
		if err != nil || mode&^0o777 != 0 || mode&0o600 != 0o600 {
			return unusable("export mode", "mode", e.Mode, "it is octal, without setuid, setgid and sticky bits, and the owner may read and write")
		}
		e.mode = fs.FileMode(mode)
	}
	text := e.Pattern
	if text == "" {
		text = "*#*"
	}
	e.pattern, err = sysops.ParsePattern(text)
	return err
}

// Columns are what would be done, and to which file.
func (e *Export) Columns() []output.Field { return output.Fields("action", "", "path", "") }

var exportTable = &output.Table{Columns: []output.Column{{Width: 5}, {Whole: true}}}

// Open opens the tree, if it is one that is exported: what is wrong with it is told before
// anything is asked, and nobody else writes to it. Run does so, too.
func (e *Export) Open() (err error) {
	if e.Format != ExportTree || e.tree != nil {
		return nil
	}
	o := export.TreeOptions{Mode: e.mode, Link: e.Link, Purge: e.Purge, DryRun: e.DryRun, Progress: func() { e.bar.Step() }}
	if e.DryRun {
		o.Changed = func(action, path string) {
			row := output.Row{Table: exportTable, Cells: output.Cells(action, path), Fields: output.Fields("action", action, "path", path)}
			e.failed = errors.Join(e.failed, e.call.Emit(row))
		}
	}
	e.tree, err = export.OpenTree(e.To, o)
	return err
}

// Close lets others write to the tree.
func (e *Export) Close() error {
	if e.tree == nil {
		return nil
	}
	err := e.tree.Close()
	e.tree = nil
	return err
}

// Barred returns the mode of an open tree's folder where that keeps out others who may
// read the files, and what it lacks: 0 where nobody is kept out.
func (e *Export) Barred() (mode, lacks fs.FileMode) {
	if e.tree == nil {
		return 0, 0
	}
	return e.tree.Barred()
}

// Run exports one answer. Objects that are no path below the tree are refused, and told.
func (e *Export) Run(ctx context.Context, call *Call) (*Outcome, error) {
	if err := e.Open(); err != nil {
		return nil, err
	}
	o := &Outcome{}
	e.call, e.failed = call, nil
	return o, call.checked(ctx, o, e.pattern, func(a *sysops.Answer) error {
		if a.Len() == 0 && !e.Purge {
			return nil
		}
		if e.Objects != nil {
			e.Objects(a.Len())
		}
		e.bar = call.stage(Stage{What: "objects", Total: a.Len(), Rate: true})
		report, err := e.write(ctx, a)
		e.bar.Done()
		if report == nil {
			return err
		}
		o.Matched, o.Refused = a.Len()+report.Purged, report.Refused.Count
		e.tell(a, report)
		return errors.Join(err, e.failed)
	})
}

func (e *Export) write(ctx context.Context, a *sysops.Answer) (report *export.Report, err error) {
	if e.Format == ExportTree {
		return e.tree.Update(ctx, a)
	}
	fill := func(w io.Writer) (err error) {
		o := export.StreamOptions{Mode: e.mode, Progress: e.bar.Step}
		if e.Format == ExportTar {
			report, err = export.WriteTar(ctx, w, a, o)
		} else {
			report, err = export.WriteParquet(ctx, w, a, o)
		}
		return err
	}
	if e.Stream != nil {
		err = fill(e.Stream)
	} else {
		err = export.WriteFile(e.To, e.mode, fill)
	}
	return report, err
}

// tell says what was done, and what was left alone.
func (e *Export) tell(a *sysops.Answer, r *export.Report) {
	warn := func(format string, args ...any) {
		e.call.tell(Note{Text: fmt.Sprintf(format, args...), Warning: true})
	}
	warnEach := func(list *export.Refusals, format string) {
		for _, one := range list.First {
			warn(format, one.What, one.Reason)
		}
		if more := list.Count - len(list.First); more > 0 {
			warn("… and so are %d more", more)
		}
	}
	warnEach(&r.Refused, "%s is refused: %s")
	warnEach(&r.Kept, "%s is gone, but kept: %s")
	if e.Purge && slices.ContainsFunc(a.Completeness().Cores, func(k sysops.CoreReport) bool { return k.Error != "" || k.Short > 0 }) {
		warn("nothing is purged: the answer does not tell what is gone and what is only left out")
	}
	e.call.tell(Note{Text: e.summary(r)})
}

func (e *Export) summary(r *export.Report) string {
	would := ""
	if e.DryRun {
		would = "would be "
	}
	text := fmt.Sprintf("%d %swritten", r.Written, would)
	if !e.DryRun {
		text += fmt.Sprintf(" (%s)", words.Bytes(r.Bytes))
	}
	for _, n := range []struct {
		count int
		what  string
	}{{r.Linked, "linked"}, {r.Touched, "with another time or mode"}, {r.Purged, would + "purged"}, {r.Kept.Count, "kept"}, {r.Refused.Count, "refused"}} {
		if n.count > 0 {
			text += fmt.Sprintf(", %d %s", n.count, n.what)
		}
	}
	if e.Format == ExportTree {
		text += fmt.Sprintf(", %d unchanged", r.Unchanged)
	}
	return text
}
