package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A fleet is hosts with files and sections of their own, which push to one server.
type fleet struct {
	t      *testing.T
	server *redistest.Server
	dir    string // others can reach what is in it
	config string
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "SYSOPS_") {
			t.Setenv(name, "")
		}
	}
	f := &fleet{t: t, server: redistest.Start(t), dir: t.TempDir()}
	for _, dir := range []string{filepath.Dir(f.dir), f.dir} {
		f.must(os.Chmod(dir, 0o755))
	}
	f.must(os.Mkdir(filepath.Join(f.dir, "outgoing"), 0o700))
	f.configure("{}")
	return f
}

func (f *fleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// configure sets the agent's part of the config of all hosts.
func (f *fleet) configure(agent string) {
	f.t.Helper()
	f.config = filepath.Join(f.dir, "config.yaml")
	f.must(os.WriteFile(f.config, []byte("agent: "+agent+"\n"), 0o600))
}

// write makes a file of the host, at a path below etc that is the same on all hosts
// but for what comes before; the outgoing directory links to all of it.
func (f *fleet) write(name string, mode os.FileMode, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, "etc", name)
	f.must(os.MkdirAll(filepath.Dir(path), 0o755))
	f.must(os.WriteFile(path, []byte(text), 0o600))
	f.must(os.Chmod(path, mode))
	_ = os.Symlink(filepath.Join(f.dir, "etc"), filepath.Join(f.dir, "outgoing", "etc")) // there, but for the first time
}

func (f *fleet) sections(sections map[string]string) {
	f.t.Helper()
	text, err := json.Marshal(sections)
	f.must(err)
	f.must(os.WriteFile(filepath.Join(f.dir, "hw.json"), text, 0o644))
}

// push pushes as a host and returns what was said.
func (f *fleet) push(host string, more ...string) string {
	f.t.Helper()
	said, code := f.tryPush(host, more...)
	if code != exitOK {
		f.t.Fatalf("push of %s: exit status %d\n%s", host, code, said)
	}
	return said
}

func (f *fleet) tryPush(host string, more ...string) (said string, code int) {
	var stdout, stderr bytes.Buffer
	args := []string{
		"sysops-agent", "push", "--config", f.config, "--server", f.server.URL(), "--host", host,
		"--outgoing", filepath.Join(f.dir, "outgoing"), "--json", filepath.Join(f.dir, "hw.json"), "--state", filepath.Join(f.dir, "state-"+host),
	}
	code = run(context.Background(), append(args, more...), &stdout, &stderr)
	return stdout.String() + stderr.String(), code
}

// bases returns the contents of all bases, by their keys.
func (f *fleet) bases() map[string]string {
	f.t.Helper()
	out := make(map[string]string)
	for _, key := range f.keys("$base:*") {
		packed, ok := f.server.Must("GET", key).(string)
		if !ok {
			continue // it has expired
		}
		contents, err := frame.NewDecoder(0).Decode([]byte(packed), nil)
		f.must(err)
		out[key] = string(contents)
	}
	return out
}

func (f *fleet) keys(pattern string) []string {
	f.t.Helper()
	var out []string
	for _, key := range f.server.Must("KEYS", pattern).([]any) {
		out = append(out, key.(string))
	}
	return out
}

// read returns the contents of a host's object as a reader sees it.
func (f *fleet) read(host, name string) string {
	f.t.Helper()
	c, err := sysops.New(sysops.ServerList(f.server.URL()), sysops.Options{})
	f.must(err)
	defer c.Close()
	p, err := sysops.ParsePattern(host + "#" + name)
	f.must(err)
	a, err := c.Ask(f.t.Context(), sysops.Query{Pattern: p})
	f.must(err)
	var all []string
	for o, err := range a.Objects(f.t.Context()) {
		f.must(err)
		all = append(all, string(o.Contents))
	}
	if len(all) != 1 {
		f.t.Fatalf("%s#%s: %d objects", host, name, len(all))
	}
	return all[0]
}

// refers returns the base that a host's object is stored against, "" for none.
func (f *fleet) refers(host, name string) string {
	f.t.Helper()
	packed, ok := f.server.Must("LINDEX", host+"#"+name, "0").(string)
	if !ok {
		f.t.Fatalf("%s has no %s", host, name)
	}
	id, refers := frame.BaseOf([]byte(packed))
	if !refers {
		return ""
	}
	return fmt.Sprintf("$base:%x", id)
}

func (f *fleet) path(name string) string    { return filepath.Join(f.dir, "etc", name) }
func (f *fleet) section(name string) string { return filepath.Join(f.dir, "hw.json") + "@" + name }

// settingsOf is a text that is nearly the same for every host, and does not compress
// to nothing. Each of its lines holds the marker.
func settingsOf(marker string, host int) string {
	common, own := rand.New(rand.NewPCG(uint64(len(marker)), 7)), rand.New(rand.NewPCG(uint64(host), 8))
	var b strings.Builder
	for i := range 60 {
		value := common.Uint64()
		if i%20 == host%20 {
			value = own.Uint64()
		}
		fmt.Fprintf(&b, "%s.%d = %x\n", marker, i, value)
	}
	return b.String()
}

