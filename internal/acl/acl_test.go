package acl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/store"
)

func open(t *testing.T, s *redistest.Server, o store.Options) *store.Server {
	t.Helper()
	o.Timeout = redistest.Patience
	one, err := store.Open(s.URL(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.Close() })
	return one
}

func passwords(t *testing.T) *Passwords {
	t.Helper()
	p, err := OpenPasswords(filepath.Join(t.TempDir(), "passwords"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// closed is a server whose user default is off, and an administrator's connection to it.
func closed(t *testing.T, lines ...string) (*redistest.Server, *store.Server) {
	t.Helper()
	s := redistest.Start(t, redistest.Config(append(lines, "user boss on >secret ~* &* +@all")...))
	s.Must("ACL", "SETUSER", "default", "off")
	return s, open(t, s, store.Options{User: "boss", Password: "secret"})
}

func hosts(names ...string) func(string) []User {
	var users []User
	for _, n := range names {
		users = append(users, NewUser(Host, n))
	}
	return func(string) []User { return users }
}

// Every command of the server, on keys of every kind, is run by a user of each role, and does
// nothing but what the role is for.
func TestARoleIsWhatItNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	found, err := Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(Roles) {
		t.Errorf("%d roles were tried, want %d", len(found), len(Roles))
	}
	for _, f := range found {
		if f.Err != nil || len(f.Faults) > 0 {
			t.Errorf("%s: %v, %v", f.What, f.Err, f.Faults)
		}
		if f.May == 0 || f.Tried < 1000 {
			t.Errorf("%s: %d lines were tried, %d may be run", f.What, f.Tried, f.May)
		}
	}
}

// What a server would let a host do is what the rules grant, by the server's own word; and
// never anything to another host's keys.
func TestWhatAServerSaysThatAHostMayDo(t *testing.T) {
	t.Parallel()
	_, admin := closed(t)
	if _, err := Apply(t.Context(), []Core{{Servers: []*store.Server{admin}}}, hosts("web01", "web01.example.com", "::1"), Options{}); err != nil {
		t.Fatal(err)
	}
	for _, f := range Test(t.Context(), []Core{{Servers: []*store.Server{admin}}}) {
		if f.Err != nil || len(f.Faults) > 0 {
			t.Errorf("%s: %v, %v", f.What, f.Err, f.Faults)
		}
		if strings.HasPrefix(f.What, "hosts") && (f.Users != 3 || f.Tried < 1000 || f.May == 0) {
			t.Errorf("%+v: all three have the same rules", f)
		}
	}
	u := NewUser(Host, "web01")
	all, err := admin.Commands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range grid(all, u) {
		for _, k := range l.keys {
			others := strings.Contains(k, otherHost) || strings.Contains(k, "x#") || strings.Contains(k, "xweb01") || strings.HasSuffix(k, "web01x")
			if others && u.May(l.command, l.keys, l.channels) {
				t.Errorf("the rules grant %s", &l)
			}
		}
	}
}

// A rule too many, in any user's rules, is found.
func TestARuleTooManyIsFound(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{"(~db7#* +lindex)", "~$roster", "(~* +strlen)", "(~$hosts +del)", "+keys", "&*", "(~web* +lindex)", "+config|get", "-hset"} {
		t.Run(extra, func(t *testing.T) {
			t.Parallel()
			s, admin := closed(t)
			cores := []Core{{Servers: []*store.Server{admin}}}
			if _, err := Apply(t.Context(), cores, hosts("web01", "web02", "web03"), Options{}); err != nil {
				t.Fatal(err)
			}
			rule := []string{"ACL", "SETUSER", "host:web02", extra}
			if extra == "-hset" {
				rule = append([]string{"ACL", "SETUSER", "host:web02"}, NewUser(Host, "web02").Rules(false)[:4]...)
			}
			if extra == "~$roster" || extra == "&*" {
				rule = append(rule, "+smembers", "+publish")
			}
			if errs, err := admin.Run(t.Context(), [][]string{rule}); err != nil || errs[0] != nil {
				t.Fatal(err, errs)
			}
			var faults []string
			users := 0
			for _, f := range Test(t.Context(), cores) {
				for _, fault := range f.Faults {
					faults = append(faults, fault.String())
				}
				if strings.HasPrefix(f.What, "hosts") {
					users += f.Users
				}
			}
			if users != 3 || len(faults) == 0 || slices.ContainsFunc(faults, func(f string) bool { return !strings.Contains(f, "host:web02") }) {
				t.Errorf("%d users, and faults %q", users, faults)
			}
			_ = s
		})
	}
}

// While user default is on, anybody is whoever he likes: nothing is done at any server.
func TestUsersAreRefusedWhileDefaultIsOn(t *testing.T) {
	t.Parallel()
	good, goodAdmin := closed(t)
	for _, row := range []struct {
		rules   []string
		refused bool
	}{
		{[]string{"on", "nopass", "~*", "+@all"}, true},
		{[]string{"reset", "on", ">shared", "~*", "&*", "+@all"}, true},
		{[]string{"reset", "on", "nopass", "+ping", "+publish", "&*"}, true},
		{[]string{"reset", "on", "nopass", "+config|get"}, true},
		{[]string{"reset", "on", "nopass", "(%R~web* +strlen)"}, true},
		{[]string{"reset", "on", "nopass", "+ping", "+info", "+role"}, false},
		{[]string{"reset", "on", "nopass", "-@all"}, false},
		{[]string{"off"}, false},
	} {
		t.Run(strings.Join(row.rules, " "), func(t *testing.T) {
			_, admin := closed(t)
			words := append([]string{"ACL", "SETUSER", "default"}, row.rules...)
			if errs, err := admin.Run(t.Context(), [][]string{words}); err != nil || errs[0] != nil {
				t.Fatal(err, errs)
			}
			cores := []Core{{Servers: []*store.Server{goodAdmin, admin}}}
			_, err := Apply(t.Context(), cores, hosts("web01"), Options{})
			var cause *hint.Error
			if refused := errors.As(err, &cause) && cause.Cause == hint.OpenACL; refused != row.refused || err != nil != row.refused {
				t.Errorf("%v; refused: %v, want %v", err, refused, row.refused)
			}
			list, err := goodAdmin.UserNames(t.Context())
			if made := slices.Contains(list, "host:web01"); err != nil || made == row.refused {
				t.Errorf("a user was made at the good server: %v, %v", made, err)
			}
			if _, err := Apply(t.Context(), cores, hosts("web02"), Options{Open: true}); err != nil {
				t.Errorf("what is to be: %v", err)
			}
			if errs, err := goodAdmin.Run(t.Context(), [][]string{{"ACL", "DELUSER", "host:web01", "host:web02"}}); err != nil || errs[0] != nil {
				t.Error(err, errs)
			}
		})
	}
	_ = good
}

// A password is made once, is for its owner alone, and is the same at every server.
func TestPasswordsAreKeptForTheirOwner(t *testing.T) {
	t.Parallel()
	p := passwords(t)
	first, err := p.rule("host:::1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.rule("host:::1")
	other, err2 := p.rule("host:web01")
	if first != again || first == other || err != nil || err2 != nil {
		t.Errorf("%s, %s, %s, %v, %v", first, again, other, err, err2)
	}
	fi, err := os.Stat(filepath.Join(p.folder, "host:::1"))
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("the file: %v, %v", fi.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o750, 0o701, 0o777} {
		if err := os.Chmod(p.folder, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPasswords(p.folder); err == nil || !strings.Contains(err.Error(), "chmod 700") {
			t.Errorf("a folder of mode %o: %v", mode, err)
		}
	}
}

// A password that is made for a host would be its folder's owner's.
func TestNoPasswordsAreKeptInFoldersOfOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(home, folder string) error{
		"the folder is another user's": func(_, folder string) error { return os.Chown(folder, 12345, 12345) },
		"the home is another user's":   func(home, _ string) error { return os.Chown(home, 12345, 12345) },
		"the home is open":             func(home, _ string) error { return os.Chmod(home, 0o777) },
		"a link of another user's leads there": func(home, folder string) error {
			return errors.Join(os.Chmod(home, 0o777|fs.ModeSticky), os.Rename(folder, folder+".own"), os.Symlink(folder+".own", folder), os.Lchown(folder, 12345, 12345))
		},
		"a link of another user's leads to where it would be": func(home, folder string) error {
			return errors.Join(os.Chmod(home, 0o777|fs.ModeSticky), os.Remove(folder), os.Symlink(folder+".none", folder), os.Lchown(folder, 12345, 12345))
		},
	} {
		home := t.TempDir()
		folder := filepath.Join(home, "passwords")
		if err := errors.Join(os.Mkdir(folder, 0o700), change(home, folder)); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPasswords(folder); err == nil {
			t.Errorf("where %s, they are kept", name)
		}
		if made, err := filepath.Glob(filepath.Join(home, "passwords.none")); err != nil || len(made) > 0 {
			t.Errorf("where %s, there is %q, %v", name, made, err)
		}
	}
}

// Users outlive a restart where the server has a file for them, and where not, that is told.
func TestUsersAreSavedWhereThereIsAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(file, []byte("user default on nopass ~* &* +@all\nuser boss on >secret ~* &* +@all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := redistest.Start(t, redistest.Config("aclfile "+file))
	admin := open(t, s, store.Options{User: "boss", Password: "secret"})
	s.Must("ACL", "SETUSER", "default", "off")
	_, without := closed(t)
	changes, err := Apply(t.Context(), []Core{{Servers: []*store.Server{admin, without}}}, hosts("web01"), Options{Passwords: passwords(t)})
	if err != nil || len(changes) != 2 {
		t.Fatal(err, changes)
	}
	if c := changes[0]; !c.Saved || c.Fleeting != nil || c.Users != 1 {
		t.Errorf("with a file: %+v", c)
	}
	if c := changes[1]; c.Saved || c.Fleeting == nil || !strings.Contains(c.Fleeting.Error(), "vanish when it restarts") {
		t.Errorf("without: %+v", c)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "user host:web01 on ") {
		t.Errorf("%v: %s", err, text)
	}
}

// A server that cannot be asked keeps nothing from the others, and is told.
func TestADeadServerKeepsNoUserFromOthers(t *testing.T) {
	t.Parallel()
	dead := redistest.Start(t)
	dead.Kill()
	_, admin := closed(t)
	down := open(t, dead, store.Options{})
	changes, err := Apply(t.Context(), []Core{{Servers: []*store.Server{down, admin}}}, hosts("web01"), Options{Passwords: passwords(t)})
	if !errors.Is(err, store.ErrUnreachable) || len(changes) != 2 || changes[0].Err == nil || changes[1].Users != 1 {
		t.Errorf("%v: %+v", err, changes)
	}
}

// Who is to run acl and may not is told which command it takes.
func TestAHostMakesNoUsers(t *testing.T) {
	t.Parallel()
	s, admin := closed(t)
	if errs, err := admin.Run(t.Context(), [][]string{append([]string{"ACL", "SETUSER", "host:web01"}, append(NewUser(Host, "web01").Rules(false), ">x")...)}); err != nil || errs[0] != nil {
		t.Fatal(err, errs)
	}
	host := open(t, s, store.Options{User: "host:web01", Password: "x"})
	_, err := Apply(t.Context(), []Core{{Servers: []*store.Server{host}}}, hosts("web02"), Options{})
	if !errors.Is(err, store.ErrPermission) || !strings.Contains(fmt.Sprint(err), "no permission for INFO") {
		t.Errorf("%v", err)
	}
	if err := host.Try(context.Background(), NewUser(Host, "web01").Needs()); err != nil {
		t.Errorf("what it needs: %v", err)
	}
	if err := host.Try(context.Background(), NewUser(Host, "web02").Needs()); !errors.Is(err, store.ErrPermission) {
		t.Errorf("what another needs: %v", err)
	}
}

// An administrator's password does not go over a network in the clear, to make users or to
// prove their rules.
func TestUsersAreMadeOverNoOpenNetwork(t *testing.T) {
	t.Parallel()
	far, err := store.Open("redis://192.0.2.1:6379", store.Options{User: "ops", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	want := far.CheckAdmin()
	if want == nil {
		t.Fatal("its administrator's password may go there")
	}
	cores := []Core{{Servers: []*store.Server{far}}}
	changes, err := Apply(t.Context(), cores, hosts("web01"), Options{})
	if len(changes) != 1 || fmt.Sprint(changes[0].Err) != want.Error() || err == nil {
		t.Errorf("%v, %+v; want %v", err, changes, want)
	}
	if found := Test(t.Context(), cores); len(found) != 1 || fmt.Sprint(found[0].Err) != want.Error() {
		t.Errorf("%+v; want %v", found, want)
	}
}
