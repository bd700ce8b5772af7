package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A point is what one size of fleet costs, with one object a host.
type point struct {
	hosts  int
	costs  []cost // of the questions that grown returns
	redis  int64  // bytes
	pushed time.Duration
}

// A cost is what one question takes of the client.
type cost struct {
	time time.Duration
	peak int64 // bytes
}

// grown are the questions that are asked of every size.
func grown() []question {
	return slices.DeleteFunc(questions(), func(q question) bool {
		return !slices.Contains([]string{"headline", "cat", "find"}, q.name)
	})
}

// growth asks all sizes in turn, so that noise bends no line.
func (b *bench) growth() {
	for kind := range b.fleets {
		if kind != (fleetKind{hosts: kind.hosts, objects: 1}) {
			b.dismiss(kind)
		}
	}
	points := make([]point, len(b.scale.growth))
	for i, hosts := range b.scale.growth {
		f := b.fleet(fleetKind{hosts: hosts, objects: 1})
		points[i] = point{hosts: hosts, redis: f.used, pushed: f.pushing}
	}
	for _, q := range grown() {
		var entries []*entry
		for _, hosts := range b.scale.growth {
			f := b.fleet(fleetKind{hosts: hosts, objects: 1})
			entries = append(entries, &entry{who: thousands(hosts) + " hosts", line: q.sysops, fleet: f, hosts: hosts, read: q.ours})
		}
		b.contest(q.name, entries, q.discard)
		for i, e := range entries {
			points[i].costs = append(points[i].costs, cost{e.median(), e.peak})
		}
	}
	b.report.growth = points
	for _, s := range allSeries(b.report.growth) {
		b.report.demand(s.linear())
	}
}

// A series is one figure at each size.
type series struct {
	name, label string
	hosts       []int
	values      []float64
}

// allSeries are the times and the memory of every question, and the memory of Redis.
func allSeries(points []point) []series {
	all := append(timeSeries(points), peakSeries(points)...)
	return append(all, redisSeries(points))
}

func timeSeries(points []point) []series {
	var all []series
	for i, q := range grown() {
		all = append(all, seriesOf(points, q.name+", time", q.name, func(p point) float64 { return p.costs[i].time.Seconds() }))
	}
	return all
}

func peakSeries(points []point) []series {
	var all []series
	for i, q := range grown() {
		all = append(all, seriesOf(points, q.name+", memory of the client", q.name, func(p point) float64 { return mib(p.costs[i].peak) }))
	}
	return all
}

func redisSeries(points []point) series {
	return seriesOf(points, "memory of Redis", "", func(p point) float64 { return mb(p.redis) })
}

func seriesOf(points []point, name, label string, value func(point) float64) series {
	s := series{name: name, label: label}
	for _, p := range points {
		s.hosts, s.values = append(s.hosts, p.hosts), append(s.values, value(p))
	}
	return s
}

// steepest is how much more than in proportion a step may add: the tables of Redis
// double in size when they are full, and machines are noisy.
const steepest = 1.1

// linear judges the steepest step from one size to the next.
func (s *series) linear() verdict {
	worst, where := 0.0, ""
	for i := 1; i < len(s.values); i++ {
		steps := float64(s.hosts[i]) / float64(s.hosts[i-1])
		if grew := s.values[i] / s.values[i-1] / steps; grew > worst {
			worst, where = grew, fmt.Sprintf("%s to %s hosts", thousands(s.hosts[i-1]), thousands(s.hosts[i]))
		}
	}
	return verdict{"growth: " + s.name, fmt.Sprintf("%.2f × linear, from %s", worst, where), fmt.Sprintf("%.1f × linear", steepest), worst <= steepest}
}

func growthHeader() []string {
	header := []string{"hosts"}
	for _, q := range grown() {
		header = append(header, q.name+" s", "peak MiB")
	}
	return append(header, "Redis MB", "pushed in s")
}

func growthRows(points []point) [][]string {
	var rows [][]string
	for _, p := range points {
		row := []string{thousands(p.hosts)}
		for _, c := range p.costs {
			row = append(row, seconds(c.time), fmt.Sprintf("%.0f", mib(c.peak)))
		}
		rows = append(rows, append(row, fmt.Sprintf("%.1f", mb(p.redis)), fmt.Sprintf("%.1f", p.pushed.Seconds())))
	}
	return rows
}

// thousands is a number with a comma before every third digit from its end.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var s strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			s.WriteByte(',')
		}
		s.WriteRune(d)
	}
	return s.String()
}
