package mask

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func form(t testing.TB, r formRules) *Form {
	t.Helper()
	f, err := newForm(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestText(t *testing.T) {
	for _, row := range []struct {
		name       string
		rules      formRules
		text, want string
	}{
		{"nothing", formRules{}, "b\na", "b\na"},
		{"what is matched", formRules{Mask: []string{`\d+`}}, "a 12 b 3\nc\n", "a * b *\nc\n"},
		{"the groups alone", formRules{Mask: []string{`pid=(\d+) fd=(\d+)`}}, "pid=1 fd=22 x=3\n", "pid=* fd=* x=3\n"},
		{"a group that is empty", formRules{Mask: []string{`^k = (.*)`}}, "k = \nk = 5\n", "k = *\nk = *\n"},
		{"a group that took no part", formRules{Mask: []string{`(a)|(b)`}}, "b\n", "*\n"},
		{"groups in each other", formRules{Mask: []string{`((\d+)\.(\d+))`}}, "1.2 3.4\n", "* *\n"},
		{"an empty match masks nothing", formRules{Mask: []string{`x*`}}, "axb\n", "a*b\n"},
		{"one rule after the other", formRules{Mask: []string{`\d+`, `\* kB`}}, "5 kB\n", "*\n"},
		{"lines that are dropped", formRules{Drop: []string{`^#`}}, "# a\nb\n# c", "b\n"},
		{"what begins a line is its own", formRules{Drop: []string{`^b`}}, "a\nb\nab\n", "a\nab\n"},
		{"a missing newline does not count", formRules{Mask: []string{`zzz`}}, "a\nb", "a\nb\n"},
		{"a set", formRules{Set: true}, "b\na\nb", "a\nb\nb\n"},
		{"a set of what is masked", formRules{Set: true, Mask: []string{`^\d+ `}}, "1 b\n2 a\n", "*a\n*b\n"},
		{"no text", formRules{Set: true, Mask: []string{`.`}}, "", ""},
		{"JSON is text unless asked for", formRules{}, `{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{"JSON", formRules{JSON: true}, `{"b":1,"a":2}`, ".a = 2\n.b = 1\n"},
		{"JSON that is masked", formRules{JSON: true, Mask: []string{`\.(?:uuid|age) = (.*)`}}, `{"x":{"uuid":"0-1","n":"1"},"age":5}`, ".age = *\n.x.n = \"1\"\n.x.uuid = *\n"},
		{"bytes that are no UTF-8", formRules{Mask: []string{`\d`}}, "a\xff1\x00\n", "a\xff*\x00\n"},
	} {
		if got := string(form(t, row.rules).Text([]byte(row.text))); got != row.want {
			t.Errorf("%s: %q becomes %q, want %q", row.name, row.text, got, row.want)
		}
	}
}

func TestValues(t *testing.T) {
	f := form(t, formRules{JSON: true})
	for _, row := range []struct{ text, want string }{
		{`{}`, ". = {}\n"},
		{`[]`, ". = []\n"},
		{` {"a": {}, "b": [], "c": null} `, ".a = {}\n.b = []\n.c = null\n"},
		{`[1,[2,{"x":true}]]`, "[0] = 1\n[1][0] = 2\n[1][1].x = true\n"},
		{`{"a":1.0,"b":1e3,"c":-0,"d":123456789012345678901234567890}`, ".a = 1.0\n.b = 1e3\n.c = -0\n.d = 123456789012345678901234567890\n"},
		{`{"b":"\u0041<>&","a.b":"x","":"y","9":1,"é":2}`, ".\"\" = \"y\"\n.\"9\" = 1\n.\"a.b\" = \"x\"\n.b = \"A<>&\"\n.\"é\" = 2\n"},
		{`{"a":1,"b":0,"a":2}`, ".a = 1\n.a = 2\n.b = 0\n"}, // both are there: neither hides the other
		{"{\"a\":\"two\\nlines\"}", ".a = \"two\\nlines\"\n"},
		{`{"a":"\ud83d\ude00"}`, ".a = \"😀\"\n"},
	} {
		if got, ok := f.Values([]byte(row.text)); !ok || string(got) != row.want {
			t.Errorf("%s becomes %q (%v), want %q", row.text, got, ok, row.want)
		}
	}
	deep := strings.Repeat("[", mostDepth+2) + strings.Repeat("]", mostDepth+2)
	wide := `{"` + strings.Repeat("k", 5000) + `":[` + strings.TrimSuffix(strings.Repeat("1,", 5000), ",") + `]}`
	for _, text := range []string{
		"", " ", "5", `"a"`, "null", "[main]\nkey=value\n", "{", `{"a":1} {"b":2}`, `{"a":1}x`, `{"a":}`, "# {}", `{a:1}`, `{"a":1,}`,
		"{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"\udc00":1}`, deep, wide,
	} {
		if got, ok := f.Values([]byte(text)); ok {
			t.Errorf("%.80q is taken for JSON: %.80q", text, got)
		}
	}
	if got, ok := f.Values([]byte(`{"a":"` + "�" + `"}`)); !ok || string(got) != ".a = \"�\"\n" {
		t.Errorf("a replacement character that was written becomes %q, %v", got, ok)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, r := range []formRules{{Mask: []string{"("}}, {Drop: []string{"a**"}}} {
		if _, err := newForm(r); err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}

// Whatever the text and the rule: Text is what Line makes of each line, does not grow
// beyond twice the text. Nor do the values of JSON beyond their room.
func FuzzText(f *testing.F) {
	f.Add("a 1\nb 2\n\nc", `(\d)`, `^b`, false)
	f.Add("pid=1\x00\xff\r\n", `=(\d*)|x`, ``, true)
	f.Add(`{"b":[1,{"a":null}],"a":"x"}`, `\.a = (.*)`, `null`, true)
	f.Fuzz(func(t *testing.T, text, x, drop string, set bool) {
		if _, err := regexp.Compile(x); err != nil {
			return
		}
		r := formRules{Mask: []string{x}, Set: set}
		if _, err := regexp.Compile(drop); err == nil && drop != "" {
			r.Drop = []string{drop}
		}
		compared := form(t, r)
		got := compared.Text([]byte(text))
		if len(got) > 2*len(text)+1 {
			t.Fatalf("%q becomes %d bytes", text, len(got))
		}
		var want []string
		for line := range strings.Lines(text) {
			if out, counts := compared.Line(nil, []byte(strings.TrimSuffix(line, "\n"))); counts {
				want = append(want, string(out)+"\n")
			}
		}
		if set {
			slices.Sort(want)
		}
		if joined := strings.Join(want, ""); string(got) != joined {
			t.Fatalf("%q becomes %q, its lines %q", text, got, joined)
		}
		r.JSON = true
		values, ok := form(t, r).Values([]byte(text))
		if ok && (len(values) > max(leastRoom, mostGrowth*len(text))+len(text) || !bytes.HasSuffix(values, newline)) {
			t.Fatalf("%q becomes %q", text, values)
		}
	})
}
