package redact

import (
	"bytes"
	"regexp"
	"slices"
)

//go:generate go run ../../scripts/tokenshapes

// A tokenShape is what a token looks like that begins with a text of its own.
type tokenShape struct {
	name       string
	prefixes   []string // in lower case
	expression string
}

// ownShapes are those that gitleaks lacks, or is narrower about than one wants to be who would
// rather hide too much.
var ownShapes = []tokenShape{
	{"AWS key", []string{"akia", "asia"}, `(?:AKIA|ASIA)[A-Z0-9]{16}`},
	{"GitHub token", []string{"gho_", "ghp_", "ghu_", "ghs_", "ghr_"}, `gh[opusr]_[A-Za-z0-9]{20,}`},
	{"GitHub token", []string{"github_pat_"}, `github_pat_[A-Za-z0-9_]{20,}`},
	{"GitLab token", []string{"glpat-"}, `glpat-[A-Za-z0-9_-]{20,}`},
	{"Slack token", []string{"xox"}, `xox[abeprs]-[A-Za-z0-9-]{10,}`},
	{"Slack token", []string{"xapp-"}, `xapp-[A-Za-z0-9-]{20,}`},
	{"JSON web token", []string{"eyj"}, `eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}`},
	{"Slack webhook", []string{"hooks.slack.com"}, `hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})`},
	{"Teams webhook", []string{"webhook.office"}, `webhook\.office\.com/webhookb2/([A-Za-z0-9@/-]{40,})`},
	{"Discord webhook", []string{"/api/webhooks/"}, `/api/webhooks/[0-9]{10,}/([A-Za-z0-9_-]{40,})`},
	{"token", []string{"hf_", "npm_", "sntrys_", "sntryu_", "lin_api_", "figd_", "glsa_", "glc_", "nrak-", "pmak-", "xkeysib-", "ntn_", "r8_", "gsk_", "pplx-", "nvapi-", "sbp_", "nfp_", "cfpat-", "phx_", "lsv2_", "tvly-", "shpat_", "shpss_", "pypi-", "rubygems_", "vercel_", "pul-", "sk_live_", "rk_live_", "sk_test_", "fm2_", "fm1"}, `(?:hf_|npm_|sntrys_|sntryu_|lin_api_|figd_|glsa_|glc_|NRAK-|PMAK-|xkeysib-|ntn_|r8_|gsk_|pplx-|nvapi-|sbp_|nfp_|CFPAT-|phx_|lsv2_|tvly-|shpat_|shpss_|pypi-|rubygems_|vercel_|pul-|[sr]k_(?:live|test)_|fm[12][ar]?_)[A-Za-z0-9_+/=-]{20,}`},
	{"password hash", []string{"jdjhjd", "jdjijd", "jdj5jd"}, `JDJ[hi5]JD[A-Za-z0-9+/=]{40,}`}, // $2a$ in base64
	{"Google key", []string{"goog1e"}, `GOOG1E[A-Z0-9]{40,}`},
	{"OpenAI key", []string{"sk-"}, `sk-(?:proj-|svcacct-|admin-|or-v1-|live-)?[A-Za-z0-9_-]{32,}`},
	{"Vault token", []string{"hvs.", "hvb.", "hvr."}, `hv[sbr]\.[A-Za-z0-9_-]{20,}`},
	{"Docker token", []string{"dckr_"}, `dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}`},
	{"Tailscale key", []string{"tskey-"}, `tskey-[a-z]+-[A-Za-z0-9-]{10,}`},
	{"Square token", []string{"sq0"}, `sq0[a-z]{3}-[A-Za-z0-9_-]{20,}`},
	{"Mapbox token", []string{"sk.eyj", "tk.eyj"}, `[st]k\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{10,}`},
	{"Docker token", []string{"swmtkn-"}, `SWMTKN-[0-9]-[a-z0-9]{20,}-[a-z0-9]{10,}`},
	{"password hash", []string{"sha1$", "md5$", "sha256$", "sha512$"}, `(?:sha1|md5|sha256|sha512)\$[A-Za-z0-9]{0,24}\$[0-9a-f]{32,}`},
	{"Mailgun key", []string{"key-"}, `key-[0-9a-f]{32}`},
	{"Atlassian token", []string{"atatt3", "atbb", "atctt3"}, `AT(?:ATT3|CTT3|BB)[A-Za-z0-9_=-]{20,}`},
	{"Google OAuth", []string{"ya29.", "gocspx-"}, `(?:ya29\.|GOCSPX-)[A-Za-z0-9_-]{20,}`},
	{"webhook secret", []string{"whsec_"}, `whsec_[A-Za-z0-9+/=]{20,}`},
	{"Databricks token", []string{"dapi"}, `dapi[0-9a-f]{30,}`},
	{"Doppler token", []string{"dp.st.", "dp.ct.", "dp.sa."}, `dp\.(?:st|ct|sa)\.[A-Za-z0-9_.-]{30,}`},
	{"SendGrid key", []string{"sg."}, `SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`},
	{"private key", []string{"ls0tls1crudjti"}, `LS0tLS1CRUdJTi(?:BSU0Eg|BQUklWQVRF|BFQyBQUklWQVRF|BPUEVOU1NI|BFTkNSWVBURUQ|BEU0Eg|BQR1AgUFJJ)[A-Za-z0-9+/=]{16,}`}, // the same in base64
	{"address that is a secret", []string{"hc-ping.", "/ping/"}, `(?:hc-ping\.\w{2,4}|/ping)/([0-9a-f]{8}-[0-9a-f-]{27})`},
	{"address that is a secret", []string{"/api/push/"}, `/api/push/([A-Za-z0-9]{10,})`},
	{"address that is a secret", []string{"hooks.zapier.com"}, `hooks\.zapier\.com/hooks/catch/([0-9]+/[a-z0-9]+)`},
	{"address that is a secret", []string{"/with/key/"}, `/with/key/([A-Za-z0-9_-]{16,})`},
	{"address that is a secret", []string{"nosnch.in/"}, `nosnch\.in/([0-9a-f]{8,})`},
	{"address that is a secret", []string{"cronitor.link/p/"}, `cronitor\.link/p/([0-9a-f]{16,})`},
	{"address that is a secret", []string{"/integrations/generic/"}, `/integrations/generic/[0-9]+/alert/([0-9a-f-]{16,})`},
	{"address that is a secret", []string{"events.pagerduty.com/integration/"}, `events\.pagerduty\.com/integration/([0-9a-f]{16,})`},
	{"address that is a secret", []string{"/hooks/"}, `/hooks/(?:[A-Za-z0-9]{17,24}/([A-Za-z0-9]{40,})|[a-z0-9]{26}\b)`},
	{"address that is a secret", []string{"/inputs/"}, `/inputs/([0-9a-f]{8}-[0-9a-f-]{27})`},
	{"address that is a secret", []string{"dynamic/update.php?"}, `dynamic/update\.php\?([A-Za-z0-9=]{16,})`},
	{"age key", []string{"age-secret-key-"}, `AGE-SECRET-KEY-(?:PQ-)?1[A-Za-z0-9]{20,}`},
}

