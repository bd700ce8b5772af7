package directory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/secure"
)

// A consul is a directory in Consul's catalogue
// (developer.hashicorp.com/consul/api-docs/catalog and …/health): a datacenter is a
// site, and every instance of one service is a Redis server, which tells its core in
// its metadata (core) or else a tag (core=NAME).
//
// Instances are asked for whatever their health, so that a core whose servers all fail
// their checks is still a core that an answer misses. Servers leaves out those that
// are critical: the others of a core hold the same working set. Where all are, it
// lists all: whoever asks them finds out, and can name them.
type consul struct {
	replicas  *replicas
	client    *http.Client
	scheme    string
	service   string
	tag       string // that an instance must have; "": any
	tokenFile string // read for each request, so that the token is held nowhere
	local     fixed
	cache     cache[map[string][]string] // datacenter → core → URLs

	mu     sync.Mutex
	siteOf map[string]string // core → the datacenter it was seen in
}

var consulParams = []string{"service", "tag", "token_file", "scheme", "ca_file"}

const consulService = "sysops-redis"

func openConsul(loc location, o Options) (Service, error) {
	servers, err := loc.servers("8500")
	if err != nil {
		return nil, err
	}
	c := &consul{
		replicas:  newReplicas("Consul", servers, o),
		scheme:    cmp.Or(loc.params.Get("scheme"), "http"),
		service:   cmp.Or(loc.params.Get("service"), consulService),
		tag:       loc.params.Get("tag"),
		tokenFile: loc.params.Get("token_file"),
		local:     fixed{o.LocalSite, o.LocalCore},
		siteOf:    make(map[string]string),
	}
	caFile := loc.params.Get("ca_file")
	if c.scheme != "http" && c.scheme != "https" || caFile != "" && c.scheme != "https" {
		return nil, errors.New("its scheme is http or https, and ca_file is for https")
	}
	if c.tokenFile != "" && c.scheme == "http" && slices.ContainsFunc(servers, func(s string) bool { return !isLoopback(s) }) {
		return nil, errors.New("a token would travel in the clear: write scheme=https, or name this machine's own agent, 127.0.0.1")
	}
	tls, err := secure.TLS(caFile, "", "")
	if err != nil {
		return nil, err
	}
	c.client = newHTTPClient(tls)
	return c, nil
}

