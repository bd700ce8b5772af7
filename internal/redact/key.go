package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// wordTriggers are texts of which one is in each key's name that may name a secret.
func wordTriggers() []trigger {
	var all []trigger
	for _, text := range []string{
		"pass", "pwd", "psk", "pswd", "secret", "token", "communit", "auth", "cred", "key", "bearer", "salt", "cookie", "seed",
		"sig=", "signature", "pin", "otp", "pepper", "reg_code", "regcode", "registrationcode", "registration_code", "activation_code", "activationcode", "access_code", "accesscode", "recovery_code", "backup_code", "license_code", "kennwort", "senha", "mdp", "jwt", "sid=", "sessid", "session", "encrypt",
		"pw=", "pw ", "pw:", "pw\t", `pw"`, "pw'", "pw<", "pw>", "pw_", "pw-", "pw,",
	} {
		all = append(all, trigger{text, (*scan).word})
	}
	return all
}

// A key is a name that names a secret, in a text.
type key struct {
	start, end int
	name       string
	strength   strength
	quote      string // before it
	closed     bool   // and behind it
	first      bool   // nothing but indentation, a list's dash, the sign of a comment before it in its line
	comment    bool   // the line is a comment
}

// longestKey bounds how much of a text around a secret's word is looked at for the name.
const longestKey = 128

func isKeyByte(c byte) bool { return isAlnum(c) || c == '_' || c == '.' || c == '-' }

// word finds the value of the key that has the word at data[at:] in its name.
func (s *scan) word(at int) {
	if at < s.done || s.format.is(noKeys) && !s.format.is(arguments) {
		return
	}
	k := s.keyAround(at)
	s.done = k.end
	if k.strength == none || s.format.is(arguments) && (!moduleArguments[k.name] || s.text(k.end, 1) != "=") {
		return
	}
	for _, find := range []func(*scan, key) bool{(*scan).markup, (*scan).named, (*scan).explicit, (*scan).assigned, (*scan).flag, (*scan).directive, (*scan).told} {
		if find(s, k) {
			return
		}
	}
}

// What a secret is called among the arguments of a module of PAM.
var moduleArguments = wordSet("secret passwd password pass bindpw pw")

// keyAround returns the name around data[at:].
func (s *scan) keyAround(at int) key {
	k := key{start: at, end: at}
	for low := max(s.start, at-longestKey, s.done); k.start > low && isKeyByte(s.data[k.start-1]); {
		k.start--
	}
	for high := min(s.end, at+longestKey); k.end < high && isKeyByte(s.data[k.end]); {
		k.end++
	}
	for k.end > k.start && (s.data[k.end-1] == '.' || s.data[k.end-1] == '-') {
		k.end--
	}
	k.end = max(k.end, min(at+1, s.end))
	k.name = string(s.data[k.start:k.end])
	if !isSysctl(k.name) {
		k.strength = s.strength(k.name)
	}
	next := s.text(s.blanks(k.end), 1)
	if k.strength == weak && len(k.name) <= 4 && (next == ":" || next == "=") { // API Key: x
		from := max(s.start, k.start-longestKey)
		before := strings.TrimRight(string(s.data[from:k.start]), " ")
		if word := before[strings.LastIndexAny(before, " \t\"'=:,{(")+1:]; len(word) > 2 && len(before) == k.start-from-1 {
			k.strength = max(k.strength, strengthOf(word+"_"+k.name))
		}
	}
	if k.strength == none && (next == "=" || next == ":") && strings.HasSuffix(strings.ToLower(strings.Replace(k.name, "_", "", 1)), "proxypass") {
		k.strength = sure // which it is not in ProxyPass of Apache and proxy_pass of nginx
	}
	if k.strength == weak && (k.name == "key" || k.name == "pin") && s.format.is(secretKeys) {
		k.strength = sure
	}
	if k.strength == weak && len(k.name) > 4 && (strings.EqualFold(k.name[:2], "x-") || strings.HasSuffix(k.name, "_AUTH") && s.text(k.end, 1) == "=") {
		k.strength = likely
		if k.name[1] == '-' { // a header: X-App-Key
			k.strength = sure
		}
	}
	if k.strength == none {
		return k
	}
	k.quote = s.quoteBefore(k.start)
	if k.quote == "" && k.end < s.end && isQuote(s.data[k.end]) && k.start > s.start && s.data[k.start-1] == '/' { // "app/password": "x"
		from := bytes.LastIndexByte(s.data[max(s.start, k.start-longestKey):k.start], s.data[k.end])
		if from += max(s.start, k.start-longestKey); from >= s.start && !bytes.ContainsAny(s.data[from+1:k.start], " \t,:=") {
			k.quote = string(s.data[k.end : k.end+1])
		}
	}
	k.closed = k.quote != "" && bytes.HasPrefix(s.data[k.end:s.end], []byte(k.quote))
	k.first, k.comment = s.isFirst(k.start - len(k.quote))
	if name := bytes.TrimLeft(s.data[max(s.start, k.start-longestKey):k.start], " \t"); next == ":" && bytes.HasSuffix(name, []byte("::")) && !bytes.ContainsAny(name, " \t") { // Puppet's names
		k.first = true
	}
	return k
}

