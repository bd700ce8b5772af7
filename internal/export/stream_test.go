package export_test

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/sysops-api/sysops-api/internal/export"
)

func TestTar(t *testing.T) {
	c := newCache(t)
	long := strings.Repeat("/deep-folder", 30) + "/file"
	c.push("web1", map[string]file{
		"/bin/su": {"x", 1234567890, 0o106755}, "/etc/motd": text("hi\n"), "/out@a": {contents: ""}, long: text("far down"), "/ü\xff": text("\x00"),
	})
	c.push("web2", map[string]file{
		"/../x": text("bad"), "/dir/y": text("in a folder"), "dir": text("its name"), "/a": text("a file"), "/a/b": text("below it"), "/a.b": text("beside it"), "etc/x": text("without"), "/etc/x": text("with"),
	})
	var b bytes.Buffer
	steps := 0
	r, err := export.WriteTar(t.Context(), &b, c.ask("*#*"), export.StreamOptions{Progress: func() { steps++ }})
	if err != nil || r.Written != 9 || r.Refused.Count != 4 || steps != 13 {
		t.Errorf("%+v after %d steps, %v", r, steps, err)
	}
	got := make(map[string]string)
	archive := tar.NewReader(&b)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(text)
		if h.Typeflag != tar.TypeReg || h.Mode != 0o600 || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s is of type %q, mode %o, %d:%d", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid)
		}
		if h.Name == "default/web1/bin/su" && h.ModTime.Unix() != 1234567890 {
			t.Errorf("%s has mtime %v", h.Name, h.ModTime)
		}
	}
	want := map[string]string{
		"default/web1/bin/su": "x", "default/web1/etc/motd": "hi\n", "default/web1/out@a": "", "default/web1" + long: "far down", "default/web1/ü\xff": "\x00",
		"default/web2/a": "a file", "default/web2/a.b": "beside it", "default/web2/etc/x": "with", "default/web2/dir/y": "in a folder",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the archive holds %q\nwant %q", got, want)
	}
}

