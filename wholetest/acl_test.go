package wholetest_test

// What hosts, readers and administrators can do with the rules that sysops acl installs.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/acl"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A confinedFleet is servers with a user for each host, for a reader and for an
// administrator. User default stays on: it is the test's own.
type confinedFleet struct {
	t         *testing.T
	servers   []*redistest.Server
	passwords string
}

func newConfinedFleet(t *testing.T, servers int, others ...string) *confinedFleet {
	t.Helper()
	f := &confinedFleet{t: t, servers: redistest.Core(t, servers), passwords: filepath.Join(t.TempDir(), "passwords")}
	users := []acl.User{acl.NewUser(acl.Host, "web01"), acl.NewUser(acl.Host, "web02"), acl.NewUser(acl.Reader, "reader"), acl.NewUser(acl.Admin, "ops")}
	for _, h := range others {
		users = append(users, acl.NewUser(acl.Host, h))
	}
	cores, err := connect(t, redistest.URLs(f.servers)...).Cores(t.Context(), sysops.Where{})
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := acl.OpenPasswords(f.passwords)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acl.Apply(t.Context(), cores, func(string) []acl.User { return users }, acl.Options{Passwords: passwords, Open: true}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *confinedFleet) password(user string) string {
	f.t.Helper()
	password, err := os.ReadFile(filepath.Join(f.passwords, user))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(password))
}

// as returns a client that is one of the users.
func (f *confinedFleet) as(user string) *sysops.Client {
	f.t.Helper()
	return connectTo(f.t, sysops.ServerList(redistest.URLs(f.servers)...), sysops.Options{
		User: user, Password: f.password(user), BasesFolder: f.t.TempDir(), Timeout: redistest.Patience,
	})
}

// states is what all servers hold.
func (f *confinedFleet) states() string {
	f.t.Helper()
	var all strings.Builder
	for _, s := range f.servers {
		all.WriteString(state(f.t, s))
	}
	return all.String()
}

// A host's push does all that any push does, with the rules of its role: objects come,
// change, are renewed and go. It is what readers see.
func TestAHostPushesWithItsRules(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 2)
	c := f.as("host:web01")
	for v := range 5 {
		r, err := c.Publish(t.Context(), "", versions(v))
		if err != nil {
			t.Fatalf("push %d: %v", v, err)
		}
		for _, s := range r.Servers {
			if len(s.Refused) > 0 {
				t.Errorf("push %d: %+v", v, s.Refused)
			}
		}
		open := connect(t, redistest.Start(t).URL())
		publish(t, open, versions(v))
		q := sysops.Query{Pattern: pattern(t, "web01#*")}
		want, _ := contents(t, open, q)
		got, complete := contents(t, f.as("reader"), q)
		equalLists(t, fmt.Sprintf("push %d", v), got, want)
		if complete.Partial() {
			t.Errorf("push %d: %s", v, complete)
		}
	}
	for _, s := range f.servers {
		warnings, err := c.CheckServer(t.Context(), s.URL(), "web01")
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "gives no permission for SET") {
			t.Errorf("check: %v, %q; want a word about bases alone", err, warnings)
		}
	}
}

// leave works with a host's rules: nobody misses the host afterwards, and others stay.
func TestAHostLeavesWithItsRules(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 2)
	for _, host := range []string{"web01", "web02"} {
		publish(t, f.as("host:"+host), snapshotOf(host, text("/etc/motd", host), text("/etc/issue", host)))
	}
	if n, err := f.as("host:web01").Leave(t.Context(), "", "web01"); n != 2 || err != nil {
		t.Errorf("%d objects were removed, %v", n, err)
	}
	got, complete := contents(t, f.as("reader"), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	equalLists(t, "those who stay", got, []string{"web02#/etc/motd: web02"})
	if !complete.Whole() {
		t.Errorf("%s", complete)
	}
	publish(t, f.as("host:web01"), snapshotOf("web01", text("/etc/motd", "back")))
	got, _ = contents(t, f.as("reader"), sysops.Query{Pattern: pattern(t, "/etc/motd")})
	equalLists(t, "after its next push", got, []string{"web01#/etc/motd: back", "web02#/etc/motd: web02"})
}

// With the user of another host, a push is refused and named, and nothing is other than
// before.
func TestAHostPushesAsNobodyElse(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 2)
	own, other := f.as("host:web01"), f.as("host:web02")
	snap := func(host, contents string) snapshot.Snapshot {
		return snapshotOf(host, text("/etc/motd", contents), text("/etc/issue", contents))
	}
	publish(t, own, snap("web01", "mine"))
	publish(t, other, snap("web02", "theirs"))
	before := f.states()
	_, err := own.Publish(t.Context(), "", snap("web02", "forged"))
	if !errors.Is(err, sysops.ErrServerPermission) || !strings.Contains(err.Error(), "no permission for HGETALL") {
		t.Errorf("%v", err)
	}
	if _, err := own.CheckServer(t.Context(), f.servers[0].URL(), "web02"); !errors.Is(err, sysops.ErrServerPermission) {
		t.Errorf("check: %v", err)
	}
	if _, err := own.Leave(t.Context(), "", "web02"); !errors.Is(err, sysops.ErrServerPermission) {
		t.Errorf("it takes leave for another: %v", err)
	}
	if _, _, err := own.Forget(t.Context(), hosts(t, "web02")); err == nil {
		t.Error("it has another host forgotten")
	}
	if _, err := own.GC(t.Context(), sysops.Where{}, 0); err == nil {
		t.Error("it prunes the index")
	}
	if _, err := own.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")}); err == nil {
		t.Error("it asks questions")
	}
	if after := f.states(); after != before {
		t.Errorf("something has changed:\n%s", diffOf(before, after))
	}
}

