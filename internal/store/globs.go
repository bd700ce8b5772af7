package store

import "strings"

// Keys as Redis' globs, for rules about who may use them. GlobObjects are the objects of all
// hosts, and GlobOurs all else that is ours.
const (
	GlobObjects = "*" + keySeparator + "*"
	GlobOurs    = "$*"
	GlobHosts   = keyHosts
	GlobLive    = keyLive
	GlobNames   = keyNames
	GlobOn      = "$on:*"
	GlobBase    = "$base:*"
	GlobBases   = "$bases:*"
	GlobQueries = keyQueries

	// Channel is where queries are published.
	Channel = channel
)

// GlobObjectsOf are the objects of one host.
func GlobObjectsOf(host string) string { return keyObject(escapeGlob(host), "*") }

// GlobRecordsOf is the key of a host's records.
func GlobRecordsOf(host string) string { return keyOf(escapeGlob(host)) }

// escapeGlob returns text as the glob that matches it alone. No host's name has such a
// character; a rule that let a host write what is another's would be worth one.
func escapeGlob(text string) string { return globCharacters.Replace(text) }

var globCharacters = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`)
