package directory

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// rangeClusters says a world in clusters, with the original's names.
func rangeClusters(w world) map[string][]string {
	clusters := map[string][]string{"%cf3.promises.all-mps-cores": nil}
	for site, cores := range w.sites {
		list := "%cf3.promises." + site + "-mps-cores"
		clusters[list] = nil
		for core, servers := range cores {
			clusters[list] = append(clusters[list], core)
			clusters["%cf3.promises.all-mps-cores"] = append(clusters["%cf3.promises.all-mps-cores"], core)
			nodes := []string{}
			for _, s := range servers {
				host, simple := strings.CutSuffix(strings.TrimPrefix(s, "redis://"), ":6379/0")
				if !simple {
					host = s
				}
				nodes = append(nodes, host)
			}
			clusters["%"+core] = nodes
		}
	}
	for expr, hosts := range w.hosts {
		clusters[expr] = hosts
	}
	return clusters
}

// modRanged answers as Apache with mod_ranged does.
func modRanged(clusters map[string][]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(r.Method)+len(r.RequestURI)+len("  HTTP/1.1") > 8190 {
			http.Error(w, "Request-URI Too Long", http.StatusRequestURITooLong)
			return // as Apache's LimitRequestLine
		}
		raw := r.URL.RawQuery
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			raw = string(body)
		}
		expr, err := url.PathUnescape(raw) // a + stays
		if err != nil || r.URL.Path != "/range/list" {
			http.Error(w, "Bad Request", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		nodes, known := clusters[expr]
		if !known {
			nodes = nil
			for part := range strings.SplitSeq(expr, ",") {
				if cluster, is := strings.CutPrefix(part, "%"); is {
					w.Header().Set("RangeException", "NOCLUSTERDEF: "+cluster)
				} else {
					nodes = append(nodes, part)
				}
			}
		}
		for _, n := range nodes {
			fmt.Fprintln(w, n)
		}
	}
}

// grangeServer answers as grange-server does: 422 for what it cannot read, nothing for
// a cluster that it does not have, and no interest in a body.
func grangeServer(clusters map[string][]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		expr, err := url.QueryUnescape(r.URL.RawQuery)
		if err != nil || strings.Contains(expr, "(") {
			http.Error(w, "Could not parse query: "+expr, http.StatusUnprocessableEntity)
			return
		}
		nodes, known := clusters[expr]
		if !known && expr != "" && !strings.Contains(expr, "%") {
			nodes = strings.Split(expr, ",")
		}
		for _, n := range nodes {
			fmt.Fprint(w, n, "\n")
		}
	}
}

func rangeSubject(name string, server func(map[string][]string) http.HandlerFunc, forgiving bool) subject {
	return subject{
		name: name, replicated: true, expands: true, forgiving: forgiving, oneSite: true,
		serve: func(t *testing.T, w world) *backend {
			b := rangeBackend(t, w, server)
			b.url = "range://" + strings.Join(b.servers, ",")
			return b
		},
	}
}

func rangeBackend(t *testing.T, w world, server func(map[string][]string) http.HandlerFunc) *backend {
	t.Helper()
	b, replicas := httpBackend(t, server(rangeClusters(w)))
	b.garbleBody(replicas, "cut within a line", func(body string, _ http.Header) string { return strings.TrimSuffix(body, "\n") })
	b.garbleBody(replicas, "an empty line", func(body string, _ http.Header) string { return body + "\n" })
	b.garbleBody(replicas, "two nodes in a line", func(body string, _ http.Header) string { return body + "web1 web2\n" })
	b.garbleBody(replicas, "a page that is called text", func(body string, _ http.Header) string { return "<html>\n" + body })
	b.garbleBody(replicas, "control characters", func(body string, _ http.Header) string { return "web\x1b[2J\n" + body })
	b.garbleBody(replicas, "JSON", func(body string, h http.Header) string {
		h.Set("Content-Type", "application/json")
		return "{}\n"
	})
	return b
}

