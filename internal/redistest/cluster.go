package redistest

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Cluster starts a Redis Cluster of so many masters, without replicas, and returns when all
// of them know all slots.
func Cluster(t testing.TB, masters int, opts ...Option) *ClusterServers {
	t.Helper()
	var asked config
	for _, opt := range opts {
		opt(&asked)
	}
	opts = append(opts, Config("cluster-enabled yes", "cluster-node-timeout 60000"))
	if asked.certs != nil { // to each other, they are clients
		opts = append(opts, Config("tls-cluster yes", fmt.Sprintf("tls-client-cert-file %q", asked.certs.ClientCertFile),
			fmt.Sprintf("tls-client-key-file %q", asked.certs.ClientKeyFile)))
	}
	c := &ClusterServers{Core(t, masters, opts...)}
	for i, s := range c.Servers {
		first, last := i*slots/masters, (i+1)*slots/masters-1
		s.Must("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
		s.Must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i > 0 {
			s.Must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(c.Servers[0].Port()))
		}
	}
	for _, s := range c.Servers {
		WaitFor(t, "the cluster is one", func() bool {
			info, _ := s.Must("CLUSTER", "INFO").(string)
			return strings.Contains(info, "cluster_state:ok\r\n") && strings.Contains(info, "cluster_slots_ok:16384\r\n") &&
				strings.Contains(info, fmt.Sprintf("cluster_size:%d\r\n", masters))
		})
	}
	return c
}

// Replica starts a server that replicates a master of the cluster, and returns when it has
// its keys.
func (c *ClusterServers) Replica(of *Server) *Server {
	t := of.t
	t.Helper()
	s := Start(t, Config("cluster-enabled yes", "cluster-node-timeout 60000"))
	s.Must("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(of.Port()))
	id := of.Must("CLUSTER", "MYID").(string)
	WaitFor(t, "the replica knows the cluster", func() bool {
		_, err := s.Do("CLUSTER", "REPLICATE", id)
		return err == nil
	})
	WaitFor(t, "the replica has its master's keys", func() bool {
		info, _ := s.Must("INFO", "replication").(string)
		return strings.Contains(info, "master_link_status:up\r\n")
	})
	return s
}

// slots is how many parts the keys of a cluster are divided into.
const slots = 16384

// ClusterServers are the masters of a Redis Cluster.
type ClusterServers struct{ Servers []*Server }

// URL returns redis+cluster://127.0.0.1:port,127.0.0.1:port, with rediss for nodes with
// [TLS]. It names the first two masters.
func (c *ClusterServers) URL() string {
	var hosts []string
	for _, s := range c.Servers[:min(2, len(c.Servers))] {
		hosts = append(hosts, s.Addr())
	}
	scheme := "redis+cluster"
	if c.Servers[0].config.certs != nil {
		scheme = "rediss+cluster"
	}
	return scheme + "://" + strings.Join(hosts, ",")
}

// Proxied puts a [Proxy] before each master, which clients that ask the URL it returns are sent
// to. Those who ask URL are, too, once the masters have told each other.
func (c *ClusterServers) Proxied() (proxies []*Proxy, url string) {
	t := c.Servers[0].t
	t.Helper()
	var hosts []string
	for _, s := range c.Servers {
		p := NewProxy(t, s.Addr())
		proxies, hosts = append(proxies, p), append(hosts, p.Addr())
		_, port, _ := net.SplitHostPort(p.Addr())
		s.Must("CONFIG", "SET", "cluster-announce-bus-port", strconv.Itoa(s.Port()+10_000), "cluster-announce-port", port)
	}
	for _, s := range c.Servers {
		WaitFor(t, "all masters know the proxies", func() bool {
			slots := fmt.Sprint(s.Must("CLUSTER", "SLOTS"))
			return !slices.ContainsFunc(c.Servers, func(of *Server) bool { return strings.Contains(slots, " "+strconv.Itoa(of.Port())+" ") })
		})
	}
	return proxies, "redis+cluster://" + strings.Join(hosts, ",")
}

// Must runs a command at the master that has its key.
func (c *ClusterServers) Must(args ...string) any {
	t := c.Servers[0].t
	t.Helper()
	for _, s := range c.Servers {
		reply, err := s.Do(args...)
		if err == nil {
			return reply
		}
		if !strings.HasPrefix(err.Error(), "MOVED ") {
			t.Fatalf("cannot run %q at %s: %v", args, s.Addr(), err)
		}
	}
	t.Fatalf("cannot run %q: no master has the key", args)
	return nil
}

// Move moves a slot, with its keys, to another master, as a Cluster's administrator does.
// Between the steps during is called, while commands about keys that are gone from the first
// are answered ASK.
func (c *ClusterServers) Move(slot int, to *Server, during func()) {
	c.Servers[0].t.Helper()
	number, from := strconv.Itoa(slot), c.Servers[((slot+1)*len(c.Servers)-1)/slots]
	toID, fromID := to.Must("CLUSTER", "MYID").(string), from.Must("CLUSTER", "MYID").(string)
	to.Must("CLUSTER", "SETSLOT", number, "IMPORTING", fromID)
	from.Must("CLUSTER", "SETSLOT", number, "MIGRATING", toID)
	keys := from.Must("CLUSTER", "GETKEYSINSLOT", number, "1000").([]any)
	for _, key := range keys {
		from.Must("MIGRATE", "127.0.0.1", strconv.Itoa(to.Port()), key.(string), "0", "60000")
	}
	during()
	for _, s := range append([]*Server{to, from}, c.Servers...) {
		s.Must("CLUSTER", "SETSLOT", number, "NODE", toID)
	}
}