// strength is strengthOf, which is worked out once a name: names return.
func (s *scan) strength(name string) strength {
	known, ok := s.strengths[name]
	if !ok {
		if known = strengthOf(name); len(s.strengths) < 1000 {
			s.strengths[name] = known
		}
	}
	return known
}

// quoteBefore returns the quote that ends at pos, with the backslashes before it.
func (s *scan) quoteBefore(pos int) string {
	if pos == s.start || !isQuote(s.data[pos-1]) {
		return ""
	}
	start := pos - 1
	for start > s.start && s.data[start-1] == '\\' && pos-start < 8 {
		start--
	}
	return string(s.data[start:pos])
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// Words that may stand before a key at the beginning of a line.
var introductions = wordSet("export set setenv env const let var public private protected static final local readonly declare hide arg define string my our setq defvar option list")

// isFirst reports whether nothing but indentation, a list's dash, the sign of a comment or an
// introduction precedes pos in its line, and whether the line is a comment.
func (s *scan) isFirst(pos int) (first, comment bool) {
	before := s.data[s.start:pos]
	if len(before) > longestKey {
		return false, false
	}
	comment = bytes.ContainsRune(before, '#') || bytes.HasPrefix(bytes.TrimLeft(before, " \t"), []byte(";")) || isSlashComment(bytes.TrimLeft(before, " \t")) || bytes.Contains(before, []byte("// "))
	if i := bytes.LastIndexAny(before, "{;}"); i >= 0 && !comment || i > 0 && before[i] != ';' {
		before = before[i+1:]
	}
	rest := strings.Trim(string(before), " \t-#;{,*/!<$@:[(%")
	for _, word := range strings.Fields(rest) {
		if !introductions[strings.ToLower(word)] {
			return false, comment
		}
	}
	return true, comment
}

// isSysctl: kernel parameters are settings that audits compare, and none of
// them is a password.
func isSysctl(name string) bool {
	root, _, dotted := strings.Cut(name, ".")
	return dotted && (root == "net" || root == "kernel" || root == "vm")
}

// Separators of a key and its value, longer ones first.
var separators = []string{"=>", ":=", "+=", "?=", "||=", "=", "::", ":-", ":", ",", "||", "??", "<<<", "?:", "!=", "%3D", "%3d", "%3A"}

// assigned finds what follows a key behind a separator. It reports whether the key has been
// dealt with.
func (s *scan) assigned(k key) bool {
	pos := k.end
	if k.closed {
		pos += len(k.quote)
	}
	if k.closed { // ['community'][0] = "x"
		pos += len(subscripts.Find(s.data[pos:min(s.end, pos+longestKey)]))
	}
	if k.quote == "" && pos < s.end && s.data[pos] == ']' && k.start > s.start && (s.data[k.start-1] == ':' || s.data[k.start-1] == '[') { // [:app][:secret] = "x"
		behind := pos + len(subscripts.Find(s.data[pos:min(s.end, pos+longestKey)]))
		if quotedAssignment.Match(s.data[behind:min(s.end, behind+16)]) {
			pos = behind
		}
	}
	if k.quote == "" && pos < s.end && k.start > s.start && (s.data[k.start-1] == '$' || s.data[k.start-1] == '{') { // [ "$password" = "x" ]
		for pos < s.end && pos < k.end+2 && (s.data[pos] == '}' || s.data[pos] == '"') {
			pos++
		}
	}
	if k.strength >= sure && (s.text(pos, 7) == " String" || s.text(pos, 7) == " string") {
		pos += len(" string")
	}
	after := s.blanks(pos)
	separator := s.separator(k, pos, after)
	if separator == "" {
		return false
	}
	if strings.HasPrefix(separator, "(") { // and not a question that is asked
		separator = "("
		first := ""
		if parts := partsOf(k.name[strings.LastIndexByte(k.name, '.')+1:]); len(parts) > 0 {
			first = parts[0]
		}
		if isWords(s.data[after:min(s.end, after+nearby)]) || k.name == "pass" {
			return true
		}
		if (k.strength < plain || !strings.Contains(strings.ToLower(k.name), "pass")) && first != "set" && first != "with" && first != "use" {
			k.strength = min(k.strength, likely)
		}
	}
	a := assignment{key: k, separator: separator, before: after > pos}
	value := s.blanks(after + len(separator))
	a.after = value > after+len(separator)
	if strings.HasPrefix(s.text(value, 8), "str = ") || strings.HasPrefix(s.text(value, 9), "String = ") || strings.HasPrefix(s.text(value, 9), "string = ") {
		a.separator, value = "=", s.blanks(value+bytes.IndexByte(s.data[value:], '=')+1)
	}
	if s.isAlias(a) {
		return true
	}
	start, end, ok := s.value(a, value)
	if ok {
		s.add(start, end, "value of a key")
	}
	if ok || end-start > longWord {
		s.done = max(s.done, end)
	} else if m := userPair.FindIndex(s.data[value:min(s.end, value+longestKey)]); m != nil && isOfUsers(k.name) {
		s.argumentValue(argument{value, value + m[1]}, true)
	}
	return true
}

var userPair = regexp.MustCompile(`^(?:"[\w.@-]{1,64}:[^":/\n]{4,64}"|'[\w.@-]{1,64}:[^':/\n]{4,64}'|[\w.@-]{1,64}:[^\s"':/,;]{4,64})`)

// isOfUsers reports whether what a key names may be user:password.
func isOfUsers(name string) bool {
	parts := partsOf(name)
	for _, part := range parts[max(0, len(parts)-2):] {
		switch part {
		case "auth", "pair", "basicauth", "proxyauth", "credential", "credentials", "creds", "userpass", "userpwd":
			return true
		}
	}
	return false
}

// isWords reports whether a text in quotes behind a bracket is a sentence.
func isWords(text []byte) bool {
	open := bytes.IndexAny(text, "\"'`")
	if open < 0 {
		return false
	}
	return bytes.IndexByte(text[open+1:open+1+quotedLength(text[open+1:], string(text[open]))], ' ') >= 0
}

// An assignment is a key with its separator.
type assignment struct {
	key
	separator     string
	before, after bool // blanks before and after the separator
}

// text returns at most n bytes of the line, from pos.
func (s *scan) text(pos, n int) string {
	if pos >= s.end {
		return ""
	}
	return string(s.data[pos:min(pos+n, s.end)])
}

// blanks returns where the blanks at pos end.
func (s *scan) blanks(pos int) int {
	for pos < s.end && isBlank(s.data[pos]) {
		pos++
	}
	return min(pos, s.end)
}

// separator returns what separates the key, behind which data[pos:] lies, from its value.
func (s *scan) separator(k key, pos, after int) string {
	rest := s.data[after:s.end]
	var found string
	for _, separator := range separators {
		if bytes.HasPrefix(rest, []byte(separator)) {
			found = separator
			break
		}
	}
	next := byte(0)
	if len(rest) > len(found) {
		next = rest[len(found)]
	}
	if found == "" && pos > k.end && s.data[pos-1] == ')' { // ENV.fetch("PASSWORD") { "x" }
		return string(otherwise.Find(rest[:min(len(rest), 8)]))
	}
	if found == "" && after == pos && k.quote == "" { // setPassword("x")
		return string(setter.Find(rest[:min(len(rest), 8)]))
	}
	isParameter := k.start >= s.start+2 && bytes.Equal(s.data[k.start-2:k.start], []byte("${"))
	switch found {
	case "=":
		if next == '=' && strings.HasSuffix(k.name, "-Password") { // FreeRADIUS
			return "=="
		}
		if next == '=' && k.strength >= sure && !strings.Contains(k.name, "oken") && comparison.Match(rest[:min(len(rest), 8)]) {
			return "=="
		}
		if next == '=' || next == '~' || next == '*' || strings.HasPrefix(k.name, "self.") {
			return ""
		}
	case ":=", ":-", "?=":
		if found == ":-" && !isParameter {
			return ":"
		}
	case "::":
		if !k.first || len(rest) < 3 || !isBlank(rest[2]) {
			return "" // in LDIF what follows is in base64; elsewhere it is a name's part
		}
	case ":":
		if isParameter && (next == '?' || next == '+') {
			return ""
		}
	case ",":
		if !s.isCall(k, rest) {
			return ""
		}
	}
	return found
}

// comparison: of a variable with a text.
var comparison = regexp.MustCompile("^={2,3}[ \t]*[\"'`]")

var (
	otherwise = regexp.MustCompile(`^(?:\{|or)[ \t]+`)
	setter    = regexp.MustCompile("^\\([ \t]*b?[\"'`]")
)

var quotedAssignment = regexp.MustCompile("^[ \t]*(?:=>?|:=)[ \t]*[\"'`]")

var subscripts = regexp.MustCompile(`^(?:\]|\)|\[[^\]]{0,24}\])+`)

// isCall: define('DB_PASSWORD', 'x'), {default_pass, <<"x">>}.
func (s *scan) isCall(k key, rest []byte) bool {
	value := bytes.TrimLeft(rest[1:min(len(rest), 64)], " \t")
	if len(value) == 0 {
		return false
	}
	before := bytes.TrimRight(s.data[max(s.start, k.start-len(k.quote)-8):k.start-len(k.quote)], " \t")
	if len(before) == 0 {
		return false
	}
	last := before[len(before)-1]
	if k.quote == "" && bytes.HasSuffix(before, []byte("($")) { // Set($Password, "x") of Perl
		return isQuote(value[0]) || perlQuote.Match(value)
	}
	return k.closed && last == '(' && isQuote(value[0]) ||
		k.quote == "" && last == '{' && (value[0] == '"' || bytes.HasPrefix(value, []byte("<<")))
}

// isAlias: "Cmnd_Alias PASSWD = /usr/bin/passwd" of sudoers(5), where other aliases may
// follow behind colons.
func (s *scan) isAlias(a assignment) bool {
	if a.separator != "=" || a.quote != "" || strings.ToUpper(a.name) != a.name || strings.ContainsAny(a.name, ".-") {
		return false
	}
	before := bytes.TrimRight(s.data[max(s.start, a.start-longestKey):a.start], " \t")
	if !bytes.HasSuffix(before, []byte("_Alias")) && (!bytes.HasSuffix(before, []byte(":")) || bytes.HasSuffix(before, []byte(`\:`))) {
		return false
	}
	line := bytes.TrimLeft(s.data[s.start:min(s.end, s.start+longestKey)], " \t")
	kind, _, _ := bytes.Cut(line, []byte("_Alias"))
	switch string(kind) {
	case "User", "Runas", "Host", "Cmnd", "Cmd":
		return true
	}
	return false
}

// explicit finds the value of a key of YAML that has a line of its own: ? password, and below it :
// x.
func (s *scan) explicit(k key) bool {
	if k.strength < sure || !bytes.HasPrefix(bytes.TrimLeft(s.data[s.start:s.end], " \t-"), []byte("? ")) || s.blanks(k.end+len(k.quote)) != s.end {
		return false
	}
	from, to, ok := s.nextLine(s.end)
	from += s.indent(from)
	if !ok || to-from < 4 || s.data[from] != ':' || !isBlank(s.data[from+1]) {
		return false
	}
	start, quote := s.opened(from + 2)
	end := start + lineLength(s.data[start:to])
	if quote != "" {
		end = start + quotedLength(s.data[start:to], quote)
	}
	return s.addIfSecret(k, start, end, "value of a key")
}

// flagPair: a user's name and a password behind a colon.
var flagPair = regexp.MustCompile(`^[A-Za-z][\w.@-]*:[^:/\s]{4,}$`)

// isPIN reports whether a key called pin has a number that is long enough to be one.
func isPIN(name, value string) bool {
	parts := partsOf(name)
	return parts[len(parts)-1] == "pin" && len(value) >= 4 && len(value) <= 12 && isNumber(value)
}

// flag finds the argument that follows one which says that it is a secret: --password x.
func (s *scan) flag(k key) bool {
	if !strings.HasPrefix(k.name, "-") || k.start > s.start && !isBlank(s.data[k.start-1]) && k.quote == "" {
		return false
	}
	pos := k.end
	if k.closed {
		pos += len(k.quote)
	}
	start, end, ok := s.nextArgument(pos)
	if !ok || s.data[start] == '-' || keyInFront.Match(s.data[start:min(end, start+longestKey)]) && s.data[start-1] == ' ' && s.data[start-2] == ',' {
		return true // add_argument("--password", default="x")
	}
	if strings.Contains(k.name, "user-pass") { // --user-password name x
		if from, to, more := s.nextArgument(end); more && s.data[from] != '-' && s.data[from] != '/' {
			start, end = from, to
		}
	}
	if k.strength < sure { // --auth user:password
		text := string(s.data[start:min(end, start+longWord)])
		switch {
		case strings.HasSuffix(k.name, "auth") && (looksStrong(text) || flagPair.MatchString(text)):
			s.argumentValue(argument{start, end}, true)
		case isPIN(k.name, text):
			s.add(start, end, "argument of a flag")
		case strings.ToUpper(text) != text && isSecret(text, k.strength): // and not a fingerprint
			s.add(start, end, "argument of a flag")
			s.done = max(s.done, end)
		}
		return true
	}
	text := string(s.data[start:min(end, start+longWord)])
	for _, kind := range []string{"pass:", "plain:"} { // openssl -passin pass:x
		if strings.HasPrefix(text, kind) {
			start, text = start+len(kind), text[len(kind):]
		}
	}
	if isSecret(text, k.strength) {
		s.add(start, end, "argument of a flag")
		s.done = max(s.done, end)
	}
	return true
}
