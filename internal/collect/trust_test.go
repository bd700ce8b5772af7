package collect

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
