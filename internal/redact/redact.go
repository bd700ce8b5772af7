// Package redact takes secrets out of texts: of contents before an agent sends them, and of
// the command lines that are recorded with queries.
//
// It looks for secrets in two ways. Some are known by what they look like: the tokens of
// makers who put a prefix to them, hashes of passwords, private keys (shapes.go, blocks.go).
// Most are known by what stands before them: a key that is called password and the like
// (words.go), in whichever way a format writes keys and values (key.go, value.go, markup.go,
// pairs.go), a directive's name (rules.go, directive.go), a flag of a command (command.go), or the place
// in a line of a file that is known by its name (records.go, format.go).
//
// What is given may be hostile, cut off, or in no format at all. So nothing is parsed: texts of
// interest are found in one pass over the whole (triggers.go), and around each a bounded piece
// is looked at. All takes time in proportion to the text, and what is not a secret comes out
// byte for byte. Most secrets are found, and not all.
package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
)

// A Redactor replaces secrets by a fingerprint. It may be used by several
// goroutines at a time. A nil Redactor changes nothing.
//
// It finds most secrets and not all: the outgoing directory is where to keep a file full of
// secrets from being sent.
//
// A secret becomes "[redacted:" with 12 hex digits of HMAC-SHA256(key, secret)
// and "]": hosts with the same key and the same secret still compare equal.
// Without a key it becomes "[redacted]", because an unkeyed digest of a weak
// password can be guessed. Texts of which others may choose a part are for Plain.
type Redactor struct {
	key []byte
}

// New returns a Redactor with a copy of key.
func New(key []byte) *Redactor {
	return &Redactor{key: bytes.Clone(key)}
}

// Plain returns a redactor that finds the same and leaves no fingerprint: for texts of which
// somebody chooses a part, who could try there which secret has a fingerprint that they have
// seen.
func (r *Redactor) Plain() *Redactor {
	if r == nil {
		return nil
	}
	return New(nil)
}

// A Finding tells of one secret that was replaced, and not what it was.
type Finding struct {
	Line int    // of the text as it was given, counted from 1, in which the secret begins
	Rule string // what gave it away: "token", "value of a key"; for people, so it may change
}

// Redact is Object for a text that has no name.
func (r *Redactor) Redact(data []byte) []byte {
	clean, _ := r.Object("", data)
	return clean
}

// Text is Redact for a string.
func (r *Redactor) Text(text string) string { return string(r.Redact([]byte(text))) }

// Object returns the contents of an object without their secrets, and what was found, by
// line. The name, a path or "path@section", tells of the format, which is a hint: what the
// contents look like counts for more. The contents come back as data itself where they hold
// no secret, otherwise as a new slice. Lines stay lines, except that a secret of several lines
// becomes one; "\r" alone ends a line, too. UTF-16 stays UTF-16. What has been redacted stays
// as it is: Object of its own result, also with another key, returns that result and finds
// nothing.
func (r *Redactor) Object(name string, data []byte) (clean []byte, found []Finding) {
	if r == nil {
		return data, nil
	}
	if wide, ok := wideOf(data); ok {
		text, found := r.object(name, wide.text)
		if len(found) == 0 {
			return data, nil
		}
		return wide.encode(text), found
	}
	return r.object(name, data)
}

// maxPasses bounds the work on a hostile text. Two passes are usual: the second finds nothing.
const maxPasses = 16

// object repeats the search until nothing is found, so that what one rule leaves is clean by
// all others.
func (r *Redactor) object(name string, data []byte) ([]byte, []Finding) {
	var found []Finding
	var lost []lostLines
	format := formatOf(name)
	if isProgram(data) {
		format.traits |= noKeys
	}
	strengths := make(map[string]strength)
	for range maxPasses {
		spans := find(format, data, strengths)
		if len(spans) == 0 {
			break
		}
		var more []Finding
		var gone lostLines
		data, more, gone = r.replace(data, spans)
		for i := range more {
			for _, l := range slices.Backward(lost) {
				more[i].Line = l.before(more[i].Line)
			}
		}
		found, lost = append(found, more...), append(lost, gone)
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return a.Line - b.Line })
	return data, slices.CompactFunc(found, func(a, b Finding) bool { return a == b })
}

// lostLines says after which lines of a result how many lines are missing.
type lostLines []struct{ after, n int }

// before returns which line of the text before a line of the result was.
func (l lostLines) before(line int) int {
	was := line
	for _, lost := range l {
		if lost.after < line {
			was += lost.n
		}
	}
	return was
}

// replace puts marks in place of the spans, which are sorted and apart.
func (r *Redactor) replace(data []byte, spans []span) ([]byte, []Finding, lostLines) {
	out := make([]byte, 0, len(data)+24*min(len(spans), 1000))
	var found []Finding
	var lost lostLines
	done, line, gone := 0, 1, 0
	for _, s := range spans {
		out = append(out, data[done:s.start]...)
		line += endsOfLines(data[done:s.start])
		out = append(out, r.mark(data[s.start:s.end])...)
		found = append(found, Finding{line, s.rule})
		if n := endsOfLines(data[s.start:s.end]); n > 0 {
			lost = append(lost, struct{ after, n int }{line - gone, n})
			line, gone = line+n, gone+n
		}
		done = s.end
	}
	return append(out, data[done:]...), found, lost
}

// endsOfLines counts "\n", and "\r" without one.
func endsOfLines(data []byte) int {
	n := bytes.Count(data, []byte("\n"))
	if returns := bytes.Count(data, []byte("\r")); returns > 0 {
		n += returns - bytes.Count(data, []byte("\r\n"))
	}
	return n
}

// Args is Redact for the arguments of a command, one of which may say of the next that it is
// a secret: --password hunter2.
func (r *Redactor) Args(args []string) []string {
	if args == nil {
		return nil
	}
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = string(r.Redact([]byte(arg)))
		if i == 0 {
			continue
		}
		flag := args[i-1] + " "
		both := string(r.Redact([]byte(flag + arg)))
		if value, same := strings.CutPrefix(both, flag); same {
			out[i] = string(r.Redact([]byte(value)))
		}
	}
	return out
}

// mark is what stands for a secret.
func (r *Redactor) mark(secret []byte) []byte {
	if len(r.key) == 0 {
		return []byte("[redacted]")
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write(secret)
	mark := append([]byte("[redacted:"), hex.EncodeToString(mac.Sum(nil)[:6])...)
	return append(mark, ']')
}

var markPattern = regexp.MustCompile(`^\[redacted(?::[0-9a-f]{12})?\]`)

const longestMark = len("[redacted:0123456789ab]")

// markLength returns how long the mark is with which a text begins; 0 where it begins with none.
func markLength(text []byte) int {
	if !bytes.HasPrefix(text, []byte("[redacted")) {
		return 0
	}
	return len(markPattern.Find(text[:min(len(text), longestMark)]))
}

func isMark(text []byte) bool { return len(text) > 0 && markLength(text) == len(text) }
