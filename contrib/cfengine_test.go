package contrib

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

const cfHost = "web1.example.com"

// policy is a folder of CFEngine's in which cf-agent runs the policy, with files of the
// test's own beside those of this machine.
type policy struct {
	t        *testing.T
	dir      string
	outgoing string
	own      string // a folder with files to push
	def      map[string]any
	classes  map[string]any
	bundles  string // that are run, before the one that reports

	sysconfig string // takes the place of /etc/sysconfig, which not each machine has
}

func newPolicy(t *testing.T, servers ...string) *policy {
	t.Helper()
	need(t, "cf-agent", "apt-get install cfengine3")
	dir := t.TempDir()
	p := &policy{t: t, dir: dir, outgoing: filepath.Join(dir, "outgoing"), own: filepath.Join(dir, "own"), bundles: `"sysops_api"`}
	work := filepath.Join(dir, "work")
	for _, sub := range []string{"bin", "inputs", "modules"} {
		if err := os.MkdirAll(filepath.Join(work, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(need(t, "cf-promises", "apt-get install cfengine3"), filepath.Join(work, "bin", "cf-promises")); err != nil {
		t.Fatal(err)
	}
	if r := redistest.Run(t, "cf-key", nil, p.env()); r.ExitCode != 0 {
		t.Fatalf("cannot make keys: cf-key: %s%s", r.Stdout, r.Stderr)
	}
	write(t, filepath.Join(p.own, "a.conf"), "color = red\n", 0o644)
	p.def = map[string]any{
		"sysops_api_agent":    redistest.Build(t, "./cmd/sysops-agent"),
		"sysops_api_outgoing": p.outgoing,
		"sysops_api_options":  p.options(servers),
		"sysops_api_files":    []string{filepath.Join(p.own, "a.conf"), filepath.Join(p.own, "absent")},
	}
	p.classes = map[string]any{"sysops_api_files_only": []string{"any"}}
	return p
}

// options keep the agent away from this machine's config, and from what it keeps.
func (p *policy) options(servers []string) string {
	config := filepath.Join(p.dir, "config.yaml")
	write(p.t, config, "{}\n", 0o600)
	options := fmt.Sprintf("--config %s --host %s --json %s --state %s", config, cfHost, filepath.Join(p.dir, "hw.json"), filepath.Join(p.dir, "state"))
	for _, s := range servers {
		options += " --server " + s
	}
	return options
}

func (p *policy) env() []string {
	env := []string{"CFENGINE_TEST_OVERRIDE_WORKDIR=" + filepath.Join(p.dir, "work")}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") {
			env = append(env, name+"=")
		}
	}
	return env
}

// reporter says which classes and variables a run has left.
const reporter = `
bundle agent reporter
{
  vars:
      "class"
        slist => {
                   "redis_server_connection_failure", "redis_server_timeout_exception", "successful_redis_server_connection",
                   "redis_server_refused_objects", "sysops_push_complete", "sysops_push_partial", "sysops_push_failed", "injected",
                 };
      "scalar"
        slist => {
                   "connection_error_redis_server", "timeout_exception_redis_server", "successful_redis_server",
                   "sysops_push_host", "sysops_push_error", "sysops_push_hint",
                 };
      "list" slist => { "connection_error_redis_servers", "timeout_exception_redis_servers", "successful_redis_servers" };
  reports:
      "class $(class)"
        if => "$(class)";
      "$(scalar) $($(context).$(scalar))"
        if => isvariable("$(context).$(scalar)");
      "$(list) $(with)"
        with => join(" ", "$(context).$(list)"),
        if => isvariable("$(context).$(list)");
  vars:
      "context" string => "CONTEXT";
}
`

// run runs cf-agent and returns what it reported, a line each, sorted.
func (p *policy) run() []string {
	p.t.Helper()
	return p.runPolicy("sysops_agent", "")
}

// runPolicy does, with promises of the test's own, and reads variables of the module
// whose name is context.
func (p *policy) runPolicy(context, promises string) []string {
	p.t.Helper()
	inputs := filepath.Join(p.dir, "work", "inputs")
	text := read(p.t, "cfengine/sysops_api.cf")
	if p.sysconfig != "" {
		text = strings.ReplaceAll(text, `"/etc/sysconfig/`, `"`+p.sysconfig+"/")
	}
	write(p.t, filepath.Join(inputs, "sysops_api.cf"), text, 0o600)
	def, err := json.Marshal(map[string]any{"vars": p.def, "classes": p.classes})
	if err != nil {
		p.t.Fatal(err)
	}
	write(p.t, filepath.Join(inputs, "def.json"), string(def), 0o600)
	text = fmt.Sprintf("body common control\n{\n      inputs => { \"sysops_api.cf\" };\n      bundlesequence => { %s, \"reporter\" };\n}\n", p.bundles) +
		strings.ReplaceAll(reporter, "CONTEXT", context) + promises
	write(p.t, filepath.Join(inputs, "policy.cf"), text, 0o600)
	r := redistest.Run(p.t, "cf-agent", []string{"--no-lock", "--file", filepath.Join(inputs, "policy.cf")}, p.env())
	var reports []string
	for line := range strings.Lines(r.Stdout) {
		report, ok := strings.CutPrefix(strings.TrimSpace(line), "R: ")
		if !ok {
			p.t.Errorf("cf-agent says: %s", line)
			continue
		}
		reports = append(reports, report)
	}
	if r.ExitCode != 0 || r.Stderr != "" {
		p.t.Errorf("cf-agent: exit status %d: %s", r.ExitCode, r.Stderr)
	}
	slices.Sort(reports)
	return reports
}

// pushes returns how often a host has pushed into s: each push asks for the time, once.
func pushes(t *testing.T, s *redistest.Server) string {
	t.Helper()
	for line := range strings.Lines(s.Must("INFO", "commandstats").(string)) {
		if calls, ok := strings.CutPrefix(line, "cmdstat_time:calls="); ok {
			n, _, _ := strings.Cut(calls, ",")
			return n
		}
	}
	return "0"
}

func expect(t *testing.T, reports []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(reports, want) {
		t.Errorf("cf-agent reported\n  %s\nwant\n  %s", strings.Join(reports, "\n  "), strings.Join(want, "\n  "))
	}
}

// expectObject demands that s has a file of this machine, as it is.
func expectObject(t *testing.T, s *redistest.Server, file string) {
	t.Helper()
	want := fmt.Sprintf("%x", md5.Sum([]byte(read(t, file))))
	if got := s.Must("LINDEX", cfHost+"#"+file, "1"); got != want {
		t.Errorf("server %s has md5sum %v of %s, want %s", s.Addr(), got, file, want)
	}
}

func TestCFEngineFillsAllServersOnceARun(t *testing.T) {
	servers := redistest.Core(t, 2)
	p := newPolicy(t, redistest.URLs(servers)...)
	p.bundles = `"sysops_api", "once_more"` // as where autorun finds it and a policy calls it
	again := "bundle agent once_more\n{\n  methods:\n      \"again\" usebundle => sysops_api;\n}\n"
	for run := range 2 {
		expect(t, p.runPolicy("sysops_agent", again),
			"class successful_redis_server_connection", "class sysops_push_complete",
			"successful_redis_server 127.0.0.1", fmt.Sprintf("successful_redis_servers %s/0 %s/0", servers[0].Addr(), servers[1].Addr()),
			"sysops_push_host "+cfHost)
		for _, s := range servers {
			expectObject(t, s, "/etc/passwd")
			expectObject(t, s, filepath.Join(p.own, "a.conf"))
			if got, want := pushes(t, s), fmt.Sprint(run+1); got != want {
				t.Errorf("after %s runs of cf-agent, %s pushes reached %s", want, got, s.Addr())
			}
		}
	}
}

func TestCFEngineWithAServerDown(t *testing.T) {
	up, down := redistest.Start(t), redistest.Start(t)
	down.Kill()
	p := newPolicy(t, down.URL(), up.URL())
	message := fmt.Sprintf("cannot push %s to every server (1 of 2 have all of it): server %s/0 cannot be reached: dial tcp %[2]s: connect: connection refused", cfHost, down.Addr())
	reports := p.run()
	hint := slices.IndexFunc(reports, func(r string) bool { return strings.HasPrefix(r, "sysops_push_hint is redis-server running there") })
	if hint < 0 {
		t.Fatalf("no hint in %q", reports)
	}
	expect(t, slices.Delete(reports, hint, hint+1),
		"class redis_server_connection_failure", "class successful_redis_server_connection", "class sysops_push_partial",
		"connection_error_redis_server 127.0.0.1", "connection_error_redis_servers "+down.Addr()+"/0",
		"successful_redis_server 127.0.0.1", "successful_redis_servers "+up.Addr()+"/0",
		"sysops_push_host "+cfHost, "sysops_push_error "+message, "sysops-api: "+message)
	expectObject(t, up, "/etc/passwd")
	if n := pushes(t, up); n != "1" {
		t.Errorf("%s pushes in one run, with a server down", n)
	}
}

func TestCFEngineWithAllServersDown(t *testing.T) {
	p := newPolicy(t, "redis://127.0.0.1:1", "redis://127.0.0.1:2")
	reports := p.run()
	for _, want := range []string{
		"class redis_server_connection_failure", "class sysops_push_failed", "connection_error_redis_server 127.0.0.1",
		"connection_error_redis_servers 127.0.0.1:1/0 127.0.0.1:2/0",
	} {
		if !slices.Contains(reports, want) {
			t.Errorf("no %q in %q", want, reports)
		}
	}
	for _, not := range []string{"class successful_redis_server_connection", "class sysops_push_partial", "class sysops_push_complete"} {
		if slices.Contains(reports, not) {
			t.Errorf("%q in %q", not, reports)
		}
	}
}

func TestCFEngineWithABadConfig(t *testing.T) {
	p := newPolicy(t)
	write(t, filepath.Join(p.dir, "config.yaml"), "agent: {tll: 6h}\n", 0o600)
	reports := p.run()
	if !slices.Contains(reports, "class sysops_push_failed") || !slices.ContainsFunc(reports, func(r string) bool {
		return strings.HasPrefix(r, "sysops-api: cannot read the config: ") && strings.Contains(r, "tll")
	}) {
		t.Errorf("of a bad config cf-agent reported %q", reports)
	}
}

func TestCFEngineWithoutTheAgent(t *testing.T) {
	p := newPolicy(t)
	p.def["sysops_api_agent"] = "/nowhere/sysops-agent"
	expect(t, p.run(), "sysops-api: cannot push: /nowhere/sysops-agent is not installed")
}

// The links are as sysops-agent init makes them, and for root alone.
func TestCFEngineKeepsTheLinks(t *testing.T) {
	server := redistest.Start(t)
	p := newPolicy(t, server.URL())
	p.run()
	fi, err := os.Stat(p.outgoing)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Fatalf("the outgoing directory: %v, %v", fi, err)
	}
	if target, err := os.Readlink(filepath.Join(p.outgoing, "etc_passwd")); target != "/etc/passwd" {
		t.Errorf("etc_passwd leads to %q: %v", target, err)
	}
	own := strings.ReplaceAll(strings.TrimPrefix(p.own, "/"), "/", "_")
	if _, err := os.Lstat(filepath.Join(p.outgoing, own+"_absent")); !os.IsNotExist(err) {
		t.Errorf("a file that is not there is linked: %v", err)
	}

	if r := redistest.Run(t, p.def["sysops_api_agent"].(string), []string{"init", "--outgoing", p.outgoing}, p.env()); r.ExitCode != 0 {
		t.Fatal(r.Stderr)
	}
	targets := make(map[string]string)
	for _, name := range entries(t, p.outgoing) {
		target, err := os.Readlink(filepath.Join(p.outgoing, name))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := targets[target]; ok {
			t.Errorf("init and the policy link %s twice: %s and %s", target, other, name)
		}
		targets[target] = name
	}

	if err := os.Remove(filepath.Join(p.own, "a.conf")); err != nil {
		t.Fatal(err)
	}
	p.run()
	if _, err := os.Lstat(filepath.Join(p.outgoing, own+"_a.conf")); !os.IsNotExist(err) {
		t.Errorf("a file that has vanished is linked: %v", err)
	}
	if n := server.Must("EXISTS", cfHost+"#"+filepath.Join(p.own, "a.conf")); n != int64(0) {
		t.Error("a file that has vanished is in the cache")
	}
}

