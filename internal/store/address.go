package store

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Address is the URL of a server, taken apart: where the server is, and how it is
// spoken to. It holds no password: a URL with one is refused, because URLs end up in
// process lists and logs.
type Address struct {
	scheme string
	user   string   // of Redis' ACL; empty: whoever connects says which
	hosts  []string // host:port: one, or those of the Sentinels; none of a socket
	path   string   // of a Unix socket
	master string   // what Sentinels call the server
	db     int
}

// The schemes of servers' URLs.
const (
	schemeTCP  = "redis"
	schemeTLS  = "rediss"
	schemeUnix = "unix"

	schemeSentinel    = "redis+sentinel"
	schemeSentinelTLS = "rediss+sentinel"

	schemeCluster    = "redis+cluster"
	schemeClusterTLS = "rediss+cluster"
)

var schemes = []string{schemeTCP, schemeTLS, schemeUnix, schemeSentinel, schemeSentinelTLS, schemeCluster, schemeClusterTLS}

const (
	redisPort    = "6379"
	sentinelPort = "26379"

	maxSocketPath = 107     // bytes; the kernel takes no longer one
	maxDB         = 1 << 30 // far beyond what a server is configured with
)

// ParseAddress reads redis://[user@]host[:port][/db], unix://[user@]/path for a socket of
// this machine, or redis+sentinel://[user@]host[:port],…/MASTER for the server that these
// Sentinels call so, or redis+cluster://[user@]host[:port],… for a Redis Cluster; rediss
// in place of redis for TLS. ?db=NUMBER is another way to write the database, and the only
// one behind a path. Errors wrap ErrBadURL and say what to write instead. They repeat no more
// of the URL than its scheme and a host that is one: what stands in the wrong place may
// be a password.
func ParseAddress(raw string) (Address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	a := Address{scheme: strings.ToLower(scheme)}
	if !ok || !slices.Contains(schemes, a.scheme) {
		shown := "what begins with no scheme"
		switch _, err := parseHost(raw, redisPort); {
		case ok && len(scheme) <= 16 && strings.Trim(a.scheme, "abcdefghijklmnopqrstuvwxyz+") == "":
			shown = a.shown(rest)
		case err == nil && strings.Contains(raw, ":"):
			shown = strconv.Quote(raw) // host:port
		}
		return Address{}, fmt.Errorf("cannot use %s as a server: %w: write redis://host:port/db, rediss:// for TLS, unix:///path for a socket, redis+sentinel://host,host/master or redis+cluster://host,host", shown, ErrBadURL)
	}
	if err := a.parse(rest); err != nil {
		return Address{}, fmt.Errorf("cannot use %s as a server: %w: %w", a.shown(rest), ErrBadURL, err)
	}
	return a, nil
}

// shown is as much of a URL as an error may repeat.
func (a *Address) shown(rest string) string {
	end := strings.IndexAny(rest+"/", "/?#")
	if _, err := parseHost(rest[:end], redisPort); err != nil || strings.ContainsAny(rest, "@%") {
		end = 0
	}
	more := ""
	if end < len(rest) {
		more = "…"
	}
	return fmt.Sprintf("%q", a.scheme+"://"+rest[:end]+more)
}

var errPassword = errors.New("it holds a password, which process lists and logs would show; " +
	"give it in a file (redis.password_file) or in SYSOPS_REDIS_PASSWORD")

func (a *Address) parse(rest string) error {
	rest, fragment, fragmented := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	end := strings.IndexByte(rest+"/", '/')
	authority, tail := rest[:end], rest[end:]
	user, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, hosts = authority[:at], authority[at+1:]
	}
	// A / ? or # of a password ends what comes before the @; a socket's path may hold one.
	stray := query + fragment
	if a.scheme != schemeUnix {
		stray += tail
	}
	if strings.Contains(user, ":") || strings.Contains(stray, "@") {
		return errPassword
	}
	if err := a.parseUser(user); err != nil {
		return err
	}
	if err := a.parsePlace(hosts, tail); err != nil {
		return err
	}
	if fragmented {
		return errors.New("it has a fragment, which means nothing here: leave out the # and what follows, or write %23 for a # that belongs to a name")
	}
	if err := a.parseDB(query, tail); err != nil {
		return err
	}
	return nil
}

