package wholetest_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// An eavesdropper is a server that hangs up on whoever has said something, and remembers it.
// Asked as a Sentinel, it says that it is the master; as a node, that it has all slots.
type eavesdropper struct {
	port   string
	socket string

	mu    sync.Mutex
	heard bytes.Buffer
	calls int
}

func eavesdrop(t *testing.T) *eavesdropper {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // t.TempDir's path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := &eavesdropper{socket: filepath.Join(dir, "redis.sock")}
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": e.socket} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if network == "tcp" {
			_, e.port, _ = net.SplitHostPort(l.Addr().String())
		}
		go e.listen(l)
	}
	return e
}

func (e *eavesdropper) listen(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		e.calls++
		e.mu.Unlock()
		go func() {
			defer conn.Close()
			said := make([]byte, 64<<10)
			n, _ := conn.Read(said) // nothing said is nothing heard
			e.mu.Lock()
			defer e.mu.Unlock()
			if bytes.Contains(said[:n], []byte("SENTINEL")) {
				e.heard.Write(said[:n])
				if bytes.HasPrefix(said[:n], []byte("*3\r\n$4\r\nAUTH")) {
					fmt.Fprint(conn, "+OK\r\n")
				}
				fmt.Fprintf(conn, "*2\r\n$7\r\n0.0.0.0\r\n$%d\r\n%s\r\n", len(e.port), e.port)
				return
			}
			if bytes.Contains(said[:n], []byte("SLOTS")) {
				fmt.Fprintf(conn, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$7\r\n0.0.0.0\r\n:%s\r\n", e.port)
				return
			}
			e.heard.Write(said[:n])
		}()
	}
}

// learned is what can be made of all that was heard, and how often somebody called.
func (e *eavesdropper) learned(password string) (what string, calls int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard.Bytes()
	switch {
	case bytes.Contains(heard, []byte(password)):
		what = "password"
	case bytes.Contains(heard, []byte("$hosts")):
		what = "questions"
	case len(heard) > 0 && heard[0] == 0x16: // a handshake, as RFC 8446 numbers it
		what = "handshake"
	}
	return what, e.calls
}

// url is where the eavesdropper is, in one of the forms of the table. The address 0.0.0.0
// reaches this machine, and is not written as an address of its own.
func (e *eavesdropper) url(form string) string {
	return map[string]string{
		"redis far": "redis://0.0.0.0:" + e.port + "/0", "redis here": "redis://127.0.0.1:" + e.port + "/0",
		"rediss far": "rediss://0.0.0.0:" + e.port + "/0", "unix": "unix://" + e.socket + "?db=1",
		"sentinel": "redis+sentinel://127.0.0.1:" + e.port + "/m?db=1", "sentinel TLS": "rediss+sentinel://127.0.0.1:" + e.port + "/m",
		"cluster": "redis+cluster://127.0.0.1:" + e.port, "cluster TLS": "rediss+cluster://127.0.0.1:" + e.port,
	}[form]
}

const (
	givenWords = "the directory gave its URL, and the password would travel in the clear"
	trueWords  = "require_tls is true"
	caWords    = "a certificate authority or a client certificate is set"
	adminWords = "the password of an administrator would travel in the clear"
)

