package main

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
)

// A sink writes rows in one of the output formats. Text is for hands and pipes;
// the others are for programs, and have every field by name.
type sink interface {
	write(r *row) error

	// end closes the output. t is nil where the rows are no answer of the fleet.
	end(t *tail) error
}

// A tail is what a program has to know of the rows beside the rows.
type tail struct {
	Complete *sysops.Completeness `json:"completeness"`
	LeftOut  *[]leftOut           `json:"left_out,omitempty"` // by a verb that can fail for one object
	Cut      int                  `json:"rows_cut,omitempty"` // by --limit
}

// A leftOut is an object that was read and could not be used for the answer.
type leftOut struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

func newSink(format string, u *ui) (sink, error) {
	switch format {
	case "text", "": // "": a command that has no rows
		return &textSink{u}, nil
	case "json":
		return &jsonSink{w: u.stdout}, nil
	case "jsonl":
		return jsonlSink{u.stdout}, nil
	case "csv":
		return &csvSink{w: csv.NewWriter(u.stdout)}, nil
	}
	return nil, &sysops.HintedError{
		Err:  fmt.Errorf("cannot write format %q", format),
		Hint: "the formats are text, json, jsonl and csv",
	}
}

type textSink struct{ u *ui }

// write keeps the order of the rows although they go through two buffers.
func (s *textSink) write(r *row) error {
	to, other := s.u.stdout, s.u.raw
	if r.painted {
		to, other = other, to
	}
	if other.Buffered() > 0 {
		if err := other.Flush(); err != nil {
			return err
		}
	}
	_, err := to.Write(r.text)
	return err
}

func (*textSink) end(*tail) error { return nil }

// A jsonSink writes one object: {"results": […], "completeness": {…}}.
type jsonSink struct {
	w    *bufio.Writer
	rows int
}

func (s *jsonSink) write(r *row) error {
	lead := ",\n  "
	if s.rows == 0 {
		lead = "{\"results\": [\n  "
	}
	s.rows++
	if _, err := s.w.WriteString(lead); err != nil {
		return err
	}
	return writeJSON(s.w, r.fields)
}

func (s *jsonSink) end(t *tail) error {
	lead := "\n]"
	if s.rows == 0 {
		lead = "{\"results\": []"
	}
	if t == nil {
		_, err := fmt.Fprintf(s.w, "%s}\n", lead)
		return err
	}
	rest, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("cannot write the completeness: %w", err)
	}
	_, err = fmt.Fprintf(s.w, "%s, %s\n", lead, rest[1:]) // its members are ours
	return err
}

type jsonlSink struct{ w *bufio.Writer }

func (s jsonlSink) write(r *row) error {
	if err := writeJSON(s.w, r.fields); err != nil {
		return err
	}
	return s.w.WriteByte('\n')
}

func (jsonlSink) end(*tail) error { return nil }

// writeJSON writes fields as an object, in their order.
func writeJSON(w *bufio.Writer, fields []field) error {
	for i, f := range fields {
		name, value := f.name, f.value
		if b, ok := value.([]byte); ok {
			value = string(b)
			if !utf8.Valid(b) { // JSON has no other way to carry bytes
				name, value = name+"_base64", base64.StdEncoding.EncodeToString(b)
			}
		}
		v, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("cannot write %s as JSON: %w", name, err)
		}
		lead := ", "
		if i == 0 {
			lead = "{"
		}
		if _, err := fmt.Fprintf(w, "%s%q: %s", lead, name, v); err != nil {
			return err
		}
	}
	return w.WriteByte('}')
}

type csvSink struct {
	w      *csv.Writer
	header bool
}

func (s *csvSink) write(r *row) error {
	var names, values []string
	for _, f := range r.fields {
		names = append(names, f.name)
		values = append(values, csvValue(f.value))
	}
	if !s.header {
		s.header = true
		if err := s.w.Write(names); err != nil {
			return err
		}
	}
	return s.w.Write(values)
}

func (s *csvSink) end(*tail) error {
	s.w.Flush()
	return s.w.Error()
}

func csvValue(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []string:
		return strings.Join(v, " ")
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case nil:
		return ""
	case string, int, int64, float64, bool, sysops.HostState, sysops.Scope:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// reportCompleteness prints the line that says what the answer rests on, and
// what of it needs attention.
func (u *ui) reportCompleteness(q *queryFlags, c *sysops.Completeness) {
	for _, k := range c.Cores {
		if k.Error != "" {
			u.warn("%s", k.Error)
			continue
		}
		if k.Short > 0 {
			u.warn("core %s has %d more hosts, which no server that answers knows", k.Core, k.Short)
		}
		for _, s := range k.Servers {
			switch {
			case s.Error != "":
				u.warn("core %s answered without one of its servers: %s", k.Core, s.Error)
			case s.Cold:
				u.warn("server %s of core %s is cold: it lacks the latest push of %d of %d hosts; its siblings fill in", s.Server, k.Core, s.Lacks, k.Hosts)
			}
		}
	}
	unreadable := make([]leftOut, len(c.Unreadable))
	for i, o := range c.Unreadable {
		unreadable[i] = leftOut{o.Key, o.Reason}
	}
	u.warnOf(unreadable, "cannot read %s: %s", "unreadable")
	if !q.quiet {
		fmt.Fprintln(u.stderr, cli.SafeText(c.String()))
	}
}

// warnedReasons is how many reasons are told why objects are not in the answer.
const warnedReasons = 10

// warnOf warns of objects that are not in the answer: once for all of a name that are
// not there for one reason. A whole fleet may lack one file.
func (u *ui) warnOf(objects []leftOut, format, what string) {
	type group struct {
		leftOut
		hosts []string
	}
	var groups []*group
	found := make(map[leftOut]*group) // by name and reason
	for _, o := range objects {
		host, name, _ := strings.Cut(o.Key, "#")
		of := leftOut{name, o.Reason}
		g := found[of]
		if g == nil {
			g = &group{leftOut: o}
			found[of] = g
			groups = append(groups, g)
		}
		g.hosts = append(g.hosts, host)
	}
	told := 0
	for i, g := range groups {
		if i == warnedReasons {
			u.warn("… and %d more objects are %s", len(objects)-told, what)
			break
		}
		key := g.Key
		if n := len(g.hosts); n > 1 {
			_, name, _ := strings.Cut(key, "#")
			key = fmt.Sprintf("%s of %s", name, someHosts(g.hosts, n))
		}
		u.warn(format, key, g.Reason)
		told += len(g.hosts)
	}
}

// reportRows says which rows are not there, and why.
func (in *inquiry) reportRows() {
	if in.leftOut != nil {
		in.warnOf(*in.leftOut, "%s is left out: %s", "left out")
	}
	if in.out.cut > 0 && !in.quiet {
		fmt.Fprintf(in.stderr, "… and %d more rows, which --limit %d cuts off\n", in.out.cut, in.limit)
	}
}

func (u *ui) printCost(cost sysops.CostReport) error {
	b, err := json.MarshalIndent(cost, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the cost: %w", err)
	}
	_, err = fmt.Fprintf(u.stderr, "%s\n", b)
	return err
}
