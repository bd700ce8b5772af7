// Package interactions reads the record that an agent keeps of how long the Redis
// servers took for its host's last pushes: that of sysops-agent (interaction_times.json),
// and that of the original (global_sysops_api_interaction_times.json).
//
// A record that is no JSON object is an error. A figure that is none (null, "NaN", a
// negative one) is not known, which is NaN; the other figures hold. Of servers, the first
// MaxServers are read, with bounded names.
//
// Which server, and which hosts are slow, is left to internal/audit/network.
package interactions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api/internal/parse"
)

// Statistics are what the record of interaction times has of the last pushes.
func Statistics() []string { return []string{"median", "mean", "std", "var", "min", "max"} }

// A Record is of how long the servers took for a host's last pushes.
type Record struct {
	Updated int64 // Unix time; 0: the record does not say
	Total   Interaction
	Servers map[string]Interaction // nil unless asked for
}

// MaxServers bounds the servers of a Record.
const MaxServers = 64

// An Interaction is how long pushes took, and how many bytes a second that was.
type Interaction struct {
	Seconds Series `json:"seconds"`
	Rate    Series `json:"bytes_per_second"`
}

// A Series is what the last values of a figure come to. nil: the record does not say.
type Series struct {
	Median *figure `json:"median"`
	Mean   *figure `json:"mean"`
	Std    *figure `json:"std"`
	Var    *figure `json:"var"`
	Min    *figure `json:"min"`
	Max    *figure `json:"max"`
}

// at returns the place of a statistic, nil of what is none.
func (s *Series) at(statistic string) **figure {
	switch statistic {
	case "median":
		return &s.Median
	case "mean":
		return &s.Mean
	case "std":
		return &s.Std
	case "var":
		return &s.Var
	case "min":
		return &s.Min
	case "max":
		return &s.Max
	}
	return nil
}

// Of returns one of Statistics; NaN: it is not known.
func (s *Series) Of(statistic string) float64 {
	at := s.at(statistic)
	if at == nil || *at == nil {
		return unknown
	}
	if v := float64(**at); v >= 0 && !math.IsInf(v, 0) {
		return v
	}
	return unknown
}

// unknown is a figure that the record does not tell.
var unknown = math.NaN()

// A figure is a number, which the original wrote as text at times.
type figure float64

func (f *figure) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if err != nil {
		v = unknown
	}
	*f = figure(v)
	return nil
}

// recordJSON has the members of both records: of sysops-agent, and of the original,
// global_sysops_api_interaction_times.json.
type recordJSON struct {
	Updated     int64                  `json:"updated"`
	Total       Interaction            `json:"total"`
	Servers     map[string]Interaction `json:"servers"`
	GlobalTotal globalTotal            `json:"global_total"`
	PerMPS      struct {
		Seconds map[string]Series `json:"per_redis_server_interaction_time"`
		Rate    map[string]Series `json:"per_redis_server_transfer_speed"`
	} `json:"per_mps"`
}

// globalTotal is "total" in the words of the original.
type globalTotal struct {
	Seconds Series `json:"total_redis_interaction_time"`
	Rate    Series `json:"total_redis_transfer_speed"`
}

// Parse reads the record of either agent; with servers, also the figures of each server,
// which are nine tenths of it.
func Parse(contents []byte, servers bool) (*Record, error) {
	if out, ok := scan(contents, servers); ok {
		return out, nil
	}
	return decode(contents, servers)
}

func decode(contents []byte, servers bool) (*Record, error) {
	out := &Record{}
	read := out.parseTotal
	if servers {
		read = out.parseAll
	}
	if err := read(contents); err != nil {
		return nil, fmt.Errorf("cannot read the record of interaction times: %w", err)
	}
	return out, nil
}

func (i *Record) parseAll(contents []byte) error {
	var r *recordJSON
	if err := json.Unmarshal(contents, &r); err != nil {
		return err
	}
	if r == nil {
		return errNoObject
	}
	i.Updated, i.Total = r.Updated, r.Total
	if i.Total == (Interaction{}) {
		i.Total = Interaction(r.GlobalTotal)
	}
	i.Servers = make(map[string]Interaction)
	for name, one := range r.Servers {
		i.addServer(name, one)
	}
	for name, seconds := range r.PerMPS.Seconds {
		i.addServer(name, Interaction{seconds, r.PerMPS.Rate[name]})
	}
	return nil
}

var errNoObject = errors.New("it is no JSON object")

// parseTotal reads as far as the figures of the whole push, which come before those of
// servers: nine tenths of the record.
func (i *Record) parseTotal(contents []byte) error {
	d := json.NewDecoder(bytes.NewReader(contents))
	if t, err := d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return errNoObject
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "updated":
			err = d.Decode(&i.Updated)
		case "total":
			if err = d.Decode(&i.Total); err == nil {
				return nil
			}
		case "global_total":
			var total globalTotal
			if err = d.Decode(&total); err == nil {
				i.Total = Interaction(total)
				return nil
			}
		default:
			var passedOver json.RawMessage
			err = d.Decode(&passedOver)
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token() // of an object that is not closed
	return err
}

func (i *Record) addServer(name string, one Interaction) {
	if len(i.Servers) < MaxServers {
		i.Servers[parse.Name(name)] = one
	}
}
