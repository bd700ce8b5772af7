package wholetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// forty is a core of two servers, one of them behind a proxy, with objects of
// several sizes.
func forty(t *testing.T) (*redistest.Proxy, []string, []string) {
	servers := redistest.Core(t, 2)
	proxy := redistest.NewProxy(t, servers[0].Addr())
	c := connect(t, redistest.URLs(servers)...)
	var want []string
	for h := range 4 {
		var sources []snapshot.Source
		host := fmt.Sprintf("web%02d", h)
		for i := range 10 {
			body := fmt.Sprintf("%d of %s", i, host) + noise(1<<i, uint64(100*h+i))
			sources = append(sources, text(fmt.Sprintf("/etc/%02d", i), body))
			want = append(want, fmt.Sprintf("%s#/etc/%02d: %s", host, i, body))
		}
		publish(t, c, snapshotOf(host, sources...))
		verified(servers, host)
	}
	return proxy, []string{proxy.URL(), servers[1].URL()}, want
}

// replySize returns how many bytes a server sends that answers for everything.
func replySize(t *testing.T, proxy *redistest.Proxy, want []string) int64 {
	proxy.Reset()
	got, _, err := read(t.Context(), connect(t, proxy.URL()), sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("%d objects, %v", len(got), err)
	}
	return proxy.Traffic().Received
}

func TestAConnectionCutAnywhereChangesNoAnswer(t *testing.T) {
	t.Parallel()
	proxy, urls, want := forty(t)
	total := replySize(t, proxy, want)
	cut := 0
	for n := int64(0); n <= total; n = offsets(n) {
		for range 2 { // the server is drawn
			proxy.CutAfter(n)
			c := connect(t, urls...)
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "*#*")})
			c.Close()
			if err != nil || !slices.Equal(got, want) || complete.Partial() || complete.Answered != 4 {
				t.Fatalf("cut after %d of %d bytes: %d objects, %v, %v", n, total, len(got), complete, err)
			}
			if strings.Contains(fmt.Sprint(complete.Cores), "cut the connection") {
				cut++
			}
		}
	}
	if cut < 60 {
		t.Errorf("only %d answers had to do without the server", cut)
	}
}

// Without a sibling, the answer is whole or an error: never a shorter one.
func TestAConnectionCutAnywhereIsNeverAShorterAnswer(t *testing.T) {
	proxy, _, want := forty(t)
	total := replySize(t, proxy, want)
	failed := 0
	for n := int64(0); n <= total; n = offsets(n) {
		for _, partial := range []bool{false, true} {
			proxy.CutAfter(n)
			c := connect(t, proxy.URL())
			got, complete, err := read(t.Context(), c, sysops.Query{Pattern: pattern(t, "*#*"), Where: sysops.Where{Partial: partial}})
			c.Close()
			proxy.CutAfter(-1)
			switch {
			case err != nil && !errors.Is(err, sysops.ErrIncomplete):
				t.Fatalf("cut after %d of %d bytes: %v; want ErrIncomplete", n, total, err)
			case err == nil && !slices.Equal(got, want) && !complete.Partial():
				t.Fatalf("cut after %d of %d bytes: %d of %d objects, and nobody says so: %s", n, total, len(got), len(want), complete)
			case err != nil && partial:
				t.Fatalf("cut after %d of %d bytes, with Partial: %v", n, total, err)
			case err != nil:
				failed++
			}
		}
	}
	if failed < 60 {
		t.Errorf("only %d questions failed", failed)
	}
}

// What is wrong with an object on one server, and on all of them.
func TestDamagedObjects(t *testing.T) {
	s := newSiblings(t)
	refill := func() {
		publish(t, s.both, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", strings.Repeat("issue\n", 50))))
		publish(t, s.both, snapshotOf("web02", text("/etc/motd", "2")))
	}
	refill()
	motd, issue := "web01#/etc/motd", "web01#/etc/issue"
	want := []string{issue + ": " + strings.Repeat("issue\n", 50), motd + ": 1", "web02#/etc/motd: 2"}
	frame := element(t, s.servers[0], issue, 0)
	flipped := []byte(frame)
	flipped[len(flipped)/2] ^= 1
	for _, row := range []struct {
		name  string
		key   string
		spoil [][]string
		says  string
	}{
		{"junk in place of a frame", motd, [][]string{{"LSET", motd, "0", "junk of a kind"}}, "6a 75 6e 6b"},
		{"a kind that only a later version knows", motd, [][]string{{"LSET", motd, "0", "\x03\x02\x03\x04"}}, "03 02 03 04"},
		{"an empty frame", motd, [][]string{{"LSET", motd, "0", ""}}, ""},
		{"a bit that flipped", issue, [][]string{{"LSET", issue, "0", string(flipped)}}, "damaged"},
		{"half a frame", issue, [][]string{{"LSET", issue, "0", frame[:len(frame)/2]}}, "damaged"},
		{"a string in place of the object", motd, [][]string{{"SET", motd, "1"}}, sysops.ErrServerWrongType.Error()},
		{"a set in place of the object", motd, [][]string{{"DEL", motd}, {"SADD", motd, "1"}}, sysops.ErrServerWrongType.Error()},
		{"an object that was evicted", motd, [][]string{{"DEL", motd}}, ""},
		{"an empty list is none", issue, [][]string{{"LTRIM", issue, "1", "0"}}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			defer func() { // a frame with the right md5sum is not replaced
				for _, server := range s.servers {
					server.Must("DEL", row.key)
				}
				refill()
			}()
			for i, server := range s.servers {
				for _, do := range row.spoil {
					server.Must(do...)
				}
				if i == 0 {
					s.answers(t, "on one server", want)
				}
			}
			got, complete, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*")})
			rest := slices.DeleteFunc(slices.Clone(want), func(o string) bool { return strings.HasPrefix(o, row.key+":") })
			if err != nil || !slices.Equal(got, rest) {
				t.Errorf("on all servers: %q, %v", got, err)
			}
			if len(complete.Unreadable) != 1 || complete.Unreadable[0].Key != row.key || complete.Unreadable[0].Reason == "" || !strings.Contains(complete.Unreadable[0].Reason, row.says) || !complete.Partial() {
				t.Errorf("on all servers: %+v; want %s alone, with a reason that says %q", complete.Unreadable, row.key, row.says)
			}
		})
	}
}

