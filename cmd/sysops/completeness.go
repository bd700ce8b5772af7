package main

import (
	"encoding/json"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// reportCompleteness prints the line that says what the answer rests on, and
// what of it needs attention.
func (u *ui) reportCompleteness(q *queryFlags, c *sysops.Completeness) {
	for _, k := range c.Cores {
		if k.Error != "" {
			u.warn("%s", k.Error)
			continue
		}
		if k.Short > 0 {
			u.warn("core %s has %d more hosts, which no server that answers knows", k.Core, k.Short)
		}
		for _, s := range k.Servers {
			switch {
			case s.Error != "":
				u.warn("core %s answered without one of its servers: %s", k.Core, s.Error)
			case s.Cold:
				u.warn("server %s of core %s is cold: it lacks the latest push of %d of %d hosts; its siblings fill in", s.Server, k.Core, s.Lacks, k.Hosts)
			}
		}
	}
	unreadable := make([]output.LeftOut, len(c.Unreadable))
	for i, o := range c.Unreadable {
		unreadable[i] = output.LeftOut{Key: o.Key, Reason: o.Reason}
	}
	u.warnOf(unreadable, "cannot read %s: %s", "unreadable")
	if !q.quiet {
		terminal.Say(u.stderr, "%s", c)
	}
}

// warnOf warns of objects that are not in the answer, as output.Reasons puts it.
func (u *ui) warnOf(objects []output.LeftOut, format, what string) {
	for _, line := range output.Reasons(objects, format, what) {
		u.warn("%s", line)
	}
}

// reportRows says which rows are not there, and why.
func (in *inquiry) reportRows() {
	if in.leftOut != nil {
		in.warnOf(*in.leftOut, "%s is left out: %s", "left out")
	}
	if in.out.Cut > 0 && !in.quiet {
		terminal.Say(in.stderr, "… and %d more rows, which --limit %d cuts off", in.out.Cut, in.limit)
	}
}

func (u *ui) printCost(cost sysops.CostReport) error {
	b, err := json.MarshalIndent(cost, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the cost: %w", err)
	}
	_, err = fmt.Fprintf(u.stderr, "%s\n", b)
	return err
}
