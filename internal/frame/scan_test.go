package frame

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// scannerOf returns a Scanner that searches for expr in contents of limit bytes.
func scannerOf(t testing.TB, expr string, o ExprOptions, limit int) *Scanner {
	t.Helper()
	return NewSearch(compile(t, expr, o), NewDecoder(limit), SearchOptions{}).NewScanner()
}

// partsOf returns what was found, part by part.
func partsOf(found *Found) []string {
	out := []string{}
	found.Each(func(r Run) bool {
		before := len(out)
		if r.Hits == nil {
			out = append(out, string(r.Part))
		} else {
			for _, part := range r.Hits.Parts[r.From:r.To] {
				out = append(out, string(part))
			}
		}
		if len(out)-before != r.Len() {
			panic(fmt.Sprintf("a run of %d parts says %d", len(out)-before, r.Len()))
		}
		return true
	})
	return out
}

// sameFound checks what was found in contents.
func sameFound(t testing.TB, found *Found, contents string, want []string) {
	t.Helper()
	if got := partsOf(found); !slices.Equal(got, want) {
		t.Fatalf("in %q\n got  %q\n want %q", contents, got, want)
	}
	if found.Count() != len(want) || found.Length != len(contents) || found.Binary != strings.Contains(contents, "\x00") {
		t.Fatalf("in %q: %d parts, want %d; %d bytes; binary: %v", contents, found.Count(), len(want), found.Length, found.Binary)
	}
}

// framesOf returns contents in every kind of frame that can hold them.
func framesOf(enc *Encoder, contents string, base *Base) []sample {
	c := []byte(contents)
	own := NewBase(c)
	samples := []sample{
		{"stored", store(c), c, nil},
		{"same", SameAs(own.ID, len(c)), c, own},
		{"delta", NewPacking(c).delta(base), c, base},
		{"delta against itself", NewPacking(c).delta(own), c, own},
		{"delta against nothing", NewPacking(c).delta(NewBase(nil)), c, NewBase(nil)},
	}
	if contents != "" {
		samples = append(samples, sample{"zstd", enc.zstd.EncodeAll(c, nil), c, nil})
	}
	return samples
}

// What is found is what unpacking and searching line by line finds, whatever the frame,
// whatever the scanner searched before.
func FuzzSearch(f *testing.F) {
	for _, expr := range []string{"", "a", "^$", "a|b", "(a)b?", "(?i)k", `\bt`, "e$", "İ", `\Qa`, "x*"} {
		for _, bits := range []uint16{0, 2, 4, 8, 8 | 16, 32, 8 | 32, 64, 8 | 64, 4 | 128} {
			f.Add(expr, "one\ntwo\n\nat a bank\nKelvin\x00", "two\none\nat\n\nat a tank\n", bits)
		}
	}
	f.Add("a", "a", "a\n", uint16(0))
	f.Add("a", "", "\n", uint16(4))
	enc, dec := NewEncoder(), NewDecoder(0)
	f.Fuzz(func(t *testing.T, expr, contents, base string, bits uint16) {
		o, most := optionsOf(bits)
		if len(expr) > 40 || len(contents) > 500 || len(base) > 500 || o.Word && len(contents) > 40 {
			return
		}
		x, err := Compile(expr, o)
		if err != nil {
			return
		}
		scanner := NewSearch(x, dec, SearchOptions{Most: most}).NewScanner()
		want := naive(expr, o, contents, most)
		frames := framesOf(enc, contents, NewBase([]byte(base)))
		for _, s := range slices.Concat(frames, frames) {
			found, err := scanner.Frame(s.frame, s.base)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			sameFound(t, found, contents, want)
		}
	})
}

func TestASearchFindsWhatUnpackingAndLookingFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	enc, dec := NewEncoder(), NewDecoder(1<<16)
	for range redistest.Cases(t, 500) {
		o, most := optionsOf(uint16(random.IntN(1 << 8)))
		alphabet, longest := "abB. é\r\x00_", 40
		if o.Word {
			alphabet, longest = "ab_ -", 8 // its definition is slow
		}
		expr := randomExpr(random, 2)
		if random.IntN(3) == 0 {
			expr = randomNeedle(random)
		}
		search := NewSearch(compile(t, expr, o), dec, SearchOptions{Most: most})
		scanner := search.NewScanner()
		var samples []sample
		for range 2 {
			text := randomText(random, alphabet, longest)
			base := NewBase([]byte(text))
			for range 3 {
				contents := text
				if !o.Word {
					contents = randomEdits(random, text)
				}
				samples = append(samples, framesOf(enc, contents, base)...)
			}
		}
		random.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
		wants := make(map[string][]string)
		for _, s := range samples {
			contents := string(s.contents)
			if wants[contents] == nil {
				wants[contents] = naive(expr, o, contents, most)
			}
			found, err := scanner.Frame(s.frame, s.base)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			func() {
				defer func() {
					if t.Failed() {
						t.Logf("%q with %+v, %d at most, %s", expr, o, most, s.name)
					}
				}()
				sameFound(t, found, contents, wants[contents])
			}()
			if random.IntN(4) == 0 { // what is damaged must leave no trace
				damaged := bytes.Clone(s.frame)
				damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
				agree(t, scanner, damaged, s.base)
			}
		}
	}
}

