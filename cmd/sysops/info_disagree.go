package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

const disagreeColumns = "%-24s %-14s %-9s %7s  %s\n"

func printDisagreements(ctx context.Context, in *inquiry, examples int) error {
	list, complete, err := in.client.Disagreements(ctx, in.query.Where, examples)
	if err != nil {
		return err
	}
	in.complete = complete
	if in.format == "text" && len(list) > 0 {
		fmt.Fprintf(in.stdout, disagreeColumns, "SERVER", "CORE", "KIND", "COUNT", "FOR EXAMPLE")
	}
	for _, d := range list {
		in.rows++
		some := output.OneLine(strings.Join(d.Examples, " "))
		if len(d.Examples) < d.Count {
			some = strings.TrimSpace(some + " …")
		}
		text := fmt.Appendf(nil, disagreeColumns, d.Server, d.Core, d.Kind, fmt.Sprint(d.Count), some)
		if err := in.row(text, disagreeFields(d)...); err != nil {
			return err
		}
	}
	if len(list) == 0 && anyCore(complete) && !in.quiet {
		fmt.Fprintln(in.stderr, "the servers that answer agree")
	}
	return nil
}

func disagreeFields(d sysops.Disagreement) []output.Field {
	if d.Examples == nil {
		d.Examples = []string{}
	}
	return output.Fields("server", d.Server, "core", d.Core, "kind", string(d.Kind), "count", d.Count, "examples", d.Examples)
}
