//go:build contrib

package contrib

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A managed host is one whose config a program for many hosts writes, here below a
// folder of the test's own, for a server that wants TLS and a password. What the
// program writes is then tried: with it the agent pushes.
type managed struct {
	t      *testing.T
	dir    string
	server *redistest.Server
	ca     string // PEM
	agent  string // the program
}

// password has what a template could trip over.
const password = `correct "horse": #battery {{ staple }} 'x' $HOME \n`

func newManaged(t *testing.T) *managed {
	t.Helper()
	certs := redistest.NewCerts(t)
	return &managed{
		t: t, dir: t.TempDir(), ca: read(t, certs.CAFile), agent: redistest.Build(t, "./cmd/sysops-agent"),
		server: redistest.Start(t, redistest.TLS(certs), redistest.Config("user agent on allkeys allchannels allcommands >"+aclPassword())),
	}
}

// aclPassword quotes the password for redis.conf.
func aclPassword() string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password) + `"`
}

func (m *managed) path(elements ...string) string {
	return filepath.Join(append([]string{m.dir}, elements...)...)
}

// config is what the host's own lines of config.yaml say.
func (m *managed) config() map[string]any {
	return map[string]any{
		"agent": map[string]any{"host": cfHost, "json": m.path("hw.json"), "state": m.path("state"), "outgoing": m.path("outgoing")},
		"redis": map[string]any{"timeout": "9s"},
	}
}

// expectPushes demands that the agent pushes with the config that was written, and that
// the password is where only its owner reads it.
func (m *managed) expectPushes() {
	m.t.Helper()
	for file, want := range map[string]os.FileMode{"password": 0o600, "ca.pem": 0o644, "config.yaml": 0o644} {
		if fi, err := os.Stat(m.path("etc", file)); err != nil || fi.Mode().Perm() != want {
			m.t.Fatalf("%s: %v, %v, want mode %v", file, fi, err, want)
		}
	}
	if config := read(m.t, m.path("etc", "config.yaml")); strings.Contains(config, "horse") || !strings.Contains(config, "9s") {
		m.t.Errorf("the config is\n%s", config)
	}
	if r := redistest.Run(m.t, m.agent, []string{"push", "--config", m.path("etc", "config.yaml")}, (&policy{t: m.t, dir: m.dir}).env()); r.ExitCode != 0 {
		m.t.Fatalf("cannot push with what was written: %s", r.Stderr)
	}
	expectObject(m.t, m.server, "/etc/passwd")
}

