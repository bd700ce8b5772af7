package export

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func openRoot(t testing.TB) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	if err := root.MkdirAll(temporaryFolder, 0o700); err != nil {
		t.Fatal(err)
	}
	return root, dir
}

func load(t testing.TB, root *os.Root, name string) *manifest {
	t.Helper()
	m, err := readManifest(root, name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var example = record{core: "c1", sum: [32]byte{1, 2, 3}, stat: 1 << 63, size: 42, mtime: time.Unix(1700000000, 123)}

func TestAManifestIsReadAsItWasWritten(t *testing.T) {
	root, _ := openRoot(t)
	const name = "/etc/\"x\xff\t" // one that no path is made of, too
	m := load(t, root, name)
	must(t, m.set("s/a", example))
	must(t, m.set("s/b", record{core: "c2", claimed: true}))
	must(t, m.set("s/c", example))
	must(t, m.drop("s/c"))
	other := example
	other.size = -1
	must(t, m.set("s/d", other))
	must(t, m.set("s/d", example))
	want := maps.Clone(m.files)
	must(t, m.close())
	for range 2 {
		m = load(t, root, name)
		if !maps.Equal(m.files, want) || len(want) != 3 {
			t.Errorf("%v, want %v", m.files, want)
		}
		must(t, m.compact())
	}
	unnamed, err := openManifest(root, manifestPath(name))
	if err != nil || unnamed.name != name {
		t.Errorf("the name is %q, %v; want %q", unnamed.name, err, name)
	}
	if m := load(t, root, "/etc/other"); len(m.files) != 0 {
		t.Errorf("another name has %v", m.files)
	}
}

// However a kill cuts the log off, what is before counts, and what comes after is read.
func TestAManifestThatIsCutAnywhere(t *testing.T) {
	root, dir := openRoot(t)
	m := load(t, root, "/etc/a")
	must(t, m.set("s/a", example))
	must(t, m.set("s/b", example))
	must(t, m.close())
	file := filepath.Join(dir, manifestPath("/etc/a"))
	whole, err := os.ReadFile(file)
	must(t, err)
	for cut := range len(whole) {
		must(t, os.WriteFile(file, whole[:cut], 0o600))
		m := load(t, root, "/etc/a")
		for host, r := range m.files {
			if r != example {
				t.Fatalf("cut after %d bytes, %s is %+v", cut, host, r)
			}
		}
		before := len(m.files)
		must(t, m.set("s/c", example))
		must(t, m.close())
		if m = load(t, root, "/etc/a"); len(m.files) != before+1 || m.files["s/c"] != example {
			t.Fatalf("cut after %d bytes and gone on: %v", cut, m.files)
		}
	}
}

func TestAManifestOfOtherThingsIsAnError(t *testing.T) {
	root, dir := openRoot(t)
	file := filepath.Join(dir, manifestPath("/etc/a"))
	for _, text := range []string{"sysops-export 2 \"/etc/a\"\n", "garbage\n", "sysops-export 1 \"/etc/b\"\n", "sysops-export 1 /etc/a\n"} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if _, err := readManifest(root, "/etc/a"); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// A log is mostly outdated lines after a while: it is written anew, and as good.
func TestAManifestDoesNotGrowForEver(t *testing.T) {
	root, dir := openRoot(t)
	for range 200 {
		m := load(t, root, "/etc/a")
		for _, host := range []string{"s/a", "s/b"} {
			must(t, m.set(host, record{core: "c1", claimed: true}))
			must(t, m.set(host, example))
		}
		must(t, m.close())
	}
	fi, err := os.Stat(filepath.Join(dir, manifestPath("/etc/a")))
	must(t, err)
	if fi.Size() > 16<<10 {
		t.Errorf("two files take %d bytes", fi.Size())
	}
	m := load(t, root, "/etc/a")
	if m.files["s/a"] != example || m.files["s/b"] != example {
		t.Errorf("it holds %v", m.files)
	}
	must(t, m.drop("s/a"))
	must(t, m.drop("s/b"))
	must(t, m.close())
	if _, err := os.Stat(filepath.Join(dir, manifestPath("/etc/a"))); err == nil {
		t.Error("a manifest of nothing is still there")
	}
}

// FuzzManifest: lines that are not ours make no file known that was not, and what is
// written after them is read.
func FuzzManifest(f *testing.F) {
	f.Add("w\tc\ts/a\t00\tff\t1\t2\n")
	f.Add("d\tc\ts/a\nc\tc\ts/b")
	f.Add("w\tc1\ts/a\t" + "0102030000000000000000000000000000000000000000000000000000000000" + "\t1\t1\t1\n")
	f.Fuzz(func(t *testing.T, lines string) {
		root, dir := openRoot(t)
		file := filepath.Join(dir, manifestPath("/etc/a"))
		must(t, os.WriteFile(file, []byte("sysops-export 1 \"/etc/a\"\n"+lines), 0o600))
		m := load(t, root, "/etc/a")
		must(t, m.set("s/x", example))
		want := maps.Clone(m.files)
		must(t, m.close())
		got := load(t, root, "/etc/a").files
		if !maps.EqualFunc(got, want, func(x, y record) bool { return x.mtime.Equal(y.mtime) && x.sum == y.sum && x.claimed == y.claimed }) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
