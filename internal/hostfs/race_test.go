package hostfs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A race is something that others can do while a path is walked, again and again: they
// exchange two places. The file or folder at read holds what is honest before, and what
// is root's, or cannot be read, in between.
type race struct {
	name    string
	arrange func(w *world)
	read    string
	a, b    string // are exchanged
	naive   string // what a program that opens paths would find in between
}

func races() []race {
	var all []race
	for _, list := range [][]race{racesForAFile(), racesForAWay(), racesForAFolder(), racesInSharedFolders(), racesForWhatIsNoFile()} {
		all = append(all, list...)
	}
	return all
}

// bobsFile is a file of bob's, to which a link in /etc leads, and a place to exchange it
// with.
func bobsFile(w *world, other func()) {
	w.file("home/bob/app.conf", bob, 0o600, honest)
	w.link("etc/app.conf", 0, "/home/bob/app.conf")
	other()
}

func racesForAFile() []race {
	at := func(name, found string, other func(w *world)) race {
		return race{
			name: name, read: "etc/app.conf", a: "home/bob/app.conf", b: "home/bob/other", naive: found,
			arrange: func(w *world) { bobsFile(w, func() { other(w) }) },
		}
	}
	evil := "home/bob/other"
	return []race{
		at("a link to a file of root's", rootOnly, func(w *world) { w.link(evil, bob, "/etc/secret") }),
		at("a relative link", rootOnly, func(w *world) { w.link(evil, bob, "../../etc/secret") }),
		at("a link made by root", rootOnly, func(w *world) { w.link(evil, 0, "/etc/secret") }),
		at("a hard link", rootOnly, func(w *world) { w.hardLink(evil, "etc/secret") }),
		at("root's own file, moved there", rootOnly, func(w *world) { w.file(evil, 0, 0o600, rootOnly) }),
		at("a chain of links", rootOnly, func(w *world) {
			w.link("home/bob/second", bob, "/etc/../etc/third")
			w.link("etc/third", 0, "secret")
			w.link(evil, bob, "second")
		}),
		at("a file in a folder of root's", rootOnly, func(w *world) { w.link(evil, bob, "/secrets/app.conf") }),
		at("a file of root's group", rootOnly, func(w *world) {
			w.file("etc/group", 0, 0o640, rootOnly)
			w.link(evil, bob, "/etc/group")
		}),
		at("a file of another user's", rootOnly, func(w *world) {
			w.dir("home/carol", carol, 0o755)
			w.file("home/carol/hers", carol, 0o600, rootOnly)
			w.link(evil, bob, "/home/carol/hers")
		}),
		at("an open file of the program", rootOnly, func(w *world) {
			f, err := os.Open(w.path("etc/secret"))
			w.must(err)
			w.Cleanup(func() { f.Close() })
			w.outside(evil, bob, fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		}),
		at("the program's root", rootOnly, func(w *world) {
			w.outside(evil, bob, "/proc/self/root"+w.path("etc/secret"))
		}),
		at("another root", rootOnly, func(w *world) {
			w.outside(evil, bob, "/proc/"+strconv.Itoa(os.Getpid())+"/task/"+strconv.Itoa(os.Getpid())+"/root"+w.path("etc/secret"))
		}),
		at("the program's environment", "", func(w *world) { w.outside(evil, bob, "/proc/self/environ") }),
		at("the program's memory map", "", func(w *world) { w.outside(evil, bob, fmt.Sprintf("/proc/%d/maps", os.Getpid())) }),
		at("a setting of the kernel for root alone", "", func(w *world) { w.outside(evil, bob, "/proc/sys/net/ipv4/tcp_fastopen_key") }),
		at("a mounted file system", rootOnly, func(w *world) {
			w.dir("mnt", 0, 0o755)
			w.must(unix.Mount("tmpfs", w.path("mnt"), "tmpfs", 0, "mode=755"))
			w.Cleanup(func() { w.must(unix.Unmount(w.path("mnt"), unix.MNT_DETACH)) })
			w.file("mnt/secret", 0, 0o600, rootOnly)
			w.link(evil, bob, "/mnt/secret")
		}),
	}
}

func racesForAWay() []race {
	way := func(name string, target string, arrange func(w *world)) race {
		return race{name: name, read: "etc/app.conf", a: "home/bob/a", b: "home/bob/b", naive: rootOnly, arrange: func(w *world) {
			w.dir("home/bob/a", bob, 0o755)
			w.dir("home/bob/a/below", bob, 0o755)
			w.file("home/bob/a/below/app.conf", bob, 0o600, honest)
			w.file("home/bob/a/app.conf", bob, 0o600, honest)
			w.file("home/bob/app.conf", bob, 0o600, honest)
			w.link("etc/app.conf", 0, target)
			arrange(w)
		}}
	}
	toSecrets := func(w *world) { w.link("home/bob/b", bob, "/secrets") }
	moved := way("a folder that is moved away from under its ..", "/home/bob/a/../app.conf", func(w *world) {
		w.dir("drop", 0, 0o777)
		w.file("drop/app.conf", 0, 0o600, rootOnly)
		w.dir("drop/b", bob, 0o755)
	})
	moved.b, moved.naive = "drop/b", honest // but for who is on the way
	return []race{
		way("a folder on the way", "/home/bob/a/app.conf", toSecrets),
		way("a folder further up", "/home/bob/a/below/app.conf", toSecrets),
		way("a folder and .. behind it", "/home/bob/a/../app.conf", func(w *world) { w.link("home/bob/b", bob, "/secrets/below") }),
		way("a link whose target has ..", "/home/bob/l", func(w *world) {
			w.link("home/bob/l", bob, "a/below/../app.conf")
			w.link("home/bob/b", bob, "../../secrets")
		}),
		way("a link to a folder", "/home/bob/current/app.conf", func(w *world) {
			w.link("home/bob/current", bob, "a/.")
			w.link("home/bob/b", bob, "/secrets/")
		}),
		way("a link to the folder from where links are read", "/home/bob/a/app.conf", func(w *world) { w.link("home/bob/b", bob, "../../secrets/below/..") }),
		moved,
	}
}

func racesForAFolder() []race {
	folder := func(name, a string, other func(w *world)) race {
		return race{name: name, read: "etc/conf.d", a: "home/bob/" + a, b: "home/bob/other", naive: "root-only-name", arrange: func(w *world) {
			w.dir("home/bob/conf.d", bob, 0o755)
			w.file("home/bob/conf.d/app.conf", bob, 0o600, honest)
			w.dir("home/bob/conf.d/below", bob, 0o700)
			w.file("home/bob/conf.d/below/app.conf", bob, 0o600, honest)
			w.link("etc/conf.d", 0, "/home/bob/conf.d")
			other(w)
		}}
	}
	toSecrets := func(w *world) { w.link("home/bob/other", bob, "/secrets") }
	return []race{
		folder("a listed folder, for a link", "conf.d", toSecrets),
		folder("a folder in it, for a link", "conf.d/below", toSecrets),
		folder("a listed folder, for root's own", "conf.d", func(w *world) {
			w.dir("home/bob/other", 0, 0o700)
			w.file("home/bob/other/root-only-name", 0, 0o644, rootOnly)
		}),
		folder("a file in it, for a folder of root's", "conf.d/app.conf", func(w *world) {
			w.dir("home/bob/other", 0, 0o700)
			w.file("home/bob/other/root-only-name", 0, 0o644, rootOnly)
		}),
		folder("a file in it, for a link to a folder", "conf.d/app.conf", toSecrets),
	}
}

func racesInSharedFolders() []race {
	shared := func(name string, mode os.FileMode, owner int, other func(w *world)) race {
		return race{name: name, read: "etc/app.conf", a: "shared/app.conf", b: "shared/other", naive: rootOnly, arrange: func(w *world) {
			w.dir("shared", owner, 0o755)
			w.must(os.Chown(w.path("shared"), owner, staff))
			w.must(os.Chmod(w.path("shared"), mode))
			w.file("shared/app.conf", 0, 0o644, honest)
			w.link("etc/app.conf", 0, "/shared/app.conf")
			other(w)
		}}
	}
	symlink := func(w *world) { w.link("shared/other", bob, "/etc/secret") }
	roots := func(w *world) { w.link("shared/other", 0, "/etc/secret") }
	hard := func(w *world) { w.hardLink("shared/other", "etc/secret") }
	return []race{
		shared("a link in a folder of a group", 0o775, 0, symlink),
		shared("a link of root's in a folder of a group", 0o775, 0, roots),
		shared("a hard link in a folder of a group", 0o775, 0, hard),
		shared("a link in a folder of everyone's", 0o777, 0, symlink),
		shared("a hard link in a folder of everyone's", 0o777, 0, hard),
		shared("a link in a sticky folder", 0o777|os.ModeSticky, 0, symlink),
		shared("a hard link in a sticky folder", 0o777|os.ModeSticky, 0, hard),
		shared("a hard link to a link of root's in a sticky folder", 0o777|os.ModeSticky, 0, func(w *world) {
			w.link("etc/elsewhere", 0, "/etc/secret")
			w.hardLink("shared/other", "etc/elsewhere")
		}),
		shared("a folder of bob's in a sticky folder", 0o777|os.ModeSticky, 0, func(w *world) {
			w.dir("shared/bob", bob, 0o755)
			w.link("shared/bob/app.conf", 0, "/etc/secret")
			w.link("shared/other", 0, "bob/app.conf")
		}),
		shared("root's file in a sticky folder of bob's", 0o777|os.ModeSticky, bob, func(w *world) { w.file("shared/other", 0, 0o600, rootOnly) }),
	}
}

func racesForWhatIsNoFile() []race {
	no := func(name string, other func(w *world)) race {
		return race{
			name: name, read: "etc/app.conf", a: "home/bob/app.conf", b: "home/bob/other",
			arrange: func(w *world) { bobsFile(w, func() { other(w) }) },
		}
	}
	evil := "home/bob/other"
	return []race{
		no("a pipe", func(w *world) { w.node(evil, unix.S_IFIFO, 0) }),
		no("a device", func(w *world) { w.node(evil, unix.S_IFCHR, int(unix.Mkdev(1, 5))) }), // /dev/zero
		no("a socket", func(w *world) { w.socket(evil) }),
		no("a link to itself", func(w *world) { w.link(evil, bob, "app.conf") }),
	}
}

// arranged makes the world of a race and a look at it: what is read must be honest.
func (r race) arranged(t *testing.T) (w *world, look func()) {
	w = newWorld(t)
	r.arrange(w)
	etc := w.rootFolder().find(t, w.path("etc"))
	return w, func() {
		t.Helper()
		for _, text := range everything(etc, strings.TrimPrefix(r.read, "etc/")) {
			if text != honest && text != "app.conf" && text != "below" {
				t.Errorf("read was %q", text)
			}
		}
	}
}

// Each race is won at each moment of a walk, and the places are put back at each later one.
func TestNoRaceShowsWhatIsRootsAlone(t *testing.T) {
	t.Parallel()
	raced(t, unix.Openat2)
}

func TestNoRaceShowsWhatIsRootsAloneOnAnOldKernel(t *testing.T) {
	t.Parallel()
	raced(t, old(unix.ENOSYS))
}

func raced(t *testing.T, openat2 func(int, string, *unix.OpenHow) (int, error)) {
	for _, r := range races() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w, look := r.arranged(t)
			w.h.openat2 = openat2
			before := naive(w.path(r.read))
			if !strings.Contains(before, honest) {
				t.Fatalf("before, it is %q", before)
			}
			w.exchange(r.a, r.b)
			if got := naive(w.path(r.read)); got == before && r.naive != honest || !strings.Contains(got, r.naive) {
				t.Fatalf("afterwards, it is %q", got)
			}
			look()
			w.exchange(r.a, r.b)
			moments := w.count(look)
			if moments < 4 {
				t.Fatalf("there are %d moments", moments)
			}
			for from := range moments {
				for to := from + 1; to <= moments; to++ {
					w.between(r, from, to, look)
				}
			}
		})
	}
}

// count returns how many moments a walk has.
func (w *world) count(look func()) (n int) {
	w.h.hook = func(string, string) { n++ }
	defer func() { w.h.hook = nil }()
	look()
	return n
}

// between exchanges the places of a race at one moment of a walk, and again at a later one
// or afterwards.
func (w *world) between(r race, from, to int, look func()) {
	n, exchanged := 0, false
	exchange := func() {
		// Another thread, because that of the walk may have become bob's.
		done := make(chan struct{})
		go func() { w.exchange(r.a, r.b); close(done) }()
		<-done
		exchanged = !exchanged
	}
	w.h.hook = func(string, string) {
		if n == from || n == to {
			exchange()
		}
		n++
	}
	look()
	w.h.hook = nil
	if exchanged {
		exchange()
	}
}

// The same without a hook: others exchange the places as quickly as they can.
func TestNoBlindRaceShowsWhatIsRootsAlone(t *testing.T) {
	t.Parallel()
	for _, r := range races() {
		t.Run(r.name, func(t *testing.T) {
			w, look := r.arranged(t)
			defer hostfstest.Meanwhile(func() { w.exchange(r.a, r.b) })()
			for range redistest.Cases(t, 200) {
				look()
			}
		})
	}
}