func (a *Address) parseUser(escaped string) error {
	user, err := url.PathUnescape(escaped)
	switch {
	case err != nil:
		return errors.New("its user is badly escaped: write % as %25")
	case strings.Contains(user, ":"):
		return errPassword
	case !utf8.ValidString(user) || strings.ContainsFunc(user, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return errors.New("its user holds blanks or control characters, as no user of Redis does: write redis://user@host:port/db")
	}
	a.user = user
	return nil
}

// parsePlace reads where the server is.
func (a *Address) parsePlace(hosts, tail string) error {
	if a.scheme == schemeUnix {
		return a.parseSocket(hosts, tail)
	}
	if hosts == "" {
		return errors.New("it names no host: write redis://host:port/db")
	}
	port, list := redisPort, []string{hosts}
	if a.sentinel() || a.cluster() {
		list = strings.Split(hosts, ",")
	}
	if a.sentinel() {
		port = sentinelPort
	}
	for _, text := range list {
		host, err := parseHost(text, port)
		if err != nil {
			return err
		}
		if !slices.Contains(a.hosts, host) {
			a.hosts = append(a.hosts, host)
		}
	}
	if a.master = strings.Trim(tail, "/"); a.sentinel() && !isHost(a.master) { // Sentinel takes the same characters
		return errors.New("it does not say what the Sentinels call the server: write redis+sentinel://host,host/MASTER?db=1")
	}
	return nil
}

func (a *Address) parseSocket(host, escaped string) error {
	if host != "" || escaped == "" {
		return errors.New("a socket has an absolute path: write unix:///path, with three slashes")
	}
	p, err := url.PathUnescape(escaped)
	if err != nil {
		return errors.New("its path is badly escaped: write % as %25")
	}
	p = path.Clean(p)
	switch {
	case p == "/":
		return errors.New("it names no socket: write unix:///path")
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return errors.New("its path holds control characters, or is no UTF-8")
	case len(p) > maxSocketPath:
		return fmt.Errorf("its path has %d bytes, and that of a socket at most %d: give the socket a shorter one", len(p), maxSocketPath)
	}
	a.path = p
	return nil
}

// parseHost reads host, host:port, [IPv6] or [IPv6]:port as host:port.
func parseHost(text, port string) (string, error) {
	host, own, hasPort := strings.Cut(text, ":")
	if strings.HasPrefix(text, "[") {
		var closed bool
		if host, own, closed = strings.Cut(text[1:], "]"); !closed || own != "" && own[0] != ':' {
			return "", errors.New("what follows its [ is no IPv6 address: write redis://[2001:db8::1]:6379/db")
		}
		own, hasPort = strings.CutPrefix(own, ":")
		unescaped, err := url.PathUnescape(host) // a zone: fe80::1%25eth0
		ip, ipErr := netip.ParseAddr(unescaped)
		if err != nil || ipErr != nil || !ip.Is6() {
			return "", errors.New("what stands in its [ ] is no IPv6 address: write redis://[2001:db8::1]:6379/db")
		}
		host = ip.String()
	} else if strings.Contains(own, ":") {
		return "", errors.New("its host holds several colons: write an IPv6 address in brackets, as in redis://[2001:db8::1]:6379/db")
	} else if !isHost(host) {
		return "", errors.New("its host is none: write a name or an address, as in redis://host:port/db")
	}
	if hasPort {
		number, err := strconv.ParseUint(own, 10, 16)
		if err != nil || number == 0 {
			return "", errors.New("its port is no number from 1 to 65535")
		}
		port = strconv.FormatUint(number, 10)
	}
	return net.JoinHostPort(host, port), nil
}

// isHost reports whether a text may be the name or the IPv4 address of a host.
func isHost(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r))
	})
}

