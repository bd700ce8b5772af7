package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// golden returns a frame and its contents as they were once checked in.
func golden(t testing.TB, name string) (frame, contents []byte) {
	t.Helper()
	return goldenFile(t, name+".frame"), goldenFile(t, name+".contents")
}

// goldenBase returns the base that a golden frame refers to.
func goldenBase(t testing.TB, name string) *Base {
	t.Helper()
	return NewBase(goldenFile(t, name+".base"))
}

func goldenFile(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// What was once written must stay readable.
func TestGoldenFrames(t *testing.T) {
	for _, row := range []struct {
		name string
		kind Kind
	}{
		{"stored", Stored},
		{"stored-empty", Stored},
		{"stored-binary", Stored},
		{"zstd", Zstd},
		{"zstd-cli", Zstd}, // zstd -19 --check: another writer than ours
		{"bzip2", Bzip2},   // Python's bz2, as the original's inserter
		{"bzip2-empty", Bzip2},
		{"same", Same},
		{"same-open", Same},
		{"delta-insert-first", Delta},
		{"delta-insert-within", Delta},
		{"delta-insert-last", Delta},
		{"delta-open-base", Delta}, // only its base lacks the last newline
		{"delta-open", Delta},      // only its contents do
		{"delta-open-both", Delta},
		{"delta-moved", Delta},         // blocks in another order, one of them twice
		{"delta-like-previous", Delta}, // lines that begin like the one before
		{"delta-like-base", Delta},     // and like the base's
		{"delta-binary", Delta},
		{"delta-empty-lines", Delta},
		{"delta-of-nothing", Delta},         // empty contents
		{"delta-against-nothing", Delta},    // an empty base
		{"delta-numbers-of-2-bytes", Delta}, // a skip of -200 lines, 210 copied, 150 inserted
	} {
		t.Run(row.name, func(t *testing.T) {
			frame, want := golden(t, row.name)
			if kind, err := KindOf(frame); kind != row.kind || err != nil {
				t.Errorf("its kind is %q, %v; want %q", kind, err, row.kind)
			}
			var base *Base
			if id, refers := BaseOf(frame); refers {
				if base = goldenBase(t, row.name); base.ID != id {
					t.Errorf("it refers to %x, its base is %x", id, base.ID)
				}
			}
			got, err := NewDecoder(0).Decode(frame, base)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// Other hosts' readers of the same version must understand what is written now.
func TestStoredFramesAreWrittenAsTheyWere(t *testing.T) {
	for _, name := range []string{"stored", "stored-empty", "stored-binary"} {
		want, contents := golden(t, name)
		if got := NewEncoder().Encode(contents); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
}

func TestFramesAgainstABaseAreWrittenAsTheyWere(t *testing.T) {
	files, err := filepath.Glob("testdata/*.base")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden frame has a base", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".base")
		want, contents := golden(t, name)
		base := goldenBase(t, name)
		got := NewPacking(contents).delta(base)
		if want[0] == same {
			got = SameAs(base.ID, len(contents))
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", name, got, want)
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"", "a", "\n", "\x00", strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("line of text\n", 100), "\x28\xb5\x2f\xfd", "BZh9"} {
		f.Add([]byte(s))
	}
	for _, n := range []int{65, 127, 128, 300, 5000, 1 << 17} { // does not compress
		f.Add(noise(n))
	}
	enc, dec := NewEncoder(), NewDecoder(0)
	f.Fuzz(func(t *testing.T, contents []byte) {
		for _, frame := range [][]byte{enc.Encode(contents), store(contents), enc.zstd.EncodeAll(contents, nil)} {
			if len(contents) == 0 && len(frame) == 0 {
				continue // zstd makes nothing of nothing; Encode does not ask it to
			}
			got, err := dec.Decode(frame, nil)
			if err != nil || !bytes.Equal(got, contents) {
				t.Fatalf("%d bytes came back as %d: %v", len(contents), len(got), err)
			}
			if n, ok := Len(frame); !ok || n != len(contents) {
				t.Fatalf("the frame of %d bytes says %d, %v", len(contents), n, ok)
			}
		}
	})
}

// Whatever a server hands out, Decode returns contents or an error; it neither
// panics nor exceeds the limit, nor a few times its memory on the way there.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"stored", "zstd", "zstd-cli", "bzip2", "bzip2-empty", "same", "delta-moved"} {
		frame, _ := golden(f, name)
		f.Add(frame)
		f.Add(frame[:len(frame)/2])
	}
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd})
	const limit = 1 << 16
	dec := NewDecoder(limit)
	f.Fuzz(func(t *testing.T, frame []byte) {
		Len(frame)
		var contents []byte
		var err error
		if n := redistest.Allocated(func() { contents, err = dec.Decode(frame, nil) }); n > 8<<20 { // bzip2 takes 4 MB for a block
			t.Fatalf("%d bytes took %d", len(frame), n)
		}
		if len(contents) > limit {
			t.Fatalf("%d bytes, over the limit", len(contents))
		}
		if err != nil && !isKindOfError(err) {
			t.Fatalf("an error of no kind: %v", err)
		}
	})
}

func noise(n int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// A sample is contents in a frame.
type sample struct {
	name            string
	frame, contents []byte
	base            *Base // that frame refers to
}

// damageable returns frames that must notice when a byte of them changes.
func damageable(t *testing.T) []sample {
	settings := []byte(strings.Repeat("netdev_budget = 300\n", 10))
	users := []byte(strings.Repeat("root:x:0:0:/root:/bin/sh\nbin:x:2:2:/bin:/bin/false\n", 60))
	enc, base := NewEncoder(), NewBase(settings)
	out := []sample{
		{name: "stored, short", contents: []byte("net.core.netdev_budget = 300\n")},
		{name: "stored, empty"},
		{name: "stored, long", contents: noise(200)}, // its length takes two bytes
		{name: "zstd, short", contents: settings},
		{name: "zstd, long", contents: users},
		{name: "same", contents: settings, base: base, frame: SameAs(base.ID, len(settings))},
		{name: "delta, empty", base: base},
		{name: "delta, short", contents: []byte("kernel.panic = 0\nnetdev_budget = 300\n"), base: base},
		{name: "delta, open", contents: []byte("netdev_budget = 300"), base: base},
		{name: "delta, long", contents: slices.Concat(settings, noise(200), settings), base: base},
	}
	for i := range out {
		f := &out[i]
		switch {
		case f.frame != nil:
		case f.base != nil:
			f.frame = NewPacking(f.contents).delta(f.base)
		default:
			f.frame = enc.Encode(f.contents)
		}
		if kind, _ := KindOf(f.frame); !strings.HasPrefix(f.name, string(kind)) {
			t.Fatalf("%s is %s", f.name, kind)
		}
	}
	return out
}

func TestAChangedByteIsNeverOtherContents(t *testing.T) {
	dec := NewDecoder(1 << 20)
	for _, f := range damageable(t) {
		t.Run(f.name, func(t *testing.T) {
			refused := 0
			for i := range f.frame {
				was := f.frame[i]
				for v := range 256 {
					if byte(v) == was {
						continue
					}
					f.frame[i] = byte(v)
					got, err := dec.Decode(f.frame, f.base)
					if err == nil && !bytes.Equal(got, f.contents) {
						t.Fatalf("byte %d as %02x instead of %02x gives %.80q", i, v, was, got)
					}
					if err != nil {
						refused++
					}
				}
				f.frame[i] = was
			}
			// zstd looks at the contents: there are bytes of which they do not depend.
			if changes := 255 * len(f.frame); refused < changes && !strings.HasPrefix(f.name, "zstd") || refused < changes*50/51 {
				t.Errorf("only %d of %d changes were found out", refused, changes)
			}
		})
	}
}

func TestATruncatedFrameIsAnError(t *testing.T) {
	dec := NewDecoder(1 << 20)
	for _, f := range damageable(t) {
		t.Run(f.name, func(t *testing.T) {
			for n := range f.frame {
				if got, err := dec.Decode(f.frame[:n], f.base); err == nil {
					t.Errorf("%d of %d bytes give %.80q", n, len(f.frame), got)
				}
			}
		})
	}
	frame, _ := golden(t, "bzip2")
	for n := range frame {
		if got, err := dec.Decode(frame[:n], nil); err == nil {
			t.Errorf("%d of %d bytes of bzip2 give %.80q", n, len(frame), got)
		}
	}
}

func TestBytesAfterAFrameAreDamage(t *testing.T) {
	dec := NewDecoder(1 << 20)
	for _, f := range damageable(t) {
		for _, more := range [][]byte{{0}, []byte("x"), bytes.Repeat([]byte{0}, 20), f.frame} {
			got, err := dec.Decode(slices.Concat(f.frame, more), f.base)
			if err == nil && (!strings.HasPrefix(f.name, "zstd") || !bytes.Equal(got, f.contents)) {
				t.Errorf("%s and %d bytes more: %.80q", f.name, len(more), got)
			}
		}
	}
}

func TestAnUnknownKindIsShown(t *testing.T) {
	for _, row := range []struct{ frame, shown string }{
		{"junk", "6a 75 6e 6b"},
		{"\x03\x02\x03\x04\x05", "03 02 03 04"},
		{"\x04", "04"},
		{"\x28\xb5\x2f", "28 b5 2f"}, // nearly zstd
		{"BZ", "42 5a"},
		{"\xff\xfe", "ff fe"},
	} {
		_, err := NewDecoder(0).Decode([]byte(row.frame), nil)
		if !errors.Is(err, ErrUnknownKind) || !strings.Contains(err.Error(), row.shown) {
			t.Errorf("%q: %v; want ErrUnknownKind that shows %s", row.frame, err, row.shown)
		}
	}
}

func TestAnEmptyFrameIsAnError(t *testing.T) {
	if _, err := NewDecoder(0).Decode(nil, nil); !errors.Is(err, ErrUnknownKind) && !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}

func TestEmptyContentsHaveAFrame(t *testing.T) {
	frame := NewEncoder().Encode(nil)
	if len(frame) == 0 {
		t.Fatal("it is empty")
	}
	if got, err := NewDecoder(0).Decode(frame, nil); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTheLimitIsOnContents(t *testing.T) {
	for _, limit := range []int{90, 5000} { // under and over zstd's least window
		dec := NewDecoder(limit)
		for _, pack := range []struct {
			name string
			pack func([]byte) []byte
		}{
			{"stored", store},
			{"zstd", func(b []byte) []byte { return NewEncoder().zstd.EncodeAll(b, nil) }},
		} {
			for _, fill := range [][]byte{bytes.Repeat([]byte("a"), limit+1), noise(limit + 1)} {
				if _, err := dec.Decode(pack.pack(fill[:limit]), nil); err != nil {
					t.Errorf("%s: %d bytes are refused: %v", pack.name, limit, err)
				}
				if _, err := dec.Decode(pack.pack(fill), nil); !errors.Is(err, ErrTooLarge) {
					t.Errorf("%s: %d bytes: %v; want ErrTooLarge", pack.name, limit+1, err)
				}
				if got, err := dec.Decode(streamed(fill), nil); err == nil {
					t.Errorf("zstd that declares no length: %d bytes were unpacked", len(got))
				}
			}
		}
	}
}

// streamed packs as a writer does that does not know the length in advance.
func streamed(contents []byte) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(1<<10), zstd.WithEncoderCRC(true))
	if err != nil {
		panic(err)
	}
	// Small writes, flushed: else the writer sees all of it and declares the length.
	for len(contents) > 0 {
		n := min(len(contents), 1<<20)
		if _, err := w.Write(contents[:n]); err != nil {
			panic(err)
		}
		if n < 1<<20 {
			if err := w.Flush(); err != nil {
				panic(err)
			}
		}
		contents = contents[n:]
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// A frame of a few bytes must not cost a reader more memory than it allows.
func TestABombIsRefusedWithoutUnpackingIt(t *testing.T) {
	const limit, size = 1 << 20, 100 << 20
	zeros := make([]byte, size)
	bzip2Bomb, err := os.ReadFile("testdata/bomb.bz2")
	if err != nil {
		t.Fatal(err)
	}
	declared := NewEncoder().zstd.EncodeAll(zeros, nil)
	undeclared := streamed(zeros)
	if _, ok := Len(undeclared); ok {
		t.Fatal("the streamed frame declares its length: it tests nothing")
	}
	// A stored frame that claims more than it has.
	liar := binary.AppendUvarint([]byte{0}, size)
	liar = binary.LittleEndian.AppendUint64(liar, xxhash.Sum64(liar))
	zeros = nil
	for _, row := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"zstd that declares its length", declared, ErrTooLarge},
		{"zstd that does not", undeclared, ErrDamaged}, // not in our format
		{"bzip2", bzip2Bomb, ErrTooLarge},
		{"stored that lies", liar, ErrDamaged},
	} {
		t.Run(row.name, func(t *testing.T) {
			dec := NewDecoder(limit)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			contents, err := dec.Decode(row.frame, nil)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, row.want) || contents != nil {
				t.Errorf("%d bytes, %v; want %v", len(contents), err, row.want)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 24*limit {
				t.Errorf("it took %d MiB to refuse %d bytes", spent>>20, len(row.frame))
			}
		})
	}
}

func TestADecoderMayBeUsedConcurrently(t *testing.T) {
	dec := NewDecoder(1 << 20)
	enc := NewEncoder()
	errs := make(chan error, 8)
	for g := range 8 {
		contents := bytes.Repeat(fmt.Appendf(nil, "goroutine %d\n", g), 200)
		frame := enc.Encode(contents)
		go func() {
			for range 200 {
				if got, err := dec.Decode(frame, nil); err != nil || !bytes.Equal(got, contents) {
					errs <- fmt.Errorf("goroutine %d: %q, %v", g, got[:min(20, len(got))], err)
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestEncodeTakesTheSmallerFrame(t *testing.T) {
	for _, row := range []struct {
		name     string
		contents []byte
		want     Kind
	}{
		{"short", []byte("short"), Stored},
		{"text", []byte(strings.Repeat("a line that repeats\n", 50)), Zstd},
		{"noise", noise(4096), Stored},
	} {
		frame := NewEncoder().Encode(row.contents)
		if kind, _ := KindOf(frame); kind != row.want {
			t.Errorf("%s: %s, want %s", row.name, kind, row.want)
		}
		if len(frame) > len(row.contents)+12 {
			t.Errorf("%s: %d bytes became %d", row.name, len(row.contents), len(frame))
		}
	}
}
