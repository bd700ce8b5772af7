package redact

import (
	"bytes"
	"regexp"
)

// How much of a text around a key is looked at for the rest of an element or a pair.
const nearby = 256

var (
	// What may lie between a value's key and its text: the end of a tag, and tags that open.
	elementOpens = regexp.MustCompile(`^[^<>]{0,256}>(?:\s{0,64}<(?:[A-Za-z][\w:.-]{0,40})(?:\s[^<>/]{0,128})?>){0,2}(?:\s{0,64}<!\[CDATA\[)?`)
	keyCloses    = regexp.MustCompile(`^\s{0,64}</[\w:.-]{1,40}>\s{0,64}<[A-Za-z][\w:.-]{0,40}(?:\s[^<>/]{0,128})?>(?:\s{0,64}<[A-Za-z][\w:.-]{0,40}>)?(?:<!\[CDATA\[)?`)
	escaped      = regexp.MustCompile(`^(?:\s[^&<>]{0,64})?&gt;([^&<>]{2,256})&lt;/`)
	valueBehind  = regexp.MustCompile(`^["'][^<>]{0,256}?\s(?i:value|val|content|data|text|default)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')`)
	valueInside  = regexp.MustCompile(`^(?:\s[^<>]{0,128}?)?\s(?i:value|val)\s*=\s*["']([^"'<]*)["']`)
	valueBefore  = regexp.MustCompile(`\s(?i:value|val|content|data|text|default)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')[^<>]{0,256}\s[\w:-]{1,40}\s*=\s*["']$`)
)

// markup finds the value of a key in XML: <password>x</password>, <add key="password"
// value="x"/>, <entry key="password">x</entry>, <name>password</name><value>x</value>. It
// reports whether the key has been dealt with.
func (s *scan) markup(k key) bool {
	before := s.data[max(0, k.start-nearby):k.start]
	behind := s.data[k.end:min(len(s.data), k.end+nearby)]
	tag := before
	if i := bytes.LastIndexByte(before, '<'); i >= 0 {
		tag = before[i:]
	}
	switch {
	case bytes.HasSuffix(before, []byte("&lt;")):
		if m := escaped.FindSubmatchIndex(behind); m != nil {
			return s.addIfSecret(k, k.end+m[2], k.end+m[3], "text of an element")
		}
	case len(tag) > 0 && tag[0] == '<' && bytes.IndexByte(tag, '>') < 0:
		return s.inTag(k, tag, behind)
	case bytes.HasSuffix(before, []byte(">")):
		if m := keyCloses.FindIndex(behind); m != nil {
			return s.element(k, k.end+m[1])
		}
	}
	return false
}

// inTag is markup for a key between < and >.
func (s *scan) inTag(k key, tag, behind []byte) bool {
	name := bytes.TrimPrefix(tag[1:], []byte("/"))
	if len(name) == 0 || name[len(name)-1] == ':' && !bytes.ContainsAny(name, " \t=") { // <ns:password>
		if tag[len(tag)-1] == '/' || bytes.HasPrefix(tag, []byte("</")) {
			return true
		}
		if m := valueInside.FindSubmatchIndex(behind); m != nil {
			return s.addIfSecret(k, k.end+m[2], k.end+m[3], "value of an attribute")
		}
		if m := elementOpens.FindIndex(behind); m != nil && !bytes.HasSuffix(behind[:bytes.IndexByte(behind, '>')], []byte("/")) {
			return s.element(k, k.end+m[1])
		}
		return false
	}
	if !k.closed {
		return false
	}
	for _, group := range []int{2, 4} {
		if m := valueBehind.FindSubmatchIndex(behind); m != nil && m[group] >= 0 {
			return s.addIfSecret(k, k.end+m[group], k.end+m[group+1], "value of an attribute")
		}
		if m := valueBefore.FindSubmatchIndex(tag); m != nil && m[group] >= 0 {
			at := k.start - len(tag)
			return s.addIfSecret(k, at+m[group], at+m[group+1], "value of an attribute")
		}
	}
	end := bytes.IndexByte(behind, '>')
	if end < 0 || end > 0 && behind[end-1] == '/' || !bytes.HasSuffix(bytes.TrimRight(tag, `"'`), []byte("=")) {
		return false
	}
	if m := elementOpens.FindIndex(behind); m != nil {
		return s.element(k, k.end+m[1])
	}
	return false
}

// element adds the text of an element that begins at pos.
func (s *scan) element(k key, pos int) bool {
	text := s.data[pos:min(len(s.data), pos+1<<14)]
	end := bytes.Index(text, []byte("]]>"))
	if !bytes.HasSuffix(s.data[:pos], []byte("<![CDATA[")) || end < 0 {
		end = bytes.Index(text, []byte("</"))
		if end >= 0 && bytes.IndexByte(text[:end], '<') >= 0 {
			end = -1
		}
	}
	if end < 0 {
		return false
	}
	trimmed := bytes.TrimSpace(text[:end])
	if len(trimmed) == 0 {
		return true
	}
	start := pos + bytes.Index(text, trimmed)
	return s.addIfSecret(k, start, start+len(trimmed), "text of an element")
}

// addIfSecret adds what lies where a key's value does, and reports that the key has been dealt
// with.
func (s *scan) addIfSecret(k key, start, end int, rule string) bool {
	secret := isSecret(string(s.data[start:min(end, start+longWord)]), k.strength)
	if secret {
		s.add(start, end, rule)
	}
	if secret || end-start > longWord {
		s.done = max(s.done, end)
	}
	return true
}