// What is sent in the clear, and what is refused: the form of the URL, require_tls, whether
// there is a password, and who gave the URL.
var transports = []struct {
	form, tls, password, from string

	learned string // of a push and of questions
	refused string // the words, where nothing is sent
	admin   string // the words with which gc is refused, where the others are not
}{
	{"redis far", "", "", "administrator", "questions", "", ""},
	{"redis far", "", "", "directory", "questions", "", ""},
	{"redis far", "", "password", "administrator", "password", "", adminWords},
	{"redis far", "", "password", "directory", "", givenWords, ""},
	{"redis far", "false", "", "administrator", "questions", "", ""},
	{"redis far", "false", "", "directory", "questions", "", ""},
	{"redis far", "false", "password", "administrator", "password", "", ""},
	{"redis far", "false", "password", "directory", "password", "", ""},
	{"redis far", "true", "", "administrator", "", trueWords, ""},
	{"redis far", "true", "", "directory", "", trueWords, ""},
	{"redis far", "true", "password", "administrator", "", trueWords, ""},
	{"redis far", "true", "password", "directory", "", givenWords, ""},
	{"redis far", "ca_file", "", "administrator", "", caWords, ""},
	{"redis far", "ca_file", "", "directory", "", caWords, ""},
	{"redis far", "ca_file", "password", "administrator", "", caWords, ""},
	{"redis far", "ca_file", "password", "directory", "", givenWords, ""},
	{"redis far", "certificate", "password", "administrator", "", caWords, ""},
	{"redis far", "ca_file, false", "password", "directory", "password", "", ""},

	{"redis here", "", "password", "administrator", "password", "", ""},
	{"redis here", "", "password", "directory", "", givenWords, ""},
	{"redis here", "", "", "directory", "questions", "", ""},
	{"redis here", "true", "password", "administrator", "", trueWords, ""},
	{"redis here", "ca_file", "", "administrator", "", caWords, ""},
	{"redis here", "false", "password", "directory", "password", "", ""},

	{"unix", "", "password", "administrator", "password", "", ""},
	{"unix", "true", "password", "administrator", "password", "", ""},
	{"unix", "ca_file", "password", "administrator", "password", "", ""},
	{"unix", "", "password", "directory", "", givenWords, ""},
	{"unix", "true", "password", "directory", "", givenWords, ""},
	{"unix", "", "", "directory", "questions", "", ""},
	{"unix", "true", "", "directory", "", trueWords, ""},
	{"unix", "ca_file", "", "directory", "", caWords, ""},
	{"unix", "certificate", "", "directory", "", caWords, ""},
	{"unix", "false", "password", "directory", "password", "", ""},

	{"sentinel", "", "", "directory", "questions", "", ""},
	{"sentinel", "", "password", "administrator", "password", "", adminWords},
	{"sentinel", "", "password", "directory", "", givenWords, ""},
	{"sentinel", "true", "password", "administrator", "", trueWords, ""},
	{"sentinel", "ca_file", "", "administrator", "", caWords, ""},
	{"sentinel", "false", "password", "directory", "password", "", ""},
	{"sentinel", "", "Sentinel's", "administrator", "password", "", ""},
	{"sentinel", "", "Sentinel's", "directory", "", givenWords, ""},
	{"sentinel", "true", "Sentinel's", "administrator", "", trueWords, ""},
	{"sentinel", "false", "Sentinel's", "directory", "password", "", ""},
	{"sentinel TLS", "", "Sentinel's", "directory", "handshake", "", ""},
	{"redis far", "", "Sentinel's", "directory", "questions", "", ""},
	{"redis far", "", "Sentinel's", "administrator", "questions", "", ""},
	{"cluster", "", "", "directory", "questions", "", ""},
	{"cluster", "", "password", "administrator", "password", "", adminWords},
	{"cluster", "", "password", "directory", "", givenWords, ""},
	{"cluster", "ca_file", "", "administrator", "", caWords, ""},
	{"cluster TLS", "", "password", "directory", "handshake", "", ""},
	{"sentinel TLS", "", "password", "directory", "handshake", "", ""},
	{"sentinel TLS", "false", "password", "administrator", "handshake", "", ""},

	{"rediss far", "", "password", "administrator", "handshake", "", ""},
	{"rediss far", "", "password", "directory", "handshake", "", ""},
	{"rediss far", "true", "password", "directory", "handshake", "", ""},
	{"rediss far", "false", "password", "directory", "handshake", "", ""},
	{"rediss far", "ca_file", "password", "directory", "handshake", "", ""},
}

func TestWhatTravelsInTheClear(t *testing.T) {
	t.Parallel()
	certs := redistest.NewCerts(t)
	for _, row := range transports {
		name := strings.Join([]string{row.form, row.tls, row.password, row.from}, "/")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := eavesdrop(t)
			o := sysops.Options{Timeout: 10 * time.Second}
			switch row.password {
			case "password":
				o.User, o.Password = "reader", "hunter2hunter2"
			case "Sentinel's":
				o.SentinelPassword = "hunter2hunter2"
			}
			for setting := range strings.SplitSeq(row.tls, ", ") {
				switch setting {
				case "true", "false":
					o.RequireTLS = new(setting == "true")
				case "ca_file":
					o.CAFile = certs.CAFile
				case "certificate":
					o.CertFile, o.KeyFile = certs.ClientCertFile, certs.ClientKeyFile
				}
			}
			c := connectTo(t, given(row.from, e.url(row.form)), o)
			_, asked := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
			_, pushed := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x")))
			for what, err := range map[string]error{"a question": asked, "a push": pushed} {
				needs := errors.Is(err, sysops.ErrServerNeedsTLS)
				if err == nil || needs != (row.refused != "") || !strings.Contains(err.Error(), row.refused) || needs && len(terminal.Hints(err)) == 0 {
					t.Errorf("%s: %v; want to be refused: %q", what, err, row.refused)
				}
			}
			learned, calls := e.learned("hunter2")
			if learned != row.learned || row.refused != "" && calls > 0 {
				t.Errorf("who listens learns %q in %d calls, want %q", learned, calls, row.learned)
			}
			for what, err := range administer(t, c) {
				want := row.refused + row.admin
				if err == nil || errors.Is(err, sysops.ErrServerNeedsTLS) != (want != "") || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v; want to be refused: %q", what, err, want)
				}
			}
			if _, after := e.learned("hunter2"); row.admin != "" && after > calls {
				t.Errorf("who listens is called %d times for an administrator", after-calls)
			}
		})
	}
}

