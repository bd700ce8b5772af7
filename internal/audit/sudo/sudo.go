// Package sudo answers who may run what as whom on the hosts of a fleet, by the sudoers
// files of each.
//
// Of says which objects of which hosts are read, and puts the same rights of all hosts
// together. What is not known is said and never taken for an answer: a file that is not
// in the cache, a rule that cannot be decided, sources that are no files. What is held of
// one host, and what is listed of it, is bounded.
//
// What a host's files mean is left to internal/parse/sudoers, which decides as sudo does.
package sudo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/parse/accounts"
	"github.com/sysops-api/sysops-api/internal/parse/netif"
	"github.com/sysops-api/sysops-api/internal/parse/sudoers"
)

// Options say what is asked.
type Options struct {
	User    string    // empty: every user who may do anything
	Command string    // one command, with arguments; empty: all that the user may do
	As      string    // with Command: USER, USER:GROUP or :GROUP; empty: the default user
	Also    []string  // files that are read beside the usual ones, as the query's Pattern(o.Also...) has it
	Now     time.Time // for rules that hold for some time only

	Progress func() // called for each host, by one goroutine; nil: not at all
}

// mains are the files with which sudo may begin, the first that is there.
var mains = []string{"/etc/sudoers", "/usr/local/etc/sudoers"}

const (
	passwdName   = "/etc/passwd"
	groupName    = "/etc/group"
	netgroupName = "/etc/netgroup"
	nsswitchName = "/etc/nsswitch.conf"
	addrSection  = "ip-addr"
)

// Pattern selects the objects that the audit reads: sudoers files, those of also (names
// or globs) among them, accounts, groups and addresses.
func Pattern(also ...string) (sysops.Pattern, error) {
	names := []string{passwdName, groupName, netgroupName, nsswitchName, addrSection}
	for _, m := range mains {
		names = append(names, m+"*")
	}
	return sysops.Names(append(names, also...)...)
}

// A Report is what the audit found.
type Report struct {
	Hosts []HostReport // with all that is allowed there, in order

	// Unknown is what is not known of hosts, so that they may allow more than is told: a
	// file that is not in the cache, something that cannot be decided.
	Unknown []Unknown

	Audited int // hosts with sudoers
	Nothing int // of those, hosts on which nothing of what was asked is allowed

	Refused   []Unknown      // hosts whose files sudo refuses: nobody may do anything there
	Errors    int            // hosts with entries that sudo passes over, because of an error
	Example   string         // one of those errors
	EmptyDirs map[string]int // included folders of which there is no file, with how many hosts
	Elsewhere map[string]int // "sudoers: sss": what hosts also ask, with how many do
	Wanted    []string       // included files, and globs of folders, that the query did not ask for
}

// Unknown is one thing that is not known, or not used, of a host.
type Unknown struct {
	Key    sysops.Key
	Reason string
}

// A HostReport is what is allowed on one host.
type HostReport struct {
	Host   string
	Rights []*Right // identical ones are the same one
}

// A Right is one entry that applies to a user, or, with Options.Command, the decision.
type Right struct {
	User  string        // or the list of users of a rule that fits no account of the host, such as %admins
	Entry sudoers.Entry // of a Command: the rule that decides; empty where none does

	Account   bool   // the user is in the host's /etc/passwd
	Allowed   bool   // true but for a Command that is denied
	Condition string // of a Command: what else has to be true
}

// A Grant is a right and the hosts that give it.
type Grant struct {
	*Right
	Hosts []string // sorted
}

// Grants puts the same rights of all hosts together: the ones of most hosts
// first, and of those as frequent what is allowed.
func (r *Report) Grants() []Grant {
	index := make(map[*Right]int)
	var out []Grant
	for _, h := range r.Hosts {
		for _, right := range h.Rights {
			i, ok := index[right]
			if !ok {
				i = len(out)
				index[right] = i
				out = append(out, Grant{Right: right})
			}
			if g := &out[i]; len(g.Hosts) == 0 || g.Hosts[len(g.Hosts)-1] != h.Host {
				g.Hosts = append(g.Hosts, h.Host)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(len(b.Hosts), len(a.Hosts)), denied(a)-denied(b), strings.Compare(a.User, b.User), strings.Compare(a.Entry.String(), b.Entry.String()))
	})
	return out
}

