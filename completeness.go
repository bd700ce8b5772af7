package sysops

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/extract"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Completeness says what an answer rests on and what it lacks. It is final once
// the answer has been read to its end.
//
// Expected = answered + lacking + missing + stale hosts that MaxAge left out,
// for a pattern that says which object each host should have. Of other patterns
// (parts of keys) nothing is lacking: a host may well have no such key.
type Completeness struct {
	Expected   int             `json:"hosts_expected"`             // known to any server, or named by the query
	Answered   int             `json:"hosts_answered"`             // with at least one object in the answer
	Stale      []string        `json:"hosts_stale"`                // live, last push older than Options.StaleAfter
	Undated    []string        `json:"hosts_undated,omitempty"`    // their objects are there, and nobody knows since when: a server's clock was wrong
	Missing    []string        `json:"hosts_missing"`              // expected, without a live snapshot
	Lacking    []string        `json:"hosts_lacking"`              // live, without the object
	Unverified []string        `json:"hosts_unverified,omitempty"` // of which no server has more than a hint: neither expected nor missing
	Unreadable []UnreadableKey `json:"unreadable,omitempty"`       // objects that no server has an undamaged copy of
	Cores      []CoreReport    `json:"cores"`
	Oldest     time.Duration   `json:"oldest_push_ns"` // age of the oldest push that answered
	Newest     time.Duration   `json:"newest_push_ns"`
	Took       time.Duration   `json:"took_ns"`

	Cost CostReport `json:"-"` // what the question, and reading its answer, have cost

	anyKey bool // the pattern says nothing of which hosts should have a match
}

// UnreadableKey is an object that could not be read, and why.
type UnreadableKey struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// CoreReport is the part that one core had in an answer.
type CoreReport struct {
	Site    string         `json:"site"`
	Core    string         `json:"core"`
	Hosts   int            `json:"hosts"`                   // that its servers know
	Short   int            `json:"hosts_short,omitempty"`   // hosts that it should have, and no server that answers does
	Unseen  []string       `json:"not_looked_at,omitempty"` // what was not, because a host made it too large, or spoiled it
	LeftOut bool           `json:"left_out,omitempty"`      // nothing, or not all, of it is in the answer
	Error   string         `json:"error,omitempty"`         // why it is left out, stopped answering, or is short of over 1 % of its hosts
	Servers []ServerReport `json:"servers"`
}

// ServerReport is the part that one server had in an answer.
type ServerReport struct {
	Server string `json:"server"`
	Error  string `json:"error,omitempty"`
	Lacks  int    `json:"lacks"`          // hosts of the core whose latest push it does not have
	Cold   bool   `json:"cold,omitempty"` // lacks more than 1 % of them
}

// Partial reports whether the answer leaves out a core, an object, or a host that may not
// exist, or rests on an index in which something could not be looked at.
func (c *Completeness) Partial() bool {
	return len(c.Unreadable) > 0 || len(c.Unverified) > 0 || slices.ContainsFunc(c.Cores, func(k CoreReport) bool { return k.Error != "" || len(k.Unseen) > 0 })
}

// Whole reports whether nothing at all is left to be desired: no gap, every
// expected host live, none stale or undated.
func (c *Completeness) Whole() bool {
	return !c.Partial() && len(c.Missing) == 0 && len(c.Stale) == 0 && len(c.Undated) == 0 &&
		!slices.ContainsFunc(c.Cores, func(k CoreReport) bool { return k.Short > 0 })
}

// completenessOf writes down what an answer rests on.
func completenessOf(pass *extract.Pass) *Completeness {
	r := pass.Report()
	c := &Completeness{
		Cost:     costOf(pass.Survey().Cost()),
		Expected: r.Expected, Answered: r.Answered, Stale: listOf(r.Stale), Undated: r.Undated, Missing: listOf(r.Missing), Lacking: listOf(r.Lacking),
		Unverified: r.Unverified, Oldest: r.Oldest, Newest: r.Newest, Took: r.Took, anyKey: r.AnyKey,
	}
	for _, u := range r.Unread {
		c.Unreadable = append(c.Unreadable, UnreadableKey{u.Key.String(), u.Err.Error()})
	}
	for _, k := range r.Cores {
		core := CoreReport{Site: k.Site, Core: k.Core, Hosts: k.Hosts, Short: k.Short, Unseen: k.Unseen, LeftOut: k.LeftOut, Error: textOf(k.Err)}
		for _, s := range k.Servers {
			core.Servers = append(core.Servers, ServerReport{Server: s.Server, Error: textOf(s.Err), Lacks: s.Lacks, Cold: s.Cold})
		}
		c.Cores = append(c.Cores, core)
	}
	return c
}

// listOf is a list that is never nil: programs that read the JSON loop over it.
func listOf(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// textOf is the text of an error, empty for none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// String is the completeness on one line, for people.
func (c *Completeness) String() string {
	var parts []string
	count := func(n int, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+one)
		case n > 1:
			parts = append(parts, words.Grouped(n)+" "+many)
		}
	}
	verb := "answered"
	if c.anyKey {
		verb = "match"
	}
	parts = append(parts, fmt.Sprintf("%s of %s hosts %s", words.Grouped(c.Answered), words.Grouped(c.Expected), verb))
	count(len(c.Lacking), "lacks it", "lack it")
	count(len(c.Missing), "missing", "missing")
	count(len(c.Stale), "stale", "stale")
	count(len(c.Undated), "undated", "undated")
	count(len(c.Unverified), "unverified", "unverified")
	count(len(c.Unreadable), "object unreadable", "objects unreadable")
	asked, servers, out, cold := 0, 0, 0, 0
	for _, k := range c.Cores {
		if !k.LeftOut {
			asked++
		}
		count(len(k.Unseen), "list not looked at", "lists not looked at")
		count(k.Short, "more is not known to the servers that answer", "more are not known to the servers that answer")
		for _, s := range k.Servers {
			servers++
			if s.Error != "" {
				out++
			}
			if s.Cold && s.Error == "" {
				cold++
			}
		}
	}
	parts = append(parts, fmt.Sprintf("%s, %s", words.Plural(asked, "core"), words.Plural(servers-out, "server")))
	count(len(c.Cores)-asked, "core LEFT OUT", "cores LEFT OUT")
	count(out, "server left out", "servers left out")
	count(cold, "server cold", "servers cold")
	if c.Newest > 0 {
		since := words.Age(c.Newest)
		if oldest := words.Age(c.Oldest); oldest != since {
			since += " to " + oldest
		}
		parts = append(parts, "pushed "+since+" ago")
	}
	return strings.Join(append(parts, fmt.Sprintf("%.2f s", c.Took.Seconds())), " · ")
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
