package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
)

// mostPairs is of how many variants every two are compared: 4950 times.
const mostPairs = 100

func tooManyPairs(n int, cause hint.Cause) error {
	return hint.For(fmt.Errorf("cannot show how every two of %d variants differ: %d are the most", n, mostPairs), cause)
}

// A pairing compares variants with each other.
type pairing struct {
	answer   *sysops.Answer
	variants []sysops.Variant
	emit     func(from, to int, c *sysops.Comparison) error // of the places of two that differ
	moved    func(example sysops.Key)                       // of one that nobody has any more, once

	gone map[int]bool // the places of those
}

// everyTwo compares each with those after it.
func (p *pairing) everyTwo(ctx context.Context) error {
	for i := range p.variants {
		if _, err := p.from(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// mostCommon compares the most common one that can be read with those after it.
func (p *pairing) mostCommon(ctx context.Context) error {
	for i := range p.variants {
		if compared, err := p.from(ctx, i); err != nil || compared {
			return err
		}
	}
	return nil
}

// from compares one with those after it. It returns false where nobody has that one any
// more.
func (p *pairing) from(ctx context.Context, from int) (compared bool, err error) {
	if p.gone[from] {
		return false, nil
	}
	err = p.compare(ctx, from)
	if errors.Is(err, sysops.ErrMoved) {
		p.leave(from, p.variants[from].Example)
		return false, nil
	}
	return err == nil, err
}

func (p *pairing) compare(ctx context.Context, from int) error {
	to := from
	for c, err := range p.answer.CompareVariants(ctx, &p.variants[from], p.variants[from+1:], sysops.CompareOptions{}) {
		if err != nil {
			return err
		}
		to++
		if c.Moved {
			p.leave(to, c.Key)
			continue
		}
		if err := p.emit(from, to, &c); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairing) leave(place int, example sysops.Key) {
	if p.gone[place] {
		return
	}
	if p.gone == nil {
		p.gone = make(map[int]bool)
	}
	p.gone[place] = true
	p.moved(example)
}
