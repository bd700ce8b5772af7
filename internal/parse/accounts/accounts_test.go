package accounts

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParsePasswd(t *testing.T) {
	got := ParsePasswd([]byte("root:x:0:0:root:/root:/bin/bash\n# no\n\nodd\n+@nis::::::\n" +
		"bad:x:one:1::/:/bin/sh\n :x:1:1::/:\nlast:x:4294967295:7:A, B:/home/l:/bin/sh"))
	want := []Account{{"root", 0, 0, "root", "/root", "/bin/bash"}, {"last", 4294967295, 7, "A, B", "/home/l", "/bin/sh"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseGroup(t *testing.T) {
	got := ParseGroup([]byte("wheel:x:10:ann, bob,\nnone:x:11:\n#c:x:1:\nbad:x::a\nshort:x:1\n"))
	want := []Group{{"wheel", 10, []string{"ann", "bob"}}, {"none", 11, nil}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLinesOfNIS(t *testing.T) {
	for passwd, want := range map[string]bool{"root:x:0:0::/:\n": false, "+::::::\n": true, "a:x:1:1:+:/:\n+@admins::::::": true, "": false} {
		if got := IncludesNIS([]byte(passwd)); got != want {
			t.Errorf("%q: %v", passwd, got)
		}
	}
}

func TestParseNetgroups(t *testing.T) {
	n := ParseNetgroups([]byte("# no\na (h1,u1,d) \\\n (,u2,)\nb\ta (-,-,)\nc d\nd c (h2,,)\nbroken (x\nempty\n"))
	for _, c := range []struct {
		group, host, user string
		want              bool
	}{
		{"a", "h1", "", true},
		{"a", "h9", "", true}, // of any host, for u2
		{"a", "", "u2", true},
		{"a", "", "u3", false},
		{"b", "", "u1", true},
		{"b", "", "-", true},
		{"c", "h2", "", true},
		{"c", "h3", "", false},
		{"c", "", "anybody", true},
		{"none", "", "u1", false},
		{"broken", "x", "", false},
	} {
		if got := n.Has(c.group, c.host, c.user); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestParseNsswitch(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"passwd: files systemd\n":        "passwd=files,systemd",
		"  passwd:\tfiles\tldap # nis\n": "passwd=files,ldap",
		"# passwd: nis\npasswd: compat":  "passwd=compat",
		"passwd: sss [NOTFOUND=return] files\ngroup:nis": "passwd=sss,files group=nis",
		"passwd: files[!UNAVAIL=return]nis x":            "passwd=files,nis,x",
		"passwd: files [ldap":                            "passwd=files",
		"passwd files\n: sss\nhosts:\n":                  "=sss hosts=",
	} {
		var got []string
		for _, d := range ParseNsswitch([]byte(text)) {
			got = append(got, d.Name+"="+strings.Join(d.Sources, ","))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzAccounts holds whatever a host has in these files: nothing panics, and nothing is
// made of what is not there.
func FuzzAccounts(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n+@nis::::::\n")
	f.Add("wheel:x:10:ann, bob,\n")
	f.Add("a (h1,u1,d) \\\n (,u2,)\nb\ta (-,-,)\na b\n")
	f.Add("passwd: files [NOTFOUND=return] sss # x\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, a := range ParsePasswd([]byte(text)) {
			if a.Name == "" || !strings.Contains(text, a.Name+":") {
				t.Errorf("account %q", a.Name)
			}
		}
		for _, g := range ParseGroup([]byte(text)) {
			if g.Name == "" || slices.Contains(g.Members, "") {
				t.Errorf("group %+v", g)
			}
		}
		netgroups := ParseNetgroups([]byte(text))
		for name := range netgroups {
			netgroups.Has(name, "h", "")
			netgroups.Has(name, "", "u")
		}
		for _, d := range ParseNsswitch([]byte(text)) {
			for _, s := range d.Sources {
				if s == "" || strings.ContainsAny(s, "[]#\n") {
					t.Errorf("source %q of %q", s, d.Name)
				}
			}
		}
	})
}
