package redact

import (
	"slices"
	"strings"
)

// A strength says how sure it is that the value of a key is a secret.
type strength int

const (
	none   strength = iota
	weak            // where the value looks like one that a machine has drawn
	likely          // where it looks like a password that somebody has made up
	sure            // unless the value looks like none
	plain           // as sure, and said in one word: password
)

// Words that name a secret, as they end a part of a key's name: dbpassword, BIND_PW.
var secretEndings = []string{
	"password", "community", "passwort", "kennwort", "motdepasse", "wachtwoord", "passwd", "passphrase", "passcode", "pswd", "pwd", "psk",
	"secret", "token", "authtok", "apikey", "secretkey", "accesskey", "privatekey", "sharedkey", "authkey",
}

// Words that are a secret's name only by themselves.
var secretParts = map[string]strength{
	"pass": sure, "credential": sure, "cred": weak, "community": sure, "passin": sure, "passout": sure,
	"storepass": sure, "keypass": sure, "pw": sure, "passwrd": sure,
	"auth": weak, "bearer": weak, "authenticator": weak, "key": weak, "pin": weak, "otp": weak, "totp": weak, "salt": weak,
	"cookie": weak, "setcookie": sure, "masterauth": sure, "requireauth": sure, "seed": weak, "sig": weak, "signature": weak, "session": weak, "sessionid": weak,
	"jwt": weak, "sid": weak, "encrypt": weak, "pepper": likely, "passkey": sure, "kennwort": sure, "senha": sure, "mdp": likely, "psw": sure,
}

// Before "code" these make it a secret's name.
var codeKinds = wordSet("reg registration activation license licence access invite recovery backup")

// Behind "key" these say which part of it the value is.
var keyParts = wordSet("left right first second half part component primary secondary base data material value hex")

// Whose PIN it is: of a processor it is a place.
var pinOwners = wordSet("hsm user so gsm card token smartcard device sim tpm yubikey access security slot pkcs unlock voicemail login admin")

// Before "key" these make it a secret's name.
var keyKinds = map[string]strength{
	"api": sure, "sec": likely, "symm": sure, "symmetric": sure, "wireless": sure, "cluster": likely, "rpc": sure, "gossip": sure, "access": sure, "private": sure, "secret": sure, "shared": sure, "preshared": sure, "account": sure,
	"master": sure, "encryption": sure, "auth": sure, "signing": sure, "deploy": sure, "hmac": sure, "session": sure, "storage": sure,
	"authentication": sure, "crypt": sure, "crypto": sure, "cipher": likely, "app": likely, "application": likely, "consumer": likely, "client": likely, "merchant": likely, "unseal": sure, "otp": sure, "totp": sure, "mfa": sure, "recovery": sure, "activation": sure, "validation": sure, "decryption": sure, "subscription": sure, "service": likely, "routing": likely, "integration": likely, "ingest": likely, "ingestion": likely, "instrumentation": likely, "function": likely, "webhook": likely, "wep": sure, "wpa": sure, "blowfish": sure, "des": sure, "aes": sure, "privkey": sure, "stats": weak, "license": sure, "licence": sure,
}

// Words that end as a secret's name does, and name none: they are commands, or the pass in them
// is another.
var notSecretParts = []string{
	"bypass", "compass", "trespass", "encompass", "surpass", "underpass", "overpass", "multipass", "onepass", "firstpass", "pathpass",
	"oldpwd", "cwd", "getpass", "getpwd", "chpasswd", "nopasswd", "nopassword", "nopass", "mkpasswd", "htpasswd", "smbpasswd", "getpasswd", "ypasswd", "yppasswd",
	"proxypass", "askpass", "askpassword", "nopw", "gpasswd", "vipw",
}

