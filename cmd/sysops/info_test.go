package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// infoOf makes servers whose INFO has these lines.
func infoOf(texts ...string) []sysops.ServerInfo {
	var out []sysops.ServerInfo
	for i, text := range texts {
		out = append(out, sysops.ServerInfo{Server: fmt.Sprintf("mps%02d.example.com:6379/1", i), RawInfo: strings.ReplaceAll(text, "\n", "\r\n")})
	}
	return out
}

func infoText(servers []sysops.ServerInfo, width int) string {
	lines := infoLines(servers, "*")
	table := newInfoTable(lines, len(servers), width)
	text := table.header()
	for i := range lines {
		text = append(text, table.row(&lines[i])...)
	}
	return string(text)
}

func TestInfoSideBySide(t *testing.T) {
	got := infoText(infoOf(
		"# Server\nversion:7.0.15\nport:1\n# Memory\nused:1234567890\n",
		"# Server\nversion:7.0.15\nport:2\n# Memory\nused:9\nnew:yes\n# Last\nlate:1\n",
		"# Server\nonly:here\nversion:7.0.15\nport:1\n# Memory\nused:1234567890\nnew:yes\n",
	), 0)
	want := `FIELD    [1]         [2]         [3]
version  7.0.15
port     1           2           =
only     -           =           here
used     1234567890  9           =
new      -           yes         yes
late     -           1           =
`
	if got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

// One long value does not push all columns apart.
func TestALongValueOfInfoIsAlone(t *testing.T) {
	long := strings.Repeat("x", 60)
	got := infoText(infoOf("a:"+long+"\nb:1\n", "a:y\nb:2\n"), 0)
	want := "FIELD  [1]                       [2]\na      " + long + "  y\nb      1                         2\n"
	if got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

// Eight servers fit a terminal of 120 columns, and what is the same everywhere takes the
// room of them all.
func TestInfoOfEightServersFitsATerminal(t *testing.T) {
	var texts []string
	for i := range 8 {
		texts = append(texts, fmt.Sprintf("# Server\nexecutable:/usr/%sredis-server\nused_memory_scripts_eval_x:12345678901%d\nrun_id:%040d\n", strings.Repeat("long/", 13), i, i))
	}
	got := infoText(infoOf(texts...), 120)
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 120 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(got, strings.Repeat("long/", 13)+"redis-server\n") {
		t.Errorf("what all say is cut:\n%s", got)
	}
	if strings.Count(got, "…") != 16 {
		t.Errorf("values that are too long are not marked:\n%s", got)
	}
}

// A server may be hostile, too.
func TestInfoOfAServerIsHarmless(t *testing.T) {
	if got := infoText(infoOf("# S\nname:\x1b[2J\n", "# S\nname:b\nno field\n"), 80); strings.Contains(got, "\x1b") || !strings.Contains(got, "^[[2J") {
		t.Errorf("it is %q", got)
	}
}

func TestSizesAreWrittenAsRedisDoes(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.00K", 1 << 20: "1.00M", 5 << 29: "2.50G", 1 << 50: "1024.00T"} {
		if got := redisSize(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

// What one form takes and the environment has must not keep the others from being printed.
func TestTheEnvironmentIsInNoFormsWay(t *testing.T) {
	isolateConfig(t)
	server := redistest.Start(t)
	publish(t, server.URL(), "web1", "/etc/motd", "x\n")
	t.Setenv("SYSOPS_SAMPLE", "10")
	t.Setenv("SYSOPS_EXAMPLES", "10")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"sysops", "--server", server.URL(), "info"}, strings.NewReader(""), &stdout, &stderr); code != exitMatch {
		t.Errorf("exit status %d: %s", code, stderr.String())
	}
}
