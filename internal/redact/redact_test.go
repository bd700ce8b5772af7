package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

const (
	sha512Hash = "$6$rounds=5000$saltsalt$" + "qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
	jwt        = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	keyLines   = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MxszAOz1XR8pLr2c\n" +
		"9uVYJQXz7Gk5yB1hqN0o8l4cD2e6tT7wKfM3nRvA5sPzLx0iUjHbEoWmYgQdCaS=\n"
)

// R is what stands for a secret in the tables: a Redactor without a key.
const R = "[redacted]"

func redacted(text string) string { return string(New(nil).Redact([]byte(text))) }

func TestRedactReplacesSecrets(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"shadow line", "root:" + sha512Hash + ":19000:0:99999:7:::", "root:" + R + ":19000:0:99999:7:::"},
		{"md5 crypt", "u:$1$abcdefgh$G7zPpM2yP8Fv1qXw3rT9s.:1", "u:" + R + ":1"},
		{"bcrypt 2a", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", R},
		{"bcrypt 2b", "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", R},
		{"bcrypt 2y", "u:$2y$05$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "u:" + R},
		{"sha256 crypt", "$5$saltsalt$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8", R},
		{"scrypt", "$7$CU..../....2Q9obwLhin8qvQl6sisAO/$sQrqmUyYiTgsyZgDhRSFfkGvYqmvPLfrKVkq1G7pjb3", R},
		{"yescrypt", "u:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:1", "u:" + R + ":1"},
		{"gost-yescrypt", "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", R},

		{"aws id", "id AKIAIOSFODNN7EXAMPLE.", "id " + R + "."},
		{"aws secret", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = " + R},
		{"github", "git clone x ghp_abcdefghijklmnopqrstuvwxyz0123456789", "git clone x " + R},
		{"github oauth", "gho_abcdefghijklmnopqrstuvwxyz0123456789", R},
		{"github fine-grained", "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuv", R},
		{"gitlab", "glpat-abcdefghij_klmnopqrst", R},
		{"slack", "hook xoxb-123456789012-abcdefghij", "hook " + R},
		{"jwt", "cookie " + jwt + ";", "cookie " + R + ";"},
		{"bearer", "Authorization: Bearer abcdefghijklmnop012345==", "Authorization: Bearer " + R},
		{"basic", `-H "Authorization: Basic dXNlcjpwYXNz"`, `-H "Authorization: Basic ` + R + `"`},
		{"url", "deb https://user:pa$w0rd@apt.example.com/ stable", "deb https://user:" + R + "@apt.example.com/ stable"},
		{"url without user", "redis://:hunter22@mps01:6379/1", "redis://:" + R + "@mps01:6379/1"},
		{"two urls", "a://u:p1@h b://u:p2@h", "a://u:" + R + "@h b://u:" + R + "@h"},

		{"ini", "password = my pass phrase  # old", "password = " + R + "  # old"},
		{"ini, carriage return", "password = hunter22\r", "password = " + R + "\r"},
		{"shell", "export DB_PASSWORD=hunter22", "export DB_PASSWORD=" + R},
		{"quoted", `PASSWORD="hunter 22" run`, `PASSWORD="` + R + `" run`},
		{"quoted with escapes", `password = "a\"b" # c`, `password = "` + R + `" # c`},
		{"quote before the key", `Environment="TOKEN=hunter 22" "A=b"`, `Environment="TOKEN=` + R + `" "A=b"`},
		{"commented out", "#secret=hunter22", "#secret=" + R},
		{"yaml", "  password: hunter22", "  password: " + R},
		{"yaml list", "- api_key: hunter22 # why", "- api_key: " + R + " # why"},
		{"json", `{"user": "u", "password": "hunter22", "n": 1}`, `{"user": "u", "password": "` + R + `", "n": 1}`},
		{"json number", `{"token": 123456}`, `{"token": ` + R + `}`},
		{"json in json", `{"env": "{\"apiKey\":\"hunter22\"}"}`, `{"env": "{\"apiKey\":\"` + R + `\"}"}`},
		{"ruby", `passwd => "hunter22",`, `passwd => "` + R + `",`},
		{"java properties", "spring.datasource.password=hunter22", "spring.datasource.password=" + R},
		{"mount options", "username=u,password=p,w,uid=0 0 0", "username=u,password=" + R + ",uid=0 0 0"},
		{"query", "GET /?api_key=hunter22&page=2", "GET /?api_key=" + R + "&page=2"},
		{"flag with =", "app --password=hunter22 --port=80", "app --password=" + R + " --port=80"},
		{"key of TCP Fast Open", "net.ipv4.tcp_fastopen_key = 6f0a-1,7b-2", "net.ipv4.tcp_fastopen_key = " + R},
		{"secret of stable addresses", "net.ipv6.conf.all.stable_secret=2001:db8::1", "net.ipv6.conf.all.stable_secret=" + R},
		{"the same as a path", "net/ipv6/conf/eth0/stable_secret = 2001:db8::1 ", "net/ipv6/conf/eth0/stable_secret = " + R + " "},
		{"flag in sudoers", "Cmnd_Alias DB = /bin/db --password=hunter22", "Cmnd_Alias DB = /bin/db --password=" + R},
		{"variable in sudoers", `Cmnd_Alias DB = /bin/env x\:PASSWORD=hunter22`, `Cmnd_Alias DB = /bin/env x\:PASSWORD=` + R},
		{"not sudoers", "alias PASSWORD = hunter22", "alias PASSWORD = " + R},
		{"flag with blank", "root 12 app --api-key hunter22 --port 80", "root 12 app --api-key " + R + " --port 80"},
	} {
		if got := redacted(c.text); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestRedactLeavesAloneWhatOnlyLooksLikeASecret(t *testing.T) {
	for _, text := range []string{
		"PasswordAuthentication no", "PasswordAuthentication=no", "PermitEmptyPasswords no", "#PermitRootLogin prohibit-password",
		"passwd:         files systemd", "passwd:\tcompat", "passwd: sss files # as usual", "passwd_compat: nis",
		"password required pam_unix.so", "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok yescrypt",
		"password   requisite   pam_pwquality.so retry=3 authtok_type=",
		"net.ipv4.tcp_fastopen_key = 00000000-00000000-00000000-00000000", "net.ipv4.tcp_fastopen = 1", "kernel.some_token = 1",
		"root:x:0:0:root:/root:/bin/bash", "token:x:1001:1001::/home/token:/bin/sh", "secret:*:99:", "secret:x:1001:",
		"%wheel ALL=(ALL) NOPASSWD: ALL", "    NOPASSWD: /usr/bin/id", "Defaults passwd_tries=3, passwd_timeout=5",
		"Cmnd_Alias PASSWD = /usr/bin/passwd [A-Za-z]*", " Runas_Alias SECRET=root", "Cmnd_Alias SH = /bin/sh : CHPASSWD = /usr/bin/passwd",
		"PASS_MAX_DAYS 99999", "ENCRYPT_METHOD SHA512", "awk '{print $1$2$5$6}'", "price $5$ and $6$",
		"systemd-ask-password-wall.path loaded active waiting Forward Password Requests to Wall",
		"/usr/bin/systemd-tty-ask-password-agent --watch", "	Administrator Password Status: Disabled",
		"ii  libsecret-1-0:amd64 0.20.5 amd64 Secret store", "ii  python3-token:all 1.0",
		"# Enter the password: it is in the vault", "if [ \"$password\" == \"\" ]", "password=", "password = ", "token: null",
		"secret = # disable PBM", "password=${DB_PASSWORD}", "api_key: {{ vault_key }}", "password=********", "requirepassword=yes",
		"http://[::1]:8080/a@b", "https://example.com:443/x", "https://user@example.com/", "ssh://git@host:22/x",
		"bearer of bad news", "basic authentication", "-----BEGIN CERTIFICATE-----", "a PRIVATE KEY is kept elsewhere",
		"eyJ is how a token begins", "xoxo-", "ghp_short",
	} {
		data := []byte(text)
		if got := New(nil).Redact(data); string(got) != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestRedactReplacesTheBodyOfAPrivateKeyByOneLine(t *testing.T) {
	for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK"} {
		begin, end := "-----BEGIN "+label+"-----\n", "-----END "+label+"-----\n"
		text := "before\n" + begin + keyLines + end + "after\n"
		if got, want := redacted(text), "before\n"+begin+R+"\n"+end+"after\n"; got != want {
			t.Errorf("%s: got %q, want %q", label, got, want)
		}
	}
}

func TestRedactReplacesThePrivateKeysHeaders(t *testing.T) {
	const begin, end = "-----BEGIN RSA PRIVATE KEY-----\n", "-----END RSA PRIVATE KEY-----\n"
	got := redacted(begin + "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n" + keyLines + end)
	if got != begin+R+"\n"+end {
		t.Errorf("got %q", got)
	}
}

func TestRedactKeepsTheIndentationOfAPrivateKey(t *testing.T) {
	text := "key: |\n  -----BEGIN PRIVATE KEY-----\n  " + strings.TrimSpace(strings.ReplaceAll(keyLines, "\n", "\n  ")) + "\n  -----END PRIVATE KEY-----\nport: 80\n"
	want := "key: |\n  -----BEGIN PRIVATE KEY-----\n  " + R + "\n  -----END PRIVATE KEY-----\nport: 80\n"
	if got := redacted(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRedactReplacesAPrivateKeyWithoutAnEnd(t *testing.T) {
	if got, want := redacted("-----BEGIN PRIVATE KEY-----\n"+keyLines+"and = so on\n"), "-----BEGIN PRIVATE KEY-----\n"+R+"\nand = so on\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRedactReplacesAPrivateKeyInAJSONString(t *testing.T) {
	text := `{"key": "-----BEGIN PRIVATE KEY-----\n` + strings.ReplaceAll(keyLines, "\n", `\n`) + `-----END PRIVATE KEY-----\n"}`
	want := `{"key": "-----BEGIN PRIVATE KEY-----\n` + R + `\n-----END PRIVATE KEY-----\n"}`
	if got := redacted(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRedactKeepsEverythingAroundTheLinesItChanges(t *testing.T) {
	got := redacted("a\n\npassword=hunter22\nb\ntoken=hunter23")
	if got != "a\n\npassword="+R+"\nb\ntoken="+R {
		t.Errorf("got %q", got)
	}
}

func TestRedactMarksASecretWithItsKeyedFingerprint(t *testing.T) {
	key := []byte("fleet key")
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("hunter22"))
	want := "[redacted:" + hex.EncodeToString(mac.Sum(nil))[:12] + "]"

	r := New(key)
	for _, text := range []string{"password=hunter22", "token: hunter22", `"secret": "hunter22"`, "x://u:hunter22@h"} {
		if got := string(r.Redact([]byte(text))); got != strings.Replace(text, "hunter22", want, 1) {
			t.Errorf("%q became %q, want the mark %q", text, got, want)
		}
	}
	if other := New([]byte("other key")).Redact([]byte("password=hunter22")); bytes.Contains(other, []byte(want)) {
		t.Errorf("another key gives the same mark: %q", other)
	}
}

func TestRedactLeavesTheMarksOfAnotherKeyAlone(t *testing.T) {
	once := New([]byte("one")).Redact([]byte("password=hunter22 x://u:hunter23@h\n"))
	if twice := New([]byte("two")).Redact(once); !bytes.Equal(once, twice) {
		t.Errorf("%q became %q", once, twice)
	}
}

func TestRedactReturnsTheSameBytesWhereThereIsNoSecret(t *testing.T) {
	data := []byte(strings.Repeat("net.core.netdev_budget = 300\npassword required pam_unix.so\n", 100))
	r := New([]byte("key"))
	if got := r.Redact(data); &got[0] != &data[0] || len(got) != len(data) {
		t.Error("it made a copy")
	}
	if r.Redact(nil) != nil {
		t.Error("nothing became something")
	}
}

func TestRedactDoesNotChangeItsInput(t *testing.T) {
	data := []byte("a=b\npassword=hunter22\n-----BEGIN PRIVATE KEY-----\n" + keyLines)
	before := bytes.Clone(data)
	New([]byte("key")).Redact(data)
	if !bytes.Equal(data, before) {
		t.Errorf("it became %q", data)
	}
}

func TestArgumentsAreRedactedByThemselvesAndAfterTheirFlags(t *testing.T) {
	args := []string{"grep", "-i", "password=hunter2 x", "--token", "abc def", "--server", "redis://u:secret@mps01/1", "/etc/passwd", "--password", "--list", "/etc/app.conf"}
	want := []string{"grep", "-i", "password=[redacted] x", "--token", "[redacted] def", "--server", "redis://u:[redacted]@mps01/1", "/etc/passwd", "--password", "--list", "/etc/app.conf"}
	if got := New(nil).Args(args); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := New(nil).Args(nil); got != nil {
		t.Errorf("of none there are %q", got)
	}
}

func TestANilRedactorChangesNothing(t *testing.T) {
	var r *Redactor
	if got := r.Redact([]byte("password=hunter22")); string(got) != "password=hunter22" {
		t.Errorf("got %q", got)
	}
}

func TestALongWordIsRedactedToItsEnd(t *testing.T) {
	text := "token=" + strings.Repeat("x", 3*longWord)
	if got := redacted(text); got != "token="+R {
		t.Errorf("got %.80q…", got)
	}
}

func BenchmarkRedactSysctl47KB(b *testing.B) {
	benchmarkRedact(b, strings.Repeat("net.core.netdev_budget = 300\nkernel.keys.maxkeys = 200\n", 47<<10/55))
}

// One object of a host that has 100 of 47 KB: lines that look like secrets, and some that hold one.
func BenchmarkRedactConfig47KB(b *testing.B) {
	benchmarkRedact(b, string(denseObject(b)))
}

func BenchmarkRedact10MiBOfOneLine(b *testing.B) {
	benchmarkRedact(b, strings.Repeat(`{"name":"x","token":"hunter22"},`, 10<<20/32))
}

func BenchmarkRedact10MiBOfOneHostileLine(b *testing.B) {
	benchmarkRedact(b, strings.Repeat(`token='${token=$(token: token:`, 10<<20/30))
}

func benchmarkRedact(b *testing.B, text string) {
	data := []byte(text)
	r := New([]byte("key"))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r.Redact(data)
	}
}

func TestAPlainRedactorFindsTheSameAndLeavesNoFingerprint(t *testing.T) {
	keyed := New([]byte("sixteen bytes or more"))
	const text, want = "password=hunter22", "password=[redacted]"
	if got := keyed.Plain().Text(text); got != want {
		t.Errorf("%q", got)
	}
	if got := keyed.Text(text); got == want || got == text {
		t.Errorf("the one with the key is not what it was: %q", got)
	}
	var none *Redactor
	if got := none.Plain().Text(text); got != text {
		t.Errorf("none: %q", got)
	}
}
