package verbs

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Grep tells which lines match, how often, or which hosts lack them.
type Grep struct {
	Regex   string
	Pattern string
	sysops.GrepOptions

	// Each of these is an answer of its own; without one of them the lines are told.
	Count   bool // how many lines of each object match
	List    bool // the keys of objects with such a line
	Without bool // the hosts that lack such a line, and why
	Uniq    bool // identical lines counted over the fleet

	Fold   bool  // with Uniq, List or Without: the hosts as one expression
	Prefix *bool // the key before each line; nil: where more than one object is searched

	pattern sysops.Pattern
	expr    *sysops.Expr
}

// Check compiles the expression.
func (g *Grep) Check() error {
	if err := oneOf("grep answers", "cannot combine several answers", map[string]bool{"count": g.Count, "files-with-matches": g.List, "files-without-match": g.Without, "uniq": g.Uniq}); err != nil {
		return err
	}
	switch {
	case g.Fold && !g.Uniq && !g.List && !g.Without:
		return moot("grep fold", "fold", "cannot fold the hosts of lines that are not counted")
	case g.Invert && g.OnlyMatching:
		return contradiction("grep parts", "cannot tell which part of a line without a match matches", "invert-match", "only-matching")
	case g.MaxCount < 0:
		return fmt.Errorf("cannot stop after %d lines: the number is negative", g.MaxCount)
	}
	o := g.GrepOptions
	o.CountOnly = g.Count || g.List || g.Without
	o.Group = g.Uniq && g.OnlyMatching
	if g.List || g.Without {
		o.MaxCount = 1 // the first line decides
	}
	var err error
	if g.expr, err = sysops.CompileExpr(g.Regex, o); err != nil {
		return err
	}
	g.pattern, err = sysops.ParsePattern(g.Pattern)
	return err
}

// Columns depend on the answer that is wanted.
func (g *Grep) Columns() []output.Field {
	var fields []output.Field
	switch {
	case g.Uniq:
		fields = output.Fields("count", 0, "line", "")
	case g.Without && g.Fold:
		fields = output.Fields("lacks", "")
	case g.Without:
		return output.Fields("host", "", "lacks", "")
	case g.List && g.Fold:
		fields = output.Fields("name", "")
	case g.List:
		return keyFields(sysops.Key{})
	case g.Count:
		return append(keyFields(sysops.Key{}), output.Field{Name: "count", Value: 0})
	default:
		return append(keyFields(sysops.Key{}), output.Field{Name: "line", Value: ""})
	}
	if g.Fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

// Run searches the objects.
func (g *Grep) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, g.pattern, func(a *sysops.Answer) error {
		prefix := a.Len() > 1
		if g.Prefix != nil {
			prefix = *g.Prefix
		}
		return (&grepping{Grep: g, call: call, answer: a, outcome: o, prefix: prefix}).print(ctx)
	})
}

// A grepping is a search under way.
type grepping struct {
	*Grep
	call    *Call
	answer  *sysops.Answer
	outcome *Outcome
	prefix  bool
}

// each runs f on what grep finds in every object.
func (g *grepping) each(ctx context.Context, f func(*sysops.Match) error) error {
	bar := g.call.stage(Stage{What: "objects", Total: g.answer.Len(), Rows: true})
	defer bar.Done()
	for m, err := range g.answer.Grep(ctx, g.expr) {
		if err != nil {
			return err
		}
		bar.Step()
		if err := f(&m); err != nil {
			return err
		}
	}
	return nil
}

func (g *grepping) print(ctx context.Context) error {
	switch {
	case g.Uniq:
		return g.printUniq(ctx)
	case g.Without:
		return g.printLacking(ctx)
	case g.Count:
		return g.each(ctx, func(m *sysops.Match) error {
			if m.Count > 0 {
				g.outcome.Matched++
			}
			return g.call.Emit(output.Row{Text: fmt.Appendf(nil, "%s:%d\n", keyText(m.Key), m.Count), Fields: append(keyFields(m.Key), output.Field{Name: "count", Value: m.Count})})
		})
	case g.List && g.Fold:
		return g.printFoldedList(ctx)
	case g.List:
		return g.each(ctx, func(m *sysops.Match) error {
			if m.Count == 0 {
				return nil
			}
			g.outcome.Matched++
			return g.call.Emit(output.Row{Text: keyLine(m.Key), Fields: keyFields(m.Key)})
		})
	}
	return g.each(ctx, func(m *sysops.Match) error { return g.printLines(m) })
}

func (g *grepping) printLines(m *sysops.Match) error {
	g.outcome.Matched += m.Count
	if m.Binary && m.Count > 0 {
		return g.call.Emit(output.Row{Text: fmt.Appendf(nil, "%s: %s\n", keyText(m.Key), binaryMatches), Fields: append(keyFields(m.Key), output.Field{Name: "line", Value: binaryMatches})})
	}
	prefix := ""
	if g.prefix {
		prefix = keyText(m.Key)
	}
	for _, line := range m.Lines {
		if err := g.printLine(prefix, m.Key, line); err != nil {
			return err
		}
	}
	return nil
}

