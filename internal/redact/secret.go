package redact

import (
	"encoding/base64"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Settings that stand where a secret would be.
var settings = wordSet(`
	yes no true false on off none null nil ask prompt required optional disabled enabled undef undefined unset empty never always auto
	sufficient requisite include inherit prohibit-password without-password interactive plaintext cleartext string str bytes int bool
	boolean self this default any md5 sha1 sha256 sha512 login plain cram-md5 digest-md5 gssapi external basic digest
	kerberos ntlm ldap files compat pam internal local system all user users sys crypt scram-sha-256 trust peer ident reject negotiate
	tls ssl oauth oauth2 bearer jwt sasl sspi anonymous simple unknown changed expired public stdin
`)

// Prefixes of values that say where the secret is, or are filled in later.
var references = []string{
	"$(", "${", "{{", "@{", "New-Object ", "<%", "%(", "@@", "http://", "https://", "ldap://", "ldaps://", "ldapi://", "unix:", "file:", "file://", "env:", "vault:", "arn:", "op://", "pkcs11:",
	"ENC[", "exec:", "dir:/", "hash:/", "hash:$", "lmdb:/", "lmdb:$", "regexp:/", "proxy:", "mysql:/", "btree:/", "cdb:/", "texthash:/", "systemd:", "urn:", "!vault", "data:", "awskms:", "gcpkms:",
	"environ", "os.", "process.env", "getenv", "System.getenv", "ref+", "secretsmanager:", "ssm:", "self.", "this.", "config.", "args.", "options.", "request.", "params[", "request[",
	"AES256:", "keyring:", "credential:", "session:", "pcr:", "pam_", "&", "*{", "ARMOR", "projects/",
}

var (
	variable    = regexp.MustCompile(`^\$\{?\w+\}?(?:/|::)|^[A-Za-z_-]+[0-9]*(?:\|[A-Za-z_-]+[0-9]*)+$|^\\?\$[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\]|->\w+|->\{\w+\})*[;,)"']*$|^\$[0-9@*#?!-]$|^%[A-Za-z_][A-Za-z0-9_]*%$|^@[A-Za-z_][A-Za-z0-9_]*@$|^%[A-Za-z]$|^__[A-Z_]+__$|^[#&]\{?[A-Za-z_.]+\}?$|^%%[A-Za-z_.]+%%$|^\*[A-Za-z_]\w*$|^\{[A-Za-z_][\w.]*(?:![rsa])?\}$|^\w+(?:\.\w+)*\.(?:pass|passwd|password|passphrase|secret|token|key)$`)
	placeholder = regexp.MustCompile(`^<[A-Za-z][A-Za-z0-9 _./-]*>$|^[A-Z][A-Z0-9]*_(?:[A-Z0-9]+_)*(?:PRIVATEKEY|KEY|PASSWORD|PASSWD|PASS|SECRET|TOKEN|XXX)$|^\[[A-Za-z][A-Za-z _-]*\]$|^(?:x{3,20}|X{3,20}|\.{2,}\]?|-+|#+|=+|0+|_+|\*+|\?+)$`)
	call        = regexp.MustCompile(`^[A-Za-z_$@&!][\w.:>$-]*\(.*\)[;,)\]}]*$|^new [A-Z]|^function\b|^\(.*\)[;,]?$|^[A-Za-z_][\w.:]*\($|^[A-Za-z_]\w*(?:\[[^\]]*\])+[;,]?$`)
	pathLike    = regexp.MustCompile(`^"?(?:~|\.{1,2})?/(?:[a-z0-9_.@-]{2,32}(?:/|$)|\*)|^[A-Za-z]:\\|^[A-Za-z0-9_.%{}$-]+/[A-Za-z0-9_.%{}$/-]+\.[a-z]{2,5}$|^/$|^[\w.-]+\.(?:pem|key|crt|cer|jks|p12|pfx|conf|cfg|txt|json|ya?ml|so|db|inc|cnf|ini|php|py|sh|pl|html?)[;,]?$`)
	algorithm   = regexp.MustCompile(`^(?i)(?:h?sha|md|aes|hs|rs|es|tls|ssl|des|3des|ed|utf|base|crypt|x|v|rfc|ipv|rsa|dsa|ecdsa|hmac|pbkdf|blake|camellia|chacha|oauth|ntlmv|tlsv|sslv|curve|secp|p)[-_.]?[0-9]+(?:[-_.@]?[a-z0-9.-]*)?$`)
)

// isSecret says whether the value of a key that names a secret is one, rather than a setting, a
// variable, a mask, the path of a file.
func isSecret(value string, s strength) bool {
	value = strings.TrimRight(value, " \t\r")
	if len(value) < 2 || s == none {
		return false
	}
	trimmed := strings.TrimRight(value, ";,")
	if trimmed == "" {
		return false
	}
	if settings[strings.ToLower(trimmed)] || isPlaceholder(trimmed) || strings.HasPrefix(value, "[redacted") && isMark([]byte(trimmed)) {
		return false
	}
	if refersElsewhere(value) || isVariable(trimmed) || isPath(value) && !strings.ContainsAny(value, "+=!") || isCall(value) {
		return false
	}
	if isNumber(trimmed) && len(trimmed) < 4 {
		return false
	}
	if strings.Contains(value, "%{") || strings.HasSuffix(value, ":") || isBinary(value) || strings.Count(value, " ") > 1 && aboutWords.MatchString(value) {
		return false
	}
	return s >= sure || s == likely && looksStrong(trimmed) || looksRandom(trimmed) || isCredentials(trimmed)
}

// A sentence that says what belongs there.
var aboutWords = regexp.MustCompile(`(?i)\b(?:password|passwords|passphrase|secret|token|key)\b`)

// isBinary: characters that nobody can type.
func isBinary(value string) bool {
	if !utf8.ValidString(value) {
		high := 0
		for i := range len(value) {
			high += int(value[i] >> 7)
		}
		if high*3 > len(value) {
			return true
		}
	}
	return strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' })
}

// What the expressions say, after a look for the characters without which they cannot match: most
// values have none, and expressions are slow.
func isVariable(value string) bool {
	return (strings.IndexByte(`$\%@_#&*{`, value[0]) >= 0 || strings.ContainsAny(value, "|.")) && variable.MatchString(value)
}

func isPath(value string) bool {
	return strings.ContainsAny(value, `/\.`) && pathLike.MatchString(value)
}

func isCall(value string) bool {
	return !strings.HasPrefix(value, "ENC(") && (strings.ContainsAny(value, "([") || strings.HasPrefix(value, "new ") || strings.HasPrefix(value, "function")) && call.MatchString(value)
}

func isPlaceholder(value string) bool {
	first := value[0]
	return (isCapital(first) && strings.IndexByte(value, '_') > 0 || strings.IndexByte("<[xX.-#=0_*?", first) >= 0) && placeholder.MatchString(value)
}

// referencesBy are the references by the byte that they begin with.
var referencesBy = sync.OnceValue(func() *[256][]string {
	by := new([256][]string)
	for _, r := range references {
		by[r[0]] = append(by[r[0]], r)
	}
	return by
})

func refersElsewhere(value string) bool {
	for _, r := range referencesBy()[value[0]] {
		if strings.HasPrefix(value, r) {
			return true
		}
	}
	return false
}

// isCredentials: base64 of "user:password".
func isCredentials(value string) bool {
	if len(value) < 8 || len(value) > longWord {
		return false
	}
	text, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return false
	}
	colon := false
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
		colon = colon || c == ':'
	}
	return colon
}

