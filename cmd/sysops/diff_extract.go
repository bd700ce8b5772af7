package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
)

// extractCompareFlags are the original's ways to compare: what "sysops diff" does,
// with the original's command line.
type extractCompareFlags struct {
	compare              string
	compareAll, hostList bool
}

func (x *extractCompareFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&x.compare, "compare", "", "diff the one object that --search matches against each that `STR` matches; lists of hosts narrow the latter")
	f.BoolVar(&x.compareAll, "compare-all", false, "group the objects that --search matches by what they hold, and diff every two groups")
	f.BoolVar(&x.hostList, "hostlist", false, "with --compare-all: the hosts of each group")
}

// checkCompare checks the flags among themselves, and against what else can be asked.
func (x *extractFlags) checkCompare() error {
	comparing := x.compare != "" || x.compareAll
	switch {
	case x.compare != "" && x.compareAll:
		return errors.New("cannot combine --compare and --compare-all: one compares one object with others, the other all of them")
	case x.hostList && !x.compareAll:
		return &sysops.HintedError{Err: errors.New("cannot list the hosts of groups: there are none"), Hint: "--hostlist goes with --compare-all"}
	case comparing && (x.info || x.listFiles):
		return errors.New("cannot combine --compare and --compare-all with --info and --list-files: each is an answer of its own")
	case comparing && x.search == "":
		return &sysops.HintedError{Err: errors.New("cannot compare anything: nothing to search for"), Hint: "name it with --search"}
	}
	return nil
}

// printAgainst is --compare: the one object that --search matches, and each of the
// answer.
func (x *extractFlags) printAgainst(ctx context.Context, u *ui, client *sysops.Client, search sysops.Query, answer *sysops.Answer, element sysops.Element) error {
	from, _, err := onlyObject(ctx, u, client, search, element)
	if err != nil {
		return err
	}
	x.say(u, "comparing %s with %d objects", keyText(from.Key), answer.Len())
	different, identical := 0, 0
	for c, err := range answer.Compare(ctx, from, sysops.CompareOptions{Element: element}) {
		switch {
		case err != nil:
			return err
		case c.Identical:
			identical++
			continue
		}
		different++
		if _, err := u.stdout.Write(unifiedText(&c, x.label, defaultContext)); err != nil {
			return err
		}
	}
	x.say(u, "%d objects differ, %d identical", different, identical)
	return nil
}

// printVariants is --compare-all. As in the original, objects of all names are
// grouped together.
func (x *extractFlags) printVariants(ctx context.Context, u *ui, answer *sysops.Answer, element sysops.Element) error {
	variants, err := answer.Variants(ctx, sysops.VariantOptions{Element: element})
	if err != nil || len(variants) == 0 {
		return err
	}
	if len(variants) == 1 {
		_, err := fmt.Fprintf(u.stdout, "%s: identical everywhere, in %s such as %s\n", element, objects(variants[0].Count), keyText(variants[0].Example))
		return err
	}
	for i := range variants {
		v := &variants[i]
		fmt.Fprintf(u.stdout, "%7d %s  %s\n", v.Count, v.Sum, keyText(v.Example))
		if x.hostList {
			for _, h := range v.Hosts() {
				fmt.Fprintf(u.stdout, "        %s\n", h)
			}
		}
	}
	if len(variants) > mostPairs {
		return tooManyPairs(len(variants), "sysops diff --all compares each with the most common one")
	}
	for i := range variants {
		for c, err := range answer.CompareVariants(ctx, &variants[i], variants[i+1:], sysops.CompareOptions{}) {
			switch {
			case err != nil:
				return err
			case c.Moved:
				u.warn("%s is left out: it has changed since it was counted", c.Key)
				continue
			}
			fmt.Fprintln(u.stdout)
			if _, err := u.stdout.Write(unifiedText(&c, x.label, defaultContext)); err != nil {
				return err
			}
		}
	}
	return nil
}

// label names an object and, with --no-load-balance, the server that it is of.
func (x *extractFlags) label(o *sysops.Object) string {
	named := *o
	if x.noLoadBalance {
		named.Name = o.Name + "@" + o.Server
	}
	return objectLabel(&named)
}