// hashShapes are hashes of passwords: who has one can try passwords against it.
var hashShapes = []tokenShape{
	// crypt(3): an id, parameters, and a digest of at least 22 characters.
	{
		"password hash",
		[]string{"$1$", "$2a$", "$2b$", "$2y$", "$2x$", "$2$", "$5$", "$6$", "$7$", "$8$", "$9$", "$14$", "$y$", "$gy$", "$apr1$", "$sha1$", "$md5", "$argon2", "$scrypt$", "$p$", "$h$", "$s$d", "$pbkdf2", "$bcrypt-"},
		`\$(?:1|2[abxy]?|5|6|7|8|9|14|y|gy|apr1|sha1|md5|argon2i?d?|scrypt|bcrypt-sha256|pbkdf2[a-z0-9-]*)\$[./A-Za-z0-9+=,$-]*[./A-Za-z0-9+]{22}=*`,
	},
	{"password hash", []string{"$p$", "$h$", "$s$d"}, `\$(?:P|H)\$[./A-Za-z0-9]{31}|\$S\$D[./A-Za-z0-9]{40,}`},
	{"password hash", []string{"$9$"}, `\$9\$[./A-Za-z0-9-]{8,}`}, // Juniper, which is no hash at all
	{"password hash", []string{"$1$"}, `\$1\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}`},
	{"password hash", []string{"{ssha", "{sha", "{smd5}", "{md5", "{crypt}", "{pbkdf2", "{argon2", "{cram-md5}", "{nt", "{lanman}", "{blf-crypt}", "{bcrypt}", "{scram-"}, `(?i:\{(?:SSHA|SHA|SMD5|MD5|CRYPT|PBKDF2|ARGON2|CRAM-MD5|NT|NTLM|LANMAN|BLF-CRYPT|BCRYPT|SCRAM-)[A-Z0-9_.-]{0,16}\})[^\s:"',\[]{8,}`},
	{"password in a list", []string{"{plain}", "{cleartext}", "{clear}", "{plain-"}, `(?i:\{(?:PLAIN|CLEARTEXT|CLEAR|PLAIN-MD5|PLAIN-TRUNC)\})([^\s:"',]{2,})`},
	{"password hash", []string{"pbkdf2_sha", "pbkdf2:sha", "scrypt:", "bcrypt_sha256$", "bcrypt$", "argon2$"}, `(?:pbkdf2_sha[0-9]+\$|pbkdf2:sha[0-9]+(?::[0-9]+)?\$|scrypt:[0-9:]+\$|bcrypt(?:_sha256)?\$|argon2\$)[^\s"',]{20,}`},
	{"password hash", []string{"grub.pbkdf2."}, `grub\.pbkdf2\.sha512\.[0-9]+\.[0-9A-Fa-f.]{20,}`},
	{"password hash", []string{"scram-sha-"}, `SCRAM-SHA-[0-9]+\$[0-9]+:[A-Za-z0-9+/=$:]{20,}`},
	{"password hash", []string{"md5"}, `md5[0-9a-f]{32}\b`},
	{"password hash", mysqlPrefixes(), `["'\t ]\*([0-9A-F]{40})\b`},
	{"password hash", []string{"aad3b435b51404ee"}, `(?i)aad3b435b51404eeaad3b435b51404ee:([0-9a-f]{32})`},
	{"password hash", []string{"16:"}, `16:[0-9A-F]{58}\b`}, // Tor
	{"password hash", []string{"sha1:", "sha512:"}, `sha(?:1|512):[0-9a-f]{12}:[0-9a-f]{40,}`},
}

