package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// Who answers a question.
const (
	oursInCores      = "sysops, 4 cores of 1 server"
	oursInOneCore    = "sysops, 1 core of 4 servers"
	oursWithoutBases = "sysops, --no-bases"
	overFiles        = "over files"
	overRedisCLI     = "redis-cli, grep"
)

// An entry is one who answers a question, and what that took.
type entry struct {
	who, line string
	fleet     *fleet // nil: none is asked
	hosts     int    // whoever is asked about as many must give the same answer
	read      reading

	walls, cpus    []time.Duration
	redis          []time.Duration // CPU time of the servers
	received, sent []int64         // bytes, by the client
	peak           int64           // bytes of memory, at worst
}

// A contest is a question, and the answers of all who were asked.
type contest struct {
	name    string
	entries []*entry
	bytes   int64 // of the fleet's contents
}

// contest asks all in turn, A B C A B C ..., so that what else the machine does hits
// all of them alike. A first round warms up. Every answer must be the same.
func (b *bench) contest(name string, entries []*entry, discard bool) *contest {
	b.Helper()
	c := &contest{name: name, entries: entries}
	if discard || b.rounds > 1 {
		b.round(c, discard, false)
	}
	for began, n := time.Now(), 0; n < b.rounds || n < maxRounds && time.Since(began) < b.spend; n++ {
		b.round(c, discard, true)
	}
	for _, e := range entries {
		b.Logf("%-16s %-28s %7.3f s", name, e.who, e.median().Seconds())
	}
	return c
}

func (b *bench) round(c *contest, discard, counts bool) {
	first := make(map[int]answer) // by the number of hosts
	for i, e := range c.entries {
		out, line := fmt.Sprintf("answer%d", i), e.line
		if discard {
			if out = os.DevNull; !counts {
				out, line = "answer", line+" | sha256sum"
			}
		}
		b.ask(e, line, out, counts)
		if out == os.DevNull {
			continue
		}
		a := b.answer(out, e.read)
		if want, ok := first[e.hosts]; !ok {
			first[e.hosts] = a
		} else if a != want {
			b.Fatalf("WRONG: %s: %s gives %d lines; %d, or other ones, were given before: %s", c.name, e.who, a.lines, want.lines, e.line)
		}
	}
}

// ask runs an entry's command once.
func (b *bench) ask(e *entry, line, out string, counts bool) {
	config, before := os.DevNull, map[string]int64(nil)
	if e.fleet != nil {
		config, before = e.fleet.config, e.fleet.stats()
	}
	r := b.run(line, config, out)
	if e.fleet == nil && r.Stderr != "" {
		b.Fatalf("%s: %s", line, r.Stderr) // a pipe hides its exit status
	}
	if !counts {
		return
	}
	e.walls, e.cpus = append(e.walls, r.Wall), append(e.cpus, r.CPU)
	e.peak = max(e.peak, r.MaxRSS)
	if e.fleet != nil {
		now := e.fleet.stats()
		e.received = append(e.received, now["total_net_output_bytes"]-before["total_net_output_bytes"])
		e.sent = append(e.sent, now["total_net_input_bytes"]-before["total_net_input_bytes"])
		e.redis = append(e.redis, time.Duration(now["used_cpu_user"]+now["used_cpu_sys"]-before["used_cpu_user"]-before["used_cpu_sys"])*time.Microsecond)
	}
}

func (e *entry) median() time.Duration { return median(e.walls) }

// median is the upper one of two; 0 when there are no values.
func median[T time.Duration | int64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// by returns the entry of one who was asked.
func (c *contest) by(who string) *entry {
	i := slices.IndexFunc(c.entries, func(e *entry) bool { return e.who == who })
	return c.entries[i]
}

// isOurs tells whether an entry is one that the limits are about.
func (e *entry) isOurs() bool { return strings.HasPrefix(e.who, "sysops") && e.who != oursWithoutBases }