// run runs a program that must not name the password.
func (m *managed) run(name string, args, env []string) redistest.Result {
	m.t.Helper()
	r := redistest.Run(m.t, name, args, env)
	if strings.Contains(r.Stdout+r.Stderr, "horse") {
		m.t.Errorf("%s shows the password:\n%s%s", name, r.Stdout, r.Stderr)
	}
	return r
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const ansible = "apt-get install --no-install-recommends ansible-core"

func (m *managed) ansibleEnv() []string {
	roles, err := filepath.Abs("ansible/roles")
	if err != nil {
		m.t.Fatal(err)
	}
	return []string{"ANSIBLE_ROLES_PATH=" + roles, "ANSIBLE_HOME=" + m.path("ansible"), "ANSIBLE_LOCAL_TEMP=" + m.path("ansible", "tmp"), "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=0"}
}

func TestAnsibleExampleParses(t *testing.T) {
	m := newManaged(t)
	if r := m.run(need(t, "ansible-playbook", ansible), []string{"--syntax-check", "-i", "web1,", "ansible/playbook.yml"}, m.ansibleEnv()); r.ExitCode != 0 {
		t.Errorf("%s%s", r.Stdout, r.Stderr)
	}
}

func TestAnsibleRoleMakesAHostPush(t *testing.T) {
	m := newManaged(t)
	write(t, m.path("playbook.yml"), "- hosts: all\n  gather_facts: false\n  roles: [sysops_agent]\n", 0o600)
	write(t, m.path("vars.json"), asJSON(t, map[string]any{
		"sysops_agent_package": "", "sysops_agent_timer": false, "sysops_agent_binary": m.agent, "sysops_agent_config_dir": m.path("etc"),
		"sysops_agent_owner": os.Getuid(), "sysops_agent_group": os.Getgid(),
		"sysops_agent_servers": []string{m.server.URL()}, "sysops_agent_user": "agent",
		"sysops_agent_password": map[string]string{"__ansible_unsafe": password}, "sysops_agent_ca": m.ca, "sysops_agent_config": m.config(),
	}), 0o600)
	play := func() redistest.Result {
		t.Helper()
		r := m.run(need(t, "ansible-playbook", ansible), []string{
			"-i", "localhost,", "-c", "local", "--diff", "-e", "ansible_python_interpreter=auto_silent", "-e", "@" + m.path("vars.json"), m.path("playbook.yml"),
		}, m.ansibleEnv())
		if r.ExitCode != 0 {
			t.Fatalf("%s%s", r.Stdout, r.Stderr)
		}
		return r
	}
	play()
	m.expectPushes()
	if again := play(); !strings.Contains(again.Stdout, "changed=0 ") {
		t.Errorf("a second run changes something:\n%s", again.Stdout)
	}
}

const puppet = "apt-get install --no-install-recommends puppet-agent"

func TestPuppetManifestsParse(t *testing.T) {
	m := newManaged(t)
	for _, manifest := range []string{"manifests/init.pp", "examples/init.pp"} {
		r := m.run(need(t, "puppet", puppet), []string{
			"parser", "validate", "--color", "false", "--confdir", m.path("conf"), "--vardir", m.path("var"), "puppet/sysops_agent/" + manifest,
		}, nil)
		if r.ExitCode != 0 {
			t.Errorf("%s: %s%s", manifest, r.Stdout, r.Stderr)
		}
	}
	var metadata map[string]any
	if err := json.Unmarshal([]byte(read(t, "puppet/sysops_agent/metadata.json")), &metadata); err != nil {
		t.Error(err)
	}
}

func TestPuppetClassMakesAHostPush(t *testing.T) {
	m := newManaged(t)
	modules, err := filepath.Abs("puppet")
	if err != nil {
		t.Fatal(err)
	}
	// The parameters as Hiera has them.
	write(t, m.path("conf", "hiera.yaml"), "version: 5\nhierarchy: [{name: test, path: "+m.path("hiera.json")+", data_hash: json_data}]\n", 0o600)
	write(t, m.path("hiera.json"), asJSON(t, map[string]any{
		"lookup_options":               map[string]any{"sysops_agent::password": map[string]string{"convert_to": "Sensitive"}},
		"sysops_agent::manage_package": false,
		"sysops_agent::manage_timer":   false,
		"sysops_agent::binary":         m.agent,
		"sysops_agent::config_dir":     m.path("etc"),
		"sysops_agent::outgoing":       m.path("outgoing"),
		"sysops_agent::owner":          userName(t, "-un"),
		"sysops_agent::group":          userName(t, "-gn"),
		"sysops_agent::servers":        []string{m.server.URL()},
		"sysops_agent::user":           "agent",
		"sysops_agent::password":       password,
		"sysops_agent::ca":             m.ca,
		"sysops_agent::config":         m.config(),
	}), 0o600)
	write(t, m.path("site.pp"), "include sysops_agent\n", 0o600)
	apply := func() redistest.Result {
		return m.run(need(t, "puppet", puppet), []string{
			"apply", "--color", "false", "--show_diff", "--detailed-exitcodes", "--confdir", m.path("conf"), "--vardir", m.path("var"),
			"--hiera_config", m.path("conf", "hiera.yaml"), "--modulepath", modules, m.path("site.pp"),
		}, nil)
	}
	if r := apply(); r.ExitCode != 2 { // something changed, and nothing failed
		t.Fatalf("exit status %d: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	m.expectPushes()
	if again := apply(); again.ExitCode != 0 {
		t.Errorf("a second run changes something: exit status %d: %s%s", again.ExitCode, again.Stdout, again.Stderr)
	}
}

func userName(t *testing.T, flag string) string {
	t.Helper()
	out, err := exec.Command("id", flag).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// render renders the Salt state, and returns its states' arguments: id, then name.
func (m *managed) render(pillar map[string]any) map[string]map[string]any {
	m.t.Helper()
	write(m.t, m.path("pillar.json"), asJSON(m.t, map[string]any{"sysops_agent": pillar}), 0o600)
	python := "/usr/bin/python3" // the one that Debian's packages are for
	if _, err := os.Stat(python); errors.Is(err, os.ErrNotExist) {
		python = need(m.t, "python3", "apt-get install python3-jinja2 python3-yaml")
	}
	r := redistest.Run(m.t, python, []string{"testdata/render_sls.py", "salt/sysops_agent/init.sls", m.path("pillar.json")}, nil)
	if r.ExitCode != 0 {
		m.t.Fatalf("cannot render the state (it needs apt-get install python3-jinja2 python3-yaml): %s", r.Stderr)
	}
	var rendered map[string]map[string][]map[string]any
	if err := json.Unmarshal([]byte(r.Stdout), &rendered); err != nil {
		m.t.Fatal(err)
	}
	states := make(map[string]map[string]any)
	for id, functions := range rendered {
		arguments := map[string]any{}
		for function, list := range functions {
			arguments["function"] = function
			for _, argument := range list {
				for name, value := range argument {
					arguments[name] = value
				}
			}
		}
		states[id] = arguments
	}
	return states
}

// Salt is not in Debian: the state is rendered as Salt does, and what it would write is
// written by the test.
func TestSaltStateMakesAHostPush(t *testing.T) {
	m := newManaged(t)
	states := m.render(map[string]any{
		"package": "", "timer": false, "binary": m.agent, "config_dir": m.path("etc"), "outgoing": m.path("outgoing"),
		"servers": []string{m.server.URL()}, "user": "agent", "password": password, "ca": m.ca, "config": m.config(),
	})
	if len(states) != 5 {
		t.Fatalf("%d states: %v", len(states), states)
	}
	if got := states["sysops-agent-password"]; got["mode"] != "0600" || got["contents_pillar"] != "sysops_agent:password" || got["name"] != m.path("etc", "password") {
		t.Errorf("the password is written by %v", got)
	}
	config, err := yaml.Marshal(states["sysops-agent-config"]["dataset"])
	if err != nil {
		t.Fatal(err)
	}
	write(t, states["sysops-agent-password"]["name"].(string), password+"\n", 0o600)
	write(t, states["sysops-agent-ca"]["name"].(string), states["sysops-agent-ca"]["contents"].(string), 0o644)
	write(t, states["sysops-agent-config"]["name"].(string), string(config), 0o644)
	if r := redistest.Run(t, "sh", []string{"-c", states["sysops-agent-links"]["name"].(string)}, (&policy{t: t, dir: m.dir}).env()); r.ExitCode != 0 {
		t.Fatal(r.Stderr)
	}
	if _, err := os.Lstat(states["sysops-agent-links"]["creates"].(string)); err != nil {
		t.Errorf("the links would be made again each time: %v", err)
	}
	m.expectPushes()
}

func TestSaltStateInstallsAndEnables(t *testing.T) {
	states := newManaged(t).render(map[string]any{"servers": []string{"redis://mps01:6379/1"}})
	for id, want := range map[string]string{
		"sysops-agent-package": "pkg.installed sysops-agent", "sysops-agent-timer": "service.running sysops-agent.timer",
		"sysops-agent-config": "file.serialize /etc/sysops/config.yaml", "sysops-agent-config-dir": "file.directory /etc/sysops",
		"sysops-agent-links": "cmd.run /usr/bin/sysops-agent init --config /etc/sysops/config.yaml",
	} {
		got := states[id]
		if got["function"].(string)+" "+got["name"].(string) != want {
			t.Errorf("%s is %v, want %s", id, got, want)
		}
		delete(states, id)
	}
	if len(states) > 0 {
		t.Errorf("and %v", states)
	}
}
