package directory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// CMConf is the file in which the original found its servers.
const CMConf = "/etc/cm.conf"

// cmLocal is the core of one server that cm.conf makes the local one. No site lists
// it: the same server is in one of Range's cores, and would be counted twice.
const cmLocal = "local"

// A cmConf is Range with the servers that a cm.conf names (see readCMConf). They serve
// Redis as well, and the first is the local scope's: Local and Servers("local") are
// answered from the file alone, so that the local scope needs no Range server.
type cmConf struct {
	path    string
	loc     location
	options Options

	mu      sync.Mutex
	servers []string
	ranged  *Range // of those servers
}

func openCMConf(loc location, o Options) (Service, error) {
	if loc.path == "" {
		loc.path = CMConf
	}
	path, err := loc.file()
	if err != nil {
		return nil, err
	}
	if _, err := readRangeNames(loc); err != nil {
		return nil, err
	}
	return &cmConf{path: path, loc: loc, options: o}, nil
}

// now returns Range with the servers that the file names now. The file is a few lines,
// and is read at each question.
func (c *cmConf) now() (*Range, error) {
	servers, _, err := readCMConf(c.path)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ranged == nil || !slices.Equal(c.servers, servers) {
		loc := c.loc
		loc.hosts, loc.path = servers, ""
		r, err := newRange(loc, c.options)
		if err != nil {
			return nil, fmt.Errorf("cannot use %s: %w", c.path, err)
		}
		c.servers, c.ranged = servers, r
	}
	return c.ranged, nil
}

func (c *cmConf) Sites(ctx context.Context) ([]string, error) {
	r, err := c.now()
	if err != nil {
		return nil, err
	}
	return r.Sites(ctx)
}

func (c *cmConf) Cores(ctx context.Context, site string) ([]string, error) {
	r, err := c.now()
	if err != nil {
		return nil, err
	}
	return r.Cores(ctx, site)
}

func (c *cmConf) Servers(ctx context.Context, core string) ([]string, error) {
	r, err := c.now()
	if err != nil {
		return nil, err
	}
	if core != cmLocal {
		return r.Servers(ctx, core)
	}
	host, _, err := net.SplitHostPort(r.replicas.servers[0])
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", c.path, err)
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return []string{r.names.serverURL(host)}, nil
}

func (c *cmConf) Expand(ctx context.Context, expr string) ([]string, error) {
	r, err := c.now()
	if err != nil {
		return nil, err
	}
	return r.Expand(ctx, expr)
}

// Local returns the file's site and the core of its first server. A file that names no
// site does not say.
func (c *cmConf) Local(ctx context.Context) (site, core string, err error) {
	if c.options.LocalSite != "" || c.options.LocalCore != "" {
		r, err := c.now()
		if err != nil {
			return "", "", err
		}
		return r.Local(ctx)
	}
	if _, site, err = readCMConf(c.path); err != nil || site == "" {
		return "", "", err
	}
	return site, cmLocal, nil
}

// readCMConf reads a cm.conf as the original did: a line that holds MPS names a policy
// server after its first colon (PRIMARY_MPS:10.1.2.3), and one that holds ENV_SITE the
// site after its @ (ENV_SITE:PROD@ESV4), in lower case. Other lines are others'.
func readCMConf(path string) (servers []string, site string, err error) {
	text, err := trust.Read(path, fileLimit)
	if err != nil {
		return nil, "", fmt.Errorf("cannot find the Range servers: %w", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "#"):
		case strings.Contains(key, "MPS"):
			if _, err := hostPorts([]string{value}, "80"); err != nil {
				return nil, "", fmt.Errorf("cannot find the Range servers: %s:%d: %w", path, i+1, err)
			}
			servers = append(servers, value)
		case strings.Contains(line, "ENV_SITE"):
			_, name, ok := strings.Cut(line, "@")
			if site = strings.ToLower(strings.TrimSpace(name)); !ok || !isWord(site) {
				return nil, "", fmt.Errorf("cannot find the local site: %s:%d: no site follows an @, as in ENV_SITE:PROD@ESV4", path, i+1)
			}
		}
	}
	if len(servers) == 0 {
		return nil, "", errors.New("cannot find the Range servers: " + path + " names none (a line such as PRIMARY_MPS:10.1.2.3)")
	}
	return servers, site, nil
}
