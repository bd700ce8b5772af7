package wholetest_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// Every fault strikes every operation, on one server and on two. make faults does so before each piece of bytes, until
// the operation ends before the fault; make test before one piece of each: the first, the second, one in the
// middle or the last, in turn.
func TestFaultsInTheMidstOfOperations(t *testing.T) {
	every := os.Getenv("EVERY_INDEX") != ""
	came := &cellRecord{outcomes: map[string]string{}}
	t.Run("cells", func(t *testing.T) {
		for i, f := range cellFaults() {
			for _, servers := range cellCores {
				t.Run(fmt.Sprintf("%s, %d servers", f.name, servers), func(t *testing.T) {
					t.Parallel()
					w := newCellWorld(t, servers)
					for j, op := range cellOperations() {
						if every {
							came.set(cellName(f, op, servers), w.everyIndex(f, op))
						} else {
							w.oneIndex(f, op, i+j+servers)
						}
					}
				})
			}
		}
	})
	if every && os.Getenv("UPDATE") != "" && !t.Failed() {
		came.write(t)
	}
}

// A question of several requests gets no answer of which some are of before a restart and some of after it.
func TestNoQuestionTakesARestartForAnAnswer(t *testing.T) {
	t.Parallel()
	w := newCellWorld(t, 1)
	for _, f := range cellFaults() {
		for _, op := range cellOperations() {
			if op.asks && f.name == "restarted empty" {
				w.everyIndex(f, op)
			}
		}
	}
}

// everyIndex runs the cells of an operation one after the other, and returns their outcomes. From the
// 16th piece on it leaves some out, and ever more.
func (w *cellWorld) everyIndex(f cellFault, op cellOperation) string {
	var outcomes []byte
	for n := 0; ; n += 1 + n/16 {
		came, struck := w.try(f, op, n)
		if !struck {
			return string(outcomes)
		}
		outcomes = append(outcomes, byte(came))
	}
}

// oneIndex runs the first, the second, a middle or the last cell of an operation.
func (w *cellWorld) oneIndex(f cellFault, op cellOperation, which int) {
	pieces := w.pieces(op)
	n := []int{0, 1, pieces / 2, pieces - 1}[which%4]
	for ; n >= 0; n-- { // the last may not come a second time: how replies are cut into pieces is the network's affair
		if _, struck := w.try(f, op, n); struck {
			return
		}
	}
	w.Errorf("%s never struck %s", f.name, op.name)
}

// pieces is how many pieces an operation takes, undisturbed.
func (w *cellWorld) pieces(op cellOperation) int {
	w.reset()
	if op.prepare != nil {
		op.prepare(w)
	}
	end := w.networks[0].BeforePiece(-1, nil)
	if got := w.operate(w.Context(), op, 0); got.err != nil {
		w.Fatalf("%s, undisturbed: %v", op.name, got.err)
	}
	return end()
}

// Where the outcomes are written down: each in a file, with a character for each index; and what
// may come of each cell in a table.
const (
	cellsFile  = "../docs/reliability-cells.txt"
	cellsTable = "../docs/reliability.md"

	tableBegins = "<!-- make faults writes the table from here -->\n"
	tableEnds   = "<!-- to here -->\n"
)

var cellCores = []int{1, 2}

// cellName is what a cell is called in cellsFile.
func cellName(f cellFault, op cellOperation, servers int) string {
	return fmt.Sprintf("%s; %s; %d", f.name, op.name, servers)
}

// A cellRecord is the outcomes of cells, by their names.
type cellRecord struct {
	mu       sync.Mutex
	outcomes map[string]string
}

func (r *cellRecord) set(name, outcomes string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes[name] = outcomes
}

// eachCell calls do for each cell, in the order of the table.
func eachCell(do func(f cellFault, op cellOperation, servers int)) {
	for _, f := range cellFaults() {
		for _, op := range cellOperations() {
			for _, servers := range cellCores {
				do(f, op, servers)
			}
		}
	}
}

func (r *cellRecord) lines() string {
	var b strings.Builder
	eachCell(func(f cellFault, op cellOperation, servers int) {
		name := cellName(f, op, servers)
		fmt.Fprintf(&b, "%s: %s\n", name, r.outcomes[name])
	})
	return b.String()
}

// table shows which outcomes there were, on one server and on two.
func (r *cellRecord) table() string {
	var b strings.Builder
	b.WriteString("| fault |")
	for _, op := range cellOperations() {
		fmt.Fprintf(&b, " %s |", op.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(cellOperations())) + "\n")
	for _, f := range cellFaults() {
		fmt.Fprintf(&b, "| %s |", f.name)
		for _, op := range cellOperations() {
			var cores []string
			for _, servers := range cellCores {
				cores = append(cores, kindsOf(r.outcomes[cellName(f, op, servers)]))
			}
			fmt.Fprintf(&b, " `%s` |", strings.Join(cores, " "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// kindsOf is each outcome that is among these, once.
func kindsOf(outcomes string) string {
	kinds := ""
	for _, kind := range []outcome{admitted, unharmed} {
		if strings.ContainsRune(outcomes, rune(kind)) {
			kinds += string(kind)
		}
	}
	return kinds
}

func (r *cellRecord) write(t *testing.T) {
	before, _, after := tableOf(t)
	for file, text := range map[string]string{cellsFile: r.lines(), cellsTable: before + tableBegins + r.table() + tableEnds + after} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tableOf is the table in the documentation, and what is around it.
func tableOf(t *testing.T) (before, table, after string) {
	t.Helper()
	text, err := os.ReadFile(cellsTable)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no table of cells", cellsTable)
	}
	return before, table, after
}

// What is written down of faults has each cell of the harness and no other, with outcomes that it allows.
func TestTheTableOfFaultsHasEveryCell(t *testing.T) {
	text, err := os.ReadFile(cellsFile)
	if err != nil {
		t.Fatal(err)
	}
	recorded := &cellRecord{outcomes: map[string]string{}}
	for line := range strings.Lines(string(text)) {
		name, outcomes, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		recorded.set(name, outcomes)
	}
	eachCell(func(f cellFault, op cellOperation, servers int) {
		name := cellName(f, op, servers)
		if outcomes := recorded.outcomes[name]; outcomes == "" || strings.Trim(outcomes, f.may(op, servers)) != "" {
			t.Errorf("%s has %q of %q: %q", cellsFile, outcomes, f.may(op, servers), name)
		}
	})
	if recorded.lines() != string(text) {
		t.Errorf("%s has other cells than the harness: run UPDATE=1 make faults", cellsFile)
	}
	if _, table, _ := tableOf(t); table != recorded.table() {
		t.Errorf("%s has another table than %s: run UPDATE=1 make faults:\n%s", cellsTable, cellsFile, diffOf(recorded.table(), table))
	}
}
