package accounts

import (
	"bytes"
	"strings"
)

// A Database is a line of nsswitch.conf(5): where a database, such as passwd, is looked
// up.
type Database struct {
	Name    string
	Sources []string // in their order, without what is to be done in between: [NOTFOUND=return]
}

// ParseNsswitch reads nsswitch.conf(5): its lines, in their order. Of several for one
// database, the C library takes the first.
func ParseNsswitch(contents []byte) []Database {
	var out []Database
	for line := range bytes.Lines(contents) {
		text, _, _ := strings.Cut(string(line), "#")
		name, rest, ok := strings.Cut(text, ":")
		if !ok {
			continue
		}
		d := Database{Name: strings.TrimSpace(name)}
		action := false
		for word := range strings.FieldsSeq(brackets.Replace(rest)) {
			switch {
			case word == "[" || word == "]":
				action = word == "["
			case !action:
				d.Sources = append(d.Sources, word)
			}
		}
		out = append(out, d)
	}
	return out
}

// brackets become words of their own.
var brackets = strings.NewReplacer("[", " [ ", "]", " ] ")
