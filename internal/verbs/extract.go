package verbs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/words"
)

// Extract tells what the original's extract_sysops_cache.py does, in its words: keys, or
// one element of each object. Its rows, and those of the verbs beside it, are text alone.
type Extract struct {
	Search  string // as Find's; empty with Names: every object
	Element string // as Comparing's; empty: the keys
	Time    TimeForm
	Prefix  bool // the key before each line of the element
	Names   bool // the names alone, each once

	pattern sysops.Pattern
	element sysops.Element
}

// A TimeForm is how a time is told.
type TimeForm uint8

// The forms of a time.
const (
	UnixTime TimeForm = iota // in seconds
	DateTime                 // as a date, of this machine's time zone
	TimeAgo                  // as how long ago
)

// Check reads the search.
func (x *Extract) Check() (err error) {
	if x.Search == "" && x.Names {
		x.Search = "*"
	}
	if x.pattern, err = parseSearch(x.Search); err != nil {
		return err
	}
	x.element, err = parseElement(x.Element)
	return err
}

func parseSearch(text string) (sysops.Pattern, error) {
	if text == "" {
		return sysops.Pattern{}, &Misuse{Code: "extract nothing", Params: []string{"search"}, Err: errors.New("cannot extract anything: nothing to search for")}
	}
	return sysops.ParseSearch(text)
}

// Columns are none.
func (*Extract) Columns() []output.Field { return nil }

// Run yields a row an object, in the order of the keys, or a name.
func (x *Extract) Run(ctx context.Context, call *Call) (*Outcome, error) {
	o := &Outcome{}
	read := call.objects
	if x.Names || x.Element == "" {
		read = call.checked
	}
	return o, read(ctx, o, x.pattern, func(a *sysops.Answer) error {
		o.Matched = a.Len()
		call.tell(Note{Text: fmt.Sprintf("%d keys match", a.Len())})
		switch {
		case x.Names:
			for _, n := range a.Names() {
				if err := call.say("files#%s\n", output.OneLine(n.Name)); err != nil {
					return err
				}
			}
			return nil
		case x.Element == "":
			for key, server := range a.Keys() {
				if err := call.say("%s\n", keyAt(key, server)); err != nil {
					return err
				}
			}
			return nil
		}
		for obj, err := range a.Objects(ctx, x.element) {
			if err != nil {
				return err
			}
			if err := x.emit(call, &obj); err != nil {
				return err
			}
		}
		return nil
	})
}

// keyAt is a key and, where every server is asked, the server that has it.
func keyAt(key sysops.Key, server string) string {
	if server == "" {
		return keyText(key)
	}
	return keyText(key) + "@" + server
}

// The original pads a key to 50 columns or, where it is longer, to 100.
var (
	shortKeyTable = &output.Table{Columns: []output.Column{{Width: 49}, {Whole: true}}}
	longKeyTable  = &output.Table{Columns: []output.Column{{Width: 99}, {Whole: true}}}
)

func (x *Extract) emit(call *Call, obj *sysops.Object) error {
	text := x.text(obj)
	if !x.Prefix {
		if err := call.Emit(output.Row{Text: text}); err != nil || len(text) == 0 || text[len(text)-1] == '\n' {
			return err
		}
		return call.say("\n")
	}
	server := ""
	if call.Query.EveryServer {
		server = obj.Server
	}
	key, table := keyAt(obj.Key, server), shortKeyTable
	if len(key) >= 50 {
		table = longKeyTable
	}
	for line := range bytes.Lines(text) {
		if err := call.Emit(output.Row{Table: table, Cells: output.Cells(key, strings.TrimSuffix(string(line), "\n"))}); err != nil {
			return err
		}
	}
	return nil
}

func (x *Extract) text(obj *sysops.Object) []byte {
	switch x.element {
	case sysops.MD5Sum:
		return []byte(obj.MD5Sum)
	case sysops.StatOf:
		s := obj.Stat
		if s == nil {
			return []byte("no stat available")
		}
		return fmt.Appendf(nil, "st_mode=%d, st_ino=%d, st_dev=%d, st_nlink=%d, st_uid=%d, st_gid=%d, st_size=%d, st_mtime=%d, st_ctime=%d",
			s.Mode, s.Ino, s.Dev, s.Nlink, s.UID, s.GID, s.Size, s.Mtime, s.Ctime)
	case sysops.CountsOf:
		return fmt.Appendf(nil, "%d %d %d", obj.Words.Lines, obj.Words.Words, obj.Words.Bytes)
	case sysops.TimeOf:
		switch x.Time {
		case DateTime:
			return []byte(obj.Time.Local().Format(time.ANSIC))
		case TimeAgo:
			return []byte(words.Age(time.Since(obj.Time)) + " ago")
		}
		return fmt.Appendf(nil, "%d", obj.Time.Unix())
	}
	return obj.Contents
}

// ServerInfo tells Redis' INFO of servers as the original does, each line behind the
// server that said it.
type ServerInfo struct{}

// Check has nothing to check.
func (ServerInfo) Check() error { return nil }

// Columns are none.
func (ServerInfo) Columns() []output.Field { return nil }

// Run yields a row a line. The error names the servers that did not answer; the others
// have by then.
func (ServerInfo) Run(ctx context.Context, call *Call) (*Outcome, error) {
	servers, complete, err := call.Client.Info(ctx, call.Query.Where)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Matched: len(servers), Complete: complete}
	var failed []error
	for _, s := range servers {
		if s.Error != "" {
			failed = append(failed, errors.New(s.Error))
		}
		for line := range strings.Lines(s.RawInfo) {
			if err := call.say("%s %s\n", s.Server, strings.TrimRight(line, "\r\n")); err != nil {
				return o, err
			}
		}
	}
	return o, errors.Join(failed...)
}
