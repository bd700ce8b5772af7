package acl

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/secure"
	"github.com/sysops-api/sysops-api/internal/store"
)

// ErrNoProgram says that there is no server's program on this machine.
var ErrNoProgram = errors.New("neither redis-server nor valkey-server is installed here")

// scratchPatience is how long a server of our own may take to start.
const scratchPatience = 30 * time.Second

// Scratch starts a server of its own, which lives as long as this takes, makes a user of each
// role there, and has it run what the rules do not grant, all of it: every command must be
// refused, and nothing in the server be other than before. Then each has to be let do what it
// needs. That is how a server acts, where Test tells what servers say.
func Scratch(ctx context.Context) ([]Finding, error) {
	dir, err := os.MkdirTemp("", "sysops-acl-")
	if err != nil {
		return nil, fmt.Errorf("cannot try the rules on a server of our own: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	x := &scratch{dir: dir}
	ended, err := x.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot try the rules on a server of our own: %w", err)
	}
	defer func() { cancel(); <-ended }() // before the folder goes
	defer x.admin.Close()
	if x.passwords, err = OpenPasswords(filepath.Join(dir, "passwords")); err != nil {
		return nil, err
	}
	var out []Finding
	for _, role := range Roles {
		f, err := x.try(ctx, role)
		if err != nil {
			return out, fmt.Errorf("cannot try the rules of a %s: %w", role, err)
		}
		out = append(out, *f)
	}
	return out, nil
}

// A scratch is a server that is ours alone.
type scratch struct {
	dir       string
	url       string
	admin     *store.Server
	passwords *Passwords
}

// start starts the server, which ends with ctx, and waits until it answers.
func (x *scratch) start(ctx context.Context) (ended <-chan struct{}, err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		program, err = exec.LookPath("valkey-server")
	}
	if err != nil {
		return nil, ErrNoProgram
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	password := rand.Text()
	// What the server would refuse to everybody must be refused by the ACL.
	conf := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %q\nrequirepass %s\nsave \"\"\nappendonly no\ndaemonize no\n"+
		"enable-debug-command yes\nenable-module-command yes\n", port, x.dir, password)
	cmd := exec.CommandContext(ctx, program, "-")
	cmd.Env = secure.Environment()
	var said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(conf), &said, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed in the end
		close(done)
	}()
	x.url = fmt.Sprintf("redis://127.0.0.1:%d", port)
	if x.admin, err = store.Open(x.url, store.Options{Password: password}); err != nil {
		return done, err
	}
	deadline := time.After(scratchPatience)
	for {
		_, err := x.admin.Users(ctx)
		if err == nil {
			return done, nil
		}
		select {
		case <-done:
			return done, fmt.Errorf("%s ended at once: %s", program, strings.TrimSpace(said.String()))
		case <-deadline:
			return done, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// try has a user of a role do what it must not, and then what it must be able to do.
func (x *scratch) try(ctx context.Context, role Role) (*Finding, error) {
	u := NewUser(role, "one.invalid")
	words, err := (&Options{Passwords: x.passwords}).Words(u)
	if err != nil {
		return nil, err
	}
	if err := x.admin.SetUsers(ctx, [][]string{words}); err != nil {
		return nil, err
	}
	password, err := secure.Password(filepath.Join(x.passwords.folder, u.Name))
	if err != nil {
		return nil, err
	}
	user, err := store.Open(x.url, store.Options{User: u.Name, Password: password, Conns: 1})
	if err != nil {
		return nil, err
	}
	defer user.Close()
	before, err := x.fill(ctx)
	if err != nil {
		return nil, err
	}
	f := &Finding{Server: "a server of our own", What: "as " + string(role), Users: 1}
	if err := x.forbidden(ctx, user, u, f); err != nil {
		return nil, err
	}
	after, err := x.admin.Dump(ctx, keysOf("one.invalid"))
	if err != nil {
		return nil, err
	}
	if !slices.Equal(before, after) {
		f.Err = errors.New("what was refused has changed the server all the same")
	}
	if err := x.needed(ctx, user, u, f); err != nil {
		return nil, err
	}
	if f.Err == nil {
		f.Err = user.Reset(ctx)
	}
	return f, nil
}

// fill makes a key of every kind, and returns what they hold.
func (x *scratch) fill(ctx context.Context) ([]string, error) {
	lines := [][]string{{"FLUSHALL"}}
	for _, k := range keysOf("one.invalid") {
		switch {
		case k == store.GlobHosts, k == store.GlobLive, strings.HasPrefix(k, "$bases:"):
			lines = append(lines, []string{"ZADD", k, "1", "1"})
		case strings.HasPrefix(k, "$of:"):
			lines = append(lines, []string{"HSET", k, "1", "1"})
		case strings.HasPrefix(k, "$base:"), k == "$size":
			lines = append(lines, []string{"SET", k, "1"})
		case k == store.GlobQueries:
			lines = append(lines, []string{"XADD", k, "1-1", "1", "1"})
		case strings.HasPrefix(k, "$"):
			lines = append(lines, []string{"SADD", k, "1"})
		default:
			lines = append(lines, []string{"RPUSH", k, "1", "1", "1", "1", "1"})
		}
	}
	if _, err := x.admin.Run(ctx, lines); err != nil {
		return nil, err
	}
	return x.admin.Dump(ctx, keysOf("one.invalid"))
}

// forbidden has a user run everything that it is not granted.
func (x *scratch) forbidden(ctx context.Context, user *store.Server, u User, f *Finding) error {
	all, err := x.admin.Commands(ctx)
	if err != nil {
		return err
	}
	var list [][]string
	for _, l := range grid(all, u) {
		if !u.May(l.command, l.keys, l.channels) {
			list = append(list, l.args)
		}
	}
	replies, err := user.Run(ctx, list)
	if err != nil {
		return err
	}
	f.Tried += len(list)
	for i, err := range replies {
		if !errors.Is(err, store.ErrPermission) {
			f.Faults = append(f.Faults, Fault{User: u.Name, Line: strings.Join(list[i], " "), May: true})
		}
	}
	return nil
}

// needed has a user run what it needs.
func (x *scratch) needed(ctx context.Context, user *store.Server, u User, f *Finding) error {
	needs := u.Needs()
	replies, err := user.Run(ctx, needs)
	if err != nil {
		return err
	}
	f.Tried, f.May = f.Tried+len(needs), len(needs)
	for i, err := range replies {
		if errors.Is(err, store.ErrPermission) {
			f.Faults = append(f.Faults, Fault{User: u.Name, Line: strings.Join(needs[i], " "), Why: err.Error()})
		}
	}
	return nil
}
