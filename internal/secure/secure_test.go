package secure_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/secure"
)

// Who can change an authority, a certificate or a key reads, or answers, what is meant for
// somebody else; a private key is a secret besides.
func TestTLSFilesThatOthersCanChangeAreRefused(t *testing.T) {
	certs := redistest.NewCerts(t)
	copyOf := func(t *testing.T, file string) string {
		text, err := os.ReadFile(file)
		to := filepath.Join(t.TempDir(), "file.pem")
		if err == nil {
			err = os.WriteFile(to, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	for _, row := range []struct {
		which int // of authority, certificate and key
		mode  fs.FileMode
		says  string // empty: it is taken
	}{
		{0, 0o644, ""},
		{0, 0o664, "cannot read the certificate authority: open {}: its group may write to it (mode 0664): chmod go-w {}"},
		{0, 0o646, "everyone may write to it"},
		{1, 0o644, ""},
		{1, 0o664, "cannot read the client certificate: open {}: its group may write to it (mode 0664): chmod go-w {}"},
		{2, 0o640, ""},
		{2, 0o644, "cannot read the client certificate: open {}: everyone may read it (mode 0644): chmod o= {}"},
		{2, 0o660, "its group may write to it"},
	} {
		files := []string{copyOf(t, certs.CAFile), copyOf(t, certs.ClientCertFile), copyOf(t, certs.ClientKeyFile)}
		if err := os.Chmod(files[row.which], row.mode); err != nil {
			t.Fatal(err)
		}
		_, err := secure.TLS(files[0], files[1], files[2])
		want := strings.ReplaceAll(row.says, "{}", files[row.which])
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("file %d with mode %o: %v; want %s", row.which, row.mode, err, want)
		}
	}
}

func TestASecretIsReadWithoutTheEndOfItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for text, want := range map[string]string{"one\n": "one", "one two\r\n": "one two", "": "", "\n": "", strings.Repeat("x", 5000): ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := secure.Secret("password", file)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%.20q: %q, %v", text, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "xxx") || !strings.Contains(err.Error(), file)) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	for mode, says := range map[fs.FileMode]string{0o604: "chmod o= " + file, 0o620: "chmod go-w " + file} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := secure.Secret("token", file); err == nil || !strings.HasPrefix(err.Error(), "cannot read the token: ") || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("%o: %v", mode, err)
		}
	}
}