func mysqlPrefixes() []string {
	var all []string
	for _, c := range "0123456789abcdef" {
		all = append(all, "'*"+string(c), `"*`+string(c), "\t*"+string(c), " *"+string(c))
	}
	return all
}

// longestToken is how much of a text an expression is given. What goes on longer is hidden as
// far as it goes on.
const longestToken = 1 << 11

// longestHash is how far after its beginning the digest of a hash begins.
const longestHash = 256

// hasDigest reports whether a text that begins like a hash goes on like one. On hostile texts
// that is much quicker than an expression.
func hasDigest(text []byte) bool {
	run := 0
	for _, c := range text {
		switch {
		case isAlnum(c) || c == '.' || c == '/' || c == '-':
			if run++; run >= 8 {
				return true
			}
		case bytes.IndexByte([]byte("$+=,_{};"), c) < 0:
			return false
		default:
			run = 0
		}
	}
	return false
}

// shapeTriggers are those of all the shapes, and of what a URL and a header can hold.
func shapeTriggers() []trigger {
	var all []trigger
	for _, shape := range gitleaksShapes {
		all = append(all, shape.triggers("token of "+shape.name)...)
	}
	for _, shape := range slices.Concat(ownShapes, hashShapes) {
		all = append(all, shape.triggers(shape.name)...)
	}
	return append(all,
		trigger{"://", (*scan).url},
		trigger{"authorization", (*scan).header}, trigger{"bearer", (*scan).bearer}, trigger{"basic ", (*scan).basic},
		trigger{"tcp_fastopen_key", (*scan).kernelSecret}, trigger{"stable_secret", (*scan).kernelSecret},
	)
}

