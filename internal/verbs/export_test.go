package verbs_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestExport(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"/etc/motd": "one\n"}, "web2": {"/etc/motd": "two\n", "/etc/issue": "x\n"}})
	dir := filepath.Join(t.TempDir(), "tree")
	rows, o := ran(t, client, &verbs.Export{To: dir, DryRun: true, Pattern: "/etc/motd"})
	if rows != "{\"action\": \"write\", \"path\": \"default/web1/etc/motd\"}\n{\"action\": \"write\", \"path\": \"default/web2/etc/motd\"}\n" || o.Matched != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	objects := 0
	e := &verbs.Export{To: dir, Mode: "0640", Objects: func(n int) { objects = n }}
	for range 2 { // the second has nothing to write
		if rows, o = ran(t, client, e); rows != "" || o.Matched != 3 || o.Partial(true) || objects != 3 {
			t.Errorf("the rows are\n%s, the outcome %+v, of %d objects", rows, o, objects)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "default/web2/etc/motd")); err != nil || string(b) != "two\n" {
		t.Errorf("%v: %q", err, b)
	}
	other := &verbs.Export{To: dir}
	if err := other.Check(); err != nil {
		t.Fatal(err)
	}
	if err := other.Open(); err == nil || !strings.Contains(err.Error(), "another export") {
		t.Errorf("a tree is open twice: %v", err)
	}
	if err := errors.Join(e.Close(), other.Open(), other.Close()); err != nil {
		t.Error(err)
	}
}

func TestExportToAStream(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"/etc/motd": "one\n"}})
	var archive bytes.Buffer
	_, o := ran(t, client, &verbs.Export{Format: verbs.ExportTar, Stream: &archive})
	r := tar.NewReader(&archive)
	h, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || h.Name != "default/web1/etc/motd" || string(b) != "one\n" || o.Matched != 1 {
		t.Errorf("%v: %s holds %q; the outcome is %+v", err, h.Name, b, o)
	}
}

func TestMisusesOfExport(t *testing.T) {
	misused(t, &verbs.Export{To: "x", Format: verbs.ExportTar, Purge: true}, "export whole", "format")
	misused(t, &verbs.Export{Stream: io.Discard}, "export stream", "format")
	for _, mode := range []string{"4755", "0044", "rw"} {
		misused(t, &verbs.Export{To: "x", Mode: mode}, "export mode", "mode")
	}
	for _, v := range []verbs.Verb{&verbs.Export{}, &verbs.Export{To: "x", Format: "zip"}, &verbs.Export{To: "x", Pattern: "["}} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is well", v)
		}
	}
}
