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
	if s.data[pos] == '[' && s.text(pos, 7) != "[]byte(" && !s.isMarkAt(pos) {
		return s.list(a, pos)
	}
	colon := strings.HasPrefix(a.separator, ":")
	if colon && (s.data[pos] == '|' || s.data[pos] == '>') && len(bytes.Trim(s.data[pos:min(s.end, pos+8)], "|>+-0123456789 \t")) == 0 {
		return s.below(a)
	}
	if a.quote != "" && !a.closed && bytes.HasPrefix(s.data[pos:s.end], []byte(a.quote)) {
		return pos, pos, false // read -p "Password: " x
	}
	if s.data[pos] == '{' && (a.strength == plain || a.closed && a.strength >= sure) {
		s.mapping(a, s.data[pos:min(len(s.data), pos+1<<11)], pos)
		if m := valueWithin.FindSubmatchIndex(s.data[pos:min(len(s.data), pos+longWord)]); m != nil {
			return pos + m[2], pos + m[3], s.isPlainSecret(a, pos+m[2], pos+m[3])
		}
	}
	if a.separator == "=" || a.separator == "=>" || a.separator == ":=" {
		if start, end, ok := s.bracketed(a, pos); ok {
			return start, end, start < end && s.isPlainSecret(a, start, end)
		}
	}
	if from, to, ok := s.literal(a, pos); ok {
		return from, to, s.isPlainSecret(a, from, to)
	}
	if m := perlQuote.FindSubmatchIndex(s.data[pos:min(s.end, pos+8)]); m != nil {
		start := pos + m[1]
		end := start + bracketedLength(s.data[start:s.end], s.data[start-1])
		return start, end, s.isPlainSecret(a, start, end)
	}
	start, quote := s.opened(pos)
	switch {
	case quote != "" && (a.separator == "==" || a.separator == "!="):
		a.strength = min(a.strength, likely)
		end = start + quotedLength(s.data[start:s.end], quote)
		return start, end, s.isPlainSecret(a, start, end)
	case quote != "":
		end = s.quotedEnd(a, start, quote)
		return start, end, s.isPlainSecret(a, start, end)
	case isParameterOf(s.data[:s.end], a.start):
		end = start + parameterLength(s.data[start:s.end])
		return start, end, s.isPlainSecret(a, start, end)
	}
	if inner, length, found := defaultOf(s.data[pos:s.end]); found {
		return pos + inner, pos + inner + length, s.isPlainSecret(a, pos+inner, pos+inner+length)
	}
	if n := len(nodeTag.Find(s.data[pos:min(s.end, pos+longestKey)])); colon && n > 0 {
		return s.value(a, pos+n)
	}
	if a.separator == "==" || a.separator == "!=" {
		return pos, pos, false
	}
	length, belongs := s.bareLength(a, s.data[pos:s.end])
	end = pos + length
	if belongs && a.first && end == pos+lineLength(s.data[pos:s.end]) {
		if length > 1 {
			end = s.continued(a, end)
		}
	}
	return pos, end, belongs && s.isPlainSecret(a, pos, end)
}

// literal finds a text in quotes that an expression at pos comes to, or may come to.
func (s *scan) literal(a assignment, pos int) (start, end int, ok bool) {
	rest := s.data[pos:min(s.end, pos+longWord)]
	if a.strength < sure || !bytes.ContainsAny(rest, "\"'`") && !bytes.HasPrefix(rest, []byte("$(")) || !bytes.ContainsAny(rest, "(|{?") && !bytes.Contains(rest, []byte(" or ")) && rest[0] != '`' {
		return 0, 0, false
	}
	for _, expression := range []*regexp.Regexp{literalCall, echoed, templateDefault, fallback} {
		m := expression.FindSubmatchIndex(rest)
		for i := len(m) - 2; i >= 2; i -= 2 {
			if m[i] >= 0 {
				return pos + m[i], pos + m[i+1], true
			}
		}
	}
	return 0, 0, false
}

