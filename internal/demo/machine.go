package demo

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/collect"
	"github.com/sysops-api/sysops-api/internal/redact"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What synthetic fleets are derived from: this machine, looked at as its agent
// would look, but in a moment and into a private folder.

// Limits that keep that short on any machine.
const (
	ownCommandTime  = 2 * time.Second
	likenessLimit   = 64 << 10 // bytes of an object that others get
	likenessObjects = 60       // that others get, besides those that fleetsim makes
)

// slowCommands probe hardware, or list every package and unit: their output is
// long, or they take seconds on some machines.
var slowCommands = []string{"lshw-json", "dmidecode", "lspci", "rpm-qa", "last"}

// snapshotOfThisMachine collects what an agent would, within these limits. The
// snapshot's sources read files of folder, which is private.
func snapshotOfThisMachine(ctx context.Context, folder string) (snapshot.Snapshot, error) {
	var snap snapshot.Snapshot
	commands := slices.DeleteFunc(collect.Catalogue(), func(c collect.Command) bool {
		return slices.Contains(slowCommands, c.Section)
	})
	for i := range commands {
		commands[i].Timeout = ownCommandTime
	}
	report := collect.Run(ctx, collect.Options{Commands: commands})
	if ctx.Err() != nil {
		return snap, context.Cause(ctx)
	}
	path, outgoing := filepath.Join(folder, "facts.json"), filepath.Join(folder, "outgoing")
	if err := report.Write(path); err != nil {
		return snap, err
	}
	if _, err := collect.Init(nil, outgoing); err != nil {
		return snap, err
	}
	listed, err := collect.Outgoing(outgoing, collect.FileOptions{JSON: path, Redactor: redact.New(nil)})
	if err != nil {
		return snap, err
	}
	// Names come from the path. This one's would be nobody's: they get those
	// that an agent, whose JSON object lies at the usual place, gives them.
	for i := range listed.Sources {
		src := &listed.Sources[i]
		if section, ok := strings.CutPrefix(src.Name, path+"@"); ok {
			*src = renamed(*src, collect.DefaultPath+"@"+section)
		}
	}
	snap = snapshot.Snapshot{Machine: collect.MachineID(), Sources: listed.Sources}
	if snap.Host, err = collect.HostName(""); err != nil {
		snap.Host = "localhost" // a machine without a proper name can still try it
	}
	return snap, nil
}

// renamed returns the source under another name, whatever its content says.
func renamed(src snapshot.Source, name string) snapshot.Source {
	return snapshot.Source{Name: name, Private: src.Private, Read: func(ctx context.Context) (snapshot.Content, error) {
		c, err := src.Read(ctx)
		c.Name = ""
		return c, err
	}}
}

// likeness chooses the objects that hosts derived from this machine get: the
// outputs of commands and the best-known files, as far as they are short. A machine
// with a thousand files must not make a demonstration a slow one.
func likeness(ctx context.Context, sources []snapshot.Source) []snapshot.Source {
	var out []snapshot.Source
	for _, src := range sources {
		if c, err := src.Read(ctx); err == nil && len(c.Data) <= likenessLimit {
			out = append(out, src)
		}
	}
	slices.SortStableFunc(out, func(a, b snapshot.Source) int { return cmp.Compare(unfamiliar(a.Name), unfamiliar(b.Name)) })
	return out[:min(len(out), likenessObjects)]
}

// unfamiliar ranks names: outputs of commands, files in /etc itself, the rest.
func unfamiliar(name string) int {
	if strings.Contains(name, "@") {
		return 0
	}
	return strings.Count(name, "/")
}