// A part of a list comes with status 200.
func TestAnExceptionBesideAListIsARefusal(t *testing.T) {
	b := rangeBackend(t, usual(), modRanged)
	r, err := rangeOf(b.servers)
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := r.Expand(t.Context(), "web1,%nosuch")
	if err == nil || hosts != nil || !strings.Contains(err.Error(), "Range says NOCLUSTERDEF: nosuch") {
		t.Errorf("%q, %v", hosts, err)
	}
}

func TestARefusalIsNotPutToTheNextServer(t *testing.T) {
	for name, server := range map[string]func(map[string][]string) http.HandlerFunc{"mod_ranged": modRanged, "grange-server": grangeServer} {
		b, replicas := httpBackend(t, server(nil))
		r, err := rangeOf(b.servers)
		if err != nil {
			t.Fatal(err)
		}
		if hosts, err := r.Expand(t.Context(), "%(,"); err == nil || hosts != nil || !strings.Contains(err.Error(), "Range says") {
			t.Errorf("%s: %q, %v", name, hosts, err)
		}
		if replicas[0].asked.Load() != 1 || replicas[1].asked.Load() != 0 {
			t.Errorf("%s: %d and %d were asked", name, replicas[0].asked.Load(), replicas[1].asked.Load())
		}
	}
}

