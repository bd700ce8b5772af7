package hostset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func parse(t testing.TB, expr string) *hostset.Set {
	t.Helper()
	s, err := hostset.Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

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
		{"Web08..10.X", []string{"web08.x", "web09.x", "web10.x"}, []string{"web8.x", "web11.x", "web08..10.x"}, []string{"web08.x", "web09.x", "web10.x"}},
		{"web*,db1..3", []string{"web9", "db2"}, []string{"db4"}, []string{"db1", "db2", "db3"}},
		{"web{1..2,7}.x db1", []string{"web7.x"}, []string{"web3.x"}, []string{"db1", "web1.x", "web2.x", "web7.x"}},
		{"*.{esv4,eat1}.x", []string{"web1.esv4.x", "web1.eat1.x"}, []string{"web1.lva1.x"}, nil},
		{"web{01..03}*", []string{"web02", "web03.x"}, []string{"web04", "web0"}, nil},
		{`"web1..3",a..c`, []string{"web1..3", "a..c"}, []string{"web1", "b"}, []string{"a..c", "web1..3"}},
	} {
		t.Run(row.expr, func(t *testing.T) {
			set := parse(t, row.expr)
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
		{"", naming.ErrBadHost},
		{" , \n", naming.ErrBadHost},
		{"web/01", naming.ErrBadHost},
		{"ok,web$", naming.ErrBadHost},
		{"web[1", naming.ErrBadPattern},
		{`web\`, naming.ErrBadPattern},
		{"web{1..3", naming.ErrBadHost},
		{"db1,web3..1", naming.ErrBadHost},
		{"web1..3*", naming.ErrBadHost},
		{"a - a", naming.ErrBadHost},
		{`"web 1"`, naming.ErrBadHost},
		{"web{1..2000000}", naming.ErrBadHost},
		{strings.Repeat("x", 250) + "{1..1000}", naming.ErrBadHost},
		{"*{1..1001}*", naming.ErrBadHost},
	} {
		if _, err := hostset.Parse(row.expr); !errors.Is(err, row.want) {
			t.Errorf("Parse(%q): %v; want %v", row.expr, err, row.want)
		}
	}
}

func TestHostSetsThatAreNoneSayWhereAndWhatToDo(t *testing.T) {
	for expr, want := range map[string]string{
		"web{1..3":      `cannot use "web{1..3" as a set of hosts: not a host name: column 4: the { has no closing }`,
		"db1,web01..3*": `cannot use "db1,web01..3*" as a set of hosts: not a host name: column 10: a sequence goes in braces where the word is a glob: web{1..3}*`,
		"*{1..1001}":    `cannot use "*{1..1001}" as a set of hosts: not a host name: column 1: there are more than 1000 globs: write fewer, wider ones`,
		"db1,%web":      `cannot use "db1,%web" as a set of hosts: column 5: there is no cluster web: there are no cluster files`,
	} {
		if _, err := hostset.Parse(expr); err == nil || err.Error() != want {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

// What --fold prints, --hosts takes.
func TestFoldedHostsAreParsedBack(t *testing.T) {
	for _, hosts := range [][]string{
		{"db1"},
		{"web08.x", "web09.x", "web10.x", "web8.x", "web9.x"},
		{"r1n1", "r1n2", "r1n3", "r2n1", "r2n2", "r2n3", "r3n1", "r3n2", "r3n3", "r4n1", "r4n2", "r4n3"},
		{"-a", "a..c", "fe80::1", "web1-a", "web1..3", "web2-a"},
	} {
		folded := hostset.Fold(hosts)
		if got := parse(t, folded).Names(); !slices.Equal(got, hosts) {
			t.Errorf("%q folds to %s, which is %q", hosts, folded, got)
		}
		if got, err := (*hostset.Clusters)(nil).Expand(folded); err != nil || !slices.Equal(got, hosts) {
			t.Errorf("%q folds to %s, which expands to %q (%v)", hosts, folded, got, err)
		}
	}
}

func TestAnExpressionStandsForWhatRangeMakesOfIt(t *testing.T) {
	var none *hostset.Clusters
	if nodes, err := none.Expand("DB{1,3},web9..10,web3..1"); err != nil || !slices.Equal(nodes, []string{"DB1", "DB3", "web10", "web9"}) {
		t.Errorf("%q, %v", nodes, err)
	}
	_, err := none.Expand("db1,web*")
	if !errors.Is(err, naming.ErrBadHost) || !strings.Contains(strings.Join(terminal.Hints(err), "\n"), "sysops hosts --hosts") {
		t.Errorf("a glob: %v", err)
	}
	_, err = none.Expand("%web")
	if !strings.Contains(strings.Join(terminal.Hints(err), "\n"), "--clusters") {
		t.Errorf("a cluster: %v", err)
	}
}

// Globs are said of hosts that nobody has listed, and so is what is made of them.
func TestSetsOfGlobsAreUnitedIntersectedAndTakenAway(t *testing.T) {
	for _, row := range []struct{ expr, in, out, names string }{
		{"web* - web13", "web1 web130", "web13 db1", ""},
		{"web* & *.esv4", "web1.esv4", "web1 db1.esv4", ""},
		{"web* & /^web[0-9]$/", "web1", "web10 db1", ""},
		{"web*,db1 - web2", "web1 db1", "web2 db2", "db1"},
		{"db1..3 - db?2,x*", "db1 db3 db2 xen", "y", "db1 db2 db3"},
		{"db1..3 - *2", "db1 db3", "db2", "db1 db3"},
		{"{web,db}[12] & (web*,mail)", "web1 web2", "db1 mail web3", ""},
	} {
		set := parse(t, row.expr)
		for _, h := range strings.Fields(row.in) {
			if !set.Contains(h) {
				t.Errorf("%s lacks %s", row.expr, h)
			}
		}
		for _, h := range strings.Fields(row.out) {
			if set.Contains(h) {
				t.Errorf("%s holds %s", row.expr, h)
			}
		}
		if got := strings.Join(set.Names(), " "); got != row.names {
			t.Errorf("%s names %q, want %q", row.expr, got, row.names)
		}
	}
}

func TestAListOfHostsIsReadLineByLine(t *testing.T) {
	set, err := hostset.Read(strings.NewReader("# the web tier\nWeb01  10.0.0.1 up\r\n\n   \n  db1\n#web02\nlast"), "hosts.txt")
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

func TestAListOfHostsMayHaveSequencesAndBraces(t *testing.T) {
	set, err := hostset.Read(strings.NewReader("web08..10.x  # the web tier\ndb{1,3..4}\n\"web1..3\"\nlast"), "hosts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"db1", "db3", "db4", "last", "web08.x", "web09.x", "web1..3", "web10.x"}; !slices.Equal(set.Names(), want) {
		t.Errorf("names %q, want %q", set.Names(), want)
	}
}

// A table of columns is no list of hosts; its other columns would else be hosts
// that do not report.
func TestALineWithCommasIsAnError(t *testing.T) {
	for _, line := range []string{"web01,10.0.0.1,rack12", "web1..3,db1", "web{1,2},db1", "db1,web{1,2}"} {
		_, err := hostset.Read(strings.NewReader("db1\n"+line), "list.csv")
		if !errors.Is(err, naming.ErrBadHost) || !strings.Contains(err.Error(), "list.csv:2:") {
			t.Errorf("%s: %v; want ErrBadHost at list.csv:2", line, err)
		}
	}
}

func TestAListOfHostsSaysWhichLineIsWrong(t *testing.T) {
	for _, line := range []string{"web{1", "web3..1", "web{1,2}*", "web1..%", `"web 1"`, "web1..3*"} {
		_, err := hostset.Read(strings.NewReader("web01\n"+line), "list.txt")
		if !errors.Is(err, naming.ErrBadHost) || !strings.Contains(err.Error(), "list.txt:2:") {
			t.Errorf("%s: %v; want ErrBadHost at list.txt:2", line, err)
		}
	}

	_, err := hostset.Read(strings.NewReader("web01\n\n# fine\nweb 02\nweb*\n"), "list.txt")
	if !errors.Is(err, naming.ErrBadHost) || !strings.Contains(err.Error(), "list.txt:5:") {
		t.Errorf("%v; want ErrBadHost at list.txt:5", err)
	}
}

// The empty set would answer every question with nothing.
func TestAListWithoutHostsIsAnError(t *testing.T) {
	for _, list := range []string{"", "\n\n", "# only a comment\n"} {
		if _, err := hostset.Read(strings.NewReader(list), "empty.txt"); !errors.Is(err, naming.ErrBadHost) || !strings.Contains(err.Error(), "empty.txt") {
			t.Errorf("%q: %v; want ErrBadHost that names the file", list, err)
		}
	}
}

func TestUnionHoldsTheHostsOfBoth(t *testing.T) {
	a, b := parse(t, "web01,db*"), parse(t, "web02,mail?")
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
	var none *hostset.Set
	if none.Union(a) != a || a.Union(none) != a || none.Union(nil) != nil {
		t.Error("the union with none is not the other set")
	}
	if none.Contains("web01") || none.Names() != nil {
		t.Error("no set holds a host")
	}
}
