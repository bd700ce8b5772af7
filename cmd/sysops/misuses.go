package main

// misuses are the words of the command line for parameters that do not go together, by the
// code of the misuse. %s stands for the flags at fault, %v for the value that
// one has.
var misuses = map[string]struct{ text, advice string }{
	"access user":          {"cannot look for nobody", "name a user: sysops audit access --user alice"},
	"audit fold":           {"cannot --fold the hosts of rows that have one each", "leave out --by-host"},
	"cat fold":             {"cannot --fold the hosts of contents that are not counted", "--fold goes with --uniq"},
	"cat raw":              {"cannot use --raw-output: contents are printed as they are", "--raw-output goes with --jq"},
	"export mode":          {"cannot use %s %v", "it is octal, has no setuid, setgid or sticky bit, and the owner may read and write: 0600, 0640, 0644"},
	"export stream":        {"cannot export a tree to stdout", "--format tar writes an archive of it; ./- is a folder"},
	"export whole":         {"cannot export as %v so: the whole file is written each time", "--link, --purge and --dry-run go with --format tree"},
	"gc keep":              {"cannot use %s %v: it is negative, and would forget hosts that are alive", ""},
	"grep answers":         {"cannot combine %s: each is an answer of its own", ""},
	"grep fold":            {"cannot --fold the hosts of lines that are not counted", "--fold goes with --uniq, -l or -L"},
	"grep parts":           {"cannot combine --invert-match and --only-matching: a line without a match has no part that matches", ""},
	"info examples":        {"cannot use %s %v: it is a number of hosts or objects, and goes with --disagree", ""},
	"info forms":           {"cannot combine --raw, --fields, --cores, --memory and --disagree: each is a form of the answer", ""},
	"info glob":            {"cannot use %s=%v: it is no pattern", ""},
	"info no field":        {"cannot use %s=: it names no field", "--fields alone is all of them"},
	"info sample":          {"cannot use %s %v: it is a number of objects, and goes with --memory", ""},
	"network above":        {"cannot use %s %v: it is no number", ""},
	"network by nothing":   {"cannot compare hosts by anything: --bonding and --list-netstat print no such comparison", ""},
	"network by push time": {"cannot use %s for anything but the time of interactions: without --speed, --mps, --netstat, --ratio and --above", ""},
	"network fold":         {"cannot --fold: no host is named in what is printed", "--fold goes with the list of hosts, --switchcount, --range-clusters and --bonding"},
	"network least":        {"cannot use %s %v: one host is the least", ""},
	"network metrics":      {"cannot combine --netstat and --ratio: hosts are compared by one of them", ""},
	"network narrowed":     {"cannot narrow percentiles to a switch: they are those of all hosts", "--hosts takes the hosts of a switch, which --switchcount --percentile 0 --fold prints"},
	"network percentile":   {"cannot use %s %v: percentiles are 0 to 100", ""},
	"network sources":      {"cannot compare by counters and by interactions with Redis servers: --speed and --mps are for those", ""},
	"network switch":       {"cannot use %s %v", ""},
	"sudo as":              {"cannot decide what may be run as %v: no command is named", "--as goes with --command"},
	"time forms":           {"cannot combine %s: each is a form of the time", ""},
}