// A cluster that refers to one that is missing is not an empty site.
func TestAClusterThatIsMissingWithinAnotherIsAnError(t *testing.T) {
	w := usual()
	clusters := rangeClusters(w)
	whole := modRanged(clusters)
	b, _ := httpBackend(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("RangeException", "NOCLUSTERDEF: cf3.promises.esv4-old-cores")
		whole(rw, r)
	})
	dir, err := Open("range://"+strings.Join(b.servers, ","), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for what, list := range questions(t.Context(), dir) {
		if got, err := list(); err == nil || got != nil || !strings.Contains(err.Error(), "esv4-old-cores") {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestALongExpressionIsExpandedByBothServers(t *testing.T) {
	var words []string
	for i := range 3000 {
		words = append(words, fmt.Sprintf("web%04d.example.com", i))
	}
	long := strings.Join(words, ",")
	for name, server := range map[string]func(map[string][]string) http.HandlerFunc{"mod_ranged": modRanged, "grange-server": grangeServer} {
		b, _ := httpBackend(t, server(map[string][]string{long + ",%web": {"web1"}, long + " & web": {}}))
		r, err := rangeOf(b.servers[:1])
		if err != nil {
			t.Fatal(err)
		}
		for expr, want := range map[string][]string{long: words, long + ",%web": {"web1"}} {
			if hosts, err := r.Expand(t.Context(), expr); err != nil || !slices.Equal(hosts, want) {
				t.Errorf("%s: %d hosts, %v", name, len(hosts), err)
			}
		}
		if hosts, err := r.Expand(t.Context(), long+" & web"); err != nil || len(hosts) != 0 {
			t.Errorf("%s: %q, %v: the expression stands for nothing", name, hosts, err)
		}
	}
}

func TestQuotedNodesAreUnquoted(t *testing.T) {
	for _, row := range []struct {
		body string
		want []string // nil: malformed
	}{
		{"web2\nweb1\nweb2\n", []string{"web1", "web2"}},
		{"\"redis://mps01:6390/1\"\nweb1\n", []string{"redis://mps01:6390/1", "web1"}},
		{"\"a b\"\n", nil},
		{"\"\"\n", nil},
		{"\"\n", nil},
		{"a\"b\n", nil},
		{"\n", nil},
		{"web1\r\n", nil},
		{"web1", nil},
	} {
		if got, err := readNodes(row.body); !slices.Equal(got, row.want) || (err == nil) != (row.want != nil) {
			t.Errorf("%q: %q, %v", row.body, got, err)
		}
	}
}

func TestTheNamesOfARangeDirectoryAreTemplates(t *testing.T) {
	b, _ := httpBackend(t, modRanged(map[string][]string{
		"%mps:ALL":               {"mps.esv4.core-1", "mps.new-york.core-2"},
		"%mps:esv4":              {"mps.esv4.core-1"},
		"%nodes:mps.esv4.core-1": {"mps01"},
	}))
	dir, err := Open("range://"+strings.Join(b.servers, ",")+"?all=%25mps:ALL&cores=%25mps:{site}&servers=%25nodes:{core}&server=rediss://{server}:6390/2&site_pattern=mps.{site}.core-*", Options{LocalCore: "mps.new-york.core-2"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if sites, err := dir.Sites(ctx); err != nil || !slices.Equal(sites, []string{"esv4", "new-york"}) {
		t.Errorf("%q, %v", sites, err)
	}
	if cores, err := dir.Cores(ctx, "esv4"); err != nil || !slices.Equal(cores, []string{"mps.esv4.core-1"}) {
		t.Errorf("%q, %v", cores, err)
	}
	if servers, err := dir.Servers(ctx, "mps.esv4.core-1"); err != nil || !slices.Equal(servers, []string{"rediss://mps01:6390/2"}) {
		t.Errorf("%q, %v", servers, err)
	}
	if site, _, err := dir.Local(ctx); err != nil || site != "new-york" {
		t.Errorf("%q, %v", site, err)
	}
}

func TestACoreWhoseNameDoesNotTellItsSiteIsAnError(t *testing.T) {
	b, _ := httpBackend(t, modRanged(map[string][]string{
		"%cf3.promises.all-mps-cores":  {"cf3.promises.esv4-2360-mps", "spare"},
		"%cf3.promises.esv4-mps-cores": {"cf3.promises.eat1-1160-mps"},
	}))
	dir, err := Open("range://"+strings.Join(b.servers, ","), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || !strings.Contains(err.Error(), "spare") {
		t.Errorf("%q, %v", sites, err)
	}
	if cores, err := dir.Cores(t.Context(), "esv4"); err == nil || cores != nil || !strings.Contains(err.Error(), "eat1") {
		t.Errorf("another site's core: %q, %v", cores, err)
	}
}

// A name that is an expression would be evaluated.
func TestANameThatIsAnExpressionIsUnknown(t *testing.T) {
	b, replicas := httpBackend(t, modRanged(rangeClusters(usual())))
	dir, err := Open("range://"+strings.Join(b.servers, ","), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "%all", "esv4-mps-cores,%cf3.promises.eat1", "{esv4,eat1}", "/./", "a b"} {
		if cores, err := dir.Cores(t.Context(), name); err != nil || len(cores) != 0 {
			t.Errorf("cores of %q: %q, %v", name, cores, err)
		}
		if servers, err := dir.Servers(t.Context(), name); err != nil || len(servers) != 0 {
			t.Errorf("servers of %q: %q, %v", name, servers, err)
		}
	}
	if n := replicas[0].asked.Load(); n != 0 {
		t.Errorf("%d questions were asked", n)
	}
}

func TestAnAnswerWithoutEndIsGivenUp(t *testing.T) {
	filler := strings.Repeat("web1.example.com\n", 1<<16)
	b, _ := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, filler); err != nil {
				return
			}
		}
	})
	r, err := rangeOf(b.servers[:1])
	if err != nil {
		t.Fatal(err)
	}
	if hosts, err := r.Expand(t.Context(), "%web"); err == nil || hosts != nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("%d hosts, %v", len(hosts), err)
	}
}

// The server that answered last is asked first.
func TestADeadServerCostsOneWait(t *testing.T) {
	w := usual()
	b, replicas := httpBackend(t, modRanged(rangeClusters(w)))
	b.hang(0)
	redistest.LongEnough(t, 200*time.Millisecond, func(limit time.Duration) bool {
		before := replicas[0].asked.Load()
		r, err := rangeOf(b.servers)
		if err != nil {
			t.Fatal(err)
		}
		r.replicas.timeout = limit
		if _, err := r.Sites(t.Context()); err != nil {
			return false // the other one did not answer in time
		}
		r.replicas.timeout = redistest.Patience
		checkWorld(t, r, w)
		n := replicas[0].asked.Load() - before
		if n > 1 {
			t.Errorf("the server that hangs was asked %d times", n)
		}
		return n > 0
	})
}

func rangeOf(servers []string) (*Range, error) {
	return newRange(location{hosts: servers}, Options{Timeout: redistest.Patience})
}
