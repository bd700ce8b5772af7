package redact

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// hole is where a template has a secret: {pw}, {hex32}. The repository holds templates, so that
// nobody who searches it for secrets finds any.
var hole = regexp.MustCompile(`\{(pw|weak|basic|b64|des|(?:hex|HEX|alnum|b|digit)[0-9]+)\}`)

const (
	hexDigits = "0123456789abcdef"
	letters   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits    = "0123456789"
)

// draw returns a secret of a kind.
func draw(r *rand.Rand, kind string) string {
	pick := func(n int, of string) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = of[r.IntN(len(of))]
		}
		return string(text)
	}
	switch kind {
	case "pw":
		return pick(3, letters) + pick(2, digits) + pick(3, letters) + pick(1, "!_-") + pick(3, digits)
	case "weak": // a word that says nothing
		return pick(9, "abcdefghijklmnopqrstuvwxyz")
	case "basic":
		return base64.StdEncoding.EncodeToString([]byte("bob:" + pick(11, letters+digits)))
	case "b64":
		return base64.StdEncoding.EncodeToString([]byte(pick(32, letters+digits+"\x00\x01\x02\xfe\xff")))
	case "des":
		return "aB1" + pick(2, letters) + "7" + pick(2, letters) + "9xY" + pick(2, digits)
	}
	of := map[string]string{"hex": hexDigits, "HEX": strings.ToUpper(hexDigits), "alnum": letters + digits, "b": letters + digits, "digit": digits}
	name := strings.TrimRight(kind, digits)
	n, _ := strconv.Atoi(kind[len(name):])
	return pick(n, of[name])
}

// A planted secret is one in the context of a file.
type planted struct {
	kind, name string
	text       string
	secrets    []string
}

func plant(t testing.TB) []planted {
	data, err := os.ReadFile("testdata/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var all []planted
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 3)
		p := planted{kind: fields[0], name: fields[1]}
		template := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(fields[2])
		p.text = hole.ReplaceAllStringFunc(template, func(h string) string {
			secret := draw(r, strings.Trim(h, "{}"))
			p.secrets = append(p.secrets, secret)
			return secret
		})
		all = append(all, p)
	}
	return all
}

// readable reports whether a part of a secret can be read in what is sent: five characters in a
// row that the text has nowhere else.
func readable(text, clean, secret string) bool {
	if strings.Contains(clean, secret) {
		return true
	}
	const part = 5
	rest := strings.ReplaceAll(text, secret, "\x00")
	for i := range max(0, len(secret)-part+1) {
		if piece := secret[i : i+part]; strings.Contains(clean, piece) && !strings.Contains(rest, piece) {
			return true
		}
	}
	return false
}

func TestSecretsOfEachKindAreHeldBack(t *testing.T) {
	all := plant(t)
	kinds := make(map[string]bool)
	var lost []string
	for _, p := range all {
		kinds[p.kind] = true
		clean, found := New(nil).Object(p.name, []byte(p.text))
		for _, secret := range p.secrets {
			if len(found) == 0 || readable(p.text, string(clean), secret) {
				lost = append(lost, fmt.Sprintf("%s, %s: %q became %q", p.kind, p.name, p.text, clean))
				break
			}
		}
	}
	if len(all) < 450 || len(kinds) < 55 {
		t.Errorf("%d secrets of %d kinds are too few", len(all), len(kinds))
	}
	t.Logf("%d of %d secrets of %d kinds are held back", len(all)-len(lost), len(all), len(kinds))
	if len(lost) > 0 {
		t.Errorf("these are not:\n%s", strings.Join(lost, "\n"))
	}
}

func TestATextMayEndAnywhere(t *testing.T) {
	r := New(nil)
	tails := []string{"", "\n  "}
	for _, p := range plant(t) {
		for n := range p.text {
			text := []byte(p.text[:n] + tails[n%2])
			if clean, _ := r.Object(p.name, text); len(clean) > 16*len(text)+64 {
				t.Errorf("%q of %q became %d bytes", text, p.name, len(clean))
			}
		}
	}
}

