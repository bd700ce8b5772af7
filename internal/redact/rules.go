package redact

import (
	"bytes"
	"iter"
	"regexp"
	"slices"
)

// A finder yields where the secrets of one line begin and end, from left to
// right. Lines have no "\n".
type finder func(line []byte) iter.Seq2[int, int]

// A rule finds one kind of secret. It is only tried on lines that hold one of
// its texts, which makes it cheap: expressions cost 100 times what a search for
// a text does. The texts are in the usual cases only, so "PaSSword" is missed.
type rule struct {
	name  string
	texts []string
	find  finder
}

func (r rule) mayMatch(line []byte) bool {
	return slices.ContainsFunc(r.texts, func(text string) bool { return bytes.Contains(line, []byte(text)) })
}

// lineRules returns all the rules, in the order in which they are tried.
func lineRules() []rule {
	return []rule{
		// A user name has no brackets, so that a mark is never taken for one.
		{"password in a URL", []string{"://"}, pattern(`[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@\[\]"'<>]*:([^\s/@"'<>]+)@`)},

		// crypt(3): an id, parameters, and a digest of at least 22 characters.
		{
			"password hash", []string{"$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$sha1$", "$md5$", "$argon2", "$scrypt$"},
			pattern(`\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|md5|argon2i?d?|scrypt)\$[./A-Za-z0-9+=,$-]*[./A-Za-z0-9]{22}[=]*`),
		},

		{"token", []string{"AKIA", "ASIA"}, pattern(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
		{"token", []string{"gho_", "ghp_", "ghu_", "ghs_", "ghr_"}, pattern(`\bgh[opusr]_[A-Za-z0-9]{20,}`)},
		{"token", []string{"github_pat_"}, pattern(`\bgithub_pat_[A-Za-z0-9_]{20,}`)},
		{"token", []string{"glpat-"}, pattern(`\bglpat-[A-Za-z0-9_-]{20,}`)},
		{"token", []string{"xox"}, pattern(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`)},
		{"token", []string{"eyJ"}, pattern(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}`)},
		{"credentials of a header", []string{"earer", "EARER"}, pattern(`(?i)\bbearer[ \t]+([A-Za-z0-9._~+/=-]{20,})`)},
		{
			"credentials of a header", []string{"basic", "Basic", "BASIC"},
			pattern(`(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?basic[ \t]+([A-Za-z0-9+/=]+)`),
		},

		{"value of a key", secretTexts, assignments},
		{"secret of the kernel", []string{"tcp_fastopen_key", "stable_secret"}, kernelSecrets},
	}
}

// kernelSecrets finds the two settings that the kernel shows to root alone because
// of what can be done with them. Zeros are no key yet.
func kernelSecrets(line []byte) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for start, end := range kernelSecret(line) {
			if len(bytes.Trim(line[start:end], "0-,:")) > 0 && !yield(start, end) {
				return
			}
		}
	}
}

var kernelSecret = pattern(`\b(?:tcp_fastopen_key|stable_secret)[ \t]*=[ \t]*([0-9a-fA-F:,-]+)`)

// secretWords end the name of a key whose value is a secret; each holds one of
// secretTexts.
const secretWords = `(?:password|passwd|passphrase|token|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key)`

var secretTexts = []string{
	"assw", "ASSW", "assphrase", "ASSPHRASE", "ecret", "ECRET", "oken", "OKEN",
	"pikey", "piKey", "PIKEY", "pi_key", "PI_KEY", "pi-key", "Pi-Key", "PI-KEY",
}

// pattern finds what the expression's group 1 matches, or all of it where it
// has no group.
func pattern(expression string) finder {
	re := regexp.MustCompile(expression)
	group := min(re.NumSubexp(), 1)
	return func(line []byte) iter.Seq2[int, int] {
		return func(yield func(int, int) bool) {
			for _, m := range re.FindAllSubmatchIndex(line, -1) {
				start, end := m[2*group], m[2*group+1]
				if !isPlaceholder(line[start:end]) && !yield(start, end) {
					return
				}
			}
		}
	}
}
