// Package redact takes secrets out of texts: of contents before an agent sends them, and of
// the command lines that are recorded with queries.
//
// It knows what secrets look like, and nothing else of what it is given. It finds most of
// them and not all, in time that is proportional to the text, whoever wrote that.
package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// A Redactor replaces secrets by a fingerprint. It may be used by several
// goroutines at a time. A nil Redactor changes nothing.
//
// What it knows: the bodies of PEM private keys, password hashes of crypt(3),
// tokens of well-known make (AWS, GitHub, GitLab, Slack, JWT), bearer and basic
// credentials, passwords in URLs, values of keys that end in password, secret,
// token and the like, such flags on command lines, and the two kernel parameters
// that are secrets. It works on what secrets
// look like, so it finds most and not all: the outgoing directory is where to
// keep a file full of secrets from being sent.
//
// A secret becomes "[redacted:" with 12 hex digits of HMAC-SHA256(key, secret)
// and "]": hosts with the same key and the same secret still compare equal.
// Without a key it becomes "[redacted]", because an unkeyed digest of a weak
// password can be guessed.
type Redactor struct {
	key   []byte
	rules []rule
	texts *textSet // those of all rules
}

// New returns a Redactor with a copy of key.
func New(key []byte) *Redactor {
	r := &Redactor{key: bytes.Clone(key), rules: lineRules()}
	var texts []string
	for _, rule := range r.rules {
		texts = append(texts, rule.texts...)
	}
	r.texts = newTextSet(texts)
	return r
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

// Object returns the contents of an object without their secrets, and what was found, by
// line. The name, a path or "path@section", tells of the format, which is a hint: what the
// contents look like counts for more. The contents come back as data itself where they hold
// no secret, otherwise as a new slice. Lines stay lines, except that a secret of several lines
// becomes one. What has been redacted stays as it is: Object of its own result, also with
// another key, returns that result and finds nothing.
func (r *Redactor) Object(name string, data []byte) (clean []byte, found []Finding) {
	if r == nil {
		return data, nil
	}
	clean, found = r.redactKeys(data)
	clean, inLines := r.redactLines(clean)
	return clean, append(found, inLines...)
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

// redactLines applies the rules for secrets that lie in one line, to the lines
// that hold a text of any of them.
func (r *Redactor) redactLines(data []byte) ([]byte, []Finding) {
	var out []byte
	var found []Finding
	done := 0 // data[:done] is in out, once out exists
	for at := r.texts.next(data, 0); at < len(data); {
		start := bytes.LastIndexByte(data[:at], '\n') + 1
		end := len(data)
		if n := bytes.IndexByte(data[at:], '\n'); n >= 0 {
			end = at + n
		}
		if line, rule := r.redactLine(data[start:end]); line != nil {
			found = append(found, Finding{bytes.Count(data[:start], []byte("\n")) + 1, rule})
			if out == nil {
				out = make([]byte, 0, len(data)+256)
			}
			out = append(append(out, data[done:start]...), line...)
			done = end
		}
		at = r.texts.next(data, end)
	}
	if out == nil {
		return data, nil
	}
	return append(out, data[done:]...), found
}

// maxPasses bounds the work on one line of a hostile file. Two passes are usual.
const maxPasses = 16

// redactLine returns the line without its secrets, or nil where it has none.
// It repeats the rules until none applies, so that the result of one rule, too,
// is clean by all others.
func (r *Redactor) redactLine(line []byte) (clean []byte, found string) {
	for range maxPasses {
		before := line
		for _, rule := range r.rules {
			if !rule.mayMatch(line) {
				continue
			}
			if replaced := r.replace(line, rule.find); replaced != nil {
				line, clean, found = replaced, replaced, rule.name
			}
		}
		if len(before) == len(line) && bytes.Equal(before, line) {
			break
		}
	}
	return clean, found
}

// replace returns the line with all that find finds replaced, or nil where that
// is nothing.
func (r *Redactor) replace(line []byte, find finder) []byte {
	var out []byte
	done := 0
	for start, end := range find(line) {
		secret := line[start:end]
		if start < done || start >= end || isMark(secret) {
			continue
		}
		out = append(out, line[done:start]...)
		out = append(out, r.mark(secret)...)
		done = end
	}
	if out == nil {
		return nil
	}
	return append(out, line[done:]...)
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

var markPattern = regexp.MustCompile(`^\[redacted(?::[0-9a-f]{12})?\]$`)

func isMark(text []byte) bool {
	return bytes.HasPrefix(text, []byte("[redacted")) && markPattern.Match(text)
}

// Private keys.

var (
	keyLabel  = []byte("PRIVATE KEY")
	keyBegin  = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----`)
	keyHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*: `)
	keyText   = regexp.MustCompile(`^[A-Za-z0-9+/=]+$`)

	// A key in a JSON string or a shell variable: all in one line, its ends of
	// line written as \n or blanks.
	keyInLine = regexp.MustCompile(`^(?:\\[rn]| )*([A-Za-z0-9+/=]{16,}(?:(?:\\[rn]| )+[A-Za-z0-9+/=]+)*)`)
)

// shortestText is what the first line of a key has at least; less is prose.
const shortestText = 16

// redactKeys replaces the bodies of PEM private keys.
func (r *Redactor) redactKeys(data []byte) ([]byte, []Finding) {
	if !bytes.Contains(data, keyLabel) {
		return data, nil
	}
	var out []byte
	var found []Finding
	done := 0
	for _, begin := range keyBegin.FindAllIndex(data, -1) {
		start, end := keyBody(data, begin[1])
		if start < done || start >= end {
			continue
		}
		found = append(found, Finding{bytes.Count(data[:start], []byte("\n")) + 1, "private key"})
		out = append(out, data[done:start]...)
		out = append(out, r.mark(data[start:end])...)
		done = end
	}
	if out == nil {
		return data, nil
	}
	return append(out, data[done:]...), found
}

// keyBody returns where the body is of a key whose BEGIN mark ends at pos;
// nowhere (0, 0) when what follows is no key. It goes by what the lines look
// like and needs no END mark: half a key is a secret, too.
func keyBody(data []byte, pos int) (start, end int) {
	eol := lineEnd(data, pos)
	if m := keyInLine.FindSubmatchIndex(data[pos:eol]); m != nil {
		return pos + m[2], pos + m[3]
	}
	if len(bytes.TrimSpace(data[pos:eol])) > 0 {
		return 0, 0
	}
	inText := false
	for at := eol + 1; at < len(data); {
		eol := lineEnd(data, at)
		line := bytes.TrimSpace(data[at:eol])
		switch {
		case keyText.Match(line) && (inText || len(line) >= shortestText):
			inText = true
		case inText, len(line) > 0 && !keyHeader.Match(line):
			return start, end
		}
		if start == 0 && len(line) > 0 {
			start = at + bytes.Index(data[at:eol], line) // keeps the indentation
		}
		if inText {
			end = at + bytes.Index(data[at:eol], line) + len(line) // keeps a \r
		}
		at = eol + 1
	}
	return start, end
}

func lineEnd(data []byte, pos int) int {
	if n := bytes.IndexByte(data[pos:], '\n'); n >= 0 {
		return pos + n
	}
	return len(data)
}
