package redact

import (
	"bytes"
	"slices"
	"strings"
)

// What the flags of a command say of their values.
type flags struct {
	secret   string // letters of flags whose value is a secret, in the same argument or the next: -w x, -wx
	attached string // letters of those whose value is in the same argument only: -px of mysql, where -p asks
	next     string // letters of those whose value is in the next argument only
	users    string // letters of those whose value is user:password, user%password, user,password
	names    string // of flags in words whose value is user:password: --user
	words    string // of flags in words whose value is a secret, and which are not called so: -hmac
	needs    string // an argument without which the flags mean something else: login
}

// Commands whose flags hide secrets behind a letter. Flags that are called password and the
// like need no table.
var commands = map[string]flags{
	"curl":       {users: "uUE", names: "--user --proxy-user --cert --proxy-cert"},
	"mysql":      {attached: "p"},
	"mariadb":    {attached: "p"},
	"mycli":      {secret: "p"},
	"ldap":       {secret: "w"},
	"ldappasswd": {secret: "wsa"}, "smbmap": {secret: "p"},
	"slappasswd": {secret: "s"}, "dsconf": {secret: "w"}, "dsidm": {secret: "w"}, "dsctl": {secret: "w"},
	"fence_": {secret: "p"}, "fence_kdump": {}, "pcs": {secret: "p"}, "esxcli": {secret: "p"}, "pk12util": {secret: "WK"}, "tpm2_": {secret: "Pp"}, "suseconnect": {secret: "r"}, "certutil": {secret: "p"},
	"smb":       {users: "U", names: "--user"},
	"rpcclient": {users: "U", names: "--user"},
	"wmic":      {users: "U"}, "winexe": {users: "U"}, "net": {users: "U", names: "--user"},
	"smbpasswd": {secret: "w"}, "ssh-keygen": {secret: "NP"}, "nodetool": {words: "-pw"}, "pdftotext": {words: "-upw -opw"}, "x11vnc": {words: "-passwd"}, "vncdotool": {secret: "p"}, "kdb5_util": {secret: "P"}, "steghide": {secret: "p"}, "twine": {secret: "p"}, "transmission-remote": {users: "n", names: "--auth"},
	"ncat": {names: "--proxy-auth"}, "ss-local": {secret: "k"}, "ss-server": {secret: "k"}, "ss-redir": {secret: "k"}, "ss-tunnel": {secret: "k"}, "sslocal": {secret: "k"}, "ssserver": {secret: "k"}, "ctr": {names: "--user", users: "u"}, "crictl": {names: "--creds"},
	"sshpass":   {secret: "p"},
	"redis-cli": {next: "a"}, "valkey-cli": {next: "a"}, "keydb-cli": {next: "a"},
	"mongo":      {secret: "p"},
	"mosquitto":  {secret: "P"},
	"snmp":       {secret: "cAX"},
	"check_snmp": {secret: "CAX"}, "check_mysql": {secret: "p"}, "check_pgsql": {secret: "p"}, "check_http": {users: "ab"},
	"check_ldap": {secret: "P"}, "check_nt": {secret: "s"}, "check_imap": {}, "check_ipmi": {secret: "P"}, "check_oracle": {secret: "p"}, "check_mssql": {secret: "p"},
	"check_vmware": {secret: "p"}, "check_esxi": {secret: "p"}, "check_dbi": {secret: "p"}, "check_radius": {secret: "p"}, "check_mongodb": {secret: "p"}, "check_wmi": {secret: "p"},
	"ipmitool": {secret: "P"}, "ipmi-": {secret: "p"}, "ipmipower": {secret: "p"}, "ipmiconsole": {secret: "p"}, "bmc-": {secret: "p"},
	"racadm": {next: "p"}, "idracadm": {next: "p"}, "sqlcmd": {secret: "P"}, "bcp": {secret: "P"}, "osql": {secret: "P"}, "isql": {secret: "P"}, "tsql": {secret: "P"},
	"openssl": {next: "kK", words: "-hmac"},
	"zip":     {secret: "P"}, "unzip": {secret: "P"}, "7z": {attached: "p"}, "7za": {attached: "p"}, "rar": {attached: "p"}, "unrar": {attached: "p"},
	"docker": {secret: "p", needs: "login"}, "podman": {secret: "p", needs: "login"}, "buildah": {secret: "p", needs: "login"}, "nerdctl": {secret: "p", needs: "login"},
	"helm": {secret: "p", needs: "login"}, "oras": {secret: "p", needs: "login"}, "oc": {secret: "p", needs: "login"}, "az": {secret: "p", needs: "login"}, "cf": {secret: "p", needs: "login"},
	"skopeo": {users: "", names: "--creds --src-creds --dest-creds", secret: "p"},
	"plink":  {words: "-pw"}, "pscp": {words: "-pw"}, "psftp": {words: "-pw"}, "putty": {words: "-pw"}, "kadmin": {secret: "w", words: "-pw"},
	"rdesktop": {secret: "p"}, "useradd": {next: "p"}, "usermod": {next: "p"},
	"lftp": {users: "u"}, "ncftp": {secret: "p"}, "ncftpput": {secret: "p"}, "ncftpget": {secret: "p"},
	"http": {users: "a", names: "--auth"}, "https": {users: "a", names: "--auth"}, "ab": {users: "AP"}, "squidclient": {secret: "wW"},
	"cqlsh": {secret: "p"}, "beeline": {secret: "p"}, "hdbsql": {secret: "p"}, "ipa-": {secret: "wapP"}, "swaks": {words: "-ap"}, "sendemail": {words: "-xp"},
	"evil-winrm": {secret: "p"}, "crackmapexec": {next: "p"}, "netexec": {next: "p"}, "hydra": {secret: "p"}, "etcdctl": {names: "--user"}, "rabbitmqadmin": {secret: "p"},
	"vncviewer": {}, "dig": {users: "y"}, "nsupdate": {users: "y"}, "govc": {}, "nxc": {next: "p"}, "kinit": {}, "wbinfo": {users: "a", names: "--authenticate"},
	"ntlm_auth": {}, "pdbedit": {}, "vsql": {secret: "w"}, "arangosh": {}, "clickhouse-client": {}, "elasticsearch-users": {secret: "p"}, "mongodump": {secret: "p"}, "mongorestore": {secret: "p"},
	"innobackupex": {}, "xtrabackup": {}, "pt-": {secret: "p"}, "mydumper": {secret: "p"}, "myloader": {secret: "p"}, "telegraf": {}, "influx": {secret: "t"},
}

