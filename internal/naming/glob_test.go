package naming

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// What Redis' stringmatchlen makes of patterns that no manual describes. That
// a real server agrees is TestFindReturnsWhatRedisKEYSWould's business; these
// rows say what the oddities are.
func TestGlobOddities(t *testing.T) {
	for _, row := range []struct {
		name, pattern string
		matches, not  []string
	}{
		{"an unclosed class ends with the pattern", "a[bc", []string{"ab", "ac"}, []string{"a", "a[bc", "ad", "abc"}},
		{"a lone bracket is an empty class", "[", nil, []string{"", "[", "a"}},
		{"an empty class matches nothing", "[]", nil, []string{"", "[]", "]", "a"}},
		{"a bracket right after the opening one closes it", "[]a]", nil, []string{"]", "a", "a]"}},
		{"a negated empty class matches any byte", "[^]", []string{"a", "]", "^", "\xff"}, []string{"", "ab"}},
		{"an unclosed negation matches any byte", "x[^", []string{"xa", "x^"}, []string{"x", "xab"}},
		{"a reversed range is the range", "[z-a]", []string{"a", "m", "z"}, []string{"A", "-", "{"}},
		{"ranges compare bytes as signed numbers", "[\x80-a]", []string{"\x80", "\xff", "\x00", "a"}, []string{"b", "z"}},
		{"a range may end in the closing bracket", "[a-]", []string{"a", "]", "_"}, []string{"-", "b", "["}},
		{"a leading hyphen is itself", "[-a]", []string{"-", "a"}, []string{"b", "`"}},
		{"a caret further on is itself", "[a^]", []string{"a", "^"}, []string{"b"}},
		{"a backslash quotes in a class", `[\]]`, []string{"]"}, []string{`\`, `\]`}},
		{"a backslash ends a range as itself", `[a-\]`, []string{`\`, "a", "`", "]"}, []string{"b", "[", "-"}},
		{"a backslash at the very end of a class is itself", `[\`, []string{`\`}, []string{"["}},
		{"a trailing backslash is itself", `a\`, []string{`a\`}, []string{"a", `a\\`}},
		{"a backslash quotes a star", `a\*`, []string{"a*"}, []string{"ab", `a\*`}},
		{"a backslash before a plain byte vanishes", `\a\b`, []string{"ab"}, []string{`\a\b`}},
		{"stars in a row are one", "a***b", []string{"ab", "axyb"}, []string{"a", "b"}},
		{"a star needs nothing", "*a*", []string{"a", "xa", "ax"}, []string{"", "x"}},
		{"a question mark is one byte, not one character", "?", []string{"a", "\xc3"}, []string{"", "é"}},
		{"a hash is no wildcard", "*#*", []string{"#", "a#b"}, []string{"ab"}},
		{"the empty pattern matches the empty text", "", []string{""}, []string{"a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := NewGlob(row.pattern)
			for _, s := range row.matches {
				if !g.Match(s) {
					t.Errorf("%q does not match %q", row.pattern, s)
				}
			}
			for _, s := range row.not {
				if g.Match(s) {
					t.Errorf("%q matches %q", row.pattern, s)
				}
			}
		})
	}
}

// A star that backtracks over every position of every other star would take
// longer than the universe has.
func TestAGlobOfManyStarsIsQuick(t *testing.T) {
	if NewGlob(strings.Repeat("*a", 60) + "*b").Match(strings.Repeat("a", 4000)) {
		t.Error("it matches")
	}
}

// What hostCanMatch and nameCanMatch exclude is never asked for: a key that
// matches and is excluded would be missing from the answer.
func TestNarrowingNeverExcludesAKeyThatMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hosts := []string{"a", "ab", "web01", "web-1.x_y", "10:ab", "b.a", "Web02"}
	names := []string{"a", "/etc/a", "b#a", "#", "*", "a[b]", `a\b`, "é", "?-^", "/etc/x@a-b", "a b", "]", "-"}
	matched, excluded := 0, 0
	for range redistest.Cases(t, 30_000) {
		key := Key{hosts[random.IntN(len(hosts))], names[random.IntN(len(names))]}
		text := randomGlob(random, key.String())
		if !strings.Contains(text, "#") {
			text = "*" + text + "*"
		}
		sel := selectKeys(NewGlob(text))
		if !sel.Key(key) {
			if !sel.Host(key.Host) || !sel.Name(key.Name) {
				excluded++
			}
			continue
		}
		matched++
		if !sel.Host(key.Host) {
			t.Fatalf("%q matches %q, and the host is excluded", text, key)
		}
		if !sel.Name(key.Name) {
			t.Fatalf("%q matches %q, and the name is excluded", text, key)
		}
	}
	if matched < 3000 || excluded < 3000 {
		t.Errorf("%d matched, %d were excluded: the patterns test too little", matched, excluded)
	}
}

// The other half of the bargain: what can be decided from one half of a key is.
func TestNarrowingExcludesWhatCannotMatch(t *testing.T) {
	for _, row := range []struct {
		pattern, host string
		can           bool
	}{
		{"web01#/etc/*", "web01", true},
		{"web01#/etc/*", "web02", false},
		{"web*#*", "db1", false},
		{"*passwd*", "db1", true}, // the name may hold it
	} {
		if got := selectKeys(NewGlob(row.pattern)).Host(row.host); got != row.can {
			t.Errorf("%q: host %s can match: %v, want %v", row.pattern, row.host, got, row.can)
		}
	}
	for _, row := range []struct {
		pattern, name string
		can           bool
	}{
		{"*passwd*", "/etc/passwd", true},
		{"*/passwd*", "/etc/group", false}, // no host holds a slash
		{"web*#/etc/*", "/proc/x", false},
		{"*w*", "/etc/group", true}, // the host may hold it
	} {
		if got := selectKeys(NewGlob(row.pattern)).Name(row.name); got != row.can {
			t.Errorf("%q: name %s can match: %v, want %v", row.pattern, row.name, got, row.can)
		}
	}
}

// Of hosts and names together, those stay that are part of a key that matches, and no
// others; of a glob that leads each host elsewhere, all may stay.
func TestNarrowingTogetherIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	excluded := 0
	for n := range redistest.Cases(t, 2000) {
		texts := make([]string, 60)
		for i := range texts {
			b := make([]byte, 1+random.IntN(12))
			for j := range b {
				b[j] = "ab-"[random.IntN(3)]
			}
			texts[i] = string(b)
		}
		hosts, names := texts[:40], texts[40:]
		text := "*" + randomGlob(random, hosts[0]+"#"+names[0]) + "*"
		g := NewGlob(text)
		wantHosts, wantNames := make(map[string]bool), make(map[string]bool)
		for _, h := range hosts {
			for _, name := range names {
				if g.Match(h + "#" + name) {
					wantHosts[h], wantNames[name] = true, true
				}
			}
		}
		gotHosts, gotNames := g.narrow(hosts, names)
		is := func(what string, got, all []string, want map[string]bool) {
			for _, s := range all {
				if slices.Contains(got, s) != want[s] {
					t.Fatalf("%d: %q: %s %q stays: %v, want %v", n, text, what, s, !want[s], want[s])
				}
				if !want[s] {
					excluded++
				}
			}
		}
		is("host", gotHosts, hosts, wantHosts)
		is("name", gotNames, names, wantNames)
	}
	if excluded < 10_000 {
		t.Errorf("only %d were excluded: the patterns test too little", excluded)
	}
}

func TestNarrowingTogetherNeverExcludesWhatMatches(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	hosts := make([]string, 3000)
	for i := range hosts {
		b := make([]byte, 40)
		for j := range b {
			b[j] = "ab"[random.IntN(2)]
		}
		hosts[i] = string(b)
	}
	names := []string{"/etc/a", "b", "/etc/motd"}
	g := NewGlob("*a" + strings.Repeat("?", 20)) // each host leads elsewhere
	gotHosts, gotNames := g.narrow(hosts, names)
	for _, h := range hosts {
		for _, n := range names {
			if g.Match(h+"#"+n) && !(slices.Contains(gotHosts, h) && slices.Contains(gotNames, n)) {
				t.Fatalf("%s#%s matches and is excluded", h, n)
			}
		}
	}
}

// randomGlob makes a pattern of glob characters and pieces of a key; about half
// of them match the key.
func randomGlob(random *rand.Rand, key string) string {
	const odd = `*?[]^-\#@a `
	if random.IntN(3) == 0 { // soup
		var b strings.Builder
		for range 1 + random.IntN(7) {
			if random.IntN(3) > 0 {
				b.WriteByte(odd[random.IntN(len(odd))])
			} else {
				i := random.IntN(len(key))
				b.WriteString(key[i:min(len(key), i+1+random.IntN(4))])
			}
		}
		return b.String()
	}
	// The key itself, with pieces turned into what matches them.
	var b strings.Builder
	from, to := 0, len(key)
	if random.IntN(2) == 0 {
		from = random.IntN(len(key))
		to = from + 1 + random.IntN(len(key)-from)
	}
	for i := from; i < to; i++ {
		c := key[i]
		switch random.IntN(10) {
		case 0:
			b.WriteByte('*')
			i += random.IntN(3)
		case 1:
			b.WriteByte('?')
		case 2:
			b.WriteString("[" + string([]byte{'a', c}) + "]")
		case 3:
			b.WriteString("[^" + string([]byte{c ^ 1}) + "]")
		case 4:
			b.WriteString("[" + string([]byte{c - 1, '-', c + 2}) + "]")
		case 5:
			b.WriteString(`\` + string([]byte{c}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
