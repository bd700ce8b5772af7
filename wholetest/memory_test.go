package wholetest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// memoryOf finds the line of one name.
func memoryOf(t *testing.T, list []sysops.MemoryUse, name string) sysops.MemoryUse {
	t.Helper()
	for _, u := range list {
		if u.Name == name {
			return u
		}
	}
	t.Fatalf("nothing is said of %s in %+v", name, list)
	return sysops.MemoryUse{}
}

// weigh adds up MEMORY USAGE of keys.
func weigh(t *testing.T, server *redistest.Server, keys ...string) int64 {
	t.Helper()
	var sum int64
	for _, key := range keys {
		if n, ok := server.Must("MEMORY", "USAGE", key).(int64); ok {
			sum += n
		}
	}
	return sum
}

func TestMemoryIsWhatTheServersSay(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, servers[0].URL(), servers[1].URL())
	common := strings.Repeat("a line that many have, and that takes some room\n", 2000) + noise(500, 3)
	var large, small []string
	for i := range 30 {
		host := fmt.Sprintf("web%02d", i)
		publish(t, c, snapshotOf(host, withStat("large", common+host, snapshot.Stat{Mode: 0o100644}), text("small", host)))
		large, small = append(large, host+"#large"), append(small, host+"#small")
	}
	publish(t, connect(t, servers[0].URL()), snapshotOf("db01", text("small", noise(5000, 7))))
	list, answer, err := c.Memory(t.Context(), sysops.Where{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Expected != 31 {
		t.Errorf("the completeness is %+v", answer)
	}
	u := memoryOf(t, list, "large")
	var objects, bases, index int64
	count := 0
	for _, s := range servers {
		objects += weigh(t, s, large...)
		for _, id := range s.Must("ZRANGE", "$bases:large", "0", "-1").([]any) {
			bases += weigh(t, s, "$base:"+id.(string))
			count++
		}
		index += weigh(t, s, "$on:large", "$bases:large")
	}
	want := sysops.MemoryUse{Name: "large", Bytes: objects + bases + index, Keys: 60, Sampled: 60, ObjectBytes: objects, Bases: count, BaseBytes: bases, IndexBytes: index}
	if u != want || count == 0 {
		t.Errorf("it is %+v, want %+v", u, want)
	}
	if u := memoryOf(t, list, "small"); u.ObjectBytes != weigh(t, servers[0], append(small, "db01#small")...)+weigh(t, servers[1], small...) || u.Keys != 61 || u.Bases != 0 {
		t.Errorf("it is %+v", u)
	}
	for i, u := range list {
		if i > 0 && u.Bytes > list[i-1].Bytes {
			t.Errorf("%s, of %d bytes, comes after %s, of %d", u.Name, u.Bytes, list[i-1].Name, list[i-1].Bytes)
		}
	}
	if u := memoryOf(t, list, "$of:*"); u.Keys != 61 || u.IndexBytes != u.Bytes || u.Bytes == 0 {
		t.Errorf("it is %+v", u)
	}
}

// Objects of one size are weighed by a few of them as by all.
func TestMemoryOfASampleStandsForAll(t *testing.T) {
	server := redistest.Start(t)
	c := connect(t, server.URL())
	for i := range 40 {
		publish(t, c, snapshotOf(fmt.Sprintf("web%02d", i), text("same", noise(1000, 5))))
	}
	exact, _, err := c.Memory(t.Context(), sysops.Where{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	sampled, _, err := c.Memory(t.Context(), sysops.Where{}, 7)
	if err != nil {
		t.Fatal(err)
	}
	all, some := memoryOf(t, exact, "same"), memoryOf(t, sampled, "same")
	if some.Keys != 40 || some.Sampled != 7 || all.Sampled != 40 || some.ObjectBytes != all.ObjectBytes {
		t.Errorf("of a sample it is %+v, of all %+v", some, all)
	}
}

func TestMemoryOfAServerThatIsDownIsLeftOut(t *testing.T) {
	server := redistest.Start(t)
	publish(t, connect(t, server.URL()), snapshotOf("web01", text("a", "1")))
	list, answer, err := connect(t, server.URL(), "redis://127.0.0.1:1").Memory(t.Context(), sysops.Where{}, 0)
	if err != nil || memoryOf(t, list, "a").Keys != 1 || answer.Cores[0].Servers[1].Error == "" {
		t.Errorf("it is %+v, %v", list, err)
	}
}
