package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// table finds the secrets of a table whose head says which column holds them: the first line, or
// the one below a ruled line.
func (s *scan) table() {
	begin, end := 0, s.lineEnd(0)
	if bytes.HasPrefix(s.data, []byte("+-")) {
		from, to, ok := s.nextLine(0)
		if !ok {
			return
		}
		begin, end = from, to
	}
	head := s.data[begin:end]
	if len(head) > longWord {
		return
	}
	for _, separator := range []byte{',', ';', '\t', '|'} {
		names := cells(head, separator)
		if len(names) < 2 {
			continue
		}
		var secret []int
		for i, name := range names {
			text := string(bytes.Trim(head[name[0]:name[1]], " \""))
			if len(text) > 32 || strings.ContainsAny(text, "=:(){}[]<>'$/") {
				return
			}
			if strengthOf(text) >= sure {
				secret = append(secret, i)
			}
		}
		if len(secret) == 0 {
			return
		}
		for from, to, ok := s.nextLine(begin); ok; from, to, ok = s.nextLine(from) {
			fields := cells(s.data[from:min(to, from+longWord)], separator)
			if len(fields) != len(names) {
				continue
			}
			for _, i := range secret {
				start, end := from+fields[i][0], from+fields[i][1]
				text := bytes.TrimSpace(s.data[start:end])
				start += bytes.Index(s.data[start:end], text)
				if isSecret(string(text), sure) {
					s.add(start, start+len(text), "password in a list")
				}
			}
		}
		return
	}
}

// cells returns where the fields of a line are, without the quotes around them.
func cells(line []byte, separator byte) [][2]int {
	var all [][2]int
	for pos := 0; pos <= len(line); {
		if pos < len(line) && line[pos] == '"' {
			n := quotedLength(line[pos+1:], `"`)
			all = append(all, [2]int{pos + 1, pos + 1 + n})
			pos = min(len(line), pos+n+2)
		} else {
			start := pos
			for pos < len(line) && line[pos] != separator {
				pos++
			}
			all = append(all, [2]int{start, pos})
		}
		pos++
	}
	return all
}

var insertion = regexp.MustCompile(`(?is)^insert into\s+\S{1,128}\s*\(([^()]{1,900})\)\s*values\s*`)

// inserted finds the secrets among the values that a statement of SQL puts into columns which it
// names.
func (s *scan) inserted(at int) {
	m := insertion.FindSubmatchIndex(s.data[at:min(len(s.data), at+1<<11)])
	if m == nil {
		return
	}
	var secret []int
	for i, name := range strings.Split(string(s.data[at+m[2]:at+m[3]]), ",") {
		if strengthOf(strings.Trim(name, " \t\n\r`\"[]")) >= sure {
			secret = append(secret, i)
		}
	}
	pos := at + m[1]
	for len(secret) > 0 && pos < len(s.data) && s.data[pos] == '(' {
		fields, end := tuple(s.data[:min(len(s.data), pos+1<<13)], pos+1)
		for _, i := range secret {
			if i < len(fields) && isSecret(string(s.data[fields[i][0]:fields[i][1]]), sure) {
				s.add(fields[i][0], fields[i][1], "value of a column")
			}
		}
		for pos = end; pos < len(s.data) && bytes.IndexByte([]byte("), \t\r\n"), s.data[pos]) >= 0; pos++ {
		}
	}
}

// tuple returns where the texts in quotes are among the values from pos to the bracket that
// closes, an empty one for any other, and where they end.
func tuple(data []byte, pos int) (fields [][2]int, end int) {
	field := [2]int{pos, pos}
	for ; pos < len(data); pos++ {
		switch c := data[pos]; c {
		case '\'', '"':
			n := quotedLength(data[pos+1:], string(c))
			field = [2]int{pos + 1, pos + 1 + n}
			pos += n + 1
		case ',', ')':
			fields = append(fields, field)
			if c == ')' {
				return fields, pos
			}
			field = [2]int{pos, pos}
		}
	}
	return fields, pos
}

var userEquals = regexp.MustCompile(`^[ \t]*["']?[\w.@-]{1,64}["']?[ \t]*=[ \t]*["']?([^\s"',=/]{3,})`)

// passwordSection finds the passwords in a section of an ini file in which users have them:
// [users], and below it name = password.
func (s *scan) passwordSection(at int) {
	if s.format.is(noKeys) || at != s.start+s.indent(s.start) {
		return
	}
	for from, to, ok := s.nextLine(at); ok && from-at < 1<<14; from, to, ok = s.nextLine(from) {
		line := s.data[from:min(to, from+longWord)]
		if trimmed := bytes.TrimLeft(line, " \t"); len(trimmed) > 0 && trimmed[0] == '[' {
			return
		}
		if m := userEquals.FindSubmatchIndex(line); m != nil && !isNumber(string(line[m[2]:m[3]])) && isSecret(string(line[m[2]:m[3]]), sure) {
			s.add(from+m[2], from+m[3], "password in a list")
		}
	}
}
