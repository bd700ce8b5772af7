package sudoers

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

var randomSeed = flag.Uint64("seed", 1, "of the first random set of sudoers; the next one has the next seed")

// A randomCase is a set of sudoers files and what is asked about them.
type randomCase struct {
	files  map[string]string
	checks [][3]string // user, as, command
}

// TestRandomAsSudo compares what the real sudo says about generated sudoers with what this
// package does. What differs is printed as small as it can be made. To look for more:
//
//	RANDOM_CASES=50 go test ./internal/parse/sudoers -run Random -seed 1000
func TestRandomAsSudo(t *testing.T) {
	s := startSudo(t)
	cases := redistest.Cases(t, 80)
	entries, allowed, denied, broken := 0, 0, 0, 0
	for seed := *randomSeed; seed < *randomSeed+uint64(cases); seed++ {
		c := newGenerator(seed).set()
		difference, tally := c.compare(t, s)
		if difference != "" {
			c.shrink(t, s)
			difference, _ = c.compare(t, s)
			t.Errorf("seed %d: %s\nof %q", seed, difference, c.files)
		}
		entries, allowed, denied, broken = entries+tally.entries, allowed+tally.allowed, denied+tally.denied, broken+tally.broken
	}
	t.Logf("%d sets: %d entries listed, %d commands allowed, %d denied, %d sets with errors", cases, entries, allowed, denied, broken)
	if entries < cases || allowed < cases/4 || denied < cases/4 || broken < cases/4 {
		t.Error("too little is compared")
	}
}

type randomTally struct{ entries, allowed, denied, broken int }

// compare returns the first difference, empty if there is none. Only the users themselves
// ask, because sudo answers root in root's own name.
func (c *randomCase) compare(t *testing.T, s *realSudo) (difference string, tally randomTally) {
	t.Helper()
	parsed := make(Files)
	for name, text := range c.files {
		parsed[name] = Parse([]byte(text))
	}
	host := testHost(s.addresses)
	policy := Assemble(parsed, "/etc/sudoers", host.Short())
	if len(policy.Problems) > 0 {
		tally.broken++
	}
	r := request{Files: c.files}
	users := []string{"ann", "bob"}
	for _, user := range users {
		r.Runs = append(r.Runs, sudoRun{user, []string{"-l"}})
	}
	for _, check := range c.checks {
		args := []string{"-l"}
		runas, group, _ := strings.Cut(check[1], ":")
		if runas != "" {
			args = append(args, "-u", runas)
		}
		if group != "" {
			args = append(args, "-g", group)
		}
		r.Runs = append(r.Runs, sudoRun{check[0], append(args, strings.Fields(check[2])...)})
	}
	results := s.run(t, r)
	for i, user := range users {
		got, _ := policy.Entries(host, user)
		var texts []string
		for _, e := range got {
			texts = append(texts, e.String())
		}
		real := results[i].listing()
		for i, line := range real {
			real[i] = plain(line)
		}
		tally.entries += len(real)
		if !slices.Equal(texts, real) && difference == "" {
			difference = fmt.Sprintf("%s:\n got %q\nsudo %q\n%s", user, texts, real, results[i].Stderr)
		}
	}
	chroot := slices.ContainsFunc(slices.Collect(maps.Values(c.files)), func(text string) bool { return strings.Contains(text, "CHROOT") })
	for i, check := range c.checks {
		result := results[len(users)+i]
		if result.Status == 0 {
			tally.allowed++
		} else {
			tally.denied++
		}
		d, undecided := policy.Decide(host, check[0], check[2], check[1], time.Now())
		// Whether a digest fits, and what is in another root, the names do not tell.
		if d.Condition == "" && !chroot && len(undecided) == 0 && d.Allowed != (result.Status == 0) && difference == "" {
			difference = fmt.Sprintf("%q: got %+v, rule %+v, sudo's status %d\n%s%s", check, d, d.Rule, result.Status, result.Stdout, result.Stderr)
		}
	}
	return difference, tally
}

// plain is a line of sudo's as it is printed here: without control characters.
func plain(line string) string {
	var p printer
	p.text(line)
	return p.String()
}

// shrink leaves out of the files what the difference does not need: ever smaller pieces.
func (c *randomCase) shrink(t *testing.T, s *realSudo) {
	t.Helper()
	for name := range c.files {
		for size := len(c.files[name]) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(c.files[name]); {
				text := c.files[name]
				c.files[name] = text[:at] + text[at+size:]
				if difference, _ := c.compare(t, s); difference == "" {
					c.files[name] = text
					at += size
				}
			}
		}
	}
}