// given is a directory that lists one server, as whoever it is from hands it out.
func given(from, url string) sysops.Directory {
	if from == "administrator" {
		return sysops.ServerList(url)
	}
	return &fleet{
		sites: map[string][]string{"s": {"k"}}, cores: map[string][]string{"k": {url}}, localSite: "s", localCore: "k",
	}
}

// administer does what only an administrator may.
func administer(t *testing.T, c *sysops.Client) map[string]error {
	failed := make(map[string]error)
	_, failed["gc"] = c.GC(t.Context(), sysops.Where{}, time.Hour)
	_, failed["index"] = c.Adopt(t.Context(), sysops.Where{})
	_, _, failed["hosts forget"] = c.Forget(t.Context(), hosts(t, "web01"))
	return failed
}

// A server that was listed as rediss:// is not reached without TLS later, though the
// directory says so: by the same client, and by another process that has the kept copy.
func TestATLSServerThatIsListedWithoutTLSIsRefused(t *testing.T) {
	t.Parallel()
	e := eavesdrop(t)
	over, without := "rediss://LOCALHOST:"+e.port+"/1", "redis://localhost:"+e.port+"?db=2"
	first := func(c *sysops.Client) error {
		_, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
		return err
	}
	refuses := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, sysops.ErrServerNeedsTLS) || !strings.Contains(fmt.Sprint(err), "listed as rediss:// before") {
			t.Errorf("%s: %v", what, err)
		}
		if learned, _ := e.learned("hunter2"); learned != "handshake" {
			t.Errorf("%s: who listens learns %q", what, learned)
		}
	}

	dir := given("directory", over).(*fleet)
	c := connectTo(t, dir, sysops.Options{})
	if err := first(c); errors.Is(err, sysops.ErrServerNeedsTLS) {
		t.Fatal(err)
	}
	dir.cores["k"] = []string{without}
	refuses("the same client", first(c))
	dir.cores["k"] = []string{without, over}
	refuses("a directory that lists both", first(connectTo(t, dir, sysops.Options{})))
	refuses("an administrator that lists both", first(connectTo(t, sysops.ServerList(without, over), sysops.Options{Password: "hunter2"})))

	file, kept := filepath.Join(t.TempDir(), "sites.yaml"), t.TempDir()
	process := func(url string) *sysops.Client {
		if err := os.WriteFile(file, fmt.Appendf(nil, "sites: {s: {k: [%q]}}\nlocal: {core: k}\n", url), 0o600); err != nil {
			t.Fatal(err)
		}
		dir, err := sysops.OpenDirectory("file://"+file, sysops.DirectoryOptions{CacheAge: time.Hour, CacheFolder: kept})
		if err != nil {
			t.Fatal(err)
		}
		return connectTo(t, dir, sysops.Options{})
	}
	if err := first(process(over)); errors.Is(err, sysops.ErrServerNeedsTLS) {
		t.Fatal(err)
	}
	refuses("another process", first(process(without)))
	refuses("a third one", first(process(without)))

	dir.cores["k"] = []string{over, without}
	if err := first(connectTo(t, dir, sysops.Options{RequireTLS: new(false)})); errors.Is(err, sysops.ErrServerNeedsTLS) {
		t.Errorf("with require_tls: false: %v", err)
	}
}

// What a server does not know it repeats, and what stands before it on the way may do so, too.
func TestNoErrorRepeatsThePasswordThatAServerRepeats(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				said := make([]byte, 64<<10)
				for n, err := conn.Read(said); err == nil; n, err = conn.Read(said) {
					heard := strings.Join(strings.Fields(string(said[:n])), "', '")
					for range strings.Count(heard, "*") {
						fmt.Fprintf(conn, "-ERR unknown command 'x', with args beginning with: '%.2000s'\r\n", heard)
					}
				}
			}()
		}
	}()
	for _, url := range []string{"redis://" + l.Addr().String(), "redis+cluster://" + l.Addr().String(), "redis+sentinel://" + l.Addr().String() + "/m"} {
		c := connectTo(t, sysops.ServerList(url), sysops.Options{User: "reader", Password: "hunter\"2", SentinelPassword: "hunter3", RequireTLS: new(false), Timeout: 10 * time.Second})
		all := administer(t, c)
		_, all["a question"] = c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
		_, all["a push"] = c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x")))
		_, all["a check"] = c.CheckServer(t.Context(), url, "web01")
		servers, _, err := c.Info(t.Context(), sysops.Where{})
		all["info"] = fmt.Errorf("%+v, %w", servers, err)
		for what, err := range all {
			if err == nil || strings.Contains(err.Error(), "hunter") {
				t.Errorf("%s of %s: %v", what, url, err)
			}
		}
	}
}

