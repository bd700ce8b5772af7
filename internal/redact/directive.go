package redact

import (
	"bytes"
	"regexp"
	"strings"
)

// directiveTriggers are those of directiveRules, and of directives that need more than an expression.
func directiveTriggers() []trigger {
	var all []trigger
	for _, rule := range directiveRules {
		all = append(all, ruleTrigger(rule.text, rule.expression, "value of a directive"))
	}
	return append(all, trigger{"send ", (*scan).sent}, trigger{".tochararray(", (*scan).characters}, trigger{"send -- ", (*scan).sent}, trigger{":aa", (*scan).botToken}, trigger{".atlasv1.", (*scan).terraformToken}, trigger{"@tcp(", (*scan).dataSource}, trigger{"@unix(", (*scan).dataSource}, trigger{"@//", (*scan).easyConnect}, trigger{"user ", (*scan).transfer}, trigger{"user_", (*scan).loginModule}, trigger{"key ", (*scan).serverKey})
}

// inComment reports whether the line begins with the sign of a comment.
func (s *scan) inComment() bool {
	line := bytes.TrimLeft(s.data[s.start:min(s.end, s.start+longestKey)], " \t")
	return len(line) > 0 && (line[0] == '#' || line[0] == ';' || isSlashComment(line) || bytes.HasPrefix(line, []byte("-- ")))
}

// isSlashComment reports whether a line begins with the sign of a comment of C, rather than with
// the name of a share: //host/share.
func isSlashComment(line []byte) bool {
	return bytes.HasPrefix(line, []byte("//")) && bytes.IndexByte(line[2:2+wordLength(line[2:], "")], '/') < 0
}

// alphabet: characters from which something is drawn, rather than what was drawn.
var alphabet = regexp.MustCompile(`(?i)01234|abcde|qwert[yz]uiop`)

// characters finds a text in quotes that Java makes an array of, which it does for passwords:
// "x".toCharArray().
func (s *scan) characters(at int) {
	line := s.data[max(s.start, at-nearby):at]
	if len(line) < 2 || line[len(line)-1] != '"' || s.data[at+1] != 't' {
		return
	}
	if open := bytes.LastIndexByte(line[:len(line)-1], '"'); open >= 0 && !alphabet.Match(line[open:]) {
		s.argumentValue(argument{at - len(line) + open + 1, at - 1}, false)
	}
}

// sent finds what a script of expect(1) sends to a prompt for a password.
func (s *scan) sent(at int) {
	before := s.data[max(0, at-longestKey):at]
	start, end, ok := s.nextArgument(at + len("send"))
	if ok && s.text(start, 3) == "-- " {
		start, end, ok = s.nextArgument(start + 2)
	}
	if !ok || s.inComment() || !isQuote(s.data[start-1]) || !bytes.Contains(before, []byte("assword")) && !bytes.Contains(before, []byte("assphrase")) {
		return
	}
	for _, tail := range []string{`\n`, `\r`} {
		if bytes.HasSuffix(s.data[start:end], []byte(tail)) {
			end -= len(tail)
		}
	}
	if start < end && isSecret(string(s.data[start:min(end, start+longWord)]), sure) {
		s.add(start, end, "argument of a call")
	}
}

// terraformToken finds a token whose first part stands before the text by which it is known.
func (s *scan) terraformToken(at int) {
	start, end := at, at+len(".atlasv1.")
	for start > max(s.start, at-longestKey) && isAlnum(s.data[start-1]) {
		start--
	}
	for end < s.end && end < at+2*longestKey && (isKeyByte(s.data[end]) || s.data[end] == '=') {
		end++
	}
	if at-start >= 8 && end-at >= 30 {
		s.add(start, end, "token")
	}
}

// botToken finds a token of Telegram, which begins with a number.
func (s *scan) botToken(at int) {
	start := at
	for start > max(s.start, at-12) && isDigit(s.data[start-1]) {
		start--
	}
	end := at + 1
	for end < s.end && end < at+64 && isKeyByte(s.data[end]) {
		end++
	}
	if at-start >= 8 && end-at >= 34 {
		s.add(start, end, "token")
	}
}

// dataSource finds the password in user:password@tcp(host)/database.
func (s *scan) dataSource(at int) {
	before := s.data[max(s.start, at-longestKey*2):at]
	word := before[bytes.LastIndexAny(before, "\t\"'=`(")+1:]
	if s.data[at-len(word)-min(1, at-len(word))] != '"' { // a password has blanks in quotes at most
		word = word[bytes.LastIndexByte(word, ' ')+1:]
	}
	if i := bytes.IndexByte(word, ':'); i > 0 && i+2 < len(word) && !bytes.Contains(word, []byte("[redacted")) {
		s.add(at-len(word)+i+1, at, "password in a URL")
	}
}

