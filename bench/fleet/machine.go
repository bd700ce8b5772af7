package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A machine is what figures depend on.
type machine struct {
	date    time.Time
	commit  string
	cpu     string
	memory  int64
	kernel  string
	redis   string
	ripgrep string
	load    string // when it began
}

func (b *bench) machine() machine {
	said := func(line, pattern string) string {
		match := regexp.MustCompile(pattern).FindStringSubmatch(b.run(line, os.DevNull, "").Stdout)
		if match == nil {
			b.Fatalf("cannot understand %q", line)
		}
		return match[1]
	}
	return machine{
		date: time.Now(), commit: b.commit(), load: loadAverage(),
		cpu: procField("cpuinfo", "model name"), memory: kilobytes("MemTotal"), kernel: firstLine("/proc/sys/kernel/osrelease"),
		redis: said("redis-server --version", `v=(\S+)`), ripgrep: said("rg --version", `^ripgrep (\S+)`),
	}
}

// commit is that of the source, which this program runs in.
func (b *bench) commit() string {
	here, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	git := "git -C '" + here + "' "
	commit := strings.TrimSpace(b.run(git+"log -1 --format=%h 2>/dev/null || true", os.DevNull, "").Stdout)
	if changed := b.run(git+"status --porcelain -uno 2>/dev/null | wc -l", os.DevNull, "").Stdout; strings.TrimSpace(changed) != "0" {
		commit += ", changed"
	}
	return cmp.Or(commit, "unknown")
}

func (m *machine) String() string {
	return fmt.Sprintf(`%s, commit %s. %s, %d cores, %.0f GiB. Linux %s, %s, Redis %s, ripgrep %s.
Load average when it began: %s; when it ended: %s.
`, m.date.Format("2006-01-02 15:04"), m.commit, m.cpu, runtime.NumCPU(), float64(m.memory)/(1<<30),
		m.kernel, runtime.Version(), m.redis, m.ripgrep, m.load, loadAverage())
}

func availableMemory() int64 { return kilobytes("MemAvailable") }

func kilobytes(field string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(procField("meminfo", field), " kB"), 10, 64) // 0: unknown
	return n << 10
}

// procField is a field of a file in /proc of the form "name : value", or else unknown.
func procField(file, name string) string {
	text, _ := os.ReadFile("/proc/" + file) // there is none but on Linux
	for line := range bytes.Lines(text) {
		if key, value, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	text, _ := os.ReadFile(file)
	line, _, _ := strings.Cut(string(text), "\n")
	return cmp.Or(line, "unknown")
}

func loadAverage() string {
	fields := strings.Fields(firstLine("/proc/loadavg"))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