func denied(g Grant) int {
	if g.Allowed {
		return 0
	}
	return 1
}

// Of audits the hosts of an answer to a query for Pattern(o.Also...). Errors are those of
// sysops.Map.
func Of(ctx context.Context, answer *sysops.Answer, o Options) (*Report, error) {
	r := newReader()
	a := &auditor{
		Report: &Report{EmptyDirs: make(map[string]int), Elsewhere: make(map[string]int)}, o: o,
		policies: audit.NewMemo[string, *sudoers.Policy](), texts: make(map[Right]*Right), caches: make(map[*sudoers.Policy]*sudoers.Cache),
	}
	return a.Report, a.audit(audit.ByHost(bounded(sysops.Map(ctx, answer, r.read))))
}

// maxHost bounds the contents of a host that are read: parsed, they take forty times as
// much memory.
const maxHost = 8 << 20

func bounded(parts iter.Seq2[sysops.Mapped[*part], error]) iter.Seq2[sysops.Mapped[*part], error] {
	return audit.Bounded(parts, maxHost, func(p *part) int { return p.size }, &part{tooMuch: true})
}

// A part is what was made of one object.
type part struct {
	digest    [sha256.Size]byte
	size      int // of the contents
	file      *sudoers.File
	accounts  []accounts.Account
	groups    []accounts.Group
	netgroups accounts.Netgroups
	addresses func() []netip.Prefix
	sources   []string // of nsswitch.conf: "sudoers: sss"
	tooMuch   bool     // the host has so much that this is not read
}

// A reader makes parts of objects, of identical ones once.
type reader struct {
	parts *audit.Memo[[sha256.Size]byte, *part]
}

func newReader() *reader { return &reader{audit.NewMemo[[sha256.Size]byte, *part]()} }

func (r *reader) read(o *sysops.Object) *part {
	if strings.HasSuffix(o.Name, "@"+addrSection) { // of no two hosts the same, and few rules ask
		output := bytes.Clone(o.Contents)
		return &part{size: len(output), addresses: sync.OnceValue(func() []netip.Prefix { return netif.ParseAddresses(output) })}
	}
	sum := sha256.New()
	kind := o.Name
	if isSudoers(o.Name) {
		kind = ""
	}
	sum.Write([]byte(kind + "\x00"))
	sum.Write(o.Contents)
	digest := [sha256.Size]byte(sum.Sum(nil))
	return r.parts.Get(digest, len(o.Contents), func() *part {
		p := &part{digest: digest, size: len(o.Contents)}
		switch {
		case kind == passwdName:
			p.accounts = accounts.ParsePasswd(o.Contents)
		case kind == groupName:
			p.groups = accounts.ParseGroup(o.Contents)
		case kind == netgroupName:
			p.netgroups = accounts.ParseNetgroups(o.Contents)
		case kind == nsswitchName:
			p.sources = sourcesElsewhere(o.Contents)
		default:
			p.file = sudoers.Parse(o.Contents)
		}
		return p
	})
}

func isSudoers(name string) bool {
	switch name {
	case passwdName, groupName, netgroupName, nsswitchName:
		return false
	}
	return true
}

// sourcesElsewhere returns the sources of nsswitch.conf(5) that are not files, and that
// can therefore grant what the cache does not show.
func sourcesElsewhere(contents []byte) []string {
	var out []string
	for _, db := range accounts.ParseNsswitch(contents) {
		switch db.Name {
		case "passwd", "group", "sudoers":
		default:
			continue
		}
		for _, source := range db.Sources {
			switch source {
			case "sss", "ldap", "nis", "nisplus", "winbind", "hesiod":
				out = append(out, db.Name+": "+source)
			}
		}
	}
	return out
}

