package directory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// dnsRecords are a directory kept in TXT records below a domain, one record a core and one a
// server:
//
//	_sysops-cores.<domain>         v=sysops1 core=<core> site=<site>
//	_sysops-cores.<site>.<domain>  v=sysops1 core=<core> site=<site>
//	_sysops.<core>.<domain>        v=sysops1 server=redis://host:6379/1
//
// The first name lists every core, and with them the sites. The second is for a zone of
// the site's own: a core of a site is one that either lists. Other TXT records at these
// names are ignored; one that begins with v=sysops1 and cannot be read makes the whole
// answer malformed. testdata/sysops.zone is an example.
type dnsRecords struct {
	fixed
	domain, prefix string
	resolvConf     string // names the servers, where the URL does not
	options        Options

	mu       sync.Mutex
	replicas *replicas
}

const (
	dnsVersion = "v=sysops1" // the first word of every record

	// dnsUDPSize is what all paths carry unfragmented (www.dnsflagday.net/2020).
	dnsUDPSize = 1232

	// dnsResend is how long a reply over UDP may take before the question is put again.
	dnsResend = time.Second

	// dnsAliases is how many CNAME records may follow each other.
	dnsAliases = 8
)

func openDNS(loc location, o Options) (Service, error) {
	if len(loc.hosts) != 1 || strings.Trim(loc.path, "/") != "" {
		return nil, fmt.Errorf("it needs one domain: %s", loc.scheme.Form)
	}
	d := &dnsRecords{
		fixed:      fixed{o.LocalSite, o.LocalCore},
		domain:     dns.Fqdn(loc.hosts[0]),
		prefix:     "_sysops",
		resolvConf: "/etc/resolv.conf",
		options:    o,
	}
	if !isDNSName(d.domain) {
		return nil, fmt.Errorf("%q is no domain", loc.hosts[0])
	}
	if p := loc.params.Get("prefix"); p != "" {
		d.prefix = p
	}
	if strings.Contains(d.prefix, ".") || !isDNSName(d.coresName("")) {
		return nil, fmt.Errorf("its prefix %q cannot begin the name of a record: write one such as _sysops", d.prefix)
	}
	if loc.params.Has("server") {
		servers, err := hostPorts(strings.Split(strings.Join(loc.params["server"], ","), ","), "53")
		if err != nil {
			return nil, err
		}
		d.resolvConf, d.replicas = "", newReplicas("DNS", servers, d.options)
	}
	return d, nil
}

// Sites lists the sites of the records at _sysops-cores.<domain>.
func (d *dnsRecords) Sites(ctx context.Context) ([]string, error) {
	siteOf, err := d.cores(ctx, "")
	if err != nil {
		return nil, err
	}
	var sites []string
	for _, site := range siteOf {
		sites = append(sites, site)
	}
	return fold(sites), nil
}

// Cores lists the cores that the records of the domain, or those of the site, place in
// the site.
func (d *dnsRecords) Cores(ctx context.Context, site string) ([]string, error) {
	if site == "" || !isDNSName(d.coresName(site)) {
		return nil, nil // no record can name it
	}
	all, err := d.cores(ctx, "")
	if err != nil {
		return nil, err
	}
	own, err := d.cores(ctx, site)
	if err != nil {
		return nil, err
	}
	var cores []string
	for core := range own {
		if elsewhere, ok := all[core]; ok && elsewhere != site {
			return nil, fmt.Errorf("cannot use the TXT records: core %q is in site %q at %s, and in site %q at %s; core names must be unique",
				core, elsewhere, d.coresName(""), site, d.coresName(site))
		}
		cores = append(cores, core)
	}
	for core, in := range all {
		if in == site {
			cores = append(cores, core)
		}
	}
	return fold(cores), nil
}

// Servers lists the URLs of the records at _sysops.<core>.<domain>.
func (d *dnsRecords) Servers(ctx context.Context, core string) ([]string, error) {
	if core == "" || !isDNSName(d.serversName(core)) {
		return nil, nil // no record can name it
	}
	return lookupTXT(ctx, d, d.serversName(core), func(records []map[string]string) ([]string, error) {
		var urls []string
		for _, r := range records {
			if !strings.Contains(r["server"], "://") {
				return nil, errors.New("a record has no server=redis://host:port/db")
			}
			urls = append(urls, r["server"])
		}
		return fold(urls), nil
	})
}

