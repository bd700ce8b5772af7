package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Statistics are what the record of interaction times has of the last pushes.
func Statistics() []string { return []string{"median", "mean", "std", "var", "min", "max"} }

// interactions is the record of how long the servers took for a host's last pushes.
type interactions struct {
	updated int64
	total   interaction
	servers map[string]interaction // nil unless asked for
}

type interaction struct {
	Seconds series `json:"seconds"`
	Rate    series `json:"bytes_per_second"`
}

// A series is what the last values of a figure come to. nil: the record does not say.
type series struct {
	Median *figure `json:"median"`
	Mean   *figure `json:"mean"`
	Std    *figure `json:"std"`
	Var    *figure `json:"var"`
	Min    *figure `json:"min"`
	Max    *figure `json:"max"`
}

// at returns the place of a statistic, nil of what is none.
func (s *series) at(statistic string) **figure {
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

// of returns a statistic, or unknown.
func (s *series) of(statistic string) float64 {
	at := s.at(statistic)
	if at == nil || *at == nil {
		return unknown
	}
	if v := float64(**at); v >= 0 && !math.IsInf(v, 0) {
		return v
	}
	return unknown
}

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
	Total       interaction            `json:"total"`
	Servers     map[string]interaction `json:"servers"`
	GlobalTotal globalTotal            `json:"global_total"`
	PerMPS      struct {
		Seconds map[string]series `json:"per_redis_server_interaction_time"`
		Rate    map[string]series `json:"per_redis_server_transfer_speed"`
	} `json:"per_mps"`
}

// globalTotal is "total" in the words of the original.
type globalTotal struct {
	Seconds series `json:"total_redis_interaction_time"`
	Rate    series `json:"total_redis_transfer_speed"`
}

// parseInteractions reads the record of either agent.
func parseInteractions(contents []byte, servers bool) (*interactions, error) {
	if out, ok := scanInteractions(contents, servers); ok {
		return out, nil
	}
	return decodeInteractions(contents, servers)
}

func decodeInteractions(contents []byte, servers bool) (*interactions, error) {
	out := &interactions{}
	read := out.parseTotal
	if servers {
		read = out.parseAll
	}
	if err := read(contents); err != nil {
		return nil, fmt.Errorf("cannot read the record of interaction times: %w", err)
	}
	return out, nil
}

func (i *interactions) parseAll(contents []byte) error {
	var r *recordJSON
	if err := json.Unmarshal(contents, &r); err != nil {
		return err
	}
	if r == nil {
		return errNoObject
	}
	i.updated, i.total = r.Updated, r.Total
	if i.total == (interaction{}) {
		i.total = interaction(r.GlobalTotal)
	}
	i.servers = make(map[string]interaction)
	for name, one := range r.Servers {
		i.addServer(name, one)
	}
	for name, seconds := range r.PerMPS.Seconds {
		i.addServer(name, interaction{seconds, r.PerMPS.Rate[name]})
	}
	return nil
}

var errNoObject = errors.New("it is no JSON object")

// parseTotal reads as far as the figures of the whole push, which come before those of
// servers: nine tenths of the record.
func (i *interactions) parseTotal(contents []byte) error {
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
			err = d.Decode(&i.updated)
		case "total":
			if err = d.Decode(&i.total); err == nil {
				return nil
			}
		case "global_total":
			var total globalTotal
			if err = d.Decode(&total); err == nil {
				i.total = interaction(total)
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

func (i *interactions) addServer(name string, one interaction) {
	if len(i.servers) < maxServers {
		i.servers[clip(name)] = one
	}
}

// slowest returns the figures of the servers that match: host:port/db as a whole, its
// host, or a glob of either. Of several, the time of the one that took longest counts,
// and the rate of the one that was slowest.
func (i *interactions) slowest(server, statistic string) (seconds, rate float64) {
	seconds, rate = unknown, unknown
	for name, one := range i.servers {
		if !matchServer(server, name) {
			continue
		}
		if v := one.Seconds.of(statistic); known(v) && !(v <= seconds) {
			seconds = v
		}
		if v := one.Rate.of(statistic); known(v) && !(v >= rate) {
			rate = v
		}
	}
	return seconds, rate
}

func matchServer(glob, name string) bool {
	name = strings.TrimPrefix(name[strings.Index(name, "//")+1:], "/") // of a URL
	whole, _, _ := strings.Cut(name, "/")
	host := whole
	if at := strings.LastIndexByte(whole, ':'); at > 0 {
		host = whole[:at]
	}
	return slices.ContainsFunc([]string{name, whole, host}, func(s string) bool {
		if glob == s {
			return true
		}
		ok, _ := path.Match(glob, s) // that it is well formed is checked by Interactions
		return ok
	})
}
