package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// deadNames fills a server with names that a host had once: each is listed, and so is the host
// as one that holds it, which is what pushes leave of an object that is gone.
func (w *world) deadNames(host string, many int) {
	w.t.Helper()
	w.Must("EVAL", `for i = 1, ARGV[2] do
		redis.call("SADD", KEYS[1], "/run/worker-" .. i .. ".pid")
		redis.call("SADD", "$on:/run/worker-" .. i .. ".pid", ARGV[1])
	end`, "1", keyNames, host, strconv.Itoa(many))
}

// commands has the server note every command from now on, and returns what it has noted. Of
// one with many words it has the first, and how many the others were.
func (w *world) commands() (noted func() [][]string) {
	w.t.Helper()
	w.Must("CONFIG", "SET", "slowlog-max-len", "1000000")
	w.Must("CONFIG", "SET", "slowlog-log-slower-than", "0")
	w.Must("SLOWLOG", "RESET")
	return func() (list [][]string) {
		w.t.Helper()
		w.Must("CONFIG", "SET", "slowlog-log-slower-than", "-1")
		for _, entry := range w.Must("SLOWLOG", "GET", "-1").([]any) {
			var words []string
			for _, word := range entry.([]any)[3].([]any) {
				words = append(words, word.(string))
			}
			list = append(list, words)
		}
		return list
	}
}

// largest is how many members a command touches, as far as its words say: Redis does nothing
// else before it is through.
func largest(t *testing.T, words []string) int {
	t.Helper()
	most := len(words)
	for i, word := range words {
		if i > 0 && words[i-1] == "COUNT" {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("%q: %v", words, err)
			}
			most = max(most, n)
		}
		if rest, cut := strings.CutPrefix(word, "... ("); cut {
			n, err := strconv.Atoi(strings.TrimSuffix(rest, " more arguments)"))
			if err != nil {
				t.Fatalf("%q: %v", words, err)
			}
			most += n
		}
	}
	return most
}

// However many names there are that nobody has any more, gc removes them with commands each of
// which holds the server up for some milliseconds at most, and so does all that gc reads else.
func TestGCHoldsUpAServerWithNoCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushed("web01", 60, "/etc/motd", "/etc/passwd")
	w.Must("DEL", keySize)
	want := redistest.Dump(t, w.Server)
	const many = 30_000
	w.deadNames("web01", many)
	noted := w.commands()
	p, err := w.store.Prune(t.Context(), Pruning{Keep: time.Hour, Settle: time.Millisecond})
	if err != nil || p != (Pruned{Entries: many, Names: many}) {
		t.Errorf("%+v, %v", p, err)
	}
	if err := w.store.EachName(t.Context(), func([]string) error { return nil }); err != nil {
		t.Error(err)
	}
	scans := 0
	for _, words := range noted() {
		if strings.HasSuffix(words[0], "SCAN") {
			scans++
		}
		if n := largest(t, words); n > 1000 {
			t.Errorf("one command touches %d members: %.200q", n, words)
		}
	}
	if scans < many/1000 {
		t.Errorf("%d scans are noted", scans)
	}
	if got := redistest.Dump(t, w.Server); got != want {
		t.Errorf("there remains\n%s\nwant\n%s", got, want)
	}
}

// A question reads all names of a fleet. Where somebody has added far more it reads a few, and
// says so: what 900,000 take the server, all questions would wait for.
func TestAFloodOfNamesHoldsUpNoServer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		names int
		all   bool
		most  int // that one command may touch
	}{{firstNames / 2, true, firstNames}, {maxNames, true, moreNames}, {maxNames + 1, false, firstNames}} {
		w := newWorld(t)
		w.pushed("web01", 60, "/etc/motd")
		w.Must("EVAL", `for i = 2, ARGV[1] do redis.call("SADD", KEYS[1], "/run/worker-" .. i) end`, "1", keyNames, fmt.Sprint(row.names))
		noted := w.commands()
		x, err := w.store.Index(t.Context(), AllExpiries)
		if err != nil {
			t.Fatal(err)
		}
		x.Names = slices.Compact(slices.Sorted(slices.Values(x.Names))) // a scan may bring one twice
		if x.MoreNames == row.all || (len(x.Names) == row.names) != row.all || x.NamesListed != row.names || !x.Indexed {
			t.Errorf("of %d names %d are read; more: %v", row.names, len(x.Names), x.MoreNames)
		}
		for _, words := range noted() {
			if n := largest(t, words); words[0] == "SSCAN" && n > row.most {
				t.Errorf("one command touches %d members: %.200q", n, words)
			}
		}
	}
}
