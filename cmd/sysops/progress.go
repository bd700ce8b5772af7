package main

import (
	"fmt"
	"strings"
	"time"
)

// A progress bar shows on a terminal how far an answer is, when it takes longer
// than a moment and its data goes elsewhere than to the same terminal.
type progress struct {
	u       *ui
	what    string
	total   int
	at      int
	began   time.Time
	painted time.Time
}

const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	progressWidth = 30
)

func (u *ui) progress(what string, total int) *progress {
	return &progress{u: u, what: what, total: total, began: time.Now()}
}

func (p *progress) step() {
	p.at++
	if !p.u.errTerminal || p.u.outTerminal || p.total == 0 || p.at%64 != 0 {
		return
	}
	now := time.Now()
	if now.Sub(p.began) < progressAfter || now.Sub(p.painted) < progressEvery {
		return
	}
	p.painted = now
	filled := min(progressWidth, progressWidth*p.at/p.total)
	fmt.Fprintf(p.u.stderr, "\r[%s%s] %d of %d %s ", strings.Repeat("=", filled), strings.Repeat(" ", progressWidth-filled), p.at, p.total, p.what)
}

// done wipes the bar.
func (p *progress) done() {
	if !p.painted.IsZero() {
		fmt.Fprintf(p.u.stderr, "\r%s\r", strings.Repeat(" ", progressWidth+40))
	}
}
