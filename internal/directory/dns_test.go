package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func dnsSubject() subject {
	return subject{name: "dns", replicated: true, serve: serveDNS}
}

// serveDNS says a world with two servers of the same zone.
func serveDNS(t *testing.T, w world) *backend {
	zone := zoneOf(w)
	servers := []*nsd{startNSD(t, map[string]string{"example.com": zone}), startNSD(t, map[string]string{"example.com": zone})}
	instead := func(zones map[string]string) func(int) { return func(i int) { servers[i].restart(zones) } }
	fake := func(answer func(*dns.Msg, string) []byte) func(int) {
		return func(i int) {
			servers[i].kill()
			fakeDNS(t, servers[i].addr, answer)
		}
	}
	return &backend{
		url:     "dns://example.com?server=" + servers[0].addr + "," + servers[1].addr,
		servers: []string{servers[0].addr, servers[1].addr},
		kill:    func(i int) { servers[i].kill() },
		hang:    func(i int) { servers[i].hang() },
		garbles: []garble{
			{"words without a value", instead(map[string]string{"example.com": strings.NewReplacer("core=", "core:", "server=", "server:").Replace(zone)})},
			{"a word is missing", instead(map[string]string{"example.com": strings.NewReplacer(" site=", " room=", "server=", "port=").Replace(zone)})},
			{"a key twice", instead(map[string]string{"example.com": strings.NewReplacer(" site=", " core=", "server=", "server=redis://h server=").Replace(zone)})},
			{"SERVFAIL", instead(map[string]string{"example.com": ""})},
			{"REFUSED", instead(map[string]string{"example.org": strings.ReplaceAll(zoneHead, "example.com", "example.org")})},
			{"a referral", instead(map[string]string{"com": "$ORIGIN com.\n$TTL 300\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\nexample NS ns.example\nns.example A 127.0.0.1\n"})},
			{"an alias to where the server knows nothing", instead(map[string]string{"example.com": zoneHead + "* CNAME sysops.example.org.\n"})},
			{"an alias of itself", instead(map[string]string{"example.com": zoneHead + "* CNAME again\nagain CNAME again\n"})},
			{"no DNS", fake(func(q *dns.Msg, _ string) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") })},
			{"a header alone", fake(func(q *dns.Msg, _ string) []byte { return pack(t, new(dns.Msg).SetReply(q))[:12] })},
			{"an answer to another question", fake(func(q *dns.Msg, _ string) []byte {
				reply := new(dns.Msg).SetReply(q)
				reply.Question[0].Name = "example.org."
				reply.Answer = []dns.RR{txt("example.org.", "v=sysops1 core=c1 site=esv4 server=redis://h:1")}
				return pack(t, reply)
			})},
			{"the question itself", fake(func(q *dns.Msg, _ string) []byte { return pack(t, q) })},
			{"cut short over UDP, and over TCP as well", fake(func(q *dns.Msg, _ string) []byte {
				return pack(t, truncated(q))
			})},
			{"cut short over UDP, and no TCP", fake(func(q *dns.Msg, network string) []byte {
				if network == "tcp" {
					return nil
				}
				return pack(t, truncated(q))
			})},
		},
	}
}

// truncated is an answer with the first of many records.
func truncated(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Truncated = true
	m.Answer = []dns.RR{txt(q.Question[0].Name, "v=sysops1 core=c1 site=esv4 server=redis://h:1")}
	return m
}

func txt(name, text string) dns.RR {
	return &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 300}, Txt: []string{text}}
}

// zoneOf writes a world as a zone. A site's own names list its cores, as well as the
// domain's.
func zoneOf(w world) string {
	var zone strings.Builder
	zone.WriteString(zoneHead)
	for _, site := range slices.Sorted(maps.Keys(w.sites)) {
		for _, core := range slices.Sorted(maps.Keys(w.sites[site])) {
			for _, name := range []string{"_sysops-cores", "_sysops-cores." + site} {
				fmt.Fprintf(&zone, "%s TXT \"v=sysops1 core=%s site=%s\"\n", name, core, site)
			}
			for _, url := range w.sites[site][core] {
				fmt.Fprintf(&zone, "_sysops.%s TXT \"v=sysops1 server=%s\"\n", core, url)
			}
		}
	}
	return zone.String()
}

// openZone opens the directory of a zone that a real server serves.
func openZone(t *testing.T, zone string) Service {
	t.Helper()
	n := startNSD(t, map[string]string{"example.com": zone})
	return open(t, &backend{url: "dns://example.com?server=" + n.addr})
}

