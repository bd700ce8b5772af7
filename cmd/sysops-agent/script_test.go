package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// The scripts are the specification of the command line: testdata/script, one
// behaviour a file. What they have beside the commands of testscript:
//
//	sysops-agent …         this command
//	status N COMMAND...    run, and demand this exit status
//	until COMMAND...       run until it succeeds
//	redis URL COMMAND...   redis-cli
//	json FILE PATH VALUE   FILE is JSON, and at PATH (/a/0/b, /a/len) is VALUE; * is any
//
// $A $B $C are three servers' databases that belong to the script alone; $DEAD
// refuses connections, $SECURE wants the password "correct horse", and the server of
// $EVICTS evicts keys when it is full. The host is web1.example.com, its outgoing
// directory $OUT (out, mode 0700), the JSON object $JSON (hw.json); a config.yaml is
// read, with variables expanded, where the script has one.
func TestScript(t *testing.T) {
	servers := redistest.Core(t, 3, redistest.Config("databases 256"))
	secure := redistest.Start(t, redistest.Password("correct horse"))
	evicts := redistest.Start(t, redistest.Config("maxmemory-policy allkeys-lru"))
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
			env.Setenv("SECURE", fmt.Sprintf("%s/%d", secure.URL(), n%16))
			env.Setenv("EVICTS", evicts.URL())
			env.Setenv("OUT", filepath.Join(env.WorkDir, "out"))
			env.Setenv("JSON", filepath.Join(env.WorkDir, "hw.json"))
			return isolate(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus, "until": cmdUntil, "redis": cmdRedis, "json": cmdJSON,
		},
	})
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
	} {
		env.Setenv(name, value)
	}
	text, err := os.ReadFile(conf)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
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

func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitStatus(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func exitStatus(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

// patient is longer than anything takes, however busy the machine is.
const patient = 30 * time.Second

func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: until COMMAND...")
	}
	deadline := time.Now().Add(patient)
	for exitStatus(ts, ts.Exec(args[0], args[1:]...)) != 0 {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %v in vain", patient)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func cmdRedis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: redis URL COMMAND...")
	}
	if err := ts.Exec("redis-cli", append([]string{"-u", args[0]}, args[1:]...)...); err != nil {
		ts.Fatalf("cannot run redis-cli (apt-get install redis-tools): %v", err)
	}
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for step := range strings.SplitSeq(strings.TrimPrefix(args[1], "/"), "/") {
		list, isList := v.([]any)
		object, isObject := v.(map[string]any)
		i, err := strconv.Atoi(step)
		inner, known := object[step]
		switch {
		case isList && step == "len":
			v = len(list)
		case isList && err == nil && i < len(list):
			v = list[i]
		case isObject && known:
			v = inner
		case isObject && step == "len":
			v = len(object)
		default:
			ts.Fatalf("%s: %v has no %s", args[1], v, step)
		}
	}
	if got := fmt.Sprint(v); args[2] != "*" && got != args[2] {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}
