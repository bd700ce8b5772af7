package main

import (
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newExpand(u *ui) *cobra.Command {
	var h hostFlags
	cmd := &cobra.Command{
		Use:   "expand EXPR...",
		Short: "Print the hosts that an expression names, one a line",
		Long: `Print the hosts that an expression names, one a line, sorted, each once. No server is
asked: they need not exist. EXPR is what --hosts takes, except for globs, and means what
it means to Range. A shell wants most of it quoted.

  web001..120.example.com    web001.example.com … web120.example.com
  web8..11  web100..3        web8, web9, web10, web11; short for web100..103
  web{1..3,7}.example.com    each of what the braces hold
  "web1..3"                  a name in quotes stands for itself
  a,b   a & b   a - b        in either, in both, in a alone; from left to right
  web1..20 - /[05]$/         without what a regular expression matches
  %web  %web:DOWN  %web:KEYS the hosts of a cluster, of one key; its keys
  @dc1  ?web1  *web1         a group's hosts; the groups, a cluster of a host
  clusters(web1)  has(TYPE;mysql)  mem(web;web1)  allclusters()

Clusters are read from the files of --clusters: DIR/CLUSTER.yaml maps keys to lists of
expressions, and GROUPS.yaml groups. What an expression names and is not there is an error.`,
		Example: "  sysops hosts expand 'web{1..3,7}.example.com,db1'\n  sysops hosts expand web001..120.example.com | wc -l\n" +
			"  sysops hosts expand --clusters /etc/range '%web & %esv4 - /db/'",
		Args: cli.Args(1, math.MaxInt),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := cli.Settings(cmd); err != nil {
				return err
			}
			clusters, err := h.openClusters()
			if err != nil {
				return err
			}
			v := &verbs.Expand{Expr: strings.Join(args, " "), Clusters: clusters}
			text := terminal.NewText(u.stdout, false)
			_, err = v.Run(cmd.Context(), &verbs.Call{Emit: func(r output.Row) error { return text.Write(&r) }})
			return err
		},
	}
	h.addClusters(cmd)
	return cmd
}