// One server that must not be reached is left out as one that is down is: its siblings
// answer, and the answer tells.
func TestAServerThatNeedsTLSKeepsNothingFromItsSiblings(t *testing.T) {
	t.Parallel()
	certs := redistest.NewCerts(t)
	safe, bare := redistest.Start(t, redistest.TLS(certs), redistest.Password("secret")), eavesdrop(t)
	dir := given("directory", safe.URL()).(*fleet)
	dir.cores["k"] = append(dir.cores["k"], bare.url("redis here"))
	c := connectTo(t, dir, sysops.Options{Password: "secret", CAFile: certs.CAFile})
	if _, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x"))); !errors.Is(err, sysops.ErrServerNeedsTLS) {
		t.Errorf("a push: %v", err)
	}
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
	equalLists(t, "the answer", got, []string{"web01#/etc/motd: x"})
	if s := fmt.Sprintf("%+v", complete.Cores); !strings.Contains(s, givenWords) {
		t.Errorf("the answer does not tell of the server that was left out: %s", s)
	}
	if what, calls := bare.learned("secret"); calls > 0 {
		t.Errorf("who listens learns %q", what)
	}
}

// Questions, pushes and administration work over a socket, in the database that its URL
// names, and with a password.
func TestServersAtASocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis 1.sock")
	server := redistest.Start(t, redistest.Password("secret"), redistest.Config(fmt.Sprintf("unixsocket %q", socket)))
	url := "unix://" + strings.ReplaceAll(socket, " ", "%20") + "?db=3"
	c := connectTo(t, sysops.ServerList(url, url), sysops.Options{Password: "secret"})
	for _, host := range []string{"web01", "web02"} {
		if r := publish(t, c, snapshotOf(host, text("/etc/motd", "x"))); len(r.Servers) != 1 || r.Servers[0].Server != url {
			t.Errorf("%+v", r.Servers)
		}
	}
	if _, _, err := c.Forget(t.Context(), hosts(t, "web02")); err != nil {
		t.Error(err)
	}
	if _, err := c.GC(t.Context(), sysops.Where{}, time.Hour); err != nil {
		t.Error(err)
	}
	got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd"), Where: sysops.Where{Hosts: hostSet(t, "web01")}})
	equalLists(t, "the answer", got, []string{"web01#/etc/motd: x"})
	if dump := redistest.Dump(t, server); !strings.HasPrefix(dump, "db3\n") || strings.Contains(dump, "db0") {
		t.Errorf("it is in another database:\n%.200s", dump)
	}
	if warnings, err := c.CheckServer(t.Context(), url, "web01"); len(warnings) > 0 || err != nil {
		t.Errorf("%q, %v", warnings, err)
	}
	servers, _, err := c.Info(t.Context(), sysops.Where{})
	if err != nil || len(servers) != 1 || servers[0].Server != url || servers[0].Exposed || servers[0].Error != "" {
		t.Errorf("%+v, %v", servers, err)
	}
	server.Kill()
	_, err = c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
	if !errors.Is(err, sysops.ErrServerUnreachable) || !strings.Contains(err.Error(), socket[:len(dir)]) {
		t.Errorf("a socket that nobody listens at: %v", err)
	}
}

// The same server, written in two ways, is one.
func TestAServerIsOneHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	port := strings.TrimPrefix(server.URL(), "redis://127.0.0.1:")
	c := connect(t, "redis://localhost:"+port+"/1", "redis://LOCALHOST:"+port+"?db=1", "REDIS://localhost:0"+port+"/1/?db=01")
	if r := publish(t, c, snapshotOf("web01", text("/etc/motd", "x"))); len(r.Servers) != 1 {
		t.Errorf("%+v", r.Servers)
	}
}

// Who is to be warned of a server that the administrator has written without TLS.
func TestAnExposedPasswordIsWarnedOf(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Password("secret"))
	far := strings.Replace(server.URL(), "127.0.0.1", "0.0.0.0", 1)
	for _, row := range []struct {
		url     string
		exposed bool
	}{{far, true}, {server.URL(), false}} {
		c := connectTo(t, sysops.ServerList(row.url), sysops.Options{Password: "secret"})
		warnings, err := c.CheckServer(t.Context(), row.url, "web01")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(warnings, "\n"), "contents and password travel in the clear"); got != row.exposed {
			t.Errorf("%s: a check warns of %q", row.url, warnings)
		}
		servers, _, err := c.Info(t.Context(), sysops.Where{})
		if err != nil || len(servers) != 1 || servers[0].Exposed != row.exposed {
			t.Errorf("%s: %+v, %v", row.url, servers, err)
		}
	}
}