// An auditor makes the report.
type auditor struct {
	*Report
	o        Options
	policies *audit.Memo[string, *sudoers.Policy]
	texts    map[Right]*Right // so that there is one of identical ones
	caches   map[*sudoers.Policy]*sudoers.Cache

	listed, text int // of the host at hand: its rights, and the bytes of their entries
}

func (a *auditor) audit(hosts iter.Seq2[audit.Host[*part], error]) error {
	for h, err := range hosts {
		if err != nil {
			return err
		}
		a.host(h)
		if a.o.Progress != nil {
			a.o.Progress()
		}
	}
	return nil
}

func (a *auditor) unknown(host, name, format string, args ...any) {
	a.Unknown = append(a.Unknown, Unknown{sysops.Key{Host: host, Name: name}, fmt.Sprintf(format, args...)})
}

func (a *auditor) host(h audit.Host[*part]) {
	host := &sudoers.Host{Name: h.Name}
	files := make(sudoers.Files)
	var key []byte // of files, each with its length first: a name may hold any byte, and be like two of another host's
	size := 0
	var main string
	missing := map[string]string{
		passwdName: "it is not in the cache: users and their groups are not known there",
		groupName:  "it is not in the cache: the groups of users are not known there",
	}
	var sources []string
	tooMuch := false
	for _, o := range h.Objects {
		delete(missing, o.Name)
		p := o.Value
		switch {
		case p.tooMuch:
			if !tooMuch {
				a.unknown(h.Name, o.Name, "the host's files have more than %d MiB: this one and those behind it are not read", maxHost>>20)
			}
			tooMuch = true
		case p.file != nil:
			files[o.Name] = p.file
			size += p.size
			key = append(append(binary.AppendUvarint(key, uint64(len(o.Name))), o.Name...), p.digest[:]...)
		case p.addresses != nil:
			host.Addresses = p.addresses
		case o.Name == passwdName:
			host.Accounts = p.accounts
		case o.Name == groupName:
			host.Groups = p.groups
		case o.Name == netgroupName:
			host.Netgroups = p.netgroups
		case o.Name == nsswitchName:
			sources = p.sources
		}
	}
	for _, m := range mains {
		if main == "" && files[m] != nil {
			main = m
		}
	}
	if main == "" {
		if !tooMuch {
			a.unknown(h.Name, mains[0], "it is not in the cache: sudo is not installed there, or the agent does not send it")
		}
		return
	}
	a.Audited++
	for _, s := range sources {
		a.Elsewhere[s]++
	}
	for _, name := range []string{passwdName, groupName} {
		if reason, ok := missing[name]; ok {
			a.unknown(h.Name, name, "%s", reason)
		}
	}
	policy := a.policies.Get(shortName(files, host)+"\x00"+string(key), size, func() *sudoers.Policy {
		return sudoers.Assemble(files, main, host.Short())
	})
	a.note(h.Name, policy)
	rights, undecided := a.rights(policy, host)
	for _, what := range undecided {
		a.unknown(h.Name, main, "the cache does not tell %s", what)
	}
	if a.full() {
		a.unknown(h.Name, main, "it has more rights than can be listed: %d are", len(rights))
	}
	if !slices.ContainsFunc(rights, func(r *Right) bool { return r.Allowed }) {
		a.Nothing++
	}
	if len(rights) > 0 {
		a.Hosts = append(a.Hosts, HostReport{h.Name, rights})
	}
}

// shortName is what a policy of these files depends on beside them: the host's short name
// where a file includes one by it, else nothing.
func shortName(files sudoers.Files, h *sudoers.Host) string {
	for _, f := range files {
		if f.IncludesByHost() {
			return h.Short()
		}
	}
	return ""
}

// maxWanted bounds the files that are asked for in a second query.
const maxWanted = 1000

