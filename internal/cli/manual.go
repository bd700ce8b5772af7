package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// NewMan makes the verb that writes the manual pages of a program.
func NewMan(program string) *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages into a folder",
		Long: `Write a manual page for each command, section 1, into a folder, which is created
where it is missing. The packages have them already.`,
		Example: "  " + program + " man ~/.local/share/man/man1",
		Args:    Args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return WriteManual(cmd.Root(), ThisBuild(), args[0])
		},
	}
}

// WriteManual writes a manual page for root and one for each of its commands into a
// folder: sysops.1, sysops-grep.1. They are in roff, man(7), and the same for the same
// build. The help of the commands is all that they are made of: its lines that begin
// with a space stay as they are.
func WriteManual(root *cobra.Command, b Build, folder string) error {
	if err := wholefile.MkdirAll(nil, folder, 0o755); err != nil {
		return fmt.Errorf("cannot create the folder of the manual: %w", err)
	}
	for _, cmd := range documented(root) {
		path := filepath.Join(folder, pageName(cmd)+".1")
		if err := wholefile.Write(path, manualPage(cmd, b), wholefile.Options{Mode: 0o644, Unsynced: true}); err != nil {
			return fmt.Errorf("cannot write the manual: %w", err)
		}
	}
	return nil
}

// documented lists cmd and the commands below it that have a page: not those that
// cobra adds (help, completion), whose help is about shells.
func documented(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			list = append(list, documented(c)...)
		}
	}
	return list
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manualPage returns the page of one command.
func manualPage(cmd *cobra.Command, b Build) []byte {
	p := &page{}
	name, date := pageName(cmd), ""
	if at, err := time.Parse(time.RFC3339, b.Time); err == nil {
		date = at.UTC().Format(time.DateOnly)
	}
	p.line(`.TH "%s" 1 "%s" "%s" "User Commands"`, roff(strings.ToUpper(name)), date, roff(cmd.Root().Name()+" "+b.Version))
	p.section("NAME")
	p.line(`%s \- %s`, roff(name), roff(cmd.Short))
	p.section("SYNOPSIS")
	p.line(`\fB%s\fR%s`, roff(cmd.CommandPath()), roff(strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())))
	p.section("DESCRIPTION")
	p.text(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short+".")))
	p.commands(cmd)
	for _, g := range flagGroups(cmd) {
		p.flags(strings.ReplaceAll(strings.ToUpper(g.title), "FLAGS", "OPTIONS"), g.flags)
	}
	if cmd.Example != "" {
		p.section("EXAMPLES")
		p.verbatim(strings.Split(strings.TrimRight(cmd.Example, "\n"), "\n"))
	}
	if !cmd.HasParent() {
		p.section("FILES")
		p.item(`\fI`+roff(config.SystemFile)+`\fR`, "what the flags say on this machine, and much that no flag says")
		p.item(`\fI`+roff("~/.config/sysops/config.yaml")+`\fR`, "the user's own, which comes before it")
	}
	p.related(cmd)
	return p.Bytes()
}

// A page is a manual page in the making.
type page struct {
	bytes.Buffer
	begun bool // something stands since the last heading or paragraph
	ended bool // a paragraph, which the next line tells roff
}

// line adds a line of roff.
func (p *page) line(format string, args ...any) {
	if p.ended {
		p.WriteString(".PP\n")
	}
	fmt.Fprintf(&p.Buffer, format+"\n", args...)
	p.begun, p.ended = true, false
}

func (p *page) section(title string) { p.heading(".SH", title) }

func (p *page) heading(macro, title string) {
	p.ended = false
	p.line(`%s "%s"`, macro, roff(title))
	p.begun = false
}

// paragraph ends the one before.
func (p *page) paragraph() { p.ended = p.begun }

// item adds a term and what it means.
func (p *page) item(term, meaning string) {
	p.line(".TP")
	p.line("%s", term)
	p.line("%s", roff(meaning))
}

// text adds a command's help: paragraphs are filled, lines that begin with a space
// stay as they are.
func (p *page) text(help string) {
	var asIs []string
	for _, l := range strings.Split(help+"\n", "\n") {
		if strings.HasPrefix(l, " ") {
			asIs = append(asIs, l)
			continue
		}
		if len(asIs) > 0 {
			p.verbatim(asIs)
			asIs = nil
		}
		if l == "" {
			p.paragraph()
		} else {
			p.line("%s", roff(l))
		}
	}
}

// verbatim adds a paragraph of lines that stay as they are.
func (p *page) verbatim(lines []string) {
	p.paragraph()
	p.line(".EX")
	for _, l := range lines {
		p.line("%s", roff(l))
	}
	p.line(".EE")
	p.paragraph()
}

// commands lists the commands below cmd, in their groups.
func (p *page) commands(cmd *cobra.Command) {
	list := documented(cmd)[1:]
	if len(list) == 0 {
		return
	}
	p.section("COMMANDS")
	for _, g := range append(cmd.Groups(), &cobra.Group{}) { // those of no group last
		if g.Title != "" {
			p.heading(".SS", strings.TrimSuffix(g.Title, ":"))
		}
		for _, c := range list {
			if c.Parent() == cmd && c.GroupID == g.ID {
				p.item(`\fB`+roff(pageName(c))+`\fR(1)`, c.Short)
			}
		}
	}
}

// flags lists flags with what they mean and their defaults.
func (p *page) flags(title string, flags *pflag.FlagSet) {
	p.section(title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		argument, usage := pflag.UnquoteUsage(f)
		term := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Shorthand != "" {
			term = `\fB` + roff("-"+f.Shorthand) + `\fR, ` + term
		}
		if argument != "" {
			term += ` \fI` + roff(argument) + `\fR`
		}
		switch f.DefValue {
		case "", "0", "0s", "false", "[]":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		p.item(term, usage)
	})
}

// related ends the page with the pages of the command above and those below; for a
// verb, those beside it are a step away.
func (p *page) related(cmd *cobra.Command) {
	var names []string
	if cmd.HasParent() {
		names = append(names, pageName(cmd.Parent()))
	}
	for _, c := range documented(cmd)[1:] {
		names = append(names, pageName(c))
	}
	for _, other := range []string{"sysops", "sysops-agent"} {
		if !cmd.HasParent() && other != cmd.Name() {
			names = append(names, other)
		}
	}
	p.section("SEE ALSO")
	for i, name := range names {
		comma := ","
		if i == len(names)-1 {
			comma = ""
		}
		p.line(`.BR %s (1)%s`, roff(name), comma)
	}
}

// What roff would take for something else: see groff_char(7). A hyphen that can be
// copied and pasted is \-.
var roffEscapes = strings.NewReplacer(`\`, `\(rs`, `-`, `\-`, `~`, `\(ti`, `^`, `\(ha`, "`", `\(ga`, `'`, `\(aq`, `"`, `\(dq`)

// roff returns a line of text as roff prints it.
func roff(line string) string {
	line = roffEscapes.Replace(line)
	var b strings.Builder
	for _, r := range line {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		}
	}
	line = b.String()
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}
