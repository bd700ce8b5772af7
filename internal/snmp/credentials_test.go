package snmp

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestCredentialsThatOthersMayReadOrChangeAreRefused(t *testing.T) {
	for mode, mend := range map[os.FileMode]string{0o640: "", 0o604: "chmod o= ", 0o660: "chmod go-w ", 0o602: "chmod go-w "} {
		_, err := ReadCredentials(credentialsFile(t, "community: hidden", mode))
		if mend == "" && err != nil || mend != "" && (err == nil || !strings.Contains(err.Error(), mend)) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for _, path := range []string{t.TempDir(), "/dev/null", "/nowhere"} {
		if _, err := ReadCredentials(path); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCredentialsThatAreWrongAreNotQuoted(t *testing.T) {
	for _, tt := range []struct{ lines, want string }{
		{"", "it must have lines such as"},
		{"hidden", "it must have lines such as"},
		{"community: [hidden]", "line 1: community must have one value"},
		{"hidden: community", "line 1 has an unknown key"},
		{"community: hidden\nuser: sysops", "leave one out"},
		{"community: \"hidden", "line 1 is no YAML"},
		{"community: hidden: x", "line 1 is no YAML"},
		{"auth_passphrase: hidden hidden", "neither community"},
		{"user: sysops\nauth: SHA", "auth wants auth_passphrase"},
		{"user: sysops\npriv: AES", "priv wants priv_passphrase"},
		{"user: sysops\npriv_passphrase: hidden hidden", "wants auth_passphrase too"},
		{"user: sysops\nauth_passphrase: hidden", "auth_passphrase is too short"},
		{"user: sysops\nauth_passphrase: hidden hidden\npriv_passphrase: hidden", "priv_passphrase is too short"},
		{"user: sysops\nauth: hidden\nauth_passphrase: hidden hidden", "auth names no protocol: they are MD5, SHA, SHA224"},
		{"user: sysops\nauth_passphrase: hidden hidden\npriv: hidden\npriv_passphrase: hidden hidden", "priv names no protocol: they are AES, AES192"},
	} {
		_, err := ReadCredentials(credentialsFile(t, tt.lines, 0o600))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v; want %s", tt.lines, err, tt.want)
		}
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := credentials(t, "user: sysops\nauth: sha-256\nauth_passphrase: hidden hidden\npriv: aes256\npriv_passphrase: hidden hidden\ncontext: hidden")
	w := Walker{Credentials: c}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if text := fmt.Sprintf(verb+verb, c, w); strings.Contains(text, "hidden") || strings.Contains(text, "68696464656e") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// answering is a UDP server that answers each packet with another.
func answering(t *testing.T, answer func([]byte) []byte) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		buffer := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if out := answer(buffer[:n]); out != nil {
				conn.WriteTo(out, from) //nolint:errcheck // the test finds out
			}
		}
	}()
	return conn.LocalAddr().String()
}
