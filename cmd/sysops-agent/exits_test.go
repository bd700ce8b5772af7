package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// The entrances of the agent, by file, with the place of a secret: files that are pushed, and
// programs that print, complain, hang or flood.
var entrances = map[string]string{
	"outgoing/inside.conf": "password = %s\n",
	"etc/linked.conf":      "db_password=%s\n",
	"etc/lines.yaml":       "api:\n  token: %s\n",
	"neighbour.xml":        "<chassis>\n  password=%s\n</chassis>\n",
	"complains.sh":         "echo 'cannot log in: password=%s' >&2\nexit 3\n",
	"prints.sh":            "echo 'x --password=%s'\n",
	"json.sh":              `echo '{"user": "a", "password": "%s"}'` + "\n",
	"both.sh":              "echo ok\necho 'token=%s' >&2\n",
	"environment.sh":       "/usr/bin/env\n",
	"hangs.sh":             "echo 'password=%s'\necho 'token=%s' >&2\nexec sleep 60\n",
	"floods.sh":            "echo 'password=%s'\nexec yes\n",
}

// A secretive is a host with a secret at each entrance.
type secretive struct {
	*fleet
	planted int
	out     map[string]string // by exit
}

// fill puts a new secret wherever one has its place.
func (s *secretive) fill(text string) string {
	for strings.Contains(text, "%s") {
		s.planted++
		text = strings.Replace(text, "%s", fmt.Sprintf("Zq7planted%02dXv9", s.planted), 1)
	}
	return text
}

func newSecretive(t *testing.T) *secretive {
	s := &secretive{fleet: newFleet(t), out: make(map[string]string)}
	config := "{bases: false, commands: {ps: {off: true}, ss-anp: {off: true}" // they show the tests that run beside this one
	for name, text := range entrances {
		path := filepath.Join(s.dir, name)
		s.must(os.MkdirAll(filepath.Dir(path), 0o700))
		s.must(os.WriteFile(path, []byte(s.fill(text)), 0o600))
		if section, isProgram := strings.CutSuffix(name, ".sh"); isProgram {
			config += fmt.Sprintf(", %s: {run: [sh, %s], timeout: 1s, limit: 4096}", section, path)
		}
	}
	s.must(os.Symlink(filepath.Join(s.dir, "etc"), filepath.Join(s.dir, "outgoing/etc")))
	t.Setenv("DB_PASSWORD", s.fill("%s"))
	s.configure(s.fill(config + `, lldp-xml: {run: [cat, ` + filepath.Join(s.dir, "neighbour.xml") + `]},
  arguments: {run: [echo, --password, "%s"]}, assigned: {run: [echo, "--token=%s"]}, fails: {run: [cat, "/password=%s"]},
  none: {run: [/no/such/program, "--password=%s"]}, refused: {run: [sh, -c, "echo password=%s >&2; exit 1"]}}}`))
	return s
}

// agent runs the agent, and keeps what it says.
func (s *secretive) agent(args ...string) {
	var stdout, stderr bytes.Buffer
	all := append([]string{"sysops-agent"}, args...)
	all = append(all, "--config", s.config, "--host", "web1.example.com", "--outgoing", filepath.Join(s.dir, "outgoing"),
		"--json", filepath.Join(s.dir, "hw.json"), "--state", filepath.Join(s.dir, "state"), "--server", s.server.URL())
	run(s.t.Context(), all, &stdout, &stderr)
	s.out["stdout of "+args[0]+args[len(args)-1]] += stdout.String()
	s.out["stderr of "+args[0]+args[len(args)-1]] += stderr.String()
}

// keep adds what lies on the disk and on the server, packed and unpacked.
func (s *secretive) keep() {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "hw.json"))
	s.must(err)
	s.out["the JSON object"] = string(text)
	s.out["the server"] = redistest.Dump(s.t, s.server)
	for _, key := range s.keys("web1.example.com#*") {
		packed, err := frame.NewDecoder(0).Decode([]byte(s.server.Must("LINDEX", key, "0").(string)), nil)
		s.must(err)
		s.out[key] = string(packed)
	}
}

// Whatever has come in by any entrance, no exit has a secret of it: not a server, the disk,
// the terminal, the journal nor CFEngine.
func TestNoSecretComesOutAnywhere(t *testing.T) {
	s := newSecretive(t)
	s.agent("collect")
	s.agent("push", "--dry-run")
	s.agent("push", "--dry-run", "--format=json")
	s.agent("check")
	s.agent("push")
	s.agent("push", "--cfengine")
	s.agent("run", "--once")
	s.keep()
	for i := 1; i <= s.planted; i++ {
		secret := fmt.Sprintf("Zq7planted%02dXv9", i)
		for exit, text := range s.out {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has secret %d: …%q", exit, i, text[max(0, at-60):at+len(secret)])
			}
		}
	}
	// All of it has come in, or nothing would be shown by this.
	for _, part := range []string{`"complains":{`, `"hangs": "password=[redacted]\n"`, `"floods": "password=[redacted]\ny\n`, `"cannot log in: password=[redacted]"`, `"--token=[redacted]"`} {
		if !strings.Contains(s.out["the JSON object"], part) {
			t.Errorf("the JSON object lacks %s:\n%.3000s", part, s.out["the JSON object"])
		}
	}
	if said := s.out["stderr of collectcollect"]; !strings.Contains(said, "complains: exit status 3: cannot log in: password=[redacted]") {
		t.Errorf("collect says %q", said)
	}
	if len(s.keys("web1.example.com#*")) < 20 {
		t.Errorf("%q", s.keys("*"))
	}
}