const (
	everybodys = "everybodys-marker"
	secret     = "private-marker"
)

// What others cannot read on its own host, what is private by its name, and what the
// administrator says is, never gets where every host may read it: whatever is pushed,
// however often, by however many hosts.
func TestNoBaseEverHoldsWhatIsPrivate(t *testing.T) {
	f := newFleet(t)
	f.configure(`{private: ["*/app/*", lspci, uptime], not_private: [nginx-T, "*/app/also"]}`)
	check := func(when string) {
		for key, contents := range f.bases() {
			if strings.Contains(contents, secret) {
				t.Fatalf("%s: %s holds %.200q", when, key, contents)
			}
		}
	}
	for round := range 3 {
		for n := range 6 {
			host, version := fmt.Sprintf("web%d.example.com", n), n+10*round
			public, private := settingsOf(everybodys, version), settingsOf(secret, version)
			for _, name := range strings.Fields("sudoers sudoers.d/90-admins crontab cron.d/backup cron.daily/rotate app/conf app/also .ssh/authorized_keys closed/file") {
				f.write(name, 0o644, private+name)
			}
			f.must(os.Chmod(f.path("closed"), 0o750))
			f.write("for-root-alone", 0o640, private)
			f.write("limits.conf", 0o644, public)
			f.sections(map[string]string{
				"sysctl-a": public + "net.ipv4.tcp_fastopen_key = a1b2c3d4-01020304-05060708-090a0b0c\n", "nginx-T": public,
				"ps": private, "ss-anp": private + "ss", "who": private + "who", "last": private + "last", "crontab-l": private + "crontab",
				"lsof": private + "lsof", "netstat-anp": private + "netstat", "dmidecode": private + "dmi", "of-my-own": private + "own",
				"lspci": private + "pci", "uptime": private + "up", "collection": private + "collection",
			})
			f.push(host)
			check(host)
		}
	}
	seen := strings.Join(slices.Collect(maps.Values(f.bases())), "")
	for _, want := range []string{everybodys, "tcp_fastopen_key = [redacted]"} {
		if !strings.Contains(seen, want) {
			t.Errorf("no base holds %q: this test shows nothing", want)
		}
	}
	for _, name := range []string{f.path("limits.conf"), f.section("sysctl-a"), f.section("nginx-T")} {
		if f.refers("web5.example.com", name) == "" {
			t.Errorf("%s is stored against no base", name)
		}
	}
	for _, name := range []string{f.path("crontab"), f.path("for-root-alone"), f.section("ps"), f.section("of-my-own")} {
		if got := f.read("web5.example.com", name); !strings.Contains(got, secret) {
			t.Errorf("%s is not there: %.100q", name, got)
		}
	}
}

// A name that is made private later: its bases are given up with the next push of
// each host that refers to them, and nobody renews them.
func TestBasesOfANameThatBecomesPrivateAreGivenUp(t *testing.T) {
	f := newFleet(t)
	hosts := []string{"web0.example.com", "web1.example.com", "web2.example.com"}
	name, other := f.section("sysctl-a"), f.section("lsmod")
	pushAll := func(changed int) {
		for n, host := range hosts {
			f.sections(map[string]string{"sysctl-a": settingsOf("first", n+changed), "lsmod": settingsOf("second one", n+changed)})
			f.push(host)
		}
	}
	pushAll(0)
	pushAll(0)
	for _, host := range hosts {
		if f.refers(host, name) == "" || f.refers(host, other) == "" {
			t.Fatalf("%s has objects that refer to no base", host)
		}
	}
	f.configure(`{private: [sysctl-a]}`)
	const left = 1_000_000 // ms
	before := f.bases()
	for key := range before {
		f.server.Must("PEXPIRE", key, strconv.Itoa(left))
	}
	pushAll(0)
	pushAll(7)
	for n, host := range hosts {
		if base := f.refers(host, name); base != "" {
			t.Errorf("%s still refers to %s", host, base)
		}
		if got := f.read(host, name); got != settingsOf("first", n+7) {
			t.Errorf("%s: %.100q", host, got)
		}
	}
	for key, contents := range f.bases() {
		ttl := f.server.Must("PTTL", key).(int64)
		if private := strings.HasPrefix(contents, "first."); private != (ttl <= left) {
			t.Errorf("%s, of %.20q, lives for another %d ms", key, contents, ttl)
		}
		if before[key] == "" && strings.HasPrefix(contents, "first.") {
			t.Errorf("%s is new, and is private", key)
		}
	}
}