// agree checks that a search finds a frame as wrong as Decode does.
func agree(t testing.TB, scanner *Scanner, frame []byte, base *Base) {
	t.Helper()
	_, err := scanner.search.decoder.Decode(frame, base)
	found, scanErr := scanner.Frame(frame, base)
	if fmt.Sprint(err) != fmt.Sprint(scanErr) || (err == nil) != (found != nil) {
		t.Fatalf("% x\nDecode: %v\na search: %v", frame, err, scanErr)
	}
	if err != nil && !isKindOfError(err) {
		t.Fatalf("an error of no kind: %v", err)
	}
}

func TestASearchRefusesWhatDecodeRefuses(t *testing.T) {
	scanner := scannerOf(t, "net", ExprOptions{}, 1<<12)
	for _, s := range damageable(t) {
		other := NewBase([]byte("another\n"))
		for n := range s.frame {
			agree(t, scanner, s.frame[:n], s.base)
			agree(t, scanner, s.frame[:n], nil)
			damaged := bytes.Clone(s.frame)
			damaged[n] ^= 0x41
			agree(t, scanner, damaged, s.base)
			agree(t, scanner, damaged, other)
		}
		agree(t, scanner, append(bytes.Clone(s.frame), 0), s.base)
	}
	for _, frame := range [][]byte{nil, {}, {same}, {delta}, []byte("junk"), make([]byte, 41)} {
		agree(t, scanner, frame, nil)
		agree(t, scanner, frame, NewBase(nil))
	}
}

// A line of the base counts each time that it is copied; a search for the first few ends
// within a copy as well as within lines of the object's own.
func TestTheFirstFewAreTheFirst(t *testing.T) {
	base := "a 1\na 2\nb\na 3\n"
	contents := "a own\n" + base + base + "a last\n"
	frame := NewPacking([]byte(contents)).delta(NewBase([]byte(base)))
	all := naive("a", ExprOptions{}, contents, 0)
	for most := range len(all) + 3 {
		scanner := NewSearch(compile(t, "a", ExprOptions{}), NewDecoder(0), SearchOptions{Most: most}).NewScanner()
		found, err := scanner.Frame(frame, NewBase([]byte(base)))
		if err != nil {
			t.Fatal(err)
		}
		want := all
		if most > 0 {
			want = all[:min(most, len(all))]
		}
		sameFound(t, found, contents, want)
	}
}

// Hosts that copy the same lines of a base get the same Hits: whoever counts goes by that.
func TestABaseIsSearchedOnce(t *testing.T) {
	text := []byte("a 1\nb\na 2\n")
	search := NewSearch(compile(t, "a", ExprOptions{}), NewDecoder(0), SearchOptions{})
	var first *Hits
	for range 3 {
		base := NewBase(text) // read again, as when it was dropped from memory
		frame := NewPacking([]byte("a 1\nb\n")).delta(base)
		found, err := search.NewScanner().Frame(frame, base)
		if err != nil {
			t.Fatal(err)
		}
		var runs []Run
		found.Each(func(r Run) bool {
			runs = append(runs, r)
			return true
		})
		if len(runs) != 1 || runs[0].Hits == nil {
			t.Fatalf("%+v", runs)
		}
		if first == nil {
			first = runs[0].Hits
		}
		if runs[0].Hits != first {
			t.Error("it was searched again")
		}
	}
}

func TestASearchMayHaveManyScanners(t *testing.T) {
	base := NewBase([]byte(strings.Repeat("a 1\nb\n", 100)))
	search := NewSearch(compile(t, "a [0-9]", ExprOptions{OnlyMatching: true}), NewDecoder(0), SearchOptions{})
	var wg sync.WaitGroup
	for g := range 8 {
		contents := fmt.Sprintf("a %d\n%sc\n", g, base.Contents())
		frame := NewPacking([]byte(contents)).delta(base)
		want := naive("a [0-9]", ExprOptions{OnlyMatching: true}, contents, 0)
		wg.Go(func() {
			scanner := search.NewScanner()
			for range 50 {
				found, err := scanner.Frame(frame, base)
				if err != nil || !slices.Equal(partsOf(found), want) {
					t.Errorf("scanner %d: %v", g, errors.Join(err, errors.New("found something else")))
					return
				}
			}
		})
	}
	wg.Wait()
}

// Searching allocates nothing once its memory has grown: there are tens of thousands of
// frames.
func TestASearchOfManyFramesReusesItsMemory(t *testing.T) {
	base := NewBase(sysctl(1))
	frame := NewPacking(sysctl(2)).delta(base)
	scanner := scannerOf(t, `netdev_budget\b`, ExprOptions{}, 0)
	n := testing.AllocsPerRun(100, func() {
		if found, err := scanner.Frame(frame, base); err != nil || found.Count() != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
