// Package terminaltest gives tests a terminal, and tells what it was sent.
package terminaltest

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A Terminal is a pseudo terminal, until the test ends.
type Terminal struct {
	*os.File // the side that a program writes to

	t    testing.TB
	seen chan []byte // by who looks at it
}

// Open opens a terminal of so many columns.
func Open(t testing.TB, columns int) *Terminal {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	x := &Terminal{File: f, t: t, seen: make(chan []byte)}
	x.Resize(columns)
	go x.look(screen)
	return x
}

// Resize gives the terminal so many columns, as somebody does who drags its window.
func (x *Terminal) Resize(columns int) {
	x.t.Helper()
	if err := unix.IoctlSetWinsize(int(x.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		x.t.Fatal(err)
	}
}

// look reads what is sent as it comes: who writes more than the few KiB that a terminal
// holds waits until somebody has looked.
func (x *Terminal) look(screen *os.File) {
	var sent []byte
	buf := make([]byte, 4096)
	for {
		n, err := screen.Read(buf)
		sent = append(sent, buf[:n]...)
		if bytes.HasSuffix(sent, []byte(end)) {
			x.seen <- sent
			sent = nil
		}
		if err != nil {
			close(x.seen)
			return
		}
	}
}

// end is what tells that all before it has been looked at.
const end = "[end]"

// Sent returns what has been written to the terminal since it was last asked.
func (x *Terminal) Sent() string {
	x.t.Helper()
	if _, err := x.WriteString("\n" + end); err != nil {
		x.t.Fatal(err)
	}
	sent, ok := <-x.seen
	if !ok {
		x.t.Fatal("cannot read from the terminal")
	}
	return string(bytes.TrimSuffix(sent, []byte("\r\n"+end)))
}
