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
)

// hole is where a template has a secret: {pw}, {hex32}. The repository holds templates, so that
// nobody who searches it for secrets finds any.
var hole = regexp.MustCompile(`\{(pw|weak|basic|b64|des|(?:hex|HEX|alnum|b)[0-9]+)\}`)

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
	of := map[string]string{"hex": hexDigits, "HEX": strings.ToUpper(hexDigits), "alnum": letters + digits, "b": letters + digits}
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

func plant(t *testing.T) []planted {
	data, err := os.ReadFile("testdata/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var all []planted
	for line := range strings.Lines(string(data)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 3)
		p := planted{kind: fields[0], name: fields[1]}
		template := strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(fields[2])
		p.text = hole.ReplaceAllStringFunc(template, func(h string) string {
			secret := draw(r, strings.Trim(h, "{}"))
			p.secrets = append(p.secrets, secret)
			return secret
		})
		all = append(all, p)
	}
	return all
}

func TestSecretsOfEachKindAreHeldBack(t *testing.T) {
	all := plant(t)
	kinds := make(map[string]bool)
	var lost []string
	for _, p := range all {
		kinds[p.kind] = true
		clean, found := New(nil).Object(p.name, []byte(p.text))
		for _, secret := range p.secrets {
			if bytes.Contains(clean, []byte(secret)) || len(found) == 0 {
				lost = append(lost, fmt.Sprintf("%s, %s: %q became %q", p.kind, p.name, p.text, clean))
				break
			}
		}
	}
	if len(all) < 200 || len(kinds) < 45 {
		t.Errorf("%d secrets of %d kinds are too few", len(all), len(kinds))
	}
	t.Logf("%d of %d secrets of %d kinds are held back", len(all)-len(lost), len(all), len(kinds))
	if len(lost) > 0 {
		t.Errorf("these are not:\n%s", strings.Join(lost, "\n"))
	}
}
