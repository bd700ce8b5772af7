package sudo

import (
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A verdict is what a list says about somebody or something.
type verdict int8

const (
	silent verdict = iota
	yes
	no
)

func (v verdict) not() verdict {
	switch v {
	case yes:
		return no
	case no:
		return yes
	}
	return silent
}

// A matcher decides what a policy says about one user of one host.
type matcher struct {
	*Policy
	host     *Host
	user     *person
	settings settings
	open     map[aliasKey]bool // aliases that are being looked at: they may name themselves
	inverted bool              // they are in one that is negated
	steps    int
	limit    int      // of steps, for the list that is being asked
	unknown  []string // what could not be decided, and was taken for no match

	only *userSpec // a rule that is for the user, whomever it names; nil: none is

	cache *cache              // nil: nothing is kept
	here  map[*privilege]bool // which privileges hold on the host; nil: nothing is kept
}

// A cache keeps what one policy says whatever the host is, for one goroutine: on most
// hosts of a fleet the same users find the same rules.
type cache struct {
	matched map[matchedKey][]*userSpec
	entries map[entriesKey][]Entry
	size    int // of both, about
}

// room reports whether there is room for something of this size.
func (c *cache) room(size int) bool {
	if c.size+size > maxCacheSize {
		return false
	}
	c.size += size
	return true
}

type matchedKey struct {
	person   string
	settings settings
}

type entriesKey struct {
	privilege    *privilege
	runasDefault string
	exempt       bool
	self         string // empty where the entries do not name the user
}

func newCache() *cache {
	return &cache{matched: make(map[matchedKey][]*userSpec), entries: make(map[entriesKey][]Entry)}
}

// settings are those of Defaults that decide who may do what.
type settings struct {
	runasDefault string
	authenticate bool
	exemptGroup  string
	foldUsers    bool
	foldGroups   bool
	groupPlugin  bool
	fastGlob     bool
	unknownIDs   bool // run-as users by numbers that no account has
	rootSudo     bool
}

// maxSteps and maxListSteps bound the work on one user of one host, and on one list of
// its rules: aliases that name each other twice double it at every step.
const (
	maxSteps     = 1 << 20
	maxListSteps = 1 << 14
)

// newMatcher has the settings for what is run as USER, USER:GROUP or :GROUP, or, where as
// is empty, as the default user.
func newMatcher(p *Policy, h *Host, user, as string) *matcher {
	m := &matcher{
		Policy: p, host: h, user: h.person(user), open: make(map[aliasKey]bool),
		settings: settings{runasDefault: "root", authenticate: true, foldUsers: true, foldGroups: true, rootSudo: true},
	}
	m.defaults(as, true)
	m.defaults(as, false)
	return m
}

// defaults applies the settings that are not for some commands only: the early ones, which
// decide whom the others are for, or those.
func (m *matcher) defaults(as string, early bool) {
	t := m.target(as)
	if early { // sudo has not asked for the whole name of the host yet
		host, short := m.host, *m.host
		short.Name = host.Short()
		m.host = &short
		defer func() { m.host = host }()
	}
	for _, d := range m.Policy.defaults {
		applies := true
		switch d.binding {
		case "@":
			applies = m.hosts(d.members) == yes
		case ":":
			applies = m.users(d.members, m.user) == yes
		case ">":
			applies = m.runas(&runas{users: d.members}, &target{user: t.user, userSaid: true}) == yes
		case "!":
			applies = m.list("Cmnd", d.members, func(x *member) bool { return x.kind == memberALL }) == yes
		}
		if applies {
			m.settings.apply(d.settings, early)
		}
	}
}

func (s *settings) apply(list []setting, early bool) {
	for _, d := range list {
		if early != (d.name == "runas_default" || d.name == "group_plugin") {
			continue
		}
		on := d.op == 1
		switch d.name {
		case "runas_default":
			if d.op == '=' {
				s.runasDefault = d.value
			}
		case "exempt_group":
			s.exemptGroup = d.value
		case "group_plugin":
			s.groupPlugin = d.op == '='
		case "authenticate":
			s.authenticate = on
		case "case_insensitive_user":
			s.foldUsers = on
		case "case_insensitive_group":
			s.foldGroups = on
		case "fast_glob":
			s.fastGlob = on
		case "runas_allow_unknown_id":
			s.unknownIDs = on
		case "root_sudo":
			s.rootSudo = on
		}
	}
}

func (m *matcher) undecided(what string) {
	if len(m.unknown) < maxProblems && !slices.Contains(m.unknown, what) {
		m.unknown = append(m.unknown, what)
	}
}

// list asks the members of a list from its end: the last one that says something is
// right. Where one is an alias, its members are asked; one that does not exist is taken
// for a name, and so is one that is being asked already.
func (m *matcher) list(kind string, members []member, one func(*member) bool) verdict {
	if len(m.open) == 0 {
		m.limit = min(m.steps+maxListSteps, maxSteps) + len(members)
	}
	for i := len(members) - 1; i >= 0; i-- {
		x := &members[i]
		if m.steps++; m.steps > m.limit {
			m.undecided("the aliases, which are too many to follow")
			return silent
		}
		v := silent
		if x.kind != memberAlias {
			if one(x) {
				v = yes
			}
		} else if key := (aliasKey{kind, x.name}); m.aliases[key] != nil && !m.open[key] {
			m.open[key] = true
			m.inverted = m.inverted != x.negated
			v = m.list(kind, m.aliases[key], one)
			m.inverted = m.inverted != x.negated
			delete(m.open, key)
		} else if one(x) {
			v = yes
		}
		if x.negated {
			v = v.not()
		}
		if v != silent {
			return v
		}
	}
	return silent
}

func (m *matcher) users(members []member, who *person) verdict {
	return m.list("User", members, func(x *member) bool { return m.isUser(x, who) })
}

func (m *matcher) isUser(x *member, who *person) bool {
	switch x.kind {
	case memberALL:
		return true
	case memberGroup:
		return m.inGroup(x.name[1:], who)
	case memberNetgroup:
		if m.host.Netgroups == nil {
			m.undecided("the users of netgroup " + x.name)
		}
		return m.host.Netgroups.has(x.name[1:], "", who.name)
	}
	if uid, ok := parseID(x.name); ok && who.account && uid == who.uid {
		return true
	}
	return equal(x.name, who.name, m.settings.foldUsers)
}

func equal(a, b string, fold bool) bool { return a == b || fold && strings.EqualFold(a, b) }

// parseID reads #1001.
func parseID(s string) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, "#")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil
}

