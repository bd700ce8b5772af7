package wholetest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func configFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServersThatAreNone(t *testing.T) {
	const password = "hunter2!"
	for _, row := range []struct{ url, says string }{
		{"redis://reader:" + password + "@127.0.0.1:6379/0", "password"},
		{"redis://:" + password + "@127.0.0.1", "password"},
		{"redis://u:%zz" + password + "@127.0.0.1", ""},
		{"http://127.0.0.1:6379", "redis://"},
		{"127.0.0.1:6379", ""},
		{"redis://", "host"},
		{"redis://127.0.0.1/db", "database"},
		{"redis://127.0.0.1/-1", "database"},
		{"", ""},
	} {
		_, err := sysops.Open(configFile(t, fmt.Sprintf("directory: {sites: {s: {c: [%q]}}}\n", row.url)))
		if err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%q in the config: %v; want an error that speaks of %q", row.url, err, row.says)
		}
		_, direct := connect(t, row.url).Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")})
		if direct == nil {
			t.Errorf("%q as a server is accepted", row.url)
		}
		if strings.Contains(fmt.Sprint(err, direct), password) {
			t.Errorf("the password is shown: %v; %v", err, direct)
		}
	}
}

// From the file to an answer, as a program does it.
func TestOpenAsksTheServersOfTheConfig(t *testing.T) {
	t.Setenv("SYSOPS_REDIS_PASSWORD", "")
	server := redistest.Start(t, redistest.Password("secret"))
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := sysops.Open(configFile(t, fmt.Sprintf(
		"directory:\n  sites:\n    s:\n      k: [%s/3]\n  local: {core: k}\nredis: {password_file: %s}\n", server.URL(), password)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
	if got := keys(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")}); !slices.Equal(got, []string{"web01#/etc/motd"}) {
		t.Errorf("%q", got)
	}
	if dump := redistest.Dump(t, server); !strings.HasPrefix(dump, "db3\n") || strings.Contains(dump, "db0") {
		t.Errorf("it is in another database:\n%.200s", dump)
	}
}

func TestThePasswordIsAnOption(t *testing.T) {
	server := redistest.Start(t, redistest.Password("secret"))
	server.Must("ACL", "SETUSER", "reader", "on", ">other", "~*", "&*", "+@all")
	publish(t, connectTo(t, sysops.ServerList(server.URL()), sysops.Options{Password: "secret"}), snapshotOf("web01", text("/etc/motd", "x")))
	user := strings.Replace(server.URL(), "redis://", "redis://reader@", 1)
	for _, row := range []struct {
		name, url string
		o         sysops.Options
		ok        bool
	}{
		{"the default user's", server.URL(), sysops.Options{Password: "secret"}, true},
		{"a user's", server.URL(), sysops.Options{User: "reader", Password: "other"}, true},
		{"of the URL's user", user, sysops.Options{Password: "other"}, true},
		{"none", server.URL(), sysops.Options{}, false},
		{"a wrong one", server.URL(), sysops.Options{Password: "wrong"}, false},
		{"another user's", server.URL(), sysops.Options{User: "reader", Password: "secret"}, false},
	} {
		c := connectTo(t, sysops.ServerList(row.url), row.o)
		_, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
		if row.ok && err != nil || !row.ok && !errors.Is(err, sysops.ErrServerAuth) {
			t.Errorf("%s: %v", row.name, err)
		}
		if _, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x"))); row.ok && err != nil || !row.ok && !errors.Is(err, sysops.ErrServerAuth) {
			t.Errorf("%s: a push: %v", row.name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "wrong") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: the password is shown: %v", row.name, err)
		}
	}
}

// A server that refuses the greeting is not an empty one.
func TestADatabaseThatDoesNotExistIsAnError(t *testing.T) {
	server := redistest.Start(t)
	publish(t, connect(t, server.URL()), snapshotOf("web01", text("/etc/motd", "x")))
	c := connect(t, server.URL()+"/99")
	if _, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")}); !strings.Contains(fmt.Sprint(err), "DB index is out of range") {
		t.Errorf("a question: %v", err)
	}
	if _, err := c.Publish(t.Context(), "", snapshotOf("web01", text("/etc/motd", "x"))); !strings.Contains(fmt.Sprint(err), "DB index is out of range") {
		t.Errorf("a push: %v", err)
	}
}

