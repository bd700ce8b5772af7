package main

import (
	"bytes"
	"context"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

func newCat(u *ui) *cobra.Command {
	q := &queryFlags{}
	var prefix bool
	cmd := &cobra.Command{
		Use:     "cat PATTERN",
		Short:   "Print contents, in the order of their keys",
		Example: "  sysops cat web01.example.com#/etc/fstab\n  sysops cat -H /etc/resolv.conf --hosts 'web*'",
		Args:    cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return u.ask(cmd, q, sysops.ParsePattern, args[0], func(ctx context.Context, in *inquiry) error {
				return printContents(ctx, in, prefix)
			})
		},
	}
	q.add(cmd)
	addPrefixFlag(cmd, &prefix, false)
	return cmd
}

func addPrefixFlag(cmd *cobra.Command, prefix *bool, byDefault bool) {
	cmd.Flags().BoolVarP(prefix, "prefix-hostnames", "H", byDefault, "put the key before each line, as grep puts file names")
}

func printContents(ctx context.Context, in *inquiry, prefix bool) error {
	bar := in.progress("objects", in.answer.Len())
	defer bar.done()
	for o, err := range in.answer.Objects(ctx) {
		if err != nil {
			return err
		}
		in.rows++
		bar.step()
		text := o.Contents
		if prefix && in.format == "text" {
			text = prefixLines(o.Key.String()+":", text)
		}
		if err := in.out.row(text, append(keyFields(o.Key), field{"contents", o.Contents})...); err != nil {
			return err
		}
	}
	return nil
}

// prefixLines puts prefix before each line, and ends the last one.
func prefixLines(prefix string, text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		b.WriteString(prefix)
		b.Write(line)
	}
	if b.Len() > 0 && b.Bytes()[b.Len()-1] != '\n' {
		b.WriteByte('\n')
	}
	return b.Bytes()
}
