package main

import (
	"testing"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/scripttest"
)

// A flag may be a line of the config, which the other command reads as well.
func TestTheListOfFlags(t *testing.T) {
	scripttest.FlagList(t, "../../internal/cli/flags/sysops", cli.FlagNames(newRoot(newUI(nil, nil, nil))))
}
