package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/words"
)

// A Progress is a bar that shows on a terminal how far something is, when it takes longer
// than a moment. Its methods are for one goroutine at a time.
type Progress struct {
	Rate   bool // show also how many a second, and how long the rest will take
	Stride int  // how many steps there are between two looks at the clock

	w       io.Writer
	shown   bool
	what    string
	total   int
	at      int
	began   time.Time
	painted time.Time
	width   int // of what was painted
}

const (
	progressAfter  = 500 * time.Millisecond
	progressEvery  = 100 * time.Millisecond
	progressWidth  = 30
	progressStride = 64
)

// BesideRows returns a bar of total things that what names, such as "objects", beside
// rows that are being printed: it is shown, on stderr, where they go elsewhere than to
// the terminal.
func BesideRows(out *Writer, stderr io.Writer, what string, total int) *Progress {
	p := BeforeRows(stderr, what, total)
	p.shown = p.shown && !out.Terminal()
	return p
}

// BeforeRows returns a bar of what is done before rows are printed: it may stand on the
// terminal where they will be, and is wiped by then. Once they are flushed it may go on
// below them.
func BeforeRows(stderr io.Writer, what string, total int) *Progress {
	return &Progress{w: stderr, shown: IsTerminal(stderr), Stride: progressStride, what: what, total: total, began: time.Now()}
}

// Step counts one more.
func (p *Progress) Step() {
	p.at++
	if !p.shown || p.total == 0 || p.at%p.Stride != 0 {
		return
	}
	now := time.Now()
	if now.Sub(p.began) < progressAfter || now.Sub(p.painted) < progressEvery {
		return
	}
	p.painted = now
	filled := min(progressWidth, progressWidth*p.at/p.total)
	line := fmt.Sprintf("[%s%s] %d of %d %s ", strings.Repeat("=", filled), strings.Repeat(" ", progressWidth-filled), p.at, p.total, p.what)
	if p.Rate {
		took := now.Sub(p.began).Seconds()
		line += fmt.Sprintf("· %.0f a second · %s left ", float64(p.at)/took, words.Age(time.Duration(took*float64(p.total-p.at)/float64(p.at)*float64(time.Second))))
	}
	fmt.Fprintf(p.w, "\r%-*s", p.width, line)
	p.width = max(p.width, utf8.RuneCountInString(line))
}

// Done wipes the bar.
func (p *Progress) Done() {
	if !p.painted.IsZero() {
		fmt.Fprintf(p.w, "\r%*s\r", p.width, "")
		p.painted, p.width = time.Time{}, 0
	}
}
