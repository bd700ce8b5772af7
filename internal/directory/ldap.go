package directory

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/sysops-api/sysops-api/internal/secure"
)

// An ldapTree is a directory kept in the entries of an LDAP server: a site is an
// organizationalUnit, a core below it a device with one labeledURI a server (RFC 2079;
// what follows a space is a label, and is cut).
//
//	cn=<core>,ou=<site>,ou=sysops,<base>
//
// All of it is read at once and answers the questions of the next seconds, so that the
// answers to one query fit each other. What a server limits, refers elsewhere or breaks
// off fails as a whole. A tree without its container is an error, too: an empty answer
// would hide that its name is misspelt. testdata/sysops.ldif is an example.
type ldapTree struct {
	fixed
	*replicas
	container *ldap.DN // of the sites
	filter    string   // of the cores
	attribute string   // of a core, with the URLs of its servers

	tls          *tls.Config // nil: none
	startTLS     bool        // on the port that is without
	bindDN       string      // empty: anonymous
	passwordFile string

	cache cache[*File]
}

const (
	// ldapPage is how many entries are asked for at a time (RFC 2696). Without pages
	// servers give 500, or 1,000, and no more.
	ldapPage = 200
)

// ldapParams are the parameters of ldap:// and ldaps://.
var ldapParams = []string{"container", "filter", "attribute", "starttls", "ca_file", "bind", "password_file"}

func openLDAP(loc location, o Options) (Service, error) {
	l := &ldapTree{
		fixed:        fixed{o.LocalSite, o.LocalCore},
		filter:       "(|(objectClass=labeledURIObject)(labeledURI=*))", // a core may have no server yet
		attribute:    "labeledURI",
		bindDN:       loc.params.Get("bind"),
		passwordFile: loc.params.Get("password_file"),
	}
	port := map[string]string{"ldap": "389", "ldaps": "636"}[loc.scheme.Name]
	servers, err := loc.hostPorts(port)
	if err != nil {
		return nil, err
	}
	l.replicas = newReplicas("LDAP", servers, o)
	if err := l.setTree(loc); err != nil {
		return nil, err
	}
	if err := l.setTLS(loc); err != nil {
		return nil, err
	}
	return l, l.checkBind()
}

// setTree takes over where the entries are.
func (l *ldapTree) setTree(loc location) error {
	base := strings.TrimPrefix(loc.path, "/")
	container := "ou=sysops"
	if p := loc.params.Get("container"); p != "" {
		container = p
	}
	if dn, err := ldap.ParseDN(base); err != nil || len(dn.RDNs) == 0 {
		return fmt.Errorf("its base %q is no distinguished name: write one such as dc=example,dc=com after the servers", base)
	}
	dn, err := ldap.ParseDN(container + "," + base)
	if err != nil {
		return fmt.Errorf("its container %q is no distinguished name: write one such as ou=sysops", container)
	}
	l.container = dn
	if f := loc.params.Get("filter"); f != "" {
		if _, err := ldap.CompileFilter(f); err != nil {
			return fmt.Errorf("its filter %q cannot be read: %w: write one such as (objectClass=device)", f, err)
		}
		l.filter = f
	}
	if a := loc.params.Get("attribute"); a != "" {
		l.attribute = a
	}
	return nil
}

func (l *ldapTree) setTLS(loc location) error {
	overTLS := loc.scheme.Name == "ldaps"
	if s := loc.params.Get("starttls"); s != "" {
		on, err := strconv.ParseBool(s)
		if err != nil || on && overTLS {
			return fmt.Errorf("its starttls=%s cannot be: write true or false, and with ldaps:// neither", s)
		}
		l.startTLS = on
	}
	ca := loc.params.Get("ca_file")
	if !overTLS && !l.startTLS {
		if ca != "" {
			return errors.New("it has a ca_file, but no TLS: write ldaps://, or starttls=true")
		}
		return nil
	}
	config, err := secure.TLS(ca, "", "")
	l.tls = cmp.Or(config, &tls.Config{MinVersion: tls.VersionTLS12})
	return err
}

// checkBind refuses what would send a password in the clear, whatever the server: a
// loopback address today is another host's tomorrow.
func (l *ldapTree) checkBind() error {
	if l.bindDN == "" && l.passwordFile == "" {
		return nil
	}
	if l.bindDN == "" || l.passwordFile == "" {
		return errors.New("bind and password_file go together: give both, or neither to ask anonymously")
	}
	if _, err := ldap.ParseDN(l.bindDN); err != nil {
		return fmt.Errorf("its bind %q is no distinguished name", l.bindDN)
	}
	if l.tls == nil {
		return errors.New("a password would travel in the clear: write ldaps://, or starttls=true")
	}
	_, err := secure.Password(l.passwordFile)
	return err
}

// Sites lists the units in the container.
func (l *ldapTree) Sites(ctx context.Context) ([]string, error) {
	f, err := l.entries(ctx)
	if err != nil {
		return nil, err
	}
	return f.Sites(ctx)
}

// Cores lists the cores below a unit, at any depth.
func (l *ldapTree) Cores(ctx context.Context, site string) ([]string, error) {
	f, err := l.entries(ctx)
	if err != nil {
		return nil, err
	}
	return f.Cores(ctx, site)
}

// Servers lists the URLs of a core.
func (l *ldapTree) Servers(ctx context.Context, core string) ([]string, error) {
	f, err := l.entries(ctx)
	if err != nil {
		return nil, err
	}
	return f.Servers(ctx, core)
}

