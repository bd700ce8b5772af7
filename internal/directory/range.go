package directory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A Range asks Range servers: mod_ranged (github.com/ytoolshed/range) or
// grange-server. They hold clusters, which are named lists, and expand expressions
// over them. Sites, cores and servers are what expressions with the original's names
// expand to.
type Range struct {
	replicas *replicas
	client   *http.Client
	names    rangeNames
	local    fixed
}

// rangeNames say which expressions to ask, and what the answers mean.
type rangeNames struct {
	all     string         // the cores of all sites
	cores   string         // the cores of {site}
	servers string         // the servers of {core}
	server  string         // the URL of {server}
	site    *regexp.Regexp // its group is the site in the name of a core
}

// The original's names: a core is cf3.promises.<site>-<number>-mps.
const (
	rangeAll         = "%cf3.promises.all-mps-cores"
	rangeCores       = "%cf3.promises.{site}-mps-cores"
	rangeServers     = "%{core}"
	rangeServer      = "redis://{server}:6379/0"
	rangeSitePattern = "cf3.promises.{site}-*"
)

// rangeParams are the parameters of a Range directory's URL.
var rangeParams = []string{"all", "cores", "servers", "server", "site_pattern"}

const (
	rangeLine = 8000 // of a request, in bytes: Apache answers 414 beyond 8190
)

func openRange(loc location, o Options) (Service, error) { return newRange(loc, o) }

func newRange(loc location, o Options) (*Range, error) {
	servers, err := loc.servers("80")
	if err != nil {
		return nil, err
	}
	names, err := readRangeNames(loc)
	if err != nil {
		return nil, err
	}
	return &Range{
		replicas: newReplicas("Range", servers, o), client: newHTTPClient(nil), names: names,
		local: fixed{o.LocalSite, o.LocalCore},
	}, nil
}

// readRangeNames reads the templates among a URL's parameters.
func readRangeNames(loc location) (rangeNames, error) {
	var failed error
	template := func(name, otherwise, must string) string {
		t := otherwise
		if loc.params.Has(name) {
			t = loc.params.Get(name)
		}
		if must != "" && !strings.Contains(t, must) {
			failed = fmt.Errorf("its parameter %s must hold %s, as in %s", name, must, otherwise)
		}
		return t
	}
	n := rangeNames{
		all:     template("all", rangeAll, ""),
		cores:   template("cores", rangeCores, "{site}"),
		servers: template("servers", rangeServers, "{core}"),
		server:  template("server", rangeServer, "{server}"),
	}
	n.site = sitePattern(template("site_pattern", rangeSitePattern, "{site}"))
	return n, failed
}

// sitePattern turns a template into a regular expression: {site} is as little as
// possible, without a dot, and * is anything. It is a template and no regular
// expression because the other parameters are, and because names are full of dots.
func sitePattern(template string) *regexp.Regexp {
	before, after, _ := strings.Cut(template, "{site}")
	literal := func(s string) string { return strings.ReplaceAll(regexp.QuoteMeta(s), `\*`, ".*") }
	return regexp.MustCompile("^" + literal(before) + `([^.]+?)` + literal(after) + "$")
}

// Sites lists the sites that the names of all cores hold.
func (r *Range) Sites(ctx context.Context) ([]string, error) {
	cores, err := r.nodes(ctx, r.names.all, "")
	if err != nil {
		return nil, fmt.Errorf("cannot ask Range for the cores of all sites: %w", err)
	}
	var sites []string
	for _, core := range cores {
		site, err := r.names.siteOf(core)
		if err != nil {
			return nil, err
		}
		sites = append(sites, site)
	}
	return fold(sites), nil
}

func (n rangeNames) siteOf(core string) (string, error) {
	found := n.site.FindStringSubmatch(core)
	if found == nil {
		return "", fmt.Errorf("cannot use the directory: the name of core %.100q does not tell its site; set site_pattern (%s by default)", core, rangeSitePattern)
	}
	return found[1], nil
}

// Cores lists the cores of a site.
func (r *Range) Cores(ctx context.Context, site string) ([]string, error) {
	if !isRangeName(site) {
		return nil, nil
	}
	expr := strings.ReplaceAll(r.names.cores, "{site}", site)
	cores, err := r.nodes(ctx, expr, expr)
	if err != nil {
		return nil, fmt.Errorf("cannot ask Range for the cores of site %s: %w", site, err)
	}
	for _, core := range cores {
		is, err := r.names.siteOf(core)
		if err != nil {
			return nil, err
		}
		if is != site {
			return nil, fmt.Errorf("cannot use the directory: Range lists core %q in site %q, but its name says %q; core names must be unique", core, site, is)
		}
	}
	return cores, nil
}

// Servers lists the URLs of a core's servers. A node that is a URL itself is taken as
// it is.
func (r *Range) Servers(ctx context.Context, core string) ([]string, error) {
	if !isRangeName(core) {
		return nil, nil
	}
	expr := strings.ReplaceAll(r.names.servers, "{core}", core)
	nodes, err := r.nodes(ctx, expr, expr)
	if err != nil {
		return nil, fmt.Errorf("cannot ask Range for the servers of core %s: %w", core, err)
	}
	for i, node := range nodes {
		nodes[i] = r.names.serverURL(node)
	}
	return fold(nodes), nil
}

func (n rangeNames) serverURL(node string) string {
	if strings.Contains(node, "://") {
		return node
	}
	return strings.ReplaceAll(n.server, "{server}", node)
}

// Local returns what the URL or the config says, and the site of a core that was named
// alone.
func (r *Range) Local(context.Context) (site, core string, err error) {
	site, core = r.local.site, r.local.core
	if site == "" && core != "" {
		site, err = r.names.siteOf(core)
	}
	return site, core, err
}