// documented is what the files of testdata say.
var documented = world{sites: map[string]map[string][]string{
	"esv4": {
		"esv4-2360": {"redis://mps01.example.com:6379/1", "redis://mps02.example.com:6379/1"},
		"esv4-2361": {"redis://mps03.example.com:6379/1", "redis://mps04.example.com:6379/1"},
	},
	"eat1": {"eat1-1160": {"rediss://mps05.example.com:6379/1"}},
}}

func readTestdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheZoneThatTheDocsShowIsADirectory(t *testing.T) {
	checkWorld(t, openZone(t, readTestdata(t, "sysops.zone")), documented)
}

func TestTheRecordsMayHaveAnotherPrefix(t *testing.T) {
	n := startNSD(t, map[string]string{"example.com": strings.ReplaceAll(readTestdata(t, "sysops.zone"), "_sysops", "_cache")})
	checkWorld(t, open(t, &backend{url: "dns://example.com?prefix=_cache&server=" + n.addr}), documented)
}

func TestAnAnswerTooLargeForUDPIsAskedForOverTCP(t *testing.T) {
	w := world{sites: map[string]map[string][]string{"esv4": {}}}
	for i := range 400 {
		w.sites["esv4"][fmt.Sprintf("esv4-%d", i)] = nil
	}
	for i := range 500 {
		w.sites["esv4"]["esv4-0"] = append(w.sites["esv4"]["esv4-0"], fmt.Sprintf("redis://mps%03d.example.com:6379/1", i))
	}
	n := startNSD(t, map[string]string{"example.com": zoneOf(w)})
	reply, err := exchangeOver(t.Context(), "udp", n.addr, "_sysops.esv4-0.example.com.")
	if err != nil || !reply.Truncated {
		t.Fatalf("the answer fits into UDP, or there is none: %v", err)
	}
	dir := open(t, &backend{url: "dns://example.com?server=" + n.addr})
	if cores, err := dir.Cores(t.Context(), "esv4"); err != nil || !slices.Equal(cores, slices.Sorted(maps.Keys(w.sites["esv4"]))) {
		t.Errorf("%d cores, %v", len(cores), err)
	}
	if servers, err := dir.Servers(t.Context(), "esv4-0"); err != nil || !slices.Equal(servers, w.sites["esv4"]["esv4-0"]) {
		t.Errorf("%d servers, %v", len(servers), err)
	}
}

func TestTheStringsOfARecordAreJoined(t *testing.T) {
	long := "redis://" + strings.Repeat("a23456789.", 40) + "example.com:6379/1"
	text := "v=sysops1 server=" + long
	zone := fmt.Sprintf("%s_sysops.c1 TXT %q %q\n_sysops.c1 TXT \"v=sys\" \"ops1 server=redis://h\" \":1\"\n", zoneHead, text[:255], text[255:])
	if servers, err := openZone(t, zone).Servers(t.Context(), "c1"); err != nil || !slices.Equal(servers, []string{long, "redis://h:1"}) {
		t.Errorf("%q, %v", servers, err)
	}
}

func TestOtherRecordsAtTheNamesAreIgnored(t *testing.T) {
	zone := zoneHead + `
_sysops.c1  TXT  "v=spf1 -all"
_sysops.c1  TXT  ""
_sysops.c1  TXT  "v=sysops10 \"quoted\" \200"
_sysops.c1  TXT  "server=redis://h:2"
_sysops.c1  TXT  "v=sysops1 server=redis://h:1 weight=3"
_sysops.c1  A    127.0.0.1
`
	if servers, err := openZone(t, zone).Servers(t.Context(), "c1"); err != nil || !slices.Equal(servers, []string{"redis://h:1"}) {
		t.Errorf("%q, %v", servers, err)
	}
}

func TestOneUnreadableRecordSpoilsTheAnswer(t *testing.T) {
	for _, record := range []string{
		"v=sysops1",
		"v=sysops1 server",
		"v=sysops1 server=",
		"v=sysops1 server=user:secret@h",
		"v=sysops1 server=redis://user:secret@h server=redis://h",
		`v=sysops1 server=redis://user:secret\\@h`,
		`v=sysops1 server=redis://user:secret\195\164@h`,
	} {
		zone := fmt.Sprintf("%s_sysops.c1 TXT \"v=sysops1 server=redis://h:1\"\n_sysops.c1 TXT \"%s\"\n", zoneHead, record)
		servers, err := openZone(t, zone).Servers(t.Context(), "c1")
		if err == nil || servers != nil || !strings.Contains(err.Error(), "_sysops.c1.example.com.") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", record, servers, err)
		}
	}
}

