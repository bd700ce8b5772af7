package main

import (
	"context"
	"errors"

	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// A chosenVerb is the one of several that the flags ask for, which can be told when all
// of them are known.
type chosenVerb struct {
	verbs.Verb
	choose func() (verbs.Verb, error)
}

// Check chooses the verb, and checks that.
func (c *chosenVerb) Check() (err error) {
	if c.Verb, err = c.choose(); err != nil {
		return err
	}
	return c.Verb.Check()
}

// hostsOrObjects compares two hosts or, where there are none of these names, objects.
type hostsOrObjects struct {
	objects *verbs.Diff
	hosts   *verbs.DiffHosts
	misfit  func(flag string) bool
}

// Check checks both.
func (d *hostsOrObjects) Check() error {
	if err := d.objects.Check(); err != nil {
		return err
	}
	return d.hosts.Check()
}

// Columns are those of either.
func (d *hostsOrObjects) Columns() []output.Field {
	return append(d.objects.Columns(), output.Field{Name: "only_on", Value: ""})
}

// Run tries it with hosts first.
func (d *hostsOrObjects) Run(ctx context.Context, call *verbs.Call) (*verbs.Outcome, error) {
	ofHosts := *call
	ofHosts.Fields = func(fields []output.Field) error {
		if d.objects.Fold && d.misfit("fold") {
			return errors.New("cannot --fold the names in which two hosts differ: it is for hosts")
		}
		return call.Fields(fields)
	}
	outcome, err := d.hosts.Run(ctx, &ofHosts)
	if !errors.Is(err, verbs.ErrNotHosts) {
		return outcome, err
	}
	if err := call.Fields(d.objects.Columns()); err != nil {
		return nil, err
	}
	return d.objects.Run(ctx, call)
}
