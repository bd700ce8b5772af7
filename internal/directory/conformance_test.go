package directory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A world is what a directory is to say. The names are the original's, which every
// service can express: a core's name begins with cf3.promises.SITE-.
type world struct {
	sites map[string]map[string][]string // site → core → URLs of servers
	hosts map[string][]string            // expression → hosts, for a service that expands
}

// A backend is a service that says a world, on servers of its own.
type backend struct {
	url     string
	options Options

	// servers are the names that errors use. Empty: the service has no servers, but
	// one source, such as a file.
	servers []string
	kill    func(i int) // ends server i; nil without servers
	hang    func(i int) // server i still accepts, and answers nothing; nil without servers

	// garbles are the ways in which an answer of server i, or of the source, can be
	// malformed: cut short, of another kind, with an error beside it.
	garbles []garble
}

type garble struct {
	name string
	do   func(i int)
}

// A subject is a service under test.
type subject struct {
	name       string
	serve      func(t *testing.T, w world) *backend
	replicated bool // it has servers: always two
	expands    bool // it says world.hosts
	forgiving  bool // it takes a cluster that it does not have for an empty one
	oneSite    bool // it cannot say that a core is in two sites
	noEmpty    bool // it cannot say that a core has no servers
}

// subjects lists every service.
func subjects() []subject {
	return []subject{
		fileSubject(),
		rangeSubject("range, mod_ranged", modRanged, false),
		rangeSubject("range, grange-server", grangeServer, true),
		cmconfSubject(),
		execSubject(),
		consulSubject(),
		dnsSubject(),
		ldapSubject("ldap"),
		ldapSubject("ldaps"),
	}
}

const (
	esv4First  = "cf3.promises.esv4-2360-mps"
	esv4Second = "cf3.promises.esv4-2361-mps"
	eat1First  = "cf3.promises.eat1-1160-mps"
)

// usual has two sites, three cores, and servers in no order.
func usual() world {
	return world{
		sites: map[string]map[string][]string{
			"esv4": {
				esv4Second: {"redis://mps12.example.com:6379/0", "redis://mps11.example.com:6379/0"},
				esv4First:  {"redis://mps01.example.com:6379/0", "redis://mps02.example.com:6379/0", "redis://mps03.example.com:6379/0"},
			},
			"eat1": {eat1First: {"redis://mps21.example.com:6379/0"}},
		},
		hosts: map[string][]string{
			"%web":       {"web2", "web10", "web1"},
			"%web - web": nil,
		},
	}
}

func eachSubject(t *testing.T, which func(subject) bool, test func(t *testing.T, s subject)) {
	t.Helper()
	tested := 0
	for _, s := range subjects() {
		if which(s) {
			tested++
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				test(t, s)
			})
		}
	}
	if tested == 0 {
		t.Error("no service is tested")
	}
}

func every(subject) bool        { return true }
func replicated(s subject) bool { return s.replicated }

func TestEveryServiceSaysWhatItsDirectoryHolds(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		w := usual()
		checkWorld(t, open(t, s.serve(t, w)), w)
	})
}

func TestADirectoryMayBeEmpty(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		checkWorld(t, open(t, s.serve(t, world{})), world{})
	})
}

func TestACoreMayHaveNoServers(t *testing.T) {
	eachSubject(t, func(s subject) bool { return !s.noEmpty }, func(t *testing.T, s subject) {
		w := usual()
		w.sites["esv4"][esv4Second] = nil
		checkWorld(t, open(t, s.serve(t, w)), w)
	})
}

func TestAServerThatIsListedTwiceIsOne(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		w := usual()
		w.sites["esv4"][esv4First] = append(w.sites["esv4"][esv4First], w.sites["esv4"][esv4First]...)
		checkWorld(t, open(t, s.serve(t, w)), w)
	})
}

func TestServersMayHaveTLSAndAnyPort(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		w := usual()
		w.sites["eat1"][eat1First] = []string{"rediss://mps21.example.com:6390/3", "redis://10.1.2.3:6379/1"}
		checkWorld(t, open(t, s.serve(t, w)), w)
	})
}

func TestWhatADirectoryDoesNotKnowIsEmpty(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		dir := open(t, s.serve(t, usual()))
		if cores, err := dir.Cores(t.Context(), "north"); err != nil || len(cores) != 0 {
			t.Errorf("cores of an unknown site: %q, %v", cores, err)
		}
		if servers, err := dir.Servers(t.Context(), "cf3.promises.north-1-mps"); err != nil || len(servers) != 0 {
			t.Errorf("servers of an unknown core: %q, %v", servers, err)
		}
	})
}

