package verbs_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestDiff(t *testing.T) {
	client := fleet(t, map[string]objects{
		"web1": {"motd": "a\nb\n"}, "web2": {"motd": "a\nc\n"}, "web3": {"motd": "a\nb\n"}, "web4": {"motd": "a\nc\n"},
	})
	d := func() *verbs.Diff { return &verbs.Diff{From: "web1#motd", To: "motd"} }
	rows, o := ran(t, client, d())
	want := `{"key": "web2#motd", "host": "web2", "name": "motd", "from": "web1#motd", "binary": false, "removed": 1, "added": 1, "coarse": false}` + "\n"
	if !strings.HasPrefix(rows, want) || strings.Count(rows, "\n") != 2 || !o.Differs || o.Matched != 4 || len(o.Notes) != 1 || o.Notes[0].Text != "2 of 3 objects differ from web1#motd, 1 identical" {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	folded := d()
	folded.Brief, folded.Fold = true, true
	if rows, o := ran(t, client, folded); rows != `{"name": "motd", "host_count": 2, "hosts": "web2,web4"}`+"\n" || !o.Differs {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	masked := d()
	masked.Mask = []string{"[bc]"}
	if rows, o := ran(t, client, masked); rows != "" || o.Differs || o.Notes[0].Text != "0 of 3 objects differ from web1#motd, 3 identical (2 but for what is masked)" {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	words := d()
	words.Words = true
	if text := shown(t, client, words); !strings.Contains(text, "@@ -2 +2 @@\n[-b-]{+c+}\n") {
		t.Errorf("words that differ are\n%s", text)
	}
	beside := d()
	beside.SideBySide, beside.Width, beside.Context = true, 21, verbs.DefaultContext
	if text := shown(t, client, beside); !strings.Contains(text, "a           a\nb         | c\n") {
		t.Errorf("columns are\n%s", text)
	}
}

func TestDiffIsMisused(t *testing.T) {
	two := verbs.Diff{From: "web1#motd", To: "motd"}
	folded, forms, narrow, masked, back, element, mask := two, two, two, two, two, two, two
	folded.Fold = true
	misused(t, &folded, "diff fold", "fold")
	forms.SideBySide, forms.Words = true, true
	misused(t, &forms, "diff forms", "side-by-side", "word")
	narrow.Width = 80
	misused(t, &narrow, "diff width", "width")
	masked.Element, masked.Set = "md5sum", true
	misused(t, &masked, "mask element", "element")
	misused(t, &verbs.Variants{Pattern: "motd", Pairs: true, Brief: true}, "variants pairs", "brief")
	misused(t, &verbs.Extract{}, "extract nothing", "search")
	back.Context, element.Element, mask.Mask = -1, "md5", []string{"("}
	for _, v := range []verbs.Verb{
		&back, &element, &mask, &verbs.Diff{From: "[", To: "motd"}, &verbs.Variants{}, &verbs.Deviations{},
		&verbs.Deviations{Pattern: "motd", Rare: -1},
		&verbs.Deviations{Pattern: "motd", Comparing: verbs.Comparing{Element: "time"}},
		&verbs.DiffHosts{First: "web1", Second: "web2", Style: verbs.Style{Context: -1}},
		&verbs.ExtractDiff{Search: "motd", Compare: "motd", Element: "md5"},
	} {
		if err := v.Check(); err == nil {
			t.Errorf("%+v is not refused", v)
		}
	}
}

func TestDiffNeedsOneObject(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "1"}, "web2": {"motd": "2"}})
	for from, says := range map[string]string{
		"motd":       "it matches 2 objects, and must match one: web1#motd, web2#motd",
		"web3#motd":  "nothing matches web3#motd",
		"web1#issue": "nothing matches web1#issue",
	} {
		d := &verbs.Diff{From: from, To: "motd"}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Run(t.Context(), &verbs.Call{Client: client}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("from %s: %v, want %q", from, err, says)
		}
	}
}