// coresName is where the cores are listed: those of a site, or with no site all.
func (d *dnsRecords) coresName(site string) string {
	if site == "" {
		return d.prefix + "-cores." + d.domain
	}
	return d.prefix + "-cores." + site + "." + d.domain
}

// serversName is where the servers of a core are listed.
func (d *dnsRecords) serversName(core string) string { return d.prefix + "." + core + "." + d.domain }

// cores returns the cores that are listed at coresName(only), each with its site.
func (d *dnsRecords) cores(ctx context.Context, only string) (map[string]string, error) {
	return lookupTXT(ctx, d, d.coresName(only), func(records []map[string]string) (map[string]string, error) {
		siteOf := make(map[string]string, len(records))
		for _, r := range records {
			core, site := r["core"], r["site"]
			switch other, seen := siteOf[core]; {
			case core == "" || site == "":
				return nil, errors.New("a record lacks core= or site=")
			case !isDNSName(d.serversName(core)) || !isDNSName(d.coresName(site)):
				return nil, fmt.Errorf("a record's core %.100q or site %.100q cannot be part of a record's name (letters, digits, - _ and .)", core, site)
			case only != "" && site != only:
				return nil, fmt.Errorf("a record places core %q in site %q", core, site)
			case seen && other != site:
				return nil, fmt.Errorf("core %q is in site %q and in site %q; core names must be unique", core, other, site)
			}
			siteOf[core] = site
		}
		return siteOf, nil
	})
}

// lookupTXT asks for the TXT records at a name until a server gives an answer that read
// can use. No record at all is an answer.
func lookupTXT[T any](ctx context.Context, d *dnsRecords, name string, read func([]map[string]string) (T, error)) (T, error) {
	var none T
	servers, err := d.servers()
	if err != nil {
		return none, fmt.Errorf("cannot look up the TXT records of %s: %w", name, err)
	}
	answer, err := ask(ctx, servers, func(ctx context.Context, server string) (T, error) {
		texts, err := queryTXT(ctx, server, name)
		if err != nil {
			return none, err
		}
		records, err := parseTXT(texts)
		if err != nil {
			return none, err
		}
		return read(records)
	})
	if err != nil {
		return none, fmt.Errorf("cannot look up the TXT records of %s: %w", name, err)
	}
	return answer, nil
}

// servers returns those of the URL. Those of resolv.conf are read each time, because a
// machine that moves gets others while a daemon runs.
func (d *dnsRecords) servers() (*replicas, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.resolvConf == "" {
		return d.replicas, nil
	}
	conf, err := dns.ClientConfigFromFile(d.resolvConf)
	if err != nil {
		return nil, fmt.Errorf("cannot find a DNS server: %w: name one with server=", err)
	}
	if len(conf.Servers) == 0 {
		return nil, fmt.Errorf("cannot find a DNS server: %s names none: name one with server=", d.resolvConf)
	}
	var servers []string
	for _, s := range conf.Servers {
		servers = append(servers, net.JoinHostPort(s, conf.Port))
	}
	if d.replicas == nil || !slices.Equal(servers, d.replicas.servers) {
		d.replicas = newReplicas("DNS", servers, d.options)
	}
	return d.replicas, nil
}

