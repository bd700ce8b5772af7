package redistest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Dump returns the whole keyspace of a server, every database, as a text that is equal for equal states:
//
//	db0
//	"web01#/etc/passwd" list expires
//	  "contents"
//
// Keys are sorted, and so are the members of sets and the fields of hashes; lists, sorted sets and streams keep
// their order; a stream's consumer groups follow its entries. Keys and values are quoted as by %q. Of the time to live only its presence is told. Nothing must write
// meanwhile.
func Dump(t testing.TB, s *Server) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	c, err := s.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := dumper{conn: c}
	d.server()
	if d.err != nil {
		t.Fatalf("cannot dump %s: %v", s.Addr(), d.err)
	}
	return d.text.String()
}

// dumper writes a keyspace. After the first error it does nothing.
type dumper struct {
	conn *conn
	text strings.Builder
	err  error
}

func (d *dumper) server() {
	keyspace := d.str("INFO", "keyspace")
	for _, db := range regexp.MustCompile(`(?m)^db(\d+):`).FindAllStringSubmatch(keyspace, -1) {
		fmt.Fprintf(&d.text, "db%s\n", db[1])
		d.str("SELECT", db[1])
		for _, key := range d.keys() {
			d.key(key)
		}
	}
}

func (d *dumper) keys() []string {
	keys := map[string]struct{}{} // SCAN may repeat keys
	cursor := "0"
	for {
		page := d.array("SCAN", cursor, "COUNT", "1000")
		if d.err != nil {
			return nil
		}
		cursor = page[0].(string)
		for _, key := range page[1].([]any) {
			keys[key.(string)] = struct{}{}
		}
		if cursor == "0" {
			return slices.Sorted(maps.Keys(keys))
		}
	}
}

func (d *dumper) key(key string) {
	kind := d.str("TYPE", key)
	if kind == "none" {
		return // it expired after SCAN
	}
	var lines []string
	switch kind {
	case "string":
		lines = []string{quote(d.str("GET", key))}
	case "list":
		lines = d.lines(1, "LRANGE", key, "0", "-1")
	case "set":
		lines = d.lines(1, "SMEMBERS", key)
		slices.Sort(lines)
	case "hash":
		lines = d.lines(2, "HGETALL", key)
		slices.Sort(lines)
	case "zset":
		lines = d.lines(2, "ZRANGE", key, "0", "-1", "WITHSCORES")
	case "stream":
		lines = d.lines(1, "XRANGE", key, "-", "+")
		lines = append(lines, d.lines(1, "XINFO", "GROUPS", key)...)
	default:
		d.fail(fmt.Errorf("key %q has the unknown type %q", key, kind))
	}
	fmt.Fprintf(&d.text, "%q %s", key, kind)
	if ttl := d.do("PTTL", key); ttl != int64(-1) {
		d.text.WriteString(" expires")
	}
	d.text.WriteByte('\n')
	for _, line := range lines {
		fmt.Fprintf(&d.text, "  %s\n", line)
	}
}

// lines runs a command and writes each n elements of its reply as a line.
func (d *dumper) lines(n int, args ...string) []string {
	var lines []string
	for elements := range slices.Chunk(d.array(args...), n) {
		lines = append(lines, quoteAll(elements))
	}
	return lines
}

func quoteAll(elements []any) string {
	quoted := make([]string, len(elements))
	for i, element := range elements {
		quoted[i] = quote(element)
	}
	return strings.Join(quoted, " ")
}

// quote writes a reply on one line; only strings are quoted.
func quote(reply any) string {
	switch reply := reply.(type) {
	case string:
		return strconv.Quote(reply)
	case []any:
		return "[" + quoteAll(reply) + "]"
	}
	return fmt.Sprint(reply)
}

func (d *dumper) array(args ...string) []any {
	reply, ok := d.do(args...).([]any)
	if !ok {
		d.fail(fmt.Errorf("reply to %q is no array", args))
	}
	return reply
}

func (d *dumper) str(args ...string) string {
	reply, ok := d.do(args...).(string)
	if !ok {
		d.fail(fmt.Errorf("reply to %q is no string", args))
	}
	return reply
}

func (d *dumper) do(args ...string) any {
	if d.err != nil {
		return nil
	}
	reply, err := d.conn.do(args...)
	var answered Error
	if errors.As(err, &answered) {
		err = fmt.Errorf("cannot run %q: %w", args, err)
	}
	d.fail(err)
	return reply
}

func (d *dumper) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}
