package demo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A fileTree is a folder that holds a fleet as files: HOST/PATH, where the output
// of a command lies beside the file that it is a section of, etc/facts.json@ps.
// No name leads outside the folder.
type fileTree struct{ root *os.Root }

func openTree(dir string, force bool) (*fileTree, error) {
	if err := wholefile.MkdirAll(nil, dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the tree: %w", err)
	}
	root, err := trust.OpenFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use the folder of the tree: %w", err)
	}
	there, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("cannot use the folder of the tree: %w", err)
	}
	if len(there) > 0 && !force {
		root.Close()
		return nil, hint.To(fmt.Errorf("cannot write the fleet into %s: it is not empty, and the tree would hold more than the fleet", dir), "name a new folder, or write over what is there with --force")
	}
	return &fileTree{root}, nil
}

func (t *fileTree) close() { t.root.Close() }

// write writes the objects of a host.
func (t *fileTree) write(ctx context.Context, snap *snapshot.Snapshot) error {
	for i := range snap.Sources {
		src := &snap.Sources[i]
		c, err := src.Read(ctx)
		if err != nil {
			return fmt.Errorf("cannot make %s of %s: %w", src.Name, snap.Host, err)
		}
		file := path.Join(snap.Host, treePath(src.Name))
		if err := wholefile.MkdirAll(t.root, path.Dir(file), 0o755); err != nil {
			return fmt.Errorf("cannot write the fleet: %w", err)
		}
		if err := wholefile.Write(file, c.Data, wholefile.Options{Root: t.root, Mode: 0o644, Unsynced: true, Unswept: true}); err != nil {
			return fmt.Errorf("cannot write the fleet: %w", err)
		}
	}
	return nil
}

// treePath is where an object lies in its host's folder. What would mean another
// folder, . and .., is escaped as in a URL.
func treePath(name string) string {
	steps := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, step := range steps {
		if step == "." || step == ".." {
			steps[i] = strings.ReplaceAll(step, ".", "%2e")
		}
	}
	return path.Join(steps...)
}