// A generator makes sudoers out of what sudoers are made of.
type generator struct {
	*rand.Rand
	wild  int       // how often, in hundred, something is odd: most of that is an error
	names *[]string // of aliases that are not defined yet
}

// newGenerator makes every other set without odd things: after an error, the rest of its line
// is not compared.
func newGenerator(seed uint64) generator {
	r := rand.New(rand.NewPCG(seed, 2))
	names := slices.Clone(aliasNames)
	return generator{r, []int{0, 0, 0, 2, 5, 15}[r.IntN(6)], &names}
}

func (g generator) pick(words ...string) string { return words[g.IntN(len(words))] }

// odd is the word, or, now and then, one of the odd ones.
func (g generator) odd(word string, odd ...string) string {
	if g.IntN(100) < g.wild {
		return g.pick(odd...)
	}
	return word
}

// maybe is the word, once in n times.
func (g generator) maybe(n int, word string) string {
	if g.IntN(n) == 0 {
		return word
	}
	return ""
}

// list is one to most of what one makes, some negated.
func (g generator) list(most int, one func() string) string {
	var out []string
	for range 1 + g.IntN(most) {
		out = append(out, g.pick("", "", "", "", "", "!", "!!")+one())
	}
	return strings.Join(out, g.pick(",", ", ", " , ", ",\\\n ", ", \\\n"))
}

var aliasNames = []string{"A", "B", "C", "D", "E_1", "UPPER", "WEB01"}

func (g generator) alias() string { return g.pick(aliasNames...) }

// newAlias is a name that has none yet: sudo passes over the line of one that has.
func (g generator) newAlias() string {
	if len(*g.names) == 0 {
		*g.names = []string{"X"}
	}
	at := g.IntN(len(*g.names))
	name := (*g.names)[at]
	*g.names = slices.Delete(*g.names, at, at+1)
	return g.odd(name, "A", "ALL", "CWD", "a")
}

func (g generator) user() string {
	switch g.IntN(12) {
	case 0, 1:
		return g.alias()
	case 2:
		return "ALL"
	case 3:
		return g.odd(g.pick("#1001", "#1002", "#0", "#01002", "#4711", "\\#1001", "\"#1002\""), "#-1")
	case 4, 5:
		return g.odd(g.pick("%wheel", "%dba", "%#1020", "%#1010", "%ann", "%DBA", "\"%ops team\"", "%ops\\ team", "%:dba", "%nobody", "\"%#1020\""), "%\"ops team\"")
	case 6:
		return g.pick("+admins", "+nested", "+loop", "+none", "\"+admins\"")
	case 7:
		return g.pick("\"bob\"", "\\x62ob", "b\\ob", "Bob", "BOB", "\"b ob\"", "an?", "a*", "ann.x", "op-1", "1bob", "bob@x", "ann$", "é", "-bob", "bob/ann", "\"\\x62ob\"", "list", "sudoedit", "'bob'")
	}
	return g.pick("ann", "bob", "bob", "op", "eve", "root")
}

func (g generator) group() string {
	return g.pick("dba", "wheel", "ann", "bob", "#1020", "#1010", "ALL", "DBA", "\"ops team\"", "ops\\ team", "nobody", "root")
}

func (g generator) host() string {
	switch g.IntN(10) {
	case 0:
		return g.alias()
	case 1:
		return g.odd(g.pick("10.9.8.7", "10.9.8.0/24", "10.9.0.0/255.255.0.0", "10.9.8.0", "10.9.8.7/32", "10.9.9.0/24", "0.0.0.0/0", "fe80::/10", "fe80::/64", "10.9.8", "10.9.8.128/25", "10.9.8.7/255.0.255.0"), "::1", "10.9.8.7/33", "256.1.1.1", "1.2.3.4.5", "fe80::1::2")
	case 2:
		return g.pick("web*", "*.example.com", "web0?", "web[0-9][0-9]", "w*1", "[!w]*", "*1.*", "WEB*", "web\\01", "web[0", "[[\\:alpha\\:]]eb01")
	case 3:
		return g.pick("+machines", "+none", "+admins", "\"web01\"", "web01.", "web01.example.com", "Web01", "web01.EXAMPLE.com", "localhost", "\\x77eb01", "web01.example.org")
	case 4:
		return "web02"
	case 5, 6:
		return "web01"
	}
	return "ALL"
}

