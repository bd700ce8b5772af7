package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

func newExpand(u *ui) *cobra.Command {
	return &cobra.Command{
		Use:   "expand EXPR...",
		Short: "Print the hosts that an expression names, one a line",
		Long: `Print the hosts that an expression names, one a line, sorted, each once. No server is
asked: they need not exist. EXPR is what --hosts takes, except for globs: names,
sequences and braces, separated by commas or blanks. A shell wants braces quoted.

  web001..120.example.com    web001.example.com … web120.example.com
  web8..11                   web8, web9, web10, web11
  web100..3                  short for web100..103
  web{1..3,7}.example.com    each of what the braces hold
  r{1..40}n{1..8}            r1n1 … r40n8
  "web1..3"                  a name in double quotes stands for itself`,
		Example: "  sysops hosts expand 'web{1..3,7}.example.com,db1'\n  sysops hosts expand web001..120.example.com | wc -l",
		Args:    cli.Args(1, math.MaxInt),
		RunE: func(_ *cobra.Command, args []string) error {
			hosts, err := sysops.ExpandHosts(strings.Join(args, " "))
			if err != nil {
				return err
			}
			for _, h := range hosts {
				fmt.Fprintln(u.stdout, h)
			}
			return nil
		},
	}
}
