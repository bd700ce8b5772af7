// Package trust tells the files that nobody but root and the running user can have changed
// from those that another user of the machine may have put there.
//
// Whoever can write the config decides which servers get the password, which programs run
// and which files are sent; whoever can write a folder above it can put another one there.
// So a path is judged as sshd judges the one to authorized_keys, from / on:
//
//   - what lies on it belongs to root or the running user, and neither group nor others may
//     write to it;
//   - of a folder with the sticky bit, such as /tmp, others may write to it if more follows:
//     there they can neither rename nor remove what belongs to root or the user. What follows
//     has to be no link of theirs, then, and no second name of a file that lies elsewhere;
//   - links are followed, and what they lead through is judged in the same way. A link itself
//     has no mode: it counts who may write to the folder that it lies in.
//
// Nobody can exchange what was judged for something else: that takes a folder that others may
// write to, and such a path is refused. Access lists need no look of their own, because the
// mode shows what they grant as the rights of the group. The owners that a file system shows
// are believed, unless it is a FUSE that a user mounted: all of that is the user's.
//
// The package leaves to its callers which files need this, and what they are for.
package trust

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/sysops-api/sysops-api/internal/words"
)

// An Error is why a file is not trusted, and the command that mends it.
type Error struct {
	Path   string // of what is at fault: a folder or a link on the way, or the file itself
	Reason string // such as "everyone may write to it (mode 0666)"
	Mend   string // what to do: a command for the shell, if there is one
}

func (e *Error) Error() string { return e.Reason + ": " + e.Mend }

// Check judges a path as far as there is something: a folder, or a file that is yet to be
// written. A folder at its end has to be closed to others even if it is sticky. Its errors do
// not name the path; those of the functions that open one are of type [*fs.PathError], and do.
func Check(path string) error {
	end, err := follow(path, trusted)
	if err == nil {
		return end.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Entry judges what lies at a path, in a folder that is trusted already.
func Entry(path string, info fs.FileInfo) error {
	return (&place{path: path, info: info}).judge(path)
}

// Open opens a file for reading if its path is trusted. It waits for the writer of a pipe.
func Open(path string) (*os.File, error) {
	f, _, err := open(path)
	return f, err
}

// open returns a file and what it is.
func open(path string) (*os.File, fs.FileMode, error) {
	end, err := follow(path, trusted)
	if err != nil {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer end.Close()
	if end.info.IsDir() {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	}
	f, err := end.open(os.O_RDONLY)
	if err != nil {
		return nil, 0, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, end.info.Mode(), nil
}

// Read returns what a file holds whose path is trusted: an error if that is over so many
// bytes.
func Read(path string, most int64) ([]byte, error) {
	f, mode, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f, mode, path, most)
}

// ReadSecret is Read for a password, a private key or the like: not everybody may read that,
// either. The group of the file may.
func ReadSecret(path string, most int64) ([]byte, error) {
	f, mode, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if mode.IsRegular() && mode&0o007 != 0 {
		return nil, &fs.PathError{Op: "open", Path: path, Err: &Error{
			path, fmt.Sprintf("everyone may read it (mode %04o)", mode.Perm()), "chmod o= " + words.ShellQuote(path),
		}}
	}
	return readAll(f, mode, path, most)
}

func readAll(f *os.File, mode fs.FileMode, path string, most int64) ([]byte, error) {
	text, err := withinUnlessPiped(mode, func() ([]byte, error) { return io.ReadAll(io.LimitReader(f, most+1)) })
	if errors.Is(err, ErrSilent) {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has over %d bytes", most)}
	}
	return text, nil
}

// trusted judges what lies in a folder, on the way of a path or, where last is set, at its
// end. folder is nil for /.
func trusted(folder, entry *place, asked string, last bool) error {
	shared := folder != nil && folder.shared() // and sticky, or it would have been refused
	switch {
	case entry.isLink():
		if shared && entry.movable() {
			return entry.planted()
		}
		return nil
	case entry.info.IsDir() && entry.info.Mode()&fs.ModeSticky != 0 && !last:
		return entry.judgeOwner(asked)
	}
	if err := entry.judge(asked); err != nil {
		return err
	}
	if shared && entry.info.Mode().IsRegular() && entry.stat().Nlink > 1 {
		file := words.ShellQuote(entry.path)
		return &Error{
			entry.path, fmt.Sprintf("%s has %d names, and others may have given it this one", entry.called(asked), entry.stat().Nlink),
			fmt.Sprintf("cp -p %s %[1]s.own && mv %[1]s.own %[1]s", file),
		}
	}
	return nil
}

// judge says who else can change what is in a place, asked being the path that led there.
func (p *place) judge(asked string) error {
	if err := p.judgeOwner(asked); err != nil {
		return err
	}
	mode := p.info.Mode()
	who := ""
	switch {
	case mode&fs.ModeCharDevice != 0: // what is written to a terminal or /dev/null is not what is read there
	case mode&0o002 != 0:
		who = "everyone"
	case mode&0o020 != 0:
		who = "its group"
	}
	if who == "" {
		return nil
	}
	return &Error{
		p.path, fmt.Sprintf("%s may write to %s (mode %#o)", who, p.called(asked), mode.Perm()),
		"chmod go-w " + words.ShellQuote(p.path),
	}
}

func (p *place) judgeOwner(asked string) error {
	if !p.foreign() {
		return nil
	}
	return &Error{
		p.path, fmt.Sprintf("%s belongs to user %d, not to root or user %d", p.called(asked), p.owner(), os.Geteuid()),
		"chown root " + words.ShellQuote(p.path),
	}
}

// called is what a place is called in an error about the path asked.
func (p *place) called(asked string) string {
	if p.path == asked {
		return "it"
	}
	return words.ShellQuote(p.path)
}

// planted is the error of a link that another user may have made, or put there.
func (p *place) planted() error {
	return &Error{
		p.path, fmt.Sprintf("it leads through the link %s, which user %d may have put there", words.ShellQuote(p.path), p.owner()),
		"name what that leads to in its place",
	}
}
