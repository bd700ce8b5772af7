package acl

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A Core is servers that are to have the same users.
type Core struct {
	Name    string
	Servers []*store.Server
}

// Options say how users are made.
type Options struct {
	Passwords *Passwords // where passwords are; nil: users get none, and cannot log in

	Weak bool // also at servers without selectors, where users can do more than they should
	Open bool // also at servers whose user default is on, so that nobody has to be one of the users
}

// A Change says what became of the users of one server.
type Change struct {
	Server   string
	Users    int   // that it has now, of those that it was to get
	Saved    bool  // they outlive a restart
	Fleeting error // why they do not; nil where they do, or where it failed
	Err      error
}

// Apply makes users at every server of the cores; users returns those of a core. A user that
// is there already is made anew, and what is connected as it goes on. The servers of a core
// have their turns one after another: Redis 7.0 takes 0.3 ms a user to save them, and answers
// nobody meanwhile.
//
// Servers are looked at first. Where one of them would not hold the users to the rules,
// nothing is done anywhere. One that cannot be asked keeps nothing from the others.
func Apply(ctx context.Context, cores []Core, users func(core string) []User, o Options) ([]Change, error) {
	byCore := make([][]*target, len(cores))
	for i, c := range cores {
		list := users(c.Name)
		for _, s := range c.Servers {
			byCore[i] = append(byCore[i], &target{server: s, users: list})
		}
	}
	servers := slices.Concat(byCore...)
	each(servers, func(t *target) { t.inspect(ctx, o) })
	var refused []error
	for _, t := range servers {
		if t.refused != nil {
			refused = append(refused, t.refused)
		}
	}
	if len(refused) > 0 {
		return nil, fmt.Errorf("cannot make users: %w", first(refused))
	}
	words, err := o.words(servers)
	if err != nil {
		return nil, err
	}
	each(byCore, func(core []*target) {
		for _, t := range core {
			t.apply(ctx, words)
		}
	})
	var out []Change
	var failed []error
	for _, t := range servers {
		t.change.Server = t.server.Name()
		if t.change.Err = t.err; t.err != nil {
			failed = append(failed, t.err)
		}
		out = append(out, t.change)
	}
	if len(failed) > 0 {
		return out, fmt.Errorf("cannot make users everywhere: %w", first(failed))
	}
	return out, nil
}

// first returns the first of some errors, and says of how many servers there are others.
func first(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return fmt.Errorf("%w (and %d more servers)", errs[0], len(errs)-1)
}

// A target is a server on its way to have users.
type target struct {
	server  *store.Server
	users   []User
	state   *store.Users
	refused error // why it must not get them
	err     error // why it did not
	change  Change
}

// each does work with all of a list at once.
func each[T any](list []T, work func(T)) {
	var wg sync.WaitGroup
	for _, v := range list {
		wg.Go(func() { work(v) })
	}
	wg.Wait()
}

// inspect looks whether the server would hold its users to the rules.
func (t *target) inspect(ctx context.Context, o Options) {
	if t.err = t.server.CheckAdmin(); t.err != nil {
		return
	}
	if t.state, t.err = t.server.Users(ctx); t.err != nil {
		return
	}
	if !t.state.Selectors && !o.Weak {
		t.refused = hint.For(fmt.Errorf("server %s is older than Redis 7, and has one rule for all commands and keys of a user: a host could delete the list of hosts", t.server.Name()), hint.WeakACL)
		return
	}
	if !o.Open {
		t.refused, t.err = t.open(ctx)
	}
}

// open tells what is wrong with user default, which everybody is who has not logged in, and
// may become by RESET: it may be on, but do no more than find out that a server is there.
func (t *target) open(ctx context.Context) (refused, err error) {
	if !t.state.Open {
		return nil, nil
	}
	example := ""
	if t.state.Selectors {
		p, err := prove(ctx, t.server, nobody, nil)
		if err != nil {
			return nil, err
		}
		switch {
		case len(p.Faults) > 0:
			example = fmt.Sprintf(", and may run %s", p.Faults[0].Line)
		case t.state.OpenKeys:
			example = ", and has rules about keys or channels"
		default:
			return nil, nil
		}
	}
	return hint.For(fmt.Errorf("user default of server %s is on%s: whoever connects need not be one of the users", t.server.Name(), example), hint.OpenACL), nil
}

// words returns what ACL SETUSER is to be told of each user, by its name, without and with
// selectors, and makes the passwords that there are none of.
func (o *Options) words(servers []*target) (map[string][2][]string, error) {
	out := make(map[string][2][]string)
	for _, t := range servers {
		for _, u := range t.users {
			if _, done := out[u.Name]; done || t.err != nil {
				continue
			}
			password, err := o.password(u.Name)
			if err != nil {
				return nil, err
			}
			out[u.Name] = [2][]string{u.words(true, password), u.words(false, password)}
		}
	}
	return out, nil
}

// password returns the words that give a user its password.
func (o *Options) password(user string) ([]string, error) {
	if o.Passwords == nil {
		return nil, nil
	}
	rule, err := o.Passwords.rule(user)
	return []string{rule}, err
}

// Words returns the name of a user and the words of ACL SETUSER that follow it.
func (o *Options) Words(u User) ([]string, error) {
	password, err := o.password(u.Name)
	return u.words(o.Weak, password), err
}

func (u User) words(weak bool, password []string) []string {
	rules := u.Rules(weak)
	return append(append([]string{u.Name, rules[0], rules[1]}, password...), rules[2:]...)
}

// usersAtOnce is how many users are made before a server turns to others: 25 ms of Redis 7.0.
const usersAtOnce = 500

// apply makes the users, and has them saved where the server has a file for them.
func (t *target) apply(ctx context.Context, words map[string][2][]string) {
	if t.err != nil {
		return
	}
	kind := 0
	if t.state.Selectors {
		kind = 1
	}
	list := make([][]string, len(t.users))
	for i, u := range t.users {
		list[i] = words[u.Name][kind]
	}
	for part := range slices.Chunk(list, usersAtOnce) {
		if t.err = t.server.SetUsers(ctx, part); t.err != nil {
			return
		}
		t.change.Users += len(part)
	}
	switch {
	case t.state.File != "":
		t.err = t.server.SaveUsers(ctx)
		t.change.Saved = t.err == nil
	case t.state.Unsure != nil:
		t.change.Fleeting = fmt.Errorf("nobody knows whether its users outlive a restart: %w", t.state.Unsure)
	default:
		t.change.Fleeting = hint.To(fmt.Errorf("server %s has no ACL file: its users vanish when it restarts", t.server.Name()),
			"name one in redis.conf (aclfile /etc/redis/users.acl; user lines go there), restart it, and do this again")
	}
}