var (
	// "password": {"value": "x"}
	valueWithin = regexp.MustCompile(`^\{\s{0,64}(?:"type"\s*:\s*"[^"\n]{0,64}",\s{0,64})?"(?:value|val|plain|plaintext|secret|string|data|content)"\s*:\s*"((?:[^"\\]|\\.){2,400})"`)
	// A call whose argument is the value in other letters: b64decode("x").
	literalCall = regexp.MustCompile(`^(?:new |\[\])?[\w.:]*(?i:byte|decode|decode64|b64d|decrypt|unquote|from|string|bytes|str|secretstr|buffer|md5|sha1|crypt|encrypt|hash|\w*password|password_hash|sensitive|array|atob)\([ \t]*(?:["'][^"'\n]{0,64}["'],[ \t]*)?b?["']([^"'\n]{2,400})["'][^"'\n]*\)`)
	// $(echo x), `echo x | base64 -d`
	echoed = regexp.MustCompile("^(?:\\$\\(|`)(?:echo|printf)(?: -[a-zA-Z]+)* [\"']?([^\\s\"'$)|`%]{2,})")
	// {{ x | default('y') }}, <%= a || 'y' %>
	templateDefault = regexp.MustCompile(`^["']?(?:\{\{|<%=).{0,200}?(?:default[ (]|,|\|\|)[ \t]*\\?["']([^"'\n\\]{2,})\\?["']|^["']?\{\{[ \t]*["']([^"'\n]{2,})["'][ \t]*\|`)
	// getenv("x") or "y"
	fallback = regexp.MustCompile(`^[^\s"'()]{1,64}(?:\([^()]{0,64}\)|\[[^\[\]]{0,64}\])?[ \t]*(?:or|\|\||\?\?|\?:)[ \t]*["']([^"'\n]{2,400})["']`)
	// YAML's anchors and tags, before a value.
	nodeTag = regexp.MustCompile(`^(?:(?:&[\w-]{1,64}|!!?(?:str|binary|string|int)?)[ \t]+)+`)
)

func (s *scan) isPlainSecret(a assignment, start, end int) bool {
	text := string(s.data[start:min(end, start+longWord)])
	return isSecret(text, a.strength) || a.strength == weak && isPIN(a.name, text)
}

func isParameterOf(data []byte, start int) bool {
	return start >= 2 && data[start-2] == '$' && data[start-1] == '{'
}

// isMarkAt reports whether a mark begins at pos.
func (s *scan) isMarkAt(pos int) bool {
	return bytes.HasPrefix(s.data[pos:], []byte("[redacted"))
}

var openings = regexp.MustCompile("^(?:<<|&[\\w-]{1,24} |!!?[A-Za-z]{0,12} |[a-zA-Z@$]{1,2}|L?f?r?b?u?)?(\"\"\"|'''|&quot;|&#3[49];|&apos;|\\\\{0,7}[\"'`])")

// opened returns where the text begins behind the quote that opens at pos, and the quote.
func (s *scan) opened(pos int) (int, string) {
	if pos >= s.end || isAlnum(s.data[pos]) && (pos+2 >= s.end || !isQuote(s.data[pos+1]) && !isQuote(s.data[pos+2])) {
		return pos, ""
	}
	if rest := s.data[pos:min(s.end, pos+longestKey)]; len(rest) > 4 && isQuote(rest[0]) && rest[0] != '`' && rest[1] == rest[0] && (isAlnum(rest[2]) || rest[2] > ' ' && bytes.IndexByte([]byte("'\",;:)}]<>#=&|"), rest[2]) < 0) && bytes.Contains(rest[2:], rest[:2]) {
		return pos + 2, string(rest[:2]) // 'password=''x'' user=y'
	}
	m := openings.FindSubmatchIndex(s.data[pos:min(s.end, pos+40)])
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
		case quote[0] == '&': // &quot;
			if bytes.HasSuffix(text[:i+1], []byte(quote)) {
				return i + 1 - len(quote)
			}
		case len(quote)-backslashes > 1: // """
			if bytes.HasPrefix(text[i:], []byte(quote)) {
				return i
			}
		case backslashes == 0 && i > 0 && bytes.HasPrefix(text[i+1:], []byte(quote)) && before == 0:
			i++ // 'it''s'
		case backslashes == 0 && goesOn(text[i:]) > 0:
			i += goesOn(text[i:]) - 1
		case backslashes == 0 && (before%2 == 0 || mark == '\'' && (i+1 == len(text) || !isAlnum(text[i+1]))):
			return i
		case backslashes > 0 && before <= backslashes:
			return i - before
		}
		pos = i + 1
	}
}

