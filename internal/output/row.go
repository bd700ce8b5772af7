// Package output is what an answer becomes on its way to a reader: rows with named
// fields, in their own order or that of --sort, all of them or the first of --limit, in
// a format for programs (JSON, JSON Lines, CSV).
//
// It promises that a verb makes each row once, whoever reads it. A row has its fields for
// programs and its text for people, and the text is plain: what a part of it is, such as
// a match, is told by marks; what stands in columns, by a table and its cells. Nothing
// that a host sent is changed here.
//
// How text is shown is left to internal/terminal, which has the format text: colours,
// the width of columns, and how text of hosts is made harmless. What the rows are is
// left to the verbs.
package output

import "strings"

// A Field is one named value of a row.
type Field struct {
	Name string

	// Value is what encoding/json takes, a []byte, or a time.Time. A []byte is text, and
	// becomes NAME_base64 in JSON where it is no UTF-8.
	Value any
}

// Fields makes fields of names, each followed by its value. It panics where that is not
// what it is given.
func Fields(namesAndValues ...any) []Field {
	out := make([]Field, len(namesAndValues)/2, len(namesAndValues)/2+2)
	for i := range out {
		out[i] = Field{namesAndValues[2*i].(string), namesAndValues[2*i+1]}
	}
	if len(namesAndValues)%2 != 0 {
		panic("output: a name without a value")
	}
	return out
}

// A Row is one record of an answer. Its text is one of three: Text, Cells, or Parts.
type Row struct {
	// Fields are for programs. A row that has none is text alone, such as a heading or
	// an empty line: formats for programs pass over it, and it neither is sorted nor
	// counts for the limit.
	Fields []Field

	// Text is whole lines, each with its newline. What hosts sent stands in it as it is,
	// but for names, which OneLine keeps within their line.
	Text []byte

	// Prefix stands before each line of Text, whose last line then ends. It is put there
	// as the text is written: 64 MiB of empty lines would become gigabytes.
	Prefix string

	// Marks say what parts of Text are, in ascending order, none overlapping another.
	// Where it is not nil, even if empty, control characters in Text are shown, not
	// sent, wherever the output is coloured.
	Marks []Mark

	// Table and Cells are a line of a table, a cell a column.
	Table *Table
	Cells []Cell

	// Parts are rows whose texts make up this one's. Their fields are not looked at.
	Parts []Row
}

// A Role is what a part of a row's text is.
type Role uint8

// Roles. A word that was removed or added stands between the brackets of wdiff(1) where
// there is no colour: [-so-]{+thus+}.
const (
	Plain Role = iota
	Key
	Colon // between a key and what is said of it
	Match
	Title
	Hunk // the title of one
	Removed
	Added
	RemovedWord
	AddedWord
	Faint
)

// A Mark gives Text[From:To] a role.
type Mark struct {
	From, To int
	Role     Role
}

// A Table says how cells stand beside each other. The rows of one table point to the
// same Table: it is told apart by its address, and its header stands before the first.
type Table struct {
	Columns []Column
	Trim    bool // no spaces at the ends of lines
}

// A Column is one of a table.
type Column struct {
	Title string // in the header; a table without any has no header
	Width int    // the least, in characters; less on a terminal that is too narrow
	Right bool   // cells stand at its right edge, as numbers do
	Gap   string // what stands before it; "": one space, nothing before the first

	// Cut: as wide as Width in any output, which whoever asks chose, with an ellipsis where
	// that is too little, and with tabs expanded and control characters shown, which would
	// displace what follows. Without it, a cell is as wide as its text, but on a terminal
	// that is too narrow it is cut as well, or goes on below where it is the last one.
	Cut bool

	// Whole: never cut, also where a terminal is too narrow, because it is what was
	// asked for: the line that matched, an expression that another command takes.
	Whole bool

	// Peer: one of several columns of a kind, such as one a server. On a terminal that is
	// too narrow it is cut as they are, and does not go on below where it is the last one.
	Peer bool

	// Bar: cells are bars, as long as their Share of the column. It is as wide as the
	// line has room for, and none where there is no room. What follows stands right behind the bar.
	Bar bool
}

// A Cell is what stands in a column. It has no newline: see OneLine.
type Cell struct {
	Text  string
	Role  Role
	Share float64 // with Bar: from 0 to 1; anything above 0 is seen
	Span  bool    // the last one of its line takes the room of all columns that follow
}

// Cells makes cells of texts.
func Cells(texts ...string) []Cell {
	out := make([]Cell, len(texts))
	for i, t := range texts {
		out[i].Text = t
	}
	return out
}

// OneLine is a name, or what holds names, as a part of a line of text: hosts choose
// names, and one with the end of a line would make rows that no host has. Other formats
// have it as it is.
func OneLine(name string) string { return lineEnds.Replace(name) }

var lineEnds = strings.NewReplacer("\n", `\n`, "\r", `\r`)

// A Painter puts text with marks together.
type Painter struct {
	Text  []byte
	Marks []Mark // nil: everything is Plain
}

// Add adds text and, unless it is Plain or empty, a mark for it.
func (p *Painter) Add(role Role, text string) {
	from := len(p.Text)
	p.Text = append(p.Text, text...)
	p.mark(role, from)
}

// AddBytes is Add for bytes.
func (p *Painter) AddBytes(role Role, text []byte) {
	from := len(p.Text)
	p.Text = append(p.Text, text...)
	p.mark(role, from)
}

func (p *Painter) mark(role Role, from int) {
	if role != Plain && from < len(p.Text) {
		p.Marks = append(p.Marks, Mark{from, len(p.Text), role})
	}
}

// Row returns a row of what was added, with Marks that are not nil.
func (p *Painter) Row(fields ...Field) Row {
	if p.Marks == nil {
		p.Marks = []Mark{}
	}
	return Row{Text: p.Text, Marks: p.Marks, Fields: fields}
}
