package directory

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/trust"
	"github.com/sysops-api/sysops-api/internal/wholefile"
	"github.com/sysops-api/sysops-api/internal/words"
)

// keptFor is for how long a directory that could not be asked is not asked again: a
// question has dozens of questions to the directory, each of which would wait.
const keptFor = 30 * time.Second

// forgotten is how old a kept answer becomes at most.
const forgotten = 90 * 24 * time.Hour

// keptLimit is how many bytes of the file are read at most; a longer one is damaged.
const keptLimit = 16 << 20

// A keptDirectory asks a directory and keeps what it answers in a file. While the
// directory cannot be asked, or answers what makes no sense, it answers from there.
// It is safe for concurrent use; several processes may share the file.
type keptDirectory struct {
	Service
	path   string        // of the file; empty: nothing is kept
	oldest time.Duration // an answer that is older is not used
	warn   func(error)
	now    func() time.Time

	mu        sync.Mutex
	answers   map[string]keptAnswer
	overTLS   map[string]bool // host:port of servers that were listed as rediss://
	downUntil time.Time       // the directory is not asked before
	cause     error           // why
	unsaved   bool            // that it cannot be written has been said
}

// A keptAnswer is what the directory answered last to one question.
type keptAnswer struct {
	Time  time.Time `json:"time"`
	Names []string  `json:"names"`
}

// keep returns dir with a kept copy of its answers. The folder of the options has one
// file for each source, which is all that dir was opened with. Nothing is kept where others
// could have written: a forged copy would send questions, and the password, to servers of
// their choice.
func keep(dir Service, source string, o KeepOptions) Service {
	k := &keptDirectory{Service: dir, oldest: o.CacheAge, warn: o.Warn, now: time.Now, answers: make(map[string]keptAnswer), overTLS: make(map[string]bool)}
	if o.CacheAge > 0 {
		sum := sha256.Sum256([]byte(source)) // it holds what is no file name
		k.path = filepath.Join(o.CacheFolder, "directory-"+hex.EncodeToString(sum[:8])+".json")
		k.answers = k.trusted()
		k.noteTLS()
	}
	if e, ok := dir.(Expander); ok {
		return struct { // what an expression stands for is not kept: an old list would miss hosts
			*keptDirectory
			Expander
		}{k, e}
	}
	return k
}

// trusted returns what the file holds, if nobody else can have written it. Where the
// folder is open to others nothing is kept.
func (k *keptDirectory) trusted() map[string]keptAnswer {
	folder := filepath.Dir(k.path)
	if err, untrusted := errors.AsType[*trust.Error](trust.Check(folder)); untrusted {
		k.warn(fmt.Errorf("what the directory says is not kept in %s, for when it is down: %w", folder, err))
		k.path = ""
		return make(map[string]keptAnswer)
	}
	answers, err := k.load()
	if err != nil {
		k.warn(fmt.Errorf("what the directory said is not used while it is down: %w", err))
	}
	return answers
}

// load returns what the file holds. One that cannot be read is as good as none: the
// next answer writes it again. So is an answer of the future, whose age nobody knows.
// An error says that another user can have written the file.
func (k *keptDirectory) load() (map[string]keptAnswer, error) {
	none := make(map[string]keptAnswer)
	if is, err := trust.Lstat(k.path); err != nil || !is.Mode().IsRegular() { // a pipe is not waited for
		return none, nil
	}
	text, err := trust.Read(k.path, keptLimit)
	if _, untrusted := errors.AsType[*trust.Error](err); untrusted {
		return none, err
	}
	answers := make(map[string]keptAnswer)
	if err != nil || json.Unmarshal(text, &answers) != nil {
		return none, nil
	}
	latest := k.now().Add(time.Minute) // clocks are set
	maps.DeleteFunc(answers, func(_ string, a keptAnswer) bool { return a.Time.After(latest) || len(a.Names) == 0 })
	return answers, nil
}

// answer asks the directory or, while it is down, the kept copy.
func (k *keptDirectory) answer(ctx context.Context, question string, ask func() ([]string, error)) ([]string, error) {
	if !k.isDown() {
		names, err := ask()
		if err == nil {
			k.remember(question, names)
			return names, nil
		}
		if ctx.Err() != nil {
			return nil, err // who asked has given up: that tells nothing of the directory
		}
		k.failed(question, err)
	}
	return k.recall(question)
}

func (k *keptDirectory) isDown() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now().Before(k.downUntil)
}

// failed takes the directory for down, and says so once.
func (k *keptDirectory) failed(question string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, usable := k.usable(question); usable && !k.now().Before(k.downUntil) {
		k.warn(fmt.Errorf("the directory cannot be asked, and what it said %s ago is used: %w", words.Age(k.now().Sub(old.Time)), err))
	}
	k.downUntil, k.cause = k.now().Add(keptFor), err
}

