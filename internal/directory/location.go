package directory

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A location is a service's URL, taken apart. net/url knows one host, and a service
// may have several: range://r1,r2:8080.
type location struct {
	scheme Scheme
	hosts  []string // as written
	path   string
	params url.Values
}

// A URLError says what is wrong with the URL of a directory. [Schemes] has the forms.
type URLError struct {
	Scheme string // in lower case; empty: the URL begins with none
	err    error
}

func (e *URLError) Error() string { return e.err.Error() }
func (e *URLError) Unwrap() error { return e.err }

// parseLocation reads SCHEME:[//HOST,…][PATH][?NAME=VALUE&…]. No error repeats more
// of the URL than its scheme and the names of its parameters, because the rest may
// hold a secret. All errors are URLErrors.
func parseLocation(raw string) (location, error) {
	name, rest, ok := strings.Cut(raw, ":")
	name = strings.ToLower(name)
	if !ok || !isSchemeName(name) {
		return location{}, &URLError{"", errors.New("cannot use the directory's URL: it does not begin with the name of a service and a colon")}
	}
	known := Schemes()
	i := slices.IndexFunc(known, func(s Scheme) bool { return s.Name == name })
	if i < 0 {
		return location{}, &URLError{name, fmt.Errorf("cannot use the directory's URL %s:…: there is no such service", name)}
	}
	loc := location{scheme: known[i]}
	if err := loc.parse(rest); err != nil {
		return location{}, &URLError{name, fmt.Errorf("cannot use the directory's URL %s:…: %w", name, err)}
	}
	return loc, nil
}

func (l *location) parse(rest string) error {
	rest, query, _ := strings.Cut(rest, "?")
	if strings.Contains(rest+query, "#") {
		return errors.New("it has a fragment: write # as %23")
	}
	path := rest
	if rest, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexByte(rest+"/", '/')
		path = rest[end:]
		if strings.Contains(rest[:end], "@") {
			return errors.New("it holds a user or a password, which ps would show: name a file in a parameter, where the service has one")
		}
		if end > 0 {
			l.hosts = strings.Split(rest[:end], ",")
		}
	}
	var err error
	if l.path, err = url.PathUnescape(path); err != nil || !isText(l.path) {
		return errors.New("its path is badly escaped: write % as %25")
	}
	if l.params, err = url.ParseQuery(query); err != nil {
		return errors.New("its parameters are badly escaped: write % as %25 and ; as %3B")
	}
	return l.checkParams()
}

func (l *location) checkParams() error {
	valid := append(slices.Clone(l.scheme.params), "site", "core", "timeout")
	for name, values := range l.params {
		repeatable := slices.Contains(valid, name+"*")
		switch {
		case !repeatable && !slices.Contains(valid, name):
			return fmt.Errorf("it has a parameter %q: there are %s", name, strings.ReplaceAll(strings.Join(valid, ", "), "*", ""))
		case !repeatable && len(values) > 1:
			return fmt.Errorf("it has the parameter %s twice", name)
		}
		for _, v := range values {
			if v == "" || !isText(v) { // %cf3 is the byte 0xCF and a 3
				return fmt.Errorf("its parameter %s is empty or badly escaped: write %% as %%25", name)
			}
		}
	}
	return nil
}

// isSchemeName says that a text is short and of small letters, and of + as in
// redis+sentinel: no more of a URL is repeated.
func isSchemeName(s string) bool {
	return s != "" && len(s) <= 16 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz+") == ""
}

// isText says that there is neither a control character nor a byte that is no UTF-8.
func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// file returns the path of a service that is a file.
func (l *location) file() (string, error) {
	if len(l.hosts) > 0 || !filepath.IsAbs(l.path) {
		return "", fmt.Errorf("it needs an absolute path: %s", l.scheme.Form)
	}
	return l.path, nil
}

// servers returns the hosts as host:port.
func (l *location) servers(port string) ([]string, error) {
	if strings.Trim(l.path, "/") != "" {
		return nil, fmt.Errorf("it may have no path: its form is %s", l.scheme.Form)
	}
	return l.hostPorts(port)
}

// hostPorts returns the hosts as host:port, of a service whose path has a meaning.
func (l *location) hostPorts(port string) ([]string, error) {
	servers, err := hostPorts(l.hosts, port)
	if err != nil {
		return nil, fmt.Errorf("%w: its form is %s", err, l.scheme.Form)
	}
	return servers, nil
}

// hostPorts completes hosts (name, name:port, IPv6 address, [IPv6 address]:port) with
// a port, and folds repeats. The order stays: the first is asked first.
func hostPorts(hosts []string, port string) ([]string, error) {
	var out []string
	for _, h := range hosts {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		host, own, err := net.SplitHostPort(h)
		if err != nil { // no port
			host, own = h, port
			if len(h) > 2 && h[0] == '[' && h[len(h)-1] == ']' {
				host = h[1 : len(h)-1]
			}
		}
		number, err := strconv.ParseUint(own, 10, 16)
		wrong := strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || strings.ContainsRune("/[]@?#%\x7f", r) })
		if host == "" || wrong || strings.Contains(host, ":") && net.ParseIP(host) == nil || err != nil || number == 0 {
			return nil, fmt.Errorf("%q is no server: write host or host:port", h)
		}
		if s := net.JoinHostPort(host, own); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no server is named")
	}
	return out, nil
}
