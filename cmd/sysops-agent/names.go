package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/words"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Names of objects that come and go, as files do whose names hold a process id or a time, stay
// in the servers' lists until gc removes them, and every search looks through these. So the
// agent keeps the names of its last push, and tells where many of them come from.

// manyNames may come and go of one place within namesWithin; more are told of, unless all of
// them did with one push, as with an upgrade.
const (
	manyNames   = 500
	namesWithin = 24 * time.Hour
)

// A namesRecord is what is kept of names from push to push.
type namesRecord struct {
	Names  []string           `json:"names"` // of the last push, sorted
	Places map[string]*passed `json:"places,omitempty"`
}

// passed is what came and went of one place: in this span of namesWithin, and in the one before.
type passed struct {
	Now    tally `json:"now"`
	Before tally `json:"before,omitzero"`
}

type tally struct {
	Since  time.Time `json:"since"`
	Came   int       `json:"came"`
	Went   int       `json:"went"`
	Pushes int       `json:"pushes"` // with which they did
	Like   string    `json:"like"`   // what most of them are called, with * for what differs
}

func (t *tally) many() bool { return t.Pushes > 1 && t.Came > manyNames && t.Went > manyNames }

// A churn is a place of which many names come and go, for people and programs.
type churn struct {
	Where string `json:"where"`          // the linked folder, the JSON object or the outgoing directory
	Link  string `json:"link,omitempty"` // that leads to the folder
	tally
}

// err says it, with what to do about it.
func (p *churn) err(s *settings) error {
	err := fmt.Errorf("names come and go in %s: %s came and %s went within a day, most of them like %s, and each stays in the servers' lists until gc removes it",
		p.Where, words.Grouped(p.Came), words.Grouped(p.Went), p.Like)
	switch p.Where {
	case s.agent.JSON:
		return hint.For(err, hint.ChurnOfSections)
	case s.agent.Outgoing:
		return hint.For(err, hint.ChurnOfLinks)
	}
	return hint.For(err, hint.ChurnOfFiles, p.Link)
}

func (s *settings) namesFile() string { return filepath.Join(s.agent.State, "names.json") }

// lastNames reads what is kept of names; a record that is damaged is as good as none.
func (s *settings) lastNames() (*namesRecord, error) {
	data, err := hostfs.Call(s.files, func() ([]byte, error) { return os.ReadFile(s.namesFile()) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read the names of the last push: %w", err)
	}
	r := &namesRecord{}
	if err != nil || json.Unmarshal(data, r) != nil {
		return &namesRecord{}, nil
	}
	return r, nil
}

// churnOfNames tells where many names come and go, as of a push of what is listed now.
func (s *settings) churnOfNames(listed *collect.Snapshot) ([]churn, error) {
	r, err := s.lastNames()
	if err != nil {
		return nil, err
	}
	r.follow(s, listed, time.Now())
	return r.churn(listed), nil
}

// noteNames is churnOfNames after a push, which it keeps. A push that no server has taken
// leaves no name anywhere.
func (s *settings) noteNames(listed *collect.Snapshot, report *snapshot.Report) ([]churn, error) {
	r, err := s.lastNames()
	if err != nil || listed == nil {
		return nil, err
	}
	if report == nil || !slices.ContainsFunc(report.Servers, func(s snapshot.ServerReport) bool { return s.Err == nil }) {
		return r.churn(listed), nil
	}
	if !r.follow(s, listed, time.Now()) {
		return r.churn(listed), nil
	}
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("cannot keep the names of the push: %w", err)
	}
	return r.churn(listed), s.keepState("the names of the push", s.namesFile(), data)
}

