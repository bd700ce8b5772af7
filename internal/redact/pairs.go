package redact

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
)

var (
	valueNext  = regexp.MustCompile(`^["']?[ \t]?[,;{]?\s{0,64}(?:#[^\n]{0,80}\n\s{0,40})?(?:["']?(?i:type|description|secure|sensitive|comment|required|hidden|scope)["']?\s{0,4}(?:=>|[:=])\s{0,4}["']?[^"'\n,]{0,64}["']?,?\s{0,64}){0,2}-?\s{0,4}["']?(?i:value|val|default|v|data|content|parametervalue|stringvalue|string_value|current|defaultvalue|default_value)["']?\s{0,4}(?:=>|[:=])\s{0,4}(?:"((?:[^"\\]|\\.){0,400})"|'([^'\n]{0,400})'|([^\s"'\[{][^\n\r,}]{0,400}))`)
	valueFirst = regexp.MustCompile(`(?i)["']?(?:value|val|default|data|parametervalue|defaultvalue)["']?\s{0,4}(?:=>|[:=])\s{0,4}(?:"((?:[^"\\]|\\.){0,400})"|'([^'\n]{0,400})'|([^\s"'\[{][^\s,}]{0,400})),?\s{0,64}["']?(?:name|key|field|option|variable|parameterkey|env|attribute|setting|property|id)["']?\s{0,4}(?:=>|[:=])\s{0,4}["']?$`)
)

// Keys whose value is the name of a key.
var nameKeys = wordSet("name key field option variable var param parameter parameterkey parametername env attribute setting property id k type")

// isNamed reports whether a key is the value of another, as in name: DB_PASSWORD, or the name of
// a variable of Terraform.
func (s *scan) isNamed(k key) bool {
	before := bytes.TrimRight(s.data[max(0, k.start-longestKey):k.start], " \t\"'")
	if i := bytes.LastIndexAny(before, " \t\"'=:"); i >= 0 && bytes.IndexByte(before[i:], '/') > 0 {
		before = bytes.TrimRight(before[:i+1], " \t\"'") // name: /app/password
	}
	name := bytes.TrimRight(before, ":=>")
	separated := len(name) < len(before)
	name = bytes.TrimRight(name, " \t\"'")
	start := len(name)
	for start > 0 && isLetter(name[start-1]) {
		start--
	}
	word := string(name[start:])
	if !separated {
		return k.quote != "" && word == "variable"
	}
	return nameKeys[strings.ToLower(word)]
}

// named finds the value of a key that is itself the value of a key called name, as JSON, YAML
// and HCL have it, on the same line or the next. It reports whether the key has been dealt with.
func (s *scan) named(k key) bool {
	if !s.isNamed(k) {
		return false
	}
	if bytes.HasSuffix(bytes.TrimRight(s.data[max(0, k.start-16):k.start], " \t\"':="), []byte("type")) {
		k.strength = min(k.strength, likely)
	}
	before := s.data[max(0, k.start-nearby):k.start]
	behind := s.data[k.end:min(len(s.data), k.end+nearby)]
	if mayHoldValue(behind) {
		if m := valueNext.FindSubmatchIndex(behind); m != nil {
			return s.addGroup(k, k.end, m)
		}
	}
	if mayHoldValue(before) {
		if m := valueFirst.FindSubmatchIndex(before); m != nil {
			return s.addGroup(k, k.start-len(before), m)
		}
	}
	return false
}

// What a value's key may be called, in lower case.
var valueKeys = wordSet("value val default v data content parametervalue stringvalue string_value current defaultvalue default_value")

// mayHoldValue reports whether a text holds what a value's key may be called, before what
// separates it from the value. It is much quicker than the expressions, and few texts do.
func mayHoldValue(text []byte) bool {
	var word [16]byte
	for i, c := range text {
		if c != ':' && c != '=' {
			continue
		}
		end := len(bytes.TrimRight(text[:i], " \t\r\n"))
		if end > 0 && isQuote(text[end-1]) {
			end--
		}
		n := len(word)
		for ; end > 0 && n > 0 && (isLetter(text[end-1]) || text[end-1] == '_'); end-- {
			n--
			word[n] = lower(text[end-1])
		}
		if valueKeys[string(word[n:])] {
			return true
		}
	}
	return false
}