// What a reader asks, with the words for it.
var questions = map[string]func(t *testing.T, c *sysops.Client) error{
	"contents": func(t *testing.T, c *sysops.Client) error {
		a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "*#*")})
		if err != nil {
			return err
		}
		for _, err := range a.Objects(t.Context(), sysops.Contents, sysops.StatOf) {
			if err != nil {
				return err
			}
		}
		return a.Close(t.Context())
	},
	"hosts": func(t *testing.T, c *sysops.Client) error {
		_, _, err := c.Hosts(t.Context(), sysops.Where{})
		return err
	},
	"info": func(t *testing.T, c *sysops.Client) error { return infoError(c.Info(t.Context(), sysops.Where{})) },
	"queries": func(t *testing.T, c *sysops.Client) error {
		_, err := c.Queries(t.Context(), sysops.Where{}, 9)
		return err
	},
	"memory": func(t *testing.T, c *sysops.Client) error {
		_, _, err := c.Memory(t.Context(), sysops.Where{}, 2)
		return err
	},
	"disagreements": func(t *testing.T, c *sysops.Client) error {
		_, _, err := c.Disagreements(t.Context(), sysops.Where{}, 2)
		return err
	},
}

func infoError(servers []sysops.ServerInfo, _ *sysops.Completeness, err error) error {
	for _, s := range servers {
		if err == nil && s.Error != "" {
			err = errors.New(s.Error)
		}
	}
	return err
}

// A reader asks whatever there is to ask, and changes nothing but the record of queries.
func TestAReaderAsksWithItsRules(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 2)
	for _, host := range []string{"web01", "web02"} {
		publish(t, connect(t, redistest.URLs(f.servers)...), snapshotOf(host, text("/etc/motd", host+noise(4000, 1)), text("/etc/issue", "x")))
	}
	reader := f.as("reader")
	before := f.states()
	for name, question := range questions {
		if err := question(t, reader); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if records, err := reader.Queries(t.Context(), sysops.Where{}, 9); err != nil || len(records) == 0 {
		t.Errorf("the record of queries: %v, %v", records, err)
	}
	if _, err := reader.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "forged"))); !errors.Is(err, sysops.ErrServerPermission) {
		t.Errorf("it pushes: %v", err)
	}
	if _, _, err := reader.Forget(t.Context(), hosts(t, "web01")); !errors.Is(err, sysops.ErrServerPermission) {
		t.Errorf("it has a host forgotten: %v", err)
	}
	if after := f.states(); after != before {
		t.Errorf("something has changed:\n%s", diffOf(before, after))
	}
}

// An administrator does all that changes servers.
func TestAnAdministratorAdministersWithItsRules(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 2)
	open := connect(t, redistest.URLs(f.servers)...)
	for _, host := range []string{"web01", "web02"} {
		publish(t, open, snapshotOf(host, text("/etc/motd", host)))
	}
	for _, s := range f.servers {
		s.Must("SADD", "$on:/etc/motd", "ghost")
		s.Must("SADD", "$names", "/nothing")
		s.Must("RPUSH", "old01#/etc/motd", "x", "y", "{}", "{}", "1")
	}
	ops := f.as("ops")
	if _, err := ops.Adopt(t.Context(), sysops.Where{}); err != nil {
		t.Error(err)
	}
	for _, s := range f.servers {
		if s.Must("SISMEMBER", "$on:/etc/motd", "old01") != int64(1) {
			t.Error("nothing was adopted")
		}
		s.Must("DEL", "old01#/etc/motd")
	}
	if changes, err := ops.GC(t.Context(), sysops.Where{}, 0); err != nil || len(changes) != 2 {
		t.Error(changes, err)
	}
	if _, n, err := ops.Forget(t.Context(), hosts(t, "web01,old01")); err != nil || n != 1 {
		t.Error(n, err)
	}
	for name, question := range questions {
		if err := question(t, ops); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	cores, err := ops.Cores(t.Context(), sysops.Where{})
	if err != nil {
		t.Fatal(err)
	}
	made := func(string) []acl.User { return []acl.User{acl.NewUser(acl.Host, "web03")} }
	if changes, err := acl.Apply(t.Context(), cores, made, acl.Options{Open: true}); err != nil || len(changes) != 2 {
		t.Errorf("%v, %v", changes, err)
	}
}

// Whichever command a server refuses, a question says which, and that the server refuses
// it: nothing is down, and nothing went down.
func TestARefusedCommandIsNamedByEveryQuestion(t *testing.T) {
	t.Parallel()
	f := newConfinedFleet(t, 1)
	publish(t, connect(t, f.servers[0].URL()), snapshotOf("web01", text("/etc/motd", noise(4000, 1))))
	reader := f.as("reader")
	named := make(map[string]bool)
	for _, command := range strings.Fields("time get zrange zrangebyscore sscan smembers hkeys hget hexists lindex info publish xrevrange memory|usage scard zcard srandmember") {
		f.servers[0].Must("ACL", "SETUSER", "reader", "-"+command)
		upper := strings.ToUpper(strings.Split(command, "|")[0])
		for name, question := range questions {
			err := question(t, reader)
			if err == nil {
				continue
			}
			if !errors.Is(err, sysops.ErrServerPermission) && name != "info" || !strings.Contains(err.Error(), "no permission for "+upper+":") || strings.Contains(err.Error(), "down") {
				t.Errorf("%s without %s: %v", name, command, err)
			}
			named[command] = true
		}
		f.servers[0].Must("ACL", "SETUSER", "reader", "+"+command)
	}
	for _, command := range strings.Fields("time zrange zcard sscan lindex info publish xrevrange") {
		if !named[command] {
			t.Errorf("no question minds that %s is refused", command)
		}
	}
}