// commandTriggers are the names of the commands, and what else makes an argument a secret.
func commandTriggers() []trigger {
	all := []trigger{
		{" -p ", (*scan).someCommand},
		{" -p'", (*scan).someCommand},
		{" -p\n", (*scan).someCommand},
		{"\"-p\"", (*scan).someCommand},
		{" -w ", (*scan).someCommand},
		{" -u ", (*scan).someCommand},
		{"htpasswd ", (*scan).htpasswd},
		{"chpasswd", (*scan).piped},
		{"--stdin", (*scan).piped},
		{"-stdin", (*scan).piped},
		{"sudo -s", (*scan).piped},
		{"cryptsetup", (*scan).piped},
		{"smbpasswd", (*scan).piped},
		{"kinit", (*scan).piped},
		{"| passwd ", (*scan).piped},
		{"|passwd ", (*scan).piped},
		{"| su ", (*scan).piped},
		{"| ssh-add", (*scan).piped},
		{"realm join", (*scan).piped},
		{"realm leave", (*scan).piped},
		{"| gpg ", (*scan).piped},
		{"base64 -d", (*scan).piped},
		{"base64 --decode", (*scan).piped},
		{"openconnect", (*scan).piped},
		{"docker login", (*scan).piped},
		{"podman login", (*scan).piped},
		{"passphrase-fd", (*scan).piped},
		{"vncpasswd", (*scan).piped},
		{"| ktutil", (*scan).piped},
		{"pass insert", (*scan).piped},
		{"secret-tool", (*scan).piped},
		{"secret create", (*scan).piped},
		{"secrets create", (*scan).piped},
		{"versions add", (*scan).piped},
	}
	for name := range commands {
		if len(name) > 2 {
			all = append(all, trigger{name, (*scan).arguments})
		} else {
			all = append(all, trigger{name + " ", (*scan).arguments})
		}
	}
	slices.SortFunc(all, func(a, b trigger) int { return strings.Compare(a.text, b.text) })
	return all
}

// An argument of a command, without quotes.
type argument struct{ start, end int }