// addGroup adds the first group that matched.
func (s *scan) addGroup(k key, from int, m []int) bool {
	for i := 2; i < len(m); i += 2 {
		if m[i] >= 0 {
			end := m[i+1]
			if c := s.data[from+m[i]]; (c == '|' || c == '>') && end-m[i] < 4 {
				s.enter(from + m[i])
				k.end = from + m[i]
				if start, end, ok := s.below(assignment{key: k}); ok {
					s.add(start, end, "value beside its name")
				}
				return true
			}
			for end > m[i] && isBlank(s.data[from+end-1]) {
				end--
			}
			return s.addIfSecret(k, from+m[i], from+end, "value beside its name")
		}
	}
	return true
}

// list finds the quoted texts of a list in one line, and the words of one without quotes.
func (s *scan) list(a assignment, pos int) (int, int, bool) {
	end := min(s.end, pos+nearby)
	if next := s.blanks(pos + 1); next < s.end && s.data[next] == '{' { // pairs that tell for themselves
		return pos, pos, false
	}
	for pos++; pos < end && s.data[pos] != ']' && s.data[pos] != ')'; {
		start, quote := s.opened(pos)
		if quote == "" {
			n := wordLength(s.data[pos:end], ",])")
			if n > 0 && a.strength >= sure && looksRandom(string(s.data[pos:pos+n])) {
				s.add(pos, pos+n, "value of a key")
			}
			pos += max(1, n)
			continue
		}
		n := quotedLength(s.data[start:end], quote)
		strength := a.strength
		switch {
		case strength < plain && a.closed && strength == sure && !strings.HasSuffix(a.name, "s"):
			strength = likely // "bindCredential": ["x"]
		case strength < plain:
			strength = weak // names of secrets, more often than secrets
		}
		if isSecret(string(s.data[start:start+n]), strength) {
			s.add(start, start+n, "value of a key")
		}
		pos = start + n + len(quote)
	}
	return pos, pos, false
}

// below finds the value of a key that lies in the lines below it: a block scalar of YAML, a
// list, a value by itself.
func (s *scan) below(a assignment) (int, int, bool) {
	block := s.end > 0 && s.start < s.end && bytes.ContainsAny(s.data[a.end:s.end], "|>")
	indent := s.indent(s.start)
	start, end := 0, 0
	for pos, n := s.end, 0; n < 64 || block; n++ {
		from, to, ok := s.nextLine(pos)
		if ok && from == to && n == 0 && !block && a.closed { // JSON
			pos = from
			from, to, ok = s.nextLine(from)
		}
		if !ok || from >= to && !block {
			break
		}
		pos = from
		text := from + s.indent(from)
		if from < to && text-from <= indent && (block || text == to || s.data[text] != '-') {
			break
		}
		if from >= to {
			continue
		}
		switch line := s.data[text:to]; {
		case block:
			if start == 0 {
				start = text
			}
			end = to
		case bytes.HasPrefix(line, []byte("- ")):
			s.item(a, text+2, to)
		case n == 0 && a.strength == plain && text-from > indent && pairInside.Match(line[:min(len(line), longWord)]):
			s.mapping(a, s.indented(from, text-from), from)
			return a.end, a.end, false
		case n == 0 && len(line) > 2 && isQuote(line[0]):
			return s.quotedBelow(a, text, to)
		case n == 0 && !bytes.ContainsAny(line, ": \t") && (looksStrong(string(line[:min(len(line), longWord)])) || s.isOnlyWord(a, text, to)):
			return text, to, isSecret(string(line[:min(len(line), longWord)]), a.strength)
		default:
			return a.end, a.end, false
		}
	}
	if start == 0 || a.strength < sure && !looksRandom(string(s.data[start:min(end, start+longWord)])) {
		return a.end, a.end, false
	}
	return start, end, isSecret(string(s.data[start:min(end, start+longWord)]), sure)
}

