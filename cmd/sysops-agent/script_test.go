package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sysops-api/sysops-api/internal/hostfstest"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/scripttest"
	"github.com/sysops-api/sysops-api/internal/snmptest"
)

// The scripts are the specification of the command line: testdata/script, one
// behaviour a file. What they have beside the commands of testscript:
//
//	sysops-agent …         this command
//	status N COMMAND...    run, and demand this exit status
//	until COMMAND...       run until it succeeds
//	redis URL COMMAND...   redis-cli
//	silent DIR             mount a file system there that does not answer
//	json FILE PATH VALUE   FILE is JSON, and at PATH (/a/0/b, /a/len) is VALUE; * is any
//
// $A $B $C are three servers' databases that belong to the script alone; $DEAD
// refuses connections, $SECURE wants the password "correct horse", and the server of
// $EVICTS evicts keys when it is full; $OLD is $A as if it were Redis 6; and a device speaks SNMP at $DEVICE. The host is web1.example.com, its outgoing
// directory $OUT (out, mode 0700), the JSON object $JSON (hw.json), what it keeps
// between pushes in state; a config.yaml is read, with variables expanded, where the
// script has one.
func TestScript(t *testing.T) {
	servers := redistest.Core(t, 3, redistest.Config("databases 256"))
	secure := redistest.Start(t, redistest.Password("correct horse"), redistest.Config("databases 256"))
	evicts := redistest.Start(t, redistest.Config("maxmemory 1gb", "maxmemory-policy allkeys-lru"))
	old := redistest.AsRedis6(t, servers[0])
	device := snmptest.Start(t, `override .1.3.6.1.4.1.99998.1.0 octet_str "snmp-password=hunter22"`)
	var scripts atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			n := scripts.Add(1)
			for i, s := range servers {
				env.Setenv(string(rune('A'+i)), fmt.Sprintf("%s/%d", s.URL(), n))
			}
			env.Setenv("DEAD", "redis://127.0.0.1:1")
			env.Setenv("SECURE", fmt.Sprintf("%s/%d", secure.URL(), n))
			env.Setenv("EVICTS", evicts.URL())
			env.Setenv("OLD", fmt.Sprintf("%s/%d", old, n))
			env.Setenv("DEVICE", device.Addr)
			env.Setenv("OUT", filepath.Join(env.WorkDir, "out"))
			env.Setenv("JSON", filepath.Join(env.WorkDir, "hw.json"))
			if err := isolate(env); err != nil {
				return err
			}
			return scripttest.Programs(t, env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"silent": silent,
			"status": scripttest.Status, "until": scripttest.Until, "redis": scripttest.Redis, "json": scripttest.JSON,
		},
	})
}

func silent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: silent DIR")
	}
	dead, err := hostfstest.Mount(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { _ = dead.Close() })
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sysops-agent": main})
}

// isolate keeps the config of the machine away, and what a push would read of it.
func isolate(env *testscript.Env) error {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") {
			env.Setenv(name, "")
		}
	}
	conf := filepath.Join(env.WorkDir, "config.yaml")
	for name, value := range map[string]string{
		"HOME":            filepath.Join(env.WorkDir, "home"),
		"XDG_CONFIG_HOME": filepath.Join(env.WorkDir, "home", ".config"),
		"SYSOPS_CONFIG":   conf,
		"SYSOPS_HOST":     "web1.example.com",
		"SYSOPS_OUTGOING": env.Getenv("OUT"),
		"SYSOPS_JSON":     env.Getenv("JSON"),
		"SYSOPS_STATE":    filepath.Join(env.WorkDir, "state"),
	} {
		env.Setenv(name, value)
	}
	text, err := os.ReadFile(conf)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte("redis: {timeout: 5m}\n"), nil // a server is never too slow
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(conf, []byte(os.Expand(string(text), env.Getenv)), 0o600); err != nil {
		return err
	}
	if err := os.Mkdir(env.Getenv("OUT"), 0o700); errors.Is(err, fs.ErrExist) {
		return os.Chmod(env.Getenv("OUT"), 0o700) // the archive brought files
	} else if err != nil {
		return err
	}
	return nil
}
