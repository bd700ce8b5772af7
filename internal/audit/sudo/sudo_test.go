package sudo

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api/internal/audit"
)

// What is kept from user to user and from host to host changes no answer.
func TestKeptAnswers(t *testing.T) {
	for _, c := range realCases {
		files := Files{"/etc/sudoers": Parse([]byte(c.sudoers))}
		for name, text := range c.files {
			files[name] = Parse([]byte(text))
		}
		p := Assemble(files, "/etc/sudoers", "web01")
		for _, command := range []string{"", "/usr/bin/id"} {
			a := &auditor{Report: &Report{}, o: Options{Command: command}, texts: make(map[Right]*Right), caches: make(map[*Policy]*cache)}
			for i, name := range []string{"web01.example.com", "db1.example.com", "web02.example.org", "web01.example.com"} {
				h := testHost(nil)
				h.Name, h.Netgroups = name, nil
				if i == 2 { // the same names are other users there
					h.Groups = []audit.Group{{Name: "wheel", GID: 10, Members: []string{"bob"}}}
				}
				for _, user := range []string{"ann", "bob", "op", "ann"} {
					a.o.User = user
					var got, want []string
					rights, _ := a.rights(p, h)
					for _, r := range rights {
						got = append(got, fmt.Sprint(r.Allowed, r.Entry))
					}
					if command != "" {
						d, _ := p.Decide(h, user, command, "", a.o.Now)
						if d.Rule == nil {
							d.Rule = &Entry{}
						}
						want = append(want, fmt.Sprint(d.Allowed, *d.Rule))
					} else {
						entries, _ := p.Entries(h, user)
						for _, e := range entries {
							want = append(want, fmt.Sprint(true, e))
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("%s: %s on %s: got %q, want %q", c.name, user, name, got, want)
					}
				}
			}
		}
	}
}

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
