package wholetest_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/redistest"
)

// What may be left at a server, and in the folder of an agent's bases.
var (
	cellKeys  = regexp.MustCompile(`^(web0[123]#.*|\$(hosts|live|names|roster|gc|on:.*|of:web0[123]|bases?:.*|queries))$`)
	cellFiles = regexp.MustCompile(`^([0-9a-f]{64}|offers\.json)$`)
)

// cellFaults are the rows of the table in docs/reliability.md.
func cellFaults() []cellFault {
	return []cellFault{
		{name: "killed", loses: true, strike: onFirst((*redistest.Server).Kill), mend: onFirst((*redistest.Server).Restart)},
		{name: "restarted empty", loses: true, strike: onFirst((*redistest.Server).Restart)},
		{name: "hung (SIGSTOP)", hangs: true, strike: onFirst((*redistest.Server).Stop), mend: onFirst((*redistest.Server).Cont)},
		{name: "line swallows all", hangs: true, strike: onLine((*redistest.Proxy).Stall), mend: onLine((*redistest.Proxy).Resume)},
		{name: "line cut", strike: onLine((*redistest.Proxy).Cut)},
		{
			name: "line slow", harmless: true,
			strike: onLine(func(p *redistest.Proxy) { p.Pace(1 << 20) }),
			mend:   onLine(func(p *redistest.Proxy) { p.Pace(0) }),
		},
		{name: "out of memory", strike: configured("maxmemory", "1"), mend: configured("maxmemory", "0")},
		{
			name:   "read-only replica",
			strike: onFirst(func(s *redistest.Server) { s.Must("REPLICAOF", "127.0.0.1", "1") }),
			mend:   onFirst(func(s *redistest.Server) { s.Must("REPLICAOF", "NO", "ONE") }),
		},
		{name: "cannot save", strike: func(w *cellWorld) { cannotSave(w.T, w.servers[0]) }, mend: configured("save", "")},
		{name: "too few replicas", strike: configured("min-replicas-to-write", "1"), mend: configured("min-replicas-to-write", "0")},
		{
			name:   "permission to write withdrawn",
			strike: onFirst(func(s *redistest.Server) { s.Must("ACL", "SETUSER", "default", "-@write") }),
			mend:   onFirst(func(s *redistest.Server) { s.Must("ACL", "SETUSER", "default", "+@all") }),
		},
		{name: "loading its data", strike: loads, mend: loaded},
		{name: "bases evicted", loses: true, strike: onFirst(evict("$base:*"))},
		{name: "objects evicted", loses: true, strike: onFirst(evict("*#*"))},
		{name: "index evicted", loses: true, strike: onFirst(evict("$on:*", "$names", "$hosts", "$live"))},
		{name: "a host expires", loses: true, everywhere: true, strike: (*cellWorld).expire},
		{name: "clock a year ahead", loses: true, strike: clock(365 * 24 * time.Hour)},
		{name: "clock a year behind", strike: clock(-365 * 24 * time.Hour)},
	}
}

func onFirst(do func(*redistest.Server)) func(*cellWorld) {
	return func(w *cellWorld) { do(w.servers[0]) }
}

func onLine(do func(*redistest.Proxy)) func(*cellWorld) {
	return func(w *cellWorld) { do(w.networks[0]) }
}

func configured(name, value string) func(*cellWorld) {
	return onFirst(func(s *redistest.Server) { s.Must("CONFIG", "SET", name, value) })
}

func evict(globs ...string) func(*redistest.Server) {
	return func(s *redistest.Server) {
		for _, g := range globs {
			for _, key := range sortedReply(s.Must("KEYS", g)) {
				s.Must("DEL", key)
			}
		}
	}
}

// loads has the server read its data from disk, so slowly that nothing else ends before it.
func loads(w *cellWorld) {
	s := w.servers[0]
	s.Must("CONFIG", "SET", "key-load-delay", "100000", "loading-process-events-interval-bytes", "1024")
	go func() { _, _ = s.Do("DEBUG", "RELOAD") }() // ends when the data is read
	redistest.WaitFor(w, "the server is loading", func() bool { return isLoading(w) })
}

func loaded(w *cellWorld) {
	w.servers[0].Must("CONFIG", "SET", "key-load-delay", "0")
	redistest.WaitFor(w, "the server has its data", func() bool { return !isLoading(w) })
}

func isLoading(w *cellWorld) bool {
	info, _ := w.servers[0].Must("INFO", "persistence").(string)
	return strings.Contains(info, "\nloading:1")
}

