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
	"github.com/sysops-api/sysops-api/internal/directory"
	"github.com/sysops-api/sysops-api/internal/redistest"
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
				s := serve(t)
				kept := t.TempDir()
				check := func(when, folder string, warnings ...string) {
					t.Helper()
					answer, warned, err := grep(t, s.URL, folder)
					if err != nil || answer != wholeAnswer {
						t.Errorf("%s: %v\n%s", when, err, answer)
					}
					if len(warned) != len(warnings) || len(warnings) > 0 && !strings.Contains(warned[0], warnings[0]) {
						t.Errorf("%s: the warnings are %q, want %q", when, warned, warnings)
					}
				}
				check("while it is up", kept)
				if s.Servers == 2 {
					s.Faults[fault](0)
					check("when this has happened to one server", kept, "answers in place of")
				}
				s.Faults[fault](s.Servers - 1)
				check("when this has happened to all", kept, "ago is used")
				if answer, warned, err := grep(t, s.URL, t.TempDir()); err == nil || answer != "" || len(warned) > 0 {
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
	s := sysops.Snapshot{Host: host, Sources: []sysops.Source{{
		Name: "/etc/ssh/sshd_config",
		Read: func(context.Context) (sysops.Content, error) {
			return sysops.Content{Data: []byte("Port 22\nPermitRootLogin no\n")}, nil
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
	conf := sysops.Config{Directory: sysops.DirectoryConfig{URL: url}}
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
