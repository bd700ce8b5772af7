package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// An administration is a server, and an administrator with a folder of passwords.
type administration struct {
	t         *testing.T
	server    *redistest.Server
	passwords string
	config    string // of the administrator
}

func newAdministration(t *testing.T) *administration {
	t.Helper()
	dir := t.TempDir()
	a := &administration{t: t, server: redistest.Start(t), passwords: filepath.Join(dir, "passwords"), config: filepath.Join(dir, "config.yaml")}
	conf := fmt.Sprintf("redis: {user: ops, password_file: %s, timeout: 5m}\n", filepath.Join(a.passwords, "ops"))
	if err := os.WriteFile(a.config, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// sysops runs the command, as the administrator where admin says so, and returns its exit
// status and what it printed.
func (a *administration) sysops(admin bool, args ...string) (code int, stdout, stderr string) {
	a.t.Helper()
	config := os.DevNull
	if admin {
		config = a.config
	}
	var out, errs bytes.Buffer
	args = append([]string{"sysops"}, append(args, "--server", a.server.URL(), "--config", config)...)
	code = run(a.t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// must runs the command, which has to end well.
func (a *administration) must(admin bool, args ...string) (stdout, stderr string) {
	a.t.Helper()
	code, stdout, stderr := a.sysops(admin, args...)
	if code != exitMatch {
		a.t.Errorf("%q: exit status %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout, stderr
}

// The way of docs/security.md: an administrator and the hosts get users while user default is
// on, it is turned off, and then the rules are proved.
func TestAServerGetsItsUsers(t *testing.T) {
	isolateConfig(t)
	a := newAdministration(t)
	publish(t, a.server.URL(), "web01", "/etc/motd", "hello\n")
	publish(t, a.server.URL(), "web02", "/etc/motd", "hello\n")
	apply := []string{"--passwords", a.passwords, "--apply"}

	code, _, stderr := a.sysops(false, append([]string{"acl", "admin", "ops"}, apply...)...)
	if code != exitError || !strings.Contains(stderr, "user default of server "+a.server.Addr()+"/0 is on") || !strings.Contains(stderr, "--default-on") {
		t.Errorf("while user default is on: exit status %d\n%s", code, stderr)
	}
	stdout, stderr := a.must(false, append([]string{"acl", "admin", "ops", "--default-on"}, apply...)...)
	if !strings.Contains(stdout, "1 user") || !strings.Contains(stderr, "vanish when it restarts") {
		t.Errorf("an administrator:\n%s%s", stdout, stderr)
	}
	a.must(true, append([]string{"acl", "host", "--hosts", "web*,new01", "--default-on"}, apply...)...)
	a.must(true, append([]string{"acl", "reader", "bob", "--default-on"}, apply...)...)
	a.server.Must("ACL", "SETUSER", "default", "off")

	stdout, _ = a.must(true, append([]string{"acl", "host", "web03"}, apply...)...)
	if !strings.Contains(stdout, "1 user") {
		t.Errorf("another host:\n%s", stdout)
	}
	stdout, _ = a.must(true, "acl", "test")
	for _, want := range []string{"user default, RESET", "ok: of 4 users", "as host", "as reader", "as admin"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the proof says nothing of %q:\n%s", want, stdout)
		}
	}
	for _, user := range []string{"ops", "bob", "host:web01", "host:web02", "host:web03", "host:new01"} {
		fi, err := os.Stat(filepath.Join(a.passwords, user))
		if err != nil || fi.Mode() != 0o600 {
			t.Errorf("the password of %s: %v, %v", user, fi, err)
		}
	}
}

// No password is printed, whatever is: the rules have its digest.
func TestPasswordsAreNotPrinted(t *testing.T) {
	isolateConfig(t)
	a := newAdministration(t)
	var printed strings.Builder
	for _, args := range [][]string{
		{"acl", "host", "web01"},
		{"acl", "host", "web01", "--weak", "--format", "json"},
		{"acl", "reader", "bob", "--aclfile"},
		{"acl", "admin", "ops", "--apply", "--default-on"},
		{"acl", "host", "web01", "--apply"},
		{"acl", "test"},
	} {
		if args[1] != "test" {
			args = append(args, "--passwords", a.passwords)
		}
		_, stdout, stderr := a.sysops(args[1] == "test", args...)
		printed.WriteString(stdout + stderr)
	}
	seen := 0
	err := filepath.WalkDir(a.passwords, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		password, err := os.ReadFile(path)
		if seen++; strings.Contains(printed.String(), strings.TrimSpace(string(password))) {
			t.Errorf("the password of %s is printed:\n%s", d.Name(), &printed)
		}
		return err
	})
	if err != nil || seen != 3 {
		t.Errorf("%d passwords, %v", seen, err)
	}
}

// Rules are printed without any server, and say what is missing.
func TestRulesArePrinted(t *testing.T) {
	isolateConfig(t)
	t.Setenv("SYSOPS_SERVER", "")
	for _, row := range []struct {
		args   string
		code   int
		stdout string // a line begins so
		stderr string
	}{
		{"host WEB01 --passwords $DIR", exitMatch, "ACL SETUSER host:web01 reset on '#", ""},
		{"host web01 web02", exitMatch, "ACL SETUSER host:web01 reset on resetchannels '~web01#*' '~$of:web01' +auth", "these users have no password"},
		{"host web01 --aclfile --passwords $DIR", exitMatch, "user host:web01 reset on #", ""},
		{"reader bob --passwords $DIR", exitMatch, "ACL SETUSER bob reset on '#", ""},
		{"host web*", exitError, "", "not a host name"},
		{"host", exitError, "", "no host is named"},
		{"reader default", exitError, "", "not the name of a user"},
		{"reader host:web01", exitError, "", "not the name of a user"},
		{"admin ../ops", exitError, "", "not the name of a user"},
		{"host web01 --apply", exitError, "", "--passwords names the folder"},
		{"host web01 --apply --aclfile --passwords $DIR", exitError, "", "cannot combine"},
	} {
		var stdout, stderr bytes.Buffer
		line := strings.Fields("sysops acl " + strings.ReplaceAll(row.args, "$DIR", filepath.Join(t.TempDir(), "p")))
		code := run(t.Context(), line, strings.NewReader(""), &stdout, &stderr)
		if code != row.code || !strings.HasPrefix(stdout.String(), row.stdout) || row.stdout == "" && stdout.Len() > 0 ||
			!strings.Contains(stderr.String(), row.stderr) || row.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%s: exit status %d\n%s%s", row.args, code, &stdout, &stderr)
		}
	}
}

// Those hosts get users that a server vouches for, and those that gc has verified, though no
// server has them now; a host that only the index speaks of, as any host can have it do, gets
// none.
func TestHostsOfTheRosterGetUsers(t *testing.T) {
	t.Parallel()
	a := newAdministration(t)
	now := fmt.Sprint(time.Now().Unix())
	a.server.Must("SADD", "$roster", "web01", "web02")
	a.server.Must("HSET", "$of:web01", "$machine", "m", "$push", now, "$expires", now)
	for _, host := range []string{"web01", "ghost"} {
		a.server.Must("ZADD", "$hosts", now, host)
		a.server.Must("ZADD", "$live", now, host)
	}
	_, stdout, stderr := a.sysops(false, "acl", "host", "--hosts", "*")
	for host, want := range map[string]bool{"web01": true, "web02": true, "ghost": false} {
		if got := strings.Contains(stdout, "SETUSER host:"+host+" "); got != want {
			t.Errorf("%s gets a user: %v, want %v\n%s%s", host, got, want, stdout, stderr)
		}
	}
}