func TestServersWithTLS(t *testing.T) {
	t.Parallel()
	certs, others := redistest.NewCerts(t), redistest.NewCerts(t)
	open := redistest.Start(t, redistest.TLS(certs))
	strict := redistest.Start(t, redistest.TLS(certs), redistest.ClientCerts(), redistest.Password("secret"))
	for _, row := range []struct {
		name, url string
		o         sysops.Options
		want      error // nil: it works
	}{
		{"a private authority", open.URL(), sysops.Options{CAFile: certs.CAFile}, nil},
		{"a client's certificate and a password", strict.URL(), sysops.Options{CAFile: certs.CAFile, CertFile: certs.ClientCertFile, KeyFile: certs.ClientKeyFile, Password: "secret"}, nil},
		{"another authority", open.URL(), sysops.Options{CAFile: others.CAFile}, sysops.ErrServerUnreachable},
		{"the system's authorities", open.URL(), sysops.Options{}, sysops.ErrServerUnreachable},
		{"no certificate where one is demanded", strict.URL(), sysops.Options{CAFile: certs.CAFile, Password: "secret"}, sysops.ErrIncomplete},
		{"a certificate of another authority", strict.URL(), sysops.Options{CAFile: certs.CAFile, CertFile: others.ClientCertFile, KeyFile: others.ClientKeyFile, Password: "secret"}, sysops.ErrIncomplete},
		{"no password", strict.URL(), sysops.Options{CAFile: certs.CAFile, CertFile: certs.ClientCertFile, KeyFile: certs.ClientKeyFile}, sysops.ErrServerAuth},
		{"without TLS", "redis://" + open.Addr(), sysops.Options{}, sysops.ErrIncomplete},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := connectTo(t, sysops.ServerList(row.url), row.o)
			if row.want == nil {
				publish(t, c, snapshotOf("web01", text("/etc/motd", "x")))
				got, _ := contents(t, c, sysops.Query{Pattern: pattern(t, "/etc/motd")})
				if !slices.Equal(got, []string{"web01#/etc/motd: x"}) {
					t.Errorf("%q", got)
				}
				return
			}
			redistest.Within(t, "the refusal", func() {
				_, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "/etc/motd")})
				if !errors.Is(err, row.want) || !errors.Is(err, sysops.ErrIncomplete) {
					t.Errorf("%v; want %v", err, row.want)
				}
				if len(terminal.Hints(err)) == 0 {
					t.Errorf("nobody says what to do about %v", err)
				}
				if _, err := c.Publish(t.Context(), "", snapshotOf("web02", text("/etc/motd", "x"))); err == nil {
					t.Error("it can be pushed to")
				}
			})
		})
	}
	plain := redistest.Start(t)
	c := connectTo(t, sysops.ServerList("rediss://"+plain.Addr()), sysops.Options{CAFile: certs.CAFile})
	if _, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern(t, "x")}); !errors.Is(err, sysops.ErrIncomplete) {
		t.Errorf("TLS where there is none: %v", err)
	}
}

func TestCertificateFilesThatAreNone(t *testing.T) {
	certs := redistest.NewCerts(t)
	junk := configFile(t, "no certificate")
	for _, row := range []struct {
		name string
		o    sysops.Options
		says string
	}{
		{"no such authority", sysops.Options{CAFile: "/no/such/file"}, "/no/such/file"},
		{"an authority that is none", sysops.Options{CAFile: junk}, junk},
		{"a certificate without key", sysops.Options{CertFile: certs.ClientCertFile}, "key"},
		{"a key without certificate", sysops.Options{KeyFile: certs.ClientKeyFile}, "certificate"},
		{"a certificate that is none", sysops.Options{CertFile: junk, KeyFile: certs.ClientKeyFile}, "certificate"},
	} {
		if _, err := sysops.New(sysops.ServerList("rediss://127.0.0.1"), row.o); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: %v; want an error that speaks of %s", row.name, err, row.says)
		}
	}
	if _, err := sysops.New(sysops.ServerList(), sysops.Options{Legacy: "sometimes"}); err == nil || !strings.Contains(err.Error(), "sometimes") {
		t.Errorf("a legacy mode that is none: %v", err)
	}
}
