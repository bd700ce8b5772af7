package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// A File is a directory that is written down: sites, their cores, their servers.
type File struct {
	sites map[string]map[string][]string // site → core → URLs
	local fixed
}

// NewFile returns the directory of these sites. localSite and localCore are the
// machine's own; both may be empty, and the site may be left out where the core
// tells it. Names must be words, those of cores unique over all sites, and each core must
// have servers: one that was written down without any was not meant so.
func NewFile(sites map[string]map[string][]string, localSite, localCore string) (*File, error) {
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		for _, core := range slices.Sorted(maps.Keys(sites[site])) {
			if len(sites[site][core]) == 0 {
				return nil, fmt.Errorf("cannot use the directory: core %q of site %q has no servers", core, site)
			}
		}
	}
	return listed(sites, localSite, localCore)
}

// listed is NewFile for a list that a program made, whose cores may have no servers.
func listed(sites map[string]map[string][]string, localSite, localCore string) (*File, error) {
	if _, err := allWords("site", slices.Collect(maps.Keys(sites)), nil); err != nil {
		return nil, err
	}
	siteOf := make(map[string]string)
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		if _, err := allWords("core", slices.Collect(maps.Keys(sites[site])), nil); err != nil {
			return nil, err
		}
		for core := range sites[site] {
			if other, taken := siteOf[core]; taken {
				return nil, fmt.Errorf("cannot use the directory: core %q is in site %q and in site %q; core names must be unique", core, other, site)
			}
			siteOf[core] = site
		}
	}
	if localCore != "" {
		site, ok := siteOf[localCore]
		if !ok {
			return nil, fmt.Errorf("cannot use the directory: the local core %q is in none of its sites (its cores: %v)", localCore, slices.Sorted(maps.Keys(siteOf)))
		}
		if localSite != "" && localSite != site {
			return nil, fmt.Errorf("cannot use the directory: the local core %q is in site %q, not in %q", localCore, site, localSite)
		}
		localSite = site
	}
	if _, ok := sites[localSite]; localSite != "" && !ok {
		return nil, fmt.Errorf("cannot use the directory: it has no local site %q (its sites: %v)", localSite, slices.Sorted(maps.Keys(sites)))
	}
	return &File{sites: sites, local: fixed{localSite, localCore}}, nil
}

// Written says that the sites come from the config. What a service reads from a file of
// its own, or a program prints, is not handed out as a File.
func (f *File) Written() {}

// Sites lists the sites.
func (f *File) Sites(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(f.sites)), nil
}

// Cores lists the cores of a site.
func (f *File) Cores(_ context.Context, site string) ([]string, error) {
	return slices.Sorted(maps.Keys(f.sites[site])), nil
}

// Servers lists the URLs of a core's servers.
func (f *File) Servers(_ context.Context, core string) ([]string, error) {
	for _, cores := range f.sites {
		if servers, ok := cores[core]; ok {
			return fold(servers), nil
		}
	}
	return nil, nil
}

// Local returns the machine's own site and core.
func (f *File) Local(ctx context.Context) (site, core string, err error) {
	return f.local.Local(ctx)
}

// A savedFile is a File in a file of its own, which is read again when it changes: a
// program that runs for months must not ask servers that are gone. While the file is
// malformed every question fails; what it said before may be wrong by now.
type savedFile struct {
	path  string
	local fixed // wins over the file's own

	mu   sync.Mutex
	seen os.FileInfo // of what file and err come from; nil: nothing was read yet
	file *File
	err  error
}

// fileLimit bounds a directory's file: a larger one is probably another's.
const fileLimit = 16 << 20

func openFile(loc location, o Options) (Service, error) {
	path, err := loc.file()
	if err != nil {
		return nil, err
	}
	return &savedFile{path: path, local: fixed{o.LocalSite, o.LocalCore}}, nil
}

// now returns what the file says.
func (s *savedFile) now() (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is, err := trust.Stat(s.path)
	if err != nil {
		s.seen = nil
		return nil, fmt.Errorf("cannot read the directory: %w", err)
	}
	if !is.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read the directory: %s is no file", s.path) // a pipe would be waited for
	}
	if s.seen == nil || !os.SameFile(s.seen, is) || !s.seen.ModTime().Equal(is.ModTime()) || s.seen.Size() != is.Size() {
		s.seen, s.file, s.err = is, nil, nil // what is written after the Stat is read again
		s.file, s.err = s.read()
	}
	return s.file, s.err
}

func (s *savedFile) read() (*File, error) {
	text, err := trust.Read(s.path, fileLimit)
	if err != nil {
		s.seen = nil
		return nil, fmt.Errorf("cannot read the directory: %w", err)
	}
	return s.parse(text)
}

func (s *savedFile) parse(text []byte) (*File, error) {
	var doc yaml.Node
	if err := yaml.Load(text, &doc); err != nil {
		return nil, s.malformed(err)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, s.wrongShape(root.Line)
	}
	var sites map[string]map[string][]string
	var local struct{ Site, Core string }
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		var err error
		switch key.Value {
		case "sites":
			err = value.Load(&sites)
		case "local":
			err = value.Load(&local, yaml.WithKnownFields())
		default:
			return nil, s.wrongShape(key.Line)
		}
		if err != nil {
			return nil, s.malformed(err)
		}
	}
	if sites == nil { // as in a file that was cut after its first line
		return nil, s.wrongShape(root.Line)
	}
	own := s.local
	if own == (fixed{}) {
		own = fixed{local.Site, local.Core}
	}
	f, err := NewFile(sites, own.site, own.core)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return f, nil
}

// malformed says where the file is wrong. What a value of the wrong kind holds is not
// repeated: it may be a password.
func (s *savedFile) malformed(err error) error {
	at, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok:
		return fmt.Errorf("cannot use the directory %s: %w", s.path, err)
	case at.Stage == yaml.ConstructorStage:
		return s.wrongShape(at.Mark.Line)
	default:
		return fmt.Errorf("cannot use the directory: %s:%d: %s", s.path, max(at.Mark.Line, 1), at.Message)
	}
}

func (s *savedFile) wrongShape(line int) error {
	return fmt.Errorf("cannot use the directory: %s:%d: its form is sites: {SITE: {CORE: [redis://HOST:PORT/DB, …]}} and local: {site: SITE, core: CORE}, "+
		"each name once; without any site write sites: {}", s.path, max(line, 1))
}

func (s *savedFile) Sites(ctx context.Context) ([]string, error) {
	f, err := s.now()
	if err != nil {
		return nil, err
	}
	return f.Sites(ctx)
}

func (s *savedFile) Cores(ctx context.Context, site string) ([]string, error) {
	f, err := s.now()
	if err != nil {
		return nil, err
	}
	return f.Cores(ctx, site)
}

func (s *savedFile) Servers(ctx context.Context, core string) ([]string, error) {
	f, err := s.now()
	if err != nil {
		return nil, err
	}
	return f.Servers(ctx, core)
}

func (s *savedFile) Local(ctx context.Context) (site, core string, err error) {
	f, err := s.now()
	if err != nil {
		return "", "", err
	}
	return f.Local(ctx)
}
