package bench_test

import (
	"fmt"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// spoil fills an index with what one host may add to it: n names that no host holds, n
// hosts that never pushed, and as many entries.
const spoil = `
for i = ARGV[1], ARGV[2] do
	redis.call("SADD", "$names", "/junk/" .. i)
	redis.call("ZADD", "$hosts", 4000000000, "ghost" .. i)
	redis.call("ZADD", "$live", 4000000000, "ghost" .. i)
	redis.call("SADD", "$on:/junk/" .. i % 1000, "ghost" .. i)
end`

// gc of 900,000 ghosts, dead names and entries beside 200 hosts: under a minute, and under
// 400 MiB: what is held is a page, and the command trades garbage for speed.
func BenchmarkGCOf900000Ghosts(b *testing.B) {
	const ghosts, step = 900_000, 10_000
	command := redistest.Build(b, "./cmd/sysops")
	servers := redistest.Core(b, 1)
	load(b, 200, servers)
	args := append([]string{"gc"}, serverFlags(servers)...)
	var w runs
	for b.Loop() {
		for i := 0; i < ghosts; i += step {
			servers[0].Must("EVAL", spoil, "0", fmt.Sprint(i+1), fmt.Sprint(i+step))
		}
		w.add(run(b, command, args...))
		for key, want := range map[string]any{"$names": int64(1), "$roster": int64(200)} {
			if got := servers[0].Must("SCARD", key); got != want {
				b.Errorf("%s has %v members, want %v", key, got, want)
			}
		}
	}
	w.report(b)
}