// Red Hat's /etc/sysconfig holds keys of wireless networks, too.
func TestCFEngineLinksSysconfigWithoutKeys(t *testing.T) {
	server := redistest.Start(t)
	p := newPolicy(t, server.URL())
	p.sysconfig = filepath.Join(p.dir, "sysconfig")
	for _, file := range []string{"network", "network-scripts/ifcfg-eth0", "network-scripts/route6-eth0", "network-scripts/keys-wlan0"} {
		write(t, filepath.Join(p.sysconfig, file), file+"\n", 0o644)
	}
	p.run()
	for _, file := range []string{"network", "network-scripts/ifcfg-eth0", "network-scripts/route6-eth0"} {
		expectObject(t, server, filepath.Join(p.sysconfig, file))
	}
	if keys := server.Must("KEYS", "*keys-wlan0*"); len(keys.([]any)) > 0 {
		t.Errorf("pushed: %v", keys)
	}
}

func TestCFEnginePolicyParses(t *testing.T) {
	p := newPolicy(t)
	file := filepath.Join(p.dir, "sysops_api.cf")
	write(t, file, read(t, "cfengine/sysops_api.cf"), 0o600)
	r := redistest.Run(t, "cf-promises", []string{"--warn", "all", "--bundlesequence", "sysops_api", "--file", file}, p.env())
	if r.ExitCode != 0 || r.Stdout+r.Stderr != "" {
		t.Errorf("exit status %d: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name()
	}
	return names
}

func TestCFEngineCollects(t *testing.T) {
	server := redistest.Start(t)
	p := newPolicy(t, server.URL())
	delete(p.classes, "sysops_api_files_only")
	p.run()
	if n := server.Must("EXISTS", cfHost+"#"+filepath.Join(p.dir, "hw.json")+"@uname-a"); n != int64(1) {
		t.Error("the output of commands is not pushed")
	}
}

// usemodule() runs a module while it evaluates the policy, as policies of the original's
// users do: perhaps twice. What it leaves is what the last push has met. In such a run
// our policy pushes no more.
func TestCFEngineUsesTheAgentAsAModule(t *testing.T) {
	server := redistest.Start(t)
	p := newPolicy(t, server.URL(), "redis://127.0.0.1:1")
	if err := os.Mkdir(p.outgoing, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.outgoing, "motd"), "Welcome\n", 0o644)
	// A wrapper, so that the context of the original stays.
	redistest.WriteProgram(t, filepath.Join(p.dir, "work", "modules", "module_populate_mps_cache"),
		fmt.Sprintf("#!/bin/sh\nexec %s push --cfengine --outgoing %s %s\n", p.def["sysops_api_agent"], p.outgoing, p.def["sysops_api_options"]))
	p.bundles = `"old_policy", "sysops_api"`
	reports := p.runPolicy("module_populate_mps_cache", "bundle agent old_policy\n{\n  classes:\n    agent::\n      \"ran\" expression => usemodule(\"module_populate_mps_cache\", \"\");\n}\n")
	for _, want := range []string{
		"class successful_redis_server_connection", "successful_redis_server 127.0.0.1",
		"class redis_server_connection_failure", "connection_error_redis_server 127.0.0.1", "class sysops_push_partial",
	} {
		if !slices.Contains(reports, want) {
			t.Errorf("no %q in %q", want, reports)
		}
	}
	expectObject(t, server, filepath.Join(p.outgoing, "motd"))
	if strings.Contains(strings.Join(reports, " "), "$(") {
		t.Errorf("a variable is missing in %q", reports)
	}
	if _, err := os.Lstat(filepath.Join(p.outgoing, "etc_passwd")); err != nil {
		t.Fatalf("the policy has not run: %v", err)
	}
	if n := server.Must("EXISTS", cfHost+"#/etc/passwd"); n != int64(0) {
		t.Error("the policy has pushed once more")
	}
}
