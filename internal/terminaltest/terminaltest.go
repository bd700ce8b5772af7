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

	t      testing.TB
	screen *os.File // the side that a person looks at
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
	if err := unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	return &Terminal{File: f, t: t, screen: screen}
}

// Sent returns what has been written to the terminal since it was last asked. It must
// fit into the terminal's buffer, some KiB.
func (x *Terminal) Sent() string {
	x.t.Helper()
	const end = "\n[end]"
	if _, err := x.WriteString(end); err != nil {
		x.t.Fatal(err)
	}
	var sent []byte
	buf := make([]byte, 4096)
	for !bytes.HasSuffix(sent, []byte("[end]")) {
		n, err := x.screen.Read(buf)
		if err != nil {
			x.t.Fatal(err)
		}
		sent = append(sent, buf[:n]...)
	}
	return string(bytes.TrimSuffix(sent, []byte("\r\n[end]")))
}
