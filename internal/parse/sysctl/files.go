// Package sysctl reads the kernel settings of a host as "sysctl --system" of procps-ng 4
// does: which files count and in which order, what their lines say, and what becomes of
// them on a kernel with these live values, as "sysctl -a" printed them.
//
// It decides as the real program does, beside which the tests run, without running
// anything: a Plan is what files say on whichever host, and Apply is what would be
// written. What a host sends is bounded: beyond, the answer is ErrTooMuch. Globs are
// matched by RE2. What the kernel would refuse cannot be known here.
//
// Which settings of which hosts are not what their files say is left to
// internal/audit/sysctl.
package sysctl

import (
	"path"
	"slices"
	"strings"
)

var directories = []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// Directories returns those of sysctl.d, the one that shadows the others first.
func Directories() []string { return slices.Clone(directories) }

// MainFile is read last, whatever the others are called.
const MainFile = "/etc/sysctl.conf"

// IsFile reports whether sysctl --system may read a file of this name: with the right
// ending, which InOrder looks at, it does.
func IsFile(name string) bool {
	return name == MainFile || slices.Contains(directories, path.Dir(name))
}

// A File is one of the files that sysctl --system may read.
type File struct{ Name, Contents string }

// InOrder returns the files that sysctl --system reads, in the order in which it does:
// those of sysctl.d that end in .conf, sorted by their names without the directory, of
// which the first directory's shadows the others; then /etc/sysctl.conf.
func InOrder(files []File) []File {
	var main []File
	read := make(map[string]File)
	rank := func(f File) int { return slices.Index(directories, path.Dir(f.Name)) }
	for _, f := range files {
		base := path.Base(f.Name)
		switch at := rank(f); {
		case f.Name == MainFile:
			main = []File{f}
		case at < 0 || !strings.HasSuffix(base, ".conf"):
		default:
			if other, ok := read[base]; !ok || at < rank(other) {
				read[base] = f
			}
		}
	}
	var out []File
	for _, base := range sortedKeys(read) {
		out = append(out, read[base])
	}
	return append(out, main...)
}

// A Setting is a line of a file that says something.
type Setting struct {
	// Key as sysctl -a prints it: separated by dots, with a slash for a dot within a
	// name (net.ipv4.conf.eth0/100.forwarding). It may be a glob.
	Key   string
	Value string
	File  string

	Optional bool // a leading "-": it does not matter if it cannot be set
	Exclude  bool // "-key" without a value: globs leave the key alone
	odd      bool // the file has a separator too many: then a glob and a key are not compared
}

// Parse reads a file as sysctl of procps-ng 4 does. What it would complain about is
// passed over.
func Parse(f File) []Setting {
	var out []Setting
	for line := range strings.Lines(f.Contents) {
		line, _, _ = strings.Cut(line, "\x00") // to a C program that is its end
		line = strings.TrimLeft(line, space)
		if len(line) < 2 || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, assigned := strings.Cut(line, "=")
		key, dashed := strings.CutPrefix(key, "-")
		if !assigned && !dashed {
			continue
		}
		key = strings.TrimPrefix(key, "-") // a second one says nothing
		key, odd := canonical(strings.TrimRight(key, space))
		out = append(out, Setting{
			Key: key, odd: odd, Value: strings.Trim(value, space), File: f.Name,
			Optional: dashed && assigned, Exclude: !assigned,
		})
	}
	return out
}

// space is what isspace(3) says is white.
const space = " \t\n\v\f\r"

// canonical returns a key as sysctl -a prints it. The first separator decides: after a
// dot, dots separate and slashes stand for dots within names; after a slash, the
// other way round. To the kernel, repeated slashes are one: odd says that there were some.
func canonical(text string) (key string, odd bool) {
	key = text
	at := strings.IndexAny(key, "/.")
	if at < 0 {
		return key, false
	}
	if key[at] == '/' {
		key = separators.Replace(key)
	}
	whole := len(key)
	for strings.Contains(key, "./.") { // a name that is a dot is the folder itself
		key = strings.ReplaceAll(key, "./.", ".")
	}
	for strings.Contains(key, "..") {
		key = strings.ReplaceAll(key, "..", ".")
	}
	key = strings.TrimLeft(key, ".")
	return key, len(key) < whole
}

var separators = strings.NewReplacer(".", "/", "/", ".")
