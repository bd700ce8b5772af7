package redact

import (
	"path"
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
)

func (f format) is(t traits) bool { return f.traits&t != 0 }

// Patterns of names, of path.Match, the first that matches counts. Those without "/" are of the
// last part of a path.
var formats = []struct {
	pattern string
	format  format
}{
	{"/etc/pam.d/*", format{traits: noKeys}},
	{"pam.conf", format{traits: noKeys}},
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
	{"*.pgpass*", format{record: lastOfColons}},
	{"pgpass*", format{record: lastOfColons}},
	{"*sasl_passwd*", format{record: lastOfColons}},
	{"*passwd.client*", format{record: lastOfColons}},
	{"rsyncd.secrets*", format{record: lastOfColons}},
	{"*.htpasswd*", format{record: secondOfColons}},
	{"htpasswd*", format{record: secondOfColons}},
	{"*htdigest*", format{record: lastOfColons}},
	{"*shadow*", format{record: secondOfColons}},
	{"opasswd*", format{record: lastOfColons}},
	{"smbpasswd*", format{record: hashesOfColons}},
	{"chap-secrets*", format{record: thirdOfBlanks}},
	{"l2tp-secrets*", format{record: thirdOfBlanks}},
	{"pap-secrets*", format{record: thirdOfBlanks}},
	{"*ntp*keys*", format{record: thirdOfBlanks}},
	{"ntp.keys*", format{record: thirdOfBlanks}},
	{"chrony.keys*", format{record: thirdOfBlanks}},
	{"authkeys", format{record: thirdOfBlanks}},
	{"psk.txt*", format{record: secondOfBlanks}},
	{"jmxremote.password*", format{record: secondOfBlanks}},
	{"userlist.txt*", format{record: secondOfBlanks}},
	{"/etc/davfs2/secrets", format{record: lastOfBlanks}},
	{"*/.davfs2/secrets", format{record: lastOfBlanks}},
	{"ipsec.secrets*", format{record: lastOfBlanks}},
	{"*users.properties", format{record: secondOfEquals}},
	{"realm.properties", format{record: secondOfColons}},
	{"*.realm", format{record: secondOfColons}},
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
	{"*.conf", format{traits: directives}},
	{"*.cf", format{traits: directives}},
	{"*rc", format{traits: directives}},
	{"*.cnf", format{traits: directives}},
	{"*.cfg", format{traits: directives}},
}

// formatOf returns what is known of the format of an object with this name.
func formatOf(name string) format {
	if name == "" {
		return format{}
	}
	base := path.Base(name)
	for _, f := range formats {
		subject := base
		if strings.Contains(f.pattern, "/") {
			subject = name
		}
		if ok, err := path.Match(f.pattern, subject); err == nil && ok {
			return f.format
		}
	}
	return format{}
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
