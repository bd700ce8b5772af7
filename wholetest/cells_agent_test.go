//go:build linux

package wholetest_test

// What befalls who pushes or asks, in place of the servers: the agent's disk is full, the directory is silent.

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// An agent of which the state directory has so many bytes left pushes all the same, since nothing there but saves
// work; and what it could not write whole is not there.
func TestTheAgentsDiskIsFull(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	dir := t.TempDir()
	disk, outgoing := filepath.Join(dir, "disk"), filepath.Join(dir, "outgoing")
	for _, d := range []string{disk, outgoing} {
		must(t, os.Mkdir(d, 0o700))
	}
	must(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k,mode=700"))
	t.Cleanup(func() { must(t, syscall.Unmount(disk, 0)) })
	state := filepath.Join(disk, "state")
	conf := filepath.Join(dir, "config.yaml")
	must(t, os.WriteFile(conf, []byte(fmt.Sprintf("agent: {state: %s, outgoing: %s}\n", state, outgoing)), 0o600))
	push := func(contents string) redistest.Result {
		must(t, os.WriteFile(filepath.Join(outgoing, "motd"), []byte(contents), 0o600))
		return redistest.Run(t, redistest.Build(t, "./cmd/sysops-agent"), []string{"push", "--config", conf, "--host", "web01", "--server", s.URL()}, []string{"HOME=" + dir})
	}
	for left := 0; left <= 64<<10; left += 4 << 10 {
		must(t, os.RemoveAll(state))
		ballast := filepath.Join(disk, "ballast")
		must(t, os.WriteFile(ballast, make([]byte, 256<<10-left-4096), 0o600)) // a page is the folder's
		contents := fmt.Sprintf("%d bytes are left\n%s", left, settings(1, left))
		run := push(contents)
		held := read1(t, s)
		if run.ExitCode == 0 && held != contents || run.ExitCode != 0 && run.Stderr == "" {
			t.Errorf("with %d bytes left: status %d, %q, and the server has %.40q", left, run.ExitCode, run.Stderr, held)
		}
		_ = filepath.WalkDir(disk, func(path string, _ os.DirEntry, _ error) error {
			if strings.HasSuffix(path, ".part") {
				t.Errorf("with %d bytes left: the file %s is left", left, path)
			}
			return nil
		})
		must(t, os.Remove(ballast))
		if run := push(contents + "more\n"); run.ExitCode != 0 || read1(t, s) != contents+"more\n" {
			t.Errorf("with %d bytes left before: the next push: status %d, %s", left, run.ExitCode, run.Stderr)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read1 is what a reader has of the only object there is, empty where there is none.
func read1(t *testing.T, s *redistest.Server) string {
	t.Helper()
	got, _, err := read(t.Context(), connect(t, s.URL()), sysops.Query{Pattern: pattern(t, "web01#*")})
	if err != nil || len(got) != 1 {
		return ""
	}
	_, contents, _ := strings.Cut(got[0], ": ")
	return contents
}

// directoryFaults are what may be where a directory is asked for.
var directoryFaults = map[string]func(net.Conn){
	"refuses":      nil,
	"hangs":        func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	"closes":       func(net.Conn) {},
	"speaks noise": func(c net.Conn) { _, _ = io.WriteString(c, noise(4000, 1)) },
	"never an end": func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
		_, _ = io.Copy(io.Discard, c)
	},
	"an empty page": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") },
}

// Where no directory tells which servers there are, every operation says that it does not know, in its own time, and
// none does something to the servers that it knew before.
func TestNoDirectoryIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, handle := range directoryFaults {
		for scheme, url := range directoryURLs {
			t.Run(scheme+" "+name, func(t *testing.T) {
				t.Parallel()
				w := newCellWorld(t, 1)
				w.reset()
				before := redistest.Dump(t, w.servers[0])
				dir, err := sysops.OpenDirectory(fmt.Sprintf(url, absent(t, handle)), sysops.DirectoryOptions{})
				must(t, err)
				var asking sync.WaitGroup
				for _, op := range cellOperations() {
					asking.Go(func() {
						if got := op.run(t.Context(), w, connectTo(t, dir, sysops.Options{})); got.err == nil {
							t.Errorf("%s: nobody says that the directory is not there: %q", op.name, got.rows)
						}
					})
				}
				redistest.Within(t, "asking a directory that is not there", asking.Wait)
				if after := redistest.Dump(t, w.servers[0]); after != before {
					t.Errorf("something was done to a server:\n%s", diffOf(before, after))
				}
			})
		}
	}
}

// directoryURLs are forms of the URLs of directories at an address.
var directoryURLs = map[string]string{
	"range": "range://%s?timeout=300ms", "dns": "dns://example.com?server=%s&timeout=300ms", "ldap": "ldap://%s/dc=example,dc=com?timeout=300ms",
}

// absent is an address at which what handle does is all that happens; nil: nobody is there.
func absent(t *testing.T, handle func(net.Conn)) string {
	if handle != nil {
		return impostor(t, handle)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// A directory that is down costs nothing but a warning where what it said last is kept.
func TestWhatADirectorySaidIsKept(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	publish(t, connect(t, s.URL()), snapshotOf("web01", text("/etc/motd", "m\n")))
	dir := t.TempDir()
	inventory := filepath.Join(dir, "inventory")
	redistest.WriteProgram(t, inventory, fmt.Sprintf("#!/bin/sh\necho '{\"esv4\": {\"children\": [\"k\"]}, \"k\": {\"hosts\": [\"%s\"]}}'\n", s.URL()))
	var outs []string
	for _, gone := range []bool{false, true} {
		if gone {
			must(t, os.Remove(inventory))
		}
		run := redistest.Run(t, redistest.Build(t, "./cmd/sysops"), []string{"cat", "/etc/motd", "--directory", "exec://" + inventory + "?core=k"}, []string{"HOME=" + dir, "XDG_CACHE_HOME=" + dir})
		if run.ExitCode != 0 || gone != strings.Contains(run.Stderr, "the directory cannot be asked") {
			t.Errorf("gone %v: status %d: %s", gone, run.ExitCode, run.Stderr)
		}
		outs = append(outs, run.Stdout)
	}
	if outs[0] == "" || !slices.Equal(outs[:1], outs[1:]) {
		t.Errorf("the answers are %q", outs)
	}
}
