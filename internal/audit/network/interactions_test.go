package network

import (
	"encoding/json"
	"maps"
	"math"
	"strings"
	"testing"
)

func TestBothRecordsOfInteractions(t *testing.T) {
	for _, name := range []string{"interactions.json", "interactions-original.json"} {
		got, err := parseInteractions(readSample(t, name), true)
		if err != nil {
			t.Fatal(err)
		}
		for statistic, want := range map[string][2]float64{
			"median": {0.71, 2001}, "mean": {0.7, 2000}, "std": {0.16, 816}, "var": {0.026, 666666}, "min": {0.5, 1000}, "max": {0.9, 3000},
		} {
			if s, r := got.total.Seconds.of(statistic), got.total.Rate.of(statistic); s != want[0] || r != want[1] {
				t.Errorf("%s: %s is %v and %v, want %v", name, statistic, s, r, want)
			}
		}
		for glob, want := range map[string]float64{"mps01.example.com": 0.41, "mps*": 0.61, "mps0[12].example.com": 0.61, "mps02.example.com": 0.61} {
			if s, _ := got.slowest(glob, "median"); s != want {
				t.Errorf("%s: %s took %v, want %v", name, glob, s, want)
			}
		}
		if s, r := got.slowest("mps03.example.com", "median"); known(s) || known(r) {
			t.Errorf("%s: an unknown server took %v", name, s)
		}
		alone, err := parseInteractions(readSample(t, name), false)
		if err != nil || alone.servers != nil || alone.total.Seconds.of("median") != 0.71 {
			t.Errorf("%s without servers: %+v, %v", name, alone, err)
		}
	}
}

// The order of members is the writer's.
func TestInteractionsInAnyOrder(t *testing.T) {
	got, err := parseInteractions([]byte(`{"servers": {"a": [1, {}]}, "x": null, "total": {"seconds": {"median": 2}}, "updated": 1}`), false)
	if err != nil || got.total.Seconds.of("median") != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFiguresThatAreNone(t *testing.T) {
	for _, text := range []string{`null`, `"NaN"`, `"inf"`, `-1`, `"x"`, `{}`, `[1]`, `true`, `""`} {
		got, err := parseInteractions([]byte(`{"total": {"seconds": {"median": `+text+`}}}`), true)
		if err != nil || known(got.total.Seconds.of("median")) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestDamagedRecordsOfInteractions(t *testing.T) {
	for _, text := range []string{"", "[]", "null", `{"total": 1}`, `{"updated": "x"}`, `{"x": 1`, `{"total": {"seconds": [1]}}`, `{"total"`} {
		for _, servers := range []bool{false, true} {
			if got, err := parseInteractions([]byte(text), servers); err == nil {
				t.Errorf("%q, %v: %+v", text, servers, got)
			}
		}
	}
	if got, err := parseInteractions([]byte("{}\n"), true); err != nil || known(got.total.Seconds.of("median")) { // before the first push
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMatchServer(t *testing.T) {
	for _, row := range []struct {
		glob, name string
		want       bool
	}{
		{"mps01", "mps01:6379/1", true},
		{"mps01:6379", "mps01:6379/1", true},
		{"mps01:6379/1", "mps01:6379/1", true},
		{"mps01", "redis://mps01:6379/1", true},
		{"mps01", "mps01", true},
		{"mps*", "mps01:6379/1", true},
		{"mps0", "mps01:6379/1", false},
		{"ps01", "mps01:6379/1", false},
		{"mps01:6380", "mps01:6379/1", false},
		{"[::1]", "[::1]:6379/1", true},
		{"", "mps01", false},
	} {
		if got := matchServer(row.glob, row.name); got != row.want {
			t.Errorf("%q and %q: %v", row.glob, row.name, got)
		}
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
	got, err := parseInteractions(text, true)
	if err != nil || len(got.servers) != maxServers {
		t.Errorf("%d servers, %v", len(got.servers), err)
	}
	for name := range got.servers {
		if len(name) > maxText {
			t.Errorf("a name of %d bytes", len(name))
		}
	}
}

// sameInteractions compares all that a record says.
func sameInteractions(a, b *interactions) bool {
	same := func(x, y interaction) bool {
		for _, statistic := range Statistics() {
			for _, pair := range [][2]float64{{x.Seconds.of(statistic), y.Seconds.of(statistic)}, {x.Rate.of(statistic), y.Rate.of(statistic)}} {
				if pair[0] != pair[1] && (known(pair[0]) || known(pair[1])) {
					return false
				}
			}
		}
		return true
	}
	return a.updated == b.updated && same(a.total, b.total) && maps.EqualFunc(a.servers, b.servers, same)
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
			got, ok := scanInteractions([]byte(row.text), servers)
			if want := row.scanned || !servers && row.name == "with an escape"; ok != want { // which comes behind the total
				t.Errorf("%s, servers %v: scanned %v", row.name, servers, ok)
			}
			want, err := decodeInteractions([]byte(row.text), servers)
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
			scanned, ok := scanInteractions(contents, servers)
			decoded, err := decodeInteractions(contents, servers)
			if ok && err == nil && len(decoded.servers) < maxServers && !sameInteractions(scanned, decoded) {
				t.Errorf("servers %v: %+v was scanned, %+v is right", servers, scanned, decoded)
			}
		}
		got, err := parseInteractions(contents, true)
		if err != nil {
			return
		}
		for _, statistic := range Statistics() {
			s, r := got.slowest("*", statistic)
			for _, v := range []float64{s, r, got.total.Seconds.of(statistic), got.total.Rate.of(statistic)} {
				if math.IsInf(v, 0) || v < 0 {
					t.Errorf("%s: %v", statistic, v)
				}
			}
		}
	})
}