func (t tokenShape) triggers(rule string) []trigger {
	compiled := lazily(`^(?:` + t.expression + `)`)
	find := func(s *scan, at int) {
		if at < s.shaped || at > s.start && isAlnum(s.data[at]) && isAlnum(s.data[at-1]) {
			return
		}
		limit := min(s.end, at+longestToken)
		if s.data[at] == '$' && !hasDigest(s.data[at:min(limit, at+longestHash)]) {
			return
		}
		m := compiled().FindSubmatchIndex(s.data[at:limit])
		if m == nil {
			return
		}
		start, end := m[0], m[1]
		if len(m) > 2 && m[2] >= 0 {
			start, end = m[2], m[3]
		}
		start, end = at+start, at+end
		if rule == "token" && !bytes.ContainsAny(s.data[start:end], "0123456789") {
			return
		}
		for end < s.end && (isAlnum(s.data[end]) || s.data[end] == '_' || s.data[end] == '-' || end-at >= longestToken && bytes.IndexByte([]byte("+/="), s.data[end]) >= 0) {
			end++ // longer than the rule knows
		}
		s.add(start, end, rule)
		s.shaped = end
	}
	var all []trigger
	for _, prefix := range t.prefixes {
		all = append(all, trigger{prefix, find})
	}
	return all
}

// url finds the password in scheme://user:password@host. A user's name has no brackets, so that
// a mark is never taken for one.
func (s *scan) url(at int) {
	from := at + len("://")
	if at == s.start || !isAlnum(s.data[at-1]) {
		return
	}
	limit := min(s.end, from+longWord)
	user := bytes.IndexAny(s.data[from:limit], " \t:/@[]\"'<>?#")
	if user < 0 || s.data[from+user] != ':' && s.data[from+user] != '@' {
		return
	}
	if user >= 20 && looksRandom(string(s.data[from:from+user])) && (s.data[from+user] == '@' || s.text(from+user, 2) == ":@") {
		s.add(from, from+user, "token in a URL")
		return
	}
	if s.data[from+user] == '@' {
		return
	}
	if user >= 20 && looksRandom(string(s.data[from:from+user])) {
		s.add(from, from+user, "token in a URL")
	}
	start := from + user + 1
	if start > limit {
		return
	}
	end := bytes.IndexAny(s.data[start:limit], " \t\"'<>/,")
	if end < 0 {
		end = limit - start
	}
	rest := s.data[start : start+end]
	if start+end < limit && s.data[start+end] == '/' && bytes.IndexByte(rest, '@') < 0 { // or a slash
		if m := slashInside.FindIndex(s.data[start:limit]); m != nil && !isNumber(string(rest)) {
			rest = s.data[start : start+m[1]]
		}
	}
	host := bytes.LastIndexByte(rest, '@') // a password may have one of its own
	if host < 0 {
		return
	}
	if start+end < s.end && s.data[start+end] == ',' { // a:b@x,c:d@y
		for _, m := range furtherHosts.FindAllSubmatchIndex(s.data[start:min(limit, start+nearby)], 8) {
			s.add(start+m[2], start+m[3], "password in a URL")
		}
	}
	if text := string(rest[:host]); len(text) >= 2 && !isVariable(text) && !isPlaceholder(text) && !refersElsewhere(text) {
		s.add(start, start+host, "password in a URL")
	}
}