// easyConnect finds the password in user/password@//host of Oracle.
func (s *scan) easyConnect(at int) {
	before := s.data[max(s.start, at-longestKey):at]
	word := before[bytes.LastIndexAny(before, " \t\"'=`(")+1:]
	if i := bytes.IndexByte(word, '/'); i > 0 && bytes.Count(word, []byte("/")) == 1 && bytes.IndexByte(word, ':') < 0 && len(word)-i > 2 {
		s.argumentValue(argument{at - len(word) + i + 1, at}, false)
	}
}

// transfer finds the password in a script of ftp(1): user name password, below open or ftp.
func (s *scan) transfer(at int) {
	words := wordsOf(s.data[at:min(s.end, at+longestKey)])
	above := bytes.TrimSpace(s.data[max(0, s.start-longestKey):s.start])
	above = above[bytes.LastIndexByte(above, '\n')+1:]
	if at != s.start+s.indent(s.start) || len(words) != 3 || !bytes.HasPrefix(above, []byte("open ")) && !bytes.Contains(above, []byte("ftp ")) {
		return
	}
	s.argumentValue(argument{at + words[2][0], at + words[2][1]}, false)
}

var serverKey = regexp.MustCompile(`^key(?:[ \t]+[0-9])?[ \t]+([^\s"']{4,})$`)

// serverKey finds the key of a server of TACACS or RADIUS that stands in a line of its own below
// the server's name.
func (s *scan) serverKey(at int) {
	if at != s.start+s.indent(s.start) || at == s.start {
		return
	}
	m := serverKey.FindSubmatchIndex(s.data[at:min(s.end, at+longestKey)])
	if m != nil && bytes.Contains(s.data[max(0, s.start-nearby):s.start], []byte("server")) {
		s.argumentValue(argument{at + m[2], at + m[3]}, false)
	}
}

var moduleUser = regexp.MustCompile(`^user_[\w.-]{1,64}[ \t]*=[ \t]*"([^"\n]{2,})"`)

// loginModule finds the passwords of users in a configuration of JAAS: user_alice="x".
func (s *scan) loginModule(at int) {
	m := moduleUser.FindSubmatchIndex(s.data[at:min(s.end, at+longWord)])
	if m != nil && bytes.Contains(s.data[max(0, at-longWord):at], []byte("LoginModule")) {
		s.argumentValue(argument{at + m[2], at + m[3]}, false)
	}
}

// portOrVersion: "kpasswd 464/tcp" of services(5), "passwd 1:4.13" of a list of packages.
var portOrVersion = regexp.MustCompile(`^[0-9]+[/:.][\w.+~-]*$`)

var typeDigit = regexp.MustCompile(`^[0-9]{1,2}[ \t]+\S`)

// userBefore: user x password y, where the password may be any word.
var userBefore = regexp.MustCompile(`(?i)(?:^|[\s,;{(])(?:login|user|username|account|userid|uid|machine|authname|bind|binddn|name)[ \t]*[ =:]?[ \t]*\S+[ \t,;]+(?:there[ \t]+)?(?:with[ \t]+|is[ \t]+)?(?:insecure-|encrypted[ \t]+)?["']?$`)

// namesUser reports whether a text holds a part of each word that userBefore looks for.
func namesUser(text []byte) bool {
	for i := range len(text) - 2 {
		switch lower(text[i]) {
		case 'u', 'l', 'n', 'm', 'b', 'a':
			for _, word := range []string{"user", "uid", "login", "name", "machine", "bind", "account"} {
				if hasFold(text[i:], word) {
					return true
				}
			}
		}
	}
	return false
}

// nextPair: what follows a key is not its value where it is another with a value.
var nextPair = regexp.MustCompile(`^[A-Za-z][\w.-]*=[^=]`)

// setBefore: a command that sets what is named next.
var setBefore = regexp.MustCompile(`(?i)\w.*[ \t](?:config[ \t]+set[ \t]+\S+|set|put)[ \t]+(?:--?[\w-]+[ \t]+)*(?:\S*[:/])?$`)

// pairsBefore: a command whose arguments are names and values in turn.
var pairsBefore = regexp.MustCompile(`\bnmcli[ \t].*[ \t]$`)

// debconf: passwd/root-password password x.
var debconf = regexp.MustCompile(`(?i)[a-z0-9-]+/[a-z0-9/_-]{0,40}(?:pass|pw|secret|token)[a-z0-9_-]{0,40}[ \t]+$`)

