package verbs_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/terminaltest"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

func TestInfo(t *testing.T) {
	servers := redistest.Core(t, 2)
	client := clientOf(t, servers[0].URL(), servers[1].URL())
	publish(t, client, map[string]objects{"web1": {"motd": "x"}, "web2": {"motd": "y"}})
	glob, all, one := "tcp_por?", 0, 1
	for _, tt := range []struct {
		verb   verbs.Info
		rows   int
		within string // the rows
		note   string
	}{
		{verbs.Info{}, 2, `"error": "", "state": "ok", "troubles": [], "hosts": 2, "lacks": 0, "cold": false`, ""},
		{verbs.Info{Raw: true}, 2, `"role":"master"`, ""},
		{verbs.Info{Fields: &glob}, 1, `{"section": "Server", "field": "tcp_port", "same": false, "values": {`, ""},
		{verbs.Info{Cores: true}, 1, `"servers": 2, "servers_down": 0, "hosts": 2, "live": 2, "stale": 0, "missing": 0}`, ""},
		{verbs.Info{Memory: true, Sample: &all}, 4, `"keys": 4, "sampled": 4, `, " in all; all objects were weighed\n"},
		{verbs.Info{Disagree: true}, 0, "", "the servers that answer agree\n"},
	} {
		rows, o := ran(t, client, &tt.verb)
		if strings.Count(rows, "\n") != tt.rows || o.Matched != tt.rows || !strings.Contains(rows, tt.within) || o.Partial(true) {
			t.Errorf("the rows of %+v are\n%s, the outcome %+v", tt.verb, rows, o)
		}
		if got := told(t, client, &tt.verb); !strings.HasSuffix(got, tt.note) || tt.note == "" && got != "" {
			t.Errorf("%+v tells %q", tt.verb, got)
		}
	}
	servers[1].Must("HDEL", "$of:web1", "motd")
	rows, o := ran(t, client, &verbs.Info{Disagree: true, Examples: &one})
	if !strings.Contains(rows, `"kind": "lacks", "count": 1, "examples": ["web1#motd"]}`) || o.Matched != 1 {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	servers[1].Kill()
	if rows, o = ran(t, client, &verbs.Info{}); strings.Count(rows, `"hosts": null`) != 1 || !o.Partial(false) {
		t.Errorf("the rows are\n%s, the outcome %+v", rows, o)
	}
	if _, o = ran(t, client, &verbs.Info{Fields: &glob}); len(o.Warnings) != 1 || !o.Partial(false) {
		t.Errorf("the outcome is %+v", o)
	}
}

// A password that others can read on its way is warned of. The address 0.0.0.0 leads to
// this machine, and is not written as one of its own.
func TestInfoWarnsOfAnExposedPassword(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Password("secret"))
	glob := "tcp_port"
	for url, want := range map[string]int{server.URL(): 0, strings.Replace(server.URL(), "127.0.0.1", "0.0.0.0", 1): 1} {
		client, err := sysops.New(sysops.ServerList(url), sysops.Options{Password: "secret", Timeout: redistest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		for _, verb := range []verbs.Info{{}, {Raw: true}, {Fields: &glob}} {
			_, o := ran(t, client, &verb)
			if strings.Count(fmt.Sprint(o.Warnings), "the password travels in the clear") != want {
				t.Errorf("%s: %+v warns of %v", url, verb, o.Warnings)
			}
		}
	}
}

func TestMisusesOfInfo(t *testing.T) {
	three, negative, open, none := 3, -1, "[", ""
	misused(t, &verbs.Info{Raw: true, Memory: true}, "info forms", "memory", "raw")
	misused(t, &verbs.Info{Sample: &three}, "info sample", "sample")
	misused(t, &verbs.Info{Memory: true, Sample: &negative}, "info sample", "sample")
	misused(t, &verbs.Info{Examples: &three}, "info examples", "examples")
	misused(t, &verbs.Info{Fields: &open}, "info glob", "fields")
	misused(t, &verbs.Info{Fields: &none}, "info no field", "fields")
}

// infoOf makes servers whose INFO has these lines.
func infoOf(texts ...string) []sysops.ServerInfo {
	var out []sysops.ServerInfo
	for i, text := range texts {
		out = append(out, sysops.ServerInfo{Server: fmt.Sprintf("mps%02d.example.com:6379/1", i), Core: "c", RawInfo: strings.ReplaceAll(text, "\n", "\r\n")})
	}
	return out
}

// fieldTable is the table of all fields of INFO, in a pipe, without the list of servers.
func fieldTable(t *testing.T, texts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := terminal.NewWriter(&b)
	writeRows(t, w, infoOf(texts...))
	return b.String()[strings.Index(b.String(), "FIELD"):]
}

func writeRows(t *testing.T, w *terminal.Writer, servers []sysops.ServerInfo) {
	t.Helper()
	text := terminal.NewText(w, false)
	for _, row := range verbs.FieldRows(servers, "*") {
		if err := text.Write(&row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestInfoSideBySide(t *testing.T) {
	got := fieldTable(t,
		"# Server\nversion:7.0.15\nport:1\n# Memory\nused:1234567890\nfile:\n",
		"# Server\nversion:7.0.15\nport:2\n# Memory\nused:9\nnew:yes\nfile:\n# Last\nlate:1\n",
		"# Server\nonly:here\nversion:7.0.15\nport:1\n# Memory\nused:1234567890\nnew:yes\nfile:\n",
	)
	want := `FIELD    [1]         [2]         [3]
# Server
version  7.0.15
port     1           2           =
only     -           =           here
# Memory
used     1234567890  9           =
file     ` + `
new      -           yes         yes
# Last
late     -           1           =
`
	if got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
}

// One long value does not push all columns apart.
func TestALongValueOfInfoIsAlone(t *testing.T) {
	long := strings.Repeat("x", 60)
	got := fieldTable(t, "# S\na:"+long+"\nb:1\n", "# S\na:y\nb:2\n")
	want := "FIELD  [1]                       [2]\n# S\na      " + long + "  y\nb      1                         2\n"
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
	screen := terminaltest.Open(t, 120)
	writeRows(t, terminal.NewWriter(screen.File), infoOf(texts...))
	got := screen.Sent()
	for line := range strings.Lines(got) {
		if n := terminal.Columns(strings.TrimRight(line, "\r\n")); n > 120 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(got, strings.Repeat("long/", 13)+"redis-server\r\n") || !strings.Contains(got, "used_memory_scripts_eval_x") {
		t.Errorf("what all say, or a field, is cut:\n%s", got)
	}
	if strings.Count(got, "…") != 16 {
		t.Errorf("values that are too long are not marked:\n%s", got)
	}
}

// A server may be hostile, too.
func TestInfoOfAServerIsHarmless(t *testing.T) {
	screen := terminaltest.Open(t, 80)
	writeRows(t, terminal.NewWriter(screen.File), infoOf("# S\nname:\x1b[2J\n", "# S\nname:b\nno field\n"))
	if got := screen.Sent(); strings.Contains(got, "\x1b") || !strings.Contains(got, "^[[2J") {
		t.Errorf("it is %q", got)
	}
}
