package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// gc chooses bases for 4,000 hosts with all their objects, which may not write any: the
// memory of the server, after one more push of each, within 15 % of where hosts claim
// bases; gc itself under 400 MiB.
func BenchmarkGCChoosesBases(b *testing.B) {
	command := redistest.Build(b, "./cmd/sysops")
	claimed := redistest.Start(b)
	simulated(b, command, claimed, "")
	var w runs
	var memory int64
	for b.Loop() {
		chosen := redistest.Start(b, redistest.Config("user host on nopass ~$[^b]* ~[^$]* &* +@all (%R~$base:* +strlen +getrange) (%R~$bases:* +zrange +zcard)"))
		simulated(b, command, chosen, "host")
		w.add(run(b, command, "gc", "--server", chosen.URL()))
		simulated(b, command, chosen, "host")
		memory = keysMemory(chosen)
	}
	w.report(b)
	b.ReportMetric(float64(memory)/float64(keysMemory(claimed)), "of-claimed")
	b.ReportMetric(float64(memory)/1e6, "MB-chosen")
	if float64(memory) > 1.15*float64(keysMemory(claimed)) {
		b.Errorf("chosen bases leave %d bytes, claimed ones %d", memory, keysMemory(claimed))
	}
}

// simulated pushes a synthetic fleet as a user.
func simulated(b *testing.B, command string, s *redistest.Server, user string) {
	b.Helper()
	dir := b.TempDir()
	config, password := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "password")
	text := "redis: {}\n"
	if user != "" {
		text = fmt.Sprintf("redis: {user: %s, password_file: %s}\n", user, password)
	}
	for path, text := range map[string]string{config: text, password: "any"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	run(b, command, "simulate", "--config", config, "--builtin", "--force", "--hosts", "4000", "--server", s.URL())
}

// keysMemory is what all keys of a server take.
func keysMemory(s *redistest.Server) int64 {
	return s.Must("EVAL", `
local sum = 0
for _, key in ipairs(redis.call("KEYS", "*")) do
	sum = sum + redis.call("MEMORY", "USAGE", key, "SAMPLES", 0)
end
return sum`, "0").(int64)
}
