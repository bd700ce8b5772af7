// Package rangeexpr reads and writes host expressions: a few words that stand
// for many hosts, in the language of Range (github.com/ytoolshed/range), which
// operators type and tools exchange.
//
//	web001..120.example.com       a sequence: web001.example.com … web120.example.com
//	web{1..3,7}.example.com       braces: what is within them, one after the other
//	web1,db1                      hosts, separated by commas or white space
//	"web1..3"                     quotes: the very name; also q(web1..3)
//
// Goals:
//
//   - An expression means what Range makes of it. What means something else there
//     (clusters, operators, functions) is an error here, never a name.
//   - Expand undoes Fold, for every list of hosts.
//   - An expression comes from a command line or a web page: whatever it is, reading
//     it takes little time, and what it stands for is bounded before it is made.
//
// Two things are wider than in Range. White space separates words there only
// beside a comma, and is passed over elsewhere. And after a brace a '-' goes on
// with the word: {esv4,eat1}-mps is a difference, thus a syntax error, in Range.
// Fold writes neither.
package rangeexpr
