package acl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A Finding is what was proved of users at one server.
type Finding struct {
	Server string
	What   string // whose rules, or what else was tried
	Users  int    // who have the same rules
	Tried  int    // command lines
	May    int    // of them, that may be run: those that the rules grant
	Faults []Fault
	Err    error // why nothing is proved, or what is wrong beside the rules
}

// Test proves at every server that user default gives away nothing, that RESET leads nowhere,
// and of every host's user that it may do what its rules grant and nothing else. Nothing is
// changed there: the server is asked what it would do.
func Test(ctx context.Context, cores []Core) []Finding {
	var out []Finding
	for _, c := range cores {
		for _, s := range c.Servers {
			out = append(out, test(ctx, s)...)
		}
	}
	return out
}

func test(ctx context.Context, s *store.Server) []Finding {
	begin := Finding{Server: s.Name(), What: "user default, RESET", Users: 1}
	if begin.Err = s.CheckAdmin(); begin.Err != nil {
		return []Finding{begin}
	}
	state, err := s.Users(ctx)
	if err == nil && !state.Selectors {
		err = fmt.Errorf("server %s is older than Redis 7, and cannot say what a user may do", s.Name())
	}
	if begin.Err = err; err != nil {
		return []Finding{begin}
	}
	if state.Open {
		begin.take(prove(ctx, s, nobody, nil))
		if state.OpenKeys && begin.Err == nil {
			begin.Faults = append(begin.Faults, Fault{User: nobody.Name, Line: "commands on keys or channels of its own", May: true})
		}
	}
	if err := s.Reset(ctx); begin.Err == nil {
		begin.Err = err
	}
	return append([]Finding{begin}, testHosts(ctx, s)...)
}

// take notes what a proof found.
func (f *Finding) take(p *Proof, err error) {
	if f.Err = err; err == nil {
		f.Tried, f.May, f.Faults = p.Lines, p.Permitted, p.Faults
	}
}

// testHosts proves the rules of all hosts' users. Those whose rules are word for word those
// of another, but for the host's name, need not be tried again.
func testHosts(ctx context.Context, s *store.Server) []Finding {
	names, err := s.UserNames(ctx)
	if err != nil {
		return []Finding{{Server: s.Name(), What: "hosts", Err: err}}
	}
	names = slices.DeleteFunc(names, func(n string) bool { _, ok := naming.HostOfUser(n); return !ok })
	all, err := s.UserRules(ctx, names)
	if err != nil {
		return []Finding{{Server: s.Name(), What: "hosts", Err: err}}
	}
	type form struct {
		rules   string
		example string
		users   int
	}
	var forms []*form
	known := make(map[string]*form)
	for i, rules := range all {
		host, _ := naming.HostOfUser(names[i])
		rest := withoutHost(rules, host)
		f := known[rest]
		if f == nil {
			f = &form{rules: rules, example: host}
			known[rest], forms = f, append(forms, f)
		}
		f.users++
	}
	if len(forms) == 0 {
		return []Finding{{Server: s.Name(), What: "hosts", Err: errors.New("no host has a user there: sysops acl host makes them")}}
	}
	var out []Finding
	for _, f := range forms {
		u := NewUser(Host, f.example)
		found := Finding{Server: s.Name(), What: "hosts, such as " + f.example, Users: f.users}
		found.take(prove(ctx, s, u, u.Needs()))
		found.Faults = append(found.Faults, u.strange(f.rules)...)
		out = append(out, found)
	}
	return out
}

// withoutHost returns the rules of a host's user with the keys that are its own marked as
// such.
func withoutHost(rules, host string) string {
	own := []string{store.GlobObjectsOf(host), store.GlobRecordsOf(host)}
	var out []string
	for word := range strings.FieldsSeq(rules) {
		at := strings.IndexByte(word, '~') + 1
		if i := slices.Index(own, word[at:]); at > 0 && i >= 0 {
			word = fmt.Sprintf("%s<own %d>", word[:at], i)
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}