// entries returns what the whole tree says.
func (l *ldapTree) entries(ctx context.Context) (*File, error) {
	f, err := l.cache.get(ctx, "", func(ctx context.Context) (*File, error) { return ask(ctx, l.replicas, l.readTree) })
	if err != nil {
		return nil, fmt.Errorf("cannot read the LDAP tree %s: %w", l.container, err)
	}
	return f, nil
}

// readTree reads everything from one server.
func (l *ldapTree) readTree(ctx context.Context, server string) (*File, error) {
	socket, err := (&net.Dialer{}).DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, cause(ctx, err)
	}
	// The library knows no contexts: closing what it reads from ends its waits.
	defer context.AfterFunc(ctx, func() { socket.Close() })()
	defer socket.Close()
	conn, err := l.connect(ctx, &boundedConn{Conn: socket, left: answerLimit}, server)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer conn.Close()
	units, err := l.search(conn, ldap.ScopeSingleLevel, "(objectClass=organizationalUnit)", "1.1") // no attribute
	if err != nil {
		return nil, cause(ctx, err)
	}
	cores, err := l.search(conn, ldap.ScopeWholeSubtree, l.filter, l.attribute)
	if err != nil {
		return nil, cause(ctx, err)
	}
	return l.build(units, cores)
}

// A boundedConn fails when more comes over it than any tree has.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("its answer has more than %d MiB", answerLimit>>20)
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// connect makes a socket a connection that is secure and bound as was asked for.
func (l *ldapTree) connect(ctx context.Context, socket net.Conn, server string) (*ldap.Conn, error) {
	config := l.tls.Clone() // nil stays nil
	if config != nil {
		host, _, err := net.SplitHostPort(server)
		if err != nil {
			return nil, err
		}
		config.ServerName = host
	}
	if config != nil && !l.startTLS {
		secure := tls.Client(socket, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("cannot agree on TLS: %w", err)
		}
		socket = secure
	}
	conn := ldap.NewConn(socket, config != nil && !l.startTLS)
	conn.Start()
	if err := l.authenticate(conn, config); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (l *ldapTree) authenticate(conn *ldap.Conn, config *tls.Config) error {
	if l.startTLS {
		if err := conn.StartTLS(config); err != nil {
			return fmt.Errorf("cannot agree on TLS: %w", err)
		}
	}
	if l.bindDN == "" {
		return nil
	}
	password, err := secure.Password(l.passwordFile)
	if err != nil {
		return err
	}
	if err := conn.Bind(l.bindDN, password); err != nil {
		return fmt.Errorf("cannot bind as %s: %w", l.bindDN, err)
	}
	return nil
}

// search returns all entries that match, or an error.
func (l *ldapTree) search(conn *ldap.Conn, scope int, filter, attribute string) ([]*ldap.Entry, error) {
	found, err := conn.SearchWithPaging(ldap.NewSearchRequest(l.container.String(), scope, ldap.NeverDerefAliases,
		0, 0, false, filter, []string{attribute}, nil), ldapPage)
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultNoSuchObject):
		return nil, fmt.Errorf("it has no entry %s: create it, or name another with container=: %w", l.container, err)
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded):
		return nil, fmt.Errorf("it gives a part only: raise its size limit for who asks (slapd: limits): %w", err)
	case err != nil:
		return nil, err
	case len(found.Referrals) > 0:
		return nil, fmt.Errorf("a part of the tree is on another server, %.200q, which is not asked: name a server that has all", found.Referrals[0])
	}
	return found.Entries, nil
}

// build makes a directory of the entries that were found.
func (l *ldapTree) build(units, cores []*ldap.Entry) (*File, error) {
	sites := make(map[string]map[string][]string)
	for _, e := range units {
		path, err := l.path(e)
		if err != nil {
			return nil, err
		}
		if len(path) == 1 {
			sites[path[0]] = make(map[string][]string)
		}
	}
	for _, e := range cores {
		path, err := l.path(e)
		if err != nil {
			return nil, err
		}
		if len(path) == 0 || len(path) == 1 && sites[path[0]] != nil {
			continue // the container or a site may have a labeledURI, too
		}
		if len(path) == 1 {
			return nil, fmt.Errorf("core %q is in no site: move %s below a unit", path[0], e.DN)
		}
		core, site := path[0], path[len(path)-1]
		if _, seen := sites[site][core]; seen {
			return nil, fmt.Errorf("core %q is twice in site %q; core names must be unique", core, site)
		}
		if sites[site] == nil {
			sites[site] = make(map[string][]string)
		}
		sites[site][core] = withoutLabels(e.GetEqualFoldAttributeValues(l.attribute))
	}
	return listed(sites, "", "")
}

// path returns the names that lead from an entry up to the container, without it.
func (l *ldapTree) path(e *ldap.Entry) ([]string, error) {
	dn, err := ldap.ParseDN(e.DN)
	if err != nil {
		return nil, fmt.Errorf("it names an entry %.200q: %w", e.DN, err)
	}
	if dn.EqualFold(l.container) {
		return nil, nil
	}
	if !l.container.AncestorOfFold(dn) {
		return nil, fmt.Errorf("it names an entry %.200q that is not below %s", e.DN, l.container)
	}
	var names []string
	for _, rdn := range dn.RDNs[:len(dn.RDNs)-len(l.container.RDNs)] {
		if len(rdn.Attributes) != 1 {
			return nil, fmt.Errorf("the entry %.200q is named by several attributes at once: name it by one", e.DN)
		}
		names = append(names, rdn.Attributes[0].Value)
	}
	return names, nil
}

// withoutLabels returns the URIs of labeledURIs.
func withoutLabels(values []string) []string {
	var urls []string
	for _, v := range values {
		u, _, _ := strings.Cut(v, " ")
		urls = append(urls, u)
	}
	return urls
}
