package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

const container = "ou=sysops,dc=example,dc=com"

func ldapSubject(scheme string) subject {
	return subject{name: scheme, replicated: true, serve: func(t *testing.T, w world) *backend { return serveLDAP(t, scheme, w) }}
}

// serveLDAP says a world with two servers of the same tree.
func serveLDAP(t *testing.T, scheme string, w world) *backend {
	ldif := ldifOf(w)
	var certs *redistest.Certs
	params := ""
	if scheme == "ldaps" {
		certs = redistest.NewCerts(t)
		params = "?ca_file=" + certs.CAFile
	}
	servers := []*slapd{startSlapd(t, scheme, certs, ldif), startSlapd(t, scheme, certs, ldif)}
	instead := func(ldif string, lines ...string) func(int) {
		return func(i int) { servers[i].restart(ldif, lines...) }
	}
	fake := func(answer string) func(int) {
		return func(i int) {
			servers[i].kill()
			fakeLDAP(t, servers[i].addr, answer)
		}
	}
	return &backend{
		url:     scheme + "://" + servers[0].addr + "," + servers[1].addr + "/dc=example,dc=com" + params,
		servers: []string{servers[0].addr, servers[1].addr},
		kill:    func(i int) { servers[i].kill() },
		hang:    func(i int) { servers[i].hang() },
		garbles: []garble{
			{"a size limit", instead(ldif, "sizelimit 1")},
			{"a part is on another server", instead(ldif + ldifEntry("ou=lca1,"+container,
				"objectClass: referral", "objectClass: extensibleObject", "ref: ldap://127.0.0.1:1/ou=lca1,"+container))},
			{"all is on another server", instead(base + ldifEntry(container,
				"objectClass: referral", "objectClass: extensibleObject", "ref: ldap://127.0.0.1:1/"+container))},
			{"no container", instead(base)},
			{"a core in no site", instead(ldif + device("cn=c9,"+container, "redis://h:1"))},
			{"a core twice in a site", instead(ldif + unit("ou=rack,ou=esv4,"+container) + device("cn="+esv4First+",ou=rack,ou=esv4,"+container))},
			{"a name of two attributes", instead(ldif + device("cn=c9+serialNumber=7,ou=esv4,"+container))},
			{"who asks must bind", instead(ldif, "require authc")},
			{"no LDAP", fake("HTTP/1.1 400 Bad Request\r\n\r\n")},
			{"nothing", fake("")},
		},
	}
}

// ldifOf writes a world as entries. An attribute holds a value once.
func ldifOf(w world) string {
	var ldif strings.Builder
	ldif.WriteString(base + unit(container))
	for _, site := range slices.Sorted(maps.Keys(w.sites)) {
		ldif.WriteString(unit("ou=" + site + "," + container))
		for _, core := range slices.Sorted(maps.Keys(w.sites[site])) {
			ldif.WriteString(device("cn="+core+",ou="+site+","+container, fold(w.sites[site][core])...))
		}
	}
	return ldif.String()
}

// fakeLDAP answers every connection at an address with a text, and closes it.
func fakeLDAP(t *testing.T, addr, answer string) {
	t.Helper()
	serveTCP(t, addr, func(conn net.Conn) {
		_, _ = io.WriteString(conn, answer) // who asked may be gone
	})
}

// serveTCP serves one connection after the other at an address, until the test ends.
func serveTCP(t *testing.T, addr string, serve func(net.Conn)) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
}

func (s *slapd) url(params string) string {
	return s.scheme + "://" + s.addr + "/dc=example,dc=com?" + params
}

// checkRefusal makes sure that no question is answered, because of why.
func checkRefusal(t *testing.T, dir Service, why string) {
	t.Helper()
	for what, list := range questions(t.Context(), dir) {
		if got, err := list(); err == nil || got != nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %q, %v; want an error with %q", what, got, err, why)
		}
	}
}

func TestTheTreeThatTheDocsShowIsADirectory(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	checkWorld(t, open(t, &backend{url: "ldap://" + s.addr + "/dc=example,dc=com"}), documented)
}