// note takes down what is to be said of the policy itself.
func (a *auditor) note(host string, p *sudoers.Policy) {
	if p.Broken != "" {
		a.Refused = append(a.Refused, Unknown{sysops.Key{Host: host, Name: mains[0]}, p.Broken})
	}
	if len(p.Problems) > 0 {
		a.Errors++
		if a.Example == "" {
			e := p.Problems[0]
			a.Example = fmt.Sprintf("%s#%s:%d: %s", host, e.Name, e.Line, e.Reason)
		}
	}
	for _, m := range p.Missing {
		a.want(m.Name)
		a.unknown(host, m.Name, "%s", m.Reason)
	}
	for _, dir := range p.EmptyDirs {
		a.EmptyDirs[dir]++
		a.want(dir + "/*")
	}
}

// want takes down a file that may be in the cache and was not asked for.
func (a *auditor) want(name string) {
	for _, m := range mains {
		if strings.HasPrefix(name, m) {
			return
		}
	}
	name = escapeGlob(name)
	if len(a.Wanted) < maxWanted && !slices.Contains(a.o.Also, name) && !slices.Contains(a.Wanted, name) {
		a.Wanted = append(a.Wanted, name)
	}
}

// escapeGlob has a name match itself alone, but for a last element *.
func escapeGlob(name string) string {
	dir, base := path.Split(name)
	if base != "*" {
		dir, base = name, ""
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(dir) + base
}

// maxRights bounds what is listed of one host, and so does sudoers.MaxText: its rights
// are as many as its accounts times its rules.
const maxRights = 1 << 16

// full reports whether nothing more of the host is listed.
func (a *auditor) full() bool { return a.listed > maxRights || a.text > sudoers.MaxText }

// list counts a right, and reports whether it is listed.
func (a *auditor) list(e *sudoers.Entry) bool {
	a.listed++
	a.text += e.Size()
	return !a.full()
}

// rights returns what is asked of one host.
func (a *auditor) rights(p *sudoers.Policy, h *sudoers.Host) (out []*Right, undecided []string) {
	a.listed, a.text = 0, 0
	inquiry := p.On(h, a.cache(p))
	if a.o.User != "" {
		q := inquiry.User(a.o.User, a.o.As)
		return a.of(q, a.o.User), q.Undecided()
	}
	for q := range inquiry.Everybody(a.o.As) {
		out = append(out, a.of(q, q.User())...)
		for _, what := range q.Undecided() {
			if !slices.Contains(undecided, what) {
				undecided = append(undecided, what)
			}
		}
		if a.full() {
			break
		}
	}
	return out, undecided
}

// maxCaches and maxCached bound what is kept of policies: of some, the answers to some
// thousand questions each.
const (
	maxCaches = 64
	maxCached = 4096
)

func (a *auditor) cache(p *sudoers.Policy) *sudoers.Cache {
	c := a.caches[p]
	if c == nil || c.Len() > maxCached {
		if len(a.caches) >= maxCaches {
			clear(a.caches)
		}
		c = sudoers.NewCache()
		a.caches[p] = c
	}
	return c
}

// of returns what is asked of one user of a host, who is called so in the report.
func (a *auditor) of(q *sudoers.Question, user string) []*Right {
	base := Right{User: user, Account: q.Account(), Allowed: true}
	if a.o.Command != "" {
		d := q.Decide(a.o.Command, a.o.Now)
		if !d.Allowed && a.o.User == "" {
			return nil
		}
		base.Allowed, base.Condition = d.Allowed, d.Condition
		if d.Rule != nil {
			base.Entry = *d.Rule
		}
		if !a.list(&base.Entry) {
			return nil
		}
		return []*Right{a.shared(base)}
	}
	var out []*Right
	for e := range q.Entries() {
		if !a.list(&e) {
			break
		}
		r := base
		r.Entry = e
		out = append(out, a.shared(r))
	}
	return out
}

func (a *auditor) shared(r Right) *Right {
	if s, ok := a.texts[r]; ok {
		return s
	}
	a.texts[r] = &r
	return &r
}
