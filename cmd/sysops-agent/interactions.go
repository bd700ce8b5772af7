package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/snapshot"
)

// Interactions is the record of how long the servers took for this host's last
// pushes. It is pushed with the rest, so that a slow network shows across a fleet.
type Interactions struct {
	Updated int64                  `json:"updated"` // unix seconds
	Total   *Interaction           `json:"total"`
	Servers map[string]Interaction `json:"servers"`
}

// Interaction is the record of one server, or of the whole push.
type Interaction struct {
	Seconds Series `json:"seconds"`
	Rate    Series `json:"bytes_per_second"`
}

// A Series is the last values of a figure, the newest last, with what they come to.
type Series struct {
	Last   []float64 `json:"last"`
	Mean   float64   `json:"mean"`
	Median float64   `json:"median"`
	Std    float64   `json:"std"` // of the population
	Var    float64   `json:"var"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
}

// keptInteractions is how many pushes a record covers.
const keptInteractions = 50

func (s *Series) add(v float64) {
	s.Last = append(s.Last, v)
	s.Last = s.Last[max(0, len(s.Last)-keptInteractions):]
	sorted := slices.Sorted(slices.Values(s.Last))
	n := len(sorted)
	s.Min, s.Max = sorted[0], sorted[n-1]
	s.Median = (sorted[(n-1)/2] + sorted[n/2]) / 2
	sum := 0.0
	for _, x := range sorted {
		sum += x
	}
	s.Mean = sum / float64(n)
	squares := 0.0
	for _, x := range sorted {
		squares += (x - s.Mean) * (x - s.Mean)
	}
	s.Var = squares / float64(n)
	s.Std = math.Sqrt(s.Var)
}

func (i *Interaction) add(took time.Duration, bytes int64) {
	i.Seconds.add(took.Seconds())
	if took > 0 {
		i.Rate.add(float64(bytes) / took.Seconds())
	}
}

func (s *settings) interactionFile() string {
	return filepath.Join(s.agent.State, "interaction_times.json")
}

// interactionSource is the record as an object: that of the pushes before this one.
// The file is for its owner alone.
func (s *settings) interactionSource() snapshot.Source {
	return snapshot.Source{Name: s.interactionFile(), Private: true, Read: func(context.Context) (snapshot.Content, error) {
		data, err := s.readInteractions()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			data, err = []byte("{}\n"), nil // the first push
		case hostfs.Unknown(err):
			err = fmt.Errorf("%w: %w", snapshot.ErrUnknown, err)
		}
		return snapshot.Content{Data: data}, err
	}}
}

func (s *settings) readInteractions() ([]byte, error) {
	return hostfs.Call(s.files, func() ([]byte, error) { return os.ReadFile(s.interactionFile()) })
}

// recordInteractions adds a push to the record. Servers that failed are left out:
// their time is that of a deadline.
func (s *settings) recordInteractions(r *snapshot.Report, now time.Time) error {
	record := Interactions{Total: &Interaction{}}
	data, err := s.readInteractions()
	if hostfs.Unknown(err) {
		return fmt.Errorf("cannot keep the record of interaction times: %w", err)
	}
	if err == nil {
		if err := json.Unmarshal(data, &record); err != nil {
			record = Interactions{} // damaged: begin anew
		}
	}
	if record.Total == nil {
		record.Total = &Interaction{}
	}
	kept := make(map[string]Interaction)
	bytes := int64(0)
	for _, server := range r.Servers {
		i := record.Servers[server.Server]
		if server.Err == nil {
			i.add(server.Took, server.Sent+server.Received)
			bytes += server.Sent + server.Received
		}
		if len(i.Seconds.Last) > 0 {
			kept[server.Server] = i // servers of another core are dropped
		}
	}
	record.Servers = kept
	record.Total.add(r.Took, bytes)
	record.Updated = now.Unix()
	return s.writeInteractions(record)
}

func (s *settings) writeInteractions(record Interactions) error {
	data, err := json.MarshalIndent(record, "", " ")
	if err != nil {
		return fmt.Errorf("cannot write the record of interaction times: %w", err)
	}
	return s.keepState("the record of interaction times", s.interactionFile(), data)
}