// isOnlyWord reports whether the word below a key is all that belongs to it: in YAML a value may
// stand there without a sign.
func (s *scan) isOnlyWord(a assignment, start, end int) bool {
	if a.strength < sure || !a.first || a.comment || s.format.is(prose) || end-start < 4 || !isAlnum(s.data[start]) || bytes.ContainsAny(s.data[start:end], "=,;(){}[]<>\"'|&$") {
		return false
	}
	from, to, ok := s.nextLine(start)
	return !ok || from == to || s.indent(from) < s.indent(s.lineBefore(start))
}

// lineBefore returns where the line begins whose text begins at pos.
func (s *scan) lineBefore(pos int) int {
	for pos > 0 && isBlank(s.data[pos-1]) {
		pos--
	}
	return pos
}

var heredoc = regexp.MustCompile(`^(?:\$\(cat )?<<[-~]?[ \t]*["']?([A-Za-z_]\w{1,31})["']?[ \t]*$`)

// bracketed finds a value in brackets, in the lines below, and in a list of a shell: ("x" "y").
func (s *scan) bracketed(a assignment, pos int) (start, end int, ok bool) {
	rest := bytes.TrimRight(s.data[pos:min(s.end, pos+longestKey)], " \t\r")
	switch {
	case string(rest) == "(" || string(rest) == `\`:
		return s.inNextLine(pos)
	case len(rest) > 2 && rest[0] == '(' && (isQuote(rest[1]) || isBlank(rest[1])):
		start, _, _ = s.list(a, pos)
		for from, to, ok := s.nextLine(pos); ok && from-pos < longWord; from, to, ok = s.nextLine(from) { // literals that are one
			line := bytes.TrimSpace(s.data[from:to])
			if len(line) < 2 || !isQuote(line[0]) || bytes.IndexByte(line, '=') >= 0 || bytes.IndexByte(line, ':') >= 0 {
				break
			}
			inner := from + s.indent(from) + 1
			s.addIfSecret(a.key, inner, inner+quotedLength(s.data[inner:to], string(line[0])), "value of a key")
		}
		return start, start, true
	case bytes.HasPrefix(rest, []byte("<<")), bytes.HasPrefix(rest, []byte("$(cat <<")):
		m := heredoc.FindSubmatch(rest)
		if m == nil {
			return 0, 0, false
		}
		for from, to, more := s.nextLine(pos); more && from-pos < longWord; from, to, more = s.nextLine(from) {
			if bytes.Equal(bytes.TrimSpace(s.data[from:to]), m[1]) {
				return start, end, start < end
			}
			if start == 0 {
				start = from + s.indent(from)
			}
			end = to
		}
	}
	return 0, 0, false
}

// inNextLine finds a text in quotes that is alone in the line below.
func (s *scan) inNextLine(pos int) (start, end int, ok bool) {
	from, to, more := s.nextLine(pos)
	if !more {
		return 0, 0, false
	}
	from += s.indent(from)
	open, quote := from, ""
	if from < to && isQuote(s.data[from]) {
		open, quote = from+1, string(s.data[from:from+1])
	}
	if quote == "" {
		return 0, 0, false
	}
	return open, open + quotedLength(s.data[open:to], quote), true
}

var pairInside = regexp.MustCompile(`["']?([\w][\w.@/-]{0,64})["']?[ \t]*(?:=>|[:=])[ \t]*(?:"([^"\n]{4,256})"|'([^'\n]{4,256})'|([^\s"'{}\[\],|>]{4,256}))`)

// mapping finds the values of pairs in a text at pos that belongs to a key which says that they
// are secrets: passwords: {bob: x}.
func (s *scan) mapping(a assignment, text []byte, pos int) {
	if pos < s.mapped {
		return
	}
	if text[0] == '{' {
		if i := bytes.IndexByte(text, '}'); i >= 0 {
			text = text[:i]
		}
	}
	s.mapped = pos + len(text)
	passwords := strings.Contains(strings.ToLower(a.name), "pass")
	for _, m := range pairInside.FindAllSubmatchIndex(text, 64) {
		inner := partsOf(string(text[m[2]:m[3]]))
		about := slices.ContainsFunc(inner, func(part string) bool { return aboutSecrets[part] })
		for i := 4; i < len(m); i += 2 {
			if m[i] < 0 {
				continue
			}
			value := string(text[m[i]:m[i+1]])
			if isSecret(value, sure) && (looksRandom(value) || passwords && !about && looksStrong(value) || passwords && !about && a.closed && a.strength != none && strings.IndexByte(value, ' ') < 0) {
				s.add(pos+m[i], pos+m[i+1], "value of a key")
			}
		}
	}
}

// indented returns the lines from pos on that are indented as much, or more.
func (s *scan) indented(pos, indent int) []byte {
	end := pos
	for from, to, ok := pos, s.lineEnd(pos), true; ok && to-pos < 1<<11 && (from == to || s.indent(from) >= indent); from, to, ok = s.nextLine(from) {
		end = to
	}
	return s.data[pos:end]
}

// item is an item of a list below a key.
func (s *scan) item(a assignment, start, end int) {
	text := bytes.Trim(s.data[start:min(end, start+longWord)], " \t\"'")
	strength := a.strength
	if strength < plain {
		strength = weak
	}
	if !bytes.ContainsAny(text, " \t") && isSecret(string(text), strength) && !bytes.HasSuffix(text, []byte(":")) {
		at := start + bytes.Index(s.data[start:end], text)
		s.add(at, at+len(text), "value of a key")
	}
}

// quotedBelow is a text in quotes in the line below its key, and alone in it.
func (s *scan) quotedBelow(a assignment, start, end int) (int, int, bool) {
	quote := string(s.data[start : start+1])
	length := quotedLength(s.data[start+1:end], quote)
	if rest := bytes.Trim(s.data[min(end, start+1+length+1):end], " \t,;)}]"); len(rest) > 0 {
		return a.end, a.end, false
	}
	return start + 1, start + 1 + length, isSecret(string(s.data[start+1:start+1+min(length, longWord)]), a.strength)
}

// indent returns how many blanks the line at start begins with.
func (s *scan) indent(start int) int {
	n := 0
	for start+n < len(s.data) && isBlank(s.data[start+n]) {
		n++
	}
	return n
}

// nextArgument returns where the argument lies that follows what ends at pos: behind blanks,
// behind the comma of a list of arguments, or in the next line, where a backslash or a list
// puts it.
func (s *scan) nextArgument(pos int) (start, end int, ok bool) {
	start = s.blanks(pos)
	limit := s.end
	comma := start < s.end && s.data[start] == ','
	if comma {
		start = s.blanks(start + 1)
	} else if start == pos && start < s.end {
		return 0, 0, false
	}
	if start == s.end || s.text(start, 2) == `\` {
		isItem := bytes.HasPrefix(bytes.TrimLeft(s.data[s.start:s.end], " \t"), []byte("-"))
		from, to, more := s.nextLine(start)
		if !more || start == s.end && !comma && !isItem {
			return 0, 0, false
		}
		start, limit = from+s.indent(from), to
		if start == limit {
			return 0, 0, false
		}
		if start+2 < limit && s.data[start] == '-' && isBlank(s.data[start+1]) {
			start += 2
		}
	}
	if q := start; q < limit && (isQuote(s.data[q]) || s.data[q] == '\\') {
		for q < limit && s.data[q] == '\\' && q-start < 8 {
			q++
		}
		if q < limit && isQuote(s.data[q]) {
			quote := string(s.data[start : q+1])
			return q + 1, q + 1 + quotedLength(s.data[q+1:limit], quote), q+1 < limit
		}
	}
	stops := "\"'`"
	if comma {
		stops += ",]"
	}
	end = start + wordLength(s.data[start:limit], stops)
	return start, end, end > start
}
