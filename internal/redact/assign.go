package redact

import (
	"bytes"
	"iter"
	"regexp"
	"strings"
)

// assignment is a key that ends in a secret word, and what separates it from
// its value.
var assignment = regexp.MustCompile(`(?i)(\\?["'])?([a-z0-9_.-]*` + secretWords + `)(\\?["'])?([ \t]*)(=>|[:=]|)([ \t]*)`)

// The groups of assignment.
const (
	groupOpen = iota + 1
	groupKey
	groupClose
	groupBlanksBefore
	groupSeparator // empty for a flag: --password hunter2
	groupBlanksAfter
)

var secretSet = newTextSet(secretTexts)

// assignments finds the values of keys that end in a secret word. It looks for
// the words first and gives the expression only what is around them: on long
// lines expressions are slow.
func assignments(line []byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		pos := 0
		for {
			at := secretSet.next(line, pos)
			if at == len(line) {
				return
			}
			k, found := findKey(line, pos, at)
			if !found {
				pos = at + 1
				continue
			}
			pos = k.end
			start, end, ok := k.value()
			if ok && !yield(start, end) {
				return
			}
			if ok || end-start > longWord {
				pos = end
			}
		}
	}
}

// How much of a line around a secret word is searched for the key.
const (
	beforeWord = 128
	afterWord  = 128
)

// A secretKey is a match of assignment in a line.
type secretKey struct {
	line          []byte
	at, end       int    // of the match; the value begins at end
	open, close   string // quotes around the key
	key           string
	before, after bool // blanks before and after the separator
	separator     string
}

// findKey finds the key of which a part is at line[at:], after pos.
func findKey(line []byte, pos, at int) (secretKey, bool) {
	from := max(pos, at-beforeWord)
	window := line[from:min(len(line), at+afterWord)]
	m := assignment.FindSubmatchIndex(window)
	if m == nil {
		return secretKey{}, false
	}
	group := func(n int) string {
		if m[2*n] < 0 {
			return ""
		}
		return string(window[m[2*n]:m[2*n+1]])
	}
	return secretKey{
		line: line, at: from + m[0], end: from + m[1],
		open: group(groupOpen), close: group(groupClose), key: group(groupKey),
		before: group(groupBlanksBefore) != "", after: group(groupBlanksAfter) != "", separator: group(groupSeparator),
	}, true
}

// value returns where the value is that belongs to the key, and whether it is a
// secret. Most of what it does is leave alone what only looks like one.
func (k secretKey) value() (start, end int, ok bool) {
	rest := k.line[k.end:]
	if isSysctl(k.key) || k.isAlias() || bytes.HasPrefix(rest, []byte("=")) { // "==" compares
		return 0, 0, false
	}
	if k.separator == "" && !k.isFlag(rest) {
		return 0, 0, false
	}
	start = k.end
	if quote := openingQuote(rest); quote != "" {
		start += len(quote)
		end = start + quotedLength(k.line[start:], quote)
	} else {
		length, bare := k.bareLength(rest)
		if !bare {
			return 0, 0, false
		}
		end = start + length
	}
	return start, end, !isPlaceholder(k.line[start:end])
}

// isFlag: "--token x", where x is no flag itself.
func (k secretKey) isFlag(rest []byte) bool {
	return strings.HasPrefix(k.key, "-") && k.close == "" && k.before && !bytes.HasPrefix(rest, []byte("-")) &&
		(k.at == 0 || k.open != "" || isBlank(k.line[k.at-1]))
}

// bareLength returns how long a value without quotes is; false where it is none
// that belongs to the key.
func (k secretKey) bareLength(rest []byte) (int, bool) {
	first, comment := lineStart(k.line, k.at)
	switch {
	case k.separator == "":
		return optionLength(rest), true
	case k.separator == ":" && k.open != "" && k.close != "": // JSON
		isValue := !bytes.HasPrefix(rest, []byte("[")) && !bytes.HasPrefix(rest, []byte("{"))
		return wordLength(rest, ",}]"), isValue
	case k.separator == ":" && (!first || !k.after || isService(k.key, rest)):
		return 0, false
	case k.separator == ":":
		isProse := comment && bytes.ContainsAny(bytes.TrimSpace(rest), " \t")
		return lineLength(rest), !isProse
	case !first && !k.before && k.after: // "password= user=x": an empty one
		return 0, false
	case k.open != "" && k.close == "": // Environment="PASSWORD=…"
		return quotedLength(rest, k.open), true
	case first && (k.before || k.after):
		return lineLength(rest), true
	}
	return optionLength(rest), true
}

// isAlias: "Cmnd_Alias PASSWD = /usr/bin/passwd" of sudoers(5), where other aliases may
// follow behind colons.
func (k secretKey) isAlias() bool {
	if k.separator != "=" || k.open != "" || strings.ToUpper(k.key) != k.key || strings.ContainsAny(k.key, ".-") {
		return false
	}
	before := bytes.TrimRight(k.line[max(0, k.at-beforeWord):k.at], " \t")
	if !bytes.HasSuffix(before, []byte("_Alias")) && (!bytes.HasSuffix(before, []byte(":")) || bytes.HasSuffix(before, []byte(`\:`))) {
		return false
	}
	start := bytes.TrimLeft(k.line[:min(len(k.line), beforeWord)], " \t")
	kind, _, _ := bytes.Cut(start, []byte("_Alias"))
	switch string(kind) {
	case "User", "Runas", "Host", "Cmnd", "Cmd":
		return true
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

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
