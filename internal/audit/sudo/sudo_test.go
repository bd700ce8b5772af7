package sudo

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/parse/accounts"
	"github.com/sysops-api/sysops-api/internal/parse/sudoers"
)

func TestFilesAreAskedFor(t *testing.T) {
	a := &auditor{Report: &Report{}, o: Options{Also: []string{"/opt/known"}}}
	for _, name := range []string{"/opt/known", "/etc/sudoers.local", "/opt/a*b", "/opt/a*b", "/opt/d/*", "/usr/local/etc/sudoers.d/x"} {
		a.want(name)
	}
	if want := []string{`/opt/a\*b`, "/opt/d/*"}; !slices.Equal(a.Wanted, want) {
		t.Errorf("got %q, want %q", a.Wanted, want)
	}
}

func TestSourcesElsewhere(t *testing.T) {
	got := sourcesElsewhere([]byte("passwd: files systemd\ngroup:files [NOTFOUND=return] ldap # sss\n# sudoers: sss\nsudoers: files sss\nhosts: files sss\n"))
	if want := []string{"group: ldap", "sudoers: sss"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is made of a host's files is held until all of them have come.
func TestAHostThatSendsTooMuchIsNotHeld(t *testing.T) {
	objects := func(yield func(sysops.Mapped[*part], error) bool) {
		for _, host := range []string{"large", "small"} {
			for i := range 64 {
				p := &part{file: sudoers.Parse(nil), size: maxHost / 16}
				name := fmt.Sprintf("/etc/sudoers.d/%02d", i)
				if i == 0 {
					p, name = &part{file: sudoers.Parse([]byte("ann ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n"))}, "/etc/sudoers"
				}
				if host == "small" {
					p.size = 1
				}
				if !yield(sysops.Mapped[*part]{Object: sysops.Object{Key: sysops.Key{Host: host, Name: name}}, Value: p}, nil) {
					return
				}
			}
		}
	}
	a := &auditor{Report: &Report{}, policies: audit.NewMemo[string, *sudoers.Policy](), texts: make(map[Right]*Right), caches: make(map[*sudoers.Policy]*sudoers.Cache)}
	for h, err := range audit.ByHost(bounded(objects)) {
		if err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, o := range h.Objects {
			held += o.Value.size
		}
		if held > maxHost {
			t.Errorf("%d bytes of %s are held", held, h.Name)
		}
		a.host(h)
	}
	told := slices.DeleteFunc(a.Unknown, func(u Unknown) bool { return !strings.Contains(u.Reason, "not read") })
	if len(told) != 1 || told[0].Key.String() != "large#/etc/sudoers.d/17" || len(a.Hosts) != 2 {
		t.Errorf("%v, %d hosts", told, len(a.Hosts))
	}
}

// A host's files of a few KB make as many rights as its accounts times its rules, and
// entries a thousand times as long as a rule.
func TestWhatOneHostListsIsBounded(t *testing.T) {
	var passwd, rules, doubled strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&passwd, "u%d:x:%d:7::/:/\n", i, i)
		fmt.Fprintf(&rules, "%%many ALL=(ALL) /bin/x%d\n", i)
	}
	doubled.WriteString("Cmnd_Alias A0 = /bin/x, /bin/y\n")
	for i := range 14 {
		fmt.Fprintf(&doubled, "Cmnd_Alias A%d = A%d, A%d\n", i+1, i, i)
	}
	oneLine := doubled.String() + "u1 ALL=(u0) A14" + strings.Repeat(", (u1) A14, (u0) A14", 500) + "\n"
	for i := range 1000 {
		fmt.Fprintf(&doubled, "%%many ALL=(u%d) A14\n", i)
	}
	for _, c := range []struct {
		name, rules string
		o           Options
	}{
		{"accounts times rules", rules.String(), Options{}},
		{"aliases in each rule", doubled.String(), Options{}},
		{"aliases in each rule, of one user", doubled.String(), Options{User: "u1"}},
		{"aliases in one line", oneLine, Options{User: "u1"}},
		{"aliases in the rule that decides for each account", doubled.String() + "%many ALL=(ALL) A14\n", Options{Command: "/bin/x"}},
	} {
		a := &auditor{Report: &Report{}, o: c.o, policies: audit.NewMemo[string, *sudoers.Policy](), texts: make(map[Right]*Right), caches: make(map[*sudoers.Policy]*sudoers.Cache)}
		h := audit.Host[*part]{Name: "web01"}
		for name, p := range map[string]*part{
			"/etc/passwd":  {accounts: accounts.ParsePasswd([]byte(passwd.String()))},
			"/etc/group":   {groups: []accounts.Group{{Name: "many", GID: 7}}},
			"/etc/sudoers": {file: sudoers.Parse([]byte(c.rules))},
		} {
			h.Objects = append(h.Objects, sysops.Mapped[*part]{Object: sysops.Object{Key: sysops.Key{Host: h.Name, Name: name}}, Value: p})
		}
		a.host(h)
		text := 0
		for right := range a.texts {
			text += right.Entry.Size()
		}
		if len(a.texts) > maxRights || text > sudoers.MaxText {
			t.Errorf("%s: %d rights with %d bytes are kept", c.name, len(a.texts), text)
		}
		if len(a.Hosts) != 1 || len(a.Unknown) != 1 || !strings.Contains(a.Unknown[0].Reason, "more rights than can be listed") {
			t.Errorf("%s: nobody is told: %v", c.name, a.Unknown)
		}
	}
}

// A host chooses the names of its objects: one that is made up like two names of another
// host, and the digest between them, does not take the place of that host's files.
func TestNamesThatHoldOtherNames(t *testing.T) {
	r := newReader()
	object := func(host, name, text string) sysops.Mapped[*part] {
		o := sysops.Object{Key: sysops.Key{Host: host, Name: name}, Contents: []byte(text)}
		return sysops.Mapped[*part]{Object: sysops.Object{Key: o.Key}, Value: r.read(&o)}
	}
	const main, one, two = "@includedir /etc/sudoers.d\n", "ann ALL=(ALL) ALL\n", "bob ALL=(ALL) /usr/bin/id\n"
	digest := object("x", "/etc/sudoers.d/1", one).Value.digest
	made := "/etc/sudoers.d/1\x00" + string(digest[:]) + "/etc/sudoers.d/2"
	a := &auditor{
		Report: &Report{EmptyDirs: make(map[string]int), Elsewhere: make(map[string]int)}, o: Options{User: "ann"},
		policies: audit.NewMemo[string, *sudoers.Policy](), texts: make(map[Right]*Right), caches: make(map[*sudoers.Policy]*sudoers.Cache),
	}
	a.host(audit.Host[*part]{Name: "a-hostile.example.com", Objects: []sysops.Mapped[*part]{object("a", "/etc/sudoers", main), object("a", made, two)}})
	a.host(audit.Host[*part]{Name: "web01.example.com", Objects: []sysops.Mapped[*part]{
		object("b", "/etc/sudoers", main), object("b", "/etc/sudoers.d/1", one), object("b", "/etc/sudoers.d/2", two),
	}})
	if n := len(a.Hosts); n == 0 || a.Hosts[n-1].Host != "web01.example.com" || len(a.Hosts[n-1].Rights) != 1 {
		t.Errorf("ann's right on web01 is hidden by another host's names: %v", a.Hosts)
	}
}
