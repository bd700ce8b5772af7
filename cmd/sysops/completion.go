package main

import "github.com/sysops-api/sysops-api"

// choices are the values of flags that take one of a few, which the shell completes.
func choices() map[string][]string {
	return map[string][]string{
		"format": {"text", "json", "jsonl", "csv"},
		"color":  {"auto", "always", "never"},
		"scope":  {string(sysops.Local), string(sysops.SiteWide), string(sysops.Global)},
	}
}