func TestACoreMayBeListedByTheDomainOrByItsSite(t *testing.T) {
	dir := openZone(t, zoneHead+`
_sysops-cores       TXT  "v=sysops1 core=c1 site=esv4"
_sysops-cores.esv4  TXT  "v=sysops1 core=c2 site=esv4"
`)
	if cores, err := dir.Cores(t.Context(), "esv4"); err != nil || !slices.Equal(cores, []string{"c1", "c2"}) {
		t.Errorf("%q, %v", cores, err)
	}
}

func TestRecordsThatDisagreeOnASiteAreAnError(t *testing.T) {
	for _, zone := range []string{
		`_sysops-cores TXT "v=sysops1 core=c1 site=eat1"` + "\n" + `_sysops-cores.esv4 TXT "v=sysops1 core=c1 site=esv4"`,
		`_sysops-cores TXT "v=sysops1 core=c1 site=esv4"` + "\n" + `_sysops-cores.esv4 TXT "v=sysops1 core=c1 site=eat1"`,
		`_sysops-cores TXT "v=sysops1 core=c1 site=esv4"` + "\n" + `_sysops-cores TXT "v=sysops1 core=c1 site=eat1"`,
	} {
		if cores, err := openZone(t, zoneHead+zone+"\n").Cores(t.Context(), "esv4"); err == nil || cores != nil || !strings.Contains(err.Error(), `"c1"`) {
			t.Errorf("%s: %q, %v", zone, cores, err)
		}
	}
}

func TestANameThatNoRecordCanHaveIsAsked(t *testing.T) {
	// A zone with a wildcard would answer for *, and the name of all cores for no site.
	dir := openZone(t, zoneHead+`
_sysops-cores    TXT  "v=sysops1 core=c1 site=esv4"
*                TXT  "v=sysops1 core=c9 site=esv4 server=redis://h:1"
*._sysops-cores  TXT  "v=sysops1 core=c9 site=esv4 server=redis://h:1"
`)
	for _, name := range []string{"", "*", "a b", "a\\.b", "..", ".", "esv4.", ".esv4", "ä", strings.Repeat("a", 64), strings.Repeat("a.", 127)} {
		if cores, err := dir.Cores(t.Context(), name); err != nil || len(cores) != 0 {
			t.Errorf("cores of %q: %q, %v", name, cores, err)
		}
		if servers, err := dir.Servers(t.Context(), name); err != nil || len(servers) != 0 {
			t.Errorf("servers of %q: %q, %v", name, servers, err)
		}
	}
}

func TestAnAliasIsFollowed(t *testing.T) {
	n := startNSD(t, map[string]string{
		"example.com": zoneHead + `
_sysops.c1  CNAME  c1.sysops
c1.sysops   CNAME  C1-servers
c1-servers  TXT    "v=sysops1 server=redis://h:1"
_sysops.c2  CNAME  nosuch
_sysops.c3  CNAME  ns
_sysops.c4  CNAME  c4.example.org.
_sysops.c5  CNAME  nosuch.example.org.
`,
		"example.org": strings.ReplaceAll(zoneHead, "example.com", "example.org") + `c4 TXT "v=sysops1 server=redis://h:4"` + "\n",
	})
	dir := open(t, &backend{url: "dns://example.com?server=" + n.addr})
	for core, want := range map[string][]string{
		"c1": {"redis://h:1"},
		"c2": nil, // there is no such name
		"c3": nil, // there is, without TXT records
		"c4": {"redis://h:4"},
		"c5": nil,
	} {
		if servers, err := dir.Servers(t.Context(), core); err != nil || !slices.Equal(servers, want) {
			t.Errorf("%s: %q, %v", core, servers, err)
		}
	}
}

func TestNamesInAReplyMayBeInAnyCase(t *testing.T) {
	addr := onFreePort(t, func(addr string) bool {
		fakeDNS(t, addr, func(q *dns.Msg, _ string) []byte {
			reply := new(dns.Msg).SetReply(q)
			name := strings.ToUpper(q.Question[0].Name)
			reply.Question[0].Name = name
			alias := &dns.CNAME{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: "Servers.example.com."}
			reply.Answer = []dns.RR{alias, txt("sERVERS.example.com.", "v=sysops1 server=redis://h:1")}
			return pack(t, reply)
		})
		return true
	})
	dir := open(t, &backend{url: "dns://example.com?server=" + addr})
	if servers, err := dir.Servers(t.Context(), "c1"); err != nil || !slices.Equal(servers, []string{"redis://h:1"}) {
		t.Errorf("%q, %v", servers, err)
	}
}

