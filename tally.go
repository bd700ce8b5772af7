package sysops

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
)

// CountOptions are what a count over the fleet may be asked to do beside counting.
type CountOptions struct {
	Hosts    bool   // tell the hosts of each count
	Progress func() // called after each object, by one goroutine at a time; nil: not
}

// A LineCount is how often one line is found over the fleet.
type LineCount struct {
	Line   []byte // without its newline; must not be changed
	Count  int
	Hosts  []string // that have it, sorted; nil unless asked for
	Binary bool     // in place of lines: objects with NUL bytes that match
}

// CountLines counts identical lines (or matches, with OnlyMatching) over all
// objects: the most frequent first, equally frequent ones in their own order.
// Its errors are those of Objects.
func (a *Answer) CountLines(ctx context.Context, expr *Expr, o CountOptions) ([]LineCount, error) {
	counts := make(map[string]*LineCount)
	count := func(line []byte, host string, binary bool) {
		c := counts[string(line)]
		if c == nil {
			c = &LineCount{Line: line, Binary: binary}
			counts[string(line)] = c
		}
		c.Count++
		if o.Hosts && (len(c.Hosts) == 0 || c.Hosts[len(c.Hosts)-1] != host) {
			c.Hosts = append(c.Hosts, host)
		}
	}
	for m, err := range a.Grep(ctx, expr) {
		if err != nil {
			return nil, err
		}
		if m.Binary && m.Count > 0 {
			count(nil, m.Host, true)
		}
		for _, line := range m.Lines {
			count(line, m.Host, false)
		}
		if o.Progress != nil {
			o.Progress()
		}
	}
	out := make([]LineCount, 0, len(counts))
	for _, c := range counts {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y LineCount) int { return cmp.Or(cmp.Compare(y.Count, x.Count), bytes.Compare(x.Line, y.Line)) })
	return out, nil
}

// A ContentsCount is how many objects of an answer have the same contents.
type ContentsCount struct {
	Sum     string // SHA-256 of the contents, 64 hex digits
	Count   int
	Example Key      // the first of them
	Hosts   []string // that have it, sorted; nil unless asked for
}

// CountContents counts identical contents over all objects, the most frequent
// first. The contents themselves are not fetched, but where the index does not
// know their sum. Its errors are those of Objects.
func (a *Answer) CountContents(ctx context.Context, o CountOptions) ([]ContentsCount, error) {
	counts := make(map[[32]byte]*ContentsCount)
	for obj, err := range a.Objects(ctx) {
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(obj.Contents)
		c := counts[sum]
		if c == nil {
			c = &ContentsCount{Sum: hex.EncodeToString(sum[:]), Example: obj.Key}
			counts[sum] = c
		}
		c.Count++
		if o.Hosts && (len(c.Hosts) == 0 || c.Hosts[len(c.Hosts)-1] != obj.Host) {
			c.Hosts = append(c.Hosts, obj.Host)
		}
		if o.Progress != nil {
			o.Progress()
		}
	}
	out := make([]ContentsCount, 0, len(counts))
	for c := range maps.Values(counts) {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(x, y ContentsCount) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Example.String(), y.Example.String()))
	})
	return out, nil
}
