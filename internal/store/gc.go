package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Pruning says how Prune is to go about it.
type Pruning struct {
	Keep    time.Duration // how long after its expiry a host stays
	Foreign bool          // remove objects of the original's inserter, too: nobody reads them

	// Verified is told of hosts that are to stay, some thousand at a time. nil: nobody asks.
	Verified func(ctx context.Context, hosts []string) error

	// Settle is how long what looks wrong, and may be the middle of a push, is given to become
	// right; default DefaultSettle. A push writes an object and, once it knows that it is
	// stored, its record; it writes its score, and $push after it.
	Settle time.Duration
	Page   int // members that are read at a time; default 1,000
	Wait   int // how many doubtful keys are kept meanwhile; default 20,000
}

// DefaultSettle is longer than any push takes from its first object to its record, but over
// a network on which 4 MiB take seconds.
const DefaultSettle = 10 * time.Second

// A Pruned counts what Prune changed.
type Pruned struct {
	Hosts    int // removed: whose snapshot expired long ago, or that are listed and have never pushed
	Entries  int // removed from $on: they led to no object
	Names    int // removed: no host holds them
	Objects  int // removed: no push recorded them
	Repaired int // keys of a wrong type, scores that were not the host's, objects that would never have expired
	Ahead    int // hosts and objects of which stamps lay in the future, and were taken down
}

// Prune removes from the index what leads nowhere: hosts that have no records, or whose
// snapshot expired over Keep ago; entries without an object; names that no host holds; and
// objects that no push has recorded. It restores what others than its host have written
// over, as far as $of:<host> tells, and takes down what a clock that was ahead has left.
//
// It goes by what only a host itself can write: $of:<host> and its objects. Without $expires
// there, a host goes only when it has no object. Whatever there is, it holds a few thousand
// keys at a time. It may run beside pushes: what is removed is looked at once more, and put
// back where a push came between.
//
// What it cannot read or repair it passes over, and tells in its error when it is through.
// An error of the connection ends it.
func (s *Server) Prune(ctx context.Context, how Pruning) (Pruned, error) {
	ahead, err := s.Ahead(ctx)
	if err != nil {
		return Pruned{}, err
	}
	g := newPruning(s, how, ahead)
	err = g.run(ctx)
	return g.done, err
}

// run goes through all that there is.
func (g *pruning) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{g.replaceWrong, g.keys, g.hosts, g.settleAll, g.names, g.queries} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return g.faults.err()
}

// A pruning is one run of Prune.
type pruning struct {
	*Server
	Pruning
	ahead  time.Duration // the server's clock less ours
	done   Pruned
	faults faults

	hostDoubts   doubts[hostDoubt]
	objectDoubts doubts[Ref]
}

func newPruning(s *Server, how Pruning, ahead time.Duration) *pruning {
	if how.Settle <= 0 {
		how.Settle = DefaultSettle
	}
	if how.Page <= 0 {
		how.Page = 1000
	}
	if how.Wait <= 0 {
		how.Wait = 20_000
	}
	g := &pruning{Server: s, Pruning: how, ahead: ahead}
	g.hostDoubts = doubts[hostDoubt]{most: how.Wait, settle: how.Settle, resolve: g.restore}
	g.objectDoubts = doubts[Ref]{most: how.Wait, settle: how.Settle, resolve: g.removeObjects}
	return g
}

// clock is the server's, as far as ours runs like it.
func (g *pruning) clock() time.Time { return time.Now().Add(g.ahead) }

// pages is walk, by pages of the pruning's size. A sorted set or a hash is read as members
// alone, without scores and values. A key that holds what is too large to be read is remade
// without it, and read again; what cannot be read even so is passed over.
func (g *pruning) pages(ctx context.Context, command, key string, take func(members []string) error) error {
	inPairs := command == "ZSCAN" || command == "HSCAN"
	read := func() error {
		return g.walk(ctx, command, key, g.Page, func(page []string) error {
			if inPairs {
				page = firstOfPairs(page)
			}
			return take(page)
		})
	}
	err := read()
	if bad, ok := errors.AsType[*unreadableError](err); ok && bad.key == key && errors.Is(err, ErrReplyTooLarge) && remakes(key) {
		if err := g.remake(ctx, key); err != nil {
			return err
		}
		err = read()
	}
	return g.faults.pass(err)
}

func firstOfPairs(pairs []string) []string {
	firsts := make([]string, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		firsts = append(firsts, pairs[i])
	}
	return firsts
}

// faults are what was passed over. They are safe for concurrent use.
type faults struct {
	mu   sync.Mutex
	errs []error
	more int
}

// maxFaults is how many faults are told one by one.
const maxFaults = 10

// pass keeps an error that is about one key, and returns any other: a connection that is
// gone, or a user who may not do this, ends everything.
func (f *faults) pass(err error) error {
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrReplyTooLarge), errors.Is(err, ErrWrongType):
	case !errors.As(err, &reply), errors.Is(err, ErrPermission), errors.Is(err, ErrAuth), errors.Is(err, ErrReadOnly), errors.Is(err, ErrLoading):
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.errs) == maxFaults {
		f.more++
		return nil
	}
	f.errs = append(f.errs, err)
	return nil
}

// err is all of it as one error, in one line; nil where nothing was passed over.
func (f *faults) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	return f
}

func (f *faults) Unwrap() []error { return f.errs }

func (f *faults) Error() string {
	texts := make([]string, 0, len(f.errs)+1)
	for _, err := range f.errs {
		texts = append(texts, err.Error())
	}
	if f.more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more such errors", f.more))
	}
	return strings.Join(texts, "; ")
}

// doubts are things that looked wrong once. They are looked at again when a push that was
// under way has had time to end, and then resolved.
type doubts[T any] struct {
	most    int
	settle  time.Duration
	resolve func(context.Context, []T) error

	list []T
	last time.Time // when the youngest of them was seen
}

// add adds some, and resolves them all where they are too many to be kept.
func (d *doubts[T]) add(ctx context.Context, some ...T) error {
	if len(some) == 0 {
		return nil
	}
	d.list, d.last = append(d.list, some...), time.Now()
	if len(d.list) < d.most {
		return nil
	}
	return d.end(ctx)
}

// end waits until the youngest has settled, and resolves them.
func (d *doubts[T]) end(ctx context.Context) error {
	if len(d.list) == 0 {
		return nil
	}
	wait := time.NewTimer(time.Until(d.last.Add(d.settle)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	list := d.list
	d.list = nil
	for part := range chunks(list) {
		if err := d.resolve(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// settleAll ends what is in doubt.
func (g *pruning) settleAll(ctx context.Context) error {
	if err := g.hostDoubts.end(ctx); err != nil {
		return err
	}
	return g.objectDoubts.end(ctx)
}
