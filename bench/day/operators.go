package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/fleetsim"
)

// Answers are what operators got.
type answers struct {
	took       map[string][]time.Duration // by question
	failed     int
	firstError error
}

// A question is what operators typically ask.
type question struct {
	name string
	ask  func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error)
}

func questions(hosts int) []question {
	return []question{
		{"grep --uniq netdev_budget sysctl-a", func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error) {
			return about(ctx, c, "sysctl-a", func(a *sysops.Answer) error {
				expr, err := sysops.CompileExpr(`net\.core\.netdev_budget`, sysops.GrepOptions{})
				if err != nil {
					return err
				}
				counts, err := a.CountLines(ctx, expr, sysops.CountOptions{})
				return orEmpty(err, len(counts))
			})
		}},
		{"grep -L PermitRootLogin /etc/ssh/sshd_config", func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error) {
			return about(ctx, c, "/etc/ssh/sshd_config", func(a *sysops.Answer) error {
				expr, err := sysops.CompileExpr("PermitRootLogin", sysops.GrepOptions{CountOnly: true})
				if err != nil {
					return err
				}
				n := 0
				for _, err := range a.Grep(ctx, expr) {
					if err != nil {
						return err
					}
					n++
				}
				return orEmpty(nil, n)
			})
		}},
		{"find '*sudoers*'", func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error) {
			return about(ctx, c, "*sudoers*", func(a *sysops.Answer) error {
				n := 0
				for range a.Keys() {
					n++
				}
				return orEmpty(nil, n)
			})
		}},
		{"cat HOST#/etc/passwd", func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error) {
			host := fleetsim.Name(rand.IntN(hosts), domain)
			return about(ctx, c, host+"#/etc/passwd", func(a *sysops.Answer) error {
				n := 0
				for _, err := range a.Objects(ctx) {
					if err != nil {
						return err
					}
					n++
				}
				return orEmpty(nil, n)
			})
		}},
		{"hosts", func(ctx context.Context, c *sysops.Client) (*sysops.Completeness, error) {
			list, complete, err := c.Hosts(ctx, sysops.Where{})
			return complete, orEmpty(err, len(list))
		}},
	}
}

// about asks for what matches a pattern, and reads the answer.
func about(ctx context.Context, c *sysops.Client, pattern string, read func(*sysops.Answer) error) (*sysops.Completeness, error) {
	p, err := sysops.ParsePattern(pattern)
	if err != nil {
		return nil, err
	}
	a, err := c.Ask(ctx, sysops.Query{Pattern: p})
	if err != nil {
		return nil, err
	}
	if err := read(a); err != nil {
		return nil, err
	}
	return a.Completeness(), a.Close(ctx)
}

func orEmpty(err error, n int) error {
	if err == nil && n == 0 {
		return errors.New("the answer is empty")
	}
	return err
}

// ask has operators ask for so long. An answer that lacks something counts as an error.
func ask(ctx context.Context, urls []string, p plan, d time.Duration) answers {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	got := answers{took: make(map[string][]time.Duration)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range p.operators {
		wg.Go(func() {
			client, err := sysops.New(sysops.ServerList(urls...), sysops.Options{})
			if err != nil {
				panic(err) // the URLs are the servers' own
			}
			defer client.Close()
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			list := questions(p.hosts)
			for n := i; ; n++ {
				pause(ctx, time.Duration(random.ExpFloat64()*float64(p.think)))
				if ctx.Err() != nil {
					return
				}
				q := list[n%len(list)]
				began := time.Now()
				complete, err := q.ask(context.WithoutCancel(ctx), client) // the last one is waited for
				took := time.Since(began)
				if err == nil {
					err = lacking(complete, p.hosts)
				}
				mu.Lock()
				got.took[q.name] = append(got.took[q.name], took)
				if err != nil {
					got.failed++
					if got.firstError == nil {
						got.firstError = fmt.Errorf("%s: %w", q.name, err)
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return got
}

// lacking says what an answer does not have that it should.
func lacking(c *sysops.Completeness, hosts int) error {
	for _, core := range c.Cores {
		if core.LeftOut || core.Error != "" || core.Short > 0 {
			return fmt.Errorf("core %s: %s", core.Core, core.Error)
		}
	}
	if len(c.Unreadable)+len(c.Missing) > 0 || c.Expected > hosts {
		return fmt.Errorf("of %d hosts %d are missing; unreadable: %d", c.Expected, len(c.Missing), len(c.Unreadable))
	}
	return nil
}

// all are the times of all questions, sorted.
func (a *answers) all() []time.Duration {
	var list []time.Duration
	for _, took := range a.took {
		list = append(list, took...)
	}
	slices.Sort(list)
	return list
}

// part returns the time that so much of a sorted list is no longer than.
func part(list []time.Duration, p float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	return list[min(len(list)-1, int(p*float64(len(list))))]
}
