package store

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A request is commands that are sent together, as Redis reads them.
type request struct{ bytes []byte }

// newRequest has room for so many commands.
func newRequest(commands int) *request { return &request{make([]byte, 0, commands*96)} }

// add appends a command.
func (q *request) add(args ...string) {
	q.begin(len(args))
	for _, a := range args {
		q.arg(a)
	}
}

// begin appends the head of a command of n arguments; n calls of arg are to follow.
func (q *request) begin(n int) { q.bytes = appendHeader(q.bytes, '*', n) }

// arg appends an argument, given in parts.
func (q *request) arg(parts ...string) {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	q.bytes = appendHeader(q.bytes, '$', size)
	for _, p := range parts {
		q.bytes = append(q.bytes, p...)
	}
	q.bytes = append(q.bytes, "\r\n"...)
}

func appendHeader(b []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(b, kind), int64(n), 10), "\r\n"...)
}

// replies reads what a server answers to a request, in the protocol's second
// version, without making a value of each element. Whoever calls it knows which
// replies are to come; any other is an error. Lengths are judged before anything
// is allocated.
type replies struct {
	in *bufio.Reader
	at *position // nil: nobody asks which command an error is about
}

// A position is how far the replies to a request have been read.
type position struct {
	request []byte
	begun   int // replies that have begun
	within  int // elements of arrays that are still to come
}

// next notes that a reply begins, or an element of one.
func (r replies) next() {
	switch {
	case r.at == nil:
	case r.at.within > 0:
		r.at.within--
	default:
		r.at.begun++
	}
}

// command is that of the reply under way, in capitals; "" where that is not known.
func (p *position) command() string {
	rest := p.request
	// number takes the number of the next head off.
	number := func() int {
		head, after, _ := bytes.Cut(rest, []byte("\r\n"))
		n, err := strconv.Atoi(string(head[min(1, len(head)):]))
		if rest = after; err != nil || n < 0 || n > len(rest) {
			n, rest = 0, nil
		}
		return n
	}
	for i := range p.begun {
		args := number()
		for a := range args {
			size := number()
			if i == p.begun-1 && a == 0 {
				return strings.ToUpper(string(rest[:size]))
			}
			rest = rest[min(size+len("\r\n"), len(rest)):]
		}
	}
	return ""
}

// A replyError is what a server answers in place of a reply.
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError makes it a redis.Error.
func (replyError) RedisError() {}

// head reads the first line of a reply: its type, and what else is in the line,
// which is valid until the next read.
func (r replies) head() (kind byte, rest []byte, err error) {
	line, err := r.in.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull {
		return 0, nil, err
	}
	end := len(line) - len("\r\n")
	switch {
	case end < 1 || line[end] != '\r':
		return 0, nil, unexpected(line)
	case line[0] == '-':
		r.next()
		return 0, nil, r.failure(replyError(line[1:end]))
	}
	r.next()
	return line[0], line[1:end], nil
}

// failure names the command that a reply refuses.
func (r replies) failure(reply replyError) error {
	if r.at == nil || kindOf(reply) != ErrPermission {
		return reply
	}
	return &refusedError{r.at.command(), reply}
}

func unexpected(reply []byte) error { return fmt.Errorf("cannot read the reply %.60q", reply) }

// length reads the head of a reply of that kind: its length, or -1 for nil.
func (r replies) length(kind byte, limit int) (int, error) {
	got, digits, err := r.head()
	if err != nil {
		return 0, err
	}
	if got != kind || len(digits) == 0 {
		return 0, unexpected(append([]byte{got}, digits...))
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			if string(digits) == "-1" {
				return -1, nil
			}
			return 0, unexpected(append([]byte{got}, digits...))
		}
		if n = 10*n + int(c-'0'); n > limit {
			return 0, ErrReplyTooLarge
		}
	}
	return n, nil
}

// array reads the head of an array: how many elements follow, none for nil.
func (r replies) array() (int, error) {
	n, err := r.length('*', maxReply/4) // each element has four bytes at least
	n = max(n, 0)
	if r.at != nil {
		r.at.within += n
	}
	return n, err
}

// integer reads a number that is not negative.
func (r replies) integer() (int, error) { return r.length(':', 1<<40) }

// size reads the head of a string: its length, or -1 for nil. fill or view is to
// follow, but for nil.
func (r replies) size() (int, error) { return r.length('$', maxReply) }

