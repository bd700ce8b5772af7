package redact

import (
	"path"
	"regexp"
	"strings"
)

// A format is what an object's name tells of how its secrets are written.
type format struct {
	traits traits
	record record // how lines are made up, where they have columns
}

type traits uint8

const (
	noKeys     traits = 1 << iota // keys that are called password and the like have no secrets
	prose                         // words behind a colon or a blank are a text for people
	directives                    // a word and its value are separated by a blank, whatever the value looks like
	bootLoader
	secretKeys // what is called a key is a secret, whatever it looks like
	arguments  // only what is an argument, name=secret, is one
	wholeLines // a value goes on to the end of its line, blanks and all
)

func (f format) is(t traits) bool { return f.traits&t != 0 }

// Patterns of names, of path.Match, the first that matches counts. One that begins with "/" is of
// a whole path, any other of as many of a path's last parts as it has.
var formats = []struct {
	pattern string
	format  format
}{
	{"/etc/pam.d/*", format{traits: noKeys | arguments}},
	{"pam.conf", format{traits: noKeys | arguments}},
	{"nsswitch.conf*", format{traits: noKeys}},
	{"/etc/services", format{traits: noKeys}},
	{"/etc/protocols", format{traits: noKeys}},
	{"login.defs", format{traits: noKeys}},
	{"mime.types", format{traits: noKeys}},
	{"magic", format{traits: noKeys}},
	{"*@sysctl*", format{traits: noKeys}},
	{"*@dpkg*", format{traits: noKeys}},
	{"*@rpm*", format{traits: noKeys}},
	{"*@dmidecode*", format{traits: noKeys}},
	{"*@lsmod*", format{traits: noKeys}},
	{"/etc/apparmor.d/*", format{traits: noKeys}},
	{"/etc/apparmor.d/*/*", format{traits: noKeys}},
	{"*.pgpass*", format{record: fromFifthOfColons}},
	{"pgpass*", format{record: fromFifthOfColons}},
	{"*sasl_passwd*", format{record: userOfBlanks}},
	{"*passwd.client*", format{record: fromThirdOfColons}},
	{"*passwd-s3fs*", format{record: lastOfColons}},
	{"rsyncd.secrets*", format{record: fromSecondOfColons}},
	{"*.htpasswd*", format{record: secondOfColons}},
	{"htpasswd*", format{record: secondOfColons}},
	{"*htdigest*", format{record: lastOfColons}},
	{"*shadow*", format{record: secondOfColons}},
	{"opasswd*", format{record: lastOfColons}},
	{"smbpasswd*", format{record: hashesOfColons}},
	{"dovecot/users*", format{record: secondOfColons}},
	{"dovecot/passwd*", format{record: secondOfColons}},
	{"*pwdb*", format{record: secondOfColons}},
	{"mosquitto/p*", format{record: secondOfColons}},
	{"pool_passwd*", format{record: secondOfColons}},
	{"pcp.conf*", format{record: secondOfColons}},
	{".pcppass*", format{record: lastOfColons}},
	{"dma/auth.conf", format{record: fromSecondOfColons}},
	{"mail/secrets", format{record: lastOfBlanks}},
	{"*amandapass*", format{record: secondOfBlanks}},
	{"raddb/clients", format{record: secondOfBlanks}},
	{"turnserver*", format{record: userOption}},
	{".curlrc*", format{record: userOption}},
	{"_curlrc", format{record: userOption}},
	{"tarsnap*.key", format{record: everyLine}},
	{"*[a-z].passwd", format{record: secondOfColons}},
	{"*.pwdfile", format{record: secondOfColons}},
	{"radicale/users", format{record: secondOfColons}},
	{"chap-secrets*", format{record: thirdOfBlanks}},
	{"*l2tp*-secrets*", format{record: thirdOfBlanks}},
	{"pap-secrets*", format{record: thirdOfBlanks}},
	{"ppp/*-secrets*", format{record: thirdOfBlanks}},
	{"mongo*.key", format{record: everyLine}},
	{"srp-secrets*", format{record: thirdOfBlanks}},
	{"*ntp*keys*", format{record: thirdOfBlanks}},
	{"ntp*/*keys*", format{record: thirdOfBlanks}},
	{"chrony*/*keys*", format{record: thirdOfBlanks}},
	{"chrony.keys*", format{record: thirdOfBlanks}},
	{"authkeys", format{record: thirdOfBlanks}},
	{"psk.txt*", format{record: restOfBlanks}},
	{"*wpa_psk*", format{record: restOfBlanks}},
	{"pam_radius_auth*", format{record: secondOfBlanks}},
	{"radius*/servers*", format{record: secondOfBlanks}},
	{"raddb/server", format{record: secondOfBlanks}},
	{"jmxremote.password*", format{record: secondOfBlanks}},
	{"jmx*.password", format{record: secondOfBlanks}},
	{"userlist.txt*", format{record: secondOfBlanks}},
	{"/etc/davfs2/secrets", format{record: lastOfBlanks}},
	{".davfs2/secrets", format{record: lastOfBlanks}},
	{".cvspass", format{record: lastOfBlanks}},
	{"ipsec.secrets*", format{record: lastOfBlanks}},
	{"ipsec*.secrets*", format{record: lastOfBlanks}},
	{"ipsec.d/*.secrets", format{record: lastOfBlanks}},
	{"swanctl/*.secrets", format{record: lastOfBlanks}},
	{"*users.properties", format{record: secondOfEquals}},
	{"conf/passwd*", format{record: secondOfEquals}},
	{"*realm.properties", format{record: secondOfColons}},
	{"*.realm", format{record: secondOfColons}},
	{"openvpn/*.txt", format{record: everySecondLine}},
	{"openvpn/*/*.txt", format{record: everySecondLine}},
	{"openvpn/*pass*", format{record: everySecondLine}},
	{"openvpn/*cred*", format{record: everySecondLine}},
	{"openvpn/*.auth", format{record: everySecondLine}},
	{"openvpn/*.up", format{record: everySecondLine}},
	{"*auth-user-pass*", format{record: everySecondLine}},
	{"*vsftpd*/*users*.txt", format{record: everySecondLine}},
	{"*vsftpd*/*login*", format{record: everySecondLine}},
	{".google_authenticator*", format{record: everyLine}},
	{".erlang.cookie", format{record: everyLine}},
	{"master.key", format{record: everyLine}},
	{"credentials/*.key", format{record: everyLine}},
	{"*keyfile", format{record: everyLine}},
	{"*keyfile.txt", format{record: everyLine}},
	{"*.keyfile", format{record: everyLine}},
	{".vault_pass*", format{record: everyLine}},
	{"*vault-pass*", format{record: everyLine}},
	{"*vault_pass*", format{record: everyLine}},
	{"/run/secrets/*", format{record: everyLine}},
	{"tac_plus*", format{traits: secretKeys | directives}},
	{"*keyring", format{traits: secretKeys}},
	{"*.nmconnection", format{traits: secretKeys | wholeLines}},
	{"system-connections/*", format{traits: secretKeys | wholeLines}},
	{"rndc*", format{traits: secretKeys}},
	{"*.properties", format{traits: wholeLines}},
	{"*.env", format{traits: wholeLines}},
	{".env*", format{traits: wholeLines}},
	{"*.ini", format{traits: wholeLines}},
	{"grub.cfg", format{traits: bootLoader | directives}},
	{"grub.conf", format{traits: bootLoader | directives}},
	{"menu.lst", format{traits: bootLoader | directives}},
	{"/etc/grub.d/*", format{traits: bootLoader}},
	{"*.[1-8]", format{traits: prose}},
	{"*.md", format{traits: prose}},
	{"*.rst", format{traits: prose}},
	{"README*", format{traits: prose}},
	{"*motd*", format{traits: prose}},
	{"issue*", format{traits: prose}},
	{"*.conf", format{traits: directives | wholeLines}},
	{"*.cf", format{traits: directives | wholeLines}},
	{"*.cnf", format{traits: directives | wholeLines}},
	{"*.cfg", format{traits: directives | wholeLines}},
	{"*_history", format{record: typedLine}},
	{"*rc", format{traits: directives}},
}

