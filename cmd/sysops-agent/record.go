package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/wholefile"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A pushRecord is what became of this host's last push. It is kept in the state directory, and
// pushed nowhere: it is for whoever looks after the agent itself.
type pushRecord struct {
	Host     string         `json:"host"`
	Pushed   time.Time      `json:"pushed"` // when the push ended
	Seconds  float64        `json:"seconds"`
	Error    string         `json:"error,omitempty"` // why not every server has all of it
	Objects  int            `json:"objects"`         // in the snapshot
	LeftOut  int            `json:"left_out"`        // of what was chosen, could not be read or must not be
	Servers  []pushedServer `json:"servers"`
	Whole    time.Time      `json:"whole"`    // when a push last ended with all of it on every server; zero: never
	Failures int            `json:"failures"` // pushes since then, this one included
	Churn    []churn        `json:"churn"`    // where many names come and go

	news []error // what this push has found out, and no push before
}

type pushedServer struct {
	Server    string  `json:"server"`
	Error     string  `json:"error,omitempty"`
	Refused   int     `json:"refused"`
	Sent      int     `json:"sent"`     // objects, as the next four
	Restated  int     `json:"restated"` // of which only the stat changed
	Unchanged int     `json:"unchanged"`
	Deleted   int     `json:"deleted"`
	Repaired  int     `json:"repaired"`
	BytesOut  int64   `json:"bytes_out"`
	BytesIn   int64   `json:"bytes_in"`
	Seconds   float64 `json:"seconds"`
	Tries     int     `json:"tries"`

	Away   time.Time `json:"away,omitzero"`   // since when it has been down or the like; zero: it is not
	Missed int       `json:"missed,omitzero"` // pushes since then that it does not have

	BeforeRedis7 bool `json:"before_redis_7"` // hosts can have no bases there, as one of the pushes has found out
}

func pushedOf(s snapshot.ServerReport) pushedServer {
	p := pushedServer{
		Server: s.Server, Refused: len(s.Refused), Sent: s.Replaced, Restated: s.Restated, Unchanged: s.Renewed, Deleted: s.Deleted, Repaired: s.Repaired,
		BytesOut: s.Sent, BytesIn: s.Received, Seconds: s.Took.Seconds(), Tries: s.Tries, BeforeRedis7: s.BeforeRedis7,
	}
	if s.Err != nil {
		p.Error = s.Err.Error()
	}
	return p
}

// String counts the objects.
func (p pushedServer) String() string {
	text := fmt.Sprintf("%d sent, %d unchanged", p.Sent, p.Unchanged)
	for _, n := range []struct {
		n    int
		what string
	}{{p.Restated, "only stat"}, {p.Deleted, "deleted"}, {p.Repaired, "repaired"}, {p.Refused, "REFUSED"}} {
		if n.n > 0 {
			text += fmt.Sprintf(", %d %s", n.n, n.what)
		}
	}
	return text
}

// newPushRecord makes the record of a push after the one before. report is nil where no server
// was asked.
func newPushRecord(host string, before *pushRecord, report *snapshot.Report, listed *collect.Snapshot, failed error, began, now time.Time) *pushRecord {
	r := &pushRecord{Host: host, Pushed: now, Seconds: now.Sub(began).Seconds(), Servers: []pushedServer{}}
	if listed != nil {
		r.LeftOut = len(listed.Problems)
	}
	if before != nil {
		r.Whole, r.Failures = before.Whole, before.Failures
	}
	if report != nil {
		r.Objects, r.LeftOut = report.Objects, r.LeftOut+len(report.Problems)
		for _, s := range report.Servers {
			p := pushedOf(s)
			if s.Passing {
				p.Away, p.Missed = began, 1
				if earlier := before.server(s.Server); !earlier.Away.IsZero() {
					p.Away, p.Missed = earlier.Away, earlier.Missed+1
				}
			}
			r.Servers = append(r.Servers, p)
		}
	}
	r.noteOld(before)
	if failed != nil {
		r.Error = failed.Error()
		r.Failures++
		return r
	}
	r.Whole, r.Failures = now, 0
	return r
}

// noteOld carries on which servers are older than Redis 7, so that it is said once.
func (r *pushRecord) noteOld(before *pushRecord) {
	for i := range r.Servers {
		s := &r.Servers[i]
		known := before.server(s.Server).BeforeRedis7
		if s.BeforeRedis7 && !known {
			r.news = append(r.news, hint.For(fmt.Errorf("server %s is older than Redis 7, which hosts need for bases: objects take more room there", s.Server), hint.OldServer))
		}
		s.BeforeRedis7 = s.BeforeRedis7 || known
	}
}

