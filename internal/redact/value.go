package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// longWord bounds how far a value without quotes is looked at, so that a line of
// megabytes costs time in proportion to its length, whatever it holds.
const longWord = 1 << 10

// value returns where the value is that begins at pos, and whether it is a secret. Most of
// what it does is leave alone what only looks like one.
func (s *scan) value(a assignment, pos int) (start, end int, ok bool) {
	if pos >= s.end {
		if strings.HasPrefix(a.separator, ":") || a.separator == "=" && a.quote == "" && a.before {
			return s.below(a)
		}
		return pos, pos, false
	}
	if mark := markLength(s.data[pos:s.end]); mark > 0 && (pos+mark == s.end || bytes.IndexByte([]byte(" \t,;}]\"'&"), s.data[pos+mark]) >= 0) {
		return pos, pos + mark, false
	}
	if s.data[pos] == '[' && !s.isMarkAt(pos) {
		return s.list(a, pos)
	}
	if strings.HasPrefix(a.separator, ":") && (s.data[pos] == '|' || s.data[pos] == '>') && len(bytes.Trim(s.data[pos:min(s.end, pos+8)], "|>+-0123456789 \t")) == 0 {
		return s.below(a)
	}
	if a.quote != "" && !a.closed && bytes.HasPrefix(s.data[pos:s.end], []byte(a.quote)) {
		return pos, pos, false // read -p "Password: " x
	}
	start, quote := s.opened(pos)
	switch {
	case quote != "":
		end = start + quotedLength(s.data[start:s.end], quote)
		return start, end, s.isPlainSecret(a, start, end)
	case isParameterOf(s.data[:s.end], a.start):
		end = start + wordLength(s.data[start:s.end], "}")
		return start, end, s.isPlainSecret(a, start, end)
	}
	if inner, length, found := defaultOf(s.data[pos:s.end]); found {
		return pos + inner, pos + inner + length, s.isPlainSecret(a, pos+inner, pos+inner+length)
	}
	length, belongs := s.bareLength(a, s.data[pos:s.end])
	end = pos + length
	return pos, end, belongs && s.isPlainSecret(a, pos, end)
}

func (s *scan) isPlainSecret(a assignment, start, end int) bool {
	text := string(s.data[start:min(end, start+longWord)])
	return isSecret(text, a.strength)
}

func isParameterOf(data []byte, start int) bool {
	return start >= 2 && data[start-2] == '$' && data[start-1] == '{'
}

// isMarkAt reports whether a mark begins at pos.
func (s *scan) isMarkAt(pos int) bool {
	return bytes.HasPrefix(s.data[pos:s.end], []byte("[redacted"))
}

var openings = regexp.MustCompile("^(?:<<|!!?[A-Za-z]{1,12} |[a-zA-Z@]{1,2}|L?f?r?b?u?)?(\"\"\"|'''|\\\\{0,7}[\"'`])")

// opened returns where the text begins behind the quote that opens at pos, and the quote.
func (s *scan) opened(pos int) (int, string) {
	if pos >= s.end || isAlnum(s.data[pos]) && (pos+2 >= s.end || !isQuote(s.data[pos+1]) && !isQuote(s.data[pos+2])) {
		return pos, ""
	}
	m := openings.FindSubmatchIndex(s.data[pos:min(s.end, pos+24)])
	if m == nil {
		return pos, ""
	}
	return pos + m[1], string(s.data[pos+m[2] : pos+m[3]])
}

