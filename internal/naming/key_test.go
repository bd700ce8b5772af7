package naming_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestAKeyIsSplitAtItsFirstHash(t *testing.T) {
	for _, row := range []struct {
		text string
		want naming.Key
		ok   bool
	}{
		{"web01#/etc/passwd", naming.Key{Host: "web01", Name: "/etc/passwd"}, true},
		{"web01#a#b", naming.Key{Host: "web01", Name: "a#b"}, true},
		{"web01##", naming.Key{Host: "web01", Name: "#"}, true},
		{"h#/etc/x.json@sysctl-a", naming.Key{Host: "h", Name: "/etc/x.json@sysctl-a"}, true},
		{"web01", naming.Key{}, false},
		{"web01#", naming.Key{}, false},
		{"#/etc/passwd", naming.Key{}, false},
		{"#", naming.Key{}, false},
		{"", naming.Key{}, false},
		{"$on:a#b", naming.Key{}, false}, // the index
	} {
		got, ok := naming.ParseKey(row.text)
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
	key := func() naming.Key { return naming.Key{Host: word("a0-._:z"), Name: word("a#!/ \x01\xff")} }
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
		if got, err := naming.ParseHost(row.text); err != nil || got != row.want {
			t.Errorf("ParseHost(%.40q) = %.40q, %v; want %.40q", row.text, got, err, row.want)
		}
	}
	for _, bad := range []string{
		"", strings.Repeat("x", 254), "web 01", "web#01", "$hosts", "web/01", "wéb", "web*", "web01\n", "a\x00b", "a@b", "a,b", "[::1]",
	} {
		if got, err := naming.ParseHost(bad); !errors.Is(err, naming.ErrBadHost) {
			t.Errorf("ParseHost(%.40q) = %.40q, %v; want ErrBadHost", bad, got, err)
		}
	}
}

func TestObjectNames(t *testing.T) {
	for _, good := range []string{"/etc/passwd", "a", "a#b", "#", "x.json@sysctl-a", "a$", "\xff\x00\n", strings.Repeat("x", 4096)} {
		if err := naming.CheckName(good); err != nil {
			t.Errorf("CheckName(%.40q): %v", good, err)
		}
	}
	for _, row := range []struct{ name, says string }{
		{"", "empty"},
		{strings.Repeat("x", 4097), "at most 4096"},
		{"$hosts", "reserved"},
		{"$", "reserved"},
	} {
		if err := naming.CheckName(row.name); !errors.Is(err, naming.ErrBadName) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("CheckName(%.40q): %v; want ErrBadName that speaks of %q", row.name, err, row.says)
		}
	}
}