// goesOn returns how long a text is that ends a quote of a shell and opens it again, with a quote
// in between: 'it'\\”s', 'it'"'"'s'.
func goesOn(text []byte) int {
	for _, joint := range []string{`'\''`, `'"'"'`, `"'"'"`} {
		if bytes.HasPrefix(text, []byte(joint)) {
			return len(joint)
		}
	}
	return 0
}

// quotedEnd returns where a text in quotes ends that begins at start. It may go on in the lines
// below.
func (s *scan) quotedEnd(a assignment, start int, quote string) int {
	end := start + quotedLength(s.data[start:s.end], quote)
	for len(quote) == 1 && a.first && end+1 < s.end && (isAlnum(s.data[end+1]) || isQuote(s.data[end+1]) && s.data[end+1] != quote[0]) {
		next := s.data[end+1 : s.end] // "a"b", 'a'"b"
		if isQuote(next[0]) {
			quote = string(next[:1])
			end++
			next = next[1:]
		}
		if bytes.IndexByte(next, quote[0]) < 0 {
			break
		}
		end += 1 + quotedLength(next, quote)
	}
	if bytes.HasPrefix(s.data[end:], []byte(quote)) || start == s.end && len(quote) < 3 || quote[0] == '\\' || quote[0] == '&' || a.comment || a.quote != "" && !a.closed {
		return end
	}
	pos := start
	for n := range longestQuote {
		from, to, ok := s.nextLine(pos)
		if !ok || from == to && len(quote) < 3 || keyInFront.Match(s.data[from:min(to, from+longestKey)]) {
			return end
		}
		length := quotedLength(s.data[from:to], quote)
		if bytes.HasPrefix(s.data[from+length:to], []byte(quote)) {
			if rest := bytes.Trim(s.data[from+length+len(quote):to], " \t\r,;)}]"); len(rest) > 0 && rest[0] != '#' && (n > 0 || s.indent(from) <= s.indent(s.start)) {
				return end
			}
			return from + length
		}
		pos = from
	}
	return end
}

// longestQuote is of how many lines a text in quotes is, apart from the first.
const longestQuote = 8

var keyInFront = regexp.MustCompile(`^[ \t]*(?:[-#;][ \t]*)?(?:(?:export|set)[ \t]+)?["']?[\w.-]+["']?[ \t]*[:=]`)

// continued returns where a value without quotes ends that goes on in the lines below: behind a
// backslash, or because they are indented more and hold nothing else, as in YAML and LDIF.
func (s *scan) continued(a assignment, end int) int {
	colon := strings.HasPrefix(a.separator, ":")
	indent := s.indent(s.start)
	pos := end
	for range longestQuote {
		from, to, ok := s.nextLine(pos)
		if !ok || from == to {
			return end
		}
		text := from + s.indent(from)
		line := s.data[text:min(to, text+longWord)]
		folded := colon && text-from > indent && !s.isItem() && len(line) > 0 && !bytes.ContainsAny(line, ":=") && line[0] != '#' && line[0] != '-' && line[0] != '<'
		if backslash := s.data[end-1] == '\\' && (end < 2 || s.data[end-2] != '\\'); !backslash && !folded {
			return end
		}
		below := from + lineLength(s.data[from:to])
		if below <= text {
			return end
		}
		pos, end = from, below
	}
	return end
}

