package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
)

// A progress bar shows on a terminal how far an answer is, when it takes longer
// than a moment.
type progress struct {
	u       *ui
	shown   bool
	rate    bool // show also how many a second, and how long the rest will take
	stride  int  // how many steps there are between two looks at the clock
	what    string
	total   int
	at      int
	began   time.Time
	painted time.Time
	width   int // of what was painted
}

const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	progressWidth = 30
)

// progress is a bar beside rows that are being printed: it is shown where they go
// elsewhere than to the terminal.
func (u *ui) progress(what string, total int) *progress {
	return &progress{u: u, shown: u.errTerminal && !u.outTerminal, stride: 64, what: what, total: total, began: time.Now()}
}

// progressBefore is a bar of what is done before rows are printed: it may stand on the
// terminal where they will be, and is wiped by then. Once they are flushed it may go on
// below them.
func (u *ui) progressBefore(what string, total int) *progress {
	p := u.progress(what, total)
	p.shown = u.errTerminal
	return p
}

func (p *progress) step() {
	p.at++
	if !p.shown || p.total == 0 || p.at%p.stride != 0 {
		return
	}
	now := time.Now()
	if now.Sub(p.began) < progressAfter || now.Sub(p.painted) < progressEvery {
		return
	}
	p.painted = now
	filled := min(progressWidth, progressWidth*p.at/p.total)
	line := fmt.Sprintf("[%s%s] %d of %d %s ", strings.Repeat("=", filled), strings.Repeat(" ", progressWidth-filled), p.at, p.total, p.what)
	if p.rate {
		took := now.Sub(p.began).Seconds()
		line += fmt.Sprintf("· %.0f a second · %s left ", float64(p.at)/took, sysops.Age(time.Duration(took*float64(p.total-p.at)/float64(p.at)*float64(time.Second))))
	}
	fmt.Fprintf(p.u.stderr, "\r%-*s", p.width, line)
	p.width = max(p.width, utf8.RuneCountInString(line))
}

// done wipes the bar.
func (p *progress) done() {
	if !p.painted.IsZero() {
		fmt.Fprintf(p.u.stderr, "\r%*s\r", p.width, "")
		p.painted, p.width = time.Time{}, 0
	}
}
