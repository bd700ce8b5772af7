package terminal

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
)

// onScreen is what a terminal of so many columns shows of rows, line by line.
func onScreen(t *testing.T, columns int, color bool, rows ...output.Row) []string {
	t.Helper()
	screen := terminaltest.Open(t, columns)
	w := NewWriter(screen.File)
	text := NewText(w, color)
	for i := range rows {
		if err := text.Write(&rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(screen.Sent(), "\r\n"), "\r\n")
}

// widths are those of screens that people have.
var widths = []int{20, 40, 80, 200}

// Names that hosts choose to do harm, or that take other columns than they have bytes.
var hostile = []string{
	"web1", "", "网络服务器.example.com", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301.example.com",
	"\x1b[2J\x1b]0;title\x07web2", "\u202egnp.exe\u200b", "\xff\xfe\x9bweb3", "web4\tweb5\tweb6", strings.Repeat("x", 300),
	strings.Repeat("网", 150), "🙂👩‍👩‍👧", "\u0301", "web7 " + strings.Repeat("a b ", 40),
}

// Whatever is in them, the columns of a table end where the screen does, and numbers are
// not cut, because they would be others.
func TestTablesFitTheScreen(t *testing.T) {
	table := &output.Table{Columns: []output.Column{
		{Title: "HOST", Width: 24}, {Title: "CORE", Width: 14}, {Title: "OBJECTS", Width: 8, Right: true}, {Title: "STATE", Gap: "  "},
	}}
	var rows []output.Row
	for i, name := range hostile {
		rows = append(rows, output.Row{Table: table, Cells: output.Cells(name, hostile[len(hostile)-1-i], fmt.Sprint(1000000+i), name)})
	}
	for _, width := range widths {
		lines := onScreen(t, width, true, rows...)
		for _, line := range lines {
			if n := Columns(line); n > width {
				t.Errorf("%d of %d columns: %q", n, width, line)
			}
			if strings.ContainsAny(line, "\x1b\x07\t\u202e") {
				t.Errorf("%d columns: the terminal is sent %q", width, line)
			}
		}
		shown := strings.Join(lines, "\n")
		for i := range hostile {
			if number := fmt.Sprint(1000000 + i); strings.Count(shown, number) != 1 {
				t.Errorf("%d columns: %s is missing in\n%s", width, number, shown)
			}
		}
		if !strings.Contains(shown, ellipsis) {
			t.Errorf("%d columns: what is cut looks whole:\n%s", width, shown)
		}
	}
}

// Padding goes first, then the widest texts are cut; at last columns stand below each
// other.
func TestWhatYieldsOnNarrowScreens(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Title: "HOST", Width: 30}, {Title: "STATE", Width: 8}, {Title: "AGE", Width: 10, Right: true}, {Title: "CORE", Gap: "  "}}}
	rows := []output.Row{
		{Table: table, Cells: output.Cells("app0001.example.com", "live", "14 s", "eat1-1")},
		{Table: table, Cells: output.Cells("网络服务器.example.com", "missing", "3 d", "eat1-12")},
	}
	for width, want := range map[int]string{
		80: "HOST                           STATE           AGE  CORE\n" +
			"app0001.example.com            live           14 s  eat1-1\n" +
			"网络服务器.example.com         missing         3 d  eat1-12",
		44: "HOST                   STATE    AGE  CORE\n" +
			"app0001.example.com    live    14 s  eat1-1\n" +
			"网络服务器.example.com missing  3 d  eat1-12",
		40: "HOST               STATE    AGE  CORE\n" +
			"app0001.example.c… live    14 s  eat1-1\n" +
			"网络服务器.exampl… missing  3 d  eat1-12",
		20: "HOST\n  STATE    AGE\n  CORE\n" +
			"app0001.example.c…\n  live    14 s\n  eat1-1\n" +
			"网络服务器.exampl…\n  missing  3 d\n  eat1-12",
	} {
		if got := strings.Join(onScreen(t, width, false, rows...), "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}

// What was asked for is there in full, and costs the others nothing where the screen has
// no room for it anyway.
func TestWholeColumnsAreNotCut(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {}, {Gap: "\t", Whole: true}}}
	host, hosts := "app0001.example.com", "web["+strings.Repeat("17,", 40)+"99]"
	for _, row := range []struct {
		width int
		whole string
		want  string
	}{
		{200, hosts, "      3 app0001.example.com  " + hosts},
		{80, hosts, "      3 app0001.example.com  " + hosts},
		{40, hosts, "      3 app0001.example.com  " + hosts},
		{20, hosts, "3 app0001.example.c…  " + hosts},
		{30, "web[1..123456]", "3 app0001.exa…  web[1..123456]"},
	} {
		got := onScreen(t, row.width, false, output.Row{Table: table, Cells: output.Cells("3", host, row.whole)})
		if strings.Join(got, "\n") != row.want {
			t.Errorf("%d columns:\n%s\nwant\n%s", row.width, strings.Join(got, "\n"), row.want)
		}
	}
}

