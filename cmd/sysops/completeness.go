package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

// reportCompleteness prints the line that says what the answer rests on, and
// what of it needs attention, but for objects of which a warning was told already.
func (u *ui) reportCompleteness(q *queryFlags, c *sysops.Completeness, told []output.LeftOut) {
	for _, k := range c.Cores {
		for _, what := range k.Unseen {
			u.warn("core %s: %s; run sysops gc, which removes what no host has pushed and repairs what is spoiled", k.Core, what)
		}
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
	if n := len(c.Undated); n > 0 {
		u.warn("nobody knows when %s pushed: %s; a server's clock was wrong, and their next push puts it right", words.Plural(n, "host"), someHosts(c.Undated))
	}
	if n := len(c.Unverified); n > 0 {
		u.warn("the index lists %s that no server has: %s; gc removes what is not there", words.Plural(n, "host"), someHosts(c.Unverified))
	}
	known := make(map[string]bool, len(told))
	for _, o := range told {
		known[o.Key] = true
	}
	var unreadable []output.LeftOut
	for _, o := range c.Unreadable {
		if !known[o.Key] {
			unreadable = append(unreadable, output.LeftOut{Key: o.Key, Reason: o.Reason})
		}
	}
	u.warnOf(unreadable, "cannot read %s: %s", "unreadable")
	if !q.quiet {
		terminal.Say(u.stderr, "%s", c)
	}
}

// manyHosts is how many hosts a warning names at most.
const manyHosts = 20

// someHosts are hosts as a warning names them.
func someHosts(hosts []string) string {
	if n := len(hosts); n > manyHosts {
		return fmt.Sprintf("%s and %d more", hostset.Fold(hosts[:manyHosts]), n-manyHosts)
	}
	return hostset.Fold(hosts)
}

// reasoned are objects that a verb left out, with the reason why they could not be read,
// where that is known: on a line of its own, so that there is one warning for both.
func reasoned(leftOut *[]output.LeftOut, c *sysops.Completeness) []output.LeftOut {
	if leftOut == nil || c == nil {
		return nil
	}
	why := make(map[string]string, len(c.Unreadable))
	for _, o := range c.Unreadable {
		why[o.Key] = "\n" + o.Reason
	}
	out := slices.Clone(*leftOut)
	for i := range out {
		out[i].Reason += why[out[i].Key]
	}
	return out
}

// warnOf warns of objects that are not in the answer, as output.Reasons puts it.
func (u *ui) warnOf(objects []output.LeftOut, format, what string) {
	for _, line := range output.Reasons(objects, format, what) {
		u.warn("%s", line)
	}
}

// reportRows says which rows are not there, and why.
func (in *inquiry) reportRows(leftOut []output.LeftOut) {
	in.warnOf(leftOut, "%s is left out: %s", "left out")
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
