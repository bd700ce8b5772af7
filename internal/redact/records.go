package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// A record says in which column of a line a secret is.
type record uint8

const (
	noRecord           record = iota
	secondOfColons            // user:password
	lastOfColons              // user:realm:hash
	fromSecondOfColons        // user:password, which may have colons
	fromThirdOfColons         // host:user:password, which may have colons
	fromFifthOfColons         // host:port:database:user:password, which may have colons
	userOfBlanks              // host user:password
	hashesOfColons            // user:1000:hash:hash:flags
	secondOfBlanks            // user password
	thirdOfBlanks             // client server password
	lastOfBlanks              // : PSK "password"
	secondOfEquals            // user=password
	restOfBlanks              // peer pass phrase
	everyLine                 // passwords and keys, nothing else
	everySecondLine           // user, and in the next line password
	userOption                // user = "user:password" among others
	typedLine                 // commands, one of which may be a password that was typed too early
	loneLine                  // a password and nothing else, where there is a single line
)

// records goes through the lines of a file that has columns, and through those of others that
// look as if they had: the traditional hash of crypt(3) has no prefix to know it by.
func (s *scan) records() {
	if s.format.record == noRecord && !s.format.is(noKeys) {
		s.table()
	}
	s.filled = len(bytes.TrimSpace(s.data))
	n := 0 // of the lines that hold something
	for start := 0; start < len(s.data); {
		end := s.lineEnd(start)
		line := s.data[start:min(end, start+longWord)]
		trimmed := bytes.TrimLeft(line, " \t")
		switch {
		case s.format.record == noRecord, s.format.record == loneLine && !s.isAlone(line):
			s.recordInLine(start, line)
		case len(trimmed) == 0 || trimmed[0] == '#' && (len(trimmed) == 1 || !isAlnum(trimmed[1])):
		case trimmed[0] == '#': // an entry that is switched off
			s.switchedOff(start+len(line)-len(trimmed)+1, trimmed[1:])
		default:
			n++
			s.column(start, line, n)
		}
		start = end + 1
	}
}

// recordInLine finds the secret in a line that looks as if it had columns, whatever the file is
// called.
func (s *scan) recordInLine(start int, line []byte) {
	if colon := bytes.IndexByte(line[:min(len(line), 64)], ':'); colon > 0 {
		s.hashInLine(start, line, colon)
	}
	if len(line) > 0 && isDigit(line[0]) {
		if m := voicemail.FindSubmatchIndex(line); m != nil {
			s.add(start+m[2], start+m[3], "password in a list")
		}
	}
	if len(line) > 88 && bytes.Contains(line, []byte("=\t")) {
		m := tunnel.FindSubmatchIndex(line)
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				s.add(start+m[i], start+m[i+1], "private key")
			}
		}
	}
}

var (
	columnsOfColons = regexp.MustCompile(`(?:[^:\\]|\\.)*`)
	digest          = regexp.MustCompile(`^[^:\s]+:[^:]+:([0-9a-f]{32})$`)
	tunnel          = regexp.MustCompile(`^(?:[\w.-]+\t)?(?:([A-Za-z0-9+/]{43}=)\t[A-Za-z0-9+/]{43}=\t[0-9]+\t\S+|[A-Za-z0-9+/]{43}=\t([A-Za-z0-9+/]{43}=)\t.*)$`) // wg show dump
	voicemail       = regexp.MustCompile(`^[0-9]{2,8}[ \t]*=>[ \t]*-?(\w{3,}),`)                                                                                   // of Asterisk
	windowsHashes   = regexp.MustCompile(`^[^:]+:[0-9]+:([0-9A-Fa-fX]{32}):([0-9A-Fa-fX]{32}):`)
)

