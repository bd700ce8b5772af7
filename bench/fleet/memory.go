package main

import (
	"fmt"
	"time"
)

// memory compares what the fleet takes in Redis with bases and without, one object a
// host, and one copy of it. Its pushes are a measurement of their own.
func (b *bench) memory() {
	const most, slowest = 75e6, 90 * time.Second
	lean := b.fleet(fleetKind{hosts: b.hosts, objects: 1})
	self := b.fleet(fleetKind{hosts: b.hosts, objects: 1, noBases: true})
	contents := b.holdings("with bases", lean)
	b.holdings("--no-bases", self)

	b.report.demand(verdict{"Redis memory, one object a host", fmt.Sprintf("%.1f MB", mb(lean.used)), fmt.Sprintf("%.0f MB", most/1e6), lean.used <= most})
	b.report.note("of it contents (frames and bases)", "%.1f MB", mb(contents))
	b.report.note("the same with --no-bases", "%.1f MB", mb(self.used))
	b.report.note("the same servers, empty", "%.1f MB", mb(lean.empty))
	b.report.demand(verdict{"pushing it", fmt.Sprintf("%.1f s", lean.pushing.Seconds()), fmt.Sprintf("%.0f s", slowest.Seconds()), lean.pushing < slowest})
}

// holdings adds a row to the table of what a fleet's keys hold, and returns the bytes
// of frames and bases in it.
func (b *bench) holdings(name string, f *fleet) int64 {
	objects, bases, index := f.divide()
	b.report.memory = append(b.report.memory, []string{
		name, fmt.Sprintf("%.1f", mb(f.used)),
		fmt.Sprintf("%.1f (%d)", mb(objects.memory), objects.keys),
		fmt.Sprintf("%.1f (%d)", mb(bases.memory), bases.keys),
		fmt.Sprintf("%.1f (%d)", mb(index.memory), index.keys),
		fmt.Sprintf("%.1f", mb(f.used-objects.memory-bases.memory-index.memory)),
		fmt.Sprintf("%.1f", mb(objects.contents)), fmt.Sprintf("%.1f", mb(bases.contents)),
	})
	return objects.contents + bases.contents
}