// fill reads a string of len(b) bytes.
func (r replies) fill(b []byte) error {
	if _, err := io.ReadFull(r.in, b); err != nil {
		return err
	}
	end, err := r.in.Peek(2)
	if err != nil {
		return err
	}
	if string(end) != "\r\n" {
		return unexpected(end)
	}
	_, err = r.in.Discard(2)
	return err
}

// view returns a string of n bytes. It is valid until the next read.
func (r replies) view(n int) ([]byte, error) {
	if n+2 > r.in.Size() {
		b := make([]byte, n)
		return b, r.fill(b)
	}
	b, err := r.in.Peek(n + 2)
	if err != nil {
		return nil, err
	}
	if b[n] != '\r' || b[n+1] != '\n' {
		return nil, unexpected(b[n:])
	}
	_, err = r.in.Discard(n + 2)
	return b[:n], err
}

// buffered returns a string that has come whole already, as most have, in a quarter
// of the time; nil where text has to look closer. It is valid until the next read.
func (r replies) buffered() []byte {
	b, err := r.in.Peek(r.in.Buffered())
	if err != nil || len(b) == 0 || b[0] != '$' {
		return nil
	}
	n, at := 0, 1
	for ; at < len(b) && at <= maxDigits && '0' <= b[at] && b[at] <= '9'; at++ {
		n = 10*n + int(b[at]-'0')
	}
	from := at + len("\r\n")
	to := from + n
	if at == 1 || to+len("\r\n") > len(b) || string(b[at:from]) != "\r\n" || string(b[to:to+2]) != "\r\n" {
		return nil
	}
	if _, err := r.in.Discard(to + len("\r\n")); err != nil {
		return nil
	}
	r.next()
	return b[from:to:to]
}

// maxDigits are enough for the length of what fits into a buffer.
const maxDigits = 5

// text reads a string, nil for nil. It is valid until the next read.
func (r replies) text() ([]byte, error) {
	if b := r.buffered(); b != nil {
		return b, nil
	}
	n, err := r.size()
	if err != nil || n < 0 {
		return nil, err
	}
	return r.view(n)
}

// status reads a reply that says OK.
func (r replies) status() error {
	kind, rest, err := r.head()
	if err == nil && kind != '+' {
		return unexpected(append([]byte{kind}, rest...))
	}
	return err
}

// list reads an array of strings, appending them to list.
func (r replies) list(list []string, space *textBlock) ([]string, error) {
	n, err := r.array()
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = make([]string, 0, min(n, trusted))
	}
	for range n {
		b, err := r.text()
		if err != nil {
			return nil, err
		}
		list = append(list, space.keep(b))
	}
	return list, nil
}

// skip reads an array of strings, and forgets them.
func (r replies) skip() error {
	n, err := r.array()
	for range n {
		if err == nil {
			_, err = r.text()
		}
	}
	return err
}

// trusted is how many elements memory is allocated for because a server announces
// them. Room for more is made as they come.
const trusted = 1 << 16

// A textBlock makes strings out of bytes. Many share one allocation, so each keeps
// up to blockSize bytes alive.
type textBlock struct{ text strings.Builder }

// A byteBlock is the same for slices of bytes.
type byteBlock struct{ free []byte }

const blockSize = 64 << 10

// keep returns b as a string.
func (t *textBlock) keep(b []byte) string {
	if t.text.Cap()-t.text.Len() < len(b) {
		t.text = strings.Builder{}
		t.text.Grow(max(blockSize, len(b)))
	}
	at := t.text.Len()
	t.text.Write(b)
	return t.text.String()[at:]
}

// newByteBlock has room for so many short strings.
func newByteBlock(strings int) *byteBlock {
	return &byteBlock{make([]byte, min(strings*64, blockSize))}
}

// read reads a string, nil for nil.
func (t *byteBlock) read(r replies) ([]byte, error) {
	if b := r.buffered(); b != nil {
		own := t.cut(len(b))
		copy(own, b)
		return own, nil
	}
	n, err := r.size()
	if err != nil || n < 0 {
		return nil, err
	}
	own := t.cut(n)
	return own, r.fill(own)
}

// cut takes n bytes of the block, or of a new one.
func (t *byteBlock) cut(n int) []byte {
	if len(t.free) < n {
		t.free = make([]byte, max(blockSize, n))
	}
	b := t.free[:n:n]
	t.free = t.free[n:]
	return b
}