func (g generator) command() string {
	switch g.IntN(14) {
	case 0, 1:
		return g.alias()
	case 2:
		return "ALL"
	case 3:
		return g.odd(g.pick("/usr/bin/", "/bin/", "/usr/*bin/", "/usr/bin/i*", "/usr/bin/[il]?", "/usr/bin/*", "/*/*/id", "/usr/bin/?d", "/usr/bin/[!i]*", "/bin/l*", "/usr/bin/[[\\:alpha\\:]]d", "/usr/bin/{id,ls}", "/usr//bin/id", "/usr/bin/./id", "/usr/bin/../bin/id", "/usr/bin/[i", "/usr/bin/i]d", "/usr/bin/[a-", "/usr/bin/[^a-h]d", "/usr/*/../bin/id"), "/", "//", "/usr/bin/id/", "/usr/bin/i\\d", "/usr/bin/\\id")
	case 4:
		return g.odd(g.pick("^/usr/bin/(id|ls)$", "^/usr/bin/i.$", "^/(usr/)?bin/id$", "^.*$", "^/usr/bin/[a-z]+$", "^/usr/bin/(ca|l)[st]$", "^/USR/bin/id$", "^(?i)/USR/bin/id$", "^/usr/bin/id\\$", "^/usr/bin/\\w+$", "^/usr/bin/[[:alpha:]]+$", "^/usr/bin/i{1,2}d$", "^/usr/bin/a b$"), "^/usr/bin/id", "^$", "^/usr/bin/(id$", "^id$", "^a,b:c=d$", "^/usr/bin/id$x") + g.maybe(2, g.args())
	case 5:
		return g.odd(g.pick("sudoedit /etc/motd", "sudoedit", "/usr/bin/sudoedit", "list", "list x", "sudoedit /etc/*", "sudoedit ^/etc/.*$", "/bin/sudoedit x"), "id", "./id", "sudoeditx", "lists", "/sudoedit")
	case 6:
		return g.digest() + g.odd(g.pick("/usr/bin/id", "ALL", "!/usr/bin/id", "/usr/bin/ls x", "sudoedit", "list"), "A", "id")
	}
	return g.pick("/usr/bin/id", "/usr/bin/id", "/usr/bin/ls", "/usr/bin/cat", "/bin/id", "/usr/bin/env", "/usr/bin/a\\ b", "/usr/bin/a\\,b\\:c\\=d\\#e") + g.maybe(2, g.args())
}

func (g generator) digest() string {
	one := func() string {
		return g.odd(g.pick("sha224:"+strings.Repeat("1", 56), "sha224 : "+strings.Repeat("aB", 28), "sha256:OOxVu40bvmsPDA1Hm0ZKX+NfVfOcPMiqxnNnNTvRjzY=", "sha256:OOxVu40bvmsPDA1Hm0ZKX+NfVfOcPMiqxnNnNTvRjzY",
			"sha512:"+strings.Repeat("0", 128), "sha384:"+strings.Repeat("f", 96)), "sha224:00", "sha1:00", "sha256:"+strings.Repeat("g", 64), "sha256")
	}
	out := one()
	for g.IntN(3) == 0 {
		out += g.pick(",", " , ") + one()
	}
	return out + " "
}

func (g generator) args() string {
	if g.IntN(5) == 0 {
		return g.pick(" ", "  ", "\t") + g.pick("^x$", "^.*$", "^[a-z]+ .*$", "^a|b$", "^(?i)X$", "^a{2,3}$", "^-[a-z]$", "^a,b$")
	}
	var out string
	for range 1 + g.IntN(3) {
		out += g.pick(" ", " ", "  ", "\t", " \\\n ") + g.odd(g.pick("-g", "x", "*", "?", "[a-z]*", "\"\"", "a\\,b", "a\\:b", "a\\=b", "a=b", "!x", "\\*", "\\\\", "\\#x", "\"a b\"", "(a)", "ALL", "A", "\\^x", "a\\ b", "x$", "[[\\:digit\\:]]", "[!x]", "%a", "@x", "+x", "a'b", "[x", "\\[x\\]", "-", "--", "{a,b}", "~", "$HOME", "a\\\\b", "^a|b$"), "=", "x\\", "^(x", "^x", "a#b", "\\x41", "\\n", "a\\\"b", "a\\!b")
	}
	return out
}

func (g generator) tag() string {
	return g.pick("NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_OUTPUT", "MAIL", "NOMAIL", "FOLLOW", "NOFOLLOW", "INTERCEPT", "NOINTERCEPT") + g.pick(":", ": ", " : ", ":\t", ": ")
}

