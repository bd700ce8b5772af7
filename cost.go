package sysops

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sysops-api/sysops-api/internal/store"
)

// costs counts what an answer has cost so far, beside its servers' traffic.
type costs struct {
	keys, packed, unpacked atomic.Int64
}

// add counts one object, in total and for the server that gave it: how long its frame
// was, and its contents.
func (c *costs) add(from *member, packed, unpacked int) {
	for _, c := range []*costs{c, &from.cost} {
		c.keys.Add(1)
		c.packed.Add(int64(packed))
		c.unpacked.Add(int64(unpacked))
	}
}

// ratio is how much longer contents are than their frames; 0 where there are none.
func (c *costs) ratio() float64 {
	if packed := c.packed.Load(); packed > 0 {
		return float64(c.unpacked.Load()) / float64(packed)
	}
	return 0
}

// rate is unpacked megabytes a second.
func rate(unpacked int64, seconds float64) float64 {
	if seconds > 0 {
		return float64(unpacked) / 1e6 / seconds
	}
	return 0
}

// CostReport is the cost of an answer in the original's terms. Bytes are bytes,
// Rate counts unpacked megabytes (10⁶) a second.
type CostReport struct {
	Keys       int                      `json:"keys_matched"`
	Downloaded int64                    `json:"bytes_downloaded"`
	Uploaded   int64                    `json:"bytes_uploaded"`
	Unpacked   int64                    `json:"bytes_unpacked"`
	Ratio      float64                  `json:"compression_ratio"`
	Seconds    float64                  `json:"seconds"`
	Rate       float64                  `json:"mb_per_second"`
	Servers    map[string]ServerTraffic `json:"servers"`
}

// ServerTraffic is what one server's connections carried for an answer, and what of
// the contents it gave. Other queries of the same Client at the same time are counted
// in what was carried, too.
type ServerTraffic struct {
	Keys       int64   `json:"keys_read"` // whose contents it gave
	Downloaded int64   `json:"bytes_downloaded"`
	Uploaded   int64   `json:"bytes_uploaded"`
	Unpacked   int64   `json:"bytes_unpacked"`
	Ratio      float64 `json:"compression_ratio"`
	Rate       float64 `json:"mb_per_second"`
	Waits      int64   `json:"waits"`
}

// Cost returns what the answer has cost so far.
func (a *Answer) Cost() CostReport {
	r := CostReport{
		Keys: len(a.targets), Unpacked: a.cost.unpacked.Load(), Seconds: time.Since(a.began).Seconds(),
		Servers: make(map[string]ServerTraffic),
	}
	for m, before := range a.traffic {
		t := trafficSince(m.Server, before)
		t.Keys, t.Unpacked, t.Ratio = m.cost.keys.Load(), m.cost.unpacked.Load(), m.cost.ratio()
		t.Rate = rate(t.Unpacked, r.Seconds)
		r.add(m.Name(), t)
	}
	r.Ratio, r.Rate = a.cost.ratio(), rate(r.Unpacked, r.Seconds)
	return r
}

func trafficSince(s *store.Server, before store.Traffic) ServerTraffic {
	now := s.Traffic()
	return ServerTraffic{Downloaded: now.Received - before.Received, Uploaded: now.Sent - before.Sent, Waits: now.Waits - before.Waits}
}

func (r *CostReport) add(server string, t ServerTraffic) {
	r.Servers[server] = t
	r.Downloaded += t.Downloaded
	r.Uploaded += t.Uploaded
}

// A Meter counts what questions cost that have no Answer, such as Queries.
type Meter struct {
	client *Client
	began  time.Time
	before map[*store.Server]store.Traffic
}

// Meter returns a meter that counts from now on.
func (c *Client) Meter() *Meter {
	m := &Meter{client: c, began: time.Now(), before: make(map[*store.Server]store.Traffic)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		m.before[s] = s.Traffic()
	}
	return m
}

// Cost returns what the client's servers have carried since, for all of its questions.
func (m *Meter) Cost() CostReport {
	r := CostReport{Seconds: time.Since(m.began).Seconds(), Servers: make(map[string]ServerTraffic)}
	m.client.mu.Lock()
	defer m.client.mu.Unlock()
	for _, s := range m.client.servers {
		r.add(s.Name(), trafficSince(s, m.before[s]))
	}
	return r
}

// A Caller is who asks, as the record of queries tells it.
type Caller struct {
	User    string   `json:"user"`
	UID     int      `json:"uid"`
	GID     int      `json:"gid"`
	Host    string   `json:"host"`
	Dir     string   `json:"dir"`
	Program string   `json:"program"`
	Args    []string `json:"args"`
}

// complete fills in from the process what is not set.
func (c Caller) complete() Caller {
	if c.User == "" {
		c.UID, c.GID = os.Getuid(), os.Getgid()
		if u, err := user.LookupId(strconv.Itoa(c.UID)); err == nil {
			c.User = u.Username
		} else {
			c.User = strconv.Itoa(c.UID)
		}
	}
	if c.Host == "" {
		c.Host, _ = os.Hostname() // without a name, the record says so by its absence
	}
	if c.Dir == "" {
		c.Dir, _ = os.Getwd()
	}
	if c.Program == "" && len(os.Args) > 0 {
		c.Program = filepath.Base(os.Args[0])
	}
	return c
}

// A QueryRecord is one entry of a server's record of queries, in $queries and on
// the channel sysops-api.
type QueryRecord struct {
	ID   string    `json:"id"` // the same on every server that was asked
	Time time.Time `json:"time"`
	Caller
	Pattern string     `json:"pattern"`
	Scope   Scope      `json:"scope"`
	Site    string     `json:"site,omitempty"`
	Core    string     `json:"core,omitempty"`
	Cost    CostReport `json:"cost"`
	Partial bool       `json:"partial"`
}

func (a *Answer) record() ([]byte, error) {
	return json.Marshal(QueryRecord{
		ID: rand.Text(), Time: a.began.UTC().Truncate(time.Millisecond), Caller: a.client.opts.Caller.complete(),
		Pattern: a.query.Pattern.text, Scope: a.query.Scope, Site: a.query.Site, Core: a.query.Core,
		Cost: a.Cost(), Partial: a.Completeness().Partial(),
	})
}