// hashInLine finds hashes in lines that look like those of htpasswd(1), htdigest(1) and
// smbpasswd(5), whatever the file is called.
func (s *scan) hashInLine(start int, line []byte, colon int) {
	field := line[colon+1:]
	if i := bytes.IndexByte(field, ':'); i >= 0 {
		field = field[:i]
	}
	switch {
	case len(field) == 13 && isDES(field):
		s.add(start+colon+1, start+colon+14, "password hash")
	case len(line) > 70:
		for _, m := range windowsHashes.FindAllSubmatchIndex(line, 1) {
			for _, group := range []int{2, 4} {
				if line[m[group]] != 'X' {
					s.add(start+m[group], start+m[group+1], "password hash")
				}
			}
		}
		fallthrough
	case len(line) > 34 && line[len(line)-33] == ':':
		if m := digest.FindSubmatchIndex(line); m != nil {
			s.add(start+m[2], start+m[3], "password hash")
		}
	}
}

// isDES reports whether 13 characters look like a hash of crypt(3) of old.
func isDES(field []byte) bool {
	for _, c := range field {
		if !isAlnum(c) && c != '.' && c != '/' {
			return false
		}
	}
	lowers, uppers, digits, others, turns := classes(string(field))
	return lowers > 0 && uppers > 0 && digits+others > 0 && turns >= 5
}

// switchedOff is column for a line behind the sign of a comment, which may as well say what the
// columns are called.
func (s *scan) switchedOff(start int, line []byte) {
	if s.format.record == everyLine || s.format.record == everySecondLine || s.format.record == loneLine || s.format.record == typedLine {
		return
	}
	for _, f := range s.chosen(line, 1) {
		if text := bytes.TrimSpace(line[f[0]:f[1]]); looksStrong(string(text)) && markLength(text) == 0 {
			at := start + f[0] + bytes.Index(line[f[0]:f[1]], text)
			s.add(at, at+len(text), "password in a list")
		}
	}
}

// column finds the secret in one line of a file with columns, the n-th that holds something.
func (s *scan) column(start int, line []byte, n int) {
	record := s.format.record
	for _, f := range s.chosen(line, n) {
		text := bytes.TrimSpace(line[f[0]:f[1]])
		if len(text) < 2 || text[0] == '/' || len(bytes.Trim(text, "Xx*!")) == 0 || record == hashesOfColons && len(text) != 32 || record == lastOfBlanks && len(text) > 4 && bytes.HasSuffix(text, []byte(".pem")) {
			continue
		}
		if record == everyLine && text[0] == '"' { // the settings in .google_authenticator
			continue
		}
		at := start + f[0] + bytes.Index(line[f[0]:f[1]], text)
		if markLength(text) == 0 {
			s.add(at, at+len(text), "password in a list")
		}
	}
}

