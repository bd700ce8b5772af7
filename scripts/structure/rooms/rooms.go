// Package rooms is the table of which package of the module may import what, and its
// check. The table is the architecture: imports run downwards only, and leaves know
// neither the root nor each other.
//
// A forbidden import is told in a sentence that says what to do. What else holds of the
// packages, scripts/structure checks.
package rooms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Root is the name of the module's own package, in whose folder go.mod is.
const Root = "root"

// A House is the rooms of a module.
type House struct {
	Module string // its import path
	Where  string // the file that holds the table

	// Rooms are the packages, the lowest first: each may import what its row names of those
	// listed before it. A row of a package that is not there yet is no fault.
	Rooms []Room

	// Confined says, for each import path that is not the standard library's, which
	// packages may import it and what lies below it; also for some of the library.
	Confined map[string][]string
}

// A Room is the row of one package.
type Room struct {
	Path string // below the module, such as internal/store, or Root

	// Imports are the paths that it may import, separated by blanks. One that ends with
	// "/..." stands for all rooms below it.
	Imports string
}

// Name returns the path below the module of one of its packages, Root for the module's
// own, and whether it is one of the module's.
func (h *House) Name(importPath string) (name string, ours bool) {
	if importPath == h.Module {
		return Root, true
	}
	return strings.CutPrefix(importPath, h.Module+"/")
}

func (h *House) room(name string) *Room {
	i := slices.IndexFunc(h.Rooms, func(r Room) bool { return r.Path == name })
	if i < 0 {
		return nil
	}
	return &h.Rooms[i]
}

func (r *Room) may(name string) bool {
	for path := range strings.FieldsSeq(r.Imports) {
		below, group := strings.CutSuffix(path, "...")
		if path == name || group && strings.HasPrefix(name, below) {
			return true
		}
	}
	return false
}

// Known returns an error for a package of the module, by its name, that has no row.
func (h *House) Known(name string) error {
	if h.room(name) == nil {
		return fmt.Errorf("%s is not in the table: give it a row in %s, with what it may import", name, h.Where)
	}
	return nil
}

// Check returns why a package of the module, by its name, may not import another by its
// path; nil if it may.
func (h *House) Check(name, importPath string) error {
	if err := h.Known(name); err != nil {
		return err
	}
	room := h.room(name)
	if imported, ours := h.Name(importPath); ours {
		if room.may(imported) {
			return nil
		}
		return fmt.Errorf("%s may not import %s: move what it needs below %s, or pass it in as a parameter; the table is in %s",
			name, imported, name, h.Where)
	}
	for path, allowed := range h.Confined {
		if importPath != path && !strings.HasPrefix(importPath, path+"/") {
			continue
		}
		if slices.Contains(allowed, name) {
			return nil
		}
		return fmt.Errorf("%s may not import %s, which is confined to %s: let one of them do it; the table is in %s",
			name, importPath, strings.Join(allowed, ", "), h.Where)
	}
	if first, _, _ := strings.Cut(importPath, "/"); strings.Contains(first, ".") {
		return fmt.Errorf("%s may not import %s, which no package has yet: say in docs/decisions/0001-dependencies.md what it is for, and confine it in %s",
			name, importPath, h.Where)
	}
	return nil
}

// Valid returns what is wrong with the table itself.
func (h *House) Valid() error {
	var errs []error
	for i, r := range h.Rooms {
		for path := range strings.FieldsSeq(r.Imports) {
			below, group := strings.CutSuffix(path, "...")
			if !slices.ContainsFunc(h.Rooms[:i], func(r Room) bool {
				return r.Path == path || group && strings.HasPrefix(r.Path, below)
			}) {
				errs = append(errs, fmt.Errorf("the row of %s names %s, which has no row before it: imports run downwards; mend %s", r.Path, path, h.Where))
			}
		}
		if h.room(r.Path) != &h.Rooms[i] {
			errs = append(errs, fmt.Errorf("%s has two rows in %s: make them one", r.Path, h.Where))
		}
	}
	for path, allowed := range h.Confined {
		for _, name := range allowed {
			if h.room(name) == nil {
				errs = append(errs, fmt.Errorf("%s is confined to %s, which has no row in %s: give it one, or take it off", path, name, h.Where))
			}
		}
	}
	return errors.Join(errs...)
}