func (m *matcher) inGroup(name string, who *person) bool {
	if strings.HasPrefix(name, ":") {
		if m.settings.groupPlugin {
			m.undecided("the users of %" + name + ", which a plugin of sudo knows")
		}
		return false
	}
	if gid, ok := parseID(name); ok && slices.Contains(who.gids, gid) {
		return true
	}
	return slices.ContainsFunc(who.groups, func(g string) bool { return equal(g, name, m.settings.foldGroups) })
}

func (m *matcher) hosts(members []member) verdict { return m.list("Host", members, m.isHost) }

func (m *matcher) isHost(x *member) bool {
	switch x.kind {
	case memberALL:
		return true
	case memberNetgroup:
		if m.host.Netgroups == nil {
			m.undecided("the hosts of netgroup " + x.name)
		}
		return m.host.Netgroups.has(x.name[1:], m.host.Name, "") || m.host.Netgroups.has(x.name[1:], m.host.Short(), "")
	case memberNetwork:
		if m.host.Addresses == nil {
			m.undecided("whether its address is in " + x.name)
			return false
		}
		return onNetwork(m.host.Addresses(), x.name)
	}
	name := m.host.Short()
	if strings.Contains(x.name, ".") {
		name = m.host.Name
	}
	if hasWildcard(x.name) {
		return globMatch(x.name, name, globMode{fold: true})
	}
	return strings.EqualFold(x.name, name)
}

// A target is whom a command is to be run as.
type target struct {
	user           *person
	userSaid       bool
	group          string
	gid            uint32
	groupSaid      bool
	self           string // the name of the user who asks
	doesNotBelong  bool   // no account has the number
	groupIsUnknown bool
}

// target reads USER, USER:GROUP or :GROUP; empty is the default user, and the user who
// asks where only a group is said.
func (m *matcher) target(as string) target {
	user, group, groupSaid := strings.Cut(as, ":")
	t := target{userSaid: user != "", groupSaid: groupSaid, self: m.user.name}
	switch {
	case user == "" && groupSaid:
		t.user = m.user
	case user == "":
		t.user = m.host.person(m.settings.runasDefault)
	default:
		t.user = m.host.person(user)
		t.doesNotBelong = strings.HasPrefix(t.user.name, "#")
	}
	if groupSaid {
		g, ok := m.host.group(group)
		t.group, t.gid, t.groupIsUnknown = g.Name, g.GID, !ok
	}
	return t
}

