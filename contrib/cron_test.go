package contrib

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A cronJob is the line of contrib/cron/sysops-agent, with this test's agent in place of
// the installed one, and programs in place of sleep and logger that write down what
// they are asked.
type cronJob struct {
	dir  string
	env  []string
	line string
}

// crontabLine is a line of /etc/cron.d as crontab(5) has it: five fields, the user, and
// the command.
var crontabLine = regexp.MustCompile(`^((?:[0-9*/,-]+ ){5})(\S+) (.+)$`)

func newCronJob(t *testing.T, server string) *cronJob {
	t.Helper()
	need(t, "flock", "apt-get install util-linux")
	j := &cronJob{dir: t.TempDir()}
	outgoing, config := filepath.Join(j.dir, "outgoing"), filepath.Join(j.dir, "config.yaml")
	write(t, filepath.Join(outgoing, "motd"), "Welcome\n", 0o644)
	write(t, config, "agent: {host: "+cfHost+", outgoing: "+outgoing+", json: "+filepath.Join(j.dir, "hw.json")+
		", state: "+filepath.Join(j.dir, "state")+"}\nserver: ["+server+"]\n", 0o600)
	shims := filepath.Join(j.dir, "bin")
	if err := os.Mkdir(shims, 0o700); err != nil {
		t.Fatal(err)
	}
	redistest.WriteProgram(t, filepath.Join(shims, "sleep"), "#!/bin/sh\necho \"$1\" >>"+filepath.Join(j.dir, "slept")+"\n")
	redistest.WriteProgram(t, filepath.Join(shims, "logger"), "#!/bin/sh\ncat >>"+filepath.Join(j.dir, "logged")+"\n")
	j.env = (&policy{t: t, dir: j.dir}).env() // without what this machine sets for sysops
	j.env = append(j.env, "SYSOPS_CONFIG="+config)
	for line := range strings.Lines(read(t, "cron/sysops-agent")) {
		line = strings.TrimSuffix(line, "\n")
		switch name, value, isEnv := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case isEnv && !strings.Contains(name, " "):
			if name == "PATH" {
				value = shims + ":" + value
			}
			j.env = append(j.env, name+"="+strings.Trim(value, `"`))
		case j.line != "":
			t.Fatalf("a second job: %s", line)
		default:
			j.line = line
		}
	}
	return j
}

// command returns what cron gives to the shell: an unescaped % would end it.
func (j *cronJob) command(t *testing.T) string {
	t.Helper()
	fields := crontabLine.FindStringSubmatch(j.line)
	if fields == nil || fields[1] != "*/20 * * * * " || fields[2] != "root" {
		t.Fatalf("not a job of root, every 20 minutes: %q", j.line)
	}
	command := strings.ReplaceAll(fields[3], `\%`, "\x00")
	if strings.Contains(command, "%") {
		t.Fatalf("cron ends the command at its first %%: %s", fields[3])
	}
	command = strings.ReplaceAll(command, "\x00", "%")
	for path, own := range map[string]string{
		"/usr/bin/sysops-agent": redistest.Build(t, "./cmd/sysops-agent"), "/run/sysops-agent.lock": filepath.Join(j.dir, "lock"),
		"--retry 10m": "--retry 1s",
	} {
		if !strings.Contains(command, path) {
			t.Fatalf("no %s in %s", path, command)
		}
		command = strings.ReplaceAll(command, path, own)
	}
	return command
}

// run runs the job as cron does, and demands that there is nothing to mail.
func (j *cronJob) run(t *testing.T) {
	t.Helper()
	if r := redistest.Run(t, "/bin/sh", []string{"-c", j.command(t)}, j.env); r.Stdout != "" || r.Stderr != "" {
		t.Errorf("cron would mail %q %q", r.Stdout, r.Stderr)
	}
}

func TestCronPushes(t *testing.T) {
	server := redistest.Start(t)
	j := newCronJob(t, server.URL())
	j.run(t)
	j.run(t)
	if n := pushes(t, server); n != "2" {
		t.Errorf("two runs pushed %s times", n)
	}
	expectObject(t, server, filepath.Join(j.dir, "outgoing", "motd"))
	slept := strings.Fields(read(t, filepath.Join(j.dir, "slept")))
	if len(slept) != 2 || slept[0] != slept[1] {
		t.Fatalf("a host waits equally long each time; this one waited %q", slept)
	}
	if n, err := strconv.Atoi(slept[0]); err != nil || n < 0 || n >= 300 {
		t.Errorf("waited %q seconds, want less than 300", slept[0])
	}
	if logged := read(t, filepath.Join(j.dir, "logged")); logged != "" {
		t.Errorf("logged %q", logged)
	}
}

func TestCronLogsAFailureAndMailsNothing(t *testing.T) {
	j := newCronJob(t, "redis://127.0.0.1:1")
	j.run(t)
	if logged := read(t, filepath.Join(j.dir, "logged")); !strings.Contains(logged, "127.0.0.1:1/0 cannot be reached") {
		t.Errorf("logged %q", logged)
	}
}

func TestCronRunsDoNotOverlap(t *testing.T) {
	server := redistest.Start(t)
	j := newCronJob(t, server.URL())
	flock := exec.Command("flock", filepath.Join(j.dir, "lock"), "cat")
	stdin, err := flock.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := flock.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ended, err := redistest.StartProcess(flock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it has the lock
		t.Fatal(err)
	}
	j.run(t)
	if n := pushes(t, server); n != "0" {
		t.Errorf("%s pushes beside a run that is under way", n)
	}
	stdin.Close()
	<-ended
	j.run(t)
	if n := pushes(t, server); n != "1" {
		t.Errorf("%s pushes when the other run has ended, want 1", n)
	}
}

// Whoever can open a lock can keep it: each run would find another one at work.
func TestCronLocksWhatNobodyElseCanOpen(t *testing.T) {
	j := newCronJob(t, "redis://127.0.0.1:1")
	old := syscall.Umask(0o022) // which is cron's
	defer syscall.Umask(old)
	j.run(t)
	for name, mode := range map[string]os.FileMode{"lock": 0o600, "state": 0o700} {
		if info, err := os.Stat(filepath.Join(j.dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestCronWithoutTheAgentSaysNothing(t *testing.T) {
	j := newCronJob(t, "redis://127.0.0.1:1")
	j.line = strings.ReplaceAll(j.line, "/usr/bin/sysops-agent", "/usr/bin/sysops-agent.absent")
	j.run(t)
	if _, err := os.Stat(filepath.Join(j.dir, "logged")); !os.IsNotExist(err) {
		t.Errorf("something is logged: %v", err)
	}
}
