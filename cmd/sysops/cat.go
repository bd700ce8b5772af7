package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
)

// catFlags are the ways to print contents: as they are, what --jq makes of them,
// and either counted over the fleet.
type catFlags struct {
	prefix, uniq, fold, raw bool

	jq *output.JQ // nil: without
}

func newCat(u *ui) *cobra.Command {
	q := &queryFlags{}
	c := &catFlags{}
	var jq string
	cmd := &cobra.Command{
		Use:   "cat PATTERN",
		Short: "Print contents in the order of their keys, or count identical ones",
		Long: `Print the contents of the selected objects byte for byte, in the order of their keys.

--uniq counts identical contents over the fleet, most frequent first, and prints how
many objects have them, their SHA-256, and the key of one. The contents themselves are
not fetched: sysops cat KEY shows them.

--jq applies an expression of jq(1) to each object, which has to be JSON, and prints
each result on a line; with --uniq, identical results are counted. The expression sees
that object alone: there is no input, no module, and env is empty. An object that is not
JSON, or for which the expression fails, is left out and named, in --format json under
left_out; the exit status is then 3.

--fold puts the hosts of each count into one expression that --hosts takes back. It is
what follows the last tab of a line: "hosts" in the other formats.`,
		Example: `  sysops cat web01.example.com#/etc/fstab
  sysops cat -H /etc/resolv.conf --hosts 'web*'
  sysops cat --uniq --fold /etc/resolv.conf
  sysops cat --jq '.blockdevices[] | select(.type == "disk").size' -r -H lsblk-J
  sysops cat --jq '.blockdevices | length' --uniq --fold lsblk-J`,
		Args: cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q.check = func() error { return c.settle(q, jq, cmd.Flags().Changed("jq")) }
			return u.ask(cmd, q, sysops.ParsePattern, args[0], c.print)
		},
	}
	q.columns = c.columns
	q.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.uniq, "uniq", false, "identical contents, or results of --jq, counted over the fleet, most frequent first")
	f.BoolVar(&c.fold, "fold", false, "with --uniq: the hosts of each count as one expression")
	f.StringVar(&jq, "jq", "", "print what this `expression` of jq makes of each object")
	f.BoolVarP(&c.raw, "raw-output", "r", false, "with --jq: strings without quotes")
	addPrefixFlag(cmd, &c.prefix, false)
	return cmd
}

// settle checks the flags when all of them are known, and compiles the expression.
func (c *catFlags) settle(q *queryFlags, jq string, given bool) error {
	switch {
	case c.fold && !c.uniq && q.misfit("fold"):
		return &sysops.HintedError{Err: errors.New("cannot --fold the hosts of contents that are not counted"), Hint: "--fold goes with --uniq"}
	case c.raw && !given && q.misfit("raw-output"):
		return &sysops.HintedError{Err: errors.New("cannot use --raw-output: contents are printed as they are"), Hint: "--raw-output goes with --jq"}
	case !given:
		return nil
	}
	var err error
	c.jq, err = output.CompileJQ(jq)
	return err
}

// columns are the fields of the rows that print prints.
func (c *catFlags) columns() []output.Field {
	value := output.Field{Name: "value", Value: map[string]any(nil)} // of whatever type
	var fields []output.Field
	switch {
	case c.uniq && c.jq != nil:
		fields = append(output.Fields("count", 0), value)
	case c.uniq:
		fields = contentsFields(&sysops.Variant{})
	case c.jq != nil:
		return append(keyColumns(), value)
	default:
		return append(keyColumns(), output.Field{Name: "contents", Value: ""})
	}
	if c.fold {
		fields = append(fields, foldFields(nil)...)
	}
	return fields
}

func addPrefixFlag(cmd *cobra.Command, prefix *bool, byDefault bool) {
	cmd.Flags().BoolVarP(prefix, "prefix-hostnames", "H", byDefault, "put the key before each line, as grep puts file names")
}

func (c *catFlags) print(ctx context.Context, in *inquiry) error {
	switch {
	case c.jq != nil && c.uniq:
		return c.printResultCounts(ctx, in)
	case c.jq != nil:
		return c.eachResult(ctx, in, func(key sysops.Key, results [][]byte) error { return c.printResults(in, key, results) })
	case c.uniq:
		return c.printCounts(ctx, in)
	}
	return c.printContents(ctx, in)
}

