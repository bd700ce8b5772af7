package cli

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestABuildIsToldAsGoRecordedIt(t *testing.T) {
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: "vcs." + key, Value: value} }
	platform := runtime.GOOS + "/" + runtime.GOARCH
	tests := []struct {
		name, module    string
		settings        []debug.BuildSetting
		oneLine, inFull string
	}{
		{
			name: "of a commit", module: "v0.2.0",
			settings: []debug.BuildSetting{setting("revision", "0123456789abcdef"), setting("time", "2026-11-22T21:48:46Z"), setting("modified", "false")},
			oneLine:  "0.2.0 (commit 0123456789ab, go1.26, " + platform + ")",
			inFull: "sysops        0.2.0\ncommit        0123456789abcdef\ncommitted     2026-11-22T21:48:46Z\n" +
				"go            go1.26\nplatform      " + platform + "\n",
		},
		{
			name: "with changes", module: "v0.0.0-20261122214846-0123456789ab+dirty",
			settings: []debug.BuildSetting{setting("revision", "0123456789abcdef"), setting("time", "2026-11-22T21:48:46Z"), setting("modified", "true")},
			oneLine:  "0.0.0-20261122214846-0123456789ab+dirty (commit 0123456789ab, modified, go1.26, " + platform + ")",
			inFull: "sysops        0.0.0-20261122214846-0123456789ab+dirty\ncommit        0123456789abcdef, with changes that are not committed\n" +
				"committed     2026-11-22T21:48:46Z\ngo            go1.26\nplatform      " + platform + "\n",
		},
		{
			name:    "without a repository",
			oneLine: "(devel) (no commit known, go1.26, " + platform + ")",
			inFull:  "sysops        (devel)\ncommit        unknown\ncommitted     unknown\ngo            go1.26\nplatform      " + platform + "\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := buildOf(&debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: tt.module}, Settings: tt.settings})
			if got := b.String(); got != tt.oneLine {
				t.Errorf("in one line: %q, want %q", got, tt.oneLine)
			}
			if got := b.lines("sysops"); got != tt.inFull {
				t.Errorf("in full:\n%s\nwant\n%s", got, tt.inFull)
			}
		})
	}
}