// What a host can do to what the index says of it concerns its own objects alone.
func TestAWrongTypeInTheIndexOfAHostStopsNoAnswer(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for _, host := range []string{"web01", "web02", "web03"} {
		publish(t, c, snapshotOf(host, text("/etc/motd", "same")))
	}
	server.Must("SET", "$of:web02", "junk")
	a := ask(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
	variants, err := a.Variants(t.Context(), sysops.VariantOptions{})
	if err != nil || len(variants) != 1 || !slices.Equal(variants[0].Hosts(), []string{"web01", "web03"}) {
		t.Errorf("%+v, %v", variants, err)
	}
	if u := a.Completeness().Unreadable; len(u) != 1 || u[0].Key != "web02#/etc/motd" {
		t.Errorf("%+v", u)
	}
}

func TestDamageBesideADeadSiblingIsNoSilence(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshotOf("web01", text("/etc/motd", "1"), text("/etc/issue", "i")))
	s.servers[0].Must("LSET", "web01#/etc/motd", "0", "junk")
	s.servers[1].Kill()
	got, complete, err := read(t.Context(), s.both, sysops.Query{Pattern: pattern(t, "*#*")})
	if err != nil || !slices.Equal(got, []string{"web01#/etc/issue: i"}) || !complete.Partial() {
		t.Errorf("%q, %v, %v", got, complete, err)
	}
}

func TestEveryServerIsAskedWhereThatIsWanted(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshotOf("web01", text("/etc/motd", "1")))
	s.servers[1].Must("LSET", "web01#/etc/motd", "1", md5Of([]byte("2")))
	a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd"), EveryServer: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for o, err := range a.Objects(t.Context(), sysops.MD5Sum) {
		if err != nil {
			t.Fatal(err)
		}
		got[o.Server] = o.MD5Sum
	}
	if len(got) != 2 || got[s.servers[0].Addr()+"/0"] != md5Of([]byte("1")) || got[s.servers[1].Addr()+"/0"] != md5Of([]byte("2")) {
		t.Errorf("%v", got)
	}
	servers := 0
	for _, server := range a.Keys() {
		if server != "" {
			servers++
		}
	}
	if servers != 2 {
		t.Errorf("%d keys name their server", servers)
	}
}

func TestAnAnswerMayBeReadTwiceAndInPart(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshotOf("web01", text("/etc/a", "1"), text("/etc/b", "2"), text("/etc/c", "3")))
	a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*")})
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 2, 3, 4} {
		var got []string
		for o, err := range a.Objects(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, string(o.Contents)); len(got) == most {
				break
			}
		}
		if want := []string{"1", "2", "3"}[:min(most, 3)]; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestGrepGivesOneMatchAnObject(t *testing.T) {
	s := newSiblings(t)
	publish(t, s.both, snapshotOf("web01", text("/etc/conf", "a = 1\nb = 2\r\na = 3"), text("/etc/none", "x\n"), text("/bin/x", "a\x00b")))
	grep := func(o sysops.GrepOptions) map[string]sysops.Match {
		x, err := sysops.CompileExpr("^a", o)
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.both.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "web01#*")})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]sysops.Match{}
		for m, err := range a.Grep(t.Context(), x) {
			if err != nil {
				t.Fatal(err)
			}
			out[m.Name] = m
		}
		return out
	}
	got := grep(sysops.GrepOptions{})
	if m := got["/etc/conf"]; m.Count != 2 || fmt.Sprintf("%q", m.Lines) != `["a = 1" "a = 3"]` || m.Binary {
		t.Errorf("%+v", m)
	}
	if m, ok := got["/etc/none"]; !ok || m.Count != 0 || len(m.Lines) != 0 {
		t.Errorf("an object without a matching line: %+v, %v", m, ok)
	}
	if m := got["/bin/x"]; !m.Binary || m.Count != 1 || len(m.Lines) != 0 {
		t.Errorf("a binary object: %+v", m)
	}
	if m := grep(sysops.GrepOptions{Text: true})["/bin/x"]; m.Binary || len(m.Lines) != 1 {
		t.Errorf("a binary object, with Text: %+v", m)
	}
	if m := grep(sysops.GrepOptions{CountOnly: true})["/etc/conf"]; m.Count != 2 || m.Lines != nil {
		t.Errorf("CountOnly: %+v", m)
	}
}

func TestAQueryEndsWithItsContext(t *testing.T) {
	server := redistest.Start(t)
	c := connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Timeout: time.Hour})
	publish(t, c, snapshotOf("web01", text("/etc/motd", "m")))
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	redistest.Within(t, "an answer that was given up", func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		n := 0
		var err error
		for _, e := range a.Objects(ctx) {
			n++
			err = e
		}
		if n != 1 || err == nil {
			t.Errorf("%d results, %v; want the context's error alone", n, err)
		}
	})
}