// arguments finds the secrets among the arguments of the command at data[at:].
func (s *scan) arguments(at int) {
	if at < s.command || at > s.start && (isAlnum(s.data[at-1]) || bytes.IndexByte([]byte("_-.@$"), s.data[at-1]) >= 0) {
		return
	}
	end := at
	for end < s.end && end < at+longestKey && (isAlnum(s.data[end]) || bytes.IndexByte([]byte("_-."), s.data[end]) >= 0) {
		end++
	}
	if end == s.end && !s.isItem() || end < s.end && bytes.IndexByte([]byte(" \t\"',\\!"), s.data[end]) < 0 {
		return
	}
	known, ok := flagsOf(string(s.data[at:end]))
	if !ok {
		return
	}
	read := s.command
	arguments := s.argumentsFrom(end, s.end)
	if known.needs != "" && !slices.ContainsFunc(arguments, func(a argument) bool { return string(s.data[a.start:a.end]) == known.needs }) {
		s.command = read
		return
	}
	for i, a := range arguments {
		s.flagOf(known, arguments, i, string(s.data[a.start:min(a.end, a.start+longWord)]))
	}
}

// flagsOf returns what is known of a command, or of the family that its name begins with:
// mysqldump, snmpwalk, ldapsearch.
func flagsOf(name string) (flags, bool) {
	name = strings.TrimSuffix(strings.ToLower(name), ".exe")
	if f, ok := commands[name]; ok {
		return f, true
	}
	for _, family := range []string{"mysql", "mariadb", "ldap", "smb", "mongo", "mosquitto", "snmp", "check_snmp", "check_mysql", "check_ldap", "check_http", "check_mssql", "check_oracle", "check_esxi", "check_vmware", "check_wmi", "check_ipmi", "ipmi-", "bmc-", "kadmin", "ipa-", "idracadm", "pt-", "fence_", "tpm2_"} {
		if strings.HasPrefix(name, family) && !strings.HasSuffix(name, "passwd") && !strings.HasSuffix(name, ".conf") {
			return commands[family], true
		}
	}
	return flags{}, false
}

// flagOf looks at one argument of a command that is known.
func (s *scan) flagOf(known flags, arguments []argument, i int, text string) {
	a := arguments[i]
	if len(text) < 2 || text[0] != '-' {
		return
	}
	name, _, hasValue := strings.Cut(text, "=")
	users := slices.Contains(strings.Fields(known.names), name)
	switch {
	case users || slices.Contains(strings.Fields(known.words), name):
		if hasValue {
			s.argumentValue(argument{a.start + len(name) + 1, a.end}, users)
		} else if i+1 < len(arguments) {
			s.argumentValue(arguments[i+1], users)
		}
	case text[1] == '-':
	case len(text) > 2 && len(text) < 6 && known.users != "" && i+1 < len(arguments) && isShort(text[1:]) && strings.IndexByte(known.users, text[len(text)-1]) >= 0:
		s.argumentValue(arguments[i+1], true) // curl -sku user:password
	case strings.IndexByte(known.users+known.secret+known.attached+known.next, text[1]) >= 0:
		letter := text[1]
		users := strings.IndexByte(known.users, letter) >= 0
		if len(text) > 2 {
			if strings.IndexByte(known.next, letter) < 0 && !strings.HasPrefix(text, "-pass") {
				s.argumentValue(argument{a.start + 2, a.end}, users)
			}
		} else if strings.IndexByte(known.attached, letter) < 0 && i+1 < len(arguments) {
			s.argumentValue(arguments[i+1], users)
		}
	}
}

// isShort reports whether a text consists of letters alone, as flags do that are written in one.
func isShort(text string) bool {
	for i := range len(text) {
		if !isLetter(text[i]) {
			return false
		}
	}
	return true
}

// argumentValue adds an argument that is a secret, or the part of it behind a user's name.
func (s *scan) argumentValue(a argument, users bool) {
	if users {
		text := s.data[a.start:min(a.end, a.start+longWord)]
		i := bytes.LastIndexByte(text, ':')
		if first := bytes.IndexAny(text, ":%,"); first >= 0 && (text[first] != ':' || i < 0 || bytes.Count(text, []byte(":")) == 1) {
			i = first
		} else if i >= 0 && !bytes.HasPrefix(text, []byte("hmac-")) {
			i = bytes.IndexByte(text, ':')
		}
		if i < 0 {
			return
		}
		a.start += i + 1
	}
	for a.end-a.start > 1 && (isQuote(s.data[a.start]) || s.data[a.start] == '=') {
		a.start++
	}
	for a.end-a.start > 1 && isQuote(s.data[a.end-1]) {
		a.end--
	}
	if s.isMarkAt(a.start) {
		return
	}
	text := string(s.data[a.start:min(a.end, a.start+longWord)])
	if text == "" || text[0] == '-' || isNumber(text) && users || !isSecret(text, sure) {
		return
	}
	s.add(a.start, a.end, "argument of a command")
}