// chosen returns where the secret is in a line.
func (s *scan) chosen(line []byte, n int) [][]int {
	var fields [][]int
	record := s.format.record
	switch record {
	case everyLine, everySecondLine, loneLine:
		if record == everySecondLine && n%2 != 0 || bytes.HasPrefix(line, []byte("-----")) {
			return nil
		}
		return [][]int{{0, len(line)}}
	case typedLine:
		return typed(line)
	case userOfBlanks:
		if words := wordsOf(line); len(words) > 1 {
			if i := bytes.IndexByte(line[words[1][0]:words[1][1]], ':'); i >= 0 {
				return [][]int{{words[1][0] + i + 1, words[1][1]}}
			}
		}
		return nil
	case secondOfColons, lastOfColons, hashesOfColons, fromSecondOfColons, fromThirdOfColons, fromFifthOfColons:
		for from := 0; from <= len(line); {
			m := columnsOfColons.FindIndex(line[from:])
			fields = append(fields, []int{from, from + m[1]})
			from += m[1] + 1
		}
	case secondOfEquals:
		if at := bytes.IndexByte(line, '='); at >= 0 {
			fields = [][]int{{0, at}, {at + 1, len(line)}}
		}
	case userOption:
		if name, value, ok := bytes.Cut(line, []byte("=")); ok && strings.HasSuffix(string(bytes.TrimSpace(name)), "user") {
			if i := bytes.IndexByte(value, ':'); i > 0 {
				return [][]int{{len(name) + 2 + i, len(bytes.TrimRight(line, " \t\r\""))}}
			}
		}
		return nil
	default:
		fields = wordsOf(line)
	}
	if len(fields) == 1 && record != secondOfEquals {
		if i := bytes.IndexByte(line, ':'); i > 0 && (record == restOfBlanks || record == secondOfBlanks) {
			return [][]int{{i + 1, len(line)}}
		}
		if s.isAlone(line) {
			return fields
		}
	}
	switch {
	case record == hashesOfColons && len(fields) > 3:
		return fields[2:4]
	case record == secondOfColons && len(fields) > 2 && jettyScheme[string(bytes.TrimSpace(line[fields[1][0]:fields[1][1]]))]:
		end := fields[2][0] + wordLength(line[fields[2][0]:fields[2][1]], ",")
		return [][]int{{fields[1][0], end}}
	case record == fromSecondOfColons && len(fields) > 1:
		return [][]int{{fields[1][0], len(line)}}
	case record == fromThirdOfColons && len(fields) > 2:
		return [][]int{{fields[2][0], len(line)}}
	case record == fromFifthOfColons && len(fields) > 4:
		return [][]int{{fields[4][0], len(line)}}
	case record == lastOfColons || record == lastOfBlanks || record == fromSecondOfColons || record == fromThirdOfColons || record == fromFifthOfColons:
		return fields[min(len(fields), max(1, len(fields)-1)):]
	case record == thirdOfBlanks && len(fields) > 2:
		return fields[2:3]
	case record == restOfBlanks && len(fields) > 1:
		return [][]int{{fields[1][0], fields[len(fields)-1][1]}}
	case (record == secondOfColons || record == secondOfBlanks || record == secondOfEquals) && len(fields) > 1:
		return fields[1:2]
	}
	return nil
}

// jettyScheme: how Jetty writes a password that is not plain, before a colon.
var jettyScheme = wordSet("MD5 CRYPT OBF")

// typed returns where the password is in a line of a shell's history that is nothing else.
func typed(line []byte) [][]int {
	words := wordsOf(line)
	if len(words) != 1 || bytes.ContainsAny(line[words[0][0]:words[0][1]], "/;|&<>=()$`\\\"'") {
		return nil
	}
	word := string(line[words[0][0]:words[0][1]])
	lowers, uppers, digits, _, _ := classes(word)
	if !strings.ContainsAny(word[1:], "!@#%^*?+") || lowers == 0 || uppers+digits == 0 || !looksStrong(word) {
		return nil
	}
	return words
}

// isAlone reports whether a line is the only one of its file, and looks like a secret rather than
// a setting.
func (s *scan) isAlone(line []byte) bool {
	if s.filled != len(bytes.TrimSpace(line)) || bytes.ContainsAny(line, "{}<>") {
		return false
	}
	name, _, assigned := bytes.Cut(line, []byte("="))
	if assigned && strengthOf(string(name)) != none || bytes.Contains(line, []byte(": ")) || bytes.Count(line, []byte(" ")) > 8 {
		return false
	}
	return isSecret(string(bytes.TrimSpace(line)), sure)
}

// wordsOf returns where the words of a line are, without the quotes around them.
func wordsOf(line []byte) [][]int {
	var words [][]int
	for pos := 0; pos < len(line); {
		if isBlank(line[pos]) || line[pos] == '\r' {
			pos++
			continue
		}
		if line[pos] == '#' {
			break
		}
		if isQuote(line[pos]) {
			n := quotedLength(line[pos+1:], string(line[pos:pos+1]))
			words = append(words, []int{pos + 1, pos + 1 + n})
			pos = min(len(line), pos+n+2)
			continue
		}
		n := wordLength(line[pos:], "")
		words = append(words, []int{pos, pos + n})
		pos += n
	}
	return words
}
