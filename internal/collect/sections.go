package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/sysops-api/sysops-api/internal/hostfs"
	"github.com/sysops-api/sysops-api/snapshot"
)

// maxJSON bounds the JSON object, which is held in memory while its sections
// are published.
const maxJSON = 64 << 20

var errNoObject = errors.New("it is not a JSON object, and is sent whole")

// sections adds an object for each key of the JSON object, if there is one.
func (l *lister) sections(root *hostfs.Folder) {
	path := l.options.JSON
	f := &file{item: item{name: path, folder: root, path: path, follow: true}, max: maxJSON, secrecy: l.secrecy}
	r, err := f.load(context.Background())
	if errors.Is(err, fs.ErrNotExist) {
		return // nothing was collected on this host, which is no mistake
	}
	if err != nil {
		l.problem(path, err)
		l.seen[path] = true // one complaint is enough
		return
	}
	l.json = r.fi
	if r.over {
		f.redaction = l.redaction.ofOthers()
		l.add(snapshot.Source{Name: path, Private: true, Read: f.read})
		l.warn(path, fmt.Errorf("it has %d bytes, the limit is %d", r.size, maxJSON))
		return
	}
	members, ok := splitObject(r.data)
	if !ok {
		f.max, f.redaction = l.options.MaxSize, l.redaction.ofOthers()
		l.add(snapshot.Source{Name: path, Private: true, Read: f.read})
		l.warn(path, errNoObject)
		return
	}
	at := make(map[string]int, len(members)) // of two equal keys the last wins, as in any parser
	for i, m := range members {
		at[m.key] = i
	}
	for i, m := range members {
		if at[m.key] != i {
			continue
		}
		if m.key == reserved {
			l.unknownSections(m.value)
		}
		s := &section{name: path + "@" + m.key, key: m.key, value: m.value, max: l.options.MaxSize, redaction: l.redaction}
		l.add(snapshot.Source{Name: s.name, Private: l.private.section(path, m.key), Read: s.read})
	}
}

// unknownSections notes the sections of which nobody knows what they would have been, by what
// is said of how all were made.
func (l *lister) unknownSections(collection []byte) {
	var made map[string]struct {
		Unknown bool
		Error   string
	}
	if json.Unmarshal(collection, &made) != nil {
		return // another program's, that means something else by it
	}
	for section, m := range made {
		if m.Unknown {
			name := l.options.JSON + "@" + section
			l.Keep = append(l.Keep, name)
			l.Problems = append(l.Problems, Problem{Name: name, Err: errors.New(m.Error), Unknown: true})
		}
	}
}

// A section is one value of the JSON object. It holds a piece of the file's
// text and is decoded when it is read, so that all of them together cost the
// file's size.
type section struct {
	name, key string
	value     []byte
	max       int64
	redaction *redaction
}

// read is a snapshot.Source's Read. There is no file behind a section, hence no
// Stat.
func (s *section) read(ctx context.Context) (snapshot.Content, error) {
	if err := ctx.Err(); err != nil {
		return snapshot.Content{}, fmt.Errorf("cannot read %s: %w", s.name, err)
	}
	data := s.value
	if data[0] == '"' {
		var text string
		if err := json.Unmarshal(s.value, &text); err != nil {
			return snapshot.Content{}, fmt.Errorf("cannot read %s: %w", s.name, err)
		}
		data = []byte(text)
	}
	if n := int64(len(data)); n > s.max {
		return tooLarge(s.name, n, s.max), nil
	}
	return snapshot.Content{Data: s.redaction.object(s.redaction.section(s.key), s.name, data)}, nil
}

// A member is one key of an object and its value as it is written.
type member struct {
	key   string
	value []byte
}

// splitObject returns the members of a JSON object as slices of data, which
// [json.Unmarshal] into raw messages would copy. It reports false where data is
// not valid JSON, or no object.
func splitObject(data []byte) ([]member, bool) {
	if !json.Valid(data) {
		return nil, false
	}
	// From here on data is valid, so no position needs a second look.
	i := skipSpace(data, 0)
	if data[i] != '{' {
		return nil, false
	}
	var members []member
	for i = skipSpace(data, i+1); data[i] != '}'; {
		end := skipValue(data, i)
		var m member
		if err := json.Unmarshal(data[i:end], &m.key); err != nil {
			return nil, false
		}
		i = skipSpace(data, end)  // at the colon
		i = skipSpace(data, i+1)  // at the value
		end = skipValue(data, i)  // behind it
		m.value = data[i:end:end] // cannot be appended to
		members = append(members, m)
		if i = skipSpace(data, end); data[i] == ',' {
			i = skipSpace(data, i+1)
		}
	}
	return members, true
}

func skipSpace(data []byte, i int) int {
	for data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r' {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i ends. The value is inside
// an object, so that something always follows it.
func skipValue(data []byte, i int) int {
	if data[i] == '"' {
		return skipString(data, i)
	}
	for depth := 0; ; i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i // the end of the object around a bare value
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
}

// skipString returns where the string that begins at i ends.
func skipString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}