// A table knows its first rows; a later one that is wider has a line that fits it.
func TestRowsThatCameTooLate(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Title: "NAME", Width: 10}, {Title: "COUNT", Width: 7, Right: true}}}
	rows := []output.Row{{Table: table, Cells: output.Cells("a", "1")}}
	for len(rows) < heldRows {
		rows = append(rows, output.Row{Table: table, Cells: output.Cells("bb", "22")})
	}
	rows = append(rows, output.Row{Table: table, Cells: output.Cells(strings.Repeat("c", 20), "333")}, output.Row{Table: table, Cells: output.Cells(strings.Repeat("d", 50), "4444")}, output.Row{Table: table, Cells: output.Cells("e", "5")})
	lines := onScreen(t, 40, false, rows...)
	want := []string{"NAME         COUNT", "a                1", "bb              22"}
	if got := lines[:3]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the first lines are\n%s", strings.Join(got, "\n"))
	}
	want = []string{strings.Repeat("c", 20) + "     333", strings.Repeat("d", 33) + "…  4444", "e                5"}
	if got := lines[len(lines)-3:]; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the last lines are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Text between the rows of a table stands where it was written, and the header once.
func TestTextBetweenHeldRows(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Title: "NAME"}, {Title: "COUNT", Width: 7, Right: true}}}
	got := strings.Join(onScreen(t, 40, false,
		output.Row{Table: table, Cells: output.Cells("a", "1")}, output.Row{Text: []byte("text\n")}, output.Row{Table: table, Cells: output.Cells("b", "2")},
		output.Row{Parts: []output.Row{{Text: []byte("more\n")}, {Table: table, Cells: output.Cells("c", "3")}}}), "\n")
	if want := "NAME   COUNT\na          1\ntext\nb          2\nmore\nc          3"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// On a narrow screen, bars are shorter and then gone, before text is cut.
func TestBarsOnNarrowScreens(t *testing.T) {
	table := &output.Table{Trim: true, Columns: []output.Column{{Width: 4, Right: true}, {Gap: "  "}, {Bar: true, Gap: "  "}}}
	cells := output.Cells("10 s", "one and two", "")
	cells[2].Share = 1
	for width, want := range map[int]string{
		200: "10 s  one and two  " + strings.Repeat("█", mostBar),
		40:  "10 s  one and two  " + strings.Repeat("█", 21),
		20:  "10 s  one and two  █",
		19:  "10 s  one and two",
	} {
		if got := strings.Join(onScreen(t, width, false, output.Row{Table: table, Cells: cells}), "\n"); got != want {
			t.Errorf("%d columns: %q, want %q", width, got, want)
		}
	}
}

