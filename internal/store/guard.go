package store

import (
	"fmt"
	"math"
)

// A guard reads along with a connection's replies, and finds out lengths and depths
// that no reply of ours can have: go-redis would allocate what a hostile or broken
// server announces before a byte of it has come, and calls itself for each array
// within an array, until no stack is left.
type guard struct {
	header []byte  // of the value under way: its type and length, up to CR LF
	skip   int64   // bytes of a bulk string that are still to come, CR LF included
	open   []int64 // of the arrays under way, from the outermost: values that are still to come
}

// maxDepth is deeper than any reply of ours: XREVRANGE's are three arrays deep.
const maxDepth = 8

// maxHeader is longer than a type and a number are; the rest of a longer line (an
// error, a status) says nothing about lengths.
const maxHeader = 32

// reset forgets what is left of the last reply.
func (g *guard) reset() { g.header, g.skip, g.open = g.header[:0], 0, g.open[:0] }

// feed reads the next bytes of a reply.
func (g *guard) feed(b []byte) error {
	for len(b) > 0 {
		if g.skip > 0 {
			n := min(g.skip, int64(len(b)))
			g.skip -= n
			b = b[n:]
			continue
		}
		c := b[0]
		b = b[1:]
		if c != '\n' {
			if len(g.header) < maxHeader {
				g.header = append(g.header, c)
			}
			continue
		}
		if err := g.judge(); err != nil {
			return err
		}
		g.header = g.header[:0]
	}
	return nil
}

// judge looks at a complete header.
func (g *guard) judge() error {
	if len(g.header) == 0 {
		return nil
	}
	switch n := headerNumber(g.header[1:]); g.header[0] {
	case '$', '=', '!':
		if n > maxReply {
			return ErrReplyTooLarge
		}
		if n >= 0 {
			g.skip = n + 2
		}
	case '*', '~', '>':
		return g.enter(n)
	case '%':
		return g.enter(2 * min(n, maxReply))
	case '|': // what it says something about follows
		return g.enter(2*min(n, maxReply) + 1)
	}
	g.leave()
	return nil
}

// enter begins an array of n values.
func (g *guard) enter(n int64) error {
	switch {
	case n > maxReply/4: // each element has four bytes at least
		return ErrReplyTooLarge
	case n <= 0:
		g.leave()
	case len(g.open) == maxDepth:
		return fmt.Errorf("cannot read a reply that is more than %d arrays deep", maxDepth)
	default:
		g.open = append(g.open, n)
	}
	return nil
}

// leave ends a value, and the arrays of which it is the last.
func (g *guard) leave() {
	for last := len(g.open) - 1; last >= 0; last-- {
		if g.open[last]--; g.open[last] > 0 {
			return
		}
		g.open = g.open[:last]
	}
}

// headerNumber reads the digits before CR; -1 where it is negative or none.
func headerNumber(b []byte) int64 {
	n := int64(0)
	for i, c := range b {
		switch {
		case c == '\r' && i > 0:
			return n
		case c < '0' || c > '9':
			return -1
		case n > math.MaxInt64/10-10:
			return math.MaxInt64
		}
		n = 10*n + int64(c-'0')
	}
	return n
}
