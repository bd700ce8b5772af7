package output

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
	"github.com/sysops-api/sysops-api/internal/hint"
)

// A Sink writes rows in one format, and is used by one goroutine at a time.
type Sink interface {
	Write(r *Row) error

	// End closes the output. t is nil where the rows are no answer of the fleet.
	End(t *Tail) error
}

// A Tail is what a program has to know of the rows beside the rows.
type Tail struct {
	Complete *sysops.Completeness `json:"completeness"`
	LeftOut  *[]LeftOut           `json:"left_out,omitempty"` // by a verb that can fail for one object
	Cut      int                  `json:"rows_cut,omitempty"` // by the limit
}

// A LeftOut is an object that was read and could not be used for the answer.
type LeftOut struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// NewSink returns the sink of a format: text (or "", of a command that has no rows),
// which is given, or json, jsonl or csv, which write to w. Whoever has w flushes it.
func NewSink(format string, w *bufio.Writer, text Sink) (Sink, error) {
	switch format {
	case "text", "":
		return text, nil
	case "json":
		return &jsonSink{w: w}, nil
	case "jsonl":
		return jsonlSink{w}, nil
	case "csv":
		return &csvSink{w: csv.NewWriter(w)}, nil
	}
	return nil, hint.To(fmt.Errorf("cannot write format %q", format), "the formats are text, json, jsonl and csv")
}

// A jsonSink writes one object: {"results": […], "completeness": {…}}.
type jsonSink struct {
	w    *bufio.Writer
	rows int
}

func (s *jsonSink) Write(r *Row) error {
	if r.Fields == nil {
		return nil
	}
	lead := ",\n  "
	if s.rows == 0 {
		lead = "{\"results\": [\n  "
	}
	s.rows++
	if _, err := s.w.WriteString(lead); err != nil {
		return err
	}
	return writeJSON(s.w, r.Fields)
}

func (s *jsonSink) End(t *Tail) error {
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

func (s jsonlSink) Write(r *Row) error {
	if r.Fields == nil {
		return nil
	}
	if err := writeJSON(s.w, r.Fields); err != nil {
		return err
	}
	return s.w.WriteByte('\n')
}

func (jsonlSink) End(*Tail) error { return nil }

// writeJSON writes fields as an object, in their order.
func writeJSON(w *bufio.Writer, fields []Field) error {
	for i, f := range fields {
		lead := ", "
		if i == 0 {
			lead = "{"
		}
		name := f.Name
		text, isText := f.Value.([]byte)
		isBytes := isText && !utf8.Valid(text) // JSON has no other way to carry bytes
		if isBytes {
			name += "_base64"
		}
		if _, err := fmt.Fprintf(w, "%s%q: ", lead, name); err != nil {
			return err
		}
		var err error
		switch {
		case isBytes:
			err = writeBase64(w, text)
		case isText:
			err = writeText(w, text)
		default:
			err = writeValue(w, f.Value)
		}
		if err != nil {
			return fmt.Errorf("cannot write %s as JSON: %w", name, err)
		}
	}
	return w.WriteByte('}')
}

func writeValue(w *bufio.Writer, value any) error {
	v, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(v)
	return err
}

// textPiece is how much of a text becomes JSON at a time: a control character takes six
// times its room, and contents may be 64 MiB of them.
const textPiece = 64 << 10

// writeText writes UTF-8 as a string.
func writeText(w *bufio.Writer, text []byte) error {
	if err := w.WriteByte('"'); err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), textPiece)
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		piece, err := json.Marshal(string(text[:n]))
		if err != nil {
			return err
		}
		if _, err := w.Write(piece[1 : len(piece)-1]); err != nil {
			return err
		}
		text = text[n:]
	}
	return w.WriteByte('"')
}

func writeBase64(w *bufio.Writer, b []byte) error {
	if err := w.WriteByte('"'); err != nil {
		return err
	}
	encoder := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := encoder.Write(b); err != nil {
		return err
	}
	if err := encoder.Close(); err != nil {
		return err
	}
	return w.WriteByte('"')
}

type csvSink struct {
	w      *csv.Writer
	header bool
}

func (s *csvSink) Write(r *Row) error {
	if r.Fields == nil {
		return nil
	}
	var names, values []string
	for _, f := range r.Fields {
		names = append(names, f.Name)
		values = append(values, csvValue(f.Value))
	}
	if !s.header {
		s.header = true
		if err := s.w.Write(names); err != nil {
			return err
		}
	}
	return s.w.Write(values)
}

func (s *csvSink) End(*Tail) error {
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