// isItem reports whether the line is an item of a list, below which what is indented is another
// key, or a text of its own.
func (s *scan) isItem() bool {
	return bytes.HasPrefix(bytes.TrimLeft(s.data[s.start:s.end], " \t"), []byte("- "))
}

// bareLength returns how long a value without quotes is; false where it is none
// that belongs to the key.
func (s *scan) bareLength(a assignment, rest []byte) (int, bool) {
	colon := strings.HasPrefix(a.separator, ":") && a.separator != ":="
	switch {
	case a.separator == "," || a.separator == "(" || strings.HasPrefix(a.separator, "{") || strings.HasPrefix(a.separator, "or") || a.separator == "==" || a.separator == "||" || a.separator == "??" || a.separator == "?:" || a.separator == "!=":
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
	case a.first && (a.before || a.after || s.isWholeLine(a, rest)):
		length := lineLength(rest)
		if a.comment && isProse(rest[:length]) { // # password = x   (old)
			return withAside(rest)
		}
		return length, true
	}
	return s.optionLength(a, rest), true
}

// asideBehind: what sets a remark off from what it is about.
var asideBehind = regexp.MustCompile(`^(?:[ \t]{2,}|[ \t]+(?:\(|--|<-|[-–—] |//|;|#))`)

// withAside returns how long the word is that a remark follows, and whether it looks like a
// password.
func withAside(text []byte) (int, bool) {
	n := wordLength(text, "")
	return n, looksStrong(string(text[:min(n, longWord)])) && asideBehind.Match(text[n:min(len(text), n+8)])
}

// perlQuote: q{x} of Perl, %q(x) of Ruby.
var perlQuote = regexp.MustCompile(`^(?:q[qQ]?|%[qQ])[({\[<|/!]`)

// bracketedLength returns how long a text is up to what closes the bracket before it, with those
// that open in it; all of it where nothing does.
func bracketedLength(text []byte, open byte) int {
	closes := open
	if i := strings.IndexByte("({[<", open); i >= 0 {
		closes = ")}]>"[i]
	}
	depth := 0
	for i, c := range text[:min(len(text), longWord)] {
		switch {
		case c == closes && depth == 0:
			return i
		case c == closes:
			depth--
		case c == open:
			depth++
		}
	}
	return len(bytes.TrimRight(text, " \t\r"))
}

// isWholeLine reports whether a value goes on to the end of its line though there are blanks in
// it: in a file that is known for it, and where the line beside it is a pair, too, as the output
// of env(1). A shell would take what follows the blank for a command.
func (s *scan) isWholeLine(a assignment, rest []byte) bool {
	rest = rest[:lineLength(rest[:min(len(rest), longWord)])]
	blank := bytes.IndexAny(rest, " \t")
	if a.quote != "" || a.comment || blank < 0 || bytes.IndexByte(rest[blank:], '=') >= 0 || !s.format.is(wholeLines) && bytes.ContainsAny(rest[blank:], ";|&<>$\"'`/") || bytes.HasPrefix(bytes.TrimLeft(rest[blank:], " \t"), []byte("-")) {
		return false
	}
	if s.format.is(wholeLines) || s.isItem() {
		return true
	}
	above := bytes.TrimRight(s.data[max(0, s.start-longWord):s.start], "\r\n")
	return pairAbove.Match(above[bytes.LastIndexByte(above, '\n')+1:])
}

var pairAbove = regexp.MustCompile(`^[A-Za-z_][\w.-]*=`)