func TestACoreInTwoSitesIsAnError(t *testing.T) {
	eachSubject(t, func(s subject) bool { return !s.oneSite }, func(t *testing.T, s subject) {
		w := usual()
		w.sites["eat1"][esv4First] = []string{"redis://mps21.example.com:6379/0"}
		b := s.serve(t, w)
		dir, err := Open(b.url, b.options)
		for _, site := range []string{"eat1", "esv4"} {
			if err == nil {
				_, err = dir.Cores(t.Context(), site)
			}
		}
		if err == nil || !strings.Contains(err.Error(), esv4First) || !strings.Contains(err.Error(), "unique") {
			t.Errorf("%v", err)
		}
	})
}

func TestTheLocalCoreIsWhatTheURLSaysElseTheOptions(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		b := s.serve(t, usual())
		for _, row := range []struct {
			params     string
			options    Options
			site, core string
		}{
			{"", Options{LocalSite: "esv4", LocalCore: esv4First}, "esv4", esv4First},
			{"", Options{LocalSite: "esv4"}, "esv4", ""},
			{"", Options{LocalCore: eat1First}, "eat1", eat1First},
			{"site=eat1", Options{LocalSite: "esv4", LocalCore: esv4First}, "eat1", ""},
			{"site=esv4&core=" + esv4Second, Options{LocalSite: "eat1"}, "esv4", esv4Second},
			{"core=" + eat1First, Options{LocalSite: "esv4", LocalCore: esv4First}, "eat1", eat1First},
		} {
			o := b.options
			o.LocalSite, o.LocalCore = row.options.LocalSite, row.options.LocalCore
			dir, err := Open(withParams(b.url, row.params), o)
			if err != nil {
				t.Errorf("%+v: %v", row, err)
				continue
			}
			if site, core, err := dir.Local(t.Context()); site != row.site || core != row.core || err != nil {
				t.Errorf("%+v: %q, %q, %v", row, site, core, err)
			}
		}
	})
}

func TestALocalCoreThatNoSiteHasIsAnError(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		b := s.serve(t, usual())
		dir, err := Open(withParams(b.url, "core=nosuch"), b.options)
		if err == nil {
			_, _, err = dir.Local(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), "nosuch") {
			t.Errorf("%v", err)
		}
	})
}

func TestTheSecondServerAnswersWhenTheFirstIsDown(t *testing.T) {
	eachSubject(t, replicated, func(t *testing.T, s subject) {
		w := usual()
		b := s.serve(t, w)
		b.kill(0)
		checkWorld(t, open(t, b), w)
	})
}

func TestTheSecondServerAnswersWhenTheFirstDiesBetweenQuestions(t *testing.T) {
	eachSubject(t, replicated, func(t *testing.T, s subject) {
		w := usual()
		b := s.serve(t, w)
		dir := open(t, b)
		checkWorld(t, dir, w)
		b.kill(0)
		checkWorld(t, dir, w)
	})
}

func TestWhenAllServersAreDownTheErrorNamesEach(t *testing.T) {
	eachSubject(t, replicated, func(t *testing.T, s subject) {
		b := s.serve(t, usual())
		dir := open(t, b)
		b.kill(0)
		b.kill(1)
		checkFailure(t, dir, s, b)
	})
}

func TestAServerThatHangsDoesNotUseUpTheTimeOfTheNext(t *testing.T) {
	eachSubject(t, replicated, func(t *testing.T, s subject) {
		w := usual()
		b := s.serve(t, w)
		b.options.Timeout = time.Hour // only the context ends the wait
		b.hang(0)
		redistest.LongEnough(t, time.Second, func(limit time.Duration) bool {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			sites, err := open(t, b).Sites(ctx)
			if err == nil && !slices.Equal(sites, siteNames(w)) {
				t.Errorf("%q", sites)
			}
			return err == nil
		})
	})
}

func TestWhenAllServersHangTheDeadlineHolds(t *testing.T) {
	eachSubject(t, replicated, func(t *testing.T, s subject) {
		b := s.serve(t, usual())
		b.options.Timeout = 100 * time.Millisecond
		b.hang(0)
		b.hang(1)
		err := checkFailure(t, open(t, b), s, b)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is no context.DeadlineExceeded", err)
		}
	})
}

func TestAMalformedAnswerIsNeverTakenForAnAnswer(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		kinds := s.serve(t, usual()).garbles
		if len(kinds) == 0 {
			t.Fatal("no malformed answer is known of this service")
		}
		for i, kind := range kinds {
			t.Run(kind.name, func(t *testing.T) {
				w := usual()
				b := s.serve(t, w)
				b.garbles[i].do(0)
				if s.replicated {
					checkWorld(t, open(t, b), w)
					b.garbles[i].do(1)
				}
				dir, err := Open(b.url, b.options)
				if err != nil {
					t.Fatal(err)
				}
				checkFailure(t, dir, s, b)
			})
		}
	})
}

