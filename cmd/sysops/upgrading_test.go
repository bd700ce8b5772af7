package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Every command of docs/upgrading.md works as it stands there, on a core of two servers and
// the host web01.example.com.
func TestEveryCommandOfTheUpgradeWorks(t *testing.T) {
	agent, sysops := redistest.Build(t, "./cmd/sysops-agent"), redistest.Build(t, "./cmd/sysops")
	servers := redistest.Core(t, 2)
	folder := t.TempDir()
	outgoing := filepath.Join(folder, "outgoing")
	if err := os.Mkdir(outgoing, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outgoing, "motd"), []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "config.yaml")
	text := fmt.Sprintf("directory:\n  sites: {here: {core: [%q, %q]}}\n  local: {site: here, core: core}\nagent: {host: web01.example.com, outgoing: %q, json: %q, state: %q, commands: {}}\n",
		servers[0].URL(), servers[1].URL(), outgoing, filepath.Join(folder, "collected.json"), filepath.Join(folder, "state"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(program string, args ...string) {
		t.Helper()
		if r := redistest.Run(t, program, args, []string{"SYSOPS_CONFIG=" + config, "HOME=" + folder}); r.ExitCode != 0 {
			t.Errorf("%s %q: exit status %d\n%s%s", program, args, r.ExitCode, r.Stdout, r.Stderr)
		}
	}
	run(agent, "push")
	kinds := make(map[string]int)
	for _, command := range commandsOf(t, "../../docs/upgrading.md") {
		args := shellWords(command)
		kinds[args[0]]++
		switch args[0] {
		case "sysops":
			run(sysops, args[1:]...)
		case "sysops-agent":
			run(agent, args[1:]...)
		default:
			t.Errorf("%s is run by nothing", command)
		}
	}
	if kinds["sysops"] < 4 || kinds["sysops-agent"] < 2 {
		t.Errorf("the page shows only %v", kinds)
	}
	if servers[0].Must("EXISTS", "$gc") != int64(1) {
		t.Error("gc has not been there")
	}
}
