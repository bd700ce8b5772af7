package collect

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestEachKeyOfTheJSONObjectIsAnObject(t *testing.T) {
	h := newHost(t)
	h.write("hardware.json", `{"sysctl-a": "a = 1\nb = \"2\"\n", "lsblk-J": { "x" : [1, "}"] } , "n":12,"":true}`)
	h.expect(map[string]string{
		"hardware.json@sysctl-a": "a = 1\nb = \"2\"\n",
		"hardware.json@lsblk-J":  `{ "x" : [1, "}"] }`,
		"hardware.json@n":        "12",
		"hardware.json@":         "true",
	})
}

func TestASectionHasNoStat(t *testing.T) {
	h := newHost(t)
	h.write("hardware.json", `{"a": "x"}`)
	content, err := h.list().Sources[0].Read(t.Context())
	h.must(err)
	if content.Stat != nil {
		t.Errorf("stat is %+v", content.Stat)
	}
}

func TestTheJSONObjectIsNoObjectItselfWhereverItIsMet(t *testing.T) {
	h := newHost(t)
	path := h.write("etc/hardware.json", `{"a": "x"}`)
	h.options.JSON = path
	h.link("etc/other-name", "hardware.json")
	h.link("outgoing/direct", path)
	h.link("outgoing/indirect", h.path("etc/other-name"))
	h.link("outgoing/walked", h.path("etc"))
	h.must(os.Link(path, h.path("outgoing/plain")))
	h.expect(map[string]string{"etc/hardware.json@a": "x"})
}

func TestTheJSONObjectMayLieInTheOutgoingDirectory(t *testing.T) {
	h := newHost(t)
	h.options.JSON = h.write("outgoing/hardware.json", `{"a": "x"}`)
	h.expect(map[string]string{"outgoing/hardware.json@a": "x"})
}

func TestAHostWithoutTheJSONObjectHasNoProblem(t *testing.T) {
	h := newHost(t)
	h.expect(map[string]string{})
}

func TestOfTwoEqualKeysTheLastWins(t *testing.T) {
	h := newHost(t)
	h.write("hardware.json", `{"a": "first", "b": "", "a": "last"}`)
	h.expect(map[string]string{"hardware.json@a": "last", "hardware.json@b": ""})
}

func TestAFileThatIsNoJSONObjectIsSentWholeWithAWarning(t *testing.T) {
	for _, text := range []string{`{"a": "x"`, `["a"]`, `"a"`, "", "plain text\n"} {
		h := newHost(t)
		path := h.write("hardware.json", text)
		h.link("outgoing/x", path)
		s := h.list()
		if p := h.expectProblem(s, path+": it is not a JSON object, and is sent whole"); !p.Warning {
			t.Errorf("%q: it is no warning", text)
		}
		if got := h.names(s); len(s.Problems) != 1 || !slices.Equal(got, []string{"hardware.json"}) {
			t.Fatalf("%q: names are %q, problems %q", text, got, s.Problems)
		}
		content, err := s.Sources[0].Read(t.Context())
		h.must(err)
		if string(content.Data) != text {
			t.Errorf("contents are %q, want %q", content.Data, text)
		}
	}
}

func TestASectionOverTheLimitIsReplacedByASentence(t *testing.T) {
	h := newHost(t)
	h.options.MaxSize = 10
	path := h.write("hardware.json", `{"big": "0123456789\n", "fits": "012345678\n"}`)
	h.expect(map[string]string{
		"hardware.json@big@file_size_exceeded": path + "@big: 11 bytes, the limit is 10\n",
		"hardware.json@fits":                   "012345678\n",
	})
}

func TestAJSONFileOver64MiBIsReplacedByASentence(t *testing.T) {
	h := newHost(t)
	path := h.write("hardware.json", "")
	h.must(os.Truncate(path, maxJSON+1)) // sparse
	s := h.list()
	h.expectProblem(s, path+": it has 67108865 bytes, the limit is 67108864")
	content, err := s.Sources[0].Read(t.Context())
	h.must(err)
	if content.Name != path+"@file_size_exceeded" {
		t.Errorf("got %q: %q", content.Name, content.Data)
	}
}

func TestAJSONPathThatIsNoFileIsOneProblem(t *testing.T) {
	h := newHost(t)
	h.must(os.Mkdir(h.options.JSON, 0o700))
	s := h.list()
	h.expectProblem(s, "cannot read "+h.options.JSON+": it is a directory, not a file")
	if len(s.Problems) != 1 || len(s.Sources) != 0 {
		t.Errorf("names are %q, problems %q", h.names(s), s.Problems)
	}
}

func TestWhatACollectionWritesIsWhatOutgoingReads(t *testing.T) {
	h := newHost(t)
	report := Run(t.Context(), Options{Commands: []Command{
		script(t, "text", `printf 'a = 1\n\tb\n'`),
		script(t, "json", `printf '[\n  1\n]\n'`),
	}})
	h.must(report.Write(h.options.JSON))
	got := h.objects()
	if got["hardware.json@text"] != "a = 1\n\tb\n" || got["hardware.json@json"] != "[\n  1\n]" {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(got["hardware.json@collection"], `"exit":0`) {
		t.Errorf("collection is %q", got["hardware.json@collection"])
	}
}

func FuzzSplitObject(f *testing.F) {
	f.Add([]byte(`{"a":"x","b":[1,{"c":"\\\""}],"d":-1.5e3 , "e":null}`))
	f.Add([]byte("{}"))
	f.Add([]byte(" {\n} "))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want map[string]json.RawMessage
		isObject := json.Unmarshal(data, &want) == nil && want != nil
		members, ok := splitObject(data)
		if ok != isObject {
			t.Fatalf("an object: %v, want %v", ok, isObject)
		}
		got := make(map[string]json.RawMessage)
		for _, m := range members {
			got[m.key] = m.value
		}
		if len(got) != len(want) {
			t.Fatalf("%d keys, want %d", len(got), len(want))
		}
		for key, value := range want {
			if string(got[key]) != string(value) {
				t.Errorf("%q is %q, want %q", key, got[key], value)
			}
		}
	})
}
