package collect

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// Who can change the outgoing directory, the JSON object or anything above them chooses
// which files root reads and sends.
func TestWhatOthersCouldExchangeIsNotPushed(t *testing.T) {
	for _, row := range []struct {
		name, path string
		mode       fs.FileMode // 0: the file becomes another user's, which takes root
		says       string
	}{
		{"everyone may write to it", "var/outgoing", 0o777, "everyone may write to it (mode 0777): chmod go-w {}"},
		{"everyone may write to it, for all its sticky bit", "var/outgoing", 0o777 | fs.ModeSticky, "everyone may write to it (mode 0777): chmod go-w {}"},
		{"its group may write to it", "var/outgoing", 0o770, "its group may write to it (mode 0770): chmod go-w {}"},
		{"it is another user's", "var/outgoing", 0, "it belongs to user 12345, not to root or user 0: chown root {}"},
		{"everyone may write to its parent", "var", 0o777, "everyone may write to {} (mode 0777): chmod go-w {}"},
		{"its group may write to its parent", "var", 0o775, "its group may write to {} (mode 0775): chmod go-w {}"},
		{"its parent is another user's", "var", 0, "{} belongs to user 12345, not to root or user 0: chown root {}"},
		{"everyone may write to the JSON object", "etc/hw.json", 0o666, "cannot use the JSON object {}: everyone may write to it (mode 0666): chmod go-w {}"},
		{"the JSON object is another user's", "etc/hw.json", 0, "cannot use the JSON object {}: it belongs to user 12345, not to root or user 0: chown root {}"},
		{"everyone may write to the folder of the JSON object", "etc", 0o777, "everyone may write to {} (mode 0777): chmod go-w {}"},
	} {
		if row.mode == 0 && os.Geteuid() != 0 {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			h := newHost(t)
			h.outgoing, h.options.JSON = h.path("var/outgoing"), h.write("etc/hw.json", "{}")
			h.write("var/outgoing/note", "1")
			if s := h.list(); len(s.Sources) != 1 || len(s.Problems) > 0 {
				t.Fatalf("before, it lists %q, %v", h.names(s), s.Problems)
			}
			if row.mode == 0 {
				h.must(os.Chown(h.path(row.path), 12345, 12345))
			} else {
				h.must(os.Chmod(h.path(row.path), row.mode))
			}
			s, err := Outgoing(h.outgoing, h.options)
			want := strings.ReplaceAll(row.says, "{}", h.path(row.path))
			if s != nil || err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("the error is %v, want %s", err, want)
			}
			if hints := strings.Join(terminal.Hints(err), "\n"); !strings.Contains(hints, "whoever may write there chooses") {
				t.Errorf("the hints are %q", hints)
			}
			report := &Report{}
			if err := report.Write(h.options.JSON); strings.HasPrefix(row.path, "etc") && (err == nil || !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("the JSON object is written: %v", err)
			}
			if _, err := Init(nil, h.outgoing); strings.HasPrefix(row.path, "var") && (err == nil || !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("the outgoing directory is filled: %v", err)
			}
		})
	}
}

// What does not exist yet is not made through a link that another user has planted.
func TestInitFollowsNoPlantedLink(t *testing.T) {
	h := newHost(t)
	h.must(os.Mkdir(h.path("shared"), 0o700))
	h.must(os.Mkdir(h.path("root-only"), 0o700))
	h.link("shared/sysops", h.path("root-only"))
	if os.Geteuid() == 0 {
		h.must(os.Lchown(h.path("shared/sysops"), 12345, 12345))
		h.must(os.Chmod(h.path("shared"), 0o777|fs.ModeSticky))
	} else {
		h.must(os.Chmod(h.path("shared"), 0o777))
	}
	if made, err := Init(nil, h.path("shared/sysops/outgoing")); err == nil || len(made) > 0 {
		t.Errorf("it linked %q, %v", made, err)
	}
	if made, err := filepath.Glob(h.path("root-only/*")); err != nil || len(made) > 0 {
		t.Errorf("there are %q, %v", made, err)
	}
}