func (c *catFlags) printContents(ctx context.Context, in *inquiry) error {
	bar := in.progress("objects", in.answer.Len())
	defer bar.Done()
	for o, err := range in.answer.Objects(ctx) {
		if err != nil {
			return err
		}
		in.rows++
		bar.Step()
		text := o.Contents
		if c.prefix && in.format == "text" {
			text = prefixLines(keyText(o.Key)+":", text)
		}
		if err := in.row(text, append(keyFields(o.Key), output.Field{Name: "contents", Value: o.Contents})...); err != nil {
			return err
		}
	}
	return nil
}

// printCounts prints how many objects have the same contents, in the manner of
// "uniq -c" and sha256sum.
func (c *catFlags) printCounts(ctx context.Context, in *inquiry) error {
	bar := in.progressBefore("objects", in.answer.Len())
	variants, err := in.answer.Variants(ctx, sysops.VariantOptions{Progress: bar.Step})
	bar.Done()
	if err != nil {
		return err
	}
	for i := range variants {
		in.rows++
		v := &variants[i]
		var hosts []string
		if c.fold {
			hosts = v.Hosts()
		}
		if err := in.printCount(v.Count, fmt.Appendf(nil, "%s  %s", v.Sum, keyText(v.Example)), c.fold, hosts, contentsFields(v)...); err != nil {
			return err
		}
	}
	return nil
}

// eachResult calls emit with what the expression makes of each object. Those on which it
// fails are left out.
func (c *catFlags) eachResult(ctx context.Context, in *inquiry, emit func(sysops.Key, [][]byte) error) error {
	bar := in.progress("objects", in.answer.Len())
	defer bar.Done()
	in.leftOut = &[]output.LeftOut{}
	return c.jq.Each(ctx, in.answer.Objects(ctx), func(key sysops.Key, results [][]byte) error {
		bar.Step()
		return emit(key, results)
	}, func(key sysops.Key, err error) {
		bar.Step()
		*in.leftOut = append(*in.leftOut, output.LeftOut{Key: key.String(), Reason: err.Error()})
		in.status = exitPartial
	})
}

func contentsFields(v *sysops.Variant) []output.Field {
	return output.Fields("count", v.Count, "sha256", v.Sum, "example", v.Example.String())
}

func (c *catFlags) printResults(in *inquiry, key sysops.Key, results [][]byte) error {
	for _, r := range results {
		in.rows++
		value := output.JSONValue(r)
		text := append(c.resultText(r, value), '\n')
		if c.prefix {
			text = prefixLines(keyText(key)+":", text)
		}
		if err := in.row(text, append(keyFields(key), output.Field{Name: "value", Value: value})...); err != nil {
			return err
		}
	}
	return nil
}

// resultText is a result of --jq as text.
func (c *catFlags) resultText(result []byte, value any) []byte {
	if s, ok := value.(string); ok && c.raw {
		return []byte(s)
	}
	return slices.Clone(result)
}

// printResultCounts counts identical results of --jq; those that are equally frequent
// come in the order of their JSON.
func (c *catFlags) printResultCounts(ctx context.Context, in *inquiry) error {
	type counted struct {
		count int
		hosts []string
	}
	counts := make(map[string]*counted)
	err := c.eachResult(ctx, in, func(key sysops.Key, results [][]byte) error {
		for _, r := range results {
			n := counts[string(r)]
			if n == nil {
				n = &counted{}
				counts[string(r)] = n
			}
			n.count++
			if c.fold && (len(n.hosts) == 0 || n.hosts[len(n.hosts)-1] != key.Host) { // they come in order
				n.hosts = append(n.hosts, key.Host)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	results := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b].count, counts[a].count), cmp.Compare(a, b))
	})
	for _, r := range results {
		in.rows++
		n, value := counts[r], output.JSONValue([]byte(r))
		if err := in.printCount(n.count, c.resultText([]byte(r), value), c.fold, n.hosts, output.Field{Name: "count", Value: n.count}, output.Field{Name: "value", Value: value}); err != nil {
			return err
		}
	}
	return nil
}

// prefixLines puts prefix before each line, and ends the last one.
func prefixLines(prefix string, text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		b.WriteString(prefix)
		b.Write(line)
	}
	if b.Len() > 0 && b.Bytes()[b.Len()-1] != '\n' {
		b.WriteByte('\n')
	}
	return b.Bytes()
}