func TestAQuestionWhoseTimeIsOverIsAnError(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		dir := open(t, s.serve(t, usual()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for what, list := range questions(ctx, dir) {
			if got, err := list(); !errors.Is(err, context.Canceled) || got != nil {
				t.Errorf("%s: %q, %v", what, got, err)
			}
		}
	})
}

func TestManyMayAskAtOnce(t *testing.T) {
	eachSubject(t, every, func(t *testing.T, s subject) {
		w := usual()
		b := s.serve(t, w)
		dir := open(t, b)
		var asking sync.WaitGroup
		for i := range 8 {
			asking.Go(func() {
				if i == 4 && s.replicated {
					b.kill(0)
				}
				checkWorld(t, dir, w)
			})
		}
		asking.Wait()
	})
}

func TestAnExpressionStandsForHosts(t *testing.T) {
	eachSubject(t, func(s subject) bool { return s.expands }, func(t *testing.T, s subject) {
		w := usual()
		dir, ok := open(t, s.serve(t, w)).(Expander)
		if !ok {
			t.Fatal("it has no Expand")
		}
		for expr, want := range w.hosts {
			if hosts, err := dir.Expand(t.Context(), expr); err != nil || !slices.Equal(hosts, fold(want)) {
				t.Errorf("%s: %q, %v", expr, hosts, err)
			}
		}
		if s.forgiving {
			return
		}
		if hosts, err := dir.Expand(t.Context(), "%nosuch"); err == nil || hosts != nil || !strings.Contains(err.Error(), "nosuch") {
			t.Errorf("an expression that names what is unknown: %q, %v", hosts, err)
		}
	})
}

func TestAServiceThatCannotExpandDoesNotSayItCan(t *testing.T) {
	eachSubject(t, func(s subject) bool { return !s.expands }, func(t *testing.T, s subject) {
		if _, ok := open(t, s.serve(t, usual())).(Expander); ok {
			t.Error("it has Expand")
		}
	})
}

// open opens a backend, with time enough for a loaded machine.
func open(t *testing.T, b *backend) Service {
	t.Helper()
	if b.options.Timeout == 0 {
		b.options.Timeout = redistest.Patience
	}
	dir, err := Open(b.url, b.options)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// withParams appends parameters to a URL.
func withParams(url, params string) string {
	switch {
	case params == "":
		return url
	case strings.Contains(url, "?"):
		return url + "&" + params
	default:
		return url + "?" + params
	}
}

// checkWorld asks a directory everything.
func checkWorld(t *testing.T, dir Service, w world) {
	t.Helper()
	ctx := t.Context()
	if sites, err := dir.Sites(ctx); err != nil || !slices.Equal(sites, siteNames(w)) {
		t.Errorf("sites: %q, %v", sites, err)
	}
	for site, inIt := range w.sites {
		if cores, err := dir.Cores(ctx, site); err != nil || !slices.Equal(cores, slices.Sorted(maps.Keys(inIt))) {
			t.Errorf("cores of %s: %q, %v", site, cores, err)
		}
		for core, listed := range inIt {
			if servers, err := dir.Servers(ctx, core); err != nil || !slices.Equal(servers, fold(listed)) {
				t.Errorf("servers of %s: %q, %v", core, servers, err)
			}
		}
	}
}

// checkFailure makes sure that no question is answered, and that the errors name every
// server. It returns one of them.
func checkFailure(t *testing.T, dir Service, s subject, b *backend) error {
	t.Helper()
	var last error
	for what, list := range questions(t.Context(), dir) {
		got, err := list()
		if err == nil || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
			continue
		}
		if s.replicated && len(b.servers) != 2 {
			t.Fatalf("%d servers", len(b.servers))
		}
		for _, server := range b.servers {
			if !strings.Contains(err.Error(), server) {
				t.Errorf("%s: %v: does not name %s", what, err, server)
			}
		}
		last = err
	}
	return last
}

func questions(ctx context.Context, dir Service) map[string]func() ([]string, error) {
	return map[string]func() ([]string, error){
		"sites":                func() ([]string, error) { return dir.Sites(ctx) },
		"cores of esv4":        func() ([]string, error) { return dir.Cores(ctx, "esv4") },
		"servers of esv4-2360": func() ([]string, error) { return dir.Servers(ctx, esv4First) },
	}
}

func siteNames(w world) []string { return slices.Sorted(maps.Keys(w.sites)) }
