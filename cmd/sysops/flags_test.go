package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api/internal/cli"
)

// The flags that questions share, and those that shape an answer, may stand in the
// config: a flag that is missing in the list would be an unknown key there.
func TestFlagsMayStandInTheConfig(t *testing.T) {
	u := newUI(strings.NewReader(""), nil, nil)
	known := cli.ConfigFlags()
	check := func(f *pflag.Flag) {
		if !slices.Contains(known, f.Name) && f.Name != "help" {
			t.Errorf("--%s cannot be a line of the config", f.Name)
		}
	}
	newFind(u).Flags().VisitAll(check)
	newCat(u).Flags().VisitAll(check)
	for _, name := range []string{"uniq", "fold", "max-count"} {
		check(newGrep(u).Flags().Lookup(name))
	}
	if !slices.IsSorted(known) {
		t.Errorf("the list is not sorted: %v", known)
	}
}
