package collect

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/internal/redact"
)

// DefaultPath is where the JSON object lies unless the configuration names
// another file. It is the original's.
const DefaultPath = "/etc/hardware_identification.json"

// reserved is the section that tells how the others were made.
const reserved = "collection"

// Options of a collection. The zero value runs the catalogue.
type Options struct {
	Commands []Command // nil: Catalogue()
	Parallel int       // commands at a time; 0: the number of CPUs, 4 at most

	Redactor *redact.Redactor // applied to all that a Result tells; nil: it is told as it is

	// Host is what is known of the host's file systems; nil: nothing yet.
	Host *hostfs.Host
}

// A Result is what became of one command, without its secrets: nothing that tells of it, on
// a disk, in a log or on a terminal, has any.
type Result struct {
	Section   string
	Argv      []string
	Exit      int // -1: killed by a signal, or never started
	Duration  time.Duration
	Truncated bool   // Output ends at the limit, where the command was killed
	TimedOut  bool   // killed at the time limit; Output is what it had printed
	Unknown   bool   // nobody knows what it would have printed: it could not be looked for, or printed nothing in its time
	Error     string // why it did not run to its end; empty when it did, whatever its exit status
	Stderr    string // the first line of its standard error, at most 4 KiB
	Output    []byte // standard output, byte for byte but for its secrets
}

// worked reports whether an alternative to the command is needless.
func (r Result) worked() bool { return r.Exit == 0 || len(r.Output) > 0 }

// A Report is what a collection found out.
type Report struct {
	Results []Result // sorted by section, one each
	Missing []string // sections whose program is not installed, sorted
}

// Run runs the commands that are installed on this machine, several at a time,
// and returns when all have ended or been killed. A command that fails is a
// Result like any other.
//
// When ctx is done, those that are running are killed and the rest are not
// started; both have a Result that says so in Error. A caller that does not
// want half a collection asks ctx before it calls [Report.Write].
func Run(ctx context.Context, o Options) *Report {
	if o.Commands == nil {
		o.Commands = Catalogue()
	}
	if o.Host == nil {
		o.Host = hostfs.New()
	}
	parallel := cmp.Or(max(o.Parallel, 0), min(4, runtime.NumCPU()))
	sections, path := bySection(o.Commands), ownPath(o.Host, searchPath)
	redaction := newRedaction(o.Redactor, nil)
	work := make(chan []Command)
	var (
		mu     sync.Mutex
		report Report
		wg     sync.WaitGroup
	)
	for range min(parallel, len(sections)) {
		wg.Go(func() {
			for alternatives := range work {
				result, installed := runFirst(ctx, o.Host, path, alternatives)
				redaction.result(&result)
				mu.Lock()
				if installed {
					report.Results = append(report.Results, result)
				} else {
					report.Missing = append(report.Missing, alternatives[0].Section)
				}
				mu.Unlock()
			}
		})
	}
	for _, alternatives := range sections {
		work <- alternatives
	}
	close(work)
	wg.Wait()

	slices.SortFunc(report.Results, func(a, b Result) int { return cmp.Compare(a.Section, b.Section) })
	slices.Sort(report.Missing)
	return &report
}

// bySection groups the commands that share a section, in the order in which the
// sections first appear.
func bySection(commands []Command) [][]Command {
	var sections [][]Command
	at := make(map[string]int)
	for _, c := range commands {
		i, known := at[c.Section]
		if !known {
			i = len(sections)
			at[c.Section] = i
			sections = append(sections, nil)
		}
		sections[i] = append(sections[i], c)
	}
	return sections
}

// runFirst runs alternatives in order until one works. When none does, the
// first that is installed tells why. It reports false when none is installed. path is where
// they find other programs.
func runFirst(ctx context.Context, h *hostfs.Host, path string, alternatives []Command) (Result, bool) {
	var first *Result
	for _, c := range alternatives {
		if refusal := c.refusal(); refusal != "" {
			return Result{Section: c.Section, Argv: c.Argv, Exit: -1, Error: refusal}, true
		}
		program, err := lookPath(h, c.Argv[0], searchPath)
		if err == nil && program == "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return Result{Section: c.Section, Argv: c.Argv, Exit: -1, Error: context.Cause(ctx).Error()}, true
		}
		result := Result{Section: c.Section, Argv: c.Argv, Exit: -1, Unknown: hostfs.Unknown(err)}
		if err != nil {
			result.Error = cause(err).Error()
		} else {
			result = c.execute(ctx, program, path)
		}
		if result.worked() {
			return result, true
		}
		if first == nil {
			first = &result
		}
	}
	if first == nil {
		return Result{}, false
	}
	return *first, true
}

// refusal says why the command cannot be one, or nothing.
func (c Command) refusal() string {
	switch {
	case c.Section == "":
		return "its section has no name"
	case c.Section == reserved:
		return "the section name " + reserved + " is reserved"
	case len(c.Argv) == 0:
		return "it has no program"
	}
	return ""
}
