package directory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAURLThatCannotBeUsedIsAnErrorThatSaysWhatCan(t *testing.T) {
	for _, row := range []struct {
		url  string
		says []string
	}{
		{"", []string{"name of a service"}},
		{"/etc/sysops/sites.yaml", []string{"name of a service"}},
		{"gopher://r1", []string{"gopher", "no such service"}},
		{"range://r1?core_of=x", []string{`"core_of"`, "all, cores, servers, server, site_pattern, site, core, timeout"}},
		{"exec:///x?args=y", []string{`"args"`, "there are arg, site"}},
		{"range://r1?cores=a{site}&cores=b{site}", []string{"cores", "twice"}},
		{"range://r1?cores=%cf3.promises.{site}", []string{"cores", "%25"}},
		{"range://r1?cores=%{site}", []string{"%25"}},
		{"range://r1?cores=", []string{"cores", "empty"}},
		{"range://r1?cores=%2525all", []string{"cores", "{site}"}},
		{"range://r1?server=redis://h", []string{"server", "{server}"}},
		{"range://r1#x", []string{"%23"}},
		{"range://", []string{"no server"}},
		{"range://,", []string{"no server"}},
		{"range://r1:x", []string{"r1:x", "host:port"}},
		{"range://r1:0", []string{"r1:0"}},
		{"range://r1:70000", []string{"r1:70000"}},
		{"range://[::1", []string{"::1"}},
		{"range://a b", []string{"a b"}},
		{"range://r1/path", []string{"path"}},
		{"range://r1?timeout=2", []string{"timeout=2s"}},
		{"range://r1?timeout=-1s", []string{"timeout=2s"}},
		{"file://etc/x", []string{"absolute", "file:///PATH"}},
		{"file:x", []string{"absolute"}},
		{"file:///%zz", []string{"%25"}},
		{"file:///a%00b", []string{"%25"}},
		{"exec://", []string{"absolute"}},
		{"cmconf://host/etc/cm.conf", []string{"absolute"}},
		{"consul://h?scheme=ftp", []string{"http or https"}},
		{"consul://h?ca_file=/x", []string{"https"}},
		{"consul://h?token_file=/x", []string{"in the clear", "scheme=https"}},
		{"consul://127.0.0.1,10.1.2.3?token_file=/x", []string{"in the clear"}},
		{"consul://h?scheme=https&ca_file=/nosuch/ca.pem", []string{"/nosuch/ca.pem"}},
	} {
		_, err := Open(row.url, Options{})
		if err == nil {
			t.Errorf("%s: no error", row.url)
			continue
		}
		for _, want := range row.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v: lacks %q", row.url, err, want)
			}
		}
	}
}

func TestAURLErrorTellsWhichServiceWasMeant(t *testing.T) {
	for _, row := range []struct{ url, want string }{
		{"range://r1#x", "range"},
		{"RANGE://r1?x=1", "range"},
		{"dsn://example.com", "dsn"},
		{"", ""},
		{"/etc/sites.yaml", ""},
		{"C:\\sites", "c"},
		{"s3cret-0:x", ""},
	} {
		_, err := Open(row.url, Options{})
		if bad, ok := errors.AsType[*URLError](err); !ok || bad.Scheme != row.want {
			t.Errorf("%s: %#v", row.url, err)
		}
	}
}