// backup: what follows the name of a file that is a copy of the one so called.
var backup = regexp.MustCompile(`(?:\.(?:bak|backup|old|orig|save|saved|copy|dist|new|rpmsave|rpmnew|rpmorig|dpkg-\w+|ucf-\w+|[0-9]{1,8})|~)+$`)

// formatOf returns what is known of the format of an object with this name.
func formatOf(name string) format {
	if name == "" {
		return format{}
	}
	name = backup.ReplaceAllString(name, "")
	for _, f := range formats {
		if ok, err := path.Match(f.pattern, lastParts(name, f.pattern)); err == nil && ok {
			return f.format
		}
	}
	if namesOneSecret(path.Base(name)) {
		return format{record: loneLine}
	}
	return format{}
}

// lastParts returns the part of a path that a pattern is of.
func lastParts(name, pattern string) string {
	if strings.HasPrefix(pattern, "/") {
		return name
	}
	start := len(name)
	for range strings.Count(pattern, "/") + 1 {
		if start = strings.LastIndexByte(name[:start], '/'); start < 0 {
			return name
		}
	}
	return name[start+1:]
}

// namesOneSecret reports whether a file is called what its contents are: ldap.secret,
// db_password.txt, api-token.
func namesOneSecret(base string) bool {
	for _, tail := range []string{".txt", ".key", ".bak", ".old", ".orig", ".dat"} {
		base = strings.TrimSuffix(base, tail)
	}
	return strengthOf(base) >= sure && base != "passwd" && base != "passwd-"
}

// isProgram reports whether data is no text: in a program or a keystore a word is followed by
// anything. Zeros alone are in lists of arguments, too.
func isProgram(data []byte) bool {
	head := data[:min(len(data), 4<<10)]
	controls := 0
	for _, c := range head {
		if 0 < c && c < '\t' || '\r' < c && c < ' ' && c != 0x1b {
			controls++
		}
	}
	return controls*32 > len(head)
}
