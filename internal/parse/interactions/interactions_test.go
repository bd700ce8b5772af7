package interactions

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse"
)

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBothRecordsOfInteractions(t *testing.T) {
	for _, name := range []string{"interactions.json", "interactions-original.json"} {
		got, err := Parse(readSample(t, name), true)
		if err != nil {
			t.Fatal(err)
		}
		for statistic, want := range map[string][2]float64{
			"median": {0.71, 2001}, "mean": {0.7, 2000}, "std": {0.16, 816}, "var": {0.026, 666666}, "min": {0.5, 1000}, "max": {0.9, 3000},
		} {
			if s, r := got.Total.Seconds.Of(statistic), got.Total.Rate.Of(statistic); s != want[0] || r != want[1] {
				t.Errorf("%s: %s is %v and %v, want %v", name, statistic, s, r, want)
			}
		}
		alone, err := Parse(readSample(t, name), false)
		if err != nil || alone.Servers != nil || alone.Total.Seconds.Of("median") != 0.71 {
			t.Errorf("%s without servers: %+v, %v", name, alone, err)
		}
	}
}

// The order of members is the writer's.
func TestInteractionsInAnyOrder(t *testing.T) {
	for _, servers := range []string{`{"a": [1, {}]}`, `{"a": {}}`, `{}`} {
		got, err := Parse([]byte(`{"servers": `+servers+`, "x": null, "total": {"seconds": {"median": 2}}, "updated": 1}`), false)
		if err != nil || got.Total.Seconds.Of("median") != 2 || got.Servers != nil {
			t.Errorf("%s: %+v, %v", servers, got, err)
		}
	}
}

func TestFiguresThatAreNone(t *testing.T) {
	for _, text := range []string{`null`, `"NaN"`, `"inf"`, `-1`, `"x"`, `{}`, `[1]`, `true`, `""`} {
		got, err := Parse([]byte(`{"total": {"seconds": {"median": `+text+`}}}`), true)
		if err != nil || !math.IsNaN(got.Total.Seconds.Of("median")) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestDamagedRecordsOfInteractions(t *testing.T) {
	for _, text := range []string{"", "[]", "null", `{"total": 1}`, `{"updated": "x"}`, `{"x": 1`, `{"total": {"seconds": [1]}}`, `{"total"`} {
		for _, servers := range []bool{false, true} {
			if got, err := Parse([]byte(text), servers); err == nil {
				t.Errorf("%q, %v: %+v", text, servers, got)
			}
		}
	}
	if got, err := Parse([]byte("{}\n"), true); err != nil || !math.IsNaN(got.Total.Seconds.Of("median")) { // before the first push
		t.Errorf("%+v, %v", got, err)
	}
}

// A name may hold anything: it must not make rows of its own.
func TestNamesStayOnTheirLine(t *testing.T) {
	got, err := Parse([]byte(`{"total": {}, "servers": {"a\nb": {"seconds": {"median": 1}}}}`), true)
	if _, ok := got.Servers["a?b"]; err != nil || !ok || len(got.Servers) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	raw, err := Parse([]byte("{\"total\": {}, \"servers\": {\"a\nb\": {\"seconds\": {\"median\": 1}}}}"), true)
	if err == nil && !slices.Equal(slices.Collect(maps.Keys(raw.Servers)), []string{"a?b"}) {
		t.Errorf("a line end as it is: %v", raw)
	}
}

func TestServersOfARecordAreBounded(t *testing.T) {
	servers := make(map[string]any)
	for i := range 1000 {
		servers[strings.Repeat("x", i)] = map[string]any{"seconds": map[string]any{"median": 1}}
	}
	text, err := json.Marshal(map[string]any{"servers": servers})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text, true)
	if err != nil || len(got.Servers) != MaxServers {
		t.Errorf("%d servers, %v", len(got.Servers), err)
	}
	for name := range got.Servers {
		if len(name) > parse.MaxName {
			t.Errorf("a name of %d bytes", len(name))
		}
	}
}

// sameInteractions compares all that a record says.
func sameInteractions(a, b *Record) bool {
	same := func(x, y Interaction) bool {
		for _, statistic := range Statistics() {
			for _, pair := range [][2]float64{{x.Seconds.Of(statistic), y.Seconds.Of(statistic)}, {x.Rate.Of(statistic), y.Rate.Of(statistic)}} {
				if pair[0] != pair[1] && !(math.IsNaN(pair[0]) && math.IsNaN(pair[1])) {
					return false
				}
			}
		}
		return true
	}
	return a.Updated == b.Updated && same(a.Total, b.Total) && maps.EqualFunc(a.Servers, b.Servers, same)
}

// What the agent writes is scanned; all else is left to encoding/json.
func TestScanOfInteractions(t *testing.T) {
	record := string(readSample(t, "interactions.json"))
	for _, row := range []struct {
		name, text string
		scanned    bool
	}{
		{"as it is", record, true},
		{"packed", strings.Join(strings.Fields(record), ""), true},
		{"of the original", string(readSample(t, "interactions-original.json")), false},
		{"with another member", strings.Replace(record, `"updated"`, `"x": 1, "updated"`, 1), false},
		{"with a figure as text", strings.Replace(record, `0.71`, `"0.71"`, 1), false},
		{"with text in a list", strings.Replace(record, `[0.5`, `["]", 0.5`, 1), false},
		{"with an escape", strings.Replace(record, `mps01`, `mps\u0030`, 1), false},
		{"in another case", strings.Replace(record, `"median"`, `"Median"`, 1), false},
		{"nothing", "{}", true},
	} {
		for _, servers := range []bool{false, true} {
			got, ok := scan([]byte(row.text), servers)
			if want := row.scanned || !servers && row.name == "with an escape"; ok != want { // which comes behind the total
				t.Errorf("%s, servers %v: scanned %v", row.name, servers, ok)
			}
			want, err := decode([]byte(row.text), servers)
			if err != nil || ok && !sameInteractions(got, want) {
				t.Errorf("%s, servers %v: %+v, want %+v, %v", row.name, servers, got, want, err)
			}
		}
	}
}

func FuzzInteractions(f *testing.F) {
	f.Add(readSample(f, "interactions.json"))
	f.Add(readSample(f, "interactions-original.json"))
	f.Fuzz(func(t *testing.T, contents []byte) {
		for _, servers := range []bool{false, true} {
			scanned, ok := scan(contents, servers)
			decoded, err := decode(contents, servers)
			if ok && err == nil && len(decoded.Servers) < MaxServers && !sameInteractions(scanned, decoded) {
				t.Errorf("servers %v: %+v was scanned, %+v is right", servers, scanned, decoded)
			}
		}
		got, err := Parse(contents, true)
		if err != nil {
			return
		}
		for _, statistic := range Statistics() {
			all := []Interaction{got.Total}
			all = slices.AppendSeq(all, maps.Values(got.Servers))
			for _, one := range all {
				for _, v := range []float64{one.Seconds.Of(statistic), one.Rate.Of(statistic)} {
					if math.IsInf(v, 0) || v < 0 {
						t.Errorf("%s: %v", statistic, v)
					}
				}
			}
		}
	})
}
