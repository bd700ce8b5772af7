package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/sysops-api/sysops-api/internal/wholefile"
)

// Write stores the report in path as one JSON object: a key for each section
// with the command's output, and "collection" with how each of them was made.
// Keys are sorted and each begins a line.
//
// Output that is a JSON object or array (lsblk -J) is embedded as it was
// printed, white space included, so that it still greps by line; any other is a
// string. A string of JSON cannot hold bytes that are not UTF-8: each run of
// them becomes U+FFFD. A command that failed and printed nothing has no section
// of its own, so that its host counts as lacking it; unless it is marked as unknown, with
// which [Outgoing] has servers keep what they have.
//
// The file, mode 0600, appears at once and complete, or not at all: readers see
// the old one or the new one, and after an error nothing is left behind. It is an
// error that others can change what would lie there.
func (r *Report) Write(path string) error {
	if err := checkJSON(path); err != nil {
		return err
	}
	err := wholefile.Fill(path, wholefile.Options{}, r.encode)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	return nil
}

func (r *Report) encode(w io.Writer) error {
	values := make(map[string][]byte, len(r.Results)+1) // nil: a section of outputs
	outputs := make(map[string][]byte, len(r.Results))
	for _, result := range r.Results {
		if result.worked() {
			outputs[result.Section] = result.Output
			values[result.Section] = nil
		}
	}
	made, err := json.Marshal(r.collection())
	if err != nil {
		return err
	}
	values[reserved] = made

	separator := "{\n"
	for _, section := range slices.Sorted(maps.Keys(values)) {
		value := values[section]
		if value == nil {
			if value, err = embed(outputs[section]); err != nil {
				return err
			}
		}
		key, err := quote(section)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s: %s", separator, key, value); err != nil {
			return err
		}
		separator = ",\n"
	}
	_, err = io.WriteString(w, "\n}\n")
	return err
}

// embed returns output as a JSON value.
func embed(output []byte) ([]byte, error) {
	text := bytes.ToValidUTF8(output, []byte("\uFFFD"))
	value := bytes.TrimSpace(text)
	if len(value) > 0 && (value[0] == '{' || value[0] == '[') && json.Valid(value) {
		return value, nil
	}
	return quote(string(text))
}

// quote is json.Marshal without \u003c for '<': the file is read by people too.
func quote(s string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(s)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// run is one entry of the section "collection".
type run struct {
	Argv      []string `json:"argv"`
	Exit      int      `json:"exit"`
	Seconds   float64  `json:"seconds"`
	Truncated bool     `json:"truncated"`
	TimedOut  bool     `json:"timed_out"`
	Unknown   bool     `json:"unknown,omitempty"`
	Error     string   `json:"error,omitempty"`
	Stderr    string   `json:"stderr,omitempty"`
}

type missing struct {
	Missing bool `json:"missing"`
}

func (r *Report) collection() map[string]any {
	entries := make(map[string]any, len(r.Results)+len(r.Missing))
	for _, result := range r.Results {
		entries[result.Section] = run{
			Argv: result.Argv, Exit: result.Exit, Seconds: math.Round(result.Duration.Seconds()*1000) / 1000,
			Truncated: result.Truncated, TimedOut: result.TimedOut, Unknown: result.Unknown, Error: result.Error, Stderr: result.Stderr,
		}
	}
	for _, section := range r.Missing {
		entries[section] = missing{Missing: true}
	}
	return entries
}

// cause strips the operation and the path that the os package puts in front of
// an error: the messages of this package name what they were doing themselves.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	case errors.As(err, &call):
		return call.Err
	}
	return err
}
