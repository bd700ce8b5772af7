package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// A manifest is what a tree knows of its files of one name. On disk it is a log: lines
// are added while files are written, a later line for a file replaces an earlier one, and
// a last line that a kill has cut off does not count. One name at a time is in memory.
//
//	sysops-export 1 "/etc/passwd"                                 the version of the format, the name
//	w <core> <site>/<host> <sha256> <stat> <size> <mtime>         the file is as this says
//	c <core> <site>/<host>                                        it is about to be replaced
//	d <core> <site>/<host>                                        it is no more
//
// Fields are separated by tabs; stat is the digest of the index in hex, mtime is in
// nanoseconds. A file that was about to be replaced when the export was killed is ours,
// with contents that nobody knows.
type manifest struct {
	root  *os.Root
	name  string
	path  string
	files map[string]record // by site/host
	lines int               // on disk
	whole int64             // bytes of them; what is more is a line without an end
	log   *os.File          // nil: nothing has been added yet
}

// A record is what a manifest says of one file.
type record struct {
	core    string
	claimed bool // about to be replaced; the rest is unknown
	sum     [sha256.Size]byte
	stat    uint64
	size    int64
	mtime   time.Time // as the file system gave it back
}

// matches reports whether the file is still what was written, as far as stat(2) tells.
func (r *record) matches(fi fs.FileInfo) bool {
	return !r.claimed && fi.Mode().IsRegular() && fi.Size() == r.size && fi.ModTime().Equal(r.mtime)
}

const (
	manifestVersion = "sysops-export 1"
	manifestSuffix  = ".manifest"
)

// manifestPath is where the manifest of a name lies.
func manifestPath(name string) string {
	sum := sha256.Sum256([]byte(name))
	return ownFolder + "/" + hex.EncodeToString(sum[:16]) + manifestSuffix
}

// readManifest reads what is on disk of a name; nothing is an empty manifest.
func readManifest(root *os.Root, name string) (*manifest, error) {
	m := &manifest{root: root, name: name, path: manifestPath(name), files: make(map[string]record)}
	err := m.read(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return m, err
}

// openManifest reads a manifest whose name only its file tells.
func openManifest(root *os.Root, path string) (*manifest, error) {
	m := &manifest{root: root, path: path, files: make(map[string]record)}
	return m, m.read(path)
}

func (m *manifest) read(path string) error {
	f, err := m.root.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read what was exported before: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read what was exported before: %w", err)
		}
		m.whole += int64(len(line))
		line = line[:len(line)-1]
		if m.lines++; m.lines > 1 {
			m.apply(line)
			continue
		}
		if m.name, err = parseHeader(line, m.name); err != nil {
			return fmt.Errorf("cannot read what was exported before: %s: %w", path, err)
		}
	}
}

// parseHeader returns the name that the first line tells, which is want unless that is
// empty.
func parseHeader(line, want string) (string, error) {
	quoted, ok := strings.CutPrefix(line, manifestVersion+" ")
	if !ok {
		return "", fmt.Errorf("it does not begin with %q: another version of sysops wrote it", manifestVersion)
	}
	name, err := strconv.Unquote(quoted)
	if err != nil || want != "" && name != want {
		return "", errors.New("it is damaged: its first line does not hold its name")
	}
	return name, nil
}

// apply takes in a line. What is no line of ours is passed over: its file then counts
// as unknown, and is written again.
func (m *manifest) apply(line string) {
	f := strings.Split(line, "\t")
	switch {
	case len(f) == 3 && f[0] == "c":
		m.files[f[2]] = record{core: f[1], claimed: true}
	case len(f) == 3 && f[0] == "d":
		delete(m.files, f[2])
	case len(f) == 7 && f[0] == "w":
		r := record{core: f[1]}
		sum, err := hex.DecodeString(f[3])
		stat, err2 := strconv.ParseUint(f[4], 16, 64)
		size, err3 := strconv.ParseInt(f[5], 10, 64)
		mtime, err4 := strconv.ParseInt(f[6], 10, 64)
		if err := errors.Join(err, err2, err3, err4); err != nil || len(sum) != len(r.sum) {
			delete(m.files, f[2])
			return
		}
		copy(r.sum[:], sum)
		r.stat, r.size, r.mtime = stat, size, time.Unix(0, mtime)
		m.files[f[2]] = r
	}
}

func appendRecord(b []byte, host string, r record) []byte {
	if r.claimed {
		return fmt.Appendf(b, "c\t%s\t%s\n", r.core, host)
	}
	return fmt.Appendf(b, "w\t%s\t%s\t%x\t%x\t%d\t%d\n", r.core, host, r.sum, r.stat, r.size, r.mtime.UnixNano())
}

// set notes what a file is, or that it is about to be replaced.
func (m *manifest) set(host string, r record) error {
	m.files[host] = r
	return m.add(appendRecord(nil, host, r))
}

// drop notes that a file is no more.
func (m *manifest) drop(host string) error {
	core := m.files[host].core
	delete(m.files, host)
	return m.add(fmt.Appendf(nil, "d\t%s\t%s\n", core, host))
}

// add writes a line at once: what a kill leaves is what has happened.
func (m *manifest) add(line []byte) error {
	if m.log == nil {
		var err error
		if m.log, err = wholefile.Open(m.root, m.path, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return fmt.Errorf("cannot note what is exported: %w", err)
		}
		if err := m.log.Truncate(m.whole); err != nil {
			return fmt.Errorf("cannot note what is exported: %w", err)
		}
		if m.lines == 0 {
			line = append(m.header(), line...)
			m.lines++
		}
	}
	m.lines++
	if _, err := m.log.Write(line); err != nil {
		return fmt.Errorf("cannot note what is exported: %w", err)
	}
	return nil
}

func (m *manifest) header() []byte { return fmt.Appendf(nil, "%s %q\n", manifestVersion, m.name) }

// close ends the log and, where most of it is outdated, writes it anew.
func (m *manifest) close() error {
	if m.log == nil {
		return nil
	}
	err := m.log.Close()
	m.log = nil
	if err != nil {
		return fmt.Errorf("cannot note what is exported: %w", err)
	}
	if len(m.files) > 0 && m.lines <= 2*len(m.files)+64 {
		return nil
	}
	return m.compact()
}

func (m *manifest) compact() error {
	if len(m.files) == 0 {
		if err := m.root.Remove(m.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot note what is exported: %w", err)
		}
		return nil
	}
	var b bytes.Buffer
	b.Write(m.header())
	for host, r := range m.files {
		b.Write(appendRecord(b.AvailableBuffer(), host, r))
	}
	if err := wholefile.Write(m.path, b.Bytes(), own(m.root)); err != nil {
		return fmt.Errorf("cannot note what is exported: %w", err)
	}
	return nil
}