// What follows a secret's word where the key's value is about the secret: where it lies, how
// long it may be, what it is called.
var aboutSecrets = wordSet(`
	file filename path dir directory folder location url uri href link host hostname server service endpoint port user
	username userid account timeout ttl expire expires expiry expiration expired lifetime validity interval period rotation
	rotate duration renew refresh time date length len min max minimum maximum size count number num age day limit tries
	retry retries attempt attempts delay warn policy type kind method mode alg algo algorithm format scheme encoding
	encryption cipher prompt message msg text label title description desc help hint comment required require enabled
	enable disabled disable allowed allow supported validate validation check checker checking verify strength quality
	complexity history reuse change changed changes reset recovery aging lock locked last update updated created modified
	query attribute attr field column table name ref reference selector index source map maps lookup database db command
	cmd program script helper store manager provider backend plugin module agent daemon handler callback filter class
	authentication authorization authorisation auth env variable var id ids aliases alias group groups role roles level
	environment usage bits bit only support prefix suffix separator pattern regex regexp realm domain ring bucket rate burst stream
	layer option options flag flags setting settings config configuration conf compat style review signing family wait
	cache caching negative positive pam systemd unix nss fd descriptor stdin audience issuer scope scopes grant template
	placeholder example agedays algorithms ciphers sync save saving remember generator gen generate stat status state uses
	used visible visibility show hide echo masked mask input box dialog identity uuid charset maxlen minlen mk so free less
	protected protection sent received dump list encode decode strip lstrip rstrip startswith endswith split replace join
	equals match matches contains index append eval mgmt management
`)

// Of these some may as well say whose secret it is: PASSWORD_BACKEND.
var owners = wordSet("db database user account backend agent service module plugin provider group role store")

// What before a secret's word has the value be about it, too.
var beforeSecrets = wordSet(`
	no not to without max min num number maximum minimum expire expired count fastcgi uwsgi scgi grpc memcached ask get
	read has is allow deny permit disable disabled enable forgot reset change use using want need public id valid invalid
	recv receive search fetch trusted show print display list hide delete remove check first second try require pam keyboard bypass unique
`)

