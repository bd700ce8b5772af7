// Package access tells on which hosts a user has an account, on which not, and of
// which hosts that is not known: an auditor needs all three.
//
// It sees the accounts in /etc/passwd. Where nsswitch.conf names other sources (sss, ldap,
// nis), "has not" means no account in the file; a Finding names them.
package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/audit"
	"github.com/sysops-api/sysops-api/internal/parse/accounts"
)

// What is read of each host.
const (
	passwdFile   = "/etc/passwd"
	groupFile    = "/etc/group"
	nsswitchFile = "/etc/nsswitch.conf"
)

// Pattern selects what the audit reads.
func Pattern() (sysops.Pattern, error) { return sysops.Names(passwdFile, groupFile, nsswitchFile) }

// A User is whom the audit is about: a name or, with ByUID, a number, of which a host
// may have several accounts.
type User struct {
	Name  string
	ByUID bool
	UID   uint32
}

func (u User) String() string {
	if u.ByUID {
		return strconv.FormatUint(uint64(u.UID), 10)
	}
	return u.Name
}

func (u User) is(a *accounts.Account) bool {
	if u.ByUID {
		return a.UID == u.UID
	}
	return a.Name == u.Name
}

// A State is whether a host has an account of the user.
type State string

// The states of a Finding.
const (
	Has     State = "has"
	HasNot  State = "has-not"
	Unknown State = "unknown"
)

// A Finding is what is known of a user, and on which hosts it is the same.
type Finding struct {
	User  string // as asked for
	State State

	// With Has: the account, and the groups that it is in, sorted; the one of its
	// GID as well, by its number where the host has no name for it.
	Account accounts.Account // without its Gecos
	Groups  []string

	Sources string // where else the hosts look accounts up: "sss"; empty: nowhere, or they did not say
	Reason  string // with Unknown; with HasNot: why it is not known whether there are other sources
	Hosts   []string
}

// Options of the audit.
type Options struct {
	Users    []User
	Progress func() // called after each object, by one goroutine; nil: not
}

// A Report is what the audit found.
type Report struct {
	Findings []Finding // by user; then accounts, hosts without, and hosts of which nothing is known
}

// Reasons for which nothing is known of a host.
const (
	missing    = "it has not reported, or its snapshot has expired"
	stale      = "it has not reported of late"
	lacking    = "it reports no " + passwdFile
	unreadable = "its %s cannot be read"
	tooLarge   = "its " + passwdFile + " or " + groupFile + " is too large"
	noSources  = "its " + nsswitchFile + " is too large"
)

// maxFile bounds what is read of a host: 60,000 accounts have less.
const maxFile = 4 << 20

// Of finds the users on each host of the answer, whose pattern is Pattern's. Errors are
// those of sysops.Map.
func Of(ctx context.Context, answer *sysops.Answer, o Options) (*Report, error) {
	f := &finder{users: o.Users, found: make(map[string]*Finding)}
	seen, silent := make(map[string]bool), []string(nil) // hosts with a passwd, and with other files alone
	for h, err := range audit.ByHost(sysops.Map(ctx, answer, f.read)) {
		if err != nil {
			return nil, err
		}
		seen[h.Name] = true
		if o.Progress != nil {
			for range h.Objects {
				o.Progress()
			}
		}
		if !f.host(&h) {
			delete(seen, h.Name)
			silent = append(silent, h.Name)
		}
	}
	f.unheard(answer.Completeness(), seen, silent)
	return f.report(), nil
}

// parsed is what one object says.
type parsed struct {
	accounts []accounts.Account // of the users asked for
	groups   []accounts.Group
	sources  string
	tooLarge bool // and is not read
}

type finder struct {
	users []User
	found map[string]*Finding
}

// read reads one object. It is called by all CPUs at once.
func (f *finder) read(o *sysops.Object) (p parsed) {
	if len(o.Contents) > maxFile {
		return parsed{tooLarge: true}
	}
	switch o.Name {
	case passwdFile:
		p.accounts = slices.DeleteFunc(accounts.ParsePasswd(o.Contents), func(a accounts.Account) bool {
			return !slices.ContainsFunc(f.users, func(u User) bool { return u.is(&a) })
		})
		if accounts.IncludesNIS(o.Contents) {
			p.sources = "compat"
		}
	case groupFile:
		p.groups = accounts.ParseGroup(o.Contents)
	case nsswitchFile:
		p.sources = elsewhere(o.Contents)
	}
	return p
}

// elsewhere returns the sources of accounts in nsswitch.conf(5) that are not the file,
// and not what systemd makes up.
func elsewhere(nsswitch []byte) string {
	databases := accounts.ParseNsswitch(nsswitch)
	at := slices.IndexFunc(databases, func(d accounts.Database) bool { return d.Name == "passwd" })
	if at < 0 {
		return ""
	}
	return strings.Join(slices.DeleteFunc(databases[at].Sources, func(source string) bool {
		return slices.Contains([]string{"files", "compat", "db", "systemd", "altfiles"}, source)
	}), " ")
}