// Expand returns the hosts of an expression, sorted. An expression that a server
// refuses is an error at once: the others would refuse it as well. grange-server takes
// a cluster that it does not have for an empty one.
func (r *Range) Expand(ctx context.Context, expr string) ([]string, error) {
	hosts, err := r.nodes(ctx, expr, "")
	if err != nil {
		return nil, fmt.Errorf("cannot expand %.200q: %w", expr, err)
	}
	return hosts, nil
}

// nodes expands an expression. Where mayLack is not empty it is an expression such as
// %cluster or %cluster:KEY, and a server that has no such cluster or key answers
// nothing instead of an error.
func (r *Range) nodes(ctx context.Context, expr, mayLack string) ([]string, error) {
	nodes, err := ask(ctx, r.replicas, func(ctx context.Context, server string) ([]string, error) {
		return r.list(ctx, server, expr)
	})
	var no *rangeRefusal
	if errors.As(err, &no) && mayLack != "" && no.lacks(mayLack) {
		return nil, nil
	}
	return nodes, err
}

// list asks one server. An expression too long for a request line is the body of a
// POST: mod_ranged decodes %XX in it as in a query. grange-server reads no body, takes
// any line, and answers a POST with nothing, or that it cannot read nothing; so where
// a body brings nothing a short one shows whether bodies are read at all.
func (r *Range) list(ctx context.Context, server, expr string) ([]string, error) {
	address := "http://" + server + "/range/list"
	post := func(expr string) ([]string, error) {
		body := strings.ReplaceAll(expr, "%", "%25")
		return r.read(exchange(ctx, r.client, http.MethodPost, address, body, http.Header{"Content-Type": {"text/plain"}}))
	}
	escaped := escapeRange(expr)
	if len("GET /range/list? HTTP/1.1")+len(escaped) > rangeLine {
		nodes, err := post(expr)
		var no *rangeRefusal
		unread := errors.As(err, &no) && no.status == http.StatusUnprocessableEntity
		if len(nodes) > 0 || err != nil && !unread {
			return nodes, err
		}
		const word = "sysops"
		if echo, err := post(word); err == nil && slices.Equal(echo, []string{word}) {
			return nil, nil
		}
	}
	return r.read(exchange(ctx, r.client, http.MethodGet, address+"?"+escaped, "", nil))
}

// read takes the nodes from an answer. mod_ranged's status is 200 even with an error,
// which is then in the RangeException header, beside a partial list.
func (r *Range) read(a httpAnswer, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	if why := a.header.Get("RangeException"); why != "" {
		no := newRangeRefusal(a.status, why)
		if a.status == http.StatusOK {
			no.nodes, no.bad = readNodes(string(a.body))
		}
		return nil, no
	}
	if a.status == http.StatusUnprocessableEntity { // grange-server
		return nil, newRangeRefusal(a.status, string(a.body[:min(len(a.body), 4<<10)]))
	}
	if err := a.expect("text/plain"); err != nil {
		return nil, err
	}
	return readNodes(string(a.body))
}

// readNodes reads one node a line. One with special characters may be quoted.
func readNodes(body string) ([]string, error) {
	if body == "" {
		return nil, nil
	}
	body, whole := strings.CutSuffix(body, "\n")
	if !whole {
		return nil, errors.New("its answer is cut off within a line")
	}
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		node := line
		if len(line) > 1 && line[0] == '"' && line[len(line)-1] == '"' {
			node = line[1 : len(line)-1]
		}
		if !isWord(node) || strings.ContainsAny(node, `<"`) {
			return nil, fmt.Errorf("line %d of its answer is no node: %.60q", i+1, line)
		}
		lines[i] = node
	}
	return fold(lines), nil
}

// A rangeRefusal is what a server says of an expression that it cannot expand.
type rangeRefusal struct {
	refusal
	status int
	said   string
	nodes  []string // that it answers nevertheless
	bad    error    // why they cannot be read
}

func newRangeRefusal(status int, said string) *rangeRefusal {
	return &rangeRefusal{refusal: refusal{"Range says " + printable(said, maxSaid)}, status: status, said: said}
}

func (r *rangeRefusal) Unwrap() error { return &r.refusal }

// lacks says that all that is wrong is that there is no such cluster, or no such key
// in it. A cluster that another one refers to is another matter.
func (r *rangeRefusal) lacks(expr string) bool {
	name := strings.TrimPrefix(expr, "%")
	cluster, _, _ := strings.Cut(name, ":")
	return r.said == "NOCLUSTERDEF: "+cluster || r.said == "NOCLUSTER: "+name || r.said == "NOCLUSTER: "+name+":CLUSTER"
}

// InNoCluster reports whether all that a Range server refuses of clusters(…) is that some
// hosts are in no cluster, and returns what it answers of the others.
func InNoCluster(err error) ([]string, bool) {
	var no *rangeRefusal
	if !errors.As(err, &no) || no.status != http.StatusOK || no.bad != nil {
		return nil, false
	}
	problems := strings.FieldsFunc(no.said, func(r rune) bool { return r == ',' || r == ';' })
	for i, problem := range problems {
		kind, _, is := strings.Cut(strings.TrimSpace(problem), ": ")
		if is && kind != "NO_CLUSTER" || !is && i == 0 { // without a kind, it is another host, or how many there are
			return nil, false
		}
	}
	return no.nodes, len(problems) > 0
}

// isRangeName says that a name stands for itself in an expression. A directory has no
// site and no core of another name.
func isRangeName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// escapeRange escapes all but letters, digits and a few safe characters: a bare
// %cf3 would be decoded, and mod_ranged does not read + as a space.
func escapeRange(expr string) string {
	var b strings.Builder
	for i := range len(expr) {
		c := expr[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.,:@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
