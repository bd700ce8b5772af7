package sudoers

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestGlobMatch(t *testing.T) {
	path := globMode{pathname: true, period: true}
	for _, c := range []struct {
		pattern, text string
		mode          globMode
		want          bool
	}{
		{"", "", globMode{}, true},
		{"*", "", globMode{}, true},
		{"a*c*e", "abcde", globMode{}, true},
		{"a*c*e", "abcdf", globMode{}, false},
		{"*/b", "a/x/b", globMode{}, true},
		{"*/b", "a/x/b", path, false},
		{"/a/*", "/a/.b", path, false},
		{"/a/.*", "/a/.b", path, true},
		{"/a/?b", "/a/.b", globMode{pathname: true}, true},
		{"/a?b", "/a/b", path, false},
		{"/a[/]b", "/a/b", path, false},
		{"[]a]", "]", globMode{}, true},
		{"[!]a]", "]", globMode{}, false},
		{"[a-]", "-", globMode{}, true},
		{"[a", "[a", globMode{}, true},
		{"[[:alpha:]][[:digit:]]", "a1", globMode{}, true},
		{"[[:upper:]]", "a", globMode{}, false},
		{"[[:upper:]]", "a", globMode{fold: true}, true},
		{`[\]]`, "]", globMode{}, true},
		{"WEB[A-C]", "webb", globMode{fold: true}, true},
		{`\*`, "*", globMode{}, true},
		{`\*`, "x", globMode{}, false},
		{`a\`, `a\`, globMode{}, true},
		{strings.Repeat("a*", 1000) + "b", strings.Repeat("a", 5000), globMode{}, false},
	} {
		if got := globMatch(c.pattern, c.text, c.mode); got != c.want {
			t.Errorf("%.40q with %.40q, %+v: %v", c.pattern, c.text, c.mode, got)
		}
	}
}

// A network without a mask is that of an interface, and a mask may have holes.
func TestOnNetwork(t *testing.T) {
	got := []netip.Prefix{netip.MustParsePrefix("10.1.2.3/24"), netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("10.8.0.2/32")}
	for text, is := range map[string]bool{"fe80::/10": true, "fe80::": true, "fe80::1": true, "fe80::2": false, "fd00::/8": false, "ffff::/ffff::": false, "fe80::9/ffff::": true} {
		if onNetwork(got, text) != is {
			t.Errorf("%s: %v", text, !is)
		}
	}
}

func TestUndecided(t *testing.T) {
	host := &Host{Name: "web01.example.com"}
	for sudoers, want := range map[string]string{
		"+admins ALL = ALL":                       "the users of netgroup +admins",
		"bob +web = ALL":                          "the hosts of netgroup +web",
		"bob 10.0.0.0/8 = ALL":                    "whether its address is in 10.0.0.0/8",
		"Defaults group_plugin=x\n%:ad ALL = ALL": "the users of %:ad, which a plugin of sudo knows",
		"ann +web = ALL":                          "",
		"bob ALL = ALL":                           "",
	} {
		p := Assemble(Files{"/etc/sudoers": Parse([]byte(sudoers))}, "/etc/sudoers", "web01")
		if _, undecided := p.Entries(host, "bob"); strings.Join(undecided, ", ") != want {
			t.Errorf("%q: %q, want %q", sudoers, undecided, want)
		}
	}
	p := Assemble(Files{"/etc/sudoers": Parse([]byte("bob ALL = /bin/x ^a{9999}$\n"))}, "/etc/sudoers", "web01")
	if d, undecided := p.Decide(host, "bob", "/bin/x a", "", time.Time{}); d.Allowed || len(undecided) != 1 {
		t.Errorf("%+v, undecided %q", d, undecided)
	}
}

func TestPasswords(t *testing.T) {
	for sudoers, want := range map[string][2]bool{ // no password; because of Defaults
		"bob ALL = ALL":                                                    {false, false},
		"bob ALL = NOPASSWD: ALL":                                          {true, false},
		"bob ALL = /bin/ls, NOPASSWD: /bin/id":                             {true, false},
		"bob ALL = NOPASSWD: !ALL":                                         {false, false},
		"Defaults !authenticate\nbob ALL = ALL":                            {true, true},
		"Defaults !authenticate\nbob ALL = PASSWD: ALL":                    {false, false},
		"Defaults:ann !authenticate\nbob ALL = ALL":                        {false, false},
		"Defaults:bob !authenticate\nbob ALL = ALL":                        {true, true},
		"Defaults:bob !authenticate\nDefaults authenticate\nbob ALL = ALL": {false, false},
		"Defaults exempt_group=dba\nbob ALL = ALL":                         {true, true},
		"Defaults exempt_group=wheel\nbob ALL = ALL":                       {false, false},
	} {
		p := Assemble(Files{"/etc/sudoers": Parse([]byte(sudoers))}, "/etc/sudoers", "web01")
		entries, _ := p.Entries(testHost(nil), "bob")
		if got := [2]bool{entries[0].NoPassword, entries[0].DefaultsNoPassword}; len(entries) != 1 || got != want {
			t.Errorf("%q: %v, want %v", sudoers, got, want)
		}
		if d, _ := p.Decide(testHost(nil), "bob", "/bin/id", "", time.Time{}); d.Allowed && d.NoPassword != want[0] {
			t.Errorf("%q: the decision says %v", sudoers, d.NoPassword)
		}
	}
}

// "sudo -l" does not show that Defaults for a command or a run-as user spare the password:
// these are sudo's rules by its manual.
func TestPasswordsOfCommands(t *testing.T) {
	const sudoers = "Defaults!/bin/id, /bin/l* !authenticate\nDefaults>op !authenticate\nbob ALL = (ALL) ALL"
	p := Assemble(Files{"/etc/sudoers": Parse([]byte(sudoers))}, "/etc/sudoers", "web01")
	for _, c := range []struct {
		as, command string
		want        bool
	}{{"", "/bin/id", true}, {"", "/usr/bin/ls x", true}, {"", "/bin/cat", false}, {"op", "/bin/cat", true}, {"eve", "/bin/cat", false}} {
		if d, _ := p.Decide(testHost(nil), "bob", c.command, c.as, time.Time{}); !d.Allowed || d.NoPassword != c.want {
			t.Errorf("%+v: %+v", c, d)
		}
	}
}

func TestConditions(t *testing.T) {
	const digest = "sha224:11111111111111111111111111111111111111111111111111111111"
	for sudoers, want := range map[string]string{
		"bob ALL = " + digest + " /bin/id":                                  "its digest is " + digest,
		"bob ALL = ALL, " + digest + " !/bin/id":                            "its digest is not " + digest,
		"bob ALL = " + digest + " /bin/ls, /bin/id":                         "",
		"Cmnd_Alias C = " + digest + " /bin/id\nbob ALL = ALL, !C":          "its digest is not " + digest,
		"Cmnd_Alias C = " + digest + " !/bin/id\nbob ALL = !C":              "its digest is " + digest,
		"Cmnd_Alias C = " + digest + " /bin/id : D = !C\nbob ALL = ALL, !D": "its digest is " + digest,
		"bob ALL = " + digest + ", " + digest + " ALL":                      "its digest is " + digest + " or " + digest,
	} {
		p := Assemble(Files{"/etc/sudoers": Parse([]byte(sudoers))}, "/etc/sudoers", "web01")
		if d, _ := p.Decide(testHost(nil), "bob", "/bin/id", "", time.Time{}); !d.Allowed || d.Condition != want {
			t.Errorf("%q: %+v, want %q", sudoers, d, want)
		}
	}
}

// A run-as user whom the host's passwd does not have may come from a directory service.
func TestRunAsWithoutAccount(t *testing.T) {
	p := Assemble(Files{"/etc/sudoers": Parse([]byte("bob ALL = (ALL) ALL, (op) !/bin/ls"))}, "/etc/sudoers", "web01")
	for as, want := range map[string]string{"nosuch": "nosuch has an account there", "op": "", "": ""} {
		if d, _ := p.Decide(testHost(nil), "bob", "/bin/id", as, time.Time{}); !d.Allowed || d.Condition != want {
			t.Errorf("as %q: %+v, want %q", as, d, want)
		}
	}
	if d, _ := p.Decide(testHost(nil), "bob", "/bin/ls", "op", time.Time{}); d.Allowed || d.Condition != "" {
		t.Errorf("denied: %+v", d)
	}
}

// sudoedit is no command that "sudo -l" decides: these are sudo's rules by its manual.
func TestSudoedit(t *testing.T) {
	for _, c := range []struct {
		sudoers, command string
		want             bool
	}{
		{"bob ALL = sudoedit /etc/*", "sudoedit /etc/motd", true},
		{"bob ALL = sudoedit /etc/*", "sudoedit /etc/a/b", false},
		{"bob ALL = sudoedit", "sudoedit /any", true},
		{"bob ALL = /usr/bin/sudoedit /etc/motd", "sudoedit /etc/motd", true},
		{"bob ALL = sudoedit ^/etc/(a|b)$", "sudoedit /etc/b", true},
		{"bob ALL = /usr/bin/*", "sudoedit /etc/motd", false},
		{"bob ALL = ALL", "sudoedit /etc/motd", true},
	} {
		p := Assemble(Files{"/etc/sudoers": Parse([]byte(c.sudoers))}, "/etc/sudoers", "web01")
		if d, _ := p.Decide(testHost(nil), "bob", c.command, "", time.Time{}); d.Allowed != c.want {
			t.Errorf("%s: %s: %v", c.sudoers, c.command, d.Allowed)
		}
	}
}