// Whoever can change a program that root runs, or put another in its place, is root.
func TestProgramsOfOthersAreNotRun(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(h *host) // of the program bin/p, whose interpreter is lib/sh
		says   string        // "": it is run
	}{
		{"nobody else's", func(*host) {}, ""},
		{"a link of root's", func(h *host) { h.must(os.Rename(h.path("bin/p"), h.path("bin/q"))); h.link("bin/p", "q") }, ""},
		{"everyone may write to it", func(h *host) { h.must(os.Chmod(h.path("bin/p"), 0o777)) }, "cannot run {bin/p}: everyone may write to it (mode 0777): chmod go-w {bin/p}"},
		{"its group may write to its folder", func(h *host) { h.must(os.Chmod(h.path("bin"), 0o775)) }, "cannot run {bin/p}: its group may write to {bin} (mode 0775): chmod go-w {bin}"},
		{"its folder is open to everyone, and sticky", func(h *host) {
			h.must(os.Chmod(h.path("bin"), 0o777|fs.ModeSticky))
			h.must(os.Link(h.path("bin/p"), h.path("bin/other")))
		}, "cannot run {bin/p}: it has 2 names, and others may have given it this one: cp -p {bin/p} {bin/p}.own && mv {bin/p}.own {bin/p}"},
		{"it is another user's", func(h *host) { h.bobs("bin/p") }, "cannot run {bin/p}: it belongs to user 4001, not to root or user 0: chown root {bin/p}"},
		{"its folder is another user's", func(h *host) { h.bobs("bin") }, "cannot run {bin/p}: {bin} belongs to user 4001, not to root or user 0: chown root {bin}"},
		{"it is a link to another user's", func(h *host) {
			h.bobs("bin/p")
			h.must(os.Rename(h.path("bin/p"), h.path("bin/q")))
			h.link("bin/p", "q")
		}, "cannot run {bin/p}: {bin/q} belongs to user 4001, not to root or user 0: chown root {bin/q}"},
		{"its interpreter is another user's", func(h *host) { h.bobs("lib/sh") }, "cannot run {bin/p} by {lib/sh}: it belongs to user 4001, not to root or user 0: chown root {lib/sh}"},
		{"the interpreter of its interpreter is another user's", func(h *host) {
			redistest.WriteProgram(t, h.path("lib/sh"), "#!\t"+h.path("lib/own/sh")+"\t-e\n")
			h.program("lib/own/sh")
			h.bobs("lib/own")
		}, "cannot run {bin/p} by {lib/own/sh}: {lib/own} belongs to user 4001, not to root or user 0: chown root {lib/own}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := openHost(t)
			h.program("lib/sh")
			h.must(os.Mkdir(h.path("bin"), 0o755))
			redistest.WriteProgram(t, h.path("bin/p"), "#!"+h.path("lib/sh")+"\necho ran\n")
			row.change(h)
			says := regexp.MustCompile(`{([^}]+)}`).ReplaceAllString(row.says, h.root+"/$1")
			r := runOne(t, Command{Section: "x", Argv: []string{h.path("bin/p")}})
			if r.Error != says || (string(r.Output) == "ran\n") != (says == "") || r.Unknown {
				t.Errorf("got %+v", r)
			}
			for _, elsewhere := range []string{"", ":/usr/bin"} {
				program, err := lookPath(hostfs.New(), "p", h.path("bin")+elsewhere)
				if (program == h.path("bin/p")) != (says == "") || says != "" && (program != "" || err == nil || err.Error() != says) {
					t.Errorf("it is found as %q, %v", program, err)
				}
			}
		})
	}
}

func TestProgramsFindNoneOfOthers(t *testing.T) {
	h := openHost(t)
	for _, name := range []string{"own", "bobs", "groups"} {
		h.program(name + "/sh")
	}
	h.bobs("bobs")
	h.must(os.Chmod(h.path("groups"), 0o775))
	h.link("link", "bobs")
	search := strings.Join([]string{h.path("bobs"), h.path("own"), h.path("groups"), h.path("link"), h.path("none")}, ":")
	if got := ownPath(hostfs.New(), search); got != h.path("own") {
		t.Errorf("what they run is looked for in %s", got)
	}
	// What is found later is better than what is not run.
	if got, err := lookPath(hostfs.New(), "sh", search); got != h.path("own/sh") || err != nil {
		t.Errorf("found is %q, %v", got, err)
	}
}

func (h *host) bobs(name string) { h.must(os.Lchown(h.path(name), bob, bob)) }

// program puts a shell somewhere.
func (h *host) program(name string) {
	h.t.Helper()
	shell, err := os.ReadFile("/bin/sh")
	h.must(err)
	h.must(os.MkdirAll(filepath.Dir(h.path(name)), 0o755))
	redistest.WriteProgram(h.t, h.path(name), string(shell))
}