func TestThePasswordOfTheDocsBinds(t *testing.T) {
	certs := redistest.NewCerts(t)
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "correct horse\n")
	for scheme, params := range map[string]string{"ldaps": "", "ldap": "&starttls=true"} {
		s := startSlapd(t, scheme, certs, readTestdata(t, "sysops.ldif"), "require authc")
		params += "&ca_file=" + certs.CAFile
		checkWorld(t, open(t, &backend{url: s.url("bind=cn=sysops-reader,dc=example,dc=com&password_file=" + password + params)}), documented)
		checkRefusal(t, open(t, &backend{url: s.url(params[1:])}), "authentication required") // it is the password that opens
	}
}

func TestAWrongPasswordIsAnErrorThatDoesNotRepeatIt(t *testing.T) {
	certs := redistest.NewCerts(t)
	s := startSlapd(t, "ldaps", certs, readTestdata(t, "sysops.ldif"))
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "wrong horse")
	dir := open(t, &backend{url: s.url("bind=cn=sysops-reader,dc=example,dc=com&ca_file=" + certs.CAFile + "&password_file=" + password)})
	checkRefusal(t, dir, "Invalid Credentials")
	if _, err := dir.Sites(t.Context()); strings.Contains(err.Error(), "horse") {
		t.Error(err)
	}
	writeFile(t, password, "correct horse") // is read for each connection
	checkWorld(t, dir, documented)
}

func TestACertificateThatNobodyTrustsIsRefused(t *testing.T) {
	certs, others := redistest.NewCerts(t), redistest.NewCerts(t)
	for scheme, params := range map[string]string{"ldaps": "", "ldap": "starttls=true&"} {
		s := startSlapd(t, scheme, certs, readTestdata(t, "sysops.ldif"))
		checkRefusal(t, open(t, &backend{url: s.url(params + "ca_file=" + others.CAFile)}), "certificate signed by unknown authority")
		checkWorld(t, open(t, &backend{url: s.url(params + "ca_file=" + certs.CAFile)}), documented)
		other := *s
		other.addr = strings.Replace(s.addr, "127.0.0.1", "127.0.0.2", 1) // not in the certificate
		relay(t, other.addr, s.addr)
		checkRefusal(t, open(t, &backend{url: other.url(params + "ca_file=" + certs.CAFile)}), "127.0.0.2")
	}
}

// relay passes connections to an address on to another, until the test ends.
func relay(t *testing.T, from, to string) {
	t.Helper()
	listener, err := net.Listen("tcp", from)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			serving.Go(func() { _, _ = io.Copy(out, in); out.Close() })
			serving.Go(func() { _, _ = io.Copy(in, out); in.Close() })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
}

func TestStartTLSIsNotLeftOutWhereAServerHasNone(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "correct horse")
	proxy := redistest.NewProxy(t, s.addr)
	url := "ldap://" + proxy.Addr() + "/dc=example,dc=com?starttls=true&bind=cn=sysops-reader,dc=example,dc=com&password_file=" + password
	checkRefusal(t, open(t, &backend{url: url}), "cannot agree on TLS")
	// StartTLS, of some 31 bytes, is all that each of the questions sent.
	if sent, asked := proxy.Traffic().Sent, proxy.Traffic().Connections; asked != 3 || sent > 40*asked {
		t.Errorf("%d bytes went out on %d connections", sent, asked)
	}
}

func TestAPasswordInTheClearIsRefusedBeforeItIsSent(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	writeFile(t, password, "correct horse")
	for _, params := range []string{"", "&starttls=false"} {
		_, err := Open("ldap://127.0.0.1/dc=example,dc=com?bind=cn=r,dc=example,dc=com&password_file="+password+params, Options{})
		if err == nil || !strings.Contains(err.Error(), "in the clear") || strings.Contains(err.Error(), "horse") {
			t.Errorf("%q: %v", params, err)
		}
	}
}