// The last text of a line is not cut: it goes on in its column, between words. They are
// whole unless they want most of the screen.
func TestTheLastColumnGoesOnBelow(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Width: 7, Right: true}, {Width: 24}, {Gap: "  "}}}
	cells := output.Cells("98", "mps01.example.com:6379/0", "cannot ask it: 连接被拒绝 by mps02.example.com:6379")
	cells[2].Role = output.Removed
	for width, want := range map[int]string{
		200: "     98 mps01.example.com:6379/0  cannot ask it: 连接被拒绝 by mps02.example.com:6379",
		60: "     98 mps01.example.com:6379/0  cannot ask it: 连接被拒绝\n" +
			"                                  by mps02.example.com:6379",
		50: "98 mps01.example.com:6379…  cannot ask it:\n" +
			"                            连接被拒绝 by\n" +
			"                            mps02.example.com:6379",
		20: "98\n  mps01.example.com…\n  cannot ask it:\n  连接被拒绝 by\n  mps02.example.com…",
	} {
		if got := strings.Join(onScreen(t, width, false, output.Row{Table: table, Cells: cells}), "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	if got := onScreen(t, 50, true, output.Row{Table: table, Cells: cells})[1]; got != strings.Repeat(" ", 28)+"\x1b[31m连接被拒绝 by\x1b[0m" {
		t.Errorf("coloured, it goes on with %q", got)
	}
	cells[2].Text = strings.Repeat("x", 300)
	if got, want := strings.Join(onScreen(t, 80, false, output.Row{Table: table, Cells: cells}), "\n"), "98 mps01.example.com:637…  "+strings.Repeat("x", 52)+ellipsis; got != want {
		t.Errorf("a word wider than the screen: got\n%s\nwant\n%s", got, want)
	}
}

// A cell that spans columns has the rest of the line, and does not make its column wider.
func TestASpanHasTheRestOfTheLine(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Title: "FIELD", Width: 5}, {Title: "[1]", Width: 4, Gap: "  "}, {Title: "[2]", Width: 4, Gap: "  "}}, Trim: true}
	rows := []output.Row{
		{Table: table, Cells: output.Cells("port", "6379", "6380")},
		{Table: table, Cells: []output.Cell{{Text: "path"}, {Text: "/usr/bin/redis-server", Span: true}}},
		{Table: table, Cells: []output.Cell{{Text: "file"}, {Span: true}}},
	}
	want := []string{"FIELD  [1]   [2]", "port   6379  6380", "path   /usr/bin/red…", "file   "}
	if got := onScreen(t, 20, false, rows...); !slices.Equal(got, want) {
		t.Errorf("20 columns show\n%q, want\n%q", got, want)
	}
	if got := shown(t, false, rows...); got != "FIELD  [1]   [2]\nport   6379  6380\npath   /usr/bin/redis-server\nfile   \n" {
		t.Errorf("a pipe has\n%q", got)
	}
}

// A cell that spans columns has what the line has left, also where that is little, and
// makes no column wider.
func TestSpansEndWithTheLine(t *testing.T) {
	table := &output.Table{Columns: []output.Column{{Width: 5}, {Width: 4, Gap: "  "}, {Width: 4, Gap: "  "}}, Trim: true}
	rows := []output.Row{
		{Table: table, Cells: output.Cells("port", "6379", "6380")},
		{Table: table, Cells: []output.Cell{{Text: "path"}, {Text: "/usr/bin/网络/redis-server", Span: true}}},
	}
	for width, want := range map[int]string{
		40: "port   6379  6380\npath   /usr/bin/网络/redis-server",
		20: "port   6379  6380\npath   /usr/bin/网…",
	} {
		if got := strings.Join(onScreen(t, width, false, rows...), "\n"); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
	if got, want := shown(t, false, rows...), "port   6379  6380\npath   /usr/bin/网络/redis-server\n"; got != want {
		t.Errorf("a pipe has\n%s\nwant\n%s", got, want)
	}
}
