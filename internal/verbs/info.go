package verbs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Info tells the state of every server, each of which is waited for.
type Info struct {
	// Each of these is an answer of its own; without one of them a row is a server, with
	// what matters of it.
	Raw      bool    // Redis' INFO as it is
	Fields   *string // the fields of Redis' INFO that match this glob, the servers side by side
	Cores    bool    // the servers and the hosts of each core
	Memory   bool    // what the objects of each name take of the servers' memory
	Disagree bool    // what servers have other than their siblings

	Sample   *int // with Memory: how many objects of each name are weighed on each server; 0: all; nil: sysops.DefaultSample
	Examples *int // with Disagree: how many hosts or objects are named in a row; nil: DefaultExamples
}

// DefaultExamples is how many hosts or objects Info names for each disagreement.
const DefaultExamples = 5

// Check reads the glob.
func (i *Info) Check() error {
	if err := oneOf("info forms", "cannot combine several forms of the answer", map[string]bool{"raw": i.Raw, "fields": i.Fields != nil, "cores": i.Cores, "memory": i.Memory, "disagree": i.Disagree}); err != nil {
		return err
	}
	switch {
	case i.Sample != nil && (*i.Sample < 0 || !i.Memory):
		return unusable("info sample", "sample", *i.Sample, "it is a number of objects, and goes with what takes memory")
	case i.Examples != nil && (*i.Examples < 0 || !i.Disagree):
		return unusable("info examples", "examples", *i.Examples, "it is a number of hosts or objects, and goes with disagreements")
	case i.Fields == nil:
		return nil
	case *i.Fields == "":
		return unusable("info no field", "fields", "", "it names no field")
	case naming.CheckGlob(*i.Fields) != nil:
		return unusable("info glob", "fields", *i.Fields, "it is no pattern")
	}
	return nil
}

// Columns depend on the answer that is wanted.
func (i *Info) Columns() []output.Field {
	switch {
	case i.Fields != nil:
		return (&infoField{}).fields(nil)
	case i.Cores:
		return (&coreLine{}).fields("")
	case i.Memory:
		return memoryFields(&sysops.MemoryUse{})
	case i.Disagree:
		return disagreementFields(&sysops.Disagreement{})
	}
	return serverFields(&sysops.ServerInfo{})
}

// Run yields a row a server, a field, a core, a name or a disagreement.
func (i *Info) Run(ctx context.Context, call *Call) (*Outcome, error) {
	switch {
	case i.Fields != nil:
		return i.runFields(ctx, call)
	case i.Cores:
		return runCores(ctx, call)
	case i.Memory:
		return i.runMemory(ctx, call)
	case i.Disagree:
		return i.runDisagree(ctx, call)
	}
	return i.runServers(ctx, call)
}

