package directory

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// recorded returns an answer of Consul from testdata/consul.
func recorded(t *testing.T, name string, value any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "consul", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatal(err)
	}
}

// consulAnswers answers as Consul's HTTP API does: datacenters, and for each of them
// the instances of the service.
func consulAnswers(datacenters []string, instances map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var answer any
		switch {
		case r.URL.Path == "/v1/catalog/datacenters":
			answer = datacenters
		case r.URL.Path == "/v1/health/service/sysops-redis" && slices.Contains(datacenters, r.URL.Query().Get("dc")):
			answer = instances[r.URL.Query().Get("dc")]
		default:
			http.Error(w, "No path to datacenter", http.StatusInternalServerError)
			return
		}
		text, err := json.Marshal(answer)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Consul-Index", "42")
		w.Header().Set("X-Consul-Knownleader", "true")
		_, _ = w.Write(text) // the client may have gone
	}
}

// consulWorld says a world in recorded instances that are told apart by address.
func consulWorld(t *testing.T, w world) http.HandlerFunc {
	t.Helper()
	datacenters := []string{}
	instances := make(map[string]any)
	for site, cores := range w.sites {
		datacenters = append(datacenters, site)
		list := []any{}
		for core, servers := range cores {
			for _, server := range servers {
				var some []map[string]map[string]any
				recordedInstances(t, &some)
				i := some[0]
				i["Node"]["Datacenter"] = site
				i["Service"]["Meta"] = map[string]string{"core": core, "url": server}
				if u, err := url.Parse(server); err == nil && u.Scheme == "redis" && u.Path == "/0" {
					host, port, err := net.SplitHostPort(u.Host)
					number, wrong := strconv.Atoi(port)
					if err != nil || wrong != nil {
						t.Fatal(err, wrong)
					}
					i["Service"]["Meta"] = map[string]string{"core": core}
					i["Service"]["Address"], i["Service"]["Port"] = host, number
				}
				list = append(list, i)
			}
		}
		instances[site] = list
	}
	return consulAnswers(datacenters, instances)
}

// recordedInstances returns instances without their checks, which are a list.
func recordedInstances(t *testing.T, some *[]map[string]map[string]any) {
	t.Helper()
	var whole []struct{ Node, Service map[string]any }
	recorded(t, "health-esv4.json", &whole)
	for _, i := range whole {
		*some = append(*some, map[string]map[string]any{"Node": i.Node, "Service": i.Service})
	}
}

func consulSubject() subject {
	return subject{
		name: "consul", replicated: true, noEmpty: true,
		serve: func(t *testing.T, w world) *backend {
			b, replicas := httpBackend(t, consulWorld(t, w))
			b.url = "consul://" + strings.Join(b.servers, ",")
			b.garbleBody(replicas, "cut off", func(body string, _ http.Header) string { return body[:len(body)-1] })
			b.garbleBody(replicas, "nothing", func(string, http.Header) string { return "" })
			b.garbleBody(replicas, "null", func(string, http.Header) string { return "null" })
			b.garbleBody(replicas, "an object", func(string, http.Header) string { return "{}" })
			b.garbleBody(replicas, "objects without content", func(string, http.Header) string { return "[{}]" })
			b.garbleBody(replicas, "twice", func(body string, _ http.Header) string { return body + body })
			b.garbleBody(replicas, "of another type", func(body string, h http.Header) string {
				h.Set("Content-Type", "text/plain")
				return body
			})
			b.garbleBody(replicas, "filtered by ACLs", func(body string, h http.Header) string {
				h.Set("X-Consul-Results-Filtered-By-ACLs", "true")
				return body
			})
			return b
		},
	}
}

// startRecorded serves the recorded answers.
func startRecorded(t *testing.T) *httpReplica {
	t.Helper()
	var datacenters []string
	recorded(t, "datacenters.json", &datacenters)
	instances := make(map[string]any)
	for dc, file := range map[string]string{"esv4": "health-esv4.json", "eat1": "health-eat1.json", "lab": "health-eat1.json"} {
		var list []any
		recorded(t, file, &list)
		instances[dc] = list
	}
	return startReplica(t, consulAnswers(datacenters, instances))
}

