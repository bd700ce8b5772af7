package verbs

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/jq"
	"github.com/sysops-api/sysops-api/internal/output"
)

// Cat tells contents as they are, or what an expression of jq makes of them; either
// counted over the fleet.
type Cat struct {
	Pattern string

	JQ   *string // an expression of jq(1), of which each result is told; nil: contents as they are
	Raw  bool    // with JQ: strings without quotes
	Uniq bool    // identical contents, or results, counted over the fleet
	Fold bool    // with Uniq: the hosts of each count as one expression

	Prefix bool // the key before each line; of no use with Uniq

	pattern sysops.Pattern
	jq      *jq.Program // nil: without
}

// Check compiles the expression.
func (c *Cat) Check() (err error) {
	switch {
	case c.Fold && !c.Uniq:
		return moot("cat fold", "fold", "cannot fold the hosts of contents that are not counted")
	case c.Raw && c.JQ == nil:
		return moot("cat raw", "raw-output", "cannot take the quotes from contents: they are told as they are")
	}
	if c.JQ != nil {
		if c.jq, err = jq.Compile(*c.JQ); err != nil {
			return err
		}
	}
	c.pattern, err = sysops.ParsePattern(c.Pattern)
	return err
}

// Columns depend on what is told.
func (c *Cat) Columns() []output.Field {
	value := output.Field{Name: "value", Value: map[string]any(nil)} // of whatever type
	var fields []output.Field
	switch {
	case c.Uniq && c.jq != nil:
		fields = append(output.Fields("count", 0), value)
	case c.Uniq:
		fields = contentsFields(&sysops.Variant{})
	case c.jq != nil:
		return append(keyFields(sysops.Key{}), value)
	default:
		return append(keyFields(sysops.Key{}), output.Field{Name: "contents", Value: ""})
	}
	if c.Fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

// Run yields a row an object, a result or, with Uniq, a count.
func (c *Cat) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.objects(ctx, o, c.pattern, func(a *sysops.Answer) error {
		r := &catting{Cat: c, call: call, answer: a, outcome: o}
		switch {
		case c.jq != nil && c.Uniq:
			return r.resultCounts(ctx)
		case c.jq != nil:
			return r.eachResult(ctx, r.results)
		case c.Uniq:
			return r.counts(ctx)
		}
		return r.contents(ctx)
	})
}

// A catting is a reading under way.
type catting struct {
	*Cat
	call    *Call
	answer  *sysops.Answer
	outcome *Outcome
}

// emit yields a row about one object.
func (c *catting) emit(key sysops.Key, text []byte, field output.Field) error {
	c.outcome.Matched++
	row := output.Row{Text: text, Fields: append(keyFields(key), field)}
	if c.Prefix {
		row.Prefix = keyText(key) + ":"
	}
	return c.call.Emit(row)
}

func (c *catting) contents(ctx context.Context) error {
	bar := c.call.stage(Stage{What: "objects", Total: c.answer.Len(), Rows: true})
	defer bar.Done()
	for o, err := range c.answer.Objects(ctx) {
		if err != nil {
			return err
		}
		bar.Step()
		if err := c.emit(o.Key, o.Contents, output.Field{Name: "contents", Value: o.Contents}); err != nil {
			return err
		}
	}
	return nil
}

// counts tells how many objects have the same contents, in the manner of "uniq -c" and
// sha256sum.
func (c *catting) counts(ctx context.Context) error {
	bar := c.call.stage(Stage{What: "objects", Total: c.answer.Len()})
	variants, err := c.answer.Variants(ctx, sysops.VariantOptions{Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	variants, lost, err := c.answer.VerifyVariants(ctx, variants)
	if err != nil {
		return err
	}
	for _, key := range lost {
		c.outcome.leaveOut(leftOutVariant(key))
	}
	for i := range variants {
		v := &variants[i]
		var hosts []string
		if c.Fold {
			hosts = v.Hosts()
		}
		c.outcome.Matched++
		if err := c.call.emitCount(v.Count, v.Sum+"  "+keyText(v.Example), c.Fold, hosts, contentsFields(v)...); err != nil {
			return err
		}
	}
	return nil
}

func contentsFields(v *sysops.Variant) []output.Field {
	return output.Fields("count", v.Count, "sha256", v.Sum, "example", v.Example.String())
}

// eachResult calls emit with what the expression makes of each object. Those on which it
// fails are left out.
func (c *catting) eachResult(ctx context.Context, emit func(sysops.Key, [][]byte) error) error {
	bar := c.call.stage(Stage{What: "objects", Total: c.answer.Len(), Rows: true})
	defer bar.Done()
	leftOut := []output.LeftOut{}
	c.outcome.LeftOut = &leftOut
	return c.jq.Each(ctx, c.answer.Objects(ctx), func(key sysops.Key, results [][]byte) error {
		bar.Step()
		return emit(key, results)
	}, func(key sysops.Key, err error) {
		bar.Step()
		leftOut = append(leftOut, output.LeftOut{Key: key.String(), Reason: err.Error()})
	})
}

func (c *catting) results(key sysops.Key, results [][]byte) error {
	for _, r := range results {
		value := jq.Value(r)
		if err := c.emit(key, append(c.resultText(r, value), '\n'), output.Field{Name: "value", Value: value}); err != nil {
			return err
		}
	}
	return nil
}

// resultText is a result as text.
func (c *Cat) resultText(result []byte, value any) []byte {
	if s, ok := value.(string); ok && c.Raw {
		return []byte(s)
	}
	return slices.Clone(result)
}

// A resultCount is how often a result is found, and on which hosts.
type resultCount struct {
	count int
	hosts []string // with Fold
}

// resultCounts counts identical results; those that are equally frequent come in the
// order of their JSON.
func (c *catting) resultCounts(ctx context.Context) error {
	counts := make(map[string]*resultCount)
	err := c.eachResult(ctx, func(key sysops.Key, results [][]byte) error {
		for _, r := range results {
			n := counts[string(r)]
			if n == nil {
				n = &resultCount{}
				counts[string(r)] = n
			}
			n.count++
			if c.Fold && (len(n.hosts) == 0 || n.hosts[len(n.hosts)-1] != key.Host) { // they come in order
				n.hosts = append(n.hosts, key.Host)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	sorted := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b].count, counts[a].count), cmp.Compare(a, b))
	})
	for _, r := range sorted {
		n, value := counts[r], jq.Value([]byte(r))
		c.outcome.Matched++
		if err := c.call.emitCount(n.count, string(c.resultText([]byte(r), value)), c.Fold, n.hosts, output.Fields("count", n.count, "value", value)...); err != nil {
			return err
		}
	}
	return nil
}