// runas decides whether a command may be run as t.
func (m *matcher) runas(r *runas, t *target) verdict {
	users := []member{{name: m.settings.runasDefault}}
	var groups []member
	if r != nil {
		users, groups = r.users, r.groups
	}
	v := m.list("Runas", users, func(x *member) bool {
		if x.kind == memberSelf {
			return !t.userSaid || t.self == t.user.name
		}
		return m.isUser(x, t.user)
	})
	if !t.groupSaid || r == nil && t.userSaid { // without a list, the default user may have any group
		return v
	}
	if !t.userSaid || v == silent && t.self == t.user.name { // only the group changes
		v = yes
	}
	g := m.list("Runas", groups, func(x *member) bool {
		if x.kind == memberALL {
			return true
		}
		if gid, ok := parseID(x.name); ok && gid == t.gid {
			return true
		}
		return equal(x.name, t.group, m.settings.foldGroups)
	})
	if g == silent && slices.Contains(t.user.gids, t.gid) {
		g = yes
	}
	switch {
	case v == no || g == no:
		return no
	case v == g:
		return v
	}
	return silent
}

// A command is what a user wants to run.
type command struct {
	path    string // absolute; or sudoedit
	args    string // separated by one blank
	hasArgs bool
}

// parseCommand cuts a command line at its blanks, as sudo joins its arguments.
func parseCommand(line string) command {
	f := strings.Fields(line)
	if len(f) == 0 {
		return command{}
	}
	return command{path: f[0], args: strings.Join(f[1:], " "), hasArgs: len(f) > 1}
}

// A match is what a command spec says about a command.
type match struct {
	verdict   verdict
	condition string // what else has to be true
}

// commands decides whether a member allows a command. What has a digest is taken to
// match where it allows something, and not to match where it forbids it.
func (m *matcher) commands(c *cmndSpec, cmd *command) match {
	var out match
	out.verdict = m.list("Cmnd", []member{c.cmnd}, func(x *member) bool {
		if x.kind == memberAlias || x.kind == memberCommand && !m.isCommand(x, cmd) {
			return false
		}
		digests := x.details().digests
		if digests == nil {
			return true
		}
		condition := "its digest is " + strings.Join(digests, " or ")
		forbids := x.negated != m.inverted
		if forbids {
			condition = "its digest is not " + strings.Join(digests, " or ")
		}
		if out.condition == "" {
			out.condition = condition
		}
		return !forbids
	})
	return out
}

// otherPath is the same file where /bin and /sbin are links into /usr, as they are on
// all current systems.
func otherPath(path string) string {
	if strings.HasPrefix(path, "/bin/") || strings.HasPrefix(path, "/sbin/") {
		return "/usr" + path
	}
	if short, ok := strings.CutPrefix(path, "/usr"); ok && (strings.HasPrefix(short, "/bin/") || strings.HasPrefix(short, "/sbin/")) {
		return short
	}
	return path
}