func TestDiffHosts(t *testing.T) {
	client := fleet(t, map[string]objects{
		"web1.example.com": {"motd": "1\n", "issue": "same\n", "hosts": "h\n"},
		"web2.example.com": {"motd": "2\n", "issue": "same\n"},
	})
	rows, o := ran(t, client, &verbs.DiffHosts{First: "WEB1", Second: "web2"})
	want := `{"name": "hosts", "only_on": "web1.example.com", "binary": false, "removed": 0, "added": 0, "coarse": false}
{"name": "motd", "only_on": "", "binary": false, "removed": 1, "added": 1, "coarse": false}
`
	if rows != want || !o.Differs || o.Notes[0].Text != "1 names differ, 1 are only on web1.example.com, 0 only on web2.example.com, 1 identical" {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	if !verbs.CouldBeHosts("web1", "web2.example.com") || verbs.CouldBeHosts("web1", "web2#motd") || verbs.CouldBeHosts("") {
		t.Error("words are taken for what they are not")
	}
	for names, is := range map[[2]string]string{{"nobody", "else"}: "no such hosts", {"web1", "else"}: "host else: it has no objects", {"web1", "web1.example.com"}: "with itself"} {
		d := &verbs.DiffHosts{First: names[0], Second: names[1]}
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		_, err := d.Run(t.Context(), &verbs.Call{Client: client})
		if err == nil || !strings.Contains(err.Error(), is) || errors.Is(err, verbs.ErrNotHosts) != (names[0] == "nobody") {
			t.Errorf("%v: %v, want %q", names, err, is)
		}
	}
}

func TestVariants(t *testing.T) {
	client := fleet(t, map[string]objects{
		"web1": {"motd": "a\n"}, "web2": {"motd": "b\n"}, "web3": {"motd": "a\n"}, "web4": {"motd": "c\n"},
	})
	rows, o := ranAs(t, client, verbs.AsCells, &verbs.Variants{Pattern: "motd", Fold: true, Limit: 1})
	want := `{"name": "motd", "variant": 1, "count": 2, "share": 0.5, "contents": 1, "sha256": "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7", "example": "web1#motd", "host_count": 2, "hosts": "web1,web3"}` + "\n"
	if rows != want || !o.Differs || o.Cut != 2 || o.Matched != 4 || o.Partial(true) {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	text := shown(t, client, &verbs.Variants{Pattern: "motd", Pairs: true})
	want = `motd: 3 variants in 4 objects
    1       2  50.000%   web1, web3
    2       1  25.000%   web2
    3       1  25.000%   web4
`
	if !strings.HasPrefix(text, want) || strings.Count(text, "\nvariant 3 (1 object) against variant ") != 2 {
		t.Errorf("the variants are\n%s", text)
	}
}

func TestDeviations(t *testing.T) {
	client := fleet(t, map[string]objects{
		"web1": {"motd": "a\nb\n"}, "web2": {"motd": "a\nb\n"}, "web3": {"motd": "a\nx\ny\n"},
	})
	rows, o := ran(t, client, &verbs.Deviations{Pattern: "motd", Fold: true, Limit: 1})
	want := `{"name": "motd", "line": "b", "lacking": true, "count": 1, "share": 0.333333, "example": "web3#motd", "host_count": 1, "hosts": "web3"}` + "\n"
	if rows != want || !o.Differs || o.Cut != 2 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	text := shown(t, client, &verbs.Deviations{Pattern: "motd"})
	want = `motd: 3 objects, in all of them 1 line, in some 3
      1  33.333% -b  (web3)
      1  33.333% +x  (web3)
      1  33.333% +y  (web3)
`
	if text != want {
		t.Errorf("the lines are\n%s", text)
	}
}

func TestExtract(t *testing.T) {
	client := fleet(t, map[string]objects{"web1": {"motd": "a\nb"}, "web2": {"motd": "a\n"}})
	for _, tt := range []struct {
		verb verbs.Verb
		want string
	}{
		{&verbs.Extract{Search: "motd"}, "web1#motd\nweb2#motd\n"},
		{&verbs.Extract{Names: true}, "files#motd\n"},
		{&verbs.Extract{Search: "motd", Element: "contents"}, "a\nb\na\n"},
		{&verbs.Extract{Search: "web1", Element: "wordcount", Prefix: true}, "web1#motd" + strings.Repeat(" ", 41) + "1 2 3\n"},
		{&verbs.ExtractVariants{Search: "web1#motd"}, "contents: identical everywhere, in 1 object such as web1#motd\n"},
		{&verbs.ExtractDiff{Search: "web1#motd", Compare: "web2#motd", Element: "wordcount"}, "@@ -1,3 +1,3 @@\n lines 1\n-words 2\n-bytes 3\n+words 1\n+bytes 2\n"},
	} {
		if text := shown(t, client, tt.verb); !strings.HasSuffix(text, tt.want) {
			t.Errorf("%+v tells\n%s, want\n%s", tt.verb, text, tt.want)
		}
	}
	if text := shown(t, client, &verbs.ExtractVariants{Search: "motd", Hosts: true}); strings.Count(text, "\n        web") != 2 || strings.Count(text, "\n+++ ") != 1 {
		t.Errorf("groups are\n%s", text)
	}
	if _, o := ran(t, client, verbs.ServerInfo{}); o.Matched != 1 || o.Complete == nil {
		t.Errorf("the outcome is %+v", o)
	}
}