func wordSet(text string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

// Keys that only look as if they named a secret, or whose values are the names of files.
var notSecrets = wordSet(`
	new_authtok_reqd auth_user_pass askpass login_pass pass_env passwd_file passwordauthentication use_authtok authtok_type
	server_tokens ssh_auth_sock key_id public_key host_key auth_key_file xauth pass_phrase_dialog sslpassphrasedialog auth_type authtype auth_basic
	luks_key rd_luks_key session_key token_ring passwd_compat xkb_key keymap token_type secret_service password_management pwdutils
`)

// strengthOf says whether a key's name names a secret: the last word of it that does, with what
// stands before and behind.
func strengthOf(key string) strength {
	parts := partsOf(key)
	if len(parts) == 0 || notSecrets[strings.Join(parts, "_")] {
		return none
	}
	owned := false
	for i, part := range slices.Backward(parts) {
		if i == len(parts)-1 && i > 0 && owners[part] {
			owned = true
			continue
		}
		found, rest := partStrength(parts, i)
		if found == none {
			if (aboutSecrets[part] || aboutSecrets[strings.TrimSuffix(part, "s")]) && !isValueWord(parts, i) {
				return none
			}
			continue
		}
		if rest != "" && (aboutSecrets[rest] || aboutSecrets[strings.TrimSuffix(rest, "s")]) {
			return none
		}
		if part == "pass" && i > 0 && parts[i-1] == "proxy" {
			return none
		}
		if found != none && i > 0 && (beforeSecrets[parts[i-1]] || beforeSecrets[parts[0]] && (parts[0] != "public" || strings.HasSuffix(part, "key"))) &&
			(parts[i-1] != "enable" || i > 1 || i < len(parts)-1 || found < sure) {
			return none
		}
		if found == weak && i < len(parts)-1 && !isNumber(parts[len(parts)-1]) && (part != "auth" || parts[len(parts)-1] != "pair") && (!strings.HasSuffix(part, "key") || !keyParts[parts[i+1]]) {
			return none // "key_bits" and the like of which there are many
		}
		if found >= sure && owned {
			return likely
		}
		if found == sure && len(parts) == 1 {
			return plain
		}
		return found
	}
	return none
}

// isValueWord: the id of a secret is public, a secret id is not; and an auth token's last word counts.
func isValueWord(parts []string, i int) bool {
	if parts[i] == "auth" || parts[i] == "source" {
		return false
	}
	return parts[i] == "id" && i > 0 && (parts[i-1] == "secret" || parts[i-1] == "session")
}

// partStrength says what the i-th part of a name says of a secret, and what follows the word
// within the part: "file" of passwordfile.
func partStrength(parts []string, i int) (strength, string) {
	part := parts[i]
	singular := strings.TrimSuffix(part, "s")
	if slices.Contains(notSecretParts, part) {
		return none, ""
	}
	if part == "key" || part == "keys" || part == "keydata" {
		if i > 0 {
			if kind := keyKinds[parts[i-1]]; kind != none {
				return kind, ""
			}
		}
		return weak, ""
	}
	if part == "pin" && i > 0 && pinOwners[parts[i-1]] {
		return sure, ""
	}
	if part == "code" && i > 0 && codeKinds[parts[i-1]] || part == "regcode" {
		return sure, ""
	}
	if part == "passe" && i > 0 && parts[i-1] == "de" {
		return sure, ""
	}
	if part == "salt" && i > 0 {
		return sure, ""
	}
	if i > 0 && parts[i-1] == "pass" && (part == "phrase" || part == "word" || part == "wd" || part == "code") {
		return sure, ""
	}
	if s := max(secretParts[part], secretParts[singular]); s != none && part != "pas" {
		return s, ""
	}
	if kind := keyKinds[strings.TrimSuffix(part, "key")]; kind == sure && len(part) > 6 && strings.HasSuffix(part, "key") || part == "wpakey" || part == "wepkey" { // wirelesskey
		return sure, ""
	}
	if part == "cookie" && i > 0 && (parts[i-1] == "erlang" || parts[i-1] == "node") {
		return sure, ""
	}
	for _, word := range secretEndings {
		at := strings.LastIndex(part, word)
		if at < 0 {
			continue
		}
		rest := part[at+len(word):]
		if rest == "s" || isNumber(rest) {
			rest = ""
		}
		if word == "secret" && (rest == "read" || rest == "write") {
			return sure, ""
		}
		if word == "token" && rest != "" || word == "secret" && rest != "" && !aboutSecrets[rest] && at > 0 || word == "psk" && (at > 3 || rest != "") || word == "pwd" && rest != "" {
			continue // tokenizer, secretary
		}
		if strings.HasPrefix(rest, "iz") || strings.HasPrefix(rest, "ar") || strings.HasPrefix(rest, "less") || strings.HasPrefix(rest, "ion") {
			continue
		}
		return sure, rest
	}
	if strings.HasSuffix(part, "key") && !strings.HasPrefix(part, "pub") && !strings.HasPrefix(part, "host") {
		return weak, ""
	}
	if strings.HasSuffix(part, "sessid") || strings.HasSuffix(part, "sessionid") {
		return weak, ""
	}
	if len(part) > 4 && (strings.HasSuffix(part, "pass") || strings.HasSuffix(part, "pw") || strings.HasSuffix(part, "creds")) {
		return sure, ""
	}
	return none, ""
}

func isNumber(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}

// partsOf splits a name into its words, in lower case: DB_PASSWORD_PROD, dbPasswordProd,
// db.password-prod.
func partsOf(name string) []string {
	var parts []string
	start := 0
	cut := func(end int) {
		if end > start {
			part := strings.ToLower(name[start:end])
			if trimmed := strings.TrimRight(part, "0123456789"); trimmed != "" {
				part = trimmed
			}
			parts = append(parts, part)
		}
		start = end
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case !isAlnum(c):
			cut(i)
			start = i + 1
		case i > start && isCapital(c) && !isCapital(name[i-1]):
			cut(i)
		case i > start+1 && !isCapital(c) && isLetter(c) && isCapital(name[i-1]) && isCapital(name[i-2]):
			cut(i - 1) // "DBPassword", of which "P" belongs to the second word
		}
	}
	cut(len(name))
	return parts
}

func isCapital(c byte) bool { return 'A' <= c && c <= 'Z' }
