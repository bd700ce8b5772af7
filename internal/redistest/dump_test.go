package redistest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestDumpShowsEveryTypeInCanonicalOrder(t *testing.T) {
	s := redistest.Start(t)
	for _, command := range []string{
		"RPUSH web01#/b two one", "SADD $names z a m", "ZADD $hosts 2 web01 1 web02", "HSET $of:web01 f 1 e 2",
		"SET $base:00 text PX 600000", "XADD $queries 1-0 who me what grep", "XGROUP CREATE $queries readers 0",
	} {
		s.Must(strings.Fields(command)...)
	}
	s.Must("SET", "bytes", "\x00\xff\n")
	const want = `db0
"$base:00" string expires
  "text"
"$hosts" zset
  "web02" "1"
  "web01" "2"
"$names" set
  "a"
  "m"
  "z"
"$of:web01" hash
  "e" "2"
  "f" "1"
"$queries" stream
  ["1-0" ["who" "me" "what" "grep"]]
  ["name" "readers" "consumers" 0 "pending" 0 "last-delivered-id" "0-0" "entries-read" <nil> "lag" 1]
"bytes" string
  "\x00\xff\n"
"web01#/b" list
  "two"
  "one"
`
	if got := redistest.Dump(t, s); got != want {
		t.Errorf("dump is\n%s\nwant\n%s", got, want)
	}
}

func TestDumpOfAnEmptyServerIsEmpty(t *testing.T) {
	if got := redistest.Dump(t, redistest.Start(t)); got != "" {
		t.Errorf("dump is %q", got)
	}
}

func TestDumpsOfEqualStatesAreEqual(t *testing.T) {
	core := redistest.Core(t, 2)
	const members = 1000 // more than a packed set or hash holds, so that servers order them differently
	for i := range members {
		for j, s := range core {
			n := fmt.Sprint(i*(1-j) + (members-1-i)*j) // ascending on one, descending on the other
			s.Must("SADD", "set", n)
			s.Must("HSET", "hash", n, n)
			s.Must("SET", "key"+n, n)
		}
	}
	a, b := redistest.Dump(t, core[0]), redistest.Dump(t, core[1])
	if a != b {
		t.Error("equal states have different dumps")
	}
	core[0].Must("PEXPIRE", "key7", "600000")
	if redistest.Dump(t, core[0]) == b {
		t.Error("a time to live does not show")
	}
}

func TestDumpShowsEveryDatabase(t *testing.T) {
	s := redistest.Start(t)
	s.Must("SET", "key", "v")
	s.Must("MOVE", "key", "1")
	if got, want := redistest.Dump(t, s), "db1\n\"key\" string\n  \"v\"\n"; got != want {
		t.Errorf("dump is %q, want %q", got, want)
	}
}
