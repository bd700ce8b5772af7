package access

import (
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// Which sources of accounts nsswitch.conf names beside the files.
func TestElsewhere(t *testing.T) {
	for nsswitch, want := range map[string]string{
		"":                                     "",
		"passwd: files systemd\n":              "",
		"passwd:files sss\n":                   "sss",
		"  passwd:\tfiles\tldap # nis\n":       "ldap",
		"# passwd: nis\npasswd: compat\n":      "",
		"passwd: sss [NOTFOUND=return] files":  "sss",
		"passwd: files [!UNAVAIL=return]nis x": "nis x",
		"passwd_compat: nis\ngroup: ldap\n":    "",
		"passwd: files [ldap":                  "",
	} {
		if got := elsewhere([]byte(nsswitch)); got != want {
			t.Errorf("%q: %q, want %q", nsswitch, got, want)
		}
	}
}

// An account is in the groups that list it, and in that of its own number.
func TestGroupsOf(t *testing.T) {
	groups := []accounts.Group{{Name: "wheel", GID: 10, Members: []string{"ann"}}, {Name: "ann", GID: 7}, {Name: "others", GID: 8, Members: []string{"bob"}}}
	if got := groupsOf(&accounts.Account{Name: "ann", GID: 7}, groups); !slices.Equal(got, []string{"ann", "wheel"}) {
		t.Errorf("ann is in %q", got)
	}
	if got := groupsOf(&accounts.Account{Name: "bob", GID: 99}, groups); !slices.Equal(got, []string{"99", "others"}) {
		t.Errorf("bob is in %q", got)
	}
}

// What one host wrote, with whatever it takes for a separator, is no other host's account.
func TestAccountsAreToldApart(t *testing.T) {
	f := &finder{found: make(map[string]*Finding)}
	honest := accounts.Account{Name: "ann", UID: 7, GID: 7, Dir: "/home/ann", Shell: "/bin/bash"}
	made := accounts.Account{Name: "ann", UID: 7, GID: 7, Dir: "/home/ann\x00/bin/bash", Shell: "wheel"}
	f.add(&Finding{User: "ann", State: Has, Account: made}, "a-hostile")
	f.add(&Finding{User: "ann", State: Has, Account: honest, Groups: []string{"wheel"}}, "web01")
	if len(f.found) != 2 {
		t.Errorf("two accounts are %d findings", len(f.found))
	}
}
