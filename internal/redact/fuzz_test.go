package redact

import (
	"bytes"
	"regexp"
	"testing"
)

var anyMark = regexp.MustCompile(`\[redacted(?::[0-9a-f]{12})?\]`)

// FuzzRedact gives the redactor whatever a file and its name may be. The inputs that it begins
// with are those of secrets.txt, so that each format is reached, and testdata/fuzz.
func FuzzRedact(f *testing.F) {
	for _, seed := range []string{
		"root:" + sha512Hash + ":1", jwt, "password = a b # c\ntoken: x\r\n", `{"secret":"a\"b","password":1}`,
		"x://u:p@h", "x://ghp_abcdefghijklmnopqrstuvwxyz0123456789:p@h", "--token a --token b", "Bearer aaaaaaaaaaaaaaaaaaaaaaaa",
		"-----BEGIN PRIVATE KEY-----\n" + keyLines, `-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAA`,
		"a://b[redacted:0123456789ab]@c", "password=[redacted]x,secret=[redacted", "token='token=\"token=a",
		"passwd: files", "secret==a", "key=${x}", `\"token\":\"x\"`,
	} {
		f.Add("/etc/x", []byte(seed))
	}
	for _, p := range plant(f) {
		f.Add(p.name, []byte(p.text))
	}
	r := New([]byte("key"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		once, found := r.Object(name, data)
		if len(found) == 0 && !bytes.Equal(once, data) {
			t.Errorf("%q: %q became %q, and nothing was found", name, data, once)
		}
		if twice, again := r.Object(name, once); !bytes.Equal(once, twice) || len(again) > 0 {
			t.Errorf("%q: %q became %q, then %q", name, data, once, twice)
		}
		if before, after := endsOfLines(data), endsOfLines(once); after > before {
			t.Errorf("%q: %q has %d lines, %q has %d", name, data, before, once, after)
		}
		if limit := 16*len(data) + 64; len(once) > limit {
			t.Errorf("%q: %d bytes became %d", name, len(data), len(once))
		}
		if _, wide := wideOf(data); !wide && !keepsTheRest(data, once) {
			t.Errorf("%q: %q became %q, in which there is something new", name, data, once)
		}
		const limit = 256 << 20
		if got := memory(); got > limit {
			t.Errorf("%q: for %d bytes %d were taken from the system, more than %d", name, len(data), got, limit)
		}
	})
}

// keepsTheRest reports whether what stands between the marks of a result stood in the text, in
// the same order.
func keepsTheRest(data, clean []byte) bool {
	for _, piece := range anyMark.Split(string(clean), -1) {
		i := bytes.Index(data, []byte(piece))
		if i < 0 {
			return false
		}
		data = data[i+len(piece):]
	}
	return true
}