// cleanPath is the same file without //, . and .. in its path. The / of a folder stays.
func cleanPath(name string) string {
	if !strings.Contains(name, "//") && !strings.Contains(name, "/.") {
		return name
	}
	clean := path.Clean(name)
	if strings.HasSuffix(name, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

func (m *matcher) isCommand(x *member, cmd *command) bool {
	if isRegex(x.name) {
		return m.regex(x.name, cmd.path) && m.args(x, cmd)
	}
	if !strings.HasPrefix(x.name, "/") { // sudoedit, list
		return x.name == cmd.path && m.args(x, cmd)
	}
	if m.settings.fastGlob && hasWildcard(x.name) { // compares text, also where that is a folder's
		return globMatch(x.name, cmd.path, globMode{pathname: true}) && m.args(x, cmd)
	}
	clean := cleanPath(cmd.path)
	paths := []string{clean, otherPath(clean)}
	wants := cleanPath(x.name)
	if strings.HasSuffix(wants, "/") { // whatever is in that folder
		for i, p := range paths {
			paths[i] = p[:strings.LastIndexByte(p, '/')+1]
		}
	}
	if hasWildcard(wants) {
		mode := globMode{pathname: true, period: true}
		return slices.ContainsFunc(paths, func(p string) bool { return globMatch(wants, p, mode) }) && m.args(x, cmd)
	}
	return slices.Contains(paths, wants) && m.args(x, cmd)
}

func (m *matcher) regex(expr, text string) bool {
	re, ok := compileRegex(expr)
	if !ok {
		m.undecided("the regular expression " + expr)
		return false
	}
	return re.MatchString(text)
}

func (m *matcher) args(x *member, cmd *command) bool {
	switch d := x.details(); {
	case !d.hasArgs:
		return true
	case d.args == `""`:
		return !cmd.hasArgs
	case isRegex(d.args):
		return m.regex(d.args, cmd.args)
	}
	return globMatch(x.args, cmd.args, globMode{pathname: x.name == "sudoedit"})
}

// An Entry is one line of what "sudo -l" lists: some commands, and as whom they may be
// run.
type Entry struct {
	RunAs    string // root, or ALL : ALL
	Commands string // with their tags and options, aliases expanded: NOPASSWD: ALL

	// NoPassword: at least one of the commands may be run without a password, because of
	// its tag or of Defaults.
	NoPassword bool

	// DefaultsNoPassword: it is Defaults that say so, which the text of the entry does
	// not show.
	DefaultsNoPassword bool
}

// String returns the entry as sudo prints it.
func (e *Entry) String() string { return "(" + e.RunAs + ") " + e.Commands }

// size is about what an entry takes.
func (e *Entry) size() int { return len(e.RunAs) + len(e.Commands) }

// Entries returns what the user may do on the host, in the order in which sudo lists it,
// and what could not be decided.
func (p *Policy) Entries(h *Host, user string) (entries []Entry, undecided []string) {
	m := newMatcher(p, h, user, "")
	for e := range m.all() {
		entries = append(entries, e)
	}
	return entries, m.unknown
}

func (m *matcher) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, s := range m.matched() {
			for i := range s.privileges {
				v := &s.privileges[i]
				if !m.holds(v) {
					continue
				}
				for _, e := range m.entriesOf(v) {
					if !yield(e) {
						return
					}
				}
			}
		}
	}
}

// matched returns the rules that are for the user, wherever they hold.
func (m *matcher) matched() (out []*userSpec) {
	if m.Broken != "" {
		return nil
	}
	if m.cache != nil && m.only == nil && m.host.Netgroups == nil { // whose members are a host's own
		key := matchedKey{m.user.key(), m.settings}
		if kept, ok := m.cache.matched[key]; ok {
			return kept
		}
		unknown := len(m.unknown)
		defer func() {
			if len(m.unknown) == unknown && m.cache.room(len(key.person)+8*len(out)) {
				m.cache.matched[key] = out
			}
		}()
	}
	for _, s := range m.specs {
		if s == m.only || m.users(s.users, m.user) == yes {
			out = append(out, s)
		}
	}
	return out
}

// holds reports whether a privilege holds on the host.
func (m *matcher) holds(v *privilege) bool {
	is, ok := m.here[v]
	if !ok {
		is = m.hosts(v.hosts) == yes
		if m.here != nil {
			m.here[v] = is
		}
	}
	return is
}

// entriesOf returns the entries of a privilege. They must not be changed.
func (m *matcher) entriesOf(v *privilege) []Entry {
	if m.cache == nil {
		return m.entries(v)
	}
	key := entriesKey{v, m.settings.runasDefault, m.exempt(), ""}
	for i := range v.cmnds {
		if r := v.cmnds[i].runas; r != nil && (r.users == nil || r.users[0].kind == memberSelf) {
			key.self = m.user.name
		}
	}
	kept, ok := m.cache.entries[key]
	if !ok {
		kept = m.entries(v)
		size := 0
		for i := range kept {
			size += kept[i].size()
		}
		if m.cache.room(size) {
			m.cache.entries[key] = kept
		}
	}
	return kept
}

// as returns a matcher for somebody of whom no more is known than that a rule is for
// them. Their name is the text of the rule.
func (m *matcher) as(s *userSpec) *matcher {
	p := m.printer()
	p.list("User", s.users)
	out := *m
	out.user, out.only, out.steps, out.unknown = &person{name: p.String()}, s, 0, nil
	return &out
}