// afterColon is bareLength behind a colon, which prose has, too.
func (s *scan) afterColon(a assignment, rest []byte) (int, bool) {
	inFlow := bytes.ContainsAny(s.data[max(s.start, a.start-longWord):a.start], "{")
	if !a.first && a.after && !inFlow && s.isLabel(a, rest) {
		return lineLength(rest), true
	}
	if a.first && a.after && !inFlow {
		length := lineLength(rest)
		if (a.comment || s.format.is(prose)) && isProse(rest[:length]) {
			return withAside(rest)
		}
		return length, rest[0] != '{'
	}
	if a.quote != "" && !a.closed { // -H "X-Auth-Token: x"
		return quotedLength(rest, a.quote), true
	}
	if inFlow && a.after { // {user: u, password: two words, port: 1}
		if length := bytes.IndexAny(rest[:min(len(rest), longWord)], ",}"); length > 0 && rest[0] != '{' && !bytes.ContainsAny(rest[:length], "\"';=()<>|") {
			return len(bytes.TrimRight(rest[:length], " \t")), true
		}
	}
	length := wordLength(rest, `,;}&"'<)`)
	word := rest[:length]
	if !a.after && bytes.IndexByte(word, ':') >= 0 { // a line of passwd(5)
		return length, false
	}
	return length, inFlow && a.after || looksStrong(string(word))
}

var label = regexp.MustCompile(`^[ \t*-]*[A-Z][\w-]*(?:[ /][\w()-]+){0,4}[ ]?$`)

// isLabel reports whether what stands before a key is the rest of its name, as people read it, and what
// stands behind it one word: Initial admin password: x.
func (s *scan) isLabel(a assignment, rest []byte) bool {
	length := lineLength(rest[:min(len(rest), longestKey)])
	return a.start-s.start < longestKey && length >= 6 && !isProse(rest[:length]) && a.quote == "" && !s.format.is(prose) && !aboutSecrets[strings.ToLower(string(rest[:min(length, longestKey)]))] &&
		label.Match(s.data[s.start:a.start])
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
// password, and so may a quote that does not end what the key is in, and blanks
// between semicolons.
func (s *scan) optionLength(a assignment, text []byte) int {
	stops := "\"'`"
	before := s.data[max(s.start, a.start-nearby):a.start]
	if bytes.HasSuffix(before, []byte(";")) && bytes.IndexByte(before, '=') > 0 && openedBefore(before) < 0 { // Uid=u;Pwd=two words;
		if end := bytes.IndexAny(text[:min(len(text), nearby)], ";\"'"); end > 0 && text[end] == ';' {
			return end
		}
	}
	if open := openedBefore(before); open >= 0 {
		stops = string(before[open])
		if bytes.ContainsAny(before[open:], ";") && bytes.IndexByte(before[open:], '=') > 0 {
			if end := bytes.IndexAny(text[:min(len(text), nearby)], stops); end >= 0 {
				text = text[:end]
				if m := nextField.FindIndex(text); m != nil {
					return m[0]
				}
				return len(bytes.TrimRight(text, "; \t"))
			}
		}
	}
	text = text[:wordLength(text, stops)]
	if m := nextOption.FindIndex(text); m != nil {
		return m[0]
	}
	return len(text)
}

var nextField = regexp.MustCompile(`;[ \t]*[A-Za-z][A-Za-z0-9 _.-]*=`)

// openedBefore returns where the quote is that is open at the end of a text; -1 where none is.
func openedBefore(text []byte) int {
	for i := len(text) - 1; i >= 0; i-- {
		if !isQuote(text[i]) {
			continue
		}
		if i == 0 || bytes.IndexByte([]byte(" \t=([{,:"), text[i-1]) < 0 || i+1 == len(text) || isBlank(text[i+1]) || text[i+1] == ',' {
			return -1
		}
		return i
	}
	return -1
}

// parameterLength returns how long a text is up to the bracket that ends a variable, or is a word.
func parameterLength(text []byte) int {
	if end := bytes.IndexAny(text[:min(len(text), nearby)], "}\"$"); end >= 0 && text[end] == '}' {
		return end
	}
	return wordLength(text, "}")
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
			return start, parameterLength(text[start:]), true
		}
	}
	return 0, 0, false
}
