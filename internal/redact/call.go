package redact

import (
	"regexp"
	"sync"
)

// lazily compiles an expression when it is first met: most never are.
func lazily(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// callTriggers are those of calls among whose arguments is a password, by its place: most of
// connections to databases, and of logging in.
func callTriggers() []trigger {
	const (
		text   = `(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w$.\[\]>-]+)`
		secret = "(?:[\"'`]([^\"'`$]{2,})[\"'`]|q[qQ]?[({\\[|/]([^)}\\]|/\\n]{2,})[)}\\]|/])"
		third  = `\(?\s*` + text + `\s*,\s*` + text + `\s*,\s*` + secret
		first  = `\(\s*b?` + secret
		second = `\(\s*` + text + `\s*,\s*b?` + secret
	)
	var all []trigger
	for _, c := range []struct{ text, expression string }{
		{"_connect(", `_connect` + third},
		{"_pconnect(", `_pconnect` + third},
		{"real_connect(", `real_connect` + third},
		{"new pdo(", `(?i)new pdo` + third},
		{"new mysqli(", `(?i)new mysqli` + third},
		{"dbi:", `(?i)dbi:[^"']{0,128}["']\s*,\s*` + text + `\s*,\s*` + secret},
		{"getconnection(", `getConnection` + third},
		{"mysqldb.connect(", `(?i)mysqldb\.connect` + third},
		{"pymysql.connect(", `(?i)pymysql\.connect` + third},
		{"pymssql.connect(", `(?i)pymssql\.connect` + third},
		{"oracle.connect(", `(?i)oracle\.connect` + second},
		{"oracledb.connect(", `(?i)oracledb\.connect` + second},
		{"connect(", `(?i)connect\(\s*["'][\w$#]+/([^@/\s"']+)@`},
		{"connect(", `connect` + second + `\s*,\s*["'](?:url=)?t3s?://`},
		{"connect(", `connect\(\s*` + text + `\s*,\s*[0-9]+\s*,\s*` + text + `\s*,\s*` + secret},
		{"username_pw_set(", `username_pw_set` + second},
		{"ftp(", `FTP` + third},
		{"ftp_tls(", `FTP_TLS` + third},
		{".login(", `\.login` + second},
		{">login(", `>login` + second},
		{"ftp_login(", `ftp_login` + third},
		{"ldap_bind(", `ldap_bind` + third},
		{".auth(", `\.auth` + first},
		{":auth(", `:auth` + first},
		{">auth(", `>auth` + first},
		{"secretstr(", `(?i)secretstr` + first},
		{"fernet(", `(?i)fernet` + first},
		{"hmac.new(", `hmac\.new` + first},
		{"createhmac(", `createHmac` + second},
		{"createcipheriv(", `createCipheriv` + second},
		{"hash_hmac(", `hash_hmac` + third},
		{"openssl_encrypt(", `openssl_encrypt` + third},
		{"openssl_decrypt(", `openssl_decrypt` + third},
		{"jwt.sign(", `jwt\.sign` + second},
		{"jwt.encode(", `(?i)jwt\.encode` + second},
		{"jwt.decode(", `(?i)jwt\.decode` + second},
		{"jwt.verify(", `jwt\.verify` + second},
		{"userpwd", `(?i)userpwd["']?\]?\s*(?:,|=>|=|:)\s*["'][^:"'\n]*:([^"'\n]+)`},
		{".auth(", `\.auth` + second},
		{"auth=(", `auth=` + second},
		{"auth = (", `auth = ` + second},
		{"basicauth(", `(?i)basicauth` + second},
		{"basic_auth", `basic_auth(?: ` + text + `\s*,\s*` + secret + `|` + second + `)`},
		{"credential(", `(?i)credential` + second},
		{"credentials(", `(?i)credentials` + second},
		{"credentials.new(", `(?i)credentials\.new` + second},
		{"pgp_sym_", `(?i)pgp_sym_(?:en|de)crypt(?:_bytea)?\s*\(\s*[^,()]{0,64}(?:\([^()]{0,64}\))?[^,()]{0,64},\s*` + secret},
		{"aes_encrypt(", `(?i)aes_encrypt\(\s*[^,()]{0,64},\s*` + secret},
		{"aes_decrypt(", `(?i)aes_decrypt\(\s*[^,()]{0,64}(?:\([^()]{0,64}\))?,\s*` + secret},
		{"encryptbypassphrase(", `(?i)encryptbypassphrase\(\s*N?` + secret},
		{"decryptbypassphrase(", `(?i)decryptbypassphrase\(\s*N?` + secret},
		{"passwordauthentication(", `(?i)passwordauthentication` + second},
		{"plainauth(", `(?i)plainauth` + third},
	} {
		all = append(all, ruleTrigger(c.text, c.expression, "argument of a call"))
	}
	all = append(all, groupsTrigger("&p=", `&p=([^\s&"'#]+)`, "value of a key", likely)) // ?u=admin&p=x
	for _, c := range []struct{ text, expression string }{
		{"new ", `new [A-Z][\w.]{0,40}` + second},
		{"client(", `(?i)client` + second},
	} {
		all = append(all, groupsTrigger(c.text, c.expression, "argument of a call", weak))
	}
	return all
}
