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
)

// costs counts what an answer has cost so far, beside its servers' traffic.
type costs struct {
	packed, unpacked atomic.Int64
}

// add counts one object: how long its frame was, and its contents.
func (c *costs) add(packed, unpacked int) {
	c.packed.Add(int64(packed))
	c.unpacked.Add(int64(unpacked))
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

// ServerTraffic is what one server's connections carried for an answer. Other
// queries of the same Client at the same time are counted too.
type ServerTraffic struct {
	Downloaded int64 `json:"bytes_downloaded"`
	Uploaded   int64 `json:"bytes_uploaded"`
	Waits      int64 `json:"waits"`
}

// Cost returns what the answer has cost so far.
func (a *Answer) Cost() CostReport {
	r := CostReport{
		Keys: len(a.targets), Unpacked: a.cost.unpacked.Load(), Seconds: time.Since(a.began).Seconds(),
		Servers: make(map[string]ServerTraffic),
	}
	for m, before := range a.traffic {
		now := m.Traffic()
		t := ServerTraffic{Downloaded: now.Received - before.Received, Uploaded: now.Sent - before.Sent, Waits: now.Waits - before.Waits}
		r.Servers[m.Name()] = t
		r.Downloaded += t.Downloaded
		r.Uploaded += t.Uploaded
	}
	if packed := a.cost.packed.Load(); packed > 0 {
		r.Ratio = float64(r.Unpacked) / float64(packed)
	}
	if r.Seconds > 0 {
		r.Rate = float64(r.Unpacked) / 1e6 / r.Seconds
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
