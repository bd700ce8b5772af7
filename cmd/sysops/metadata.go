package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A rendering is how a verb shows one element of an object.
type rendering func(o *sysops.Object) (text string, fields []output.Field)

// newMetadata makes the verb that prints one element other than the contents.
func newMetadata(u *ui, use, short, example string, element sysops.Element, show rendering) (*cobra.Command, *queryFlags) {
	q := &queryFlags{columns: func() []output.Field {
		_, fields := show(&sysops.Object{Stat: &snapshot.Stat{}})
		return append(keyColumns(), fields...)
	}}
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Args: cli.Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return u.ask(cmd, q, sysops.ParsePattern, args[0], func(ctx context.Context, in *inquiry) error {
				return printElement(ctx, in, element, show)
			})
		},
	}
	q.add(cmd)
	return cmd, q
}

func printElement(ctx context.Context, in *inquiry, element sysops.Element, show rendering) error {
	for o, err := range in.answer.Objects(ctx, element) {
		if err != nil {
			return err
		}
		in.rows++
		text, fields := show(&o)
		if err := in.row(fmt.Appendf(nil, "%s %s\n", text, keyText(o.Key)), append(keyFields(o.Key), fields...)...); err != nil {
			return err
		}
	}
	return nil
}

func newStat(u *ui) *cobra.Command {
	cmd, _ := newMetadata(u, "stat PATTERN", "Print mode, links, owner, group, size and mtime",
		"  sysops stat /etc/sudoers\n  sysops stat /var/log/syslog --sort -stat.size --limit 10", sysops.StatOf,
		func(o *sysops.Object) (string, []output.Field) {
			if o.Stat == nil {
				return "-                      no stat: the output of a command", output.Fields("stat", nil)
			}
			s := o.Stat
			mtime := time.Unix(s.Mtime, 0).UTC().Format(time.RFC3339)
			return fmt.Sprintf("%s %2d %5d %5d %9d %s", s.FileMode(), s.Nlink, s.UID, s.GID, s.Size, mtime), output.Fields("stat", s)
		})
	return cmd
}

func newMD5Sum(u *ui) *cobra.Command {
	cmd, _ := newMetadata(u, "md5sum PATTERN", "Print the md5sum of contents, as md5sum(1) does",
		"  sysops md5sum /etc/hosts | cut -d' ' -f1 | sort | uniq -c", sysops.MD5Sum,
		func(o *sysops.Object) (string, []output.Field) {
			return o.MD5Sum + " ", output.Fields("md5sum", o.MD5Sum)
		})
	return cmd
}

func newWc(u *ui) *cobra.Command {
	cmd, _ := newMetadata(u, "wc PATTERN", "Print lines, words and bytes, as wc(1) does",
		"  sysops wc /etc/passwd", sysops.CountsOf,
		func(o *sysops.Object) (string, []output.Field) {
			w := o.Words
			return fmt.Sprintf("%7d %7d %7d", w.Lines, w.Words, w.Bytes), output.Fields("lines", w.Lines, "words", w.Words, "bytes", w.Bytes)
		})
	return cmd
}

func newTime(u *ui) *cobra.Command {
	var ago, unix bool
	cmd, q := newMetadata(u, "time PATTERN", "Print since when the contents are as they are",
		"  sysops time /etc/resolv.conf --ago", sysops.TimeOf,
		func(o *sysops.Object) (string, []output.Field) {
			text := o.Time.UTC().Format(time.RFC3339)
			switch {
			case ago:
				text = fmt.Sprintf("%-20s", words.Age(time.Since(o.Time)))
			case unix:
				text = fmt.Sprint(o.Time.Unix())
			}
			return text, output.Fields("time", o.Time.UTC())
		})
	cmd.Long = `Print since when the cache has these contents: the push that first brought them, by
the server's clock. The file's own mtime is what "sysops stat" prints.`
	cmd.Flags().BoolVar(&ago, "ago", false, "as how long ago")
	cmd.Flags().BoolVar(&unix, "unix", false, "in unix seconds")
	q.check = func() error {
		if ago && unix {
			return errors.New("cannot combine --ago and --unix: each is a form of the time")
		}
		return nil
	}
	return cmd
}