func TestConsulsRecordedAnswersAreADirectory(t *testing.T) {
	server := startRecorded(t)
	dir, err := Open("consul://"+server.addr(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkWorld(t, dir, world{sites: map[string]map[string][]string{
		"eat1": {},
		"lab":  {},
		"esv4": {
			// mps03 is critical; the tag core=other of mps03 yields to its metadata.
			"esv4-2360": {"redis://10.1.2.1:6379/0", "redis://mps02.example.com:6390/0"},
			// A warning is no failure.
			"esv4-2361": {"redis://10.1.2.7:6379/0", "rediss://mps04.example.com:6391/2"},
			// All are critical, and all are listed.
			"esv4-2362": {"redis://10.1.2.5:6379/0", "redis://[2001:db8::6]:6379/0"},
		},
	}})
}

func TestATagNarrowsTheInstances(t *testing.T) {
	dir, err := Open("consul://"+startRecorded(t).addr()+"?tag=lab", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cores, err := dir.Cores(t.Context(), "esv4"); err != nil || !slices.Equal(cores, []string{"esv4-2361"}) {
		t.Errorf("%q, %v", cores, err)
	}
}

func TestAnInstanceThatCannotBePlacedIsAnError(t *testing.T) {
	for what, spoil := range map[string]func(service map[string]any){
		"one core":         func(s map[string]any) { s["Meta"] = nil },
		"its one core":     func(s map[string]any) { s["Meta"] = nil; s["Tags"] = []string{"core=a", "core=b"} },
		"address and port": func(s map[string]any) { s["Port"] = 0 },
	} {
		var some []map[string]map[string]any
		recordedInstances(t, &some)
		spoil(some[0]["Service"])
		server := startReplica(t, consulAnswers([]string{"esv4"}, map[string]any{"esv4": some}))
		dir, err := Open("consul://"+server.addr(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if cores, err := dir.Cores(t.Context(), "esv4"); err == nil || cores != nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "mps01") {
			t.Errorf("%s: %q, %v", what, cores, err)
		}
	}
}

func TestInstancesOfAnotherDatacenterAreNoAnswer(t *testing.T) {
	var some []map[string]map[string]any
	recordedInstances(t, &some)
	server := startReplica(t, consulAnswers([]string{"eat1"}, map[string]any{"eat1": some}))
	dir, err := Open("consul://"+server.addr(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cores, err := dir.Cores(t.Context(), "eat1"); err == nil || cores != nil || !strings.Contains(err.Error(), "eat1") {
		t.Errorf("%q, %v", cores, err)
	}
}

func TestTheServersOfACoreInTwoDatacentersAreAnError(t *testing.T) {
	w := usual()
	w.sites["eat1"][esv4First] = []string{"redis://mps21.example.com:6379/0"}
	dir, err := Open("consul://"+startReplica(t, consulWorld(t, w)).addr(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if servers, err := dir.Servers(t.Context(), esv4First); err == nil || servers != nil || !strings.Contains(err.Error(), "unique") {
		t.Errorf("%q, %v", servers, err)
	}
}

// It would take the token to another host.
func TestARedirectIsNotFollowed(t *testing.T) {
	other := startReplica(t, consulWorld(t, usual()))
	server := startReplica(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.String(), http.StatusTemporaryRedirect)
	})
	dir, err := Open("consul://"+server.addr(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || !strings.Contains(err.Error(), "307") || other.asked.Load() != 0 {
		t.Errorf("%q, %v", sites, err)
	}
}

// A question about one site must not need the others.
func TestADatacenterThatCannotBeReachedHidesNoOther(t *testing.T) {
	whole := consulWorld(t, usual())
	server := startReplica(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("dc") == "eat1" {
			http.Error(w, "No path to datacenter", http.StatusInternalServerError)
			return
		}
		whole(w, r)
	})
	dir, err := Open("consul://"+server.addr(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if servers, err := dir.Servers(ctx, esv4First); err == nil || servers != nil {
		t.Errorf("it may be in eat1 as well: %q, %v", servers, err)
	}
	if cores, err := dir.Cores(ctx, "esv4"); err != nil || len(cores) != 2 {
		t.Errorf("%q, %v", cores, err)
	}
	if servers, err := dir.Servers(ctx, esv4First); err != nil || !slices.Equal(servers, fold(usual().sites["esv4"][esv4First])) {
		t.Errorf("%q, %v", servers, err)
	}
	if cores, err := dir.Cores(ctx, "eat1"); err == nil || cores != nil || !strings.Contains(err.Error(), "eat1") {
		t.Errorf("%q, %v", cores, err)
	}
}

func TestATokenIsSentAndNeverShown(t *testing.T) {
	const secret = "b1gs08cr-3t00-4000-8000-abcdefabcdef"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := consulWorld(t, usual())
	server := startReplica(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Consul-Token") != secret {
			http.Error(w, "Permission denied", http.StatusForbidden)
			return
		}
		whole(w, r)
	})
	dir, err := Open("consul://"+server.addr()+"?token_file="+file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkWorld(t, dir, usual())
	if shown := fmt.Sprintf("%+v %#v", dir, dir.(*strict).service); strings.Contains(shown, secret) {
		t.Errorf("%s", shown)
	}
	for _, wrong := range []string{"wrong" + secret, secret + "\n" + secret, ""} {
		if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "token") {
			t.Errorf("%q, %v", sites, err)
		}
	}
}

func TestConsulMaySpeakTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(consulWorld(t, usual()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a client that does not trust it hangs up
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	address := "consul://" + server.Listener.Addr().String() + "?scheme=https"
	dir, err := Open(address+"&ca_file="+ca, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkWorld(t, dir, usual())
	if dir, err = Open(address, Options{}); err != nil {
		t.Fatal(err)
	}
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that is not trusted: %q, %v", sites, err)
	}
}
