package store

import "math"

// A guard reads along with a connection's replies, and finds out lengths that no
// reply of ours can have: go-redis would allocate what a hostile or broken server
// announces before a byte of it has come.
type guard struct {
	header []byte // of the value under way: its type and length, up to CR LF
	skip   int64  // bytes of a bulk string that are still to come, CR LF included
}

// maxHeader is longer than a type and a number are; the rest of a longer line (an
// error, a status) says nothing about lengths.
const maxHeader = 32

// reset forgets what is left of the last reply.
func (g *guard) reset() { g.header, g.skip = g.header[:0], 0 }

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
	switch g.header[0] {
	case '$', '=', '!':
		n := headerNumber(g.header[1:])
		if n > maxReply {
			return ErrReplyTooLarge
		}
		if n >= 0 {
			g.skip = n + 2
		}
	case '*', '~', '>', '%':
		if headerNumber(g.header[1:]) > maxReply/4 { // each element has four bytes at least
			return ErrReplyTooLarge
		}
	}
	return nil
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
