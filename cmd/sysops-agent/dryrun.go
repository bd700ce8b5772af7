package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A dryRun shows what a push would send. It asks no server, and writes nothing.
type dryRun struct {
	on     bool
	format string
}

func (d *dryRun) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&d.on, "dry-run", false, "show what would be sent, and what is redacted in it; ask no server")
	f.StringVar(&d.format, "format", "text", "with --dry-run: text, json, jsonl or csv")
	cli.CompleteWords(cmd, "format", "text", "json", "jsonl", "csv")
	cli.CommandLineOnly(cmd, "dry-run")
	cli.CommandLineOnly(cmd, "format")
}

// check refuses flags that do not go together.
func (d *dryRun) check(cmd *cobra.Command, cfengine bool) error {
	switch {
	case d.on && cfengine:
		return errors.New("cannot use --dry-run with --cfengine: it tells CFEngine what became of a push")
	case !d.on && cmd.Flags().Changed("format"):
		return errors.New("cannot use --format without --dry-run: a push has no rows")
	}
	return nil
}

var dryRunTable = &output.Table{Columns: []output.Column{{Title: "BYTES", Width: 10, Right: true}, {Title: "OBJECT", Whole: true, Gap: "  "}}}

// A redaction is one place of an object where a secret was taken out.
type redaction struct {
	Line int    `json:"line"`
	Rule string `json:"rule"`
}

// run reads all that there is to push, and tells of each object how many bytes would be sent,
// and in which lines of it a secret was, by which rule; never the secret.
func (d *dryRun) run(cmd *cobra.Command, s *settings) error {
	stdout := terminal.NewWriter(cmd.OutOrStdout())
	sink, err := output.NewSink(d.format, stdout.Writer, terminal.NewText(stdout, false))
	if err != nil {
		return err
	}
	var found []redact.Finding // in what was read last
	snap, listed, err := s.snapshot(func(last []redact.Finding) { found = last })
	if err != nil {
		return err
	}
	var left []error
	for _, p := range listed.Problems {
		left = append(left, p)
	}
	var objects, size, secrets int
	for _, source := range snap.Sources {
		found = nil
		content, err := source.Read(cmd.Context())
		if cmd.Context().Err() != nil {
			return err
		}
		if err != nil {
			left = append(left, unread(source.Name, err))
			continue
		}
		if content.Name == "" {
			content.Name = source.Name
		}
		redacted := redactions(found, content.Data)
		objects, size, secrets = objects+1, size+len(content.Data), secrets+len(redacted)
		if err := writeObject(sink, content, redacted); err != nil {
			return err
		}
	}
	if err := sink.End(nil); err != nil {
		return err
	}
	if err := stdout.Flush(); err != nil || s.quiet {
		return err
	}
	for _, err := range left {
		terminal.Warn(cmd.ErrOrStderr(), "%s", output.OneLine(err.Error()))
	}
	churning, err := s.churnOfNames(listed)
	if err != nil {
		return err
	}
	for _, p := range churning {
		terminal.WarnOf(cmd.ErrOrStderr(), p.err(s))
	}
	terminal.Say(cmd.ErrOrStderr(), "%s: %s, %.1f KB, %s redacted; nothing was sent", s.host, words.Plural(objects, "object"), float64(size)/1e3, words.Plural(secrets, "secret"))
	return nil
}

// redactions lists what was found. What had been redacted before, as collect does with the
// output of commands, is found no more, but has its mark.
func redactions(found []redact.Finding, contents []byte) []redaction {
	out := make([]redaction, 0, len(found))
	for _, f := range found {
		out = append(out, redaction{f.Line, f.Rule})
	}
	if len(found) > 0 {
		return out
	}
	line := 0
	for text := range bytes.Lines(contents) {
		line++
		if bytes.Contains(text, []byte("[redacted]")) || bytes.Contains(text, []byte("[redacted:")) {
			out = append(out, redaction{line, "redacted before"})
		}
	}
	return out
}

func writeObject(sink output.Sink, content snapshot.Content, redacted []redaction) error {
	row := output.Row{
		Fields: output.Fields("object", content.Name, "bytes", len(content.Data), "redacted", redacted),
		Table:  dryRunTable, Cells: output.Cells(fmt.Sprint(len(content.Data)), output.OneLine(content.Name)),
	}
	if err := sink.Write(&row); err != nil {
		return err
	}
	for _, r := range redacted {
		row := output.Row{Table: dryRunTable, Cells: output.Cells("", fmt.Sprintf("  line %d: %s", r.Line, r.Rule))}
		if err := sink.Write(&row); err != nil {
			return err
		}
	}
	return nil
}