// binaryMatches stands in for the lines of an object that is no text.
const binaryMatches = "binary matches"

func (g *grepping) printLine(prefix string, key sysops.Key, line []byte) error {
	fields := append(keyFields(key), output.Field{Name: "line", Value: line})
	text := output.Painter{Text: make([]byte, 0, len(prefix)+len(line)+2), Marks: make([]output.Mark, 0, 3)}
	if prefix != "" {
		text.Add(output.Key, prefix)
		text.Add(output.Colon, ":")
	}
	at := 0
	if g.call.Marked && !g.Invert {
		for _, s := range g.expr.Spans(line) {
			text.AddBytes(output.Plain, line[at:s[0]])
			text.AddBytes(output.Match, line[s[0]:s[1]])
			at = s[1]
		}
	}
	text.AddBytes(output.Plain, line[at:])
	text.Add(output.Plain, "\n")
	return g.call.Emit(text.Row(fields...))
}

// printUniq counts lines, as "sort | uniq -c | sort -rn" would; lines that are
// equally frequent come in their own order.
func (g *grepping) printUniq(ctx context.Context) error {
	bar := g.call.stage(Stage{What: "objects", Total: g.answer.Len()})
	counts, err := g.answer.CountLines(ctx, g.expr, sysops.CountOptions{Hosts: g.Fold, Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	for _, c := range counts {
		line := c.Line
		if c.Binary {
			line = []byte(binaryMatches)
		}
		g.outcome.Matched++
		if err := g.call.emitCount(c.Count, string(line), g.Fold, c.Hosts(), output.Field{Name: "count", Value: c.Count}, output.Field{Name: "line", Value: line}); err != nil {
			return err
		}
	}
	return nil
}

// printFoldedList prints each name of an object with a matching line, and its hosts.
func (g *grepping) printFoldedList(ctx context.Context) error {
	hosts := make(map[string][]string)
	err := g.each(ctx, func(m *sysops.Match) error {
		if m.Count > 0 {
			hosts[m.Name] = append(hosts[m.Name], m.Host)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		g.outcome.Matched++
		if err := g.call.emitCount(len(hosts[name]), output.OneLine(name), true, hosts[name], output.Field{Name: "name", Value: name}); err != nil {
			return err
		}
	}
	return nil
}

// Why a host is on the list of -L.
const (
	lacksLine   = "no line"
	lacksObject = "no object"
	lacksHost   = "missing"
	lacksProof  = "unreadable" // an object that could not be read may have the line
)

// lackingTable is a host, and why it is on the list.
var lackingTable = &output.Table{Columns: []output.Column{{Width: 40}, {}}}

// printLacking prints each host that has no object with the line, no object at all,
// or no live snapshot.
func (g *grepping) printLacking(ctx context.Context) error {
	why, err := g.lacking(ctx)
	if err != nil {
		return err
	}
	if !g.Fold {
		for _, h := range slices.Sorted(maps.Keys(why)) {
			g.outcome.Matched++
			if err := g.call.Emit(output.Row{Table: lackingTable, Cells: output.Cells(h, why[h]), Fields: output.Fields("host", h, "lacks", why[h])}); err != nil {
				return err
			}
		}
		return nil
	}
	hosts := make(map[string][]string)
	for h, reason := range why {
		hosts[reason] = append(hosts[reason], h)
	}
	for _, reason := range []string{lacksLine, lacksObject, lacksHost, lacksProof} {
		if len(hosts[reason]) == 0 {
			continue
		}
		slices.Sort(hosts[reason])
		g.outcome.Matched++
		if err := g.call.emitCount(len(hosts[reason]), reason, true, hosts[reason], output.Field{Name: "lacks", Value: reason}); err != nil {
			return err
		}
	}
	return nil
}

// lacking returns the hosts of which no object has the line, and why. One object with
// it is enough: PATTERN may select several of a host.
func (g *grepping) lacking(ctx context.Context) (map[string]string, error) {
	why := make(map[string]string)
	has := make(map[string]bool)
	err := g.each(ctx, func(m *sysops.Match) error {
		if m.Count > 0 {
			has[m.Host] = true
			delete(why, m.Host)
		} else if !has[m.Host] {
			why[m.Host] = lacksLine
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	complete := g.answer.Completeness()
	if g.answer.Len() == 0 && len(complete.Lacking) == 0 {
		return nil, hint.For(fmt.Errorf("cannot say who lacks the line: no live host has an object that matches %s", g.pattern), hint.NothingMatches)
	}
	for _, h := range complete.Lacking {
		why[h] = lacksObject
	}
	for _, h := range complete.Missing {
		why[h] = lacksHost
	}
	for _, o := range complete.Unreadable {
		if key, ok := sysops.ParseKey(o.Key); ok && !has[key.Host] {
			why[key.Host] = lacksProof
		}
	}
	return why, nil
}