// host decides about one host. It cannot where the host has no passwd.
func (f *finder) host(h *audit.Host[parsed]) bool {
	var all parsed
	has, doubt := false, ""
	for _, o := range h.Objects {
		has = has || o.Name == passwdFile
		if o.Value.tooLarge && o.Name == nsswitchFile {
			doubt = noSources
			continue
		}
		all.tooLarge = all.tooLarge || o.Value.tooLarge
		all.accounts = append(all.accounts, o.Value.accounts...)
		all.groups = append(all.groups, o.Value.groups...)
		all.sources = strings.TrimSpace(all.sources + " " + o.Value.sources)
	}
	if !has {
		return false
	}
	for _, u := range f.users {
		found := Finding{User: u.String(), State: HasNot, Sources: all.sources}
		if all.tooLarge {
			f.add(&Finding{User: u.String(), State: Unknown, Reason: tooLarge}, h.Name)
			continue
		}
		names := make(map[string]bool)
		for _, a := range all.accounts {
			if !u.is(&a) || names[a.Name] { // of several lines of a name, the first counts
				continue
			}
			names[a.Name] = true
			one := found
			one.State, one.Account, one.Groups = Has, a, groupsOf(&a, all.groups)
			one.Account.Gecos = "" // it may differ on each host
			f.add(&one, h.Name)
		}
		if len(names) == 0 {
			found.Reason = doubt
			f.add(&found, h.Name)
		}
	}
	return true
}

func groupsOf(a *accounts.Account, groups []accounts.Group) []string {
	var out []string
	named := false
	for _, g := range groups {
		if g.GID == a.GID {
			named = true
		} else if !slices.Contains(g.Members, a.Name) {
			continue
		}
		out = append(out, g.Name)
	}
	if !named {
		out = append(out, strconv.FormatUint(uint64(a.GID), 10))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unheard adds the hosts of which no passwd came.
func (f *finder) unheard(c *sysops.Completeness, seen map[string]bool, silent []string) {
	reasons := make(map[string]string)
	for _, h := range silent {
		reasons[h] = lacking
	}
	for _, part := range []struct {
		hosts  []string
		reason string
	}{{c.Stale, stale}, {c.Lacking, lacking}, {c.Missing, missing}} {
		for _, h := range part.hosts {
			if !seen[h] && reasons[h] == "" {
				reasons[h] = part.reason
			}
		}
	}
	doubts := make(map[string]string)
	for _, o := range c.Unreadable {
		key, ok := sysops.ParseKey(o.Key)
		switch {
		case !ok:
		case key.Name == passwdFile && !seen[key.Host], key.Name == groupFile && seen[key.Host]:
			reasons[key.Host] = fmt.Sprintf(unreadable, key.Name)
		case key.Name == nsswitchFile:
			doubts[key.Host] = fmt.Sprintf(unreadable, key.Name)
		}
	}
	f.takeBack(reasons)
	f.doubt(doubts)
	for h, reason := range reasons {
		for _, u := range f.users {
			f.add(&Finding{User: u.String(), State: Unknown, Reason: reason}, h)
		}
	}
}

// takeBack removes what was found on hosts of which nothing is known after all: one
// without its groups would seem to be in none.
func (f *finder) takeBack(hosts map[string]string) {
	for id, g := range f.found {
		g.Hosts = slices.DeleteFunc(g.Hosts, func(h string) bool { return hosts[h] != "" })
		if len(g.Hosts) == 0 {
			delete(f.found, id)
		}
	}
}

// doubt gives the hosts without an account a reason why they may have it after all.
func (f *finder) doubt(reasons map[string]string) {
	var doubted []Finding // of one host each
	for id, g := range f.found {
		if g.State != HasNot {
			continue
		}
		g.Hosts = slices.DeleteFunc(g.Hosts, func(h string) bool {
			if reasons[h] == "" {
				return false
			}
			doubted = append(doubted, Finding{User: g.User, State: HasNot, Sources: g.Sources, Reason: reasons[h], Hosts: []string{h}})
			return true
		})
		if len(g.Hosts) == 0 {
			delete(f.found, id)
		}
	}
	for _, d := range doubted {
		host := d.Hosts[0]
		d.Hosts = nil
		f.add(&d, host)
	}
}

// add counts a host for a finding.
func (f *finder) add(found *Finding, host string) {
	a := &found.Account
	id := fmt.Sprintf("%q", append([]string{ // quoted, because a host may write whatever stands between them
		found.User, string(found.State), found.Sources, found.Reason, a.Name, strconv.FormatUint(uint64(a.UID), 10),
		strconv.FormatUint(uint64(a.GID), 10), a.Dir, a.Shell,
	}, found.Groups...))
	g := f.found[id]
	if g == nil {
		g = found
		f.found[id] = g
	}
	g.Hosts = append(g.Hosts, host)
}

func (f *finder) report() *Report {
	r := &Report{}
	for _, g := range f.found {
		slices.Sort(g.Hosts)
		r.Findings = append(r.Findings, *g)
	}
	place := make(map[string]int)
	for i, u := range f.users {
		place[u.String()] = i
	}
	states := []State{Has, HasNot, Unknown}
	slices.SortFunc(r.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(place[x.User], place[y.User]), cmp.Compare(slices.Index(states, x.State), slices.Index(states, y.State)),
			cmp.Compare(len(y.Hosts), len(x.Hosts)), cmp.Compare(x.Hosts[0], y.Hosts[0]), cmp.Compare(x.Account.Name, y.Account.Name))
	})
	return r
}
