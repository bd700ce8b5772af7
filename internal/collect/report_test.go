package collect

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written writes the report and returns the file's text and its members.
func written(t *testing.T, r *Report) (string, map[string]json.RawMessage) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hardware.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return string(text), members
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestWriteStoresOutputAsAString(t *testing.T) {
	_, members := written(t, &Report{Results: []Result{{Section: "s", Output: []byte("a <b> & \"c\"\n\t1\n")}}})
	var got string
	if err := json.Unmarshal(members["s"], &got); err != nil || got != "a <b> & \"c\"\n\t1\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWriteEmbedsJSONAsItWasPrinted(t *testing.T) {
	const printed = "{\n  \"blockdevices\": [\n    {\"name\": \"sda\"}\n  ]\n}"
	text, _ := written(t, &Report{Results: []Result{{Section: "lsblk-J", Output: []byte(printed + "\n")}}})
	if !strings.Contains(text, "\"lsblk-J\": "+printed+"\n}") {
		t.Errorf("the file is %s", text)
	}
}

func TestWriteStoresDamagedJSONAsAString(t *testing.T) {
	_, members := written(t, &Report{Results: []Result{{Section: "lshw-json", Output: []byte(`{"id": "x", }`)}}})
	var got string
	if err := json.Unmarshal(members["lshw-json"], &got); err != nil || got != `{"id": "x", }` {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWriteReplacesBytesThatAreNotUTF8(t *testing.T) {
	_, members := written(t, &Report{Results: []Result{{Section: "s", Output: []byte("a\xff\xfeb")}}})
	var got string
	if err := json.Unmarshal(members["s"], &got); err != nil || got != "a\uFFFDb" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWriteTellsHowEachSectionWasMade(t *testing.T) {
	_, members := written(t, &Report{
		Results: []Result{{Section: "s", Argv: []string{"s", "-a"}, Exit: 3, Truncated: true, Stderr: "oh", Output: []byte("x")}},
		Missing: []string{"lshw-json"},
	})
	const want = `{"lshw-json":{"missing":true},` +
		`"s":{"argv":["s","-a"],"exit":3,"seconds":0,"truncated":true,"timed_out":false,"stderr":"oh"}}`
	if got := string(members["collection"]); got != want {
		t.Errorf("collection is %s", got)
	}
}

func TestWriteLeavesOutTheSectionOfACommandThatFailedSilently(t *testing.T) {
	_, members := written(t, &Report{Results: []Result{
		{Section: "failed", Exit: 1},
		{Section: "nothing-to-say", Exit: 0},
	}})
	if _, there := members["failed"]; there {
		t.Error("an empty section stands for a command that failed")
	}
	if string(members["nothing-to-say"]) != `""` {
		t.Errorf("a command without output gave %s", members["nothing-to-say"])
	}
}

func TestWriteSortsKeys(t *testing.T) {
	text, _ := written(t, &Report{Results: []Result{{Section: "z"}, {Section: "a"}}})
	a, c, z := strings.Index(text, "\n\"a\""), strings.Index(text, "\n\"collection\""), strings.Index(text, "\n\"z\"")
	if a < 0 || a >= c || c >= z {
		t.Errorf("the file is %s", text)
	}
}

func TestWriteReplacesTheFileWithMode0600(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hardware.json")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := (&Report{}).Write(path); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode is %v, %v", fi.Mode(), err)
	}
	if names := entries(t, filepath.Dir(path)); len(names) != 1 {
		t.Errorf("the folder holds %q", names)
	}
}

func TestAFailedWriteLeavesNoTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "below"), 0o700); err != nil { // cannot be renamed over
		t.Fatal(err)
	}
	err := (&Report{}).Write(path)
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write "+path+": ") {
		t.Errorf("error is %v", err)
	}
	if names := entries(t, dir); len(names) != 1 {
		t.Errorf("the folder holds %q", names)
	}
}

func TestWriteIntoAMissingFolderIsAnError(t *testing.T) {
	err := (&Report{}).Write(filepath.Join(t.TempDir(), "missing", "hardware.json"))
	if err == nil || !strings.HasSuffix(err.Error(), "no such file or directory") {
		t.Errorf("error is %v", err)
	}
}
