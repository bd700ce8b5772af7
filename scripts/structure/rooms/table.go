package rooms

// Ours is the house of this module.
var Ours = House{
	Module: "github.com/sysops-api/sysops-api",
	Where:  "scripts/structure/rooms/table.go",
	Rooms: []Room{
		// What everyone may use, and knows nothing of the rest.
		{"internal/hint", ""},
		{"internal/words", ""},
		{"internal/wholefile", ""},
		{"internal/redistest", ""},
		{"internal/scripttest", "internal/redistest"},
		{"internal/snmptest", "internal/redistest"},
		{"internal/terminaltest", ""},

		// The engine, and leaves beside it.
		{"internal/naming", "internal/hint internal/words"},
		{"internal/store", "internal/hint internal/words"},
		{"diff", ""}, // until it is public
		{"diff", ""},
		{"internal/frame", ""},
		{"internal/secure", "internal/hint internal/words"},
		{"mask", "internal/hint internal/naming"}, // until it is public
		{"mask", "internal/hint internal/naming"},
		{"snapshot", "internal/hint internal/words internal/naming"},
		{"internal/parse", ""},
		{"internal/parse/accounts", ""},
		{"internal/parse/interactions", "internal/parse"},
		{"internal/parse/netif", "internal/parse"},
		{"internal/parse/netstat", "internal/parse"},
		{"internal/parse/sudoers", "internal/parse/accounts"},
		{"internal/parse/sysctl", ""},
		{"internal/rangeexpr", "internal/hint internal/naming"},
		{"internal/snmp", "internal/hint internal/words snapshot"},
		{"internal/directory", "internal/hint internal/words internal/wholefile internal/store internal/secure internal/rangeexpr"},
		{"hostset", "internal/hint internal/words internal/naming internal/directory internal/rangeexpr"},
		{"internal/extract", "internal/hint internal/words internal/naming internal/store internal/frame internal/secure internal/directory"},
		{"internal/lines", "internal/hint internal/words internal/naming internal/frame internal/mask mask internal/extract"},
		{"internal/push", "internal/hint internal/words internal/wholefile internal/naming internal/store internal/frame internal/secure snapshot internal/directory internal/extract"},
		{"internal/config", "internal/hint internal/words internal/naming internal/store internal/secure mask internal/rangeexpr internal/directory internal/extract"},

		{Root, "internal/hint internal/words internal/wholefile internal/naming internal/store internal/diff diff internal/frame internal/secure internal/mask mask snapshot internal/rangeexpr internal/directory hostset internal/extract internal/lines internal/push internal/config"},

		// What stands on the root. collect and fleetsim go down beside parse when they need
		// no more than snapshot.
		{"internal/collect", "internal/hint internal/words internal/wholefile snapshot root"},
		{"internal/fleetsim", "internal/hint internal/words snapshot root"},
		{"internal/audit", "internal/hint internal/words snapshot hostset root"},
		{"internal/audit/access", "internal/hint internal/words internal/parse/... root internal/audit"},
		{"internal/audit/network", "internal/hint internal/words internal/parse/... root internal/audit"},
		{"internal/audit/sudo", "internal/hint internal/words internal/parse/... root internal/audit"},
		{"internal/audit/sysctl", "internal/hint internal/words internal/parse/... root internal/audit"},
		{"internal/export", "internal/hint internal/words internal/wholefile internal/naming root"},
		{"internal/roles", "internal/hint internal/words internal/naming hostset root"},
		{"internal/output", "internal/hint internal/words internal/naming root"},
		{"internal/verbs", "internal/hint internal/words internal/naming diff mask snapshot hostset root internal/audit internal/audit/... internal/export internal/roles internal/output"},
		{"internal/terminal", "internal/hint internal/words root internal/output internal/verbs"},
		{"internal/cli", "internal/hint internal/words internal/directory internal/config root internal/output internal/verbs internal/terminal"},
		{"internal/demo", "internal/hint internal/words internal/config snapshot root internal/fleetsim internal/output internal/verbs internal/terminal internal/cli"},
		{"internal/serve", "internal/hint internal/words internal/config hostset root internal/roles internal/output internal/verbs"},

		{"cmd/sysops", "internal/hint internal/words internal/directory internal/config diff mask snapshot hostset root internal/collect internal/fleetsim internal/audit internal/audit/... internal/export internal/roles internal/output internal/verbs internal/terminal internal/cli internal/demo internal/serve"},
		{"cmd/sysops-agent", "internal/hint internal/words internal/wholefile internal/config snapshot internal/snmp root internal/collect internal/terminal internal/cli"},

		{"bench", "internal/redistest snapshot root internal/fleetsim"},
		{"bench/fleet", "internal/redistest"},
		{"contrib", ""},
		{"packaging", ""},
		{"wholetest", "internal/redistest root"},
		{"scripts", ""},
		{"scripts/structure/rooms", ""},
		{"scripts/structure", "scripts/structure/rooms"},
	},
	Confined: map[string][]string{
		"os/exec": {"internal/collect", "internal/directory", "internal/redistest", "internal/scripttest", "internal/snmptest"},

		"github.com/alicebob/miniredis/v2":   {"cmd/sysops", "internal/demo"},
		"github.com/aymanbagabas/go-udiff":   {"diff", "diff"},
		"github.com/cespare/xxhash/v2":       {"internal/frame"},
		"github.com/go-ldap/ldap/v3":         {"internal/directory"},
		"github.com/gosnmp/gosnmp":           {"internal/snmp"},
		"github.com/itchyny/gojq":            {"internal/output"},
		"github.com/klauspost/compress/zstd": {"internal/frame"},
		"github.com/mattn/go-runewidth":      {"internal/terminal"},
		"github.com/miekg/dns":               {"internal/directory"},
		"github.com/parquet-go/parquet-go":   {"internal/export"},
		"github.com/redis/go-redis/v9":       {"internal/store"},
		"github.com/rogpeppe/go-internal":    {"internal/scripttest"},
		"github.com/spf13/cobra":             {"cmd/sysops", "cmd/sysops-agent", "internal/cli", "internal/scripttest"},
		"github.com/spf13/pflag":             {"cmd/sysops", "cmd/sysops-agent", "internal/cli"},
		"go.yaml.in/yaml/v4":                 {Root, "internal/config", "internal/directory", "internal/rangeexpr", "internal/snmp"},
		"golang.org/x/sys/unix":              {"internal/terminaltest"},
		"golang.org/x/term":                  {"internal/terminal"},
		"golang.org/x/tools/go/packages":     {"scripts/structure"},
	},
}
