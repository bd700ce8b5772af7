package wholetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A server that is older than Redis 7 takes pushes without bases, which is found out once:
// what changes from then on is sent once, and nobody is told an error.
func TestAServerBeforeRedis7TakesPushesWithoutBases(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	url := redistest.AsRedis6(t, server)
	c := connectTo(t, sysops.ServerList(url), sysops.Options{})
	push := func(contents string) snapshot.ServerReport {
		t.Helper()
		report, err := c.Publish(t.Context(), "", snapshot.Snapshot{Host: "web01", Machine: "m", Sources: []snapshot.Source{{
			Name: "/etc/hosts.txt", Read: func(context.Context) (snapshot.Content, error) { return snapshot.Content{Data: []byte(contents)}, nil },
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return report.Servers[0]
	}
	first := push(fmt.Sprintf("%x\n", noise(30_000, 1)))
	if !first.BeforeRedis7 || first.Err != nil || len(first.Refused) > 0 {
		t.Errorf("the first push says %+v", first)
	}
	second := push(fmt.Sprintf("%x\n", noise(30_000, 2)))
	if len(second.Refused) > 0 || second.Replaced != 1 || second.Sent > first.Sent*2/3 {
		t.Errorf("the first push sent %d bytes, the second %d: %+v", first.Sent, second.Sent, second)
	}
	if bases := server.Must("KEYS", "$base:*"); len(bases.([]any)) > 0 {
		t.Errorf("there are bases that nobody can renew: %v", bases)
	}
}
