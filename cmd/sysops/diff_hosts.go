package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// errNotHosts says that the arguments are no hosts, and may be objects.
var errNotHosts = errors.New("no such hosts")

// hostArguments reports whether two arguments could be hosts, and returns their names.
func hostArguments(args []string) (first, second string, ok bool) {
	if len(args) != 2 {
		return "", "", false
	}
	for _, a := range args {
		if a == "" || strings.Trim(strings.ToLower(a), "abcdefghijklmnopqrstuvwxyz0123456789._:-") != "" {
			return "", "", false
		}
	}
	return strings.ToLower(args[0]), strings.ToLower(args[1]), true
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
	return "", &sysops.HintedError{Err: fmt.Errorf("cannot tell which host %s is: %s", name, someHosts(short, len(short))), Hint: "write its whole name"}
}

// printHosts compares two hosts. Where neither name is a host's, the error is errNotHosts.
func (d *diffFlags) printHosts(ctx context.Context, in *inquiry, one, other string) error {
	var hosts []string
	for key := range in.answer.Keys() {
		if n := len(hosts); n == 0 || hosts[n-1] != key.Host {
			hosts = append(hosts, key.Host)
		}
	}
	first, err := hostOf(hosts, one)
	if err != nil {
		return err
	}
	second, err := hostOf(hosts, other)
	switch {
	case err != nil:
		return err
	case first == "" && second == "":
		return errNotHosts
	case first == "" || second == "":
		if first == "" {
			other = one
		}
		return &sysops.HintedError{Err: fmt.Errorf("cannot compare with host %s: it has no objects", other), Hint: "sysops hosts lists the hosts; of objects, write host#name"}
	case first == second:
		return fmt.Errorf("cannot compare host %s with itself", first)
	case d.fold && in.misfit("fold"):
		return errors.New("cannot --fold the names in which two hosts differ: it is for hosts")
	}
	if err := in.sortBy(in.out, d.hostFields(in, &sysops.HostDifference{})); err != nil {
		return err
	}
	masks, err := d.masks(in.conf)
	if err != nil {
		return err
	}
	return d.printHostDifferences(ctx, in, first, second, sysops.CompareOptions{Element: d.compared, Masks: masks, Brief: d.brief})
}

func (d *diffFlags) printHostDifferences(ctx context.Context, in *inquiry, first, second string, o sysops.CompareOptions) error {
	bar := in.progress("objects", in.answer.Len()/2)
	defer bar.Done()
	o.Progress = bar.Step
	only := make(map[string]int)
	identical, masked, different := 0, 0, 0
	for c, err := range in.answer.CompareHosts(ctx, first, second, o) {
		if err != nil {
			return err
		}
		switch {
		case c.OnlyOn != "":
			only[c.OnlyOn]++
			err = in.row(fmt.Appendf(nil, "only on %s: %s\n", c.OnlyOn, output.OneLine(c.Name)), d.hostFields(in, &c)...)
		case c.Identical:
			identical++
			if c.Masked {
				masked++
			}
		default:
			different++
			err = d.printHostDifference(in, &c)
		}
		if err != nil {
			return err
		}
	}
	d.summary = fmt.Sprintf("%d names differ, %d are only on %s, %d only on %s, %s",
		different, only[first], first, only[second], second, identicalObjects(identical, masked))
	d.conclude(in, different+len(only) > 0)
	return nil
}

func (d *diffFlags) printHostDifference(in *inquiry, c *sysops.HostDifference) error {
	fields := d.hostFields(in, c)
	if d.brief {
		return in.row(fmt.Appendf(nil, "differs: %s\n", output.OneLine(c.Name)), fields...)
	}
	d.warnCoarse(in, &c.Comparison)
	if in.format == "text" {
		r := d.render(&c.Comparison)
		r.Fields = fields
		return in.out.Add(r)
	}
	return in.row(nil, fields...)
}

// hostFields are those of a name in which two hosts differ.
func (d *diffFlags) hostFields(in *inquiry, c *sysops.HostDifference) []output.Field {
	fields := output.Fields("name", c.Name, "only_on", c.OnlyOn)
	if d.brief {
		return fields
	}
	fields = append(fields, changeFields(&c.Comparison)...)
	switch {
	case in.format == "csv":
	case c.Diff == nil && !c.Binary:
		fields = append(fields, output.Field{Name: "diff", Value: ""})
	default:
		fields = append(fields, output.Field{Name: "diff", Value: unifiedText(&c.Comparison, objectLabel, d.context)})
	}
	return fields
}
