package directory_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/snapshot"
)

// The fleet of this file: a host in each of three cores, at two sites.
var cores = []struct{ site, core, host string }{
	{"esv4", "cf3.promises.esv4-2360-mps", "web1.example.com"},
	{"esv4", "cf3.promises.esv4-2361-mps", "web2.example.com"},
	{"eat1", "cf3.promises.eat1-1160-mps", "db1.example.com"},
}

const wholeAnswer = "db1.example.com PermitRootLogin no\nweb1.example.com PermitRootLogin no\nweb2.example.com PermitRootLogin no\n"

// A question over two sites and three cores has the same answer whichever service lists
// them, and whatever happens to one of its servers; when it happens to both, the kept
// copy answers, and says so; without one, nothing does.
func TestAQueryIsResolvedThroughEveryService(t *testing.T) {
	sites := make(map[string]map[string][]string)
	for _, c := range cores {
		url := redistest.Start(t).URL()
		publish(t, url, c.host)
		if sites[c.site] == nil {
			sites[c.site] = make(map[string][]string)
		}
		sites[c.site][c.core] = []string{url}
	}
	directory.EachService(t, sites, func(t *testing.T, serve func(*testing.T) directory.Faulty) {
		for _, fault := range slices.Sorted(maps.Keys(serve(t).Faults)) {
			t.Run(fault, func(t *testing.T) {
				t.Parallel()
				s := serve(t)
				kept := t.TempDir()
				check := func(timeout time.Duration, warnings ...string) error {
					answer, warned, err := grep(t, s.URL(timeout), kept)
					if err != nil || answer != wholeAnswer {
						return fmt.Errorf("%v\n%s", err, answer)
					}
					if len(warned) != len(warnings) || len(warnings) > 0 && !strings.Contains(warned[0], warnings[0]) {
						return fmt.Errorf("the warnings are %q, want %q", warned, warnings)
					}
					return nil
				}
				if err := check(redistest.Patience); err != nil {
					t.Errorf("while it is up: %v", err)
				}
				limit := redistest.Patience
				if fault == "hung" { // is waited for
					limit = 100 * time.Millisecond
				}
				if s.Servers == 2 {
					s.Faults[fault](0)
					redistest.LongEnough(t, limit, func(timeout time.Duration) bool {
						err := check(timeout, "answers in place of")
						if err != nil {
							t.Logf("when this has happened to one server, which is given %v: %v", timeout, err)
						}
						return err == nil
					})
				}
				s.Faults[fault](s.Servers - 1)
				if err := check(limit, "ago is used"); err != nil {
					t.Errorf("when this has happened to all: %v", err)
				}
				if answer, warned, err := grep(t, s.URL(limit), t.TempDir()); err == nil || answer != "" || len(warned) > 0 {
					t.Errorf("without a kept copy: %v, warnings %q\n%s", err, warned, answer)
				}
			})
		}
	})
}

func publish(t *testing.T, url, host string) {
	t.Helper()
	c, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := snapshot.Snapshot{Host: host, Sources: []snapshot.Source{{
		Name: "/etc/ssh/sshd_config",
		Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte("Port 22\nPermitRootLogin no\n")}, nil
		},
	}}}
	if _, err := c.Publish(t.Context(), "default", s); err != nil {
		t.Fatal(err)
	}
}

// grep asks the fleet through the directory, as a process of its own.
func grep(t *testing.T, url, folder string) (answer string, warnings []string, err error) {
	t.Helper()
	var mu sync.Mutex
	conf := config.Config{Directory: config.Directory{URL: url}}
	dir, err := conf.OpenDirectory(directory.KeepOptions{CacheAge: time.Hour, CacheFolder: folder, Warn: func(err error) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, err.Error())
	}})
	if err != nil {
		return "", nil, err
	}
	c, err := sysops.New(dir, sysops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pattern, err := sysops.ParsePattern("/etc/ssh/sshd_config")
	x, bad := sysops.CompileExpr("PermitRoot", sysops.GrepOptions{})
	if err := errors.Join(err, bad); err != nil {
		t.Fatal(err)
	}
	a, err := c.Ask(t.Context(), sysops.Query{Pattern: pattern, Where: sysops.Where{Scope: sysops.Global}})
	if err != nil {
		return "", warnings, err
	}
	var b strings.Builder
	for m, err := range a.Grep(t.Context(), x) {
		if err != nil {
			return b.String(), warnings, err
		}
		for _, l := range m.Lines {
			fmt.Fprintf(&b, "%s %s\n", m.Host, l)
		}
	}
	return b.String(), warnings, a.Close(t.Context())
}
