package main

// misuses are the words of the command line for parameters that do not go together, by the
// code of the misuse. %s stands for the flags at fault.
var misuses = map[string]struct{ text, advice string }{
	"cat fold":     {"cannot --fold the hosts of contents that are not counted", "--fold goes with --uniq"},
	"cat raw":      {"cannot use --raw-output: contents are printed as they are", "--raw-output goes with --jq"},
	"grep answers": {"cannot combine %s: each is an answer of its own", ""},
	"grep fold":    {"cannot --fold the hosts of lines that are not counted", "--fold goes with --uniq, -l or -L"},
	"grep parts":   {"cannot combine --invert-match and --only-matching: a line without a match has no part that matches", ""},
	"time forms":   {"cannot combine %s: each is a form of the time", ""},
}
