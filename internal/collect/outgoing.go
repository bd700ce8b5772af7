package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/snapshot"
)

// DefaultMaxSize is the size in bytes from which a file is not sent: 10 MiB, as
// in the original.
const DefaultMaxSize = 10 << 20

// FileOptions say which files become objects, and how they are read.
type FileOptions struct {
	JSON     string           // the JSON object whose keys are objects; empty: DefaultPath
	MaxSize  int64            // bytes an object may have; 0: DefaultMaxSize
	Redactor *redact.Redactor // applied to all contents; nil: they are sent as they are

	// Host is what is known of the host's file systems; nil: nothing yet.
	Host *hostfs.Host

	// Patterns of names that are private in addition to those that are by
	// default, and of names that are not although they would be by default. A name
	// that both match is private. * ? [a-z] [^a] \x are as in the patterns of
	// sysops: * matches / too, and a pattern may also be that of a section alone.
	Private, NotPrivate []string

	// Found is told, each time an object is read, which secrets were taken out of it; nil:
	// nobody wants to know. It is called by whoever reads a source.
	Found func([]redact.Finding)

	// Secrets are paths of what the caller itself keeps secret, beside the names by which
	// files are known to hold secrets. Neither is ever read, whatever leads there.
	Secrets []string
}

// A Snapshot is what a host has to publish, as it was when it was listed. The
// sources read the files again each time they are asked, except that the
// sections of the JSON object are those of the moment of listing.
type Snapshot struct {
	Sources  []snapshot.Source // sorted by name, each name once
	Problems []Problem         // what is left out, and warnings; sorted by name

	// Keep names what could not be looked at, as [snapshot.Snapshot] has it.
	Keep []string

	// Linked are the folders of which all files are chosen, by the names of which theirs begin,
	// and the link that leads to each.
	Linked map[string]string
}

// A Problem is something that is not in the snapshot although it was chosen or,
// where Warning is set, something that is in it other than one would expect.
type Problem struct {
	Name    string // what the object would be called
	Err     error  // errors.Is sees through to fs.ErrNotExist and the like
	Warning bool
	Unknown bool // nobody knows whether it is there: servers keep what they have of it
}

// Error says it in one phrase: "cannot read /etc/shadow: permission denied".
func (p Problem) Error() string {
	switch {
	case errors.Is(p.Err, ErrSecrets):
		return fmt.Sprintf("%s is left out: %v", p.Name, p.Err)
	case p.Warning:
		return fmt.Sprintf("%s: %v", p.Name, p.Err)
	case p.Unknown:
		return fmt.Sprintf("%s is unknown, and stays on the servers as it was: %v", p.Name, p.Err)
	}
	return fmt.Sprintf("cannot read %s: %v", p.Name, p.Err)
}

// Unwrap returns Err.
func (p Problem) Unwrap() error { return p.Err }

// Outgoing lists the objects that the outgoing directory dir chooses.
//
//   - A symbolic link is an object named by what one readlink(2) says, made
//     absolute and cleaned; its contents are read through the link. A link to a
//     directory is an object for each file below it.
//   - A plain file is an object named by its own absolute path.
//   - Directories in dir are searched in the same way.
//   - Each key K of the JSON object o.JSON is an object named "<path>@K", linked
//     or not: a string gives its text, any other value its JSON. A file there
//     that is no JSON object is sent whole, with a warning.
//   - What is over o.MaxSize becomes "<name>@file_size_exceeded" with a sentence
//     as its contents. The JSON file itself may have 64 MiB.
//
// Private are files that others on this host cannot read, by their mode or that of
// a folder above them, and what tells of people, command lines or connections; of
// the JSON object all sections but a few. o.Private and o.NotPrivate change that.
//
// What holds secrets, by its name or where it really is, is a Problem with [ErrSecrets].
// What others could have arranged is read with their rights and no others, see
// package hostfs. Pipes, devices and sockets are never opened. What cannot be listed is a
// Problem, and what could not be looked at, because a file system does not answer, is
// kept. An error is returned only where dir itself is missing, cannot be read or does not answer, or where
// others than root and the running user can change dir, the JSON object or what leads
// there: they would choose what is read with the caller's rights. The Snapshot may be
// used by several goroutines, each source by one at a time.
func Outgoing(dir string, o FileOptions) (*Snapshot, error) {
	if o.JSON == "" {
		o.JSON = DefaultPath
	}
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	if o.Host == nil {
		o.Host = hostfs.New()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot list outgoing directory %q: %w", dir, err)
	}
	if err := checkPatterns(slices.Concat(o.Private, o.NotPrivate)...); err != nil {
		return nil, err
	}
	if err := o.Host.Do(func() error { return checkDir(dir) }); err != nil {
		return nil, err
	}
	l := newLister(o)
	if err := l.list(dir); err != nil {
		return nil, fmt.Errorf("cannot list outgoing directory %s: %w", dir, cause(err))
	}
	if !slices.Contains(l.Keep, o.JSON) { // its file system answers
		if err := o.Host.Do(func() error { return checkJSON(o.JSON) }); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(l.Sources, func(a, b snapshot.Source) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(l.Problems, func(a, b Problem) int { return strings.Compare(a.Name, b.Name) })
	l.Problems = slices.CompactFunc(l.Problems, func(a, b Problem) bool { return a.Error() == b.Error() })
	slices.Sort(l.Keep)
	l.Keep = slices.Compact(l.Keep)
	return &l.Snapshot, nil
}

// list lists the JSON object and the outgoing directory.
func (l *lister) list(dir string) error {
	root, err := l.options.Host.Root()
	if err != nil {
		return err
	}
	l.secrecy.know(root)
	l.sections(root)
	at, err := root.Find(dir, true)
	if err != nil {
		return err
	}
	if at.Folder == nil {
		return errChanged
	}
	return l.entries(dir, at.Folder)
}

var errChanged = errors.New("it was a directory a moment ago, and is none now")

// checkDir says what is wrong with the outgoing directory, as a [hint.Error]: that it is
// missing, no directory, or that others than root and the running user can change what lies
// in it, or exchange it for another (see internal/trust).
func checkDir(dir string) error {
	fi, err := trust.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return outgoingError(dir, cause(err), "create and fill it with: sysops-agent init")
	case err != nil:
		return outgoingError(dir, cause(err), "the directory and those above it must be open to the user that runs sysops-agent")
	case !fi.IsDir():
		return hint.For(fmt.Errorf("cannot use outgoing directory %s: it is %s, not a directory", dir, hostfs.Describe(fi.Mode())), hint.NoOutgoing)
	}
	if err := trust.Check(dir); err != nil {
		return outgoingError(dir, err, "whoever may write there chooses which files are read")
	}
	return nil
}

func outgoingError(dir string, why error, advice string) error {
	return hint.To(fmt.Errorf("cannot use outgoing directory %s: %w", dir, why), advice)
}

// checkJSON says who else can change the JSON object, or put another in its place: it would
// be sent in this host's name, and where it is a link, what that leads to. What is wrong
// with it otherwise, reading it tells.
func checkJSON(path string) error {
	if err, untrusted := errors.AsType[*trust.Error](trust.Check(path)); untrusted {
		return hint.To(fmt.Errorf("cannot use the JSON object %s: %w", path, err), "whoever may write there chooses what this host says of itself")
	}
	return nil
}
