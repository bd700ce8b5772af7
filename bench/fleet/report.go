package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A report is everything that was found, in the order of the parts. Parts that did
// not run have nothing in it.
type report struct {
	machine  machine
	verdicts []verdict
	contests []*contest
	ways     *contest
	memory   [][]string
	pushes   [][]string // every fleet
	growth   []point
}

// A verdict is a figure beside its limit.
type verdict struct {
	what, measured, limit string
	ok                    bool
}

// A limit judges a contest.
type limit func(*contest) verdict

func (r *report) demand(v verdict) { r.verdicts = append(r.verdicts, v) }

// note is a figure that has no limit.
func (r *report) note(what, format string, args ...any) {
	r.demand(verdict{what, fmt.Sprintf(format, args...), "", true})
}

// notOver limits the time to so many times that of the same over files.
func notOver(most float64) limit {
	return func(c *contest) verdict {
		ours, theirs := c.by(oursInCores).median(), c.by(overFiles).median()
		ratio := ours.Seconds() / theirs.Seconds()
		return verdict{
			c.name + ", against ripgrep", fmt.Sprintf("%.3f s / %.3f s = %.2f", ours.Seconds(), theirs.Seconds(), ratio),
			fmt.Sprintf("%.1f", most), ratio <= most,
		}
	}
}

// oneCoreNotOver limits what it takes more in one core of all servers.
func oneCoreNotOver(most time.Duration) limit {
	return func(c *contest) verdict {
		more := c.by(oursInOneCore).median() - c.by(oursInCores).median()
		return verdict{
			c.name + ", more in one core of four servers", fmt.Sprintf("%+.3f s", more.Seconds()),
			fmt.Sprintf("%.1f s", most.Seconds()), more <= most,
		}
	}
}

func under(most time.Duration) limit {
	return func(c *contest) verdict {
		took := c.by(oursInCores).median()
		return verdict{c.name, fmt.Sprintf("%.3f s", took.Seconds()), fmt.Sprintf("%.1f s", most.Seconds()), took < most}
	}
}

// atRate demands so many bytes of contents a second.
func atRate(least float64) limit {
	return func(c *contest) verdict {
		rate := float64(c.bytes) / c.by(oursInCores).median().Seconds()
		return verdict{c.name + ", contents", fmt.Sprintf("%.2f GB/s", rate/1e9), fmt.Sprintf("at least %.0f GB/s", least/1e9), rate >= least}
	}
}

// clientMemory judges the peak of any question.
func (r *report) clientMemory() verdict {
	const most = 200
	var worst int64
	var of string
	for _, c := range r.contests {
		for _, e := range c.entries {
			if e.isOurs() && e.peak > worst {
				worst, of = e.peak, c.name
			}
		}
	}
	return verdict{"most memory of the client, for any of them", fmt.Sprintf("%.0f MiB (%s)", mib(worst), of), fmt.Sprintf("%d MiB", most), mib(worst) < most}
}

const questionsText = `Each is asked of all in turn, again and again; all gave the same lines, the same number of times, each time. "Over
files" is ripgrep or, where there is nothing to search for, find, cat, md5sum and sha256sum. Bytes are what the servers
say they sent and received; the peak is the worst of all runs.`

const memoryText = `One copy of the fleet with one object a host, without what the servers take when they are empty. Objects, bases
and index are by Redis' MEMORY USAGE, with the number of their keys; other is the rest: the tables of keys and times to live, the log of queries.`

func (r *report) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Questions to a fleet\n\n%s\n", r.machine.String())
	r.section(&s, "What must be shown", "", []string{"what", "measured", "limit", ""}, r.verdictRows())
	r.section(&s, "Questions", questionsText, []string{
		"question", "who answers", "median s", "min–max s", "ours / theirs", "CPU s", "Redis CPU s", "received MB", "sent MB", "peak MiB",
	}, r.contestRows(r.contests))
	r.section(&s, "The commands", "", []string{"question", "who answers", "command"}, r.commandRows())
	r.section(&s, "Redis memory", memoryText, []string{
		"fleet", "used MB", "objects (keys)", "bases", "index", "other", "frames alone MB", "bases alone MB",
	}, r.memory)
	r.section(&s, "Pushes", "", []string{"fleet", "s", "used MB", "sysops simulate said"}, r.pushes)
	r.section(&s, "Growth", "One object a host, in 4 cores of one server.", growthHeader(), growthRows(r.growth))
	if r.ways != nil {
		r.section(&s, "Ways of calling ripgrep", "", []string{"command", "median s", "min–max s"}, r.wayRows())
	}
	return s.String()
}

func (r *report) verdictRows() [][]string {
	var rows [][]string
	for _, v := range r.verdicts {
		mark := "ok"
		switch {
		case v.limit == "":
			mark = ""
		case !v.ok:
			mark = "MISSED"
		}
		rows = append(rows, []string{v.what, v.measured, v.limit, mark})
	}
	return rows
}

func (r *report) contestRows(contests []*contest) [][]string {
	var rows [][]string
	for _, c := range contests {
		ours := c.entries[0].median()
		for _, e := range c.entries {
			row := []string{
				c.name, e.who, seconds(e.median()), e.spread(), fmt.Sprintf("%.2f", ours.Seconds()/e.median().Seconds()), seconds(median(e.cpus)),
				"", "", "", "",
			}
			if e.fleet != nil {
				row = append(row[:6], seconds(median(e.redis)), fmt.Sprintf("%.2f", mb(median(e.received))),
					fmt.Sprintf("%.2f", mb(median(e.sent))), fmt.Sprintf("%.0f", mib(e.peak)))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *report) commandRows() [][]string {
	var rows [][]string
	for _, c := range r.contests {
		var told []string
		for _, e := range c.entries {
			if !slices.Contains(told, e.line) {
				told = append(told, e.line)
				rows = append(rows, []string{c.name, e.who, "`" + strings.ReplaceAll(e.line, "|", `\|`) + "`"})
			}
		}
	}
	return rows
}

func (r *report) wayRows() [][]string {
	var rows [][]string
	for _, e := range r.ways.entries {
		rows = append(rows, []string{"`" + strings.ReplaceAll(e.line, "|", `\|`) + "`", seconds(e.median()), e.spread()})
	}
	return rows
}

// spread is the range of the times.
func (e *entry) spread() string {
	return seconds(slices.Min(e.walls)) + "–" + seconds(slices.Max(e.walls))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func gb(bytes int64) float64  { return float64(bytes) / 1e9 }
func mb(bytes int64) float64  { return float64(bytes) / 1e6 }
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// section writes a table in Markdown that is readable as it is; none, without rows.
func (r *report) section(s *strings.Builder, title, text string, header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string, fill string) {
		for i, cell := range row {
			s.WriteString("|" + fill + cell + strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)+1))
		}
		s.WriteString("|\n")
	}
	fmt.Fprintf(s, "## %s\n\n", title)
	if text != "" {
		fmt.Fprintf(s, "%s\n\n", text)
	}
	line(header, " ")
	line(make([]string, len(header)), "-")
	for _, row := range rows {
		line(row, " ")
	}
	s.WriteString("\n")
}