// follow brings the record up to a listing, and reports whether that changes it. What could
// not be looked at has neither come nor gone.
func (r *namesRecord) follow(s *settings, listed *collect.Snapshot, now time.Time) (changed bool) {
	changed = r.age(now) || r.Names == nil
	names := make([]string, len(listed.Sources))
	for i, source := range listed.Sources {
		names[i] = source.Name // sorted
	}
	came, went := lacking(names, r.Names), lacking(r.Names, names)
	went = slices.DeleteFunc(went, func(name string) bool {
		unknown := slices.ContainsFunc(listed.Keep, func(kept string) bool {
			rest, below := strings.CutPrefix(name, strings.TrimSuffix(kept, "/"))
			return below && (rest == "" || rest[0] == '/' || rest[0] == '@')
		})
		if unknown {
			names = append(names, name)
		}
		return unknown
	})
	slices.Sort(names)
	if r.Names != nil && len(came)+len(went) > 0 {
		r.count(came, went, now, func(name string) string { return s.placeOf(name, listed) })
		changed = true
	}
	r.Names = names
	return changed
}

// age begins a new span where one has ended, and forgets what is long past.
func (r *namesRecord) age(now time.Time) (changed bool) {
	for where, p := range r.Places {
		if now.Sub(p.Now.Since).Abs() > namesWithin {
			p.Before, p.Now, changed = p.Now, tally{Since: now}, true
		}
		if now.Sub(p.Before.Since).Abs() > 2*namesWithin {
			p.Before = tally{}
		}
		if p.Now.Pushes+p.Before.Pushes == 0 {
			delete(r.Places, where)
		}
	}
	return changed
}

// count adds what came and went with one push to the places that it belongs to.
func (r *namesRecord) count(came, went []string, now time.Time, placeOf func(name string) string) {
	if r.Places == nil {
		r.Places = make(map[string]*passed)
	}
	shapes := make(map[string]map[string]int) // by place
	tallyOf := func(name string) *tally {
		where := placeOf(name)
		p := r.Places[where]
		if p == nil {
			p = &passed{Now: tally{Since: now}}
			r.Places[where] = p
		}
		if shapes[where] == nil {
			shapes[where] = make(map[string]int)
			p.Now.Pushes++
		}
		shapes[where][shape(name)]++
		return &p.Now
	}
	for _, name := range came {
		tallyOf(name).Came++
	}
	for _, name := range went {
		tallyOf(name).Went++
	}
	for where, counts := range shapes {
		r.Places[where].Now.Like = mostCommon(counts)
	}
}

// churn lists the places of which many names come and go, sorted.
func (r *namesRecord) churn(listed *collect.Snapshot) (list []churn) {
	for where, p := range r.Places {
		t := p.Now
		if !t.many() {
			t = p.Before
		}
		if t.many() {
			list = append(list, churn{where, listed.Linked[where], t})
		}
	}
	slices.SortFunc(list, func(a, b churn) int { return strings.Compare(a.Where, b.Where) })
	return list
}

// placeOf returns what brings a name: the linked folder that it lies below, the JSON object
// that it is a section of or, of what is linked by itself, the outgoing directory.
func (s *settings) placeOf(name string, listed *collect.Snapshot) string {
	if strings.HasPrefix(name, s.agent.JSON+"@") {
		return s.agent.JSON
	}
	for dir := filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if _, linked := listed.Linked[dir]; linked {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return s.agent.Outgoing
		}
	}
}

// lacking returns those of names that others has not; both are sorted.
func lacking(names, others []string) (out []string) {
	for _, name := range names {
		if _, found := slices.BinarySearch(others, name); !found {
			out = append(out, name)
		}
	}
	return out
}

// numberedParts are what numbers names that come and go: process ids, times, random digits.
var numberedParts = regexp.MustCompile(`[0-9a-fA-F]{8,}|[0-9]+`)

func shape(name string) string { return numberedParts.ReplaceAllString(name, "*") }

func mostCommon(counts map[string]int) (most string) {
	for what, n := range counts {
		if n > counts[most] || n == counts[most] && what < most {
			most = what
		}
	}
	return most
}
