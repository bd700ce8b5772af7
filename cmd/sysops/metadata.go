package main

import (
	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// newMetadata makes a verb that tells one element other than the contents of the objects
// of a pattern.
func newMetadata(u *ui, cmd *cobra.Command, pattern *string, v verbs.Verb) *cobra.Command {
	q := &queryFlags{}
	cmd.Args = cli.Args(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		*pattern = args[0]
		return u.run(cmd, q, v)
	}
	q.add(cmd)
	return cmd
}

func newStat(u *ui) *cobra.Command {
	v := &verbs.Stat{}
	return newMetadata(u, &cobra.Command{
		Use:     "stat PATTERN",
		Short:   "Print mode, links, owner, group, size and mtime",
		Example: "  sysops stat /etc/sudoers\n  sysops stat /var/log/syslog --sort -stat.size --limit 10",
	}, &v.Pattern, v)
}

func newMD5Sum(u *ui) *cobra.Command {
	v := &verbs.MD5Sum{}
	return newMetadata(u, &cobra.Command{
		Use:     "md5sum PATTERN",
		Short:   "Print the md5sum of contents, as md5sum(1) does",
		Example: "  sysops md5sum /etc/hosts | cut -d' ' -f1 | sort | uniq -c",
	}, &v.Pattern, v)
}

func newWc(u *ui) *cobra.Command {
	v := &verbs.Counts{}
	return newMetadata(u, &cobra.Command{
		Use:     "wc PATTERN",
		Short:   "Print lines, words and bytes, as wc(1) does",
		Example: "  sysops wc /etc/passwd",
	}, &v.Pattern, v)
}

func newTime(u *ui) *cobra.Command {
	v := &verbs.Time{}
	cmd := newMetadata(u, &cobra.Command{
		Use:   "time PATTERN",
		Short: "Print since when the contents are as they are",
		Long: `Print since when the cache has these contents: the push that first brought them, by
the server's clock. The file's own mtime is what "sysops stat" prints.`,
		Example: "  sysops time /etc/resolv.conf --ago",
	}, &v.Pattern, v)
	cmd.Flags().BoolVar(&v.Ago, "ago", false, "as how long ago")
	cmd.Flags().BoolVar(&v.Unix, "unix", false, "in unix seconds")
	return cmd
}
