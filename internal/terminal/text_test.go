package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// shown is what rows look like in a pipe.
func shown(t *testing.T, color bool, rows ...output.Row) string {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	text := NewText(w, color)
	for i := range rows {
		if err := text.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What marks say is colour or, of words that differ, brackets; text of hosts that stands
// between our escapes has none of its own.
func TestMarksAreColoursOrBrackets(t *testing.T) {
	var line output.Painter
	line.Add(output.Key, "web1#/etc/motd")
	line.Add(output.Colon, ":")
	line.Add(output.Plain, "\x1b[2Jhe")
	line.Add(output.Match, "l\x1blo")
	line.Add(output.Match, "")
	line.Add(output.Plain, "\n")
	var words output.Painter
	words.Add(output.Plain, "it is ")
	words.Add(output.RemovedWord, "so")
	words.Add(output.AddedWord, "thus")
	words.Add(output.Plain, "\n")
	var plain output.Painter
	plain.Add(output.Plain, "\x1b[2J\n")
	rows := []output.Row{line.Row(), words.Row(), plain.Row(), {Text: []byte("\x1b[1m\n")}}
	want := "\x1b[35mweb1#/etc/motd\x1b[0m\x1b[36m:\x1b[0m^[[2Jhe\x1b[1;31ml^[lo\x1b[0m\n" +
		"it is \x1b[31mso\x1b[0m\x1b[32mthus\x1b[0m\n^[[2J\n\x1b[1m\n"
	if got := shown(t, true, rows...); got != want {
		t.Errorf("coloured\n%q\nwant\n%q", got, want)
	}
	want = "web1#/etc/motd:\x1b[2Jhel\x1blo\nit is [-so-]{+thus+}\n\x1b[2J\n\x1b[1m\n"
	if got := shown(t, false, rows...); got != want {
		t.Errorf("plain\n%q\nwant\n%q", got, want)
	}
}

// Coloured rows and others go through different buffers, and come in one order.
func TestRowsKeepTheirOrder(t *testing.T) {
	screen := terminaltest.Open(t, 80)
	w := NewWriter(screen.File)
	text := NewText(w, true)
	var want strings.Builder
	for i := range 20 {
		row := output.Row{Text: fmt.Appendf(nil, "row %d\n", i)}
		if i%3 == 0 {
			row.Marks = []output.Mark{}
		}
		if err := text.Write(&row); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "said %d\n", i)
		fmt.Fprintf(&want, "row %d\r\nsaid %d\r\n", i, i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := screen.Sent(); got != want.String() {
		t.Errorf("%q\nwant\n%q", got, want.String())
	}
}

// In a pipe, columns are as wide as the table says or as their text, whatever the
// terminal beside it; the header stands once.
func TestTablesInAPipe(t *testing.T) {
	hosts := &output.Table{Columns: []output.Column{
		{Title: "HOST", Width: 8}, {Title: "COUNT", Width: 7, Right: true}, {Title: "CORE", Gap: "  "},
	}}
	counted := &output.Table{Columns: []output.Column{{Width: 3, Right: true}, {}, {Gap: "\t"}}, Trim: true}
	got := shown(t, false,
		output.Row{Table: hosts, Cells: output.Cells("web1", "12", "c1")},
		output.Row{Table: hosts, Cells: output.Cells("web1.example.com", "12345678", "")},
		output.Row{Table: hosts, Cells: output.Cells("网1", "1", "c\x1b1")},
		output.Row{Parts: []output.Row{
			{Text: []byte("\n")},
			{Table: counted, Cells: output.Cells("7", "a line ", "web1..2")},
			{Table: counted, Cells: output.Cells("7", "a line", "")},
			{Table: counted, Cells: output.Cells("", "", "")},
		}})
	want := "HOST       COUNT  CORE\nweb1          12  c1\nweb1.example.com 12345678  \n网1             1  c\x1b1\n" +
		"\n  7 a line \tweb1..2\n  7 a line\n\n"
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// Two texts side by side have the width that was asked for, whatever is in them.
func TestColumnsThatAreCut(t *testing.T) {
	sides := &output.Table{Columns: []output.Column{{Width: 10, Cut: true}, {Width: 1}, {Width: 10, Cut: true}}, Trim: true}
	long := "a line that is too long"
	got := shown(t, false,
		output.Row{Table: sides, Cells: output.Cells(long, "|", "a\tb\x1b")},
		output.Row{Table: sides, Cells: output.Cells("", ">", "x")},
		output.Row{Table: sides, Cells: output.Cells("  ", "", "  ")})
	if want := "a line th… | a       b…\n           > x\n               \n"; got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestBars(t *testing.T) {
	table := &output.Table{Trim: true, Columns: []output.Column{
		{Width: 4, Right: true}, {Width: 4, Right: true, Gap: " – "}, {Width: 5, Right: true, Gap: "  "}, {Bar: true, Gap: "  "}, {Width: 18},
	}}
	rows := func(ascii bool, width int) []string {
		var lines []string
		l := layout{ascii: ascii}
		l.begin(table, width)
		for _, r := range []struct {
			share float64
			mark  string
		}{{1, ""}, {0.25, ""}, {0.001, "← here"}, {0, ""}} {
			cells := output.Cells("0 s", "10 s", "1,000", "", r.mark)
			cells[3].Share = r.share
			var p output.Painter
			l.line(&p, cells)
			lines = append(lines, string(p.Text))
		}
		return lines
	}
	want := " 0 s – 10 s  1,000  ███████████████\n 0 s – 10 s  1,000  ███▊\n 0 s – 10 s  1,000  ▏ ← here\n 0 s – 10 s  1,000\n"
	if got := strings.Join(rows(false, 54), ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, line := range rows(true, 54) {
		if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) || strings.Count(line, "#") != []int{15, 4, 1, 0}[i] {
			t.Errorf("in ASCII: %s", line)
		}
	}
	for width, columns := range map[int]int{0: 61, 1000: 80} {
		if n := utf8.RuneCountInString(strings.TrimSuffix(rows(false, width)[0], "\n")); n != columns {
			t.Errorf("%d columns on a line of %d, want %d", n, width, columns)
		}
	}
}

func TestColoured(t *testing.T) {
	for _, row := range []struct {
		when, noColor, term string
		terminal, want      bool
	}{
		{"auto", "", "xterm", true, true},
		{"", "", "", true, true},
		{"auto", "", "xterm", false, false},
		{"auto", "1", "xterm", true, false},
		{"auto", "", "dumb", true, false},
		{"always", "1", "dumb", false, true},
		{"never", "", "xterm", true, false},
	} {
		t.Setenv("NO_COLOR", row.noColor)
		t.Setenv("TERM", row.term)
		if got, err := Colored(row.when, row.terminal); got != row.want || err != nil {
			t.Errorf("%+v: %v, %v", row, got, err)
		}
	}
	if _, err := Colored("sometimes", true); err == nil {
		t.Error("anything is taken")
	}
}

func TestASCIIOnly(t *testing.T) {
	for _, row := range []struct {
		all, ctype, lang string
		want             bool
	}{
		{"", "", "", false},
		{"C", "", "en_US.UTF-8", true},
		{"", "C.utf8", "C", false},
		{"", "", "de_DE.UTF-8", false},
		{"", "", "de_DE.ISO-8859-1", true},
		{"", "POSIX", "", true},
	} {
		t.Setenv("LC_ALL", row.all)
		t.Setenv("LC_CTYPE", row.ctype)
		t.Setenv("LANG", row.lang)
		if got := asciiOnly(); got != row.want {
			t.Errorf("%+v: %v", row, got)
		}
	}
}
