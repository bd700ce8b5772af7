package redact

import (
	"bytes"
	"regexp"
	"strconv"
)

// blockTriggers are those of secrets that take several lines.
func blockTriggers() []trigger {
	return []trigger{
		{"-----begin ", (*scan).armored},
		{"private-lines:", (*scan).puttyKey},
		{"private-mac:", (*scan).afterName},
		{"privateexponent:", (*scan).afterName},
		{"prime1:", (*scan).afterName},
		{"prime2:", (*scan).afterName},
		{"exponent1:", (*scan).afterName},
		{"exponent2:", (*scan).afterName},
		{"coefficient:", (*scan).afterName},
		{"kind: secret", (*scan).kubernetesSecret},
		{"chpasswd:", (*scan).cloudPasswords},
		{"\npassword\nv ", (*scan).subversion},
		{"<auth-user-pass>", (*scan).inlineUser},
		{"<pkcs12>", (*scan).inlineStore},
		{"$ansible_vault;", (*scan).inlineStore},
		{"random_password", across(`"result"`, `random_password.{0,900}?"result":\s*"([^"\n]{4,})"`)},
		{`"kty"`, (*scan).webKey},
		{`"modulus"`, (*scan).webKey},
		{"<modulus>", (*scan).keyValue},
		{`"kind":"secret"`, (*scan).secretInJSON},
		{`"kind": "secret"`, (*scan).secretInJSON},
		{"github-oauth", across(`"`, `github-oauth["']?\s*:\s*\{\s*"[^"]{1,64}"\s*:\s*"([^"\n]+)"`)},
		{"requirepass", across("\n", `requirepass"?\r?\n(?:[0-9]+\) )?"?([^\s"]{2,})`)},
		{"masterauth", across("\n", `masterauth"?\r?\n(?:[0-9]+\) )?"?([^\s"]{2,})`)},
		{`"clients"`, across(`"id"`, `"clients"\s*:\s*\[\s*\{\s*(?:"[^"\n]{0,64}"\s*:\s*"?[^",\n]{0,64}"?,\s*){0,3}"id"\s*:\s*"([^"\n]+)"`)},
		{"[admins]", (*scan).passwordSection},
		{"[users]", (*scan).passwordSection},
		{"[passwords]", (*scan).passwordSection},
		{"[secrets]", (*scan).passwordSection},
		{"[tokens]", (*scan).passwordSection},
		{"borg_key ", (*scan).inlineStore},
		{"encrypted secret key", (*scan).inlineStore},
		{"signify secret key", (*scan).inlineStore},
		{"insert into ", (*scan).inserted},
	}
}