// churn is what came and went by the last push.
func (r *pushRecord) churn() []churn {
	if r == nil {
		return nil
	}
	return r.Churn
}

// server is what became of the push at a server; of none of that name, nothing.
func (r *pushRecord) server(name string) pushedServer {
	if r != nil {
		for _, s := range r.Servers {
			if s.Server == name {
				return s
			}
		}
	}
	return pushedServer{}
}

// errNoRecord: there has been no push, or none by an agent that keeps the record.
var errNoRecord = errors.New("no push of this host is on record")

func (s *settings) recordFile() string { return filepath.Join(s.agent.State, "push.json") }

// lastPush reads the record.
func (s *settings) lastPush() (*pushRecord, error) {
	data, err := hostfs.Call(s.files, func() ([]byte, error) { return os.ReadFile(s.recordFile()) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.To(fmt.Errorf("%w: there is no %s", errNoRecord, s.recordFile()), "sysops-agent push makes one; --state names another place")
	case err != nil:
		return nil, fmt.Errorf("cannot read what became of the last push: %w", err)
	}
	r := &pushRecord{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("cannot read what became of the last push from %s: %w", s.recordFile(), err)
	}
	return r, nil
}

// record keeps what became of a push, and writes the metrics of it where the config names a file.
func (s *settings) record(r *pushRecord) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return fmt.Errorf("cannot keep what became of the push: %w", err)
	}
	err = s.keepState("what became of the push", s.recordFile(), data)
	if s.agent.Metrics == "" {
		return err
	}
	metrics := s.files.Do(func() error {
		return wholefile.Write(s.agent.Metrics, r.metrics(), wholefile.Options{Mode: 0o644}) // whoever reads them is another user
	})
	if metrics != nil {
		metrics = fmt.Errorf("cannot write the metrics of the push to %s: %w", s.agent.Metrics, pathless(metrics))
	}
	return errors.Join(err, metrics)
}

// keepState writes a file of the state directory, which is made where it is missing.
func (s *settings) keepState(what, path string, data []byte) error {
	err := s.files.Do(func() error {
		if err := wholefile.MkdirAll(nil, filepath.Dir(path), 0o700); err != nil {
			return err
		}
		return wholefile.Write(path, append(data, '\n'), wholefile.Options{})
	})
	if err != nil {
		return fmt.Errorf("cannot keep %s in %s: %w", what, path, pathless(err))
	}
	return nil
}

// metrics are the record in the text format of Prometheus, for node_exporter's textfile collector.
func (r *pushRecord) metrics() []byte {
	var b strings.Builder
	gauge := func(name, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help) }
	single := func(name, help string, value float64) {
		gauge(name, help)
		fmt.Fprintf(&b, "%s %s\n", name, figure(value))
	}
	single("sysops_agent_push_timestamp_seconds", "When the last push ended.", unixSeconds(r.Pushed))
	single("sysops_agent_push_whole_timestamp_seconds", "When a push last ended with all of it on every server; 0: never.", unixSeconds(r.Whole))
	single("sysops_agent_push_failures", "Pushes since then.", float64(r.Failures))
	single("sysops_agent_push_duration_seconds", "How long the last push took.", r.Seconds)
	single("sysops_agent_push_objects", "Objects of the last push.", float64(r.Objects))
	single("sysops_agent_push_left_out", "What was chosen and could not be pushed.", float64(r.LeftOut))
	perServer := func(name, help string, value func(pushedServer) float64) {
		gauge(name, help)
		for _, s := range r.Servers {
			fmt.Fprintf(&b, "%s{server=\"%s\"} %s\n", name, labelText.Replace(s.Server), figure(value(s)))
		}
	}
	perServer("sysops_agent_push_server_whole", "Whether a server has all of the last push.", func(s pushedServer) float64 {
		if s.Error != "" || s.Refused > 0 {
			return 0
		}
		return 1
	})
	perServer("sysops_agent_push_server_duration_seconds", "How long a server took.", func(s pushedServer) float64 { return s.Seconds })
	perServer("sysops_agent_push_server_tries", "How often a server was tried.", func(s pushedServer) float64 { return float64(s.Tries) })
	perServer("sysops_agent_push_server_sent_bytes", "What was sent to a server.", func(s pushedServer) float64 { return float64(s.BytesOut) })
	gauge("sysops_agent_build_info", "The agent's version.")
	fmt.Fprintf(&b, "sysops_agent_build_info{version=\"%s\"} 1\n", labelText.Replace(cli.ThisBuild().Version))
	return []byte(b.String())
}

// labelText escapes the value of a label.
var labelText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// figure writes a number without an exponent, for people read the file, too.
func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1e3
}