func (i *Info) runServers(ctx context.Context, call *Call) (*Outcome, error) {
	servers, complete, err := call.Client.Info(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Complete: complete, Matched: len(servers)}
	for n := range servers {
		s := &servers[n]
		o.Gaps = o.Gaps || s.Error != ""
		o.Unwell = o.Unwell || len(s.States) > 0
		for j, state := range s.States {
			if !s.Cold || state != "cold" && state != "empty" { // what the answer rests on says that
				o.Warnings = append(o.Warnings, s.Troubles[j])
			}
		}
		o.warnExposed(s)
		o.warnUntended(s)
		o.warnHeavy(s)
		o.warnOld(s)
		row := output.Row{Table: serverTable, Cells: serverCells(s)}
		if i.Raw {
			row = output.Row{Text: fmt.Appendf(nil, "# %s (core %s)\n%s\n", s.Server, s.Core, s.RawInfo)}
		}
		row.Fields = serverFields(s)
		if err := call.Emit(row); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// warnUntended warns of a server that has hosts and where gc has not been of late: nobody
// there vouches for who belongs to the core.
func (o *Outcome) warnUntended(s *sysops.ServerInfo) {
	switch {
	case !s.Tended || s.Listed == 0:
	case s.Pruned.IsZero():
		o.Warnings = append(o.Warnings, hint.For(fmt.Errorf("server %s has no roster: gc has never been there, so nobody has verified its %s", s.Server, words.Plural(s.Listed, "host")), hint.NoGC))
	case time.Since(s.Pruned) > sysops.TendedWithin:
		o.Warnings = append(o.Warnings, hint.For(fmt.Errorf("the roster of server %s is old: gc was last there %s ago", s.Server, words.Age(time.Since(s.Pruned))), hint.NoGC))
	}
}

// mostHeavy is how many hosts a warning names of one server.
const mostHeavy = 5

// warnHeavy warns of hosts that take far more of a server than others do.
func (o *Outcome) warnHeavy(s *sysops.ServerInfo) {
	for i, h := range s.Heavy {
		if i == mostHeavy {
			o.Warnings = append(o.Warnings, fmt.Errorf("server %s has %d more heavy hosts", s.Server, len(s.Heavy)-i))
			return
		}
		o.Warnings = append(o.Warnings, hint.For(fmt.Errorf("host %s weighs heavily at server %s: %s entries and %s, where the median host has %s and %s", h.Name, s.Server,
			words.Grouped(h.Keys), words.Size(h.Bytes), words.Grouped(s.Usual.Keys), words.Size(s.Usual.Bytes)), hint.HeavyHost))
	}
}

// heavyHosts is what machines are told of them; nil for none.
func heavyHosts(s *sysops.ServerInfo) (list []map[string]any) {
	for _, h := range s.Heavy {
		list = append(list, map[string]any{
			"host": h.Name, "entries": h.Keys, "record_bytes": h.IndexBytes, "object_bytes": h.ObjectBytes,
			"usual_entries": s.Usual.Keys, "usual_bytes": s.Usual.Bytes,
		})
	}
	return list
}

// warnOld warns of a server that is older than Redis 7. Valkey and KeyDB tell which Redis they
// can stand in for.
func (o *Outcome) warnOld(s *sysops.ServerInfo) {
	major, _, _ := strings.Cut(s.Info["redis_version"], ".")
	if n, err := strconv.Atoi(major); err == nil && n < 7 {
		o.Warnings = append(o.Warnings, hint.For(fmt.Errorf("server %s is version %s, and hosts need Redis 7 for bases: objects take more room there", s.Server, s.Info["redis_version"]), hint.OldServer))
	}
}

// warnExposed warns of a server that is sent a password in the clear.
func (o *Outcome) warnExposed(s *sysops.ServerInfo) {
	if s.Exposed {
		o.Warnings = append(o.Warnings, fmt.Errorf("server %s is reached without TLS: the password travels in the clear; use rediss://", s.Server))
	}
}

var serverTable = &output.Table{Columns: []output.Column{
	{Title: "SERVER", Width: 24},
	{Title: "CORE", Width: 14},
	{Title: "ROLE", Width: 8},
	{Title: "VERSION", Width: 12},
	{Title: "UPTIME", Width: 8, Right: true},
	{Title: "MEMORY", Width: 9, Right: true},
	{Title: "HOSTS", Width: 8, Right: true},
	{Title: "LACKS", Width: 6, Right: true},
	{Title: "CLOCK", Width: 7, Right: true},
	{Title: "STATE", Gap: "  "},
}}

func serverCells(s *sysops.ServerInfo) []output.Cell {
	if s.Error != "" {
		return output.Cells(s.Server, s.Core, "-", "-", "-", "-", "-", "-", "-", output.OneLine(s.Error))
	}
	state := cmp.Or(strings.Join(s.States, ", "), "ok")
	return output.Cells(s.Server, s.Core, cmp.Or(s.Info["role"], "-"), version(s.Info),
		uptime(s.Info["uptime_in_seconds"]), cmp.Or(s.Info["used_memory_human"], "-"),
		fmt.Sprint(s.Hosts), fmt.Sprint(s.Lacks), fmt.Sprintf("%+.1fs", s.Ahead.Seconds()), state)
}

// version is that of the program. Valkey tells beside it which Redis it can stand in for.
func version(info map[string]string) string {
	if v := info["valkey_version"]; v != "" {
		return "valkey " + v
	}
	return cmp.Or(info["redis_version"], "-")
}

func uptime(seconds string) string {
	d, err := time.ParseDuration(seconds + "s")
	if err != nil {
		return "-"
	}
	return words.Age(d)
}

func serverFields(s *sysops.ServerInfo) []output.Field {
	var hosts, lacks, ahead, roster, pruned any // unknown of a server that does not answer
	state := "down"
	troubles := []string{s.Error}
	if s.Error == "" {
		hosts, lacks, ahead = s.Hosts, s.Lacks, s.Ahead.Seconds()
		state, troubles = "ok", make([]string, 0, len(s.Troubles))
	}
	for _, t := range s.Troubles {
		state, troubles = s.States[0], append(troubles, t.Error())
	}
	if s.Tended {
		roster, pruned = s.Roster, optionalTime(s.Pruned)
	}
	return output.Fields(
		"server", s.Server,
		"site", s.Site,
		"core", s.Core,
		"error", s.Error,
		"state", state,
		"troubles", troubles,
		"hosts", hosts,
		"lacks", lacks,
		"cold", s.Cold,
		"clock_ahead_seconds", ahead,
		"tls", s.TLS,
		"roster", roster,
		"pruned", pruned,
		"heavy", heavyHosts(s),
		"info", s.Info,
	)
}

// anyCore reports whether any core answers: of servers that are all down there is
// nothing to be said.
func anyCore(c *sysops.Completeness) bool {
	return slices.ContainsFunc(c.Cores, func(k sysops.CoreReport) bool { return !k.LeftOut })
}
