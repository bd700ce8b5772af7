package redistest

import (
	"fmt"
	"slices"
	"strings"
)

// An Option changes how [Start] configures a server.
type Option func(*config)

type config struct {
	lines       []string
	password    string
	certs       *Certs
	clientCerts bool
	env         []string // "NAME=value", beside ours
	master      string   // what a Sentinel calls the server that it watches; empty: it is none
}

// Config adds lines in the syntax of redis.conf, such as "maxmemory 2mb". They come last, so they win.
//
// The default user must stay able to run PING and INFO with the password of [Password], or Start waits in vain.
func Config(lines ...string) Option {
	return func(c *config) { c.lines = append(c.lines, lines...) }
}

// Password demands a password (requirepass) of the default user. [Server.Do] sends it; [Server.URL] does not hold it.
// It must be printable ASCII.
func Password(password string) Option {
	return func(c *config) { c.password = password }
}

// TLS makes the server speak TLS with these certificates, and nothing else. Clients need no certificate, unless
// [ClientCerts] is given too.
func TLS(certs *Certs) Option {
	return func(c *config) { c.certs = certs }
}

// ClientCerts makes a server with [TLS] refuse clients without a certificate of the same CA.
func ClientCerts() Option {
	return func(c *config) { c.clientCerts = true }
}

// file returns the text of redis.conf for a server on port, with its files in dir.
func (c *config) file(major, port int, dir string) string {
	if c.master != "" {
		lines := []string{"bind 127.0.0.1", "daemonize no", "loglevel warning", fmt.Sprintf("dir %q", dir)}
		return strings.Join(slices.Concat(lines, c.passwordLines(), c.portLines(port), c.lines), "\n") + "\n"
	}
	lines := []string{
		"bind 127.0.0.1",
		"daemonize no",
		"loglevel warning",
		`save ""`,
		"appendonly no",
		fmt.Sprintf("dir %q", dir),
	}
	if major >= 7 { // older servers do not know the line, and allow DEBUG to everyone
		lines = append(lines, "enable-debug-command yes")
	}
	return strings.Join(slices.Concat(lines, c.passwordLines(), c.portLines(port), c.lines), "\n") + "\n"
}

func (c *config) passwordLines() []string {
	if c.password == "" {
		return nil
	}
	return []string{fmt.Sprintf("requirepass %q", c.password)}
}

func (c *config) portLines(port int) []string {
	if c.certs == nil {
		return []string{fmt.Sprintf("port %d", port)}
	}
	auth := "no"
	if c.clientCerts {
		auth = "yes"
	}
	return []string{
		"port 0",
		fmt.Sprintf("tls-port %d", port),
		fmt.Sprintf("tls-cert-file %q", c.certs.CertFile),
		fmt.Sprintf("tls-key-file %q", c.certs.KeyFile),
		fmt.Sprintf("tls-ca-cert-file %q", c.certs.CAFile),
		"tls-auth-clients " + auth,
	}
}
