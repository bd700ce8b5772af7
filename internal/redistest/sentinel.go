package redistest

import (
	"fmt"
	"strconv"
	"testing"
)

// Sentinel starts a Redis Sentinel that watches a server, which it calls name, and returns
// when it answers. It decides alone, and takes a server for down that has not answered for
// a minute: a busy machine fails over when the test says so, with [SentinelServer.Promote].
func Sentinel(t testing.TB, name string, master *Server, opts ...Option) *SentinelServer {
	t.Helper()
	lines := []string{fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 1", name, master.Port()), fmt.Sprintf("sentinel down-after-milliseconds %s 60000", name)}
	if master.config.password != "" {
		lines = append(lines, fmt.Sprintf("sentinel auth-pass %s %s", name, master.config.password))
	}
	if certs := master.config.certs; certs != nil { // to the master it is a client
		lines = append(lines, "tls-replication yes", fmt.Sprintf("tls-client-cert-file %q", certs.ClientCertFile), fmt.Sprintf("tls-client-key-file %q", certs.ClientKeyFile))
	}
	s := newServer(t, append(opts, Config(lines...)))
	s.config.master = name
	if err := s.startSomewhere(); err != nil {
		t.Fatal(err)
	}
	return &SentinelServer{s}
}

// A SentinelServer is one redis-sentinel process.
type SentinelServer struct{ *Server }

// Promote makes another server the master. Nothing becomes of the former one.
func (s *SentinelServer) Promote(master *Server) {
	s.t.Helper()
	s.Must("SENTINEL", "REMOVE", s.config.master)
	s.Must("SENTINEL", "MONITOR", s.config.master, "127.0.0.1", strconv.Itoa(master.Port()), "1")
}

// URL returns redis+sentinel://127.0.0.1:port/master, with rediss for a Sentinel with [TLS].
func (s *SentinelServer) URL() string {
	scheme := "redis+sentinel"
	if s.config.certs != nil {
		scheme = "rediss+sentinel"
	}
	return fmt.Sprintf("%s://%s/%s", scheme, s.Addr(), s.config.master)
}
