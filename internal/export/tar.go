package export

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/sysops-api/sysops-api"
)

// StreamOptions say how an archive or a table is written.
type StreamOptions struct {
	Mode     fs.FileMode // of the members of an archive; default DefaultMode
	Progress func()      // called after each object; nil: not
}

func (o *StreamOptions) step() {
	if o.Progress != nil {
		o.Progress()
	}
}

// WriteTar writes the objects of an answer to w as a tar archive, in the order of their
// keys. Members are at the paths of PathOf, are plain files of root with Mode, whatever
// they were on the hosts, and have their mtime.
func WriteTar(ctx context.Context, w io.Writer, a *sysops.Answer, o StreamOptions) (*Report, error) {
	if o.Mode == 0 {
		o.Mode = DefaultMode
	}
	out := tar.NewWriter(w)
	report := &Report{}
	var taken paths
	for obj, err := range a.Objects(ctx, sysops.Contents, sysops.StatOf, sysops.TimeOf) {
		if err != nil {
			return report, err
		}
		o.step()
		path, refused := PathOf(obj.Site, obj.Key)
		if refused == nil {
			refused = taken.take(path, obj.Host)
		}
		if refused != nil {
			report.Refused.add(obj.Key, refused)
			continue
		}
		err = out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: int64(o.Mode), Size: int64(len(obj.Contents)), ModTime: mtimeOf(&obj)})
		if err == nil {
			_, err = out.Write(obj.Contents)
		}
		if err != nil {
			return report, fmt.Errorf("cannot write %s to the archive: %w", obj.Key, err)
		}
		report.Written++
		report.Bytes += int64(len(obj.Contents))
	}
	if err := out.Close(); err != nil {
		return report, fmt.Errorf("cannot end the archive: %w", err)
	}
	return report, nil
}

// paths are those that are taken of one host. Keys come in order, so /x comes before
// /x/y, and both before x, which is the path of the one and the folder of the other.
type paths struct {
	host    string
	files   map[string]bool
	folders map[string]bool
}

// take refuses a path that is taken, be it by a folder, and one through a file.
func (p *paths) take(path, host string) error {
	if p.host != host {
		p.host, p.files, p.folders = host, make(map[string]bool), make(map[string]bool)
	}
	if p.files[path] {
		return errors.New("another object has the same path")
	}
	if p.folders[path] {
		return errors.New("a folder is in its place")
	}
	for i := range len(path) {
		if path[i] == '/' && p.files[path[:i]] {
			return fmt.Errorf("a part of its path is the object %q", path[:i][strings.LastIndexByte(path[:i], '/')+1:])
		}
	}
	p.files[path] = true
	for i := range len(path) {
		if path[i] == '/' {
			p.folders[path[:i]] = true
		}
	}
	return nil
}