// A folder of bases serves one agent. Two that are given the same one (of two
// outgoing directories: the same one is locked) lose nothing but downloads.
func TestTwoPushesAtATimeOfOneFolderOfBases(t *testing.T) {
	f := newFleet(t)
	f.write("limits.conf", 0o644, settingsOf("limits", 0))
	f.sections(map[string]string{"sysctl-a": settingsOf("first", 0)})
	f.push("web0.example.com")
	const pushes = 8
	var wg sync.WaitGroup
	for n := range 4 {
		outgoing := filepath.Join(f.dir, fmt.Sprintf("outgoing-%d", n))
		f.must(os.Mkdir(outgoing, 0o700))
		f.must(os.Symlink(f.path("limits.conf"), filepath.Join(outgoing, "limits.conf")))
		hw := filepath.Join(f.dir, fmt.Sprintf("hw-%d.json", n))
		wg.Go(func() {
			for i := range pushes {
				text, _ := json.Marshal(map[string]string{"sysctl-a": settingsOf("first", 10*n+i)})
				if err := os.WriteFile(hw, text, 0o600); err != nil {
					t.Error(err)
				}
				host := fmt.Sprintf("db%d.example.com", n)
				if said, code := f.tryPush(host, "--outgoing", outgoing, "--json", hw, "--state", filepath.Join(f.dir, "state")); code != exitOK {
					t.Errorf("push of %s: exit status %d\n%s", host, code, said)
				}
			}
		})
	}
	wg.Wait()
	for n := range 4 {
		host := fmt.Sprintf("db%d.example.com", n)
		name := filepath.Join(f.dir, fmt.Sprintf("hw-%d.json@sysctl-a", n))
		if got := f.read(host, name); got != settingsOf("first", 10*n+pushes-1) {
			t.Errorf("%s: %.100q", host, got)
		}
		if got := f.read(host, f.path("limits.conf")); got != settingsOf("limits", 0) {
			t.Errorf("%s: %.100q", host, got)
		}
	}
}

// A base on disk that somebody has changed is not used, and is downloaded again.
func TestBasesThatWereTamperedWithOnDiskAreNotUsed(t *testing.T) {
	f := newFleet(t)
	for n := range 2 {
		f.sections(map[string]string{"sysctl-a": settingsOf("first", n)})
		f.push("web0.example.com")
	}
	folder := filepath.Join(f.dir, "state-web0.example.com", "bases")
	fi, err := os.Stat(folder)
	f.must(err)
	if fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v", fi.Mode())
	}
	for base := range f.bases() {
		path := filepath.Join(folder, strings.TrimPrefix(base, "$base:"))
		data, err := os.ReadFile(path)
		f.must(err)
		data[len(data)/2] ^= 1
		f.must(os.WriteFile(path, data, 0o600))
	}
	for n := 2; n < 5; n++ {
		want := settingsOf("first", n)
		f.sections(map[string]string{"sysctl-a": want})
		f.push("web0.example.com")
		if got := f.read("web0.example.com", f.section("sysctl-a")); got != want {
			t.Errorf("%.100q", got)
		}
	}
}

// A folder that cannot be written is a warning; the push goes without bases, and is no
// worse for it each time. One that others may write to is refused (push_untrusted.txtar).
func TestAPushWithoutItsFolderOfBases(t *testing.T) {
	for _, row := range []struct {
		name, says string
		spoil      func(f *fleet, state string)
	}{
		{"a file in its place", "not a directory", func(f *fleet, state string) {
			f.must(os.MkdirAll(state, 0o700))
			f.must(os.WriteFile(filepath.Join(state, "bases"), nil, 0o600))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFleet(t)
			f.sections(map[string]string{"sysctl-a": settingsOf("first", 1)})
			f.push("web0.example.com")
			row.spoil(f, filepath.Join(f.dir, "state-web1.example.com"))
			for n := range 3 {
				want := settingsOf("first", n)
				f.sections(map[string]string{"sysctl-a": want})
				said := f.push("web1.example.com")
				if strings.Count(said, "warning: ") != 1 || !strings.Contains(said, "cannot keep bases in ") || !strings.Contains(said, row.says) {
					t.Errorf("it says %q", said)
				}
				if got := f.read("web1.example.com", f.section("sysctl-a")); got != want {
					t.Errorf("%.100q", got)
				}
			}
			if said := f.push("web1.example.com", "--quiet"); said != "" {
				t.Errorf("with --quiet it says %q", said)
			}
		})
	}
}

func TestAgentBasesFalse(t *testing.T) {
	f := newFleet(t)
	f.configure("{bases: false}")
	for n := range 3 {
		f.sections(map[string]string{"sysctl-a": settingsOf("first", n)})
		f.push("web0.example.com")
	}
	if keys := f.keys("$base*"); len(keys) > 0 {
		t.Errorf("%q are there", keys)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "state-web0.example.com", "bases")); !os.IsNotExist(err) {
		t.Errorf("bases are kept: %v", err)
	}
	f.configure("{bases: true}")
	f.push("web1.example.com")
	f.push("web0.example.com")
	if len(f.keys("$base:*")) == 0 || f.refers("web0.example.com", f.section("sysctl-a")) == "" {
		t.Error("nothing is stored against a base, though bases are wanted again")
	}
	f.configure("{bases: false}")
	f.push("web0.example.com")
	if base := f.refers("web0.example.com", f.section("sysctl-a")); base != "" {
		t.Errorf("an object still refers to %s", base)
	}
}
