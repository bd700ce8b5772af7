package directory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/words"
)

// KeepOptions say what becomes of a directory service's answers. The zero value is ready
// to use, and keeps none.
type KeepOptions struct {
	// CacheAge is how old an answer may be that is used while the directory cannot be
	// asked. 0 keeps no answers.
	CacheAge    time.Duration
	CacheFolder string // where they are kept; empty: sysops in the user's cache folder

	// Warn is told of what a person should know: that a server of the directory does
	// not answer, or that a kept answer is used. nil: it is dropped.
	Warn func(error)
}

// OpenKept is Open, with a kept copy of the service's answers.
func OpenKept(rawURL, localSite, localCore string, o KeepOptions) (Service, error) {
	if o.Warn == nil {
		o.Warn = func(error) {}
	}
	dir, err := Open(rawURL, Options{LocalSite: localSite, LocalCore: localCore, Warn: o.Warn})
	if err != nil {
		return nil, advised(err)
	}
	if o.CacheAge > 0 && o.CacheFolder == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return dir, nil // a service without a home: nowhere to keep anything
		}
		o.CacheFolder = filepath.Join(user, "sysops")
	}
	return keep(dir, strings.Join([]string{rawURL, localSite, localCore}, "\n"), o), nil
}

// advised adds to what is wrong with a directory's URL what to write instead.
func advised(err error) error {
	bad, ok := errors.AsType[*URLError](err)
	if !ok {
		return err
	}
	var names []string
	forms := make(map[string]string)
	for _, s := range Schemes() {
		names = append(names, s.Name)
		forms[s.Name] = s.Form
	}
	switch near := words.Nearest(bad.Scheme, names); {
	case forms[bad.Scheme] != "":
		return hint.To(err, "its form is "+forms[bad.Scheme])
	case strings.HasPrefix(bad.Scheme, "redis") || bad.Scheme == "unix":
		return hint.For(err, hint.ServerForURL)
	case near != "":
		return hint.To(err, "did you mean "+forms[near]+"?")
	}
	return hint.To(err, "the services are "+strings.Join(names, ", ")+"; a file is "+forms["file"])
}