// classes counts of what kinds a text's characters are, and how often one kind follows another.
func classes(text string) (lowers, uppers, digits, others, turns int) {
	was := byte(0)
	for i := range len(text) {
		kind := byte('o')
		switch c := text[i]; {
		case 'a' <= c && c <= 'z':
			kind = 'l'
			lowers++
		case isCapital(c):
			kind = 'u'
			uppers++
		case isDigit(c):
			kind = 'd'
			digits++
		default:
			others++
		}
		if i > 0 && kind != was {
			turns++
		}
		was = kind
	}
	return lowers, uppers, digits, others, turns
}

// isAlgorithm: sha256, aes-256-gcm, tlsv1.2.
func isAlgorithm(word string) bool { return len(word) <= 16 && algorithm.MatchString(word) }

// looksStrong says whether a word looks as passwords do that nobody takes for one of a language.
func looksStrong(word string) bool {
	word = strings.TrimRight(word, ";,.")
	if len(word) < 6 || isAlgorithm(word) || isVariable(word) || isPath(word) || strings.ContainsAny(word, "()") || strings.Contains(word, "://") {
		return false
	}
	lowers, uppers, digits, others, _ := classes(word)
	if uppers == 1 && isCapital(word[0]) {
		uppers = 0
	}
	plain := strings.Count(word, "-") + strings.Count(word, ".") + strings.Count(word, "_") + strings.Count(word, "/") + strings.Count(word, ":") + strings.Count(word, "'")
	kinds := 0
	for _, n := range []int{lowers, uppers, digits, others - plain} {
		if n > 0 {
			kinds++
		}
	}
	return kinds >= 2 && (digits > 0 || others > plain || uppers > 2 && lowers > 2)
}

// isDrawn says whether a text is long, and of so many kinds of characters that nobody has written it.
func isDrawn(text string) bool {
	if len(text) < 24 || len(text) > longestKey {
		return false
	}
	lowers, uppers, digits, others, turns := classes(text)
	return lowers > 2 && uppers > 2 && digits > 2 && others > 2 && turns*5 >= len(text)*3
}

// words are those of a name that somebody made up.
var words = regexp.MustCompile(`[a-z]{4,}(?:[-_.]|$)`)

// looksRandom says whether a text looks like one that a machine has drawn.
func looksRandom(text string) bool {
	if isDrawn(text) {
		return true
	}
	if len(text) < 10 || strings.ContainsAny(text, " \t()<>$\\") || isAlgorithm(text) || strings.Contains(text, "://") {
		return false
	}
	if len(words.FindAllString(text, 2)) == 2 {
		return false // 10.2.3-access-audit-trail
	}
	lowers, uppers, digits, others, turns := classes(text)
	if digits == 0 && (uppers < 3 || lowers < 3 || turns*5 < 2*len(text)) || lowers+uppers == 0 || others*4 > len(text) {
		return false
	}
	return turns*4 >= len(text) || len(text) >= 16 && turns >= 5 && digits > 1 && others*8 <= len(text)
}