// entries returns those of a privilege: one for each list of run-as users. They end with
// the one that makes them longer than maxText, which nobody lists whole.
func (m *matcher) entries(v *privilege) (out []Entry) {
	text := 0
	for i := 0; i < len(v.cmnds) && text <= maxText; {
		first := &v.cmnds[i]
		p := m.printer()
		p.runas(first.runas, m.settings.runasDefault)
		e := Entry{RunAs: p.String()}
		p = m.printer()
		var prev *cmndSpec
		for ; i < len(v.cmnds) && v.cmnds[i].runas == first.runas; i++ {
			c := &v.cmnds[i]
			if prev != nil {
				p.WriteString(", ")
			}
			p.cmndSpec(c, prev)
			tagged := c.tags[tagNopasswd] == tagOn
			byDefaults := c.tags[tagNopasswd] == tagUnset && m.exempt() && !c.cmnd.negated
			e.NoPassword = e.NoPassword || byDefaults || tagged && !c.cmnd.negated
			e.DefaultsNoPassword = e.DefaultsNoPassword || byDefaults
			prev = c
		}
		e.Commands = p.String()
		text += e.size()
		out = append(out, e)
	}
	return out
}

// exempt reports whether Defaults let the user do without a password.
func (m *matcher) exempt() bool {
	return !m.settings.authenticate || m.settings.exemptGroup != "" && m.inGroup(m.settings.exemptGroup, m.user)
}

func (m *matcher) printer() *printer {
	return &printer{policy: m.Policy, self: m.user.name, open: make(map[aliasKey]bool)}
}

// A Decision is whether a command may be run.
type Decision struct {
	Allowed    bool
	Rule       *Entry // that decides, with the command alone; nil: no rule says anything
	Condition  string // what has to be true for it, and the cache cannot tell; empty: nothing
	NoPassword bool
}

// Decide decides whether the user may run a command, which is a path with arguments, as
// USER, USER:GROUP or :GROUP, or, where as is empty, as the default user. sudo does the
// same for "sudo -l -U user -u as command", but it looks at files: here, names are
// compared. now is for rules that hold for some time only.
func (p *Policy) Decide(h *Host, user, commandLine, as string, now time.Time) (d Decision, undecided []string) {
	m := newMatcher(p, h, user, as)
	return m.decision(commandLine, as, now), m.unknown
}

func (m *matcher) decision(commandLine, as string, now time.Time) (d Decision) {
	t := m.target(as)
	if t.doesNotBelong && !m.settings.unknownIDs || t.groupIsUnknown {
		return Decision{}
	}
	cmd := parseCommand(commandLine)
	m.defaultsOf(&cmd)
	for _, s := range slices.Backward(m.matched()) {
		for i := len(s.privileges) - 1; i >= 0; i-- {
			v := &s.privileges[i]
			if !m.holds(v) {
				continue
			}
			for j := len(v.cmnds) - 1; j >= 0; j-- {
				if m.decide(&d, &v.cmnds[j], &t, &cmd, now) {
					return d
				}
			}
		}
	}
	return d
}

// defaultsOf applies those settings for a command that say whether it needs a password.
func (m *matcher) defaultsOf(cmd *command) {
	for _, d := range m.Policy.defaults {
		if d.binding != "!" || m.list("Cmnd", d.members, func(x *member) bool {
			return x.kind == memberALL || x.kind == memberCommand && m.isCommand(x, cmd)
		}) != yes {
			continue
		}
		s := m.settings
		s.apply(d.settings, false)
		m.settings.authenticate, m.settings.exemptGroup = s.authenticate, s.exemptGroup
	}
}

// decide reports whether c decides.
func (m *matcher) decide(d *Decision, c *cmndSpec, t *target, cmd *command, now time.Time) bool {
	if !c.notBefore.IsZero() && now.Before(c.notBefore) || !c.notAfter.IsZero() && now.After(c.notAfter) {
		return false
	}
	if m.runas(c.runas, t) != yes {
		return false
	}
	found := m.commands(c, cmd)
	if d.Condition == "" {
		d.Condition = found.condition
	}
	if found.verdict == silent {
		return false
	}
	rule := m.entries(&privilege{cmnds: []cmndSpec{*c}})
	d.Rule = &rule[0]
	d.Allowed = found.verdict == yes
	if t.userSaid && !t.user.account && d.Condition == "" {
		d.Condition = t.user.name + " has an account there"
	}
	d.NoPassword = d.Allowed && (c.tags[tagNopasswd] == tagOn || c.tags[tagNopasswd] == tagUnset && m.exempt())
	if !d.Allowed {
		d.Condition = ""
	}
	return true
}
