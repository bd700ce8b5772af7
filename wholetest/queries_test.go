package wholetest_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// subscriber hands on what is published on a channel.
func subscriber(t testing.TB, s *redistest.Server, channel string) <-chan string {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := bufio.NewReader(conn)
	next := func() (string, error) { // one bulk string
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return "", err
			}
			if line[0] != '$' {
				continue
			}
			n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
			if err != nil {
				return "", err
			}
			b := make([]byte, n+2)
			_, err = io.ReadFull(r, b)
			return string(b[:n]), err
		}
	}
	fmt.Fprintf(conn, "SUBSCRIBE %s\r\n", channel)
	for range 2 { // "subscribe", the channel
		if _, err := next(); err != nil {
			t.Fatal(err)
		}
	}
	out := make(chan string, 100)
	go func() {
		defer close(out)
		for i := 0; ; i++ {
			text, err := next()
			if err != nil {
				return
			}
			if i%3 == 2 { // "message", the channel, what was published
				out <- text
			}
		}
	}()
	return out
}

func TestEachQueryIsRecordedAndPublished(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	alice := sysops.Caller{User: "alice", UID: 1000, GID: 100, Host: "bastion", Dir: "/home/alice", Program: "sysops", Args: []string{"grep", "x y", "password=hunter2"}}
	publish(t, c, snapshotOf("web01", text("/etc/motd", strings.Repeat("motd\n", 100))))
	heard := []<-chan string{subscriber(t, servers[0], "sysops-api"), subscriber(t, servers[1], "sysops-api")}
	began := time.Now().Add(-time.Second)
	for _, p := range []string{"/etc/motd", "nothing-like-it"} {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, p), Caller: alice})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range a.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	records, err := c.Queries(t.Context(), sysops.Where{}, 10)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	second, first := records[0], records[1]
	if first.Pattern != "/etc/motd" || second.Pattern != "nothing-like-it" {
		t.Errorf("%q, then %q: the newest comes first", records[0].Pattern, records[1].Pattern)
	}
	if first.User != "alice" || first.UID != 1000 || first.GID != 100 || first.Host != "bastion" || first.Dir != "/home/alice" || first.Program != "sysops" || !slices.Equal(first.Args, []string{"grep", "x y", "password=[redacted]"}) {
		t.Errorf("%+v", first.Caller)
	}
	if first.Time.Before(began) || first.Time.After(time.Now()) || first.Scope != sysops.Local || first.Partial || first.ID == "" || first.ID == second.ID {
		t.Errorf("%+v", first)
	}
	if cost := first.Cost; cost.Keys != 1 || cost.Unpacked != 500 || cost.Downloaded == 0 || cost.Uploaded == 0 || len(cost.Servers) != 2 {
		t.Errorf("%+v", cost)
	}
	for i, s := range servers {
		if n := s.Must("XLEN", "$queries"); n != int64(2) {
			t.Errorf("server %d has %v entries", i, n)
		}
		for _, want := range []sysops.QueryRecord{first, second} {
			var got sysops.QueryRecord
			select {
			case text := <-heard[i]:
				if err := json.Unmarshal([]byte(text), &got); err != nil || got.ID != want.ID || got.Pattern != want.Pattern {
					t.Errorf("server %d publishes %s: %v", i, text, err)
				}
			case <-time.After(redistest.Patience):
				t.Fatalf("server %d publishes nothing", i)
			}
		}
	}
	if one, err := c.Queries(t.Context(), sysops.Where{}, 1); err != nil || len(one) != 1 || one[0].ID != second.ID {
		t.Errorf("of the newest one: %+v, %v", one, err)
	}
}

// A question however long takes a bounded place in the record.
func TestTheRecordOfALongQuestionIsShort(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "m")))
	for _, args := range [][]string{{"grep", strings.Repeat("é\n", 1<<20)}, slices.Repeat([]string{"--server", "a"}, 50_000)} {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd"), Caller: sysops.Caller{User: "alice", Args: args}})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	records, err := c.Queries(t.Context(), sysops.Where{}, 10)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if used := server.Must("MEMORY", "USAGE", "$queries", "SAMPLES", "0").(int64); used > 64<<10 || records[1].Args[0] != "grep" {
		t.Errorf("they take %d bytes: %.40q", used, records[1].Args)
	}
}

func TestWhoAsksIsTakenFromTheProcess(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := c.Queries(t.Context(), sysops.Where{}, 1)
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	if r := records[0]; r.User == "" || r.Dir == "" || r.Program == "" {
		t.Errorf("%+v", r.Caller)
	}
}

func TestARefusedRecordTakesNothingFromTheAnswer(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t)
	publish(t, connect(t, primary.URL()), snapshotOf("web01", text("/etc/motd", "x")))
	replica := replicaOf(t, primary)
	for _, row := range []struct {
		name string
		url  string
		want error
	}{
		{"a replica", replica.URL(), sysops.ErrServerReadOnly},
		{"an ACL", "", sysops.ErrServerPermission},
	} {
		t.Run(row.name, func(t *testing.T) {
			url, do := row.url, primary
			var o sysops.Options
			if url == "" {
				do.Must("ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@read", "+@connection", "+time", "-publish")
				url, o = primary.URL(), sysops.Options{User: "reader", Password: "secret"}
			}
			c := connectTo(t, sysops.ServerList(url), o)
			a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
			if err != nil {
				t.Fatal(err)
			}
			read := func() string {
				out := ""
				for o, err := range a.Objects(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					out += string(o.Contents)
				}
				return out
			}
			if got := read(); got != "x" {
				t.Errorf("%q", got)
			}
			if err := a.Close(t.Context()); !errors.Is(err, row.want) {
				t.Errorf("%v; want %v", err, row.want)
			}
			if got := read(); got != "x" || !a.Completeness().Whole() {
				t.Errorf("afterwards %q, %s", got, a.Completeness())
			}
		})
	}
}
