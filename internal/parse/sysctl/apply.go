package sysctl

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An Assignment is one value that sysctl --system writes.
type Assignment struct {
	Setting        // Key is one key, also where the file has a glob
	Live    string // what the key has now
	Absent  bool   // the kernel shows no such key, so that nothing is written
}

// A Plan is what files say, whichever host they are on. It may be used concurrently.
type Plan struct {
	settings []Setting
	globs    []placedGlob
	named    map[string]bool // keys that stand in a file: true where globs leave them alone
	lengths  [64]bool        // of keys in named, modulo 64: most live keys are told from them by that
}

// A placedGlob is the glob of a setting, and that setting's place.
type placedGlob struct {
	glob
	at int
}

// Limits of what a host may have: beyond, nothing is decided about it.
const (
	MaxFiles = 1 << 20 // bytes of its files together
	MaxLive  = 4 << 20 // bytes of live values; as much the agent takes of a command

	maxMatches = 10 << 20 // live keys to be matched, times globs
	maxGlobs   = 4096     // to be compiled
	maxMatched = 1 << 18  // of those that do match
	maxWork    = 1 << 28  // bytes of globs that are matched, times those of the keys: some seconds
)

// ErrTooMuch is wrapped by the errors of NewPlan and Apply: a limit is exceeded.
var ErrTooMuch = errors.New("too much to decide")

// NewPlan reads the files of a host, in any order. Errors are ErrTooMuch.
func NewPlan(files []File) (*Plan, error) {
	p := &Plan{named: make(map[string]bool)}
	size := 0
	for _, f := range InOrder(files) {
		if size += len(f.Contents); size > MaxFiles {
			return nil, fmt.Errorf("%w: its files have more than %d bytes", ErrTooMuch, MaxFiles)
		}
		p.settings = append(p.settings, Parse(f)...)
	}
	for i, s := range p.settings {
		if !isGlob(s.Key) {
			p.named[s.Key] = p.named[s.Key] || !s.odd
			p.lengths[len(s.Key)%len(p.lengths)] = true
			continue
		}
		if s.Exclude {
			continue // procps-ng 4.0.2 compares exclusions as they are
		}
		key := strings.TrimRight(s.Key, ".")
		if isGlob(key[strings.LastIndexByte(key, '.')+1:]) {
			key = s.Key // with a slash at its end: to glob(3) that is for folders, but where the last name is no pattern
		}
		g, err := newGlob(key)
		if err != nil {
			continue // such as [[:none:]], which matches nothing
		}
		if len(p.globs) == maxGlobs {
			return nil, fmt.Errorf("%w: its files have more than %d globs", ErrTooMuch, maxGlobs)
		}
		p.globs = append(p.globs, placedGlob{g, i})
	}
	return p, nil
}

// Apply returns what sysctl --system would write on a host with these live values, as
// sysctl -a printed them, in order: a later assignment to a key replaces an earlier
// one. A glob stands for the live keys that it matches, but those that stand in a
// file themselves. What the kernel does not take (a key to be read alone, a value
// that is out of bounds) cannot be known here. Errors are ErrTooMuch.
func (p *Plan) Apply(live string) ([]Assignment, error) {
	if len(live) > MaxLive {
		return nil, fmt.Errorf("%w: its live values have more than %d bytes", ErrTooMuch, MaxLive)
	}
	if n := strings.Count(live, "\n"); n*len(p.globs) > maxMatches {
		return nil, fmt.Errorf("%w: %d globs for %d live values", ErrTooMuch, len(p.globs), n)
	}
	values, matched, err := p.look(live)
	if err != nil {
		return nil, err
	}
	var out []Assignment
	for i, s := range p.settings {
		switch {
		case s.Exclude:
		case isGlob(s.Key):
			for _, key := range matched[i] {
				one := s
				one.Key = key
				out = append(out, Assignment{Setting: one, Live: values[key]})
			}
		default:
			value, ok := values[s.Key]
			out = append(out, Assignment{Setting: s, Live: value, Absent: !ok})
		}
	}
	return out, nil
}

// look finds the live values of the keys that the files speak of, and which of them
// each glob matches.
func (p *Plan) look(live string) (values map[string]string, matched map[int][]string, err error) {
	work, matches := 0, 0
	values, matched = make(map[string]string), make(map[int][]string)
	for line := range strings.Lines(live) {
		key, value, ok := liveLine(line)
		if !ok {
			continue
		}
		spared, wanted := false, false
		if p.lengths[len(key)%len(p.lengths)] {
			spared, wanted = p.named[key]
		}
		for i := range p.globs {
			g := &p.globs[i]
			if spared && !p.settings[g.at].odd || !strings.HasPrefix(key, g.prefix) {
				continue
			}
			if work += len(p.settings[g.at].Key) * len(key); work > maxWork {
				return nil, nil, fmt.Errorf("%w: its globs and live keys are too long", ErrTooMuch)
			}
			if g.match(key) {
				if matches++; matches > maxMatched {
					return nil, nil, fmt.Errorf("%w: its globs match live values more than %d times", ErrTooMuch, maxMatched)
				}
				matched[g.at] = append(matched[g.at], key)
				wanted = true
			}
		}
		if !wanted {
			continue
		}
		if before, ok := values[key]; ok { // a value of several lines
			value = before + "\n" + value
		}
		values[key] = value
	}
	for i, keys := range matched {
		slices.SortFunc(keys, func(a, b string) int { // as the paths below /proc/sys sort
			return strings.Compare(separators.Replace(a), separators.Replace(b))
		})
		matched[i] = slices.Compact(keys)
	}
	return values, matched, nil
}

// liveLine reads a line of sysctl -a. Complaints, such as of permissions, are none.
func liveLine(line string) (key, value string, ok bool) {
	line = strings.TrimSuffix(line, "\n")
	at := strings.IndexByte(line, ' ')
	if at <= 0 || !strings.HasPrefix(line[at:], " =") || strings.IndexByte(line[:at], '\t') >= 0 {
		return "", "", false
	}
	return line[:at], strings.TrimPrefix(line[at+2:], " "), true
}

// Last returns the last assignment to each key, sorted by key: what stays.
func Last(assignments []Assignment) []Assignment {
	last := make(map[string]Assignment)
	for _, a := range assignments {
		last[a.Key] = a
	}
	out := make([]Assignment, 0, len(last))
	for _, key := range sortedKeys(last) {
		out = append(out, last[key])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
