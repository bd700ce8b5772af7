package export

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api"
)

// ownFolder is where a tree keeps what it knows of its files. No site can have the name.
const ownFolder = ".sysops-export"

const (
	maxComponent = 255  // bytes, as in most file systems
	maxPath      = 1024 // bytes below the target; PATH_MAX is 4096 with what comes before
)

// PathOf returns where an object is in an export: site/host/name, the name without its
// leading slash. It refuses what would not stay there, and what would have to be changed
// to be a path, so that no two names of a host become one but /x and x: a "." or "..", an
// empty part (//, a slash at the end), control characters (newline, NUL), and what is too
// long for a file system.
func PathOf(site string, key sysops.Key) (string, error) {
	if site == ownFolder {
		return "", fmt.Errorf("site %q has the name of the export's own folder", site)
	}
	for _, part := range []string{site, key.Host} {
		if strings.Contains(part, "/") {
			return "", fmt.Errorf("%q holds a slash", part)
		}
		if err := checkComponent(part); err != nil {
			return "", err
		}
	}
	name := strings.TrimPrefix(key.Name, "/")
	for part := range strings.SplitSeq(name, "/") {
		if err := checkComponent(part); err != nil {
			return "", err
		}
	}
	path := site + "/" + key.Host + "/" + name
	if len(path) > maxPath {
		return "", fmt.Errorf("its path would have %d bytes, at most %d are allowed", len(path), maxPath)
	}
	return path, nil
}

func checkComponent(part string) error {
	switch {
	case part == "":
		return errors.New("a part of its path is empty")
	case part == ".", part == "..":
		return fmt.Errorf("a part of its path is %q", part)
	case len(part) > maxComponent:
		return fmt.Errorf("a part of its path has %d bytes, at most %d are allowed", len(part), maxComponent)
	}
	for i := range len(part) {
		if part[i] < ' ' || part[i] == 0x7f {
			return fmt.Errorf("its path holds the control character %q", part[i])
		}
	}
	return nil
}

// clashes returns the names that would be the same path as another one, and which. The
// name that most hosts have gets the path, of two the first: no host should be able to
// push away what the others have.
func clashes(names []sysops.NameCount, foldsCase bool) map[string]string {
	slices.SortStableFunc(names, func(x, y sysops.NameCount) int { return y.Hosts - x.Hosts })
	owner := make(map[string]string, len(names))
	out := make(map[string]string)
	for _, n := range names {
		p := strings.TrimPrefix(n.Name, "/")
		if foldsCase {
			p = strings.ToLower(p)
		}
		if first, taken := owner[p]; taken {
			out[n.Name] = first
			continue
		}
		owner[p] = n.Name
	}
	return out
}
