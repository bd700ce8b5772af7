package verbs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
)

// ErrNotHosts is that neither name which DiffHosts was given is a host's.
var ErrNotHosts = errors.New("no such hosts")

// DiffHosts tells in what two hosts differ: which names only one of them has, and how the
// others differ.
type DiffHosts struct {
	First, Second string // their names or, where only one host has it, their short names
	Comparing
	Style

	Brief bool // only which names differ

	pattern sysops.Pattern
}

// CouldBeHosts reports whether these are words that name hosts, where there are such hosts.
func CouldBeHosts(names ...string) bool {
	for _, n := range names {
		if n == "" || strings.Trim(strings.ToLower(n), "abcdefghijklmnopqrstuvwxyz0123456789._:-") != "" {
			return false
		}
	}
	return true
}

// Check reads the names.
func (d *DiffHosts) Check() error {
	d.First, d.Second = strings.ToLower(d.First), strings.ToLower(d.Second)
	if err := d.Style.Check(); err != nil {
		return err
	}
	if err := d.checkElement(); err != nil {
		return err
	}
	if err := d.checkMasks(); err != nil {
		return err
	}
	var err error
	d.pattern, err = hostsPattern(d.First, d.Second)
	return err
}

// hostsPattern selects all objects of hosts of these names, or short names.
func hostsPattern(names ...string) (sysops.Pattern, error) {
	var patterns []sysops.Pattern
	for _, n := range names {
		for _, text := range []string{n + "#*", n + ".*#*"} {
			p, err := sysops.ParsePattern(text)
			if err != nil {
				return sysops.Pattern{}, err
			}
			patterns = append(patterns, p)
		}
	}
	return sysops.AnyOf(patterns...), nil
}

// Columns are the name, which host alone has it, and how much differs.
func (d *DiffHosts) Columns() []output.Field { return d.fields(&sysops.HostDifference{}) }

func (d *DiffHosts) fields(c *sysops.HostDifference) []output.Field {
	fields := output.Fields("name", c.Name, "only_on", c.OnlyOn)
	if d.Brief {
		return fields
	}
	return append(fields, changeFields(&c.Comparison)...)
}

// Run yields a row a name in which the hosts differ. Where neither name is a host's, the
// error is ErrNotHosts.
func (d *DiffHosts) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	return o, call.checked(ctx, o, d.pattern, func(a *sysops.Answer) error {
		first, second, err := d.resolve(a)
		if err != nil {
			return err
		}
		if err := call.fields(d.Columns()); err != nil {
			return err
		}
		masks, err := d.masks(call)
		if err != nil {
			return err
		}
		return d.compare(ctx, call, o, a, first, second, sysops.CompareOptions{Element: d.element, Masks: masks, Brief: d.Brief})
	})
}

// resolve returns the whole names of the two hosts.
func (d *DiffHosts) resolve(a *sysops.Answer) (first, second string, err error) {
	var hosts []string
	for key := range a.Keys() {
		if n := len(hosts); n == 0 || hosts[n-1] != key.Host {
			hosts = append(hosts, key.Host)
		}
	}
	if first, err = hostOf(hosts, d.First); err != nil {
		return "", "", err
	}
	if second, err = hostOf(hosts, d.Second); err != nil {
		return "", "", err
	}
	switch {
	case first == "" && second == "":
		return "", "", ErrNotHosts
	case first == "":
		return "", "", noSuchHost(d.First)
	case second == "":
		return "", "", noSuchHost(d.Second)
	case first == second:
		return "", "", fmt.Errorf("cannot compare host %s with itself", first)
	}
	return first, second, nil
}

func noSuchHost(name string) error {
	return hint.For(fmt.Errorf("cannot compare with host %s: it has no objects", name), hint.HostWithout)
}

// hostOf returns the host of an answer that has this name or, alone, this short name.
// It returns none where no host does.
func hostOf(hosts []string, name string) (string, error) {
	var short []string
	for _, h := range hosts {
		if h == name {
			return h, nil
		}
		if strings.HasPrefix(h, name+".") {
			short = append(short, h)
		}
	}
	switch len(short) {
	case 0:
		return "", nil
	case 1:
		return short[0], nil
	}
	return "", hint.To(fmt.Errorf("cannot tell which host %s is: %s", name, output.SomeHosts(short, len(short))), "write its whole name")
}

func (d *DiffHosts) compare(ctx context.Context, call *Call, o *Outcome, a *sysops.Answer, first, second string, options sysops.CompareOptions) error {
	bar := call.stage(Stage{What: "objects", Total: a.Len() / 2, Rows: true})
	defer bar.Done()
	options.Progress = bar.Step
	o.Matched = a.Len()
	only := make(map[string]int)
	identical, masked, different := 0, 0, 0
	for c, err := range a.CompareHosts(ctx, first, second, options) {
		if err != nil {
			return err
		}
		switch {
		case c.OnlyOn != "":
			only[c.OnlyOn]++
		case c.Identical:
			identical++
			if c.Masked {
				masked++
			}
			continue
		default:
			different++
			call.warnCoarse(&c.Comparison, d.Context)
		}
		if err := call.Emit(d.row(call.Form, &c)); err != nil {
			return err
		}
	}
	o.Differs = different+len(only) > 0
	o.note("%d names differ, %d are only on %s, %d only on %s, %s",
		different, only[first], first, only[second], second, identicalObjects(identical, masked))
	return nil
}

// row is a name in which the hosts differ.
func (d *DiffHosts) row(form Form, c *sysops.HostDifference) output.Row {
	row := output.Row{Fields: d.fields(c)}
	switch {
	case c.OnlyOn != "":
		row.Text = fmt.Appendf(nil, "only on %s: %s\n", c.OnlyOn, output.OneLine(c.Name))
		if form == AsValues && !d.Brief {
			row.Fields = append(row.Fields, output.Field{Name: "diff", Value: ""})
		}
		return row
	case d.Brief:
		row.Text = fmt.Appendf(nil, "differs: %s\n", output.OneLine(c.Name))
		return row
	}
	return d.shown(row, form, &c.Comparison)
}
