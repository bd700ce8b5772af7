package main

import (
	"encoding/json"
	"fmt"
	"strings"

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

// warnedReasons is how many reasons are told why objects are not in the answer.
const warnedReasons = 10

// warnOf warns of objects that are not in the answer: once for all of a name that are
// not there for one reason. A whole fleet may lack one file.
func (u *ui) warnOf(objects []output.LeftOut, format, what string) {
	type group struct {
		output.LeftOut
		hosts []string
	}
	var groups []*group
	found := make(map[output.LeftOut]*group) // by name and reason
	for _, o := range objects {
		host, name, _ := strings.Cut(o.Key, "#")
		of := output.LeftOut{Key: name, Reason: o.Reason}
		g := found[of]
		if g == nil {
			g = &group{LeftOut: o}
			found[of] = g
			groups = append(groups, g)
		}
		g.hosts = append(g.hosts, host)
	}
	told := 0
	for i, g := range groups {
		if i == warnedReasons {
			u.warn("… and %d more objects are %s", len(objects)-told, what)
			break
		}
		key := g.Key
		if n := len(g.hosts); n > 1 {
			_, name, _ := strings.Cut(key, "#")
			key = fmt.Sprintf("%s of %s", name, someHosts(g.hosts, n))
		}
		u.warn(format, key, g.Reason)
		told += len(g.hosts)
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
