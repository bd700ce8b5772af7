package sysops

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
)

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

// costOf writes a cost down.
func costOf(c extract.Cost) CostReport {
	seconds := c.Took.Seconds()
	r := CostReport{
		Keys: c.Keys, Unpacked: c.Unpacked, Seconds: seconds,
		Ratio: ratio(c.Unpacked, c.Packed), Rate: rate(c.Unpacked, seconds), Servers: make(map[string]ServerTraffic),
	}
	for _, s := range c.Servers {
		r.Servers[s.Server] = ServerTraffic{
			Keys: s.Keys, Downloaded: s.Received, Uploaded: s.Sent, Unpacked: s.Unpacked,
			Ratio: ratio(s.Unpacked, s.Packed), Rate: rate(s.Unpacked, seconds), Waits: s.Waits,
		}
		r.Downloaded += s.Received
		r.Uploaded += s.Sent
	}
	return r
}

// ratio is how much longer contents are than their frames; 0 where there are none.
func ratio(unpacked, packed int64) float64 {
	if packed > 0 {
		return float64(unpacked) / float64(packed)
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
		ID: rand.Text(), Time: a.survey.Began().UTC().Truncate(time.Millisecond), Caller: a.query.Caller.complete(),
		Pattern: a.query.Pattern.String(), Scope: cmp.Or(a.query.Scope, Local), Site: a.query.Site, Core: a.query.Core,
		Cost: costOf(a.survey.Cost()), Partial: a.Completeness().Partial(),
	})
}
