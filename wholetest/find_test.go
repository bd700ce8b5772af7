package wholetest_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// oddNames are names that Publish takes and a search must not stumble over.
var oddNames = []string{
	"/etc/passwd", "/etc/passwd-", "/etc/hardware_identification.json@sysctl-a", "*", "?", "[", "]", "[]", "[a-z]", "[^x]",
	`\`, `\\`, `a\*b`, "#", "##", "a#b", "@", "@section", "x@y@z", " ", "a b", "  lead", "trail ", "-", "^", "a-b^c",
	"é", "日本語", "\u00a0", "x\ty", "with\nnewline", "\xff\xfe", "\x80", "/proc/net/bonding/bond0", "a*b?c", "]x[",
}

// TestFindReturnsWhatRedisKEYSWould is the promise of "find", held against the
// server itself: some thousand patterns, of all kinds, over keys of all kinds.
func TestFindReturnsWhatRedisKEYSWould(t *testing.T) {
	t.Parallel()
	patterns := redistest.Cases(t, 3000)
	random := rand.New(rand.NewPCG(3, 4))
	server := redistest.Start(t)
	c := connect(t, server.URL())
	var all []string
	for _, host := range []string{"a", "web01", "web02.example.com", "db-1_x", "10.0.0.1:22", "ab"} {
		var sources []snapshot.Source
		taken := map[string]bool{}
		for len(sources) < 25 {
			name := oddNames[random.IntN(len(oddNames))]
			if random.IntN(3) == 0 {
				name = randomName(random)
			}
			if taken[name] {
				continue
			}
			taken[name] = true
			sources = append(sources, text(name, ""))
			all = append(all, host+"#"+name)
		}
		publish(t, c, snapshotOf(host, sources...))
	}
	asked := make([]string, 0, patterns)
	for len(asked) < patterns {
		if p := randomPattern(random, all[random.IntN(len(all))]); p != "" {
			asked = append(asked, p)
		}
	}
	asked = append(asked, "a", "#", "*", "?", "[", "]", `\`, "[]", "[^]", "[z-a]", `x\`, "$", "*#*", "$*#*", "web01#*", `[^a]*#*`)
	want := askKEYS(t, server, asked)
	several := 0
	for i, str := range asked {
		got := keys(t, c, sysops.Query{Pattern: search(t, str)})
		if !slices.Equal(got, want[i]) {
			t.Fatalf("find %q\n got  %q\n KEYS %q", str, got, want[i])
		}
		if len(got) > 0 && len(got) < len(all) {
			several++
		}
	}
	if several < patterns/4 {
		t.Errorf("only %d of %d patterns selected some of the keys: they test too little", several, len(asked))
	}
}

// askKEYS returns, for each STR, the sorted answer of the server's own KEYS,
// less the index.
func askKEYS(t *testing.T, s *redistest.Server, strs []string) [][]string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	replies := bufio.NewReader(conn)
	integer := func(kind byte) int {
		line, err := replies.ReadString('\n')
		if err != nil || line[0] != kind {
			t.Fatalf("KEYS answers %q: %v", line, err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	out := make([][]string, len(strs))
	for i, str := range strs {
		if !strings.Contains(str, "#") {
			str = "*" + str + "*"
		}
		fmt.Fprintf(conn, "*2\r\n$4\r\nKEYS\r\n$%d\r\n%s\r\n", len(str), str)
		out[i] = []string{}
		for range integer('*') {
			buf := make([]byte, integer('$')+2)
			for n := 0; n < len(buf); {
				m, err := replies.Read(buf[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += m
			}
			if key := string(buf[:len(buf)-2]); key[0] != '$' {
				out[i] = append(out[i], key)
			}
		}
		slices.Sort(out[i])
	}
	return out
}

func randomName(random *rand.Rand) string {
	const odd = "ab/*?[]\\#@ -^.é\xff"
	var b strings.Builder
	for range 1 + random.IntN(6) {
		b.WriteByte(odd[random.IntN(len(odd))])
	}
	return b.String()
}

// randomPattern makes a STR of glob characters and pieces of a key.
func randomPattern(random *rand.Rand, key string) string {
	const special = `*?[]^-\`
	var b strings.Builder
	piece := func() {
		i := random.IntN(len(key))
		b.WriteString(key[i : i+1+random.IntN(len(key)-i)])
	}
	switch random.IntN(4) {
	case 0: // special characters and short pieces
		for range 1 + random.IntN(6) {
			if random.IntN(2) == 0 {
				b.WriteByte(special[random.IntN(len(special))])
			} else {
				i := random.IntN(len(key))
				b.WriteString(key[i:min(len(key), i+1+random.IntN(3))])
			}
		}
	case 1: // a piece
		piece()
	default: // the key, a few bytes of which became something that may match them
		for i := 0; i < len(key); i++ {
			c := key[i]
			switch random.IntN(14) {
			case 0:
				b.WriteByte('*')
				i += random.IntN(4)
			case 1:
				b.WriteByte('?')
			case 2:
				b.Write([]byte{'[', c, ']'})
			case 3:
				b.Write([]byte{'[', '^', c + 1, ']'})
			case 4:
				b.Write([]byte{'[', c + 3, '-', c - 3, ']'})
			case 5:
				b.Write([]byte{'\\', c})
			case 6:
				b.WriteByte(special[random.IntN(len(special))])
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

func TestFindNeverReturnsTheIndex(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("a#b", "x"), text("/etc/motd", "x")))
	for _, str := range []string{"$", "$on", "on:", "$*#*", "*#b", "[$]*#*"} {
		for _, k := range keys(t, c, sysops.Query{Pattern: search(t, str)}) {
			if strings.HasPrefix(k, "$") {
				t.Errorf("find %q returns %q", str, k)
			}
		}
	}
}

func TestAnEmptySearchIsAnError(t *testing.T) {
	if _, err := sysops.ParseSearch(""); err == nil {
		t.Error("it is accepted")
	}
}
