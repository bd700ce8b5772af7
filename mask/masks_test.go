package mask_test

import (
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/mask"
)

func masks(t testing.TB, o mask.Options) *mask.Set {
	t.Helper()
	m, err := mask.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMaskRules(t *testing.T) {
	truth := true
	falsehood := false
	m := masks(t, mask.Options{
		Rules: []mask.Rule{
			{Names: []string{"/a/*", "sect"}, Mask: []string{`\d+`}, Set: &truth},
			{Names: []string{"/a/2"}, Drop: []string{`^#`}, Set: &falsehood},
			{Names: []string{"/a/3"}, Mask: []string{`x`}, Instead: true},
			{Names: []string{"/a/4"}, Instead: true},
			{Names: []string{"/a/5"}, JSON: &truth},
		},
		Mask: []string{`tmp(\w+)`},
	})
	for _, row := range []struct{ name, text, want string }{
		{"/a/1", "b1\na2 tmpx\n", "a* tmp*\nb*\n"},
		{"/a/b/c", "1\n", "*\n"},
		{"f@sect", "1\n", "*\n"},
		{"f@section", "1\n", "1\n"},
		{"sect", "1\n", "*\n"},
		{"/a/2", "#\nb1\na2\n", "b*\na*\n"},
		{"/a/3", "b1x\na2\n", "b1*\na2\n"},
		{"/a/4", "b1 tmpx\n", "b1 tmp*\n"},
		{"/a/5", `{"k":3}`, ".k = *\n"},
		{"/other", "b1 tmpab", "b1 tmp*\n"},
	} {
		for range 2 { // the second time from what is remembered
			if got := string(m.Text(row.name, []byte(row.text))); got != row.want {
				t.Errorf("%s: %q becomes %q, want %q", row.name, row.text, got, row.want)
			}
		}
	}
	everything := masks(t, mask.Options{Set: true, JSON: true})
	if got := string(everything.Text("/x", []byte("b\na"))); got != "a\nb\n" {
		t.Errorf("a set of every name becomes %q", got)
	}
	if got := string((*mask.Set)(nil).Text("/x", []byte("b\na"))); got != "b\na" {
		t.Errorf("no masks make %q", got)
	}
}

func TestMasksThatAreNone(t *testing.T) {
	for _, row := range []struct {
		o    mask.Options
		says string
	}{
		{mask.Options{Mask: []string{"("}}, "cannot mask: cannot compile \"(\""},
		{mask.Options{Rules: []mask.Rule{{Names: []string{"/x"}, Drop: []string{"["}}}}, "the mask rule for /x"},
		{mask.Options{Rules: []mask.Rule{{Mask: []string{"a"}}}}, "mask rule 1: it is for no names"},
	} {
		if _, err := mask.New(row.o); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%v, want %q", err, row.says)
		}
	}
}