func TestAReplyWithAnotherIDIsNoReply(t *testing.T) {
	addr := onFreePort(t, func(addr string) bool {
		fakeDNS(t, addr, func(q *dns.Msg, _ string) []byte {
			reply := new(dns.Msg).SetReply(q)
			reply.Id++
			reply.Answer = []dns.RR{txt(q.Question[0].Name, "v=sysops1 core=forged site=esv4 server=redis://forged:1")}
			return pack(t, reply)
		})
		return true
	})
	b := &backend{url: "dns://example.com?server=" + addr, servers: []string{addr}, options: Options{Timeout: 200 * time.Millisecond}}
	if err := checkFailure(t, open(t, b), subject{}, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestAPacketThatIsLostIsSentAgain(t *testing.T) {
	var mu sync.Mutex
	asked := make(map[string]int)
	addr := onFreePort(t, func(addr string) bool {
		fakeDNS(t, addr, func(q *dns.Msg, _ string) []byte {
			mu.Lock()
			defer mu.Unlock()
			name := q.Question[0].Name
			if asked[name]++; asked[name] == 1 {
				return nil
			}
			reply := new(dns.Msg).SetReply(q)
			reply.Answer = []dns.RR{txt(name, "v=sysops1 server=redis://h:1")}
			return pack(t, reply)
		})
		return true
	})
	dir := open(t, &backend{url: "dns://example.com?server=" + addr, options: Options{Timeout: redistest.Patience}})
	if servers, err := dir.Servers(t.Context(), "c1"); err != nil || !slices.Equal(servers, []string{"redis://h:1"}) {
		t.Errorf("%q, %v", servers, err)
	}
}

func TestWithoutServersTheResolversOfTheMachineAreAsked(t *testing.T) {
	loc, err := parseLocation("dns://example.com")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openDNS(loc, Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	d := s.(*dnsRecords)
	if d.resolvConf != "/etc/resolv.conf" {
		t.Errorf("%q", d.resolvConf)
	}
	d.resolvConf = filepath.Join(t.TempDir(), "resolv.conf")
	for _, row := range []struct {
		text string
		want []string
	}{
		{"nameserver 127.0.0.1\nnameserver ::1\noptions timeout:9\n", []string{"127.0.0.1:53", "[::1]:53"}},
		{"nameserver 127.0.0.2\n", []string{"127.0.0.2:53"}}, // the machine has moved
		{"search example.com\n", nil},
	} {
		writeFile(t, d.resolvConf, row.text)
		r, err := d.servers()
		if row.want == nil {
			if err == nil || !strings.Contains(err.Error(), d.resolvConf) {
				t.Errorf("%q: %v", row.text, err)
			}
			continue
		}
		if err != nil || !slices.Equal(r.servers, row.want) {
			t.Errorf("%q: %v", row.text, err)
		}
		if again, err := d.servers(); err != nil || again != r {
			t.Errorf("%q: which server answered last is forgotten, %v", row.text, err)
		}
	}
	if err := os.Remove(d.resolvConf); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Sites(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestURLsOfDNSThatCannotBe(t *testing.T) {
	for url, why := range map[string]string{
		"dns:":                                "one domain",
		"dns://":                              "one domain",
		"dns://a.com,b.com":                   "one domain",
		"dns://example.com/x":                 "one domain",
		"dns://exa%20mple.com":                "no domain",
		"dns://example..com":                  "no domain",
		"dns://example.com:53":                "no domain",
		"dns://example.com?prefix=a.b":        "prefix",
		"dns://example.com?prefix=*":          "prefix",
		"dns://example.com?server=:53":        "no server",
		"dns://example.com?server=10.0.0.1:0": "no server",
		"dns://example.com?servers=10.0.0.1":  "server",
	} {
		if _, err := Open(url, Options{}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestServersOfDNSHaveThePort53(t *testing.T) {
	s, err := openDNS(location{hosts: []string{"example.com"}, params: map[string][]string{"server": {"10.0.0.1,10.0.0.2:5353", "::1"}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{net.JoinHostPort("10.0.0.1", "53"), "10.0.0.2:5353", "[::1]:53"}
	if got := s.(*dnsRecords).replicas.servers; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