var (
	keyBegin  = regexp.MustCompile(`^-----BEGIN (?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V[0-9]|OpenVPN tls-crypt-v2 [a-z]{1,10} key)-----`)
	keyHeader = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*: `)
	keyText   = regexp.MustCompile(`^[A-Za-z0-9+/=]+$`)

	// A key in a JSON string or a shell variable: all in one line, its ends of
	// line written as \n or blanks.
	keyInLine = regexp.MustCompile(`^(?:\\{1,4}[rn]| )*([A-Za-z0-9+/=]{16,}(?:(?:\\{1,4}[rn]| )+[A-Za-z0-9+/=]+)*)`)
)

// shortestText is what the first line of a key has at least; less is prose.
const shortestText = 16

// armored finds the body of a PEM private key, or of another that is written like one.
func (s *scan) armored(at int) {
	begin := keyBegin.FindIndex(s.data[at:min(len(s.data), at+longestKey)])
	if begin == nil {
		return
	}
	if start, end := s.keyBody(at + begin[1]); start < end {
		s.add(start, end, "private key")
		s.done = max(s.done, min(end, s.end))
	}
}

// keyBody returns where the body is of a key whose BEGIN mark ends at pos;
// nowhere (0, 0) when what follows is no key. It goes by what the lines look
// like and needs no END mark: half a key is a secret, too.
func (s *scan) keyBody(pos int) (start, end int) {
	eol := min(s.end, pos+1<<14)
	if m := keyInLine.FindSubmatchIndex(s.data[pos:eol]); m != nil {
		return pos + m[2], pos + m[3]
	}
	if len(keyLine(s.data[pos:eol])) > 0 {
		return 0, 0
	}
	inText := false
	for at, eol, ok := s.nextLine(pos); ok; at, eol, ok = s.nextLine(at) {
		line := keyLine(s.data[at:eol])
		switch {
		case keyText.Match(line) && (inText || len(line) >= shortestText):
			inText = true
		case inText, len(line) > 0 && !keyHeader.Match(line) && line[0] != '#':
			return start, end
		}
		if start == 0 && len(line) > 0 {
			start = at + bytes.Index(s.data[at:eol], line) // keeps the indentation
		}
		if inText {
			end = at + bytes.Index(s.data[at:eol], line) + len(line) // keeps a \r
		}
	}
	return start, end
}

// keyLine is a line of a key without what comments, quotes and joins lines.
func keyLine(line []byte) []byte {
	line = bytes.Trim(line, " \t\r#>|\"',;*.")
	for len(line) > 1 && (bytes.HasSuffix(line, []byte(`\n`)) || line[len(line)-1] == '\\') {
		line = bytes.TrimRight(bytes.TrimSuffix(line, []byte(`\n`)), "\\\"'")
	}
	return line
}

// puttyKey finds the private part of a key of PuTTY, whose lines are counted.
func (s *scan) puttyKey(at int) {
	count := bytes.TrimSpace(s.data[at+len("private-lines:") : s.end])
	n, err := strconv.Atoi(string(count))
	if err != nil || n < 1 || n > 1000 {
		return
	}
	first, last := 0, 0
	pos := at
	for range n {
		from, to, ok := s.nextLine(pos)
		if !ok || !keyText.Match(bytes.TrimSpace(s.data[from:to])) {
			break
		}
		if first == 0 {
			first = from
		}
		last, pos = to, from
	}
	s.add(first, last, "private key")
}

// afterName finds the number behind a name that only private keys have.
func (s *scan) afterName(at int) {
	colon := at + bytes.IndexByte(s.data[at:s.end], ':')
	start := s.blanks(colon + 1)
	end := start + wordLength(s.data[start:s.end], "")
	if end-start >= shortestText && keyText.Match(s.data[start:end]) {
		s.add(start, end, "private key")
	}
}

var yamlPair = regexp.MustCompile(`^([ \t]+)["']?[\w.-]{1,128}["']?:[ \t]*(?:["']([^"']+)["']|([^\s"'|>{\[#][^\r\n]*?))?([|>][+-]?)?[ \t]*$`)

// kubernetesSecret finds the values below data and stringData in a manifest of a Secret.
func (s *scan) kubernetesSecret(at int) {
	if at < s.manifest {
		return
	}
	inData := false
	pos := at
	if from := bytes.LastIndex(s.data[max(0, at-nearby*8):at], []byte("\n---")); from >= 0 {
		pos = max(0, at-nearby*8) + from + 1
	} else if at < nearby*8 {
		pos = 0
	}
	for from, to, ok := pos, s.lineEnd(pos), true; ok && from-at < 1<<16; from, to, ok = s.nextLine(from) {
		line := s.data[from:to]
		s.manifest = to
		switch {
		case from > pos && bytes.HasPrefix(line, []byte("---")):
			return
		case len(line) > 0 && !isBlank(line[0]):
			name := string(bytes.TrimRight(line, " \t"))
			inData = name == "data:" || name == "stringData:"
		case inData:
			m := yamlPair.FindSubmatchIndex(line[:min(len(line), 1<<14)])
			if m == nil {
				if text := bytes.TrimSpace(line); len(text) >= 4 && !bytes.Contains(text, []byte(": ")) {
					start := from + bytes.Index(line, text)
					s.add(start, start+len(text), "value of a Secret")
				}
				continue
			}
			for _, group := range []int{4, 6} {
				if m[group] >= 0 && isSecret(string(line[m[group]:min(m[group+1], m[group]+longWord)]), sure) {
					s.add(from+m[group], from+m[group+1], "value of a Secret")
				}
			}
		}
	}
}

// cloudPasswords finds the list of user:password below chpasswd of cloud-init.
func (s *scan) cloudPasswords(at int) {
	indent := s.indent(s.start)
	for from, to, ok := s.nextLine(at); ok && from-at < nearby*4; from, to, ok = s.nextLine(from) {
		line := bytes.TrimSpace(s.data[from:to])
		if s.indent(from) <= indent && len(line) > 0 {
			return
		}
		line = bytes.Trim(line, "-\"' ")
		user, password, found := bytes.Cut(line, []byte(":"))
		if found && len(password) > 1 && !isBlank(password[0]) && len(user) > 0 && isSecret(string(password), sure) {
			start := from + bytes.Index(s.data[from:to], password)
			s.add(start, start+len(password), "password in a list")
		}
	}
}

// subversion finds a password in Subversion's store: the line after its length.
func (s *scan) subversion(at int) {
	s.enter(at + 1)
	length := at + len("\npassword\n")
	if start, end, ok := s.nextLine(length); ok && end-start < longWord {
		s.add(start, end, "password in a list")
	}
}

// inlineUser finds the password in <auth-user-pass> of OpenVPN: the second line of it.
func (s *scan) inlineUser(at int) {
	from, _, ok := s.nextLine(at)
	if !ok {
		return
	}
	if from, to, ok := s.nextLine(from); ok && !bytes.HasPrefix(s.data[from:to], []byte("<")) {
		s.add(from+s.indent(from), to, "password in a list")
	}
}

// inlineStore finds the keys in <pkcs12> of OpenVPN, and what is below the first line of
// Ansible's vault: the lines of one text.
func (s *scan) inlineStore(at int) {
	first, last := 0, 0
	for from, to, ok := s.nextLine(at); ok && keyText.Match(bytes.TrimSpace(s.data[from:to])); from, to, ok = s.nextLine(from) {
		if first == 0 {
			first = from + s.indent(from)
		}
		last = to
	}
	s.add(first, last, "private key")
}

// across finds the group of an expression that may go on in further lines, where it is near a text
// that belongs to it.
func across(near, expression string) func(s *scan, at int) {
	compiled := lazily(`(?s)^(?:` + expression + `)`)
	return func(s *scan, at int) {
		text := s.data[at:min(len(s.data), at+longWord)]
		if !bytes.Contains(text, []byte(near)) {
			return
		}
		if m := compiled().FindSubmatchIndex(text); m != nil {
			s.add(at+m[2], at+m[3], "value beside its name")
		}
	}
}

var webKeyPart = regexp.MustCompile(`(?i)"(?:d|k|p|q|dp|dq|qi|inverseq)"\s*:\s*"([A-Za-z0-9_=+/-]{16,})"`)

// webKey finds the private parts of a JSON web key, which stand beside its type.
func (s *scan) webKey(at int) {
	if at < s.webKeys {
		return
	}
	from := max(0, at-1<<13)
	open := bytes.LastIndexByte(s.data[from:at], '{')
	if open < 0 {
		return
	}
	from += open
	text := s.data[from:min(len(s.data), at+1<<13)]
	if i := bytes.IndexByte(text, '}'); i >= 0 {
		text = text[:i]
	}
	s.webKeys = from + len(text)
	for _, m := range webKeyPart.FindAllSubmatchIndex(text, 8) {
		s.add(from+m[2], from+m[3], "private key")
	}
}

var keyValuePart = regexp.MustCompile(`<(?:D|P|Q|DP|DQ|InverseQ)>\s*([A-Za-z0-9+/=]{16,})`)

// keyValue finds the private parts of an RSAKeyValue in XML, which stand behind the public ones.
func (s *scan) keyValue(at int) {
	text := s.data[at:min(len(s.data), at+1<<13)]
	if i := bytes.Index(text, []byte("</RSAKeyValue>")); i >= 0 {
		text = text[:i]
	}
	for _, m := range keyValuePart.FindAllSubmatchIndex(text, 6) {
		s.add(at+m[2], at+m[3], "private key")
	}
}

var (
	jsonData = regexp.MustCompile(`"(?:data|stringData)"\s*:\s*\{([^{}]+)\}`)
	jsonPair = regexp.MustCompile(`"[^"\n]{1,256}"\s*:\s*"((?:[^"\\]|\\.){2,})"`)
)

// secretInJSON finds the values of a manifest of a Secret in JSON.
func (s *scan) secretInJSON(at int) {
	if at < s.manifest {
		return
	}
	from := max(0, at-1<<14)
	text := s.data[from:min(len(s.data), at+1<<14)]
	s.manifest = from + len(text)
	for _, data := range jsonData.FindAllSubmatchIndex(text, 4) {
		for _, m := range jsonPair.FindAllSubmatchIndex(text[data[2]:data[3]], 64) {
			start, end := from+data[2]+m[2], from+data[2]+m[3]
			if isSecret(string(s.data[start:min(end, start+longWord)]), sure) {
				s.add(start, end, "value of a Secret")
			}
		}
	}
}
