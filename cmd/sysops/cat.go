package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func newCat(u *ui) *cobra.Command {
	q, c := &queryFlags{}, &verbs.Cat{}
	cmd := &cobra.Command{
		Use:   "cat PATTERN",
		Short: "Print contents in the order of their keys, or count identical ones",
		Long: `Print the contents of the selected objects byte for byte, in the order of their keys.

--uniq counts identical contents over the fleet, most frequent first, and prints how
many objects have them, their SHA-256, and the key of one. The contents themselves are
not fetched: sysops cat KEY shows them.

--jq applies an expression of jq(1) to each object, which has to be JSON, and prints
each result on a line; with --uniq, identical results are counted. The expression sees
that object alone: there is no input, no module, and env is empty. An object that is not
JSON, or for which the expression fails, is left out and named, in --format json under
left_out; the exit status is then 3.

--fold puts the hosts of each count into one expression that --hosts takes back. It is
what follows the last tab of a line: "hosts" in the other formats.`,
		Example: `  sysops cat web01.example.com#/etc/fstab
  sysops cat -H /etc/resolv.conf --hosts 'web*'
  sysops cat --uniq --fold /etc/resolv.conf
  sysops cat --jq '.blockdevices[] | select(.type == "disk").size' -r -H lsblk-J
  sysops cat --jq '.blockdevices | length' --uniq --fold lsblk-J`,
		Args: cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Pattern = args[0]
			return u.run(cmd, q, c)
		},
	}
	q.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&c.Uniq, "uniq", false, "identical contents, or results of --jq, counted over the fleet, most frequent first")
	f.BoolVar(&c.Fold, "fold", false, "with --uniq: the hosts of each count as one expression")
	optionalString(cmd, &c.JQ, "jq", "print what this `expression` of jq makes of each object")
	f.BoolVarP(&c.Raw, "raw-output", "r", false, "with --jq: strings without quotes")
	f.BoolVarP(&c.Prefix, prefixFlag, "H", false, prefixUsage)
	return cmd
}

// The flag that puts keys before lines.
const (
	prefixFlag  = "prefix-hostnames"
	prefixUsage = "put the key before each line, as grep puts file names"
)