func TestASecretInAURLIsRefusedAndNotRepeated(t *testing.T) {
	for _, url := range []string{
		"range://admin:s3cret@r1", "range://s3cret@r1", "consul://h,u:s3cret@h2:8500", "consul://h?token=s3cret",
		"consul://h?password=%zzs3cret", "s3cret", "ldapx://u:s3cret@h", "file://u:s3cret@/x", "range://r1?cores=s3cret", "range://r1#s3cret",
	} {
		if _, err := Open(url, Options{}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestHostsOfAURLMayBeMany(t *testing.T) {
	for _, row := range []struct {
		url  string
		want []string
	}{
		{"range://r1", []string{"r1:80"}},
		{"RANGE://r1:8080,r2,r1:8080", []string{"r1:8080", "r2:80"}},
		{"range://10.1.2.3:9999,[::1]:8080,::1,[fe80::2]/", []string{"10.1.2.3:9999", "[::1]:8080", "[::1]:80", "[fe80::2]:80"}},
	} {
		loc, err := parseLocation(row.url)
		if err != nil {
			t.Errorf("%s: %v", row.url, err)
			continue
		}
		if got, err := loc.servers("80"); err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, %v", row.url, got, err)
		}
	}
}

func TestEveryServiceIsInTheREADME(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Schemes() {
		if !strings.Contains(string(text), "`"+s.Form+"`") {
			t.Errorf("README.md lacks %s", s.Form)
		}
		for _, p := range s.params {
			if p = "`" + strings.TrimSuffix(p, "*"); !strings.Contains(string(text), p) {
				t.Errorf("README.md lacks the parameter %s of %s", p, s.Name)
			}
		}
	}
}

func TestEveryServiceIsHeldToTheSuite(t *testing.T) {
	for _, s := range Schemes() {
		if !slices.ContainsFunc(subjects(), func(sub subject) bool { return strings.HasPrefix(sub.name, s.Name) }) {
			t.Errorf("no subject of %s", s.Name)
		}
	}
}

// A said is a service that says anything.
type said struct {
	fixed
	sites, servers []string
	cores          map[string][]string
}

func (s *said) Sites(context.Context) ([]string, error)                { return s.sites, nil }
func (s *said) Cores(_ context.Context, site string) ([]string, error) { return s.cores[site], nil }
func (s *said) Servers(context.Context, string) ([]string, error)      { return s.servers, nil }

func TestNamesThatAreNoWordsSpoilTheAnswer(t *testing.T) {
	for _, bad := range []string{"", "a b", "a\n", "a\x1b[2J", "a\u200bb", "a\u202eb", "\xff", strings.Repeat("x", 10<<20)} {
		dir := newStrict(&said{sites: []string{"esv4", bad}, cores: map[string][]string{"esv4": {"c", bad}}, servers: []string{"redis://a", "redis://" + bad}})
		if bad == "" {
			dir.service.(*said).servers = []string{"redis://a", ""}
		}
		for what, list := range questions(t.Context(), dir) {
			if got, err := list(); err == nil || got != nil || len(err.Error()) > 1000 {
				t.Errorf("%.20q in %s: %.20q, %.2000v", bad, what, got, err)
			}
		}
		for what, sites := range map[string]map[string]map[string][]string{
			"site": {bad: {"c": {"redis://a"}}}, "core": {"esv4": {bad: {"redis://a"}}},
		} {
			if f, err := NewFile(sites, "", ""); f != nil || err == nil || len(err.Error()) > 1000 {
				t.Errorf("%.20q as the %s of a config: %v, %.2000v", bad, what, f, err)
			}
		}
	}
}

func TestMoreNamesThanADirectoryHasSpoilTheAnswer(t *testing.T) {
	many := make([]string, maxNames+1)
	for i := range many {
		many[i] = fmt.Sprintf("redis://c%d", i)
	}
	dir := newStrict(&said{sites: many, cores: map[string][]string{"esv4": many}, servers: many})
	for what, list := range questions(t.Context(), dir) {
		if got, err := list(); err == nil || got != nil || !strings.Contains(err.Error(), "10000") {
			t.Errorf("%s: %d names, %v", what, len(got), err)
		}
	}
}

// A failing service says what a server told it, be it a page.
type failing struct {
	said
	err error
}

func (f *failing) Sites(context.Context) ([]string, error) { return nil, f.err }

func TestWhatAServerSaysIsToldInOneShortLine(t *testing.T) {
	why := fmt.Errorf("it says:\n\x1b[2J%s: %w", strings.Repeat("x", 10<<20), context.DeadlineExceeded)
	_, err := newStrict(&failing{err: why}).Sites(t.Context())
	if err == nil || len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\x1b") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%.3000v", err)
	}
}

func TestManyServersShareTheTimeOfTwo(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 2 * time.Second, 2: 2 * time.Second, 4: time.Second, 10: 400 * time.Millisecond} {
		if r := newReplicas("Range", make([]string, n), Options{Timeout: 2 * time.Second}); r.timeout != want {
			t.Errorf("each of %d has %v, want %v", n, r.timeout, want)
		}
	}
}

func TestAServerThatIsNoURLIsNotRepeated(t *testing.T) {
	dir := newStrict(&said{servers: []string{"u:s3cret@redis"}})
	if servers, err := dir.Servers(t.Context(), "c1"); err == nil || servers != nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "c1") {
		t.Errorf("%q, %v", servers, err)
	}
}

func TestACoreMayMoveToAnotherSite(t *testing.T) {
	s := &said{sites: []string{"eat1", "esv4"}, cores: map[string][]string{"eat1": {"c1"}}}
	dir := newStrict(s)
	ask := func(site string, want ...string) {
		t.Helper()
		if cores, err := dir.Cores(t.Context(), site); err != nil || !slices.Equal(cores, want) {
			t.Errorf("%s: %q, %v", site, cores, err)
		}
	}
	ask("eat1", "c1")
	s.cores = map[string][]string{"esv4": {"c1"}}
	ask("esv4", "c1")
	ask("eat1")
	s.cores = map[string][]string{"esv4": {"c1"}, "eat1": {"c1"}}
	for range 2 {
		if cores, err := dir.Cores(t.Context(), "eat1"); err == nil || cores != nil {
			t.Errorf("it is in two sites: %q", cores)
		}
	}
}

func TestWhatIsKeptIsKeptForAShortTime(t *testing.T) {
	now := time.Now()
	c := cache[int]{now: func() time.Time { return now }}
	fetched := 0
	get := func(ctx context.Context, key string) (int, error) {
		return c.get(ctx, key, func(ctx context.Context) (int, error) {
			fetched++
			return fetched, ctx.Err()
		})
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := get(over, "a"); err == nil {
		t.Error("a failure is an answer")
	}
	fetched = 0
	for _, row := range []struct {
		later time.Duration
		key   string
		want  int
	}{{0, "a", 1}, {freshFor - 1, "a", 1}, {0, "b", 2}, {1, "a", 3}, {0, "b", 2}} {
		now = now.Add(row.later)
		if got, err := get(t.Context(), row.key); got != row.want || err != nil {
			t.Errorf("%+v: %d, %v", row, got, err)
		}
	}
}