func (g generator) option() string {
	return g.odd(g.pick("CWD=/tmp", "CWD=~", "CWD=*", "CWD=/a\\ b", "CHROOT=/x", "CHROOT=~bob/y", "CHROOT=*", "TIMEOUT=5", "TIMEOUT=1d2h", "TIMEOUT=0", "TIMEOUT=7D8H", "ROLE=r", "TYPE=t", "ROLE=\"r s\"", "NOTBEFORE=2017021408Z", "NOTAFTER=2037021408.5", "NOTAFTER=203702140811\\,7-01", "NOTAFTER=20370214081122.9+9959",
		"NOTAFTER=20370214083000Z", "NOTAFTER=2018010100Z", "NOTBEFORE=20370214083000+0100", "NOTAFTER=20370230083000.5Z", "TIMEOUT=\"5\"", "CWD=\"/x y\"", "CWD = /x", "NOTAFTER=203702140830", "TYPE=X"), "CWD=x", "TIMEOUT=5x", "TIMEOUT=2h1d", "NOTBEFORE=2017", "ROLE=", "CWD=/x,", "TIMEOUT=A", "NOTAFTER=2037021408.55", "NOTAFTER=2037021408.Z", "NOTAFTER=2037021408+1", "TIMEOUT=99999999999", "ROLE=ALL", "CWD=ALL") + " "
}

func (g generator) runas() string {
	switch g.IntN(8) {
	case 0:
		return g.odd(g.pick("()", "(:)", "( )", "(:dba)", "(:!dba)", "(op:!dba, ALL)"), "(op:)", "((op))", "(op", "(op:dba:wheel)")
	case 1:
		return "(" + g.list(2, g.user) + g.pick(":", " : ") + g.list(2, g.group) + ")"
	case 2:
		return "(:" + g.list(2, g.group) + ")"
	}
	return "(" + g.pick("", " ") + g.list(3, g.user) + g.pick("", " ") + ")"
}

func (g generator) privilege() string {
	out := g.list(2, g.host) + g.pick("=", " = ", " =", "= ", " =\\\n  ")
	for i := range 1 + g.IntN(4) {
		if i > 0 {
			out += g.pick(",", ", ", ", \\\n\t")
		}
		if g.IntN(3) == 0 {
			out += g.runas() + g.pick("", " ")
		}
		for g.IntN(8) == 0 {
			out += g.option()
		}
		for g.IntN(4) == 0 {
			out += g.tag()
		}
		out += g.odd("", g.option(), "! ")
		command := g.command()
		if !strings.HasPrefix(command, "sha") {
			out += g.pick("", "", "", "", "!", "! ", "!!")
		}
		out += command
	}
	return out
}

func (g generator) defaults() string {
	binding := ""
	switch g.IntN(6) {
	case 0:
		binding = ":" + g.list(2, g.user)
	case 1:
		binding = "@" + g.list(2, g.host)
	case 2:
		binding = ">" + g.list(2, g.user)
	case 3:
		binding = "!" + g.list(2, g.command)
	}
	var out []string
	for range 1 + g.IntN(2) {
		out = append(out, g.odd(g.pick("env_reset", "!env_reset", "runas_default=op", "runas_default = \"eve\"", "runas_default=#1003", "!case_insensitive_user", "case_insensitive_group", "!case_insensitive_group", "fast_glob", "runas_allow_unknown_id", "!root_sudo", "passprompt=\"a \\\n b\"",
			"env_keep += \"A B\"", "env_keep-=C", "secure_path=/usr/bin:/bin", "!authenticate", "!runas_default", "runas_default+=op", "badpass_message=a\\ b", "timestamp_timeout=-1", "exempt_group=dba", "runas_default=\"\""), "bogus", "runas_default", "passprompt=\"x", "runas_default=op x", "log_year=x", "!!env_reset"))
	}
	return "Defaults" + g.maybe(9, " ") + binding + g.pick(" ", "\t", " ", " \\\n ") + strings.Join(out, g.pick(",", ", ", " , "))
}

func (g generator) aliases() string {
	kind := g.pick("User", "Runas", "Host", "Cmnd", "Cmd", "Cmnd")
	members := map[string]func() string{"User": g.user, "Runas": g.user, "Host": g.host, "Cmnd": g.command, "Cmd": g.command}[kind]
	out := kind + "_Alias" + g.pick(" ", "\t", " ", " \\\n")
	for i := range 1 + g.IntN(3) {
		if i > 0 {
			out += g.pick(":", " : ", ": ", " :\\\n")
		}
		out += g.newAlias() + g.pick("=", " = ", " =") + g.list(3, members)
	}
	return out
}

