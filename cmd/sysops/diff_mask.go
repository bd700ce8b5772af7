package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/mask"
)

// maskFlags say what does not count when contents are compared.
type maskFlags struct {
	noMask, set, json bool
	mask, drop        []string
}

func (m *maskFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&m.mask, "mask", nil, "what this `regex` matches on a line does not count, or its groups alone; repeatable")
	f.StringArrayVar(&m.drop, "drop", nil, "lines that this `regex` matches do not count; repeatable")
	f.BoolVar(&m.set, "set", false, "the order of lines does not count")
	f.BoolVar(&m.json, "json", false, "compare all contents that are JSON as JSON, not only those whose name says so")
	cli.CommandLineOnly(cmd, "json") // to the agent, which shares the config, it is a file
	f.BoolVar(&m.noMask, "no-mask", false, "compare byte for byte, but for what --mask, --drop, --set and --json say")
}

// check refuses what cannot be masked, before anything is asked.
func (m *maskFlags) check(e sysops.Element) error {
	if e != sysops.Contents && (m.set || m.json || m.noMask || len(m.mask)+len(m.drop) > 0) {
		return errors.New("cannot mask " + e.String() + ": --mask, --drop, --set, --json and --no-mask are for contents")
	}
	_, err := mask.New(m.options())
	return err
}

func (m *maskFlags) options() mask.Options {
	return mask.Options{Mask: regexps(m.mask), Drop: regexps(m.drop), Set: m.set, JSON: m.json}
}

func regexps(list []string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}

// masks are those of the flags and, without --no-mask, of the config and by default.
func (m *maskFlags) masks(conf *config.Config) (*mask.Set, error) {
	o := m.options()
	if !m.noMask {
		o.Rules = slices.Concat(mask.Default(), conf.MaskRules())
	}
	return mask.New(o)
}