func TestALineMayGoOnInTheNextAnywhere(t *testing.T) {
	r := New(nil)
	for _, p := range plant(t) {
		for _, joint := range []string{" \\\n  ", "\n  - ", "\n", "\", \""} {
			for _, text := range []string{strings.ReplaceAll(p.text, " ", joint), "  - " + strings.ReplaceAll(p.text, " ", joint)} {
				if clean, _ := r.Object(p.name, []byte(text)); len(clean) > 16*len(text)+64 {
					t.Errorf("%q of %q became %d bytes", text, p.name, len(clean))
				}
			}
		}
	}
}

func TestACommandInSeveralLinesIsHeldBack(t *testing.T) {
	const text, want = "sshpass -e \\\n  -p hunter22 \\\n  ssh host\n", "sshpass -e \\\n  -p " + R + " \\\n  ssh host\n"
	if got := redacted(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestABlankLineBelowAKeyMayEndAText(t *testing.T) {
	const text = "db:\n  password: \n  "
	if got := redacted(text); got != text {
		t.Errorf("%q became %q", text, got)
	}
}

func TestHarmlessLinesStay(t *testing.T) {
	data, err := os.ReadFile("testdata/harmless.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		for _, object := range []string{name, ""} {
			clean, found := New(nil).Object(object, []byte(text))
			if string(clean) != text {
				t.Errorf("%q of %q became %q: %v", text, object, clean, found)
			}
		}
	}
}

func TestAFindingTellsTheLineAsItWas(t *testing.T) {
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(strings.Repeat("A1b", 20)+"\n", 3) + "-----END PRIVATE KEY-----\n"
	_, found := New(nil).Object("/etc/x", []byte("a\rb\r\n"+key+"password=hunter22\n"))
	want := []Finding{{4, "private key"}, {8, "value of a key"}}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

func TestAReturnAloneEndsALine(t *testing.T) {
	if got := redacted("password: hunter22\ruser: bob\r"); got != "password: "+R+"\ruser: bob\r" {
		t.Errorf("got %q", got)
	}
}

func TestUTF16IsLookedAtAsText(t *testing.T) {
	for _, order := range []string{"little", "big"} {
		wide := func(text string) []byte {
			out := []byte{0xff, 0xfe}
			if order == "big" {
				out = []byte{0xfe, 0xff}
			}
			for _, c := range utf16.Encode([]rune(text)) {
				low, high := byte(c), byte(c>>8)
				if order == "big" {
					low, high = high, low
				}
				out = append(out, low, high)
			}
			return out
		}
		half := []byte{0x00, 0xd8} // of a pair, alone
		if order == "big" {
			half = []byte{0xd8, 0x00}
		}
		data := append(append(wide("x=😀\r\n\"DefaultPassword\"=\"hunter22\"\r\n"), half...), 'z')
		want := append(append(wide("x=😀\r\n\"DefaultPassword\"=\""+R+"\"\r\n"), half...), 'z')
		if got := New(nil).Redact(data); !bytes.Equal(got, want) {
			t.Errorf("%s endian: got %q, want %q", order, got, want)
		}
	}
}

func TestKeysOfOtherFormatsAreReplaced(t *testing.T) {
	line := strings.Repeat("A1b", 20)
	for _, c := range []struct{ name, text, want string }{
		{
			"PuTTY", "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n" + line + "\n" + line + "\nPrivate-MAC: " + line + "\n",
			"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 2\n" + R + "\nPrivate-MAC: " + R + "\n",
		},
		{
			"OpenVPN", "<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n" + line + "\n" + line + "\n-----END OpenVPN Static key V1-----\n",
			"<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n" + R + "\n-----END OpenVPN Static key V1-----\n",
		},
		{"BIND", "Private-key-format: v1.3\nPrivateExponent: " + line + "\n", "Private-key-format: v1.3\nPrivateExponent: " + R + "\n"},
		{"quoted", "# -----BEGIN RSA PRIVATE KEY-----\n# " + line + "\n# " + line + "\n# -----END RSA PRIVATE KEY-----\n", "# -----BEGIN RSA PRIVATE KEY-----\n# " + R + "\n# -----END RSA PRIVATE KEY-----\n"},
		{"CR alone", "-----BEGIN PRIVATE KEY-----\r" + line + "\r" + line + "\r-----END PRIVATE KEY-----\r", "-----BEGIN PRIVATE KEY-----\r" + R + "\r-----END PRIVATE KEY-----\r"},
	} {
		if got := redacted(c.text); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