func TestAPasswordFileThatEverybodyMayReadIsRefused(t *testing.T) {
	password := filepath.Join(t.TempDir(), "password")
	url := "ldaps://127.0.0.1/dc=example,dc=com?bind=cn=r,dc=example,dc=com&password_file=" + password
	for _, row := range []struct {
		mode os.FileMode
		text string
		why  string // empty: it is taken
	}{
		{0o400, "secret", ""},
		{0o640, "secret\r\n", ""},
		{0o644, "secret", "chmod o="},
		{0o602, "secret", "chmod go-w"},
		{0o600, "", "empty"},
		{0o600, "\n", "empty"},
		{0o600, strings.Repeat("secret", 1000), "4096 bytes"},
	} {
		if err := os.RemoveAll(password); err != nil {
			t.Fatal(err)
		}
		writeFile(t, password, row.text)
		if err := os.Chmod(password, row.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(url, Options{})
		if row.why == "" && err != nil || row.why != "" && (err == nil || !strings.Contains(err.Error(), row.why) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%o %.10q: %v", row.mode, row.text, err)
		}
	}
	if err := os.Remove(password); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(url, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestURLsOfLDAPThatCannotBe(t *testing.T) {
	noCA := filepath.Join(t.TempDir(), "ca")
	writeFile(t, noCA, "no PEM")
	for url, why := range map[string]string{
		"ldap:":                                          "no server",
		"ldap:///dc=example":                             "no server",
		"ldap://h":                                       "base",
		"ldap://h/":                                      "base",
		"ldap://h/example":                               "base",
		"ldap://h/dc=example?container=sysops":           "container",
		"ldap://h/dc=example?filter=redis":               "filter",
		"ldap://h/dc=example?starttls=maybe":             "starttls",
		"ldaps://h/dc=example?starttls=true":             "starttls",
		"ldap://h/dc=example?ca_file=/ca":                "no TLS",
		"ldaps://h/dc=example?ca_file=/nosuch/ca":        "/nosuch/ca",
		"ldaps://h/dc=example?ca_file=" + noCA:           "no certificate",
		"ldaps://h/dc=example?bind=cn=r":                 "together",
		"ldaps://h/dc=example?password_file=/p":          "together",
		"ldaps://h/dc=example?bind=r&password_file=/p":   "bind",
		"ldaps://h/dc=example?password=secret":           "parameter",
		"ldaps://cn=r:secret@h/dc=example":               "ps would show",
		"ldap://h/dc=example?attribute=%64%00escription": "attribute",
	} {
		if _, err := Open(url, Options{}); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestTheTreeMayBeElsewhereAndOfAnotherKind(t *testing.T) {
	const below = `ou=Redis\, all,` + container
	s := startSlapd(t, "ldap", nil, base+unit(container)+unit(below)+unit("ou=esv4,"+below)+
		ldifEntry("cn=c1,ou=esv4,"+below, "objectClass: device", "description: redis://h:1", "description: redis://h:2 rack 3")+
		ldifEntry("cn=door,ou=esv4,"+below, "objectClass: device"))
	params := url.Values{"container": {`OU=redis\2C all,ou=sysops`}, "attribute": {"DESCRIPTION"}, "filter": {"(&(objectClass=device)(description=*))"}}
	checkWorld(t, open(t, &backend{url: s.url(params.Encode())}), world{sites: map[string]map[string][]string{"esv4": {"c1": {"redis://h:1", "redis://h:2"}}}})
}

func TestTheContainerAndASiteMayHaveAURIOfTheirOwn(t *testing.T) {
	s := startSlapd(t, "ldap", nil, base+
		ldifEntry(container, "objectClass: organizationalUnit", "objectClass: labeledURIObject", "labeledURI: https://wiki.example.com/sysops")+
		ldifEntry("ou=esv4,"+container, "objectClass: organizationalUnit", "objectClass: labeledURIObject", "labeledURI: https://wiki.example.com/esv4 where it is")+
		unit("ou=row 7,ou=esv4,"+container)+
		device("cn=c1,ou=row 7,ou=esv4,"+container, "redis://h:1"))
	checkWorld(t, open(t, &backend{url: s.url("site=esv4")}), world{sites: map[string]map[string][]string{"esv4": {"c1": {"redis://h:1"}}}})
}

func TestATreeOfManyPagesIsReadWhole(t *testing.T) {
	w := world{sites: map[string]map[string][]string{"esv4": {}, "eat1": {}}}
	for i := range 3*ldapPage + 1 {
		w.sites[[]string{"esv4", "eat1"}[i%2]][fmt.Sprintf("c%d", i)] = nil
	}
	s := startSlapd(t, "ldap", nil, ldifOf(w), "sizelimit size.soft=unlimited size.hard=unlimited size.pr=250")
	checkWorld(t, open(t, &backend{url: s.url("site=esv4")}), w)
	// A server that gives no page of this size, or no more than one, does not give all.
	for _, limit := range []string{"sizelimit size.pr=100", "sizelimit size.prtotal=300", "sizelimit 300"} {
		s.restart(ldifOf(w), limit)
		checkRefusal(t, open(t, &backend{url: s.url("site=esv4")}), "cannot read the LDAP tree")
	}
}

func TestAnAnswerThatBreaksOffIsNeverTakenForAnAnswer(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	proxy := redistest.NewProxy(t, s.addr)
	failed := 0
	for cut := int64(0); ; cut += 7 {
		proxy.CutAfter(cut)
		dir := open(t, &backend{url: "ldap://" + proxy.Addr() + "/dc=example,dc=com"})
		sites, err := dir.Sites(t.Context())
		if err == nil {
			proxy.CutAfter(-1)
			checkWorld(t, dir, documented)
			break
		}
		if failed++; sites != nil {
			t.Fatalf("cut after %d bytes: %q, %v", cut, sites, err)
		}
	}
	if failed < 50 {
		t.Errorf("the answer was whole after %d cuts: is the proxy in between?", failed)
	}
}

func TestAnAnswerWithoutEndIsRefused(t *testing.T) {
	addr := onFreePort(t, func(addr string) bool {
		serveTCP(t, addr, func(conn net.Conn) {
			_, err := conn.Write([]byte{0x04, 0x84, 0x7f, 0xff, 0xff, 0xff}) // a string of 2 GiB
			for zeros := make([]byte, 1<<20); err == nil; {
				_, err = conn.Write(zeros)
			}
		})
		return true
	})
	dir := open(t, &backend{url: "ldap://" + addr + "/dc=example,dc=com", options: Options{Timeout: redistest.Patience}})
	if sites, err := dir.Sites(t.Context()); err == nil || sites != nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("%q, %v", sites, err)
	}
}

func TestOneConnectionAnswersTheQuestionsOfAQuery(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	proxy := redistest.NewProxy(t, s.addr)
	dir, _ := treeOf(t, "ldap://"+proxy.Addr()+"/dc=example,dc=com")
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() { checkWorld(t, dir, documented) })
	}
	asking.Wait()
	if n := proxy.Traffic().Connections; n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestATreeThatIsOldIsReadAgain(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	dir, later := treeOf(t, s.url("site=esv4"))
	checkWorld(t, dir, documented)
	s.restart(ldifOf(usual()))
	checkWorld(t, dir, documented)
	later(freshFor)
	checkWorld(t, dir, usual())
}

// treeOf opens a directory for which time passes where the test says so alone.
func treeOf(t *testing.T, url string) (dir *ldapTree, later func(time.Duration)) {
	t.Helper()
	loc, err := parseLocation(url)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := openLDAP(loc, Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	dir = opened.(*ldapTree)
	now := time.Now()
	dir.cache.now = func() time.Time { return now }
	return dir, func(d time.Duration) { now = now.Add(d) }
}

func TestWhoWaitsForAnothersQuestionKeepsHisDeadline(t *testing.T) {
	s := startSlapd(t, "ldap", nil, readTestdata(t, "sysops.ldif"))
	s.hang()
	dir := open(t, &backend{url: s.url("site=esv4"), options: Options{Timeout: time.Hour}})
	first, stop := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	asking.Go(func() {
		if _, err := dir.Sites(first); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := dir.Sites(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	stop()
	asking.Wait()
}

func TestAMissingContainerIsNamed(t *testing.T) {
	s := startSlapd(t, "ldap", nil, base)
	dir := open(t, &backend{url: s.url("site=esv4")})
	checkRefusal(t, dir, "it has no entry ou=sysops,dc=example,dc=com")
	if _, err := dir.Sites(t.Context()); !ldap.IsErrorWithCode(ldapCause(err), ldap.LDAPResultNoSuchObject) {
		t.Error(err)
	}
}

// ldapCause finds the library's error.
func ldapCause(err error) error {
	e, _ := errors.AsType[*ldap.Error](err)
	return e
}
