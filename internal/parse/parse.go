// Package parse is the room of what machines write: each package below it reads one
// format, or a few that are read together, out of the bytes that a host sent.
//
// They promise three things. What a host sends is hostile: whatever it is, reading it
// takes bounded time and memory, and what is made of it has a bounded size. What cannot
// be understood is an error, or is passed over where the program that usually reads the
// format passes it over too; it is never guessed. And they are leaves: they know bytes
// and small structs of their own, neither hosts nor objects nor Redis.
//
// Which objects are read, on which hosts, and what is odd about a fleet, is left to the
// packages of internal/audit.
//
// This package has what the formats share: the bound of a name.
package parse

import "strings"

// MaxName is how many bytes of a name are kept that a host, or whoever is at the other
// end of its cable, made up.
const MaxName = 128

// Name bounds such a name, and has it stay on its line. It does not keep the text that
// the name stood in.
func Name(s string) string {
	if len(s) > MaxName {
		s = s[:MaxName]
	}
	return lineEnds.Replace(strings.ToValidUTF8(strings.Clone(s), "?"))
}

var lineEnds = strings.NewReplacer("\n", "?", "\r", "?")
