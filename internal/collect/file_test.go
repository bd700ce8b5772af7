package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/snapshot"
)

func TestAPseudoFileIsReadToItsEnd(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/version", "/proc/version")
	want, err := os.ReadFile("/proc/version")
	h.must(err)
	if got := h.objects()["/proc/version"]; got != string(want) || got == "" {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPseudoFileLargerThanTheFirstBufferIsReadToItsEnd(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", "/proc/kallsyms") // megabytes, and its size is 0
	h.options.MaxSize = 64 << 20
	content, err := h.list().Sources[0].Read(t.Context())
	h.must(err)
	want, err := os.ReadFile("/proc/kallsyms")
	h.must(err)
	if len(want) < 10*smallest || bytes.Count(content.Data, []byte("\n")) != bytes.Count(want, []byte("\n")) {
		t.Errorf("got %d bytes, want %d", len(content.Data), len(want))
	}
}

func TestAFileOfTheLimitIsSent(t *testing.T) {
	h := newHost(t)
	h.options.MaxSize = 10
	h.link("outgoing/x", h.write("f", "0123456789"))
	h.expect(map[string]string{"f": "0123456789"})
}

func TestAFileOverTheLimitIsReplacedByASentence(t *testing.T) {
	h := newHost(t)
	h.options.MaxSize = 10
	path := h.write("huge", "0123456789x")
	h.link("outgoing/x", path)
	h.expect(map[string]string{"huge@file_size_exceeded": path + ": 11 bytes, the limit is 10\n"})
	content, err := h.list().Sources[0].Read(t.Context())
	h.must(err)
	if content.Stat == nil || content.Stat.Size != 11 {
		t.Errorf("stat is %+v", content.Stat)
	}
}

func TestAPseudoFileOverTheLimitIsReplacedByASentence(t *testing.T) {
	h := newHost(t)
	h.options.MaxSize = 4
	h.link("outgoing/x", "/proc/version")
	h.expect(map[string]string{"/proc/version@file_size_exceeded": "/proc/version: 5 bytes, the limit is 4\n"})
}

func TestAFileThatGrowsOverTheLimitAfterListingIsReplacedByASentence(t *testing.T) {
	h := newHost(t)
	h.options.MaxSize = 10
	path := h.write("log", "short")
	h.link("outgoing/x", path)
	source := h.list().Sources[0]
	h.write("log", strings.Repeat("x", 100))
	content, err := source.Read(t.Context())
	h.must(err)
	if content.Name != path+"@file_size_exceeded" || string(content.Data) != path+": 100 bytes, the limit is 10\n" {
		t.Errorf("got %q: %q", content.Name, content.Data)
	}
}

func TestAFileCostsItsSizeInMemory(t *testing.T) {
	h := newHost(t)
	const size = 10 << 20
	h.link("outgoing/x", h.write("big", strings.Repeat("x", size)))
	content, err := h.list().Sources[0].Read(t.Context())
	h.must(err)
	if len(content.Data) != size || cap(content.Data) > size+64<<10 {
		t.Errorf("%d bytes in a buffer of %d", len(content.Data), cap(content.Data))
	}
}

// file writes a file of the root folder and returns it.
func (h *host) file(name, text string) *file {
	h.t.Helper()
	h.write(name, text)
	return &file{item: item{name: name, folder: h.folder("."), path: name}, max: 1000, redaction: newRedaction(nil, nil), secrecy: newSecrecy(nil)}
}

func TestAFileThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	h := newHost(t)
	f := h.file("log", "first")
	reads := 0
	f.finished = func() {
		if reads++; reads == 1 {
			h.write("log", "second, longer")
		}
	}
	content, err := f.read(t.Context())
	h.must(err)
	if string(content.Data) != "second, longer" || reads != 2 {
		t.Errorf("got %q after %d reads", content.Data, reads)
	}
}

func TestAFileThatIsRewrittenInPlaceWithTheSameSizeIsReadAgain(t *testing.T) {
	h := newHost(t)
	f := h.file("conf", "aaaa")
	reads := 0
	f.finished = func() {
		if reads++; reads == 1 {
			h.write("conf", "bbbb")
			h.must(os.Chtimes(h.path("conf"), time.Time{}, time.Unix(1_000_000_000, 0)))
		}
	}
	content, err := f.read(t.Context())
	h.must(err)
	if string(content.Data) != "bbbb" || content.Stat.Mtime != 1_000_000_000 {
		t.Errorf("got %q with mtime %d", content.Data, content.Stat.Mtime)
	}
}

func TestAFileThatNeverStandsStillYieldsItsThirdReading(t *testing.T) {
	h := newHost(t)
	f := h.file("log", "0")
	reads := 0
	f.finished = func() {
		reads++
		h.write("log", strings.Repeat("x", reads+1))
	}
	content, err := f.read(t.Context())
	h.must(err)
	if string(content.Data) != "xxx" || reads != 3 {
		t.Errorf("got %q after %d reads", content.Data, reads)
	}
}

func TestAFileThatVanishesIsNotExist(t *testing.T) {
	h := newHost(t)
	path := h.write("etc/gone", "x")
	h.link("outgoing/x", path)
	source := h.list().Sources[0]
	h.must(os.Remove(path))
	_, err := source.Read(t.Context())
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != "cannot read "+path+": no such file or directory" {
		t.Errorf("error is %v", err)
	}
}

func TestAFileThatCannotBeReadIsAnErrorOfRead(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", "/proc/self/mem") // address 0 is never mapped, for root neither
	s := h.list()
	if len(s.Sources) != 1 || len(s.Problems) != 0 {
		t.Fatalf("%d sources, problems %v", len(s.Sources), s.Problems)
	}
	_, err := s.Sources[0].Read(t.Context())
	if !errors.Is(err, syscall.EIO) || !errors.Is(err, snapshot.ErrUnknown) || err.Error() != "cannot read /proc/self/mem: it could not be looked at: input/output error" {
		t.Errorf("error is %v", err)
	}
}

func TestAPathBelowAFileIsAProblem(t *testing.T) {
	h := newHost(t)
	path := h.write("file", "") + "/below"
	h.link("outgoing/x", path)
	p := h.expectProblem(h.list(), "cannot read "+path+": not a directory")
	if !errors.Is(p, syscall.ENOTDIR) {
		t.Errorf("got %#v", p.Err)
	}
}

func TestAFileThatBecameAPipeIsNotOpened(t *testing.T) {
	for _, through := range []string{"link", "walk"} {
		t.Run(through, func(t *testing.T) {
			h := newHost(t)
			path := h.write("d/file", "x")
			h.link("outgoing/x", map[string]string{"link": path, "walk": h.path("d")}[through])
			source := h.list().Sources[0]
			h.must(os.Remove(path))
			h.must(syscall.Mkfifo(path, 0o600))
			_, err := source.Read(t.Context())
			if err == nil || err.Error() != "cannot read "+path+": it is a pipe, not a file" {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestAWalkedFileThatBecameALinkIsNotFollowed(t *testing.T) {
	h := newHost(t)
	path := h.write("d/file", "x")
	h.link("outgoing/x", h.path("d"))
	source := h.list().Sources[0]
	h.must(os.Remove(path))
	h.link("d/file", h.write("secret", "s"))
	_, err := source.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("error is %v", err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	h := newHost(t)
	h.link("outgoing/x", h.write("f", "x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.list().Sources[0].Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func BenchmarkOutgoing100FilesOf47KB(b *testing.B) {
	dir := b.TempDir()
	text := []byte(strings.Repeat("net.core.netdev_budget = 300\n", 47<<10/29))
	for i := range 100 {
		if err := os.WriteFile(fmt.Sprintf("%s/file%03d", dir, i), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	o := FileOptions{JSON: dir + "/none.json", Redactor: redact.New([]byte("sixteen bytes or more"))}
	b.SetBytes(int64(100 * len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Outgoing(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		for _, source := range s.Sources {
			if _, err := source.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