var slashInside = regexp.MustCompile(`^[^\s"'<>/@:.]{1,64}/[^\s"'<>/@:.]{0,64}@[\w.-]{1,64}(?::[0-9]+|/|$)`)

var furtherHosts = regexp.MustCompile(`@[\w.:-]+,[\w.-]+:([^\s:@/,"']{2,})`)

var credentials = regexp.MustCompile("(?i)^authorization[\"'`\\\\]*\\]?[ \t]*(?:=>|[!=]?~|[!=]=|[:=,]|[ \t])(?:\\\\[ \t]|[ \t]|\\[)*[\\\\\"'`]*(?:(basic|bearer|token|apikey|negotiate|digest|key|aws4-hmac-sha256|splunk|genie[a-z]*|ssws)(?:[ \t]|\\\\ |%20|\\\\x20)+[\"']{0,2})?([^\\s\"'`,;<>\\\\]+)")

// header finds the credentials of an Authorization header.
func (s *scan) header(at int) {
	m := credentials.FindSubmatchIndex(s.data[at:min(s.end, at+longestToken)])
	if m == nil || at > s.start && isKeyByte(s.data[at-1]) && s.data[at-1] != '-' && !s.isEscape(at) {
		return
	}
	start, end := at+m[4], at+m[5]
	for end == at+longestToken && end < s.end && isKeyByte(s.data[end]) {
		end++
	}
	text := string(s.data[start:min(end, start+longWord)])
	if m[2] < 0 && !looksRandom(text) || !isSecret(text, sure) || m[2] >= 0 && len(text) < 4 {
		return
	}
	if word := string(s.data[at+max(m[2], 0) : at+max(m[3], 0)]); (word == "" || lower(word[0]) != 'b' || !bytes.ContainsAny(s.data[at:start], ":=,")) && !looksStrong(text) {
		return // "authorization key", "authorization token" in prose
	}
	s.add(start, end, "credentials of a header")
	s.done = max(s.done, end)
}

// isEscape reports whether what precedes pos is the end of a line in a string: \n.
func (s *scan) isEscape(pos int) bool {
	return pos-2 >= s.start && s.data[pos-2] == '\\' && bytes.IndexByte([]byte("nrt"), s.data[pos-1]) >= 0
}

var bearer = regexp.MustCompile(`^(?i)bearer(?:[ \t]|\\ )+["']?([A-Za-z0-9._~+/=-]{16,})`)

func (s *scan) bearer(at int) {
	m := bearer.FindSubmatchIndex(s.data[at:min(s.end, at+longestToken)])
	if m != nil && (len(m) < 4 || m[3]-m[2] >= 20 || looksStrong(string(s.data[at+m[2]:at+m[3]]))) {
		s.add(at+m[2], at+m[3], "credentials of a header")
	}
}

var basic = regexp.MustCompile(`^(?i)basic ([A-Za-z0-9+/]{8,}={0,2})`)

// basic finds user:password in base64, whatever the header is called.
func (s *scan) basic(at int) {
	m := basic.FindSubmatchIndex(s.data[at:min(s.end, at+longestToken)])
	if m != nil && isCredentials(string(s.data[at+m[2]:at+m[3]])) {
		s.add(at+m[2], at+m[3], "credentials of a header")
	}
}

var kernelSecret = regexp.MustCompile(`^(?:tcp_fastopen_key|stable_secret)[ \t]*=[ \t]*([0-9a-fA-F:,-]+)`)

// kernelSecret finds the two settings that the kernel shows to root alone because
// of what can be done with them. Zeros are no key yet.
func (s *scan) kernelSecret(at int) {
	m := kernelSecret.FindSubmatchIndex(s.data[at:min(s.end, at+longestKey*2)])
	if m != nil && len(bytes.Trim(s.data[at+m[2]:at+m[3]], "0-,:")) > 0 {
		s.add(at+m[2], at+m[3], "secret of the kernel")
	}
}
