package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// servers is how many servers a fleet has: as many cores of one, or one core of all.
const servers = 4

// A fleetKind says what a fleet is like.
type fleetKind struct {
	hosts, objects int
	oneCore        bool // of all servers, each with everything; else each server is a core
	noBases        bool
}

func (k fleetKind) String() string {
	s := fmt.Sprintf("%s hosts x %d, %d cores of 1 server", thousands(k.hosts), k.objects, servers)
	if k.oneCore {
		s = fmt.Sprintf("%s hosts x %d, 1 core of %d servers", thousands(k.hosts), k.objects, servers)
	}
	if k.noBases {
		s += ", --no-bases"
	}
	return s
}

// A fleet is in Redis, to be asked.
type fleet struct {
	servers []*redistest.Server
	config  string // of sysops, that leads to it
	empty   int64  // bytes that its servers took before anything was pushed
	used    int64  // bytes that it took of them when it was pushed
	pushing time.Duration
}

// fleet returns a fleet of this kind, loaded when it is first needed.
func (b *bench) fleet(kind fleetKind) *fleet {
	b.Helper()
	if f := b.fleets[kind]; f != nil {
		return f
	}
	b.Logf("pushing %s …", kind)
	f := &fleet{servers: redistest.Core(b, servers), config: filepath.Join(b.dir, fmt.Sprintf("fleet%d.yaml", b.made))}
	b.made++
	f.empty = f.stats()["used_memory"]
	line := fmt.Sprintf("sysops simulate --builtin --hosts %d --objects %d", kind.hosts, kind.objects)
	if !kind.oneCore {
		line += fmt.Sprintf(" --cores %d", servers)
	}
	if kind.noBases {
		line += " --no-bases"
	}
	for _, url := range redistest.URLs(f.servers) {
		line += " --server " + url
	}
	r := b.run(line, os.DevNull, f.config)
	f.pushing, f.used = r.Wall, f.stats()["used_memory"]-f.empty
	said := strings.TrimSpace(r.Stderr)
	b.Logf("  %s", said)
	b.report.pushes = append(b.report.pushes, []string{kind.String(), fmt.Sprintf("%.1f", f.pushing.Seconds()), fmt.Sprintf("%.1f", mb(f.used)), said})
	b.fleets[kind] = f
	return f
}

// dismiss stops the servers of a fleet that is no longer needed.
func (b *bench) dismiss(kind fleetKind) {
	if f := b.fleets[kind]; f != nil {
		for _, s := range f.servers {
			s.Kill()
		}
		delete(b.fleets, kind)
	}
}

// stats are sums over the fleet's servers of what INFO tells in numbers; CPU is in
// microseconds.
func (f *fleet) stats() map[string]int64 {
	sums := make(map[string]int64)
	for _, s := range f.servers {
		for line := range strings.Lines(s.Must("INFO").(string)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			if strings.HasPrefix(name, "used_cpu_") {
				if seconds, err := strconv.ParseFloat(value, 64); err == nil {
					sums[name] += int64(seconds * 1e6)
				}
			} else if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				sums[name] += n
			}
		}
	}
	return sums
}

// A holding is what a kind of keys holds: how many there are, the memory that they
// take by Redis' own account, and the bytes of contents in them.
type holding struct{ keys, memory, contents int64 }

// divide divides the keyspace into objects, bases and the rest, which is the index.
func (f *fleet) divide() (objects, bases, index holding) {
	const script = `
local sums = {0,0,0, 0,0,0, 0,0,0}
for _, key in ipairs(redis.call('KEYS', '*')) do
	local at, bytes = 6, 0
	if string.sub(key, 1, 1) ~= '$' then
		at, bytes = 0, string.len(redis.call('LINDEX', key, 0))
	elseif string.sub(key, 1, 6) == '$base:' then
		at, bytes = 3, redis.call('STRLEN', key)
	end
	sums[at+1] = sums[at+1] + 1
	sums[at+2] = sums[at+2] + redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0)
	sums[at+3] = sums[at+3] + bytes
end
return sums`
	for _, s := range f.servers {
		sums := s.Must("EVAL", script, "0").([]any)
		for i, h := range []*holding{&objects, &bases, &index} {
			h.keys += sums[3*i].(int64)
			h.memory += sums[3*i+1].(int64)
			h.contents += sums[3*i+2].(int64)
		}
	}
	return objects, bases, index
}

// plain returns a server with the contents of the fleet as they are, one string a
// host, for redis-cli and grep. redis-cli ends each with a newline, so the contents
// have none at their end.
func (b *bench) plain() *redistest.Server {
	const batch = 20
	tree := b.tree()
	files, err := filepath.Glob(filepath.Join(tree, "*", "etc", "*@sysctl-a"))
	if err != nil || len(files) == 0 {
		b.Fatalf("cannot find the files of the fleet: %v", err)
	}
	b.Logf("setting plain strings …")
	server := redistest.Start(b)
	for len(files) > 0 {
		n := min(batch, len(files))
		command := []string{"MSET"}
		for _, file := range files[:n] {
			text, err := os.ReadFile(file)
			if err != nil {
				b.Fatal(err)
			}
			host, name, _ := strings.Cut(strings.TrimPrefix(file, tree+"/"), "/")
			command = append(command, host+"#/"+name, strings.TrimSuffix(string(text), "\n"))
		}
		server.Must(command...)
		files = files[n:]
	}
	return server
}
