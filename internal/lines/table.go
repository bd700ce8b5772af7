package lines

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A lineTable is a map of lines to what is counted of them, for millions of lines:
// it keeps their text in large pieces, and what is counted in few allocations. The
// zero value is empty, and grows without bounds.
type lineTable struct {
	budget *lineBudget

	count  int
	slots  []uint32 // hash → number of the entry, plus 1; a power of two, half full at most
	blocks [][]lineEntry
	text   []byte // room for the text of lines to come
}

// A lineEntry is what is counted of one line.
type lineEntry struct {
	line  []byte
	n     int
	hosts []uint32 // in no order, some of them twice
	hash  uint32
}

// lineSeed keeps hosts from choosing lines that all have one hash.
var lineSeed = maphash.MakeSeed()

const (
	entryBlock = 1024
	textBlock  = 1 << 18
)

// A lineBudget bounds what the lineTables of one question hold together. Beyond it, they
// take no more lines: they are of no use then.
type lineBudget struct {
	lines, text atomic.Int64

	of []spent // by the number of the host, where that is asked
}

// spent is what one host has spent.
type spent struct{ lines, text atomic.Int64 }

// Limits of a question's lines: with what is counted of them, some 2 GiB. Tests lower
// them.
var (
	mostLines    int64 = 8 << 20
	mostLineText int64 = 1 << 29
)

func (b *lineBudget) spend(text int) bool {
	return b == nil || b.lines.Add(1) <= mostLines && b.text.Add(int64(text)) <= mostLineText
}

// err returns an error where there was not enough for all lines.
func (b *lineBudget) err() error {
	if b.lines.Load() <= mostLines && b.text.Load() <= mostLineText {
		return nil
	}
	return hint.For(fmt.Errorf("cannot count more than %s different lines, or %d MiB of them", words.Grouped(int(mostLines)), mostLineText>>20), hint.TooManyLines)
}

// fairShare: a host that spends more than one part in so many of a budget that is not enough
// is why it is not.
const fairShare = 8

// greedy returns the hosts that have spent more than a fair share.
func (b *lineBudget) greedy() (hosts []int) {
	for i := range b.of {
		if b.of[i].lines.Load()*fairShare > mostLines || b.of[i].text.Load()*fairShare > mostLineText {
			hosts = append(hosts, i)
		}
	}
	return hosts
}

func (e *lineEntry) add(n int, host uint32, remember bool) {
	e.n += n
	if remember && (len(e.hosts) == 0 || e.hosts[len(e.hosts)-1] != host) {
		e.hosts = append(e.hosts, host)
	}
}

func (e *lineEntry) merge(other *lineEntry) {
	e.n += other.n
	if len(e.hosts) == 0 {
		e.hosts = other.hosts
	} else {
		e.hosts = append(e.hosts, other.hosts...)
	}
}

// entry returns the entry of a line; a new one copies the line.
func (t *lineTable) entry(line []byte) *lineEntry {
	if 2*t.count >= len(t.slots) {
		t.grow()
	}
	hash := uint32(maphash.Bytes(lineSeed, line))
	mask := uint32(len(t.slots) - 1)
	at := hash & mask
	for ; t.slots[at] != 0; at = (at + 1) & mask {
		if e := t.at(int(t.slots[at]) - 1); e.hash == hash && string(e.line) == string(line) {
			return e
		}
	}
	if !t.budget.spend(len(line)) {
		return &lineEntry{line: line}
	}
	if t.count%entryBlock == 0 {
		t.blocks = append(t.blocks, make([]lineEntry, entryBlock))
	}
	e := t.at(t.count)
	e.hash, e.line = hash, t.keep(line)
	t.count++
	t.slots[at] = uint32(t.count)
	return e
}

func (t *lineTable) at(i int) *lineEntry { return &t.blocks[i/entryBlock][i%entryBlock] }

func (t *lineTable) grow() {
	slots := make([]uint32, max(1024, 2*len(t.slots)))
	mask := uint32(len(slots) - 1)
	for i := range t.count {
		at := t.at(i).hash & mask
		for slots[at] != 0 {
			at = (at + 1) & mask
		}
		slots[at] = uint32(i) + 1
	}
	t.slots = slots
}

func (t *lineTable) keep(line []byte) []byte {
	if len(line) > cap(t.text)-len(t.text) {
		t.text = make([]byte, 0, max(textBlock, len(line)))
	}
	start := len(t.text)
	t.text = append(t.text, line...)
	return t.text[start:len(t.text):len(t.text)]
}

// all calls yield with every entry, in the order in which they came.
func (t *lineTable) all(yield func(*lineEntry) bool) {
	for i := range t.count {
		if !yield(t.at(i)) {
			return
		}
	}
}
