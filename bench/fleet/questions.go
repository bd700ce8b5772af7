package main

import (
	"fmt"
	"time"
)

const (
	// text is what the headline asks for: a tunable that every host has.
	text = "net.core.netdev_budget ="

	// everywhere selects the object that is among the files, in all cores.
	everywhere = "sysctl-a --scope global"

	// ripgrep is how it is called: it answers from the same files as without these
	// flags, and none is the faster for more of them; see the part called ways.
	ripgrep = "rg -N --no-filename --no-ignore --hidden"

	files = "find tree -type f | sort | xargs"

	// redisCLI prints the contents of all hosts, where they are plain strings.
	redisCLI = "redis-cli -p $PORT --scan --pattern '*@sysctl-a' | xargs redis-cli -p $PORT --raw MGET | "
)

// A question is asked of sysops, of its rival over the fleet as files and, where that
// is possible, of redis-cli and grep.
type question struct {
	name     string
	sysops   string
	files    string
	redisCLI string // a filter behind its output

	// The answers are compared as these readings have them.
	ours, theirs reading

	// discard is for an answer of a gigabyte: it goes to /dev/null, and what is compared
	// is its checksum, when it is asked for the first time.
	discard bool

	limits []limit
}

// questions are all of them; the first is the headline.
func questions() []question {
	return []question{
		counting("headline", "", text, notOver(0.5), oneCoreNotOver(200*time.Millisecond)),
		counting("300", "", "^[a-z0-9_.]+ = 300$", notOver(1)),
		counting("-i", "-i ", text, notOver(0.3)),
		counting("-v", "-v ", text, notOver(0.1)),
		lacking("-L", text, notOver(1)),
		lacking("-L, other value", text+" 300$", notOver(1)),
		{
			name: "cat", sysops: "sysops cat " + everywhere, files: files + " cat", discard: true,
			ours: whole, theirs: whole, limits: []limit{atRate(1e9)},
		},
		{
			name: "find", sysops: "sysops find " + everywhere, files: "find tree -type f",
			ours: whole, theirs: fileKey, limits: []limit{under(200 * time.Millisecond)},
		},
		{
			name: "md5sum", sysops: "sysops md5sum " + everywhere, files: files + " md5sum",
			ours: whole, theirs: fileKey, limits: []limit{under(200 * time.Millisecond)},
		},
		{
			name: "cat --uniq", sysops: "sysops cat --uniq " + everywhere, files: files + " sha256sum | cut -c-64 | sort | uniq -c",
			ours: countedSum, theirs: countedSum, limits: []limit{under(200 * time.Millisecond)},
		},
	}
}

// counting asks which matching lines there are, and how often.
func counting(name, flags, regex string, limits ...limit) question {
	return question{
		name:     name,
		sysops:   fmt.Sprintf("sysops grep --uniq %s'%s' %s", flags, regex, everywhere),
		files:    fmt.Sprintf("%s %s'%s' tree | sort | uniq -c", ripgrep, flags, regex),
		redisCLI: fmt.Sprintf("grep -E %s'%s' | sort | uniq -c", flags, regex),
		ours:     counted, theirs: counted, limits: limits,
	}
}

// lacking asks which hosts lack a line.
func lacking(name, regex string, limits ...limit) question {
	return question{
		name:   name,
		sysops: fmt.Sprintf("sysops grep -L '%s' %s", regex, everywhere),
		files:  fmt.Sprintf("rg --no-ignore --hidden --files-without-match '%s' tree", regex),
		ours:   lackingHost, theirs: fileHost, limits: limits,
	}
}

// questions asks each of the fleet in many cores and in one, of the fleet stored
// without bases, of the files, and of redis-cli.
func (b *bench) questions() {
	many := fleetKind{hosts: b.hosts, objects: b.objects}
	one, self := many, many
	one.oneCore, self.noBases = true, true
	b.tree()
	plain := b.plain()
	defer plain.Kill()
	b.env = append(b.env, fmt.Sprintf("PORT=%d", plain.Port()))
	for _, kind := range []fleetKind{many, one, self} {
		b.fleet(kind)
	}
	for _, q := range questions() {
		entries := []*entry{
			{who: oursInCores, line: q.sysops, fleet: b.fleet(many), read: q.ours},
			{who: oursInOneCore, line: q.sysops, fleet: b.fleet(one), read: q.ours},
			{who: oursWithoutBases, line: q.sysops, fleet: b.fleet(self), read: q.ours},
			{who: overFiles, line: q.files, read: q.theirs},
		}
		if q.redisCLI != "" {
			entries = append(entries, &entry{who: overRedisCLI, line: redisCLI + q.redisCLI, read: q.theirs})
		}
		c := b.contest(q.name, entries, q.discard)
		c.bytes = b.bytes
		b.report.contests = append(b.report.contests, c)
		for _, l := range q.limits {
			b.report.demand(l(c))
		}
	}
	b.report.demand(b.report.clientMemory())
}

// ways compares how ripgrep can be called. All give the same answer over this tree.
func (b *bench) ways() {
	b.tree()
	var entries []*entry
	for _, flags := range []string{
		"", "-F ", "--no-ignore --hidden ", "--no-ignore --hidden -F ", "-uuu ", "--no-ignore --hidden --mmap ",
		"--no-ignore --hidden -j1 ", "--no-ignore --hidden -j4 ",
	} {
		line := fmt.Sprintf("rg -N --no-filename %s'%s' tree | sort | uniq -c", flags, text)
		entries = append(entries, &entry{who: line, line: line, read: counted})
	}
	b.report.ways = b.contest("ways of calling ripgrep", entries, false)
}
