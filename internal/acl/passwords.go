package acl

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// Passwords is a folder of passwords: one file a user, of the user's name and for its owner
// alone. A password that is there is used as it is, so that every server gets the same one
// however often users are made; without its file a user gets a new one.
type Passwords struct{ folder string }

// OpenPasswords returns the folder, which is made where there is none. One that others may
// write to, look into, or put another in place of, is refused.
func OpenPasswords(folder string) (*Passwords, error) {
	if err := wholefile.MkdirAll(nil, folder, 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep passwords: %w", err)
	}
	fi, err := os.Stat(folder)
	if err != nil {
		return nil, fmt.Errorf("cannot keep passwords: %w", err)
	}
	if !fi.IsDir() {
		return nil, fmt.Errorf("cannot keep passwords in %s: it is no folder", folder)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot keep passwords in %s: others may use the folder: chmod 700 %[1]s", folder)
	}
	if err := trust.Check(folder); err != nil {
		return nil, fmt.Errorf("cannot keep passwords in %s: %w", folder, err)
	}
	return &Passwords{folder}, nil
}

// Close sweeps the folder, after passwords were made.
func (p *Passwords) Close() { wholefile.Sweep(p.folder) }

// rule returns the word of ACL SETUSER that gives a user its password: the digest of it, so
// that the password itself travels to no server and stands in no log. The password is made
// where there is none.
func (p *Passwords) rule(user string) (string, error) {
	file := filepath.Join(p.folder, user)
	password, err := secure.Password(file)
	if errors.Is(err, fs.ErrNotExist) {
		password = rand.Text() + rand.Text() // 260 bits: its digest tells nothing of it
		if err = wholefile.Write(file, []byte(password+"\n"), wholefile.Options{Unswept: true}); err != nil {
			err = fmt.Errorf("cannot keep the password of %s: %w", user, err)
		}
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(password))
	return "#" + hex.EncodeToString(sum[:]), nil
}
