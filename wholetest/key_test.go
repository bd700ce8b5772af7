package wholetest_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestAKeyIsSplitAtItsFirstHash(t *testing.T) {
	for _, row := range []struct {
		text string
		want sysops.Key
		ok   bool
	}{
		{"web01#/etc/passwd", sysops.Key{Host: "web01", Name: "/etc/passwd"}, true},
		{"web01#a#b", sysops.Key{Host: "web01", Name: "a#b"}, true},
		{"web01##", sysops.Key{Host: "web01", Name: "#"}, true},
		{"h#/etc/x.json@sysctl-a", sysops.Key{Host: "h", Name: "/etc/x.json@sysctl-a"}, true},
		{"web01", sysops.Key{}, false},
		{"web01#", sysops.Key{}, false},
		{"#/etc/passwd", sysops.Key{}, false},
		{"#", sysops.Key{}, false},
		{"", sysops.Key{}, false},
		{"$on:a#b", sysops.Key{}, false}, // the index
	} {
		got, ok := sysops.ParseKey(row.text)
		if got != row.want || ok != row.ok {
			t.Errorf("ParseKey(%q) = %+v, %v; want %+v, %v", row.text, got, ok, row.want, row.ok)
		}
		if ok && got.String() != row.text {
			t.Errorf("%q comes back as %q", row.text, got)
		}
	}
}

// An answer is sorted host by host; that is the order of the keys only because
// '#' sorts below all that a host name may hold.
func TestKeysAreOrderedAsTheirTextsAre(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	word := func(alphabet string) string {
		b := make([]byte, 1+random.IntN(4))
		for i := range b {
			b[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(b)
	}
	key := func() sysops.Key { return sysops.Key{Host: word("a0-._:z"), Name: word("a#!/ \x01\xff")} }
	for range redistest.Cases(t, 5000) {
		a, b := key(), key()
		if got, want := a.Compare(b), cmp.Compare(a.String(), b.String()); got != want {
			t.Fatalf("%q against %q: %d, want %d", a, b, got, want)
		}
	}
}

func TestHostNames(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"web01", "web01"},
		{"WEB01.Example.COM", "web01.example.com"},
		{"a", "a"},
		{"10.0.0.1", "10.0.0.1"},
		{"fe80::1", "fe80::1"},
		{"switch_7-b", "switch_7-b"},
		{strings.Repeat("x", 253), strings.Repeat("x", 253)},
	} {
		if got, err := sysops.ParseHost(row.text); err != nil || got != row.want {
			t.Errorf("ParseHost(%.40q) = %.40q, %v; want %.40q", row.text, got, err, row.want)
		}
	}
	for _, bad := range []string{
		"", strings.Repeat("x", 254), "web 01", "web#01", "$hosts", "web/01", "wéb", "web*", "web01\n", "a\x00b", "a@b", "a,b", "[::1]",
	} {
		if got, err := sysops.ParseHost(bad); !errors.Is(err, sysops.ErrBadHost) {
			t.Errorf("ParseHost(%.40q) = %.40q, %v; want ErrBadHost", bad, got, err)
		}
	}
}