// usable returns the kept answer to a question, and whether it is young enough.
func (k *keptDirectory) usable(question string) (keptAnswer, bool) {
	old, ok := k.answers[question]
	return old, ok && k.now().Sub(old.Time) <= k.oldest
}

func (k *keptDirectory) recall(question string) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, usable := k.usable(question)
	switch {
	case usable:
		return slices.Clone(old.Names), nil
	case !old.Time.IsZero():
		return nil, hint.For(k.cause, hint.KeptTooOld, words.Age(k.now().Sub(old.Time)))
	}
	return nil, k.cause
}

// remember keeps an answer. One without names replaces none that has some: a directory
// that lost its contents answers so, too. Where nothing has changed the file is written
// once a minute at most, to keep the answer's age right.
func (k *keptDirectory) remember(question string, names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, now := k.answers[question], k.now()
	if k.path == "" || len(names) == 0 || slices.Equal(old.Names, names) && now.Sub(old.Time) < time.Minute {
		return
	}
	others, err := k.load() // of other processes
	if err != nil {
		k.warn(fmt.Errorf("what the directory said before is forgotten: %w", err))
	}
	for q, a := range others {
		if a.Time.After(k.answers[q].Time) {
			k.answers[q] = a
		}
	}
	k.answers[question] = keptAnswer{now, names}
	k.noteTLS()
	if len(k.overTLS) > 0 {
		k.answers[questionTLS] = keptAnswer{now, slices.Sorted(maps.Keys(k.overTLS))}
	}
	maps.DeleteFunc(k.answers, func(_ string, a keptAnswer) bool { return now.Sub(a.Time) > forgotten })
	if err := k.save(); err != nil && !k.unsaved {
		k.unsaved = true
		k.warn(hint.For(fmt.Errorf("cannot keep what the directory said, for when it is down: %w", err), hint.CannotKeep))
	}
}

// questionTLS is where the file keeps which servers were ever listed as rediss://: an
// answer that lists one as redis:// replaces the one that did not.
const questionTLS = "reached over TLS"

// noteTLS adds to overTLS what the answers tell.
func (k *keptDirectory) noteTLS() {
	for question, a := range k.answers {
		for _, name := range a.Names {
			if question == questionTLS {
				k.overTLS[name] = true
			} else if address, err := store.ParseAddress(name); err == nil && address.TLS() {
				for _, endpoint := range address.Endpoints() {
					k.overTLS[endpoint] = true
				}
			}
		}
	}
}

// WasTLS reports whether the directory has listed a server at this host:port as
// rediss://, to this process or, where answers are kept, to an earlier one.
func (k *keptDirectory) WasTLS(endpoint string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.overTLS[endpoint]
}

func (k *keptDirectory) save() error {
	text, err := json.Marshal(k.answers)
	if err != nil {
		return err
	}
	folder := filepath.Dir(k.path)
	if err := wholefile.MkdirAll(nil, folder, 0o700); err != nil {
		return err
	}
	if err := trust.Check(folder); err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	return wholefile.Write(k.path, text, wholefile.Options{})
}

// Sites lists the sites. A directory that lists none has lost its contents, and counts
// as down.
func (k *keptDirectory) Sites(ctx context.Context) ([]string, error) {
	return k.answer(ctx, "sites", func() ([]string, error) {
		sites, err := k.Service.Sites(ctx)
		if err == nil && len(sites) == 0 {
			err = hint.To(errors.New("the directory lists no site at all"), "is its URL that of the right place, and is that filled?")
		}
		return sites, err
	})
}

// Cores lists the cores of a site.
func (k *keptDirectory) Cores(ctx context.Context, site string) ([]string, error) {
	return k.answer(ctx, "cores of "+site, func() ([]string, error) { return k.Service.Cores(ctx, site) })
}

// Servers lists the URLs of a core's servers. What is no server's URL is no answer.
func (k *keptDirectory) Servers(ctx context.Context, core string) ([]string, error) {
	return k.answer(ctx, "servers of "+core, func() ([]string, error) {
		urls, err := k.Service.Servers(ctx, core)
		for _, u := range urls {
			err = cmp.Or(err, store.Check(u))
		}
		return urls, err
	})
}

// Local returns the machine's own site and core.
func (k *keptDirectory) Local(ctx context.Context) (site, core string, err error) {
	names, err := k.answer(ctx, "local", func() ([]string, error) {
		site, core, err := k.Service.Local(ctx)
		return []string{site, core}, err
	})
	if err == nil && len(names) != 2 {
		err = fmt.Errorf("cannot use the kept copy %s: %d names are kept of the local site and core", k.path, len(names))
	}
	if err != nil {
		return "", "", err
	}
	return names[0], names[1], nil
}