// isLoopback says that what is sent to host:port does not leave the machine. A name may
// be any machine's.
func isLoopback(server string) bool {
	host, _, err := net.SplitHostPort(server)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

// Sites lists the datacenters.
func (c *consul) Sites(ctx context.Context) ([]string, error) {
	sites, err := ask(ctx, c.replicas, func(ctx context.Context, server string) ([]string, error) {
		var names []string
		if err := c.get(ctx, server, "/v1/catalog/datacenters", &names); err != nil {
			return nil, err
		}
		if names == nil || slices.ContainsFunc(names, func(n string) bool { return !isWord(n) }) {
			return nil, errors.New("its answer is no list of datacenters")
		}
		return names, nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask Consul for the datacenters: %w", err)
	}
	return fold(sites), nil
}

// Cores lists the cores of a datacenter. One that Consul does not know it would answer
// with an error, so it is looked up first.
func (c *consul) Cores(ctx context.Context, site string) ([]string, error) {
	sites, err := c.Sites(ctx)
	if err != nil || !slices.Contains(sites, site) {
		return nil, err
	}
	cores, err := c.coresOf(ctx, site)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for core := range cores {
		c.siteOf[core] = site
	}
	return slices.Sorted(maps.Keys(cores)), nil
}

// Servers asks the datacenter in which Cores has seen the core, so that a question
// about one site needs no other site's servers. Else it asks all.
func (c *consul) Servers(ctx context.Context, core string) ([]string, error) {
	c.mu.Lock()
	site, seen := c.siteOf[core]
	c.mu.Unlock()
	if seen {
		cores, err := c.coresOf(ctx, site)
		if servers, still := cores[core]; still || err != nil {
			return fold(servers), err
		}
	}
	sites, err := c.Sites(ctx)
	if err != nil {
		return nil, err
	}
	var found []string
	in := ""
	for _, site := range sites {
		cores, err := c.coresOf(ctx, site)
		if err != nil {
			return nil, err
		}
		servers, ok := cores[core]
		if ok && in != "" {
			return nil, fmt.Errorf("cannot use the directory: core %q is in site %q and in site %q; core names must be unique", core, in, site)
		}
		if ok {
			found, in = servers, site
		}
	}
	return fold(found), nil
}

// Local returns what the URL or the config says: an agent's datacenter is no core.
func (c *consul) Local(ctx context.Context) (site, core string, err error) { return c.local.Local(ctx) }

// coresOf returns the cores of a datacenter with their servers.
func (c *consul) coresOf(ctx context.Context, site string) (map[string][]string, error) {
	cores, err := c.cache.get(ctx, site, func(ctx context.Context) (map[string][]string, error) {
		return ask(ctx, c.replicas, func(ctx context.Context, server string) (map[string][]string, error) {
			var instances []consulInstance
			path := "/v1/health/service/" + url.PathEscape(c.service) + "?dc=" + url.QueryEscape(site)
			if err := c.get(ctx, server, path, &instances); err != nil {
				return nil, err
			}
			if instances == nil {
				return nil, errors.New("its answer is no list of instances")
			}
			return c.gather(site, instances)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask Consul for service %s in datacenter %s: %w", c.service, site, err)
	}
	return cores, nil
}

// A consulInstance is what is used of an entry of /v1/health/service.
type consulInstance struct {
	Node struct {
		Node       string
		Address    string
		Datacenter string
	}
	Service struct {
		ID      string
		Service string
		Address string
		Port    int
		Tags    []string
		Meta    map[string]string
	}
	Checks []struct{ Status string }
}

// gather sorts the instances by core.
func (c *consul) gather(site string, instances []consulInstance) (map[string][]string, error) {
	all, alive := make(map[string][]string), make(map[string][]string)
	for _, i := range instances {
		if i.Service.Service != c.service || i.Node.Datacenter != site {
			return nil, fmt.Errorf("its answer has an instance that is not of service %s in datacenter %s", c.service, site)
		}
		if c.tag != "" && !slices.Contains(i.Service.Tags, c.tag) {
			continue
		}
		core, err := i.core()
		if err != nil {
			return nil, err
		}
		server, err := i.url()
		if err != nil {
			return nil, err
		}
		all[core] = append(all[core], server)
		if !i.critical() {
			alive[core] = append(alive[core], server)
		}
	}
	maps.Copy(all, alive) // of a core without any that is alive, all stay
	return all, nil
}

func (i consulInstance) core() (string, error) {
	if core := i.Service.Meta["core"]; core != "" {
		return core, nil
	}
	var cores []string
	for _, tag := range i.Service.Tags {
		if core, ok := strings.CutPrefix(tag, "core="); ok && core != "" {
			cores = append(cores, core)
		}
	}
	if len(cores) != 1 {
		return "", &refusal{fmt.Sprintf("instance %.100q on node %.100q does not tell its one core: give it metadata core, or a tag core=NAME", i.Service.ID, i.Node.Node)}
	}
	return cores[0], nil
}

func (i consulInstance) url() (string, error) {
	if u := i.Service.Meta["url"]; u != "" {
		return u, nil
	}
	host := cmp.Or(i.Service.Address, i.Node.Address)
	if !isWord(host) || i.Service.Port < 1 || i.Service.Port > 65535 {
		return "", &refusal{fmt.Sprintf("instance %.100q on node %.100q has no address and port: register them, or metadata url", i.Service.ID, i.Node.Node)}
	}
	return "redis://" + net.JoinHostPort(host, strconv.Itoa(i.Service.Port)) + "/0", nil
}

// critical says that a check of the instance or of its node fails. A warning is none:
// the server answers.
func (i consulInstance) critical() bool {
	for _, check := range i.Checks {
		if check.Status != "passing" && check.Status != "warning" {
			return true
		}
	}
	return false
}

// get asks one server, and reads its whole answer into value.
func (c *consul) get(ctx context.Context, server, path string, value any) error {
	header := http.Header{"Accept": {"application/json"}}
	if c.tokenFile != "" {
		token, err := readToken(c.tokenFile)
		if err != nil {
			return &refusal{err.Error()}
		}
		header["X-Consul-Token"] = []string{token}
	}
	a, err := exchange(ctx, c.client, http.MethodGet, c.scheme+"://"+server+path, "", header)
	if err != nil {
		return err
	}
	if a.status == http.StatusForbidden {
		return errors.New("it refuses access (403): token_file must hold a token with node:read and service:read")
	}
	if err := a.expect("application/json"); err != nil {
		return err
	}
	if a.header.Get("X-Consul-Results-Filtered-By-ACLs") == "true" {
		return errors.New("it leaves out what the token may not read: the token needs node:read and service:read for all")
	}
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	if err := decoder.Decode(value); err != nil {
		return fmt.Errorf("its answer is not the JSON of %s: %w", strings.Split(path, "?")[0], endOf(err))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something follows the JSON of its answer")
	}
	return nil
}

// readToken reads a token, which has no blanks. No error repeats it.
func readToken(path string) (string, error) {
	token, err := secure.Secret("token", path)
	if err != nil {
		return "", err
	}
	if token = strings.TrimSpace(token); !isWord(token) {
		return "", fmt.Errorf("cannot use the token file %s: it holds no word, or more than one", path)
	}
	return token, nil
}
