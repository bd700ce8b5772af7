// Package rangeexpr reads and writes host expressions: a few words that stand for
// many hosts, in the language of Range (github.com/ytoolshed/range), which operators
// type and tools exchange. An [Evaluator] says what an expression stands for, [Fold]
// and [Compress] write one.
//
//	web1                          a host
//	web001..120.example.com       a sequence: web001.example.com … web120.example.com
//	web{1..3,7}.example.com       braces: each of what they hold, with what is around them
//	"web1..3"  'a b'  q(a b)      quotes: this very name; a backslash makes the next byte literal
//	a,b  a - b  a & b             united; taken away; in both. From left to right, all alike
//	a - /re/  a & /re/            what matches is taken away, or is all that stays
//	(a,b)-c                       parentheses
//	%web  %web:DOWN               the cluster web; its key DOWN. Also %{web,db}:{UP,DOWN}
//	@web  $web                    the key web of the cluster GROUPS. In a cluster file, $KEY is its own
//	*web1  ?web1                  a cluster, the groups that hold web1
//	!a  /re/                      all but a, and what matches, in the cluster named all
//	has(DC;east)                  functions, whose arguments ; separates
//
// The functions are cluster (%), group (@), get_cluster (*), get_groups (?),
// clusters(hosts), has(KEY;values), mem(cluster;hosts) and allclusters(). The
// operators % @ * ? ^ ! take what is right of them with its braces, before , - & do.
// A '-' within a word belongs to it: a-b is a host, and a -b is a without b.
// What is left out stands for nothing: "a,,b", "()", "a,b ,- b".
//
// Goals:
//
//   - An expression means what Range makes of it, and is an error where it is one there.
//   - An Evaluator undoes Fold and Compress, for every list of hosts.
//   - An expression comes from a command line, a web page or a stranger's request:
//     whatever it is, reading it takes little time, and what it stands for is bounded
//     before it is made. It is never cut short.
//
// It differs from Range where that has no better:
//
//   - White space separates words: "a b" is "a,b", which is an error there, as it is
//     here within what is meant to be one word: "web1 .. 3". Beside braces it means
//     nothing, as there, unless a person types: see Evaluator.Glob.
//   - Regular expressions are those of Go (RE2), which take linear time. PCRE has more.
//   - A get_cluster of several that hold a host is the first in the alphabet, not any.
//   - A cluster that needs itself is an error, not the end of the server; so is a key
//     that is twice in a file, or neither a text nor a list of them.
//   - Of several keys and values that has is given, and of several clusters that mem is,
//     each counts, not any one.
//   - A null in a cluster file is nothing, as ~ is, not a node of that name.
//   - {} on its own is no host, not one without a name.
package rangeexpr
