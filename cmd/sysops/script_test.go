package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/scripttest"
)

// The scripts are the specification of the command line: testdata/script, one
// behaviour a file. What they have beside the commands of testscript:
//
//	sysops …                        this command; also by the original's names
//	fleet URL...                    push every host of fleet/ to these servers, with the real agent
//	push HOST [-FLAG=VALUE] URL...  push one of them
//	status N COMMAND...             run, and demand this exit status
//	until COMMAND...                run until it succeeds
//	redis URL COMMAND...            redis-cli
//	json FILE [PATH VALUE]          FILE is valid JSON, and at PATH (a.0.b, a.len) is VALUE
//	jsonl FILE N                    FILE is N lines of JSON objects
//	freeport NAME                   sets the variable NAME to a port of 127.0.0.1 that is free
//	http METHOD URL [BODY]          prints the status, the header RangeException, and the body
//	contained ROOT N NAME ARG...    run sysops, by this name, in a chroot, and demand exit status N:
//	                                where files of the machine, such as /etc/sysops/config.yaml, matter
//
// $A $B $C are three servers' databases that belong to the script alone, $D $E $F
// three more on the same servers. $SLOW is one of a server that scripts may pause, and of
// which none asks a question that is impatient. $DEAD refuses connections, $SECURE wants
// the password "correct horse", $RANGE and $GRANGE are Range servers (host:port), and
// $ETC is the folder in which the fleet's files lie on their hosts. The config lets
// servers take their time unless the script has a config.yaml, in which variables are
// expanded, and SYSOPS_SERVER is $A,$B unless the script unsets it.
func TestScript(t *testing.T) {
	servers := redistest.Core(t, 3, redistest.Config("databases 1024"))
	slow := redistest.Start(t, redistest.Config("databases 1024"))
	secure := redistest.Start(t, redistest.Password("correct horse"), redistest.Config("databases 1024"))
	modRanged, grange := rangeServer(t, refuseAsModRanged), rangeServer(t, refuseAsGrange)
	agent, static := redistest.Build(t, "./cmd/sysops-agent"), redistest.Build(t, "./cmd/sysops")
	standard, err := txtar.ParseFile("testdata/fleet.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var scripts atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			n := scripts.Add(1)
			for i, s := range servers {
				env.Setenv(string(rune('A'+i)), fmt.Sprintf("%s/%d", s.URL(), n))
				env.Setenv(string(rune('D'+i)), fmt.Sprintf("%s/%d", s.URL(), n+512))
			}
			env.Setenv("SLOW", fmt.Sprintf("%s/%d", slow.URL(), n))
			env.Setenv("DEAD", "redis://127.0.0.1:1")
			env.Setenv("SECURE", fmt.Sprintf("%s/%d", secure.URL(), n))
			env.Setenv("RANGE", modRanged)
			env.Setenv("GRANGE", grange)
			env.Setenv("STATIC", static)
			env.Setenv("ETC", filepath.Join(env.WorkDir, "etc"))
			env.Setenv("PATH", env.Getenv("PATH")+string(filepath.ListSeparator)+filepath.Dir(agent))
			if err := isolate(env); err != nil {
				return err
			}
			if err := scripttest.Programs(t, env); err != nil {
				return err
			}
			return unpack(standard, filepath.Join(env.WorkDir, "fleet"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fleet": cmdFleet, "push": cmdPush, "contained": cmdContained,
			"status": scripttest.Status, "until": scripttest.Until, "redis": scripttest.Redis,
			"json": scripttest.JSON, "jsonl": scripttest.JSONL, "freeport": cmdFreePort, "http": cmdHTTP,
		},
	})
}

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"sysops": main, "extract_sysops_cache.py": main, "extract_sysops_cache": main,
	})
}

// tidy runs the tests with a folder for temporary files that goes with them:
// testscript.Main ends the process where redistest.Main would remove its builds.
type tidy struct{ m *testing.M }

func (t tidy) Run() int {
	dir, err := os.MkdirTemp("", "sysops-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	os.Setenv("TMPDIR", dir)
	return t.m.Run()
}

func cmdFreePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: http METHOD URL [BODY]")
	}
	req, err := http.NewRequest(args[0], args[1], strings.NewReader(strings.Join(args[2:], "")))
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d\n", resp.StatusCode)
	if why, ok := resp.Header["Rangeexception"]; ok {
		fmt.Fprintf(ts.Stdout(), "RangeException: %s\n", strings.Join(why, "; "))
	}
	fmt.Fprintf(ts.Stdout(), "%s\n", strings.TrimSuffix(string(body), "\n"))
}

