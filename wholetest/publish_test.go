package wholetest_test

import (
	"slices"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestWhatIsPublishedIsAnswered(t *testing.T) {
	servers := redistest.Core(t, 2)
	c := connect(t, redistest.URLs(servers)...)
	publish(t, c, snapshotOf("web02", text("/etc/motd", "two\n"), text("/etc/issue", "x")))
	publish(t, c, snapshotOf("web01", text("/etc/motd", "one\n")))
	got, complete := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
	if want := []string{"web01#/etc/motd: one\n", "web02#/etc/motd: two\n"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !complete.Whole() || complete.Expected != 2 || complete.Answered != 2 {
		t.Errorf("completeness: %s", complete)
	}
}
