//go:build previous

package wholetest_test

import (
	"encoding/json"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// These tests run what the previous release was, built from the history of the repository:
//
//	make previous-test
//
// With UPDATE=1 in the environment they write what its agent leaves behind, which the tests
// without this tag replay.

// pushOlder pushes a host by the previous release's publisher.
func pushOlder(t *testing.T, s *redistest.Server, host string) {
	t.Helper()
	program, err := os.ReadFile("testdata/previous/push.go.txt")
	if err != nil {
		t.Fatal(err)
	}
	push := redistest.BuildAt(t, previousCommit, "./cmd/push", map[string]string{"cmd/push/main.go": string(program)})
	run := redistest.Run(t, push, []string{host, "/etc/motd=red\n", "/etc/issue=Debian\n", "--", s.URL()}, nil)
	if run.ExitCode != 0 {
		t.Fatalf("it cannot push: %s", run.Stderr)
	}
}

// What is replayed is what the previous release's agent writes.
func TestThePreviousAgentWritesWhatIsReplayed(t *testing.T) {
	s := redistest.Start(t)
	pushOlder(t, s, "web06")
	if os.Getenv("UPDATE") != "" {
		text, err := json.MarshalIndent(commandsOf(t, s), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(previousPush, append(text, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := newHonestFleet(t, 1)
	f.pushBefore()
	if got, want := state(t, f.servers[0]), state(t, s); got != want {
		t.Errorf("it is otherwise:\n%s", diffOf(got, want))
	}
}

// commandsOf returns commands that fill a server with what s holds.
func commandsOf(t *testing.T, s *redistest.Server) []recordedCommand {
	t.Helper()
	var commands []recordedCommand
	keys := s.Must("KEYS", "*").([]any)
	sort.Slice(keys, func(i, j int) bool { return keys[i].(string) < keys[j].(string) })
	bytesOf := func(reply any) (out [][]byte) {
		for _, v := range reply.([]any) {
			out = append(out, []byte(v.(string)))
		}
		return out
	}
	for _, k := range keys {
		key := k.(string)
		switch kind := s.Must("TYPE", key).(string); kind {
		case "list":
			commands = append(commands, recordedCommand{Command: "RPUSH", Key: key, Args: bytesOf(s.Must("LRANGE", key, "0", "-1")), Seconds: []float64{6 * 3600}})
		case "set":
			commands = append(commands, recordedCommand{Command: "SADD", Key: key, Args: bytesOf(s.Must("SMEMBERS", key))})
		case "hash":
			commands = append(commands, recordedCommand{Command: "HSET", Key: key, Args: bytesOf(s.Must("HGETALL", key))})
		case "string":
			commands = append(commands, recordedCommand{Command: "SET", Key: key, Args: [][]byte{[]byte(s.Must("GET", key).(string))}})
		case "zset":
			c := recordedCommand{Command: "ZADD", Key: key}
			list := s.Must("ZRANGE", key, "0", "-1", "WITHSCORES").([]any)
			for pair := range slices.Chunk(list, 2) {
				score, err := strconv.ParseFloat(pair[1].(string), 64)
				if err != nil {
					t.Fatal(err)
				}
				c.Members, c.Seconds = append(c.Members, pair[0].(string)), append(c.Seconds, float64(int(score)-int(serverTime(t, s))))
			}
			commands = append(commands, c)
		default:
			t.Fatalf("%s is a %s", key, kind)
		}
	}
	return commands
}

// A reader of the previous release says the truth of hosts whose agents are of this one, and
// so it does of a fleet of which some have been upgraded.
func TestThePreviousReaderBesideNewAgents(t *testing.T) {
	program := redistest.BuildAt(t, previousCommit, "./cmd/sysops", nil)
	for _, servers := range []int{1, 2} {
		f := newHonestFleet(t, servers)
		f.settle()
		f.gc()
		f.checkAnswers(program, settled, false)
		for _, s := range f.servers {
			pushOlder(t, s, "web06")
		}
		mixed := settled + `
			web06 live red issue`
		f.checkAnswers(program, mixed, false)
		f.checkAnswers(redistest.Build(t, "./cmd/sysops"), mixed, false)
	}
}

// An agent that goes back to the previous release goes on, and so does one that comes after it.
func TestThePreviousAgentGoesOnWhereThisOneWas(t *testing.T) {
	f := newHonestFleet(t, 1)
	f.push("web06", "blue", false)
	pushOlder(t, f.servers[0], "web06")
	program := redistest.Build(t, "./cmd/sysops")
	f.checkAnswers(program, "web06 live red issue", false)
	f.push("web06", "blue", true)
	f.checkAnswers(program, "web06 live blue issue", false)
	for _, key := range f.servers[0].Must("KEYS", "*#*").([]any) {
		if !strings.HasPrefix(key.(string), "web06#/etc/") {
			t.Errorf("there is an object %s", key)
		}
	}
}