// parseDB reads the database, from the path or from the only parameter that there is.
func (a *Address) parseDB(query, tail string) error {
	var numbers []string
	for _, param := range strings.FieldsFunc(query, func(r rune) bool { return r == '&' }) {
		name, value, _ := strings.Cut(param, "=")
		if name != "db" {
			return unknownParam(name)
		}
		numbers = append(numbers, value)
	}
	if len(numbers) > 1 {
		return errors.New("it has the parameter db twice")
	}
	if inPath := strings.Trim(tail, "/"); a.scheme != schemeUnix && !a.sentinel() && inPath != "" {
		numbers = append(numbers, inPath)
	}
	for i, text := range numbers {
		db, err := strconv.ParseUint(text, 10, 31)
		switch {
		case err != nil || db > maxDB:
			return errors.New("its database is no number: write redis://host:port/db, or ?db=NUMBER")
		case i > 0 && int(db) != a.db:
			return errors.New("it names two databases: write /NUMBER or ?db=NUMBER")
		}
		a.db = int(db)
	}
	if a.cluster() && a.db != 0 {
		return errors.New("a Redis Cluster has no database but 0: leave it out")
	}
	return nil
}

// unknownParam says what to write in place of a parameter that other programs know. None
// is repeated: it may be part of a password.
func unknownParam(name string) error {
	switch strings.ToLower(name) {
	case "password", "passwd", "pass", "pwd", "auth", "token", "secret", "requirepass":
		return errPassword
	case "user", "username":
		return errors.New("a user stands before the host: write redis://user@host:port/db")
	case "tls", "ssl", "scheme":
		return errors.New("TLS is another scheme: write rediss:// in place of redis://")
	case "database":
		return errors.New("its database is a parameter of another name: write ?db=NUMBER")
	}
	return errors.New("it has a parameter that no server's URL has: there is db alone, as in ?db=1")
}

// TLS reports whether the server is spoken to over TLS.
func (a Address) TLS() bool { return strings.HasPrefix(a.scheme, schemeTLS) }

// sentinel reports whether Sentinels are to be asked where the server is.
func (a Address) sentinel() bool { return a.scheme == schemeSentinel || a.scheme == schemeSentinelTLS }

// cluster reports whether the server is a Redis Cluster.
func (a Address) cluster() bool { return a.scheme == schemeCluster || a.scheme == schemeClusterTLS }

// Endpoints are the hosts and ports that the URL names, each in one form however it is
// written: in lower case, a name without the dot that ends it, an IPv4 address as such. A
// socket has none.
func (a Address) Endpoints() []string {
	out := make([]string, len(a.hosts))
	for i, h := range a.hosts {
		host, port, _ := net.SplitHostPort(h) // as it was joined
		if ip, err := netip.ParseAddr(host); err == nil {
			host = ip.Unmap().String()
		}
		out[i] = net.JoinHostPort(strings.TrimRight(strings.ToLower(host), "."), port)
	}
	return out
}

// Name is what people call the server: "host:port/db" or, where it has no such address,
// its URL without the user.
func (a Address) Name() string {
	if a.scheme == schemeUnix || a.sentinel() || a.cluster() {
		a.user = ""
		return a.String()
	}
	return fmt.Sprintf("%s/%d", a.hosts[0], a.db)
}

// String is the URL in one form, however it was written.
func (a Address) String() string {
	user := ""
	if a.user != "" {
		user = url.User(a.user).String() + "@"
	}
	if a.scheme == schemeUnix {
		return fmt.Sprintf("%s://%s%s?db=%d", a.scheme, user, (&url.URL{Path: a.path}).EscapedPath(), a.db)
	}
	hosts := strings.ToLower(strings.ReplaceAll(strings.Join(a.hosts, ","), "%", "%25")) // of a zone
	switch {
	case a.sentinel():
		return fmt.Sprintf("%s://%s%s/%s?db=%d", a.scheme, user, hosts, a.master, a.db)
	case a.cluster():
		return fmt.Sprintf("%s://%s%s", a.scheme, user, hosts)
	}
	return fmt.Sprintf("%s://%s%s/%d", a.scheme, user, hosts, a.db)
}

// local reports whether nothing that is sent leaves this machine. Of what Sentinels or
// nodes will tell, nobody knows.
func (a Address) local() bool {
	switch {
	case a.scheme == schemeUnix:
		return true
	case a.sentinel(), a.cluster():
		return false
	}
	host, _, err := net.SplitHostPort(a.hosts[0])
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