func TestParquet(t *testing.T) {
	c := newCache(t)
	c.push("web1", map[string]file{"/etc/motd": {"hi ü\n", 1234567890, 0o100644}, "/out@a": {contents: "\x00\xff"}, "/\xff": text(""), "/../x": text("no path")})
	c.push("web2", map[string]file{"/etc/motd": text("hi\n")})
	var b bytes.Buffer
	r, err := export.WriteParquet(t.Context(), &b, c.ask("*#*"), export.StreamOptions{})
	if err != nil || r.Written != 5 || r.Refused.Count != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	rows, err := parquet.Read[export.Row](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, row := range rows {
		keys = append(keys, row.Key)
		if row.Key != row.Host+"#"+row.Name || row.Site != "default" || row.Core != "default" || row.Time.IsZero() || row.Bytes != int64(len(row.Contents)) ||
			row.SHA256 != fmt.Sprintf("%x", sha256.Sum256(row.Contents)) || row.MD5Sum != fmt.Sprintf("%x", md5.Sum(row.Contents)) {
			t.Errorf("a row is %+v", row)
		}
	}
	if want := []string{"web1#/../x", "web1#/etc/motd", "web2#/etc/motd", "web1#/out@a", "web1#/\ufffd"}; !slices.Equal(keys, want) {
		t.Fatalf("the keys are %q, want %q", keys, want)
	}
	motd, out := rows[1], rows[3]
	if string(motd.Contents) != "hi ü\n" || *motd.Mode != 0o100644 || *motd.Size != 6 || *motd.UID != 0 || *motd.GID != 0 ||
		!motd.Mtime.Equal(time.Unix(1234567890, 0)) || motd.Lines != 1 || motd.Words != 1 {
		t.Errorf("a file's row is %+v", motd)
	}
	if string(out.Contents) != "\x00\xff" || out.Mode != nil || out.Size != nil || out.Mtime != nil || out.UID != nil || out.GID != nil {
		t.Errorf("the row of a command's output is %+v", out)
	}
}

// Row groups end where their contents are many, and every row is in one of them.
func TestParquetOfMuch(t *testing.T) {
	c := newCache(t)
	random := rand.New(rand.NewPCG(1, 2))
	want := make(map[string][]byte)
	for n := range 5 {
		big := make([]byte, 4<<20)
		for i := 0; i+8 <= len(big); i += 8 {
			copy(big[i:], fmt.Sprintf("%08x", random.Uint32()))
		}
		host := fmt.Sprintf("web%d", n)
		c.push(host, map[string]file{"/big": text(string(big)), "/small": text(host)})
		want[host] = big
	}
	var b bytes.Buffer
	if _, err := export.WriteParquet(t.Context(), &b, c.ask("*#*"), export.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.RowGroups()); n != 2 {
		t.Errorf("20 MiB are in %d row groups, want 2", n)
	}
	rows, err := parquet.Read[export.Row](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		if row.Name == "/big" && !bytes.Equal(row.Contents, want[row.Host]) || row.Name == "/small" && string(row.Contents) != row.Host {
			t.Errorf("%s has other contents", row.Key)
		}
	}
}

func TestWriteFileIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.tar")
	fill := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			_, failed := io.WriteString(w, text)
			return errors.Join(err, failed)
		}
	}
	files := func() string { return fmt.Sprint(contents(t, dir)) }
	if err := export.WriteFile(path, 0o640, fill("one", nil)); err != nil {
		t.Fatal(err)
	}
	if got := stat(t, path).Mode(); got != 0o640 {
		t.Errorf("its mode is %v", got)
	}
	full := errors.New("disk full")
	if err := export.WriteFile(path, 0o600, fill("tw", full)); !errors.Is(err, full) {
		t.Errorf("the error is %v", err)
	}
	if got := files(); got != "map[x.tar:one]" {
		t.Errorf("after an error there is %s", got)
	}
	write(t, filepath.Join(dir, ".x.tar.ABCDEFGH.part"), "what a kill has left, longer than what comes")
	inside := false
	err := export.WriteFile(path, 0o600, func(w io.Writer) error {
		if err := export.WriteFile(path, 0o600, fill("x", nil)); err == nil || !strings.Contains(err.Error(), "another export is writing it") {
			t.Errorf("twice at the same time: %v", err)
		}
		inside = true
		return fill("three", nil)(w)
	})
	if got := files(); err != nil || !inside || got != "map[x.tar:three]" {
		t.Errorf("in the end there is %s, %v", got, err)
	}
	if err := export.WriteFile(dir, 0o600, fill("x", nil)); err == nil {
		t.Error("a folder was written over")
	}
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, victim, "theirs")
	if err := os.Symlink(victim, filepath.Join(dir, "y")); err != nil {
		t.Fatal(err)
	}
	if err := export.WriteFile(filepath.Join(dir, "y"), 0o600, fill("x", nil)); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "theirs" || stat(t, filepath.Join(dir, "y")).Mode() != 0o600 {
		t.Errorf("a link was written through: outside there is %q", b)
	}
}

func TestWriteFileToAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(path)
		read <- string(b)
	}()
	err := export.WriteFile(path, 0o600, func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
	if got := <-read; err != nil || got != "x" || stat(t, path).Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe gave %q, and is %v: %v", got, stat(t, path).Mode(), err)
	}
}

// What somebody has put where a temporary file may be is neither written to, nor removed,
// nor waited for.
func TestWriteFileLeavesWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "theirs")
	if err := os.WriteFile(theirs, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(dir, ".out.tar.ABCDEFGH.part")
	for name, plant := range map[string]func() error{
		"a hard link":     func() error { return os.Link(theirs, part) },
		"a symbolic link": func() error { return os.Symlink(theirs, part) },
		"a pipe":          func() error { return syscall.Mkfifo(part, 0o666) },
		"a folder":        func() error { return os.Mkdir(part, 0o700) },
	} {
		if err := plant(); err != nil {
			t.Fatal(err)
		}
		err := export.WriteFile(filepath.Join(dir, "out.tar"), 0o600, func(w io.Writer) error {
			_, err := io.WriteString(w, "the archive")
			return err
		})
		got, readErr := os.ReadFile(theirs)
		fi, statErr := os.Stat(theirs)
		if err != nil || readErr != nil || statErr != nil || string(got) != "precious" || fi.Mode() != 0o644 {
			t.Errorf("%s: %v; the other file holds %q, %v, %v", name, err, got, readErr, statErr)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "out.tar")); err != nil || string(got) != "the archive" {
			t.Errorf("%s: the archive holds %q, %v", name, got, err)
		}
		if err := os.Remove(part); err != nil {
			t.Fatalf("%s is no more: %v", name, err)
		}
	}
}