// quotedLength returns how long the text is up to the closing quote; all of it
// where there is none near. A quote of more than one character has to be met as it is, with
// as many backslashes.
func quotedLength(text []byte, quote string) int {
	backslashes := strings.Count(quote, `\`)
	mark := quote[len(quote)-1]
	for pos := 0; ; {
		i := bytes.IndexByte(text[pos:], mark)
		if i < 0 {
			return len(bytes.TrimRight(text, " \t\r"))
		}
		i += pos
		before := len(text[max(0, i-64):i]) - len(bytes.TrimRight(text[max(0, i-64):i], `\`))
		switch {
		case len(quote)-backslashes > 1: // """
			if bytes.HasPrefix(text[i:], []byte(quote)) {
				return i
			}
		case backslashes == 0 && (before%2 == 0 || mark == '\''):
			return i
		case backslashes > 0 && before <= backslashes:
			return i - before
		}
		pos = i + 1
	}
}

// bareLength returns how long a value without quotes is; false where it is none
// that belongs to the key.
func (s *scan) bareLength(a assignment, rest []byte) (int, bool) {
	colon := strings.HasPrefix(a.separator, ":") && a.separator != ":="
	switch {
	case a.separator == "," || a.separator == "==" || a.separator == "||" || a.separator == "??":
		return 0, false
	case colon && a.quote != "" && a.closed: // JSON
		return wordLength(rest, ",}]"), rest[0] != '{'
	case colon && isService(a.name, rest):
		return 0, false
	case colon:
		return s.afterColon(a, rest)
	case !a.first && !a.before && a.after: // "password= user=x": an empty one
		return 0, false
	case a.quote != "" && !a.closed: // Environment="PASSWORD=…"
		return quotedLength(rest, a.quote), true
	case a.first && (a.before || a.after):
		length := lineLength(rest)
		return length, !a.comment || !isProse(rest[:length])
	}
	return optionLength(rest), true
}

// afterColon is bareLength behind a colon, which prose has, too.
func (s *scan) afterColon(a assignment, rest []byte) (int, bool) {
	inFlow := bytes.ContainsAny(s.data[max(s.start, a.start-longWord):a.start], "{")
	if a.first && a.after && !inFlow {
		length := lineLength(rest)
		if a.comment || s.format.is(prose) {
			return length, !isProse(rest[:length])
		}
		return length, rest[0] != '{'
	}
	if a.quote != "" && !a.closed { // -H "X-Auth-Token: x"
		return quotedLength(rest, a.quote), true
	}
	length := wordLength(rest, `,;}&"'<)`)
	word := rest[:length]
	if !a.after && bytes.IndexByte(word, ':') >= 0 { // a line of passwd(5)
		return length, false
	}
	return length, inFlow && a.after || looksStrong(string(word))
}

// isProse: several words.
func isProse(text []byte) bool {
	return bytes.ContainsAny(bytes.TrimSpace(text), " \t")
}

// isService: "passwd: files systemd" of nsswitch.conf(5), and sudo's tags
// "PASSWD: ALL" and "NOPASSWD: ALL".
func isService(name string, value []byte) bool {
	if name == "PASSWD" || name == "NOPASSWD" {
		return true
	}
	word := value[:wordLength(value, "[#")]
	switch string(word) {
	case "files", "compat", "systemd", "sss", "ldap", "nis", "nisplus", "winbind", "db", "altfiles", "cache", "hesiod", "extrausers":
		return name == "passwd"
	}
	return false
}

// wordLength returns how long the text is up to a blank or one of stops. What
// goes on for longer than longWord is one word to the end: too much is hidden
// rather than too little.
func wordLength(text []byte, stops string) int {
	if i := bytes.IndexAny(text[:min(len(text), longWord)], " \t\r"+stops); i >= 0 {
		return i
	}
	return len(text)
}

// lineLength returns how long the text is without a comment at its end.
func lineLength(text []byte) int {
	if len(text) > 0 && (text[0] == '#' || text[0] == ';') && (len(text) == 1 || isBlank(text[1])) {
		return 0
	}
	for _, sign := range []string{" #", "\t#", " ;", "\t;", " //", "\t//", " /*"} {
		if i := bytes.Index(text, []byte(sign)); i >= 0 {
			text = text[:i]
		}
	}
	return len(bytes.TrimRight(text, " \t\r"))
}

var nextOption = regexp.MustCompile(`[,;&](?:[A-Za-z0-9_.-]+=|$)`)

// optionLength returns how long a word is, without options that follow it after
// a comma: "password=x,uid=0" of a mount. A comma alone may belong to the
// password.
func optionLength(text []byte) int {
	text = text[:wordLength(text, "\"'`")]
	if m := nextOption.FindIndex(text); m != nil {
		return m[0]
	}
	return len(text)
}

// defaultOf finds the text that stands in for a variable which is not set, ${X:-text}, at the
// beginning of a value.
func defaultOf(text []byte) (start, length int, ok bool) {
	if !bytes.HasPrefix(text, []byte("${")) {
		return 0, 0, false
	}
	name := 2
	for name < len(text) && name < longestKey && (isAlnum(text[name]) || text[name] == '_') {
		name++
	}
	for _, sign := range []string{":-", ":=", "-", "=", ":"} {
		if bytes.HasPrefix(text[name:], []byte(sign)) {
			start = name + len(sign)
			return start, wordLength(text[start:], "}"), true
		}
	}
	return 0, 0, false
}
