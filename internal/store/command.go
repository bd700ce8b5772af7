package store

import (
	"context"
	"slices"
	"strings"
)

// A Command is what a server says of one of its commands.
type Command struct {
	Name       string   // in lower case; a part of one: "config|get"
	Least      int      // arguments at least, the name's words included
	Anybodys   bool     // whoever connects may run it, whatever the ACL says
	Categories []string // of the ACL, without the @
	Reads      bool     // what its keys hold is read
	Writes     bool     // its keys are changed
	Keys       []KeySpec
}

// A KeySpec says where a command has keys among its arguments.
type KeySpec struct {
	Index   int    // where they begin; or
	Keyword string // what they follow

	Number   bool // how many there are stands at NumberAt behind that, and the first at First
	NumberAt int
	First    int

	Last  int // of the last behind the first or, negative, from the end
	Step  int // from one to the next
	Limit int // 2: as many arguments follow as there are keys
}

// Commands returns all commands of a server, Redis 7 or later, and their parts.
func (s *Server) Commands(ctx context.Context) ([]Command, error) {
	pipe := s.db.Pipeline()
	all := pipe.Do(ctx, "COMMAND")
	if err := s.exec(ctx, pipe); err != nil {
		return nil, err
	}
	if err := all.Err(); err != nil {
		return nil, s.wrap(err)
	}
	return commands(all.Val()), nil
}

func commands(reply any) []Command {
	list, _ := reply.([]any)
	var out []Command
	for _, v := range list {
		// name, arity, flags, three numbers, categories, tips, keys, parts
		d, _ := v.([]any)
		if len(d) < 10 {
			continue
		}
		name, _ := d[0].(string)
		if parts := commands(d[9]); len(parts) > 0 {
			out = append(out, parts...)
			continue
		}
		c := Command{Name: strings.ToLower(name), Least: int(abs(number(d[1]))), Anybodys: slices.Contains(texts(d[2]), "no_auth")}
		for _, category := range texts(d[6]) {
			c.Categories = append(c.Categories, strings.TrimPrefix(category, "@"))
		}
		specs, _ := d[8].([]any)
		for _, spec := range specs {
			c.addKeys(spec)
		}
		out = append(out, c)
	}
	return out
}

func (c *Command) addKeys(spec any) {
	for _, f := range texts(field(spec, "flags")) {
		switch strings.ToLower(f) {
		case "access":
			c.Reads = true
		case "update", "insert", "delete":
			c.Writes = true
		}
	}
	begin, find := field(spec, "begin_search"), field(spec, "find_keys")
	var k KeySpec
	switch of := field(begin, "spec"); field(begin, "type") {
	case "index":
		k.Index = int(number(field(of, "index")))
	case "keyword":
		k.Keyword, _ = field(of, "keyword").(string)
	default: // keys that only the command itself finds, such as SORT's
		return
	}
	switch of := field(find, "spec"); field(find, "type") {
	case "range":
		k.Last, k.Step, k.Limit = int(number(field(of, "lastkey"))), int(number(field(of, "keystep"))), int(number(field(of, "limit")))
	case "keynum":
		k.Number, k.NumberAt, k.First = true, int(number(field(of, "keynumidx"))), int(number(field(of, "firstkey")))
	}
	k.Step = max(k.Step, 1)
	c.Keys = append(c.Keys, k)
}

func number(reply any) int64 {
	n, _ := reply.(int64)
	return n
}

func abs(n int64) int64 { return max(n, -n) }
