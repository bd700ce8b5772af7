package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/words"
)

// A Progress is a bar that shows on a terminal how far something is, when it takes longer
// than a moment. It is never wider than the terminal is at that time, and sends no escapes:
// what was painted is painted over. Its methods are for one goroutine at a time.
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
	width   int // columns of what was painted
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
	width := p.screen()
	line := p.line(now, width)
	columns := Columns(line)
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(0, min(p.width, width)-columns)))
	p.width = columns
}

// screen is how many columns a bar may have. The last one stays free: some terminals go
// on to the next line as soon as there is something in it.
func (p *Progress) screen() int { return cmp.Or(Width(p.w), lineWidth) - 1 }

// line is the bar in so many columns: it shrinks, and then one part after the other goes.
func (p *Progress) line(now time.Time, width int) string {
	count := fmt.Sprintf("%d of %d ", p.at, p.total)
	texts := []string{count + p.what + " "}
	if p.Rate {
		took := now.Sub(p.began).Seconds()
		left := texts[0] + fmt.Sprintf("· %s left ", words.Age(time.Duration(took*float64(p.total-p.at)/float64(p.at)*float64(time.Second))))
		rate := texts[0] + fmt.Sprintf("· %.0f a second ", float64(p.at)/took) + strings.TrimPrefix(left, texts[0])
		texts = []string{rate, left, texts[0]}
	}
	for _, text := range texts {
		if room := width - Columns(text) - len("[] "); room >= leastBar {
			room = min(room, progressWidth)
			filled := min(room, room*p.at/p.total)
			return fmt.Sprintf("[%s%s] %s", strings.Repeat("=", filled), strings.Repeat(" ", room-filled), text)
		}
	}
	for _, text := range append(texts, count, fmt.Sprintf("%d%%", 100*p.at/p.total)) {
		if Columns(text) <= width {
			return text
		}
	}
	return ""
}

// Done wipes the bar.
func (p *Progress) Done() {
	if !p.painted.IsZero() {
		fmt.Fprintf(p.w, "\r%*s\r", min(p.width, p.screen()), "")
		p.painted, p.width = time.Time{}, 0
	}
}

// A Stage is a part of something that takes a while: a line for people that says what it
// is and, at the end, what came of it. A terminal shows how far it is meanwhile. Its
// methods are for one goroutine at a time.
type Stage struct {
	bar  *Progress
	text string            // that the line begins with
	end  func(rest string) // nil: the line has not begun
}

// BeginStage begins a stage of total things that what names. Text is what its line begins
// with.
func BeginStage(w io.Writer, text, what string, total int) *Stage {
	s := &Stage{bar: BeforeRows(w, what, total), text: text}
	s.bar.Stride = 1
	if !s.bar.shown {
		s.end = Begin(w, text)
	}
	return s
}

// Step counts one more.
func (s *Stage) Step() { s.bar.Step() }

// End ends the line with the rest of its text.
func (s *Stage) End(rest string) {
	s.bar.Done()
	if s.end == nil {
		s.end = Begin(s.bar.w, s.text)
	}
	s.end(rest)
}
