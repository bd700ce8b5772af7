package sudoers

import (
	"path"
	"slices"
	"strings"
)

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
func (m *matcher) commands(a asking, c *cmndSpec, cmd *command) match {
	var out match
	out.verdict = m.list("Cmnd", []member{c.cmnd}, func(x *member, forbids bool) bool {
		if x.kind == memberAlias || x.kind == memberCommand && !m.isCommand(a, x, cmd) {
			return false
		}
		digests := x.details().digests
		if digests == nil {
			return true
		}
		condition := "its digest is " + strings.Join(digests, " or ")
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

func (m *matcher) isCommand(a asking, x *member, cmd *command) bool {
	if isRegex(x.name) {
		return m.regex(x.name, cmd.path) && m.args(x, cmd)
	}
	if !strings.HasPrefix(x.name, "/") { // sudoedit, list
		return x.name == cmd.path && m.args(x, cmd)
	}
	if a.settings.fastGlob && hasWildcard(x.name) { // compares text, also where that is a folder's
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
