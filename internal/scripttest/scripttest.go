// Package scripttest holds what the tests of both programs share: the commands of their
// testscripts, beside those of testscript itself, and what is true of the help of both.
package scripttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Status is the command "status N COMMAND...": run, and demand this exit status.
func Status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := ExitStatus(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// ExitStatus returns the exit status that err, of ts.Exec, tells of.
func ExitStatus(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if exit != nil {
		return exit.ExitCode()
	}
	return 0
}

// Until is the command "until COMMAND...": run until it succeeds.
func Until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: until COMMAND...")
	}
	deadline := time.Now().Add(redistest.Patience)
	for ExitStatus(ts, ts.Exec(args[0], args[1:]...)) != 0 {
		if time.Now().After(deadline) {
			ts.Fatalf("waited %v in vain", redistest.Patience)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Programs writes the programs among a script's files anew, those that begin with "#!":
// testscript writes all of them as any file is written, while other scripts fork, and a
// program that a forked child still holds open cannot be run ([redistest.WriteProgram]).
func Programs(t testing.TB, env *testscript.Env) error {
	return filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(text, []byte("#!")) {
			redistest.WriteProgram(t, path, string(text))
		}
		return err
	})
}

// Redis is the command "redis URL COMMAND...": redis-cli.
func Redis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: redis URL COMMAND...")
	}
	if err := ts.Exec("redis-cli", append([]string{"-u", args[0]}, args[1:]...)...); err != nil {
		ts.Fatalf("cannot run redis-cli (apt-get install redis-tools): %v", err)
	}
}

// JSON is the command "json FILE [PATH VALUE]": FILE is valid JSON, and at PATH
// (results.0.key, lists.len; / separates, too, where a key holds a dot) is VALUE,
// or anything where that is *.
func JSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && len(args) != 3 {
		ts.Fatalf("usage: json FILE [PATH VALUE]")
	}
	var root any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &root))
	if len(args) == 1 {
		return
	}
	var want any
	if json.Unmarshal([]byte(args[2]), &want) != nil {
		want = args[2] // a bare word
	}
	if got := at(ts, root, args[1]); args[2] != "*" && !reflect.DeepEqual(got, want) {
		ts.Fatalf("%s is %v, want %v", args[1], got, want)
	}
}

// at follows a path; len is a list's length.
func at(ts *testscript.TestScript, v any, path string) any {
	separator := "."
	if strings.HasPrefix(path, "/") {
		path, separator = path[1:], "/"
	}
	for step := range strings.SplitSeq(path, separator) {
		switch w := v.(type) {
		case map[string]any:
			inner, ok := w[step]
			if !ok && step == "len" {
				return float64(len(w))
			}
			if !ok {
				ts.Fatalf("%s: no %q in it", path, step)
			}
			v = inner
		case []any:
			if step == "len" {
				return float64(len(w))
			}
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(w) {
				ts.Fatalf("%s: no element %s among %d", path, step, len(w))
			}
			v = w[i]
		default:
			ts.Fatalf("%s: %v has no %s", path, v, step)
		}
	}
	return v
}

// JSONL is the command "jsonl FILE N": FILE is N lines of JSON objects.
func JSONL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonl FILE N")
	}
	n := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		n++
		if err := json.Unmarshal([]byte(line), new(map[string]any)); err != nil || !strings.HasSuffix(line, "\n") {
			ts.Fatalf("line %d is no line with a JSON object: %q: %v", n, line, err)
		}
	}
	if fmt.Sprint(n) != args[1] {
		ts.Fatalf("%d lines, want %s", n, args[1])
	}
}
