package main

import (
	"errors"
	"io"
	"time"

	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// An outage of a server is told when it begins and when it is over, and not with each push
// that meets it: for an hour's outage, each host of a fleet has two lines in its log.

// outages are the servers of which somebody has been told that they are away.
type outages struct {
	before *pushRecord // by an earlier push; nil: there is no record
	now    map[string]bool
}

func newOutages(before *pushRecord) *outages {
	return &outages{before: before, now: make(map[string]bool)}
}

// has reports whether it has been told that a server is away, and it still is.
func (o *outages) has(s snapshot.ServerReport) bool {
	return o != nil && s.Passing && (o.now[s.Server] || !o.before.server(s.Server).Away.IsZero())
}

// tell tells of the servers that are to be tried again, but for those that were away before.
func (o *outages) tell(w io.Writer, r *snapshot.Report, retry time.Duration) {
	for _, s := range r.Servers {
		if !s.Passing || o.has(s) {
			continue
		}
		o.now[s.Server] = true
		err := s.Err
		if err == nil {
			err = s.Refused[0].Err
		}
		terminal.Warn(w, "%v; it is tried again for %s", err, words.Age(retry))
	}
}

// tellEnds tells of the servers that were away and have all of the push.
func (o *outages) tellEnds(w io.Writer, r *snapshot.Report, now time.Time) {
	if r == nil {
		return
	}
	for _, s := range r.Servers {
		if s.Err != nil || len(s.Refused) > 0 {
			continue
		}
		switch earlier := o.before.server(s.Server); {
		case !earlier.Away.IsZero():
			terminal.Say(w, "server %s is back after %s; pushes that it missed: %d", s.Server, words.Age(now.Sub(earlier.Away)), earlier.Missed)
		case o.now[s.Server]:
			terminal.Say(w, "server %s is back after %s; tries: %d", s.Server, words.Age(s.Took), s.Tries)
		}
	}
}

// allOf reports whether a push failed of nothing but outages that have been told.
func (o *outages) allOf(r *snapshot.Report) bool {
	if r == nil {
		return false
	}
	told := false
	for _, s := range r.Servers {
		if s.Err == nil && len(s.Refused) == 0 {
			continue
		}
		if !o.has(s) {
			return false
		}
		told = true
	}
	return told
}

// A toldOutage is the error of a push that failed of nothing but outages that have been told.
type toldOutage struct{ error }

func (e toldOutage) Unwrap() error { return e.error }

// errRetrying is on record while servers are tried again.
var errRetrying = errors.New("not every server has all of the push; those that failed are being tried again")