func (g generator) spec() string {
	out := g.list(2, g.user) + g.pick(" ", "\t", "  ", " \\\n ")
	for i := range 1 + g.IntN(20)/15 {
		if i > 0 {
			out += g.pick(":", " : ", " :\\\n ")
		}
		out += g.privilege()
	}
	return out
}

func (g generator) line() string {
	out := g.maybe(12, g.pick(" ", "\t"))
	switch n := g.IntN(20); {
	case n < 9:
		out += g.spec()
	case n < 15:
		out += g.aliases()
	case n < 17:
		out += g.defaults()
	case n < 18:
		out += g.pick("@include ", "#include ", "@include\t", "@includedir ", "#includedir ") + g.pick("/etc/sudoers.a", "sudoers.b", "\"/etc/sudoers.a\"", "/etc/sudoers.%h", "/etc/sudoers.d", "sudoers.d/", "/etc/sudoers\\ c", "/etc/../etc/sudoers.b", "sudoers.none", g.odd("sudoers.a", "", "/etc/sudoers.a x"))
	case n < 19 && g.IntN(100) < 5*g.wild:
		out += g.pick("", "# comment", "#1002 ALL = ALL", "  # x \\", "#", "#includes x", "bob", "bob ALL", "bob ALL =", "x y z", "ALL", "=", "\\", "\"", "bob ALL = (op) ,", "User_Alias", "User_Alias A", "User_Alias ALL = bob", "Defaults", "@include", "%", "Cmnd_Alias X /usr/bin/id", "Runas_AliasA=bob", "DefaultsX", "Host_Alias A=web01 B")
	default:
		out += "bob " + g.privilege()
	}
	return out + g.odd(g.maybe(9, g.pick(" ", "\t", " # comment")), "#x", ",", " :", "\r", " \\", "\x00x", " x")
}

func (g generator) file(most int) string {
	var b strings.Builder
	for range 1 + g.IntN(most) {
		b.WriteString(g.line() + "\n")
	}
	return b.String()
}

// damage changes a few bytes: what is not valid any more is read differently by a parser
// that is a little different.
func (g generator) damage(text string) string {
	const special = "\\\"#,:=()!@%+ \t\n\r^$*?[]&~'{}|<>/-\x00\x7fA1a"
	for range 1 + g.IntN(6) {
		at := g.IntN(len(text) + 1)
		end := min(len(text), at+g.IntN(3))
		text = text[:at] + g.pick("", special[g.IntN(len(special)):][:1]) + text[end:]
		if text == "" {
			return "\n"
		}
	}
	return text
}

func (g generator) set() *randomCase {
	c := &randomCase{files: map[string]string{"/etc/sudoers": g.file(12)}}
	for _, name := range []string{"/etc/sudoers.a", "/etc/sudoers.b", "/etc/sudoers.web01", "/etc/sudoers c", "/etc/sudoers.d/10", "/etc/sudoers.d/9", "/etc/sudoers.d/x.y", "/etc/sudoers.d/x~"} {
		if g.IntN(3) == 0 {
			c.files[name] = g.file(3)
		}
	}
	if g.IntN(2) == 0 { // so that denials show
		c.files["/etc/sudoers"] = g.pick("bob", "ALL", "%dba") + " ALL = (ALL:ALL) ALL\n" + c.files["/etc/sudoers"]
	}
	if g.wild > 0 && g.IntN(2) == 0 {
		c.files["/etc/sudoers"] = strings.ToValidUTF8(g.damage(c.files["/etc/sudoers"]), "") // as JSON wants it
	}
	for range 4 {
		as := g.pick("", "", "", "op", "eve", "root", "bob", "#1003", "#4711", "op:dba", ":dba", "op:wheel", ":#1010", "root:root", "#1002")
		c.checks = append(c.checks, [3]string{g.pick("ann", "bob", "bob"), as, g.pick("/usr/bin/id", "/usr/bin/ls", "/usr/bin/cat", "/bin/id", "/usr/bin/env") + g.maybe(2, " "+g.pick("-g", "x", "a b", "a,b", "*", "=", "x y z", "a:b", "\\", "^x", "aa", "X"))})
	}
	return c
}
