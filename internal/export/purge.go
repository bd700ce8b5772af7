package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/sysops-api/sysops-api"
)

// purge removes the files of objects that are gone. It goes before writing, so that a
// file that is gone does not stand in the way of a folder.
func (u *update) purge(ctx context.Context) error {
	if u.root == nil {
		return nil
	}
	all, err := fs.ReadDir(u.root.FS(), ownFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read what was exported before: %w", err)
	}
	for _, e := range all {
		if !strings.HasSuffix(e.Name(), manifestSuffix) {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("cannot go on: %w", err)
		}
		if err := u.purgeName(ownFolder + "/" + e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// purgeName removes what is gone of the files of one manifest.
func (u *update) purgeName(manifest string) error {
	m, err := openManifest(u.root, manifest)
	if err != nil {
		return err
	}
	for host, rec := range m.files {
		site, name, _ := strings.Cut(host, "/")
		key := sysops.Key{Host: name, Name: m.name}
		if !u.answer.Gone(site, rec.core, key) {
			continue
		}
		if err := u.purgeFile(m, host, rec, site, key); err != nil {
			m.close()
			return fmt.Errorf("cannot purge %s: %w", key, err)
		}
	}
	return m.close()
}

func (u *update) purgeFile(m *manifest, host string, rec record, site string, key sysops.Key) error {
	file, err := PathOf(site, key)
	if err != nil {
		return err // a manifest that we did not write
	}
	info, err := u.root.Lstat(file)
	there := err == nil
	if there && !rec.matches(info) && !(rec.claimed && info.Mode().IsRegular()) {
		u.report.Kept.add(key, errors.New("somebody has changed the file since it was exported"))
		return nil
	}
	if there {
		u.changed("purge", file)
		u.report.Purged++
	}
	if u.o.DryRun {
		return nil
	}
	if there {
		if err := u.root.Remove(file); err != nil {
			return err
		}
	}
	for folder := path.Dir(file); folder != "."; folder = path.Dir(folder) {
		if u.root.Remove(folder) != nil {
			break // it holds something else
		}
		delete(u.folders, folder)
		delete(u.reached, folder)
	}
	return m.drop(host)
}