// argumentsFrom splits what follows a command's name, up to the command after it or to limit, and notes
// that so much of the line has been read. Lists of arguments in JSON are split as well.
func (s *scan) argumentsFrom(pos, limit int) []argument {
	line, end := s.start, s.end
	defer func() { s.start, s.end = line, end }() // what goes on in further lines is read with this one
	var all []argument
	if pos < s.end && isQuote(s.data[pos]) {
		pos++ // of the name itself
	}
	for {
		for pos < limit && (isBlank(s.data[pos]) || s.data[pos] == ',' || s.data[pos] == '!') {
			pos++
		}
		if pos >= limit && limit < s.end {
			break
		}
		if from, to, ok := s.nextItem(pos); ok && len(all) < 1000 {
			s.start, s.end, limit, pos = from, to, to, from+s.indent(from)+2
			continue
		}
		if pos+1 >= s.end && (pos == s.end || s.data[pos] == '\\') {
			from, to, ok := s.nextLine(pos)
			if pos == s.end || !ok || len(all) > 1000 {
				break
			}
			pos = from + s.indent(from)
			s.start, s.end, limit = from, to, to
			continue
		}
		if bytes.IndexByte([]byte("|;&)`]"), s.data[pos]) >= 0 {
			break
		}
		start := pos
		if isQuote(s.data[pos]) {
			n := quotedLength(s.data[pos+1:limit], string(s.data[pos:pos+1]))
			all = append(all, argument{start + 1, start + 1 + n})
			pos = min(limit, start+n+2)
			continue
		}
		for pos < limit && !isBlank(s.data[pos]) {
			switch c := s.data[pos]; {
			case c == '"' || c == '\'':
				pos += quotedLength(s.data[min(pos+1, limit):limit], string(c)) + 1
			case c == '\\':
				pos++
			}
			pos++
		}
		pos = min(pos, limit)
		all = append(all, argument{start, pos})
	}
	s.command = max(s.command, pos)
	return all
}

// nextItem returns the line below that of pos, which ends there, where both are items of a list and
// of one word: an argument each.
func (s *scan) nextItem(pos int) (start, end int, ok bool) {
	if pos < s.end || !s.isItem() || isProse(bytes.TrimLeft(s.data[s.start:s.end], " \t-")) {
		return 0, 0, false
	}
	start, end, ok = s.nextLine(pos)
	item := s.data[start:end]
	ok = ok && s.indent(start) == s.indent(s.start) && bytes.HasPrefix(bytes.TrimLeft(item, " \t"), []byte("- ")) && !isProse(bytes.TrimLeft(item, " \t-"))
	return start, end, ok
}

// someCommand finds the password of a command that nobody knows, where it has a user's, too,
// and looks like one: tool -u admin -p S3cr3t!
func (s *scan) someCommand(at int) {
	if at < s.command {
		return
	}
	letter := s.data[at+2]
	behind := at + 3
	if s.data[at] == '"' { // "-p", "x"
		behind++
	}
	start, end, ok := s.nextArgument(behind)
	if !ok {
		return
	}
	text := string(s.data[start:min(end, start+longWord)])
	before := s.data[max(s.start, at-nearby):at]
	if letter == 'u' {
		if i := strings.IndexByte(text, ':'); i > 0 && strings.Count(text, ":") == 1 && looksStrong(text[i+1:]) {
			s.add(start+i+1, end, "argument of a command")
		}
		return
	}
	if letter == 'w' || letter == 'W' { // of a client of LDAP, whatever it is called
		if i := bytes.Index(before, []byte(" -D ")); i >= 0 && bytes.IndexByte(before[i:], '=') > 0 {
			s.argumentValue(argument{start, end}, false)
		}
		return
	}
	if end-start > 4 && !strings.ContainsAny(text, "/,:.=") && !isNumber(text) && isSecret(text, sure) && s.namesAccount(at) {
		s.add(start, end, "argument of a command")
		return
	}
	hasUser := bytes.Contains(before, []byte(" -u")) || bytes.Contains(before, []byte(" -U")) || bytes.Contains(before, []byte(" --user")) || bytes.Contains(before, []byte(" -l "))
	if hasUser && looksStrong(text) && !strings.ContainsAny(text, "/,:") && isSecret(text, sure) {
		s.add(start, end, "argument of a command")
	}
}

