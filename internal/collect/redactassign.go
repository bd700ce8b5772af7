package collect

import (
	"bytes"
	"iter"
	"regexp"
	"strings"
)

// assignment is a key that ends in a secret word, and what separates it from
// its value: groups 1 quote before the key, 2 key, 3 quote behind it, 4 and 6
// blanks, 5 separator.
var assignment = regexp.MustCompile(`(?i)(\\?["'])?([a-z0-9_.-]*` + secretWords + `)(\\?["'])?([ \t]*)(=>|[:=])([ \t]*)`)

// assignments finds the values of keys that end in a secret word.
func assignments(line []byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for pos := 0; pos < len(line); {
			m := assignment.FindSubmatchIndex(line[pos:])
			if m == nil {
				return
			}
			for i := range m {
				if m[i] >= 0 {
					m[i] += pos
				}
			}
			pos = m[1]
			start, end, ok := secretValue(line, m)
			if ok && !yield(start, end) {
				return
			}
			if ok || end-start > longWord {
				pos = end
			}
		}
	}
}

// secretValue returns where the value is that belongs to the match m of
// assignment, and whether it is a secret. Most of what it does is leave alone
// what only looks like one.
func secretValue(line []byte, m []int) (start, end int, ok bool) {
	key := string(line[m[4]:m[5]])
	separator := string(line[m[10]:m[11]])
	opened, closed := m[2] >= 0, m[6] >= 0
	blanks := m[8] < m[9] || m[12] < m[13]
	rest := line[m[1]:]
	if isSysctl(key) || bytes.HasPrefix(rest, []byte("=")) { // "==" compares
		return 0, 0, false
	}

	if quote := openingQuote(rest); quote != "" {
		start = m[1] + len(quote)
		end = start + quotedLength(line[start:], quote)
		return start, end, !isPlaceholder(line[start:end])
	}
	start, end = m[1], m[1]
	first, comment := lineStart(line, m[0])
	switch {
	case separator == ":" && opened && closed: // JSON
		end += wordLength(rest, ",}]")
	case separator == ":" && (!first || m[12] == m[13] || isService(key, rest)):
		return 0, 0, false
	case separator == ":" && comment && bytes.ContainsAny(bytes.TrimSpace(rest), " \t"):
		return 0, 0, false // prose
	case !first && m[8] == m[9] && m[12] < m[13]: // "password= user=x": an empty one
		return 0, 0, false
	case opened && !closed: // Environment="PASSWORD=…"
		end += quotedLength(rest, string(line[m[2]:m[3]]))
	case first && blanks:
		end += lineLength(rest)
	default:
		end += optionLength(rest)
	}
	return start, end, !isPlaceholder(line[start:end])
}

// isSysctl: kernel parameters are settings that audits compare, and none of
// them is a password.
func isSysctl(key string) bool {
	root, _, dotted := strings.Cut(key, ".")
	return dotted && (root == "net" || root == "kernel" || root == "fs" || root == "vm")
}

// isService: "passwd: files systemd" of nsswitch.conf(5), and sudo's tags
// "PASSWD: ALL" and "NOPASSWD: ALL".
func isService(key string, value []byte) bool {
	if key == "PASSWD" || key == "NOPASSWD" {
		return true
	}
	word := value[:wordLength(value, "[#")]
	switch string(word) {
	case "files", "compat", "systemd", "sss", "ldap", "nis", "nisplus", "winbind", "db", "altfiles", "cache", "hesiod", "extrausers":
		return key == "passwd"
	}
	return false
}

// isPlaceholder reports whether a value only stands where a secret would be:
// a setting, a variable, a mask.
func isPlaceholder(value []byte) bool {
	if len(value) < 2 {
		return true
	}
	if len(value) <= len("disabled") {
		switch strings.ToLower(string(value)) {
		case "yes", "no", "true", "false", "on", "off", "none", "null", "nil", "ask", "prompt",
			"required", "optional", "disabled", "enabled":
			return true
		}
	}
	for _, prefix := range []string{"${", "$(", "{{", "<"} {
		if bytes.HasPrefix(value, []byte(prefix)) {
			return true
		}
	}
	return len(bytes.Trim(value, "*")) == 0
}

// lineStart reports whether nothing but indentation, a list's dash or the sign
// of a comment precedes pos, and whether it is a comment.
func lineStart(line []byte, pos int) (first, comment bool) {
	before := line[:pos]
	if len(bytes.Trim(before, " \t-#;{,")) > 0 {
		return false, false
	}
	return true, bytes.ContainsAny(before, "#;")
}

func openingQuote(value []byte) string {
	for _, quote := range []string{`\"`, `\'`, `"`, `'`} {
		if bytes.HasPrefix(value, []byte(quote)) {
			return quote
		}
	}
	return ""
}

// quotedLength returns how long the text is up to the closing quote; all of it
// where there is none.
func quotedLength(text []byte, quote string) int {
	for i := range text {
		if !bytes.HasPrefix(text[i:], []byte(quote)) {
			continue
		}
		backslashes := i - len(bytes.TrimRight(text[:i], `\`))
		if backslashes%2 == 0 {
			return i
		}
	}
	return len(bytes.TrimRight(text, " \t\r"))
}

// longWord bounds how far a value without quotes is looked at, so that a line of
// megabytes costs time in proportion to its length, whatever it holds.
const longWord = 1 << 10

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
	if len(text) > 0 && (text[0] == '#' || text[0] == ';') {
		return 0
	}
	for _, sign := range []string{" #", "\t#", " ;", "\t;"} {
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
	text = text[:wordLength(text, `"'`)]
	if m := nextOption.FindIndex(text); m != nil {
		return m[0]
	}
	return len(text)
}
