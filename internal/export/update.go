package export

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Update brings the tree up to date with an answer. What has not changed since it was
// written, here or in the cache, is neither read nor written. The report is of what was
// done when an error ended it, too. Errors are those of Answer.Objects, and those of the
// file system.
func (t *Tree) Update(ctx context.Context, a *sysops.Answer) (*Report, error) {
	u := &update{Tree: t, answer: a, clashes: clashes(a.Names(), t.foldsCase())}
	err := u.run(ctx)
	if u.page != nil {
		err = errors.Join(err, u.page.close())
	}
	return &u.report, err
}

// An update is one round over an answer.
type update struct {
	*Tree
	answer  *sysops.Answer
	clashes map[string]string
	report  Report
	page    *page // of the name at hand
	failed  error // what wanted could not do
}

// A page is the part of an update that is about one name.
type page struct {
	*manifest
	seen    map[string]bool                 // by site/host, as below
	pending map[string]pending              // objects that are being read
	sources map[[sha256.Size]byte]*linkable // with Link: the first file with some contents
}

// pending is what is known of an object when it is about to be read.
type pending struct {
	path   string
	stat   uint64
	intact fs.FileInfo // of the file, where it still is what was written
}

func (u *update) run(ctx context.Context) error {
	if u.o.Purge {
		if err := u.purge(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := func(v sysops.Recorded) bool {
		if u.failed != nil {
			return false
		}
		var want bool
		if want, u.failed = u.wants(v); u.failed != nil {
			cancel()
		}
		if !want {
			u.step()
		}
		return want
	}
	for o, err := range u.answer.ObjectsByName(ctx, wanted, sysops.Contents, sysops.StatOf, sysops.TimeOf) {
		if u.failed != nil {
			return u.failed
		}
		if err != nil {
			return err
		}
		if err := u.take(&o); err != nil {
			return fmt.Errorf("cannot export %s: %w", o.Key, err)
		}
		u.step()
	}
	return u.failed
}

func (u *update) step() {
	if u.o.Progress != nil {
		u.o.Progress()
	}
}

// turn makes name the one at hand.
func (u *update) turn(name string) error {
	if u.page != nil {
		if u.page.name == name {
			return nil
		}
		if err := u.page.close(); err != nil {
			return err
		}
	}
	u.page = &page{
		manifest: &manifest{name: name}, seen: make(map[string]bool),
		pending: make(map[string]pending), sources: make(map[[sha256.Size]byte]*linkable),
	}
	if u.root == nil {
		return nil
	}
	m, err := readManifest(u.root, name)
	u.page.manifest = m
	return err
}

// place returns where an object goes, and why it cannot.
func (u *update) place(v *sysops.Recorded) (host, path string, refused error) {
	path, refused = PathOf(v.Site, v.Key)
	host = v.Site + "/" + v.Host
	switch {
	case refused != nil:
	case u.page.seen[host]:
		refused = errors.New("another core of the site has it too")
	case u.clashes[v.Name] != "":
		refused = fmt.Errorf("it would have the path of %q", u.clashes[v.Name])
	case strings.ContainsFunc(v.Core, func(r rune) bool { return r < ' ' }):
		refused = fmt.Errorf("its core has the name %q", v.Core)
	}
	return host, path, refused
}

// wants decides whether an object has to be read.
func (u *update) wants(v sysops.Recorded) (bool, error) {
	if err := u.turn(v.Name); err != nil {
		return false, err
	}
	host, path, refused := u.place(&v)
	if refused != nil {
		u.report.Refused.add(v.Key, refused)
		return false, nil
	}
	u.page.seen[host] = true
	p := pending{path: path, stat: v.Stat}
	rec, known := u.page.files[host]
	if known {
		if fi, err := u.root.Lstat(path); err == nil && rec.matches(fi) {
			p.intact = fi
		}
	}
	if p.intact != nil && v.Known && v.Sum == rec.sum && v.Stat == rec.stat {
		return false, u.leave(host, &p, rec, v.Core)
	}
	if u.o.DryRun {
		u.changed("write", path)
		u.report.Written++
		return false, nil
	}
	u.page.pending[host] = p
	return true, nil
}

func (u *update) changed(verb, path string) {
	if u.o.Changed != nil {
		u.o.Changed(verb, path)
	}
}

// leave lets a file be as it is, but for its mode and, with Link, for being a file of
// its own.
func (u *update) leave(host string, p *pending, rec record, core string) error {
	if u.o.DryRun {
		u.report.Unchanged++
		return nil
	}
	if rec.core != core {
		rec.core = core
		if err := u.page.set(host, rec); err != nil {
			return err
		}
	}
	if source := u.page.sources[rec.sum]; source != nil && !os.SameFile(source.info, p.intact) {
		linked, err := u.link(host, p.path, rec)
		if linked {
			u.report.Linked++
		}
		if linked || err != nil {
			return err
		}
	}
	if u.o.Link {
		u.page.sources[rec.sum] = &linkable{p.path, p.intact}
	}
	touched, err := u.fixMode(p.path, p.intact)
	if touched {
		u.report.Touched++
	} else {
		u.report.Unchanged++
	}
	return err
}

// take writes an object that has been read, unless what it holds turns out to be there.
func (u *update) take(o *sysops.Object) error {
	host := o.Site + "/" + o.Host
	p, ok := u.page.pending[host]
	if !ok {
		return nil
	}
	delete(u.page.pending, host)
	sum := sha256.Sum256(o.Contents)
	if rec := u.page.files[host]; p.intact != nil && sum == rec.sum {
		return u.touch(host, &p, rec, o)
	}
	rec := record{core: o.Core, sum: sum, stat: p.stat}
	u.changed("write", p.path)
	linked, err := u.link(host, p.path, rec)
	if err == nil && !linked {
		err = u.write(host, p.path, rec, o.Contents, mtimeOf(o))
	}
	if refused := cannotBe(err); refused != nil {
		u.report.Refused.add(o.Key, refused)
		return nil
	}
	switch {
	case err != nil:
		return err
	case linked:
		u.report.Linked++
	default:
		u.report.Written++
		u.report.Bytes += int64(len(o.Contents))
	}
	return nil
}

// touch gives a file with the right contents the right mtime. One that is a link keeps
// that of the others with Link, and else becomes a file of its own.
func (u *update) touch(host string, p *pending, rec record, o *sysops.Object) error {
	mtime := mtimeOf(o)
	same := o.Stat == nil || mtime.Equal(rec.mtime)
	rec.core, rec.stat = o.Core, p.stat
	links := uint64(1)
	if st, ok := snapshot.StatOf(p.intact); ok {
		links = st.Nlink
	}
	switch {
	case same || u.o.Link && (links > 1 || u.page.sources[rec.sum] != nil):
		if rec != u.page.files[host] {
			if err := u.page.set(host, rec); err != nil {
				return err
			}
		}
		return u.leave(host, p, rec, o.Core)
	case links > 1:
		if err := u.write(host, p.path, rec, o.Contents, mtime); err != nil {
			return err
		}
		u.report.Written++
		u.report.Bytes += int64(len(o.Contents))
		return nil
	}
	u.changed("write", p.path)
	if err := u.page.set(host, record{core: o.Core, claimed: true}); err != nil {
		return err
	}
	if err := u.root.Chtimes(p.path, mtime, mtime); err != nil {
		return err
	}
	if _, err := u.fixMode(p.path, p.intact); err != nil {
		return err
	}
	u.report.Touched++
	return u.note(host, p.path, rec)
}