// account: the flag that names a user, and nothing but flags behind it.
var account = lazily(` (?:-[uU]|--user(?:name)?)[ =]+[A-Za-z][\w.@\\-]*(?: +--?[\w-]+(?:[ =][^\s-]\S*)?){0,4} *$`)

// Commands of which -p is no password though they have a flag for a user.
var otherCommands = lazily(`(?:^|[\s/])(?:journalctl|systemctl|docker|podman|docker-compose|logger|su|sudo|mkdir|ssh|ps|strace|rsync|tar|lsof|install|cp|mv|touch|diff|patch|sort|squeue|sacct|srun|sbatch|salloc|runuser|screen|tmux) `)

// namesAccount reports whether the flag at data[at:] follows one that names a user, as in tool -u
// admin -p word, in a list of arguments, too.
func (s *scan) namesAccount(at int) bool {
	from := s.start
	if s.isItem() {
		from = 0
	}
	before := strings.NewReplacer("\"", "", ",", "", "'", "", "\n", " ").Replace(string(s.data[max(from, at-nearby):at])) + " "
	if s.isItem() {
		before = listItem().ReplaceAllString(before, " ")
	}
	return account().MatchString(before) && !otherCommands().MatchString(before)
}

// An item of a list that was in lines of its own.
var listItem = lazily(` +- +`)

// htpasswd finds the password in htpasswd -b file user password.
func (s *scan) htpasswd(at int) {
	if at < s.command {
		return
	}
	arguments := s.argumentsFrom(at+len("htpasswd"), s.end)
	batch, file := false, true
	var words []argument
	for _, a := range arguments {
		text := string(s.data[a.start:min(a.end, a.start+longestKey)])
		switch {
		case strings.HasPrefix(text, "-") && !strings.HasPrefix(text, "--"):
			batch, file = batch || strings.Contains(text, "b"), file && !strings.Contains(text, "n")
		default:
			words = append(words, a)
		}
	}
	if n := 2 + btoi(file); batch && len(words) >= n {
		s.argumentValue(words[n-1], false)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// piped finds what echo gives to a command that reads a password: echo x | passwd --stdin,
// echo user:x | chpasswd, chpasswd <<< user:x.
func (s *scan) piped(at int) {
	before := s.data[max(s.start, at-nearby):at]
	echo := max(bytes.LastIndex(before, []byte("echo ")), bytes.LastIndex(before, []byte("printf ")), bytes.LastIndex(before, []byte("yes ")))
	if here := bytes.Index(s.data[at:min(s.end, at+64)], []byte("<<<")); here >= 0 {
		if words := s.plainArguments(at+here+3, s.end); len(words) > 0 {
			s.echoed(words[0].start, words[0].end)
		}
		return
	}
	if echo < 0 || s.data[at] != '|' && bytes.IndexByte(before[echo:], '|') < 0 {
		return
	}
	for _, name := range []string{"echo ", "printf ", "yes "} { // (echo x; echo x) | smbpasswd
		for from := max(0, echo-64); from <= echo; {
			i := bytes.Index(before[from:], []byte(name))
			if i < 0 {
				break
			}
			from += i + len(name)
			s.echo(at-len(before)+from-1, at)
		}
	}
}

// echo adds what a command prints whose arguments begin at pos.
func (s *scan) echo(pos, limit int) {
	for _, a := range s.plainArguments(pos, limit) {
		if text := s.data[a.start:a.end]; len(text) > 0 && text[0] != '-' && !bytes.Equal(text, []byte(`%s\n`)) && !bytes.Equal(text, []byte("%s")) {
			s.echoed(a.start, a.end)
		}
	}
}

// plainArguments returns the arguments up to a pipe, at most those before limit.
func (s *scan) plainArguments(pos, limit int) []argument {
	command := s.command
	all := s.argumentsFrom(pos, limit)
	s.command = command
	return slices.DeleteFunc(all, func(a argument) bool { return a.start >= limit })
}

// echoed adds a text that a command reads as a password, or as a user's name and a password.
func (s *scan) echoed(start, end int) {
	text := s.data[start:min(end, start+longWord)]
	if i := bytes.IndexByte(text, ':'); i > 0 {
		start += i + 1
	}
	for bytes.HasSuffix(s.data[start:end], []byte(`\n`)) {
		end -= 2
	}
	if end > start && !s.isMarkAt(start) && isSecret(string(s.data[start:min(end, start+longWord)]), sure) {
		s.add(start, end, "password given to a command")
	}
}
