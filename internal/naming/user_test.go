package naming

import (
	"errors"
	"strings"
	"testing"
)

func TestAHostsUserLeadsBackToTheHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"web01", "web01.example.com", "::1", "a:b", "..", "host:web01"} {
		if got, ok := HostOfUser(HostUser(host)); got != host || !ok {
			t.Errorf("%s: %q, %v", host, got, ok)
		}
	}
	for _, user := range []string{"web01", "default", "host:", "host:Web01", "host:web*", "Host:web01", "host:web01 "} {
		if host, ok := HostOfUser(user); ok {
			t.Errorf("%q is taken for the user of %q", user, host)
		}
	}
}

// What ParseUser takes can be a word of a rule, a file's name and a line of an ACL file,
// and is nobody else's name.
func TestNamesOfUsers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ops", "Grafana-2", "a.b_c", strings.Repeat("x", 64)} {
		if got, err := ParseUser(name); got != name || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "default", "host:web01", "a b", "a/b", ".", "..", "a\nb", "*", "a\x00", "müller", strings.Repeat("x", 65)} {
		if _, err := ParseUser(name); !errors.Is(err, ErrBadUser) {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}
