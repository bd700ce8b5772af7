package verbs

import (
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
)

// What a server's version keeps hosts from is told with info, of servers older than Redis 7;
// Valkey and KeyDB say which Redis they stand in for.
func TestInfoSaysOfAnOldServerWhatItKeepsHostsFrom(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"6.0.16": true, "6.2.14": true, "6.3.4": true, "7.0.15": false, "7.2.4": false, "8.0.2": false, "10.0.0": false, "": false, "unstable": false,
	} {
		o := &Outcome{}
		o.warnOld(&sysops.ServerInfo{Server: "mps01:6379/1", Info: map[string]string{"redis_version": version}})
		if old != (len(o.Warnings) == 1) || old && !strings.Contains(o.Warnings[0].Error(), "mps01:6379/1 is version "+version+", and hosts need Redis 7 for bases") {
			t.Errorf("of version %q it says %v", version, o.Warnings)
		}
	}
}
