package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
)

// replicas are the servers of one service, each of which can answer every question.
type replicas struct {
	of      string // the service, for errors
	servers []string
	timeout time.Duration // for one request
	warn    func(error)
	last    atomic.Int32 // which answered last: it is asked first, so that one dead server costs one wait
}

// newReplicas lets more than two servers share the time of two: a question must not
// take long where all hang.
func newReplicas(of string, servers []string, o Options) *replicas {
	each := min(o.Timeout, 2*o.Timeout/time.Duration(len(servers)))
	r := &replicas{of: of, servers: servers, timeout: each, warn: o.Warn}
	if r.warn == nil {
		r.warn = func(error) {}
	}
	return r
}

// ask puts a question to one server after the other until one answers. A refusal ends
// it. When none answers the error names each, with its reason.
func ask[T any](ctx context.Context, r *replicas, question func(ctx context.Context, server string) (T, error)) (T, error) {
	var none T
	failed := &failures{of: r.of}
	start := int(r.last.Load())
	for n := range r.servers {
		i := (start + n) % len(r.servers)
		server := r.servers[i]
		if err := ctx.Err(); err != nil {
			failed.add(fmt.Errorf("%s: it was not asked: %w", server, err))
			continue
		}
		limit := r.limit(ctx, len(r.servers)-n)
		answer, err := within(ctx, limit, server, question)
		if err == nil {
			r.last.Store(int32(i))
			if len(failed.errs) > 0 {
				r.warn(brief{fmt.Errorf("%s server %s answers in place of %w", r.of, server, errors.Join(failed.errs...))})
			}
			return answer, nil
		}
		if _, ok := errors.AsType[*refusal](err); ok {
			r.last.Store(int32(i))
			return none, err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v: %w", limit.Round(time.Millisecond), context.DeadlineExceeded)
		}
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("it closed the connection without an answer: %w", err)
		}
		failed.add(brief{fmt.Errorf("%s: %w", server, err)})
	}
	return none, failed
}

func within[T any](ctx context.Context, limit time.Duration, server string, question func(context.Context, string) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return question(ctx, server)
}

// limit is how long the next server may take, when so many are left: one that hangs
// must not use up the time of the others.
func (r *replicas) limit(ctx context.Context, left int) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(r.timeout, time.Until(deadline)/time.Duration(left))
	}
	return r.timeout
}

// A refusal is an answer that every server would give: the question is at fault.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// failures say why each server of a service did not answer.
type failures struct {
	of   string
	errs []error
}

func (f *failures) add(err error) { f.errs = append(f.errs, err) }

func (f *failures) Error() string {
	var whys []string
	for _, err := range f.errs {
		whys = append(whys, err.Error())
	}
	return "no " + f.of + " server answers: " + strings.Join(whys, "; ")
}

func (f *failures) Unwrap() []error { return f.errs }
