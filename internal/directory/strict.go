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

// strict is what Open puts around a service: whatever the service answers, names come
// sorted, each once, and are words that can stand in a terminal and in a URL; a core
// is in one site. An answer that breaks this is malformed, as a whole.
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
	return words("site", sites, err)
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
	return words("core", cores, err)
}

func (s *strict) Servers(ctx context.Context, core string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	servers, err := s.service.Servers(ctx, core)
	if err != nil {
		return nil, err
	}
	for _, u := range servers {
		// An entry that is no URL is not repeated: what went wrong may be a password.
		if !isWord(u) || !strings.Contains(u, "://") {
			return nil, fmt.Errorf("cannot use the directory: core %q has a server that is no URL such as redis://host:6379/0", core)
		}
	}
	return fold(servers), nil
}

// Local also finds the site of a core that was named alone.
func (s *strict) Local(ctx context.Context) (site, core string, err error) {
	site, core, err = s.service.Local(ctx)
	if err != nil || site != "" || core == "" {
		return site, core, err
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
	return "", "", fmt.Errorf("cannot use the directory: the local core %q is in none of its sites (%s)", core, strings.Join(sites, ", "))
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
	return words("host", hosts, err)
}

// words folds names, all of which must be words.
func words(what string, names []string, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if !isWord(n) {
			return nil, fmt.Errorf("cannot use the directory: it names a %s %.100q, which is empty or holds blanks or control characters", what, n)
		}
	}
	return fold(names), nil
}

// isWord says that a name is not empty and has printable characters only, and no
// blanks.
func isWord(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
}