// directive finds a value behind a key and blanks: requirepass x. It is the last that is tried.
func (s *scan) directive(k key) bool {
	pos := k.end
	if k.closed {
		pos += len(k.quote)
	}
	start := s.blanks(pos)
	if start == pos || start >= s.end {
		return false
	}
	if k.quote != "" && !k.closed { // "Token x"
		end := start + wordLength(s.data[start:s.end], k.quote)
		text := string(s.data[start:min(end, start+longWord)])
		if end-start < 20 || !bytes.HasPrefix(s.data[end:], []byte(k.quote)) || !looksRandom(text) || !isSecret(text, k.strength) {
			return false
		}
		s.add(start, end, "value of a directive")
		return true
	}
	if s.data[start] == '{' && k.strength == plain { // tokens { agent = "x" }
		s.mapping(assignment{key: k}, s.data[start:min(len(s.data), start+1<<11)], start)
	}
	if k.strength < sure && (k.strength != likely || !k.first || !looksRandom(string(s.data[start:min(s.end, start+longestKey)]))) {
		return false
	}
	if typeDigit.MatchString(s.text(start, 8)) {
		start = s.blanks(start + wordLength(s.data[start:s.end], ""))
	}
	open, quote := s.opened(start)
	end, behind := 0, 0
	if quote != "" {
		start = open
		end = start + quotedLength(s.data[start:s.end], quote)
		behind = min(s.end, end+len(quote))
	} else {
		end = start + wordLength(s.data[start:s.end], ";")
		behind = end
	}
	text := string(s.data[start:min(end, start+longWord)])
	if !isSecret(text, sure) || portOrVersion.MatchString(text) || quote == "" && strings.ContainsAny(text[:1], "=!<>([{|&,.:?)") {
		return false
	}
	if tail := lineLength(s.data[start:min(s.end, start+2*longestKey)]); quote == "" && s.isSeveralWords(k, s.data[start:start+tail]) {
		s.add(start, start+tail, "value of a directive")
		s.done = max(s.done, start+tail)
		return true
	}
	if s.isDirective(k, text, quote != "", s.data[behind:s.end]) {
		s.add(start, end, "value of a directive")
		s.done = max(s.done, end)
		return true
	}
	return s.bootPassword(k, start)
}

// isDirective says whether a word behind a key and a blank is its value, rather than the next
// word of a sentence, a control of PAM, or an option.
func (s *scan) isDirective(k key, text string, quoted bool, rest []byte) bool {
	rest = bytes.TrimLeft(rest[:min(len(rest), longestKey)], " \t;,)}]")
	last := len(rest) == 0 || rest[0] == '#' || bytes.HasPrefix(rest, []byte("//"))
	before := s.data[max(s.start, k.start-longestKey):k.start]
	switch {
	case s.format.is(prose), !quoted && bytes.HasPrefix(rest, []byte("{")), !quoted && strings.Contains(text, `="`):
		return false
	case (strings.HasPrefix(k.name, "X-") || strings.HasPrefix(k.name, "x-")) && bytes.Contains(bytes.ToLower(before), []byte("header")):
		return true
	case !quoted && !k.first && nextPair.MatchString(text):
		return false
	case quoted && strings.ContainsAny(text, " \t") && !k.first, !quoted && !k.first && strings.ContainsAny(text, "\\[]<"):
		return false
	case !k.first && (!k.comment || last) && namesUser(before) && userBefore.Match(before):
		return true
	case last && bytes.IndexByte(before, '/') >= 0 && debconf.Match(before):
		return true
	case k.comment && !quoted:
		return last && k.first && (looksStrong(text) || isSpecific(k.name) && (s.data[k.end] == '\t' || k.start > s.start && s.data[k.start-1] == '#'))
	case pairsBefore.Match(before):
		return true
	case setBefore.Match(before) && (isSpecific(k.name) || bytes.IndexByte([]byte(":/"), before[len(before)-1]) >= 0) && (last || looksStrong(text)):
		return true
	case quoted:
		return k.first && (last || !strings.ContainsAny(text, " \t")) || looksStrong(text)
	case last && k.first:
		return s.format.is(directives) || k.name == "password" && (len(text) > 5 || len(text) > 3 && s.indent(s.start) == 1) || isSpecific(k.name) || looksStrong(text)
	case last && s.format.is(directives) && bytes.IndexByte(before, '{') >= 0 && bytes.HasSuffix(bytes.TrimRight(s.data[s.start:s.end], " \t"), []byte("}")):
		return true // client c { host h secret x }
	case last && s.isDevice() && !aboutSecrets[strings.ToLower(text)]:
		return true
	case k.first:
		return looksStrong(text) && len(bytes.Fields(rest)) < 4
	}
	return looksStrong(text) && (last || !s.isSentence(before))
}

