// Package hint carries, with an error, what to do about it.
//
// It promises that advice stays apart from what went wrong: an error's text never holds
// its hint, and whoever shows the error to a person finds the hint with [errors.As].
// Advice that depends on how the question was put (the name of a flag, of a parameter of
// a URL) is no text here but a Cause: the words are left to those who know, which are
// internal/terminal for a command line and the server for a page.
package hint

// An Error is an error and what to do about it.
type Error struct {
	Err   error
	Hint  string   // for people, the same whoever asks; empty: see Cause
	Cause Cause    // whose words depend on how the question was put; empty: see Hint
	Args  []string // what the words are about, as the Cause says
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without the hint.
func (e *Error) Unwrap() error { return e.Err }

// To adds advice to an error that is the same however the question was put.
func To(err error, advice string) error { return &Error{Err: err, Hint: advice} }

// For adds a cause to an error, for which the caller has words.
func For(err error, cause Cause, args ...string) error {
	return &Error{Err: err, Cause: cause, Args: args}
}

// A Cause is why something could not be done, where what to do about it depends on how
// it was asked for.
type Cause string

// The causes that there are.
const (
	// What a question meets.
	NoServers      Cause = "no servers"         // no directory is configured; Args: where it would be
	ServerForURL   Cause = "server for url"     // a server's URL where a directory's was wanted
	NoLocal        Cause = "no local place"     // the directory does not say which core is the local one
	EmptySite      Cause = "site without cores" // one of several sites lists no core
	KeptTooOld     Cause = "kept copy too old"  // the directory is down, and what is kept of it is older than allowed; Args: its age
	CannotKeep     Cause = "cannot keep"        // what a directory says cannot be kept
	TooManyLines   Cause = "too many lines"     // more different lines than fit into memory
	RegexSyntax    Cause = "regex syntax"       // what is searched for is no regular expression
	GlobInList     Cause = "glob in list"       // a list of hosts holds a glob
	GlobWithout    Cause = "glob without cache" // a glob where only servers know what it stands for
	NoClusters     Cause = "no clusters"        // an expression names clusters, and there are none
	NothingMatches Cause = "nothing matches"    // no live host has an object that matches
	OneUser        Cause = "one user"           // several users where one may be named
	NoRangeServers Cause = "no range servers"   // no Range server is known
	NoField        Cause = "no field"           // Redis' INFO has no field that matches
	UnknownHost    Cause = "unknown host"       // no server of the scope knows a host
	HeavyHost      Cause = "heavy host"         // a host takes far more of a server than others
	NoGC           Cause = "no gc"              // gc does not run at a server
	FullServer     Cause = "full server"        // a server has no memory left, or little
	ManyNames      Cause = "many names"         // a server lists more names than questions read
	OldServer      Cause = "old server"         // a server is older than Redis 7, which hosts need for bases
	EmptyServer    Cause = "empty server"       // a server knows no host
	ColdServer     Cause = "cold server"        // a server lacks pushes that its siblings have
	HostWithout    Cause = "host without"       // one of two hosts has no objects
	ManyVariants   Cause = "many variants"      // more than anybody looks at
	TooManyPairs   Cause = "too many pairs"     // of variants that every two would be compared of
	TooManyGroups  Cause = "too many groups"    // the same, as the original calls them

	// What the audit of networks meets.
	NoCounter       Cause = "no counter"        // something is no name of a counter
	NoRatio         Cause = "no ratio"          // something is no ratio; Args: those that have a name
	NoHostCounts    Cause = "no host counts"    // no host has such a counter; within a sentence
	NoHostInteracts Cause = "no host interacts" // no host has interacted with such a server; within a sentence
	TooFewHosts     Cause = "too few hosts"     // nobody can be beyond the percentile; within a sentence; Args: the highest that somebody can

	// What a push meets.
	OtherMachine Cause = "other machine"  // another machine pushes under this name
	EmptyPush    Cause = "empty snapshot" // it would delete everything
	NothingRead  Cause = "nothing read"   // none of its objects can be read
	NoOutgoing   Cause = "no outgoing"    // the folder of what is to be pushed is none

	// Where many names come and go.
	ChurnOfFiles    Cause = "churn of files"    // in a folder of which all files are chosen; Args: the link that leads there
	ChurnOfSections Cause = "churn of sections" // among the outputs of commands
	ChurnOfLinks    Cause = "churn of links"    // among the links of the outgoing directory

	// What the users of servers meet.
	WeakACL     Cause = "weak acl"         // a server has no rules that confine a host
	OpenACL     Cause = "open acl"         // user default of a server is on
	NoPasswords Cause = "no passwords"     // no folder of passwords is named
	NobodyNamed Cause = "no hosts to name" // no host is named that is to get a user
)
