package sysops_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
)

func TestHostSetsHoldWholeNames(t *testing.T) {
	for _, row := range []struct {
		expr     string
		in, out  []string
		expected []string // Names
	}{
		{"web01", []string{"web01", "WEB01"}, []string{"web011", "xweb01", "web0", "web01.example.com", ""}, []string{"web01"}},
		{"Web01,DB1", []string{"web01", "db1"}, []string{"db", "web01,db1"}, []string{"db1", "web01"}},
		{"a b\tc\nd", []string{"a", "b", "c", "d"}, []string{"ab"}, []string{"a", "b", "c", "d"}},
		{",a,,b,", []string{"a", "b"}, []string{""}, []string{"a", "b"}},
		{"web*", []string{"web", "web01", "web01.example.com", "WEB9"}, []string{"xweb01", "we"}, nil},
		{"WEB?", []string{"web1"}, []string{"web", "web10"}, nil},
		{"web[1-3],db1", []string{"web2", "db1"}, []string{"web4", "web12", "db2"}, []string{"db1"}},
	} {
		t.Run(row.expr, func(t *testing.T) {
			set := hostSet(t, row.expr)
			for _, h := range row.in {
				if !set.Contains(h) {
					t.Errorf("it lacks %q", h)
				}
			}
			for _, h := range row.out {
				if set.Contains(h) {
					t.Errorf("it holds %q", h)
				}
			}
			if !slices.Equal(set.Names(), row.expected) {
				t.Errorf("names %q, want %q", set.Names(), row.expected)
			}
		})
	}
}

func TestHostSetsThatAreNone(t *testing.T) {
	for _, row := range []struct {
		expr string
		want error
	}{
		{"", sysops.ErrBadHost},
		{" , \n", sysops.ErrBadHost},
		{"web/01", sysops.ErrBadHost},
		{"ok,web$", sysops.ErrBadHost},
		{"web[1", sysops.ErrBadPattern},
		{`web\`, sysops.ErrBadPattern},
	} {
		if _, err := sysops.ParseHosts(row.expr); !errors.Is(err, row.want) {
			t.Errorf("ParseHosts(%q): %v; want %v", row.expr, err, row.want)
		}
	}
}

func TestAListOfHostsIsReadLineByLine(t *testing.T) {
	set, err := sysops.ReadHosts(strings.NewReader("# the web tier\nWeb01  10.0.0.1 up\r\n\n   \n  db1\n#web02\nlast"), "hosts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"db1", "last", "web01"}; !slices.Equal(set.Names(), want) {
		t.Errorf("names %q, want %q", set.Names(), want)
	}
	if set.Contains("web02") || set.Contains("10.0.0.1") || set.Contains("web0") {
		t.Error("it holds what it was not given")
	}
}

func TestAListOfHostsSaysWhichLineIsWrong(t *testing.T) {
	_, err := sysops.ReadHosts(strings.NewReader("web01\n\n# fine\nweb 02\nweb*\n"), "list.txt")
	if !errors.Is(err, sysops.ErrBadHost) || !strings.Contains(err.Error(), "list.txt:5:") {
		t.Errorf("%v; want ErrBadHost at list.txt:5", err)
	}
}

// The empty set would answer every question with nothing.
func TestAListWithoutHostsIsAnError(t *testing.T) {
	for _, list := range []string{"", "\n\n", "# only a comment\n"} {
		if _, err := sysops.ReadHosts(strings.NewReader(list), "empty.txt"); !errors.Is(err, sysops.ErrBadHost) || !strings.Contains(err.Error(), "empty.txt") {
			t.Errorf("%q: %v; want ErrBadHost that names the file", list, err)
		}
	}
}

func TestUnionHoldsTheHostsOfBoth(t *testing.T) {
	a, b := hostSet(t, "web01,db*"), hostSet(t, "web02,mail?")
	u := a.Union(b)
	for _, h := range []string{"web01", "web02", "db7", "mail1"} {
		if !u.Contains(h) {
			t.Errorf("it lacks %s", h)
		}
	}
	if u.Contains("web03") || a.Contains("web02") || b.Contains("web01") {
		t.Error("a host came from nowhere")
	}
	if want := []string{"web01", "web02"}; !slices.Equal(u.Names(), want) {
		t.Errorf("names %q, want %q", u.Names(), want)
	}
	var none *sysops.HostSet
	if none.Union(a) != a || a.Union(none) != a || none.Union(nil) != nil {
		t.Error("the union with none is not the other set")
	}
	if none.Contains("web01") || none.Names() != nil {
		t.Error("no set holds a host")
	}
}