// patiently is the config of scripts that have none: a server of theirs is never too slow.
const patiently = "redis: {timeout: 5m}\n"

// isolate keeps the config of the machine and of whoever runs the tests away.
func isolate(env *testscript.Env) error {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") {
			env.Setenv(name, "")
		}
	}
	env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "home", ".config"))
	conf := filepath.Join(env.WorkDir, "config.yaml")
	env.Setenv("SYSOPS_CONFIG", conf)
	if _, err := os.Stat(conf); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(conf, []byte(patiently), 0o600); err != nil {
			return err
		}
	}
	env.Setenv("SYSOPS_SERVER", env.Getenv("A")+","+env.Getenv("B"))
	return filepath.WalkDir(env.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(os.Expand(string(text), func(name string) string {
			if v := env.Getenv(name); v != "" {
				return v
			}
			return "$" + name // $KEY of a cluster file
		})), 0o600)
	})
}

// unpack writes the files of an archive into dir, unless the script has brought
// its own.
func unpack(a *txtar.Archive, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	for _, f := range a.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func cmdFleet(ts *testscript.TestScript, neg bool, urls []string) {
	if neg || len(urls) == 0 {
		ts.Fatalf("usage: fleet URL...")
	}
	hosts, err := os.ReadDir(ts.MkAbs("fleet"))
	ts.Check(err)
	for _, h := range hosts {
		push(ts, h.Name(), urls)
	}
	// Without that nobody knows, while a server is down, whether the others have all hosts.
	line := []string{"gc"}
	for _, u := range urls {
		line = append(line, "--server", u)
	}
	ts.Check(ts.Exec("sysops", line...))
}

func cmdPush(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: push HOST [-FLAG=VALUE] URL...")
	}
	push(ts, args[0], args[1:])
}

// push makes fleet/HOST the outgoing directory, so that a file has the same name
// on all hosts, and has the agent push it.
func push(ts *testscript.TestScript, host string, args []string) {
	etc := ts.Getenv("ETC")
	ts.Check(os.RemoveAll(etc))
	ts.Check(os.Mkdir(etc, 0o700))
	from := filepath.Join(filepath.Dir(etc), "fleet", host)
	ts.Check(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(etc, filepath.Base(path)), data, 0o644)
	}))
	line := []string{"push", "--quiet", "--host", host, "--outgoing", etc, "--json", filepath.Join(etc, "hw.json")}
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			line = append(line, "--server")
		}
		line = append(line, a)
	}
	ts.Check(ts.Exec("sysops-agent", line...))
}

// cmdContained runs a static build of sysops with ROOT as the root of its file
// system. Who is not root does that in a user namespace.
func cmdContained(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: contained ROOT N NAME ARG...")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	root := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(root, 0o700))
	if err := os.Link(ts.Getenv("STATIC"), filepath.Join(root, args[2])); !errors.Is(err, fs.ErrExist) {
		ts.Check(err)
	}
	cmd := exec.Command("/"+args[2], args[3:]...)
	cmd.Dir = "/"
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "SYSOPS_CONFIG", "SYSOPS_FORMAT"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if got := scripttest.ExitStatus(ts, cmd.Run()); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// A refusal is how a Range server says that it cannot expand an expression.
type refusal func(w http.ResponseWriter, why string)

// refuseAsModRanged: the status is 200, and what could be expanded is sent.
func refuseAsModRanged(w http.ResponseWriter, why string) {
	w.Header().Set("RangeException", why)
	fmt.Fprintln(w, "web1.example.com")
}

func refuseAsGrange(w http.ResponseWriter, why string) {
	http.Error(w, why, http.StatusUnprocessableEntity)
}

// rangeServer is a Range server that knows the cluster %web, and demands that the
// expression be escaped: %web would else be no valid query. It returns its host:port.
func rangeServer(t *testing.T, refuse refusal) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		expr, err := url.PathUnescape(r.URL.RawQuery)
		switch {
		case r.URL.Path != "/range/list" || err != nil:
			http.Error(w, "bad request", http.StatusBadRequest)
		case expr == "%web":
			fmt.Fprint(w, "web10.example.com\nweb1.example.com\n")
		case expr == "%web - web1.example.com":
			fmt.Fprint(w, "web10.example.com\n")
		default:
			refuse(w, "NOCLUSTER: "+expr)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}