// parseTXT reads the records that are ours: words KEY=VALUE, of which the first is the
// version. No error repeats a record, which may hold a password that belongs elsewhere.
func parseTXT(texts []string) ([]map[string]string, error) {
	var records []map[string]string
	for _, text := range texts {
		words := strings.Fields(text)
		if len(words) == 0 || words[0] != dnsVersion {
			continue
		}
		record := make(map[string]string, len(words))
		for _, word := range words[1:] {
			key, value, ok := strings.Cut(word, "=")
			if _, twice := record[key]; !ok || twice || strings.Contains(word, `\`) {
				return nil, fmt.Errorf("a record that begins with %s holds a word that is not key=value, or a key twice", dnsVersion)
			}
			record[key] = value
		}
		records = append(records, record)
	}
	return records, nil
}

// queryTXT returns the texts of the TXT records at a name, as one server tells them.
// The strings of one record are joined. A CNAME to a name of another zone may come
// without that name's records: they are asked for then.
func queryTXT(ctx context.Context, server, name string) ([]string, error) {
	for range dnsAliases {
		reply, err := exchangeDNS(ctx, server, name)
		if err != nil {
			return nil, err
		}
		if reply.Rcode == dns.RcodeNameError {
			return nil, nil
		}
		if reply.Rcode != dns.RcodeSuccess {
			return nil, fmt.Errorf("it answers %s", rcode(reply))
		}
		target, texts, err := readTXT(reply, name)
		if err != nil || len(texts) > 0 {
			return texts, err
		}
		if isReferral(reply) {
			return nil, errors.New("it refers to other servers: name one that holds the zone, or that resolves for its clients")
		}
		if target == name {
			return nil, nil
		}
		name = target
	}
	return nil, errAliases
}

var errAliases = fmt.Errorf("more than %d aliases (CNAME) follow each other", dnsAliases)

// readTXT follows the aliases of an answer from name to where they end, and returns the
// texts of the TXT records there.
func readTXT(reply *dns.Msg, name string) (target string, texts []string, err error) {
	aliases := make(map[string]string)
	for _, rr := range reply.Answer {
		if alias, ok := rr.(*dns.CNAME); ok {
			aliases[dns.CanonicalName(alias.Hdr.Name)] = alias.Target
		}
	}
	target = name
	for n := 0; ; n++ {
		next, ok := aliases[dns.CanonicalName(target)]
		if !ok {
			break
		}
		if n == dnsAliases {
			return "", nil, errAliases
		}
		target = next
	}
	for _, rr := range reply.Answer {
		if txt, ok := rr.(*dns.TXT); ok && strings.EqualFold(txt.Hdr.Name, target) {
			texts = append(texts, strings.Join(txt.Txt, ""))
		}
	}
	return target, texts, nil
}

// isReferral tells an answer that sends the asker elsewhere from one that says that
// there is nothing: that has the zone's SOA (RFC 2308, section 2.2).
func isReferral(reply *dns.Msg) bool {
	has := func(rrtype uint16) bool {
		return slices.ContainsFunc(reply.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype })
	}
	return !reply.Authoritative && has(dns.TypeNS) && !has(dns.TypeSOA)
}

// exchangeDNS asks one server over UDP, and over TCP when the answer does not fit there.
func exchangeDNS(ctx context.Context, server, name string) (*dns.Msg, error) {
	reply, err := exchangeUDP(ctx, server, name)
	if err != nil || !reply.Truncated {
		return reply, err
	}
	reply, err = exchangeOver(ctx, "tcp", server, name)
	if err == nil && reply.Truncated {
		return nil, errors.New("its answer is cut short, over TCP as well")
	}
	return reply, err
}

// exchangeUDP asks a second time when there is no reply after half the time, or after
// dnsResend: packets get lost.
func exchangeUDP(ctx context.Context, server, name string) (*dns.Msg, error) {
	wait := dnsResend
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2)
	}
	first, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	reply, err := exchangeOver(first, "udp", server, name)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return exchangeOver(ctx, "udp", server, name)
	}
	return reply, err
}

// exchangeOver asks one server once, and checks that the reply is one to the question.
// A reply over UDP with another id is an older question's and is not waited for.
func exchangeOver(ctx context.Context, network, server, name string) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(name, dns.TypeTXT).SetEdns0(dnsUDPSize, false)
	client := &dns.Client{Net: network, Timeout: time.Hour} // the context ends sooner
	conn, err := client.DialContext(ctx, server)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	reply, _, err := client.ExchangeWithConnContext(ctx, question, conn)
	cut := network == "udp" && reply != nil && reply.Truncated // perhaps within a record
	if err != nil && !cut {
		return nil, cause(ctx, err)
	}
	if !reply.Response || len(reply.Question) != 1 || !sameQuestion(reply.Question[0], question.Question[0]) {
		return nil, errors.New("it answers another question than was asked")
	}
	return reply, nil
}

func sameQuestion(a, b dns.Question) bool {
	return a.Qtype == b.Qtype && a.Qclass == b.Qclass && strings.EqualFold(a.Name, b.Name)
}

// cause returns why a request failed. A context that has ended shows as one of many
// errors of the network, and a deadline on the network before it shows on the context.
func cause(ctx context.Context, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return context.DeadlineExceeded
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func rcode(reply *dns.Msg) string {
	if name, ok := dns.RcodeToString[reply.Rcode]; ok {
		return name
	}
	return fmt.Sprintf("with the unknown code %d", reply.Rcode)
}

// isDNSName says that a name can be asked for as it is: letters, digits, - and _ in
// labels of 63 bytes at most. A * would ask for a wildcard.
func isDNSName(name string) bool {
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.", c) >= 0) {
			return false
		}
	}
	_, ok := dns.IsDomainName(name)
	return ok && name != "."
}
