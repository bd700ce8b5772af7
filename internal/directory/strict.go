package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// What a directory may hold. More is a mistake or an attack, and would be asked for one
// by one.
const (
	maxNames = 10_000 // sites, cores of a site, servers of a core
	maxName  = 253    // bytes of a name, as of a host's
	maxURL   = 2_000  // bytes of a server's URL
)

// strict is what Open puts around a service: whatever the service answers, names come
// sorted, each once, and are words that can stand in a terminal and in a URL, of bounded
// number and length; a core is in one site. An answer that breaks this is malformed, as
// a whole.
type strict struct {
	service Service

	mu     sync.Mutex
	siteOf map[string]string // core → where it was seen last
}

var _ Service = (*strict)(nil)

func newStrict(s Service) *strict { return &strict{service: s, siteOf: make(map[string]string)} }

func (s *strict) Sites(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sites, err := s.service.Sites(ctx)
	return few("site", sites, err)
}

// Cores also remembers where each core is. A core that was seen elsewhere has moved or
// is in two sites: only its former site can tell.
func (s *strict) Cores(ctx context.Context, site string) ([]string, error) {
	cores, err := s.cores(ctx, site)
	if err != nil {
		return nil, err
	}
	for _, core := range cores {
		if err := s.place(ctx, core, site); err != nil {
			return nil, err
		}
	}
	return cores, nil
}

// place notes that a core is in a site, unless it is still in another one.
func (s *strict) place(ctx context.Context, core, site string) error {
	s.mu.Lock()
	former, seen := s.siteOf[core]
	s.mu.Unlock()
	if seen && former != site {
		there, err := s.cores(ctx, former)
		if err != nil {
			return fmt.Errorf("cannot tell whether core %q moved from site %q to site %q: %w", core, former, site, err)
		}
		if slices.Contains(there, core) {
			return fmt.Errorf("cannot use the directory: core %q is in site %q and in site %q; core names must be unique", core, former, site)
		}
	}
	s.mu.Lock()
	s.siteOf[core] = site
	s.mu.Unlock()
	return nil
}

func (s *strict) cores(ctx context.Context, site string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cores, err := s.service.Cores(ctx, site)
	return few("core", cores, err)
}

func (s *strict) Servers(ctx context.Context, core string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	servers, err := s.service.Servers(ctx, core)
	if err != nil {
		return nil, brief{err}
	}
	if len(servers) > maxNames {
		return nil, tooMany("server")
	}
	for _, u := range servers {
		// An entry that is no URL is not repeated: what went wrong may be a password.
		if !isWord(u) || !strings.Contains(u, "://") || len(u) > maxURL {
			return nil, fmt.Errorf("cannot use the directory: core %q has a server that is no URL such as redis://host:6379/0", core)
		}
	}
	return fold(servers), nil
}

// Local also finds the site of a core that was named alone.
func (s *strict) Local(ctx context.Context) (site, core string, err error) {
	site, core, err = s.service.Local(ctx)
	if err != nil {
		return "", "", brief{err}
	}
	if site != "" || core == "" {
		return site, core, nil
	}
	sites, err := s.Sites(ctx)
	if err != nil {
		return "", "", err
	}
	for _, site := range sites {
		cores, err := s.Cores(ctx, site)
		if err != nil {
			return "", "", err
		}
		if slices.Contains(cores, core) {
			return site, core, nil
		}
	}
	return "", "", brief{fmt.Errorf("cannot use the directory: the local core %q is in none of its sites (%s)", core, strings.Join(sites, ", "))}
}

// strictExpander is strict for a service that can expand expressions.
type strictExpander struct {
	*strict
	expander Expander
}

var _ Expander = strictExpander{}

func (s strictExpander) Expand(ctx context.Context, expr string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	hosts, err := s.expander.Expand(ctx, expr)
	return allWords("host", hosts, err)
}

// few folds names, which must be words, and not too many.
func few(what string, names []string, err error) ([]string, error) {
	if err == nil && len(names) > maxNames {
		return nil, tooMany(what)
	}
	return allWords(what, names, err)
}

func tooMany(what string) error {
	return fmt.Errorf("cannot use the directory: it names more than %d %ss at once", maxNames, what)
}

// allWords folds names, all of which must be words.
func allWords(what string, names []string, err error) ([]string, error) {
	if err != nil {
		return nil, brief{err}
	}
	for _, n := range names {
		if !isWord(n) || len(n) > maxName {
			return nil, fmt.Errorf("cannot use the directory: it names a %s %.100q, which is empty, holds blanks or control characters, or has more than %d bytes", what, n, maxName)
		}
	}
	return fold(names), nil
}

// A brief error is told in one line that a person reads, whatever a server said that it
// repeats.
type brief struct{ error }

const maxError = 1_000 // characters

func (b brief) Error() string { return printable(b.error.Error(), maxError) }
func (b brief) Unwrap() error { return b.error }

// isWord says that a name is not empty and has printable characters only, and no
// blanks.
func isWord(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
}
