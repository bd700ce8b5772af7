package sudoers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// What is kept from user to user and from host to host changes no answer.
func TestKeptAnswers(t *testing.T) {
	for _, c := range realCases {
		files := Files{"/etc/sudoers": Parse([]byte(c.sudoers))}
		for name, text := range c.files {
			files[name] = Parse([]byte(text))
		}
		p := Assemble(files, "/etc/sudoers", "web01")
		kept := NewCache()
		for i, name := range []string{"web01.example.com", "db1.example.com", "web02.example.org", "web01.example.com"} {
			h := testHost(nil)
			h.Name, h.Netgroups = name, nil
			if i == 2 { // the same names are other users there
				h.Groups = []accounts.Group{{Name: "wheel", GID: 10, Members: []string{"bob"}}}
			}
			inquiry := p.On(h, kept)
			for _, user := range []string{"ann", "bob", "op", "ann"} {
				got := slices.Collect(inquiry.User(user, "").Entries())
				if want, _ := p.Entries(h, user); !slices.Equal(got, want) {
					t.Errorf("%s: %s on %s: got %v, want %v", c.name, user, name, got, want)
				}
				decided := inquiry.User(user, "").Decide("/usr/bin/id", time.Time{})
				if want, _ := p.Decide(h, user, "/usr/bin/id", "", time.Time{}); decisionText(decided) != decisionText(want) {
					t.Errorf("%s: %s on %s: got %s, want %s", c.name, user, name, decisionText(decided), decisionText(want))
				}
			}
		}
	}
}

func decisionText(d Decision) string {
	rule := &Entry{}
	if d.Rule != nil {
		rule = d.Rule
	}
	d.Rule = nil
	return fmt.Sprintf("%+v by %+v", d, *rule)
}

// What everybody may do is said once, and a rule for nobody whom the host knows is said
// under what it names.
func TestEverybody(t *testing.T) {
	const rules = "ALL ALL = /bin/ls\n%wheel ALL = /bin/id\nbob, %admins ALL = /bin/cat\n%admins, !ann ALL = /bin/who\nnosuch db1 = /bin/x\n"
	p := Assemble(Files{"/etc/sudoers": Parse([]byte(rules))}, "/etc/sudoers", "web01")
	var got []string
	for q := range p.On(testHost(nil), NewCache()).Everybody("") {
		var texts []string
		for e := range q.Entries() {
			texts = append(texts, e.Commands)
		}
		got = append(got, fmt.Sprintf("%s (%v): %s", q.User(), q.Account(), strings.Join(texts, "; ")))
	}
	want := []string{
		"ALL (false): /bin/ls",
		"ann (true): /bin/ls; /bin/id",
		"bob (true): /bin/ls; /bin/cat",
		"op (true): /bin/ls; /bin/id",
		"%admins, !ann (false): /bin/ls; /bin/who",
		"nosuch (false): /bin/ls",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