// expire has the time of web02's snapshot be over, at every server.
func (w *cellWorld) expire() {
	for _, s := range w.servers {
		past := strconv.FormatInt(serverTime(w, s)-1, 10)
		s.Must("HSET", "$of:web02", "$expires", past)
		s.Must("ZADD", "$live", past, "web02")
		evict("web02#*")(s)
	}
}

// clock returns what has the first server's clock go on from another time.
func clock(ahead time.Duration) func(*cellWorld) {
	return func(w *cellWorld) { (&honestFleet{T: w.T}).setClock(w.servers[0], ahead) }
}

// cellOperations are the columns of the table.
func cellOperations() []cellOperation {
	return []cellOperation{
		{name: "push", prepare: func(w *cellWorld) { w.version = 1 }, run: func(ctx context.Context, w *cellWorld, c *sysops.Client) cellAnswer {
			_, err := c.Publish(ctx, "", changingSnapshot(w.version))
			return cellAnswer{err: err}
		}},
		{name: "cat", asks: true, run: func(ctx context.Context, w *cellWorld, c *sysops.Client) (a cellAnswer) {
			a.rows, a.complete, a.err = read(ctx, c, sysops.Query{Pattern: pattern(w, "*#*")})
			return a
		}},
		{name: "grep", asks: true, run: grepCell},
		{name: "find", asks: true, run: func(ctx context.Context, w *cellWorld, c *sysops.Client) (a cellAnswer) {
			answer, err := c.Ask(ctx, sysops.Query{Pattern: pattern(w, "*#/etc/motd"), CheckKeys: true})
			if err != nil {
				return cellAnswer{err: err}
			}
			defer answer.Close(ctx) // that a query is not recorded is a warning
			return cellAnswer{rows: keysOf(answer), complete: answer.Completeness()}
		}},
		{name: "who lacks it", asks: true, run: func(ctx context.Context, w *cellWorld, c *sysops.Client) (a cellAnswer) {
			a.rows, a.complete, a.err = read(ctx, c, sysops.Query{Pattern: pattern(w, "/etc/issue")})
			if a.err == nil {
				for _, h := range a.complete.Lacking {
					a.rows = append(a.rows, h+"#/etc/issue is lacking")
				}
			}
			return a
		}},
		{name: "gc", prepare: rubbish, done: noRubbish, run: func(ctx context.Context, _ *cellWorld, c *sysops.Client) cellAnswer {
			_, err := c.GC(ctx, sysops.Where{}, 7*24*time.Hour)
			return cellAnswer{err: err}
		}},
		{name: "forget", done: withoutWeb02, run: func(ctx context.Context, w *cellWorld, c *sysops.Client) cellAnswer {
			_, _, err := c.Forget(ctx, sysops.Where{Hosts: hostSet(w, "web02")})
			return cellAnswer{err: err}
		}},
		{name: "leave", done: withoutWeb02, run: func(ctx context.Context, _ *cellWorld, c *sysops.Client) cellAnswer {
			_, err := c.Leave(ctx, "", "web02")
			return cellAnswer{err: err}
		}},
	}
}

// grepCell has a row for each object with a line that holds an "e".
func grepCell(ctx context.Context, w *cellWorld, c *sysops.Client) (a cellAnswer) {
	answer, err := c.Ask(ctx, sysops.Query{Pattern: pattern(w, "/etc/motd")})
	if err != nil {
		return cellAnswer{err: err}
	}
	expr, err := sysops.CompileExpr("e", sysops.GrepOptions{})
	if err != nil {
		w.Error(err)
	}
	for m, err := range answer.Grep(ctx, expr) {
		if err != nil {
			return cellAnswer{err: err}
		}
		if m.Count > 0 {
			a.rows = append(a.rows, fmt.Sprintf("%s: %q", m.Key, m.Lines))
		}
	}
	a.complete = answer.Completeness()
	return a
}

// rubbish is what gc is there to remove.
func rubbish(w *cellWorld) {
	for _, s := range w.servers {
		s.Must("SADD", "$names", "/rubbish")
		s.Must("SADD", "$on:/rubbish", "web01", "ghost")
		s.Must("ZADD", "$hosts", "1", "ghost")
	}
}

func noRubbish(_ *cellWorld, s *redistest.Server) bool {
	return s.Must("SISMEMBER", "$names", "/rubbish") == int64(0) && s.Must("EXISTS", "$on:/rubbish") == int64(0)
}

// withoutWeb02 reports whether a server has no object of web02, and no record of one.
func withoutWeb02(_ *cellWorld, s *redistest.Server) bool {
	records := slices.DeleteFunc(sortedReply(s.Must("HKEYS", "$of:web02")), func(field string) bool { return strings.HasPrefix(field, "$") })
	return len(s.Must("KEYS", "web02#*").([]any))+len(records) == 0
}
