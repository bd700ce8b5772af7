package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/cobra"
)

// What a command's help says stands in its page, and nothing of it is a macro or an
// escape of roff.
func TestManualPage(t *testing.T) {
	root := &cobra.Command{Use: "sysops", Short: "Ask"}
	root.PersistentFlags().String("config", "", "config `file`")
	root.AddGroup(&cobra.Group{ID: "ask", Title: "Questions:"})
	root.AddCommand(&cobra.Command{
		Use: "grep REGEX", GroupID: "ask", Short: `Print lines that match \d`,
		Long:    "First -L.\n.hidden is no macro.\n\nForms:\n  a   'b'\n  c~  ^d\n\nLast: ü.",
		Example: "  sysops grep x",
		Run:     func(*cobra.Command, []string) {},
	}, &cobra.Command{Use: "secret", Hidden: true, Run: func(*cobra.Command, []string) {}})
	verb := root.Commands()[0]
	verb.Flags().StringP("format", "f", "text", "text or json")
	folder := filepath.Join(t.TempDir(), "new", "man")
	b := Build{Version: "0.1.0~a-b", Time: "2026-11-22T21:48:46Z"}
	if err := WriteManual(root, b, folder); err != nil {
		t.Fatal(err)
	}
	var names []string
	files, err := os.ReadDir(folder)
	for _, f := range files {
		names = append(names, f.Name())
	}
	if err != nil || !slices.Equal(names, []string{"sysops-grep.1", "sysops.1"}) {
		t.Fatalf("the pages are %q: %v", names, err)
	}
	got, err := os.ReadFile(filepath.Join(folder, "sysops-grep.1"))
	want := `.TH "SYSOPS\-GREP" 1 "2026-11-22" "sysops 0.1.0\(tia\-b" "User Commands"
.SH "NAME"
sysops\-grep \- Print lines that match \(rsd
.SH "SYNOPSIS"
\fBsysops grep\fR REGEX [flags]
.SH "DESCRIPTION"
First \-L.
\&.hidden is no macro.
.PP
Forms:
.PP
.EX
  a   \(aqb\(aq
  c\(ti  \(had
.EE
.PP
Last: \[u00FC].
.SH "OPTIONS"
.TP
\fB\-f\fR, \fB\-\-format\fR \fIstring\fR
text or json (default text)
.SH "GLOBAL OPTIONS"
.TP
\fB\-\-config\fR \fIfile\fR
config file
.SH "EXAMPLES"
.EX
  sysops grep x
.EE
.SH "SEE ALSO"
.BR sysops (1)
`
	if err != nil || string(got) != want {
		t.Errorf("the page is\n%s\nwant\n%s", got, want)
	}
}

// The pages replace what lies in their place: another's file with two names is not theirs
// to write to, nor is what a link leads to.
func TestTheManualIsNotWrittenThroughLinks(t *testing.T) {
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), os.Symlink(victim, filepath.Join(folder, "sysops.1"))); err != nil {
		t.Fatal(err)
	}
	root := &cobra.Command{Use: "sysops", Short: "Ask"}
	root.AddCommand(&cobra.Command{Use: "ls", Short: "List", Run: func(*cobra.Command, []string) {}})
	if err := os.Link(victim, filepath.Join(folder, "sysops-ls.1")); err != nil {
		t.Fatal(err)
	}
	if err := WriteManual(root, Build{}, folder); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"sysops.1", "sysops-ls.1"} {
		if is, err := os.Lstat(filepath.Join(folder, page)); err != nil || is.Mode() != 0o644 {
			t.Errorf("%s is %v, %v", page, is, err)
		}
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("the other file holds %q, %v", text, err)
	}
}