// isSeveralWords reports whether the value behind a directive's name is a pass phrase, with
// blanks and without quotes.
func (s *scan) isSeveralWords(k key, value []byte) bool {
	if !k.first || k.comment || !s.format.is(directives) || !isSpecific(k.name) || len(value) > longestKey || bytes.ContainsAny(value, "=/{}()[]<>;:,|&\"'") {
		return false
	}
	n := len(bytes.Fields(value))
	return 1 < n && n < 4
}

// What lines of the configurations of routers and switches begin with.
var deviceWords = wordSet("enable username ppp ip set snmp-server ikev1 ikev2 neighbor crypto tunnel-group passwd aaa-server local-user wpa-psk isakmp radius tacacs")

// isDevice reports whether the line looks like one of the configuration of a router or a switch, where
// a password is what stands last.
func (s *scan) isDevice() bool {
	line := bytes.TrimLeft(s.data[s.start:min(s.end, s.start+longestKey)], " \t")
	word := line[:wordLength(line, "")]
	return len(word) < len(line) && deviceWords[string(word)]
}

// isSentence: several words of letters.
func (s *scan) isSentence(before []byte) bool {
	words := bytes.Fields(before)
	return len(words) > 4
}

// isSpecific: names that no sentence begins with.
func isSpecific(name string) bool {
	parts := partsOf(name)
	return len(parts) > 1 || strings.HasSuffix(name, "pw") || len(name) > 6 && name != "password" && name != "secret" && name != "passphrase" && name != "community" && !strings.HasSuffix(name, "s")
}

var (
	told = regexp.MustCompile(`^(?:[ \t]+[^\s:=]+){0,6}?(?:[ \t]*[:=]|[ \t]+(?:is|was|to|now|ist|war))[ \t]+["']?([^\s"']{6,})["']?[.)]?[ \t]*$`)
	// The same where the sentence goes on.
	toldWithin = regexp.MustCompile(`^(?:[ \t]+[^\s:=]+){0,6}?[ \t]+(?:is|was|ist|war)[ \t]+["']?([^\s"',]{6,})["']?(?:[,;)]?[ \t]|[,;)])`)
)

// told finds a password that a sentence tells: the old password was x.
func (s *scan) told(k key) bool {
	if k.strength < sure || k.quote != "" {
		return false
	}
	if s.data[max(s.start, s.end-1)] == ':' {
		return s.toldBelow(k)
	}
	line := s.data[k.end:min(s.end, k.end+nearby)]
	if !bytes.ContainsAny(line, "0123456789") {
		return false
	}
	var m []int
	last := bytes.TrimRight(line, " \t\"'.)")
	if i := bytes.LastIndexAny(last, " \t"); i >= 0 && len(last)-i > 6 && bytes.ContainsAny(last[i:], "0123456789") {
		m = told.FindSubmatchIndex(line)
	}
	if m == nil && (bytes.Contains(line, []byte(" is ")) || bytes.Contains(line, []byte(" was ")) || bytes.Contains(line, []byte(" ist ")) || bytes.Contains(line, []byte(" war "))) {
		m = toldWithin.FindSubmatchIndex(line)
	}
	if m == nil {
		return false
	}
	start, end := k.end+m[2], k.end+m[3]
	text := string(s.data[start:end])
	if lowers, uppers, digits, others, _ := classes(text); lowers == 0 || digits == 0 || uppers == 0 && others == 0 && lowers < 4 || !looksStrong(text) || portOrVersion.MatchString(text) {
		return false
	}
	return s.addIfSecret(k, start, end, "told in a sentence")
}

// toldBelow finds a password in the line below a sentence that announces it.
func (s *scan) toldBelow(k key) bool {
	from, to, ok := s.nextLine(s.end)
	if ok && from == to {
		from, to, ok = s.nextLine(from)
	}
	if !ok {
		return false
	}
	text := bytes.TrimSpace(s.data[from:min(to, from+longWord)])
	if len(text) < 8 || !isAlnum(text[0]) || bytes.ContainsAny(text, " \t:=()") || !bytes.ContainsAny(text, "0123456789") || !looksStrong(string(text)) {
		return false
	}
	start := from + bytes.Index(s.data[from:to], text)
	return s.addIfSecret(k, start, start+len(text), "told in a sentence")
}

// bootPassword finds the password of GRUB: password user x.
func (s *scan) bootPassword(k key, start int) bool {
	if !k.first || k.comment || k.name != "password" || !s.format.is(bootLoader) {
		return false
	}
	words := wordsOf(s.data[start:min(s.end, start+nearby)])
	if len(words) != 2 {
		return false
	}
	return s.addIfSecret(k, start+words[1][0], start+words[1][1], "value of a directive")
}
