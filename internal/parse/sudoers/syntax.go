package sudoers

import "time"

// An entry is one logical line: one of the pointers is set.
type entry struct {
	line     int
	spec     *userSpec
	defaults *defaultsLine
	aliases  *aliasLine
	include  *include
	problem  string // why the entry, or the rest of it, is passed over
	redacted bool   // by the agent, before it was sent
}

type include struct {
	path string
	dir  bool
}

// An aliasLine defines aliases of one kind.
type aliasLine struct {
	kind string // User, Runas, Host, Cmnd
	defs []aliasDef
}

type aliasDef struct {
	name    string
	members []member
}

// A defaultsLine is Defaults, with whom it binds.
type defaultsLine struct {
	binding  string // "", "@" hosts, ":" users, ">" run-as users, "!" commands
	members  []member
	settings []setting
}

type setting struct {
	name  string
	op    byte // '=' where there is a value, else 1 or 0: on or off; '+' and '-' for lists
	value string
}

// A userSpec is who may do something, where, and what.
type userSpec struct {
	file       string // set when files are put together
	line       int
	users      []member
	privileges []privilege
}

type privilege struct {
	hosts []member
	cmnds []cmndSpec
}

// A cmndSpec is a command with all that goes before it, or is taken over from the
// command before it.
type cmndSpec struct {
	runas *runas // nil: the default user
	options
	tags [len(tags)]tagValue
	cmnd member
}

// A runas is whom a command may be run as. With groups alone, it is the user who asks.
type runas struct{ users, groups []member }

// options are those of a command. Texts are pointers because sudo prints what is said anew,
// be it the same as before; nil is not said.
type options struct {
	role, selinuxType, apparmor *string
	chroot, cwd                 *string
	timeout                     int // seconds; 0: not said, -1: said to be none
	notBefore, notAfter         time.Time
}

type tagValue int8

const (
	tagUnset tagValue = iota
	tagOn
	tagOff
	tagImplied // SETENV, by ALL
)

const (
	tagSetenv = iota
	tagIntercept
	tagNoexec
	tagNopasswd
	tagLogInput
	tagLogOutput
	tagMail
	tagFollow
)

// tags are the names of the tags, each with its opposite, in the order in which sudo prints them.
var tags = [...]struct{ on, off string }{
	tagSetenv:    {"SETENV", "NOSETENV"},
	tagIntercept: {"INTERCEPT", "NOINTERCEPT"},
	tagNoexec:    {"NOEXEC", "EXEC"},
	tagNopasswd:  {"NOPASSWD", "PASSWD"},
	tagLogInput:  {"LOG_INPUT", "NOLOG_INPUT"},
	tagLogOutput: {"LOG_OUTPUT", "NOLOG_OUTPUT"},
	tagMail:      {"MAIL", "NOMAIL"},
	tagFollow:    {"FOLLOW", "NOFOLLOW"},
}

type memberKind int8

const (
	memberWord memberKind = iota // a name, #uid, or a pattern for hosts
	memberALL
	memberAlias
	memberGroup    // with its % or %:
	memberNetgroup // with its +
	memberNetwork
	memberSelf // the invoking user
	memberCommand
)

// A member is one element of a list.
type member struct {
	kind    memberKind
	negated bool
	name    string
	*detail // of a command; nil: it has none
}

// A detail is what a command has beside its path.
type detail struct {
	args    string
	hasArgs bool
	digests []string // sha224:…
}

// details returns those of a command, empty ones for what has none.
func (m *member) details() *detail {
	if m.detail == nil {
		return &detail{}
	}
	return m.detail
}
