package naming

// A Glob is a pattern as Redis' KEYS understands it (util.c, stringmatchlen):
// '*', '?', '[a-z]', '[^a]', '\x'. Every byte sequence is a pattern; there are
// no syntax errors. The oddities are kept, because "find" promises to
// return what KEYS would: an unclosed class ends with the pattern, "[]"
// matches nothing, and ranges compare bytes as signed numbers.
type Glob struct {
	tokens []globToken
}

type globToken struct {
	kind globKind
	lit  byte
	set  *[256]bool
}

type globKind uint8

const (
	globLiteral globKind = iota
	globAny              // ?
	globStar             // *
	globSet              // [...]
)

// NewGlob reads a pattern.
func NewGlob(pattern string) Glob {
	var g Glob
	for i := 0; i < len(pattern); {
		switch c := pattern[i]; {
		case c == '*':
			if n := len(g.tokens); n == 0 || g.tokens[n-1].kind != globStar {
				g.tokens = append(g.tokens, globToken{kind: globStar})
			}
			i++
		case c == '?':
			g.tokens = append(g.tokens, globToken{kind: globAny})
			i++
		case c == '[':
			set, next := globClass(pattern, i+1)
			g.tokens = append(g.tokens, globToken{kind: globSet, set: set})
			i = next
		default:
			if c == '\\' && i+1 < len(pattern) {
				i++
			}
			g.tokens = append(g.tokens, globToken{kind: globLiteral, lit: pattern[i]})
			i++
		}
	}
	return g
}

// globClass reads a class whose first byte after '[' is p[i], and returns the
// bytes it matches and where the pattern goes on.
func globClass(p string, i int) (*[256]bool, int) {
	var set [256]bool
	negate := i < len(p) && p[i] == '^'
	if negate {
		i++
	}
loop:
	for ; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			i++
			set[p[i]] = true
		case p[i] == ']':
			i++
			break loop
		case i+2 < len(p) && p[i+1] == '-':
			low, high := int8(p[i]), int8(p[i+2])
			if low > high {
				low, high = high, low
			}
			for c := int(low); c <= int(high); c++ {
				set[byte(c)] = true
			}
			i += 2
		default:
			set[p[i]] = true
		}
	}
	if negate {
		for c := range set {
			set[c] = !set[c]
		}
	}
	return &set, i
}

func (t globToken) accepts(c byte) bool {
	switch t.kind {
	case globLiteral:
		return t.lit == c
	case globSet:
		return t.set[c]
	default:
		return true
	}
}

// Match reports whether the whole of s matches. It takes time proportional to len(pattern)*len(s) at worst.
func (g Glob) Match(s string) bool {
	t, star, mark := 0, -1, 0
	for i := 0; i < len(s); {
		switch {
		case t < len(g.tokens) && g.tokens[t].kind == globStar:
			star, mark = t, i
			t++
		case t < len(g.tokens) && g.tokens[t].accepts(s[i]):
			t++
			i++
		case star >= 0:
			mark++
			t, i = star+1, mark
		default:
			return false
		}
	}
	for t < len(g.tokens) && g.tokens[t].kind == globStar {
		t++
	}
	return t == len(g.tokens)
}

// globStates is a set of positions in a glob: those that a text read so far
// can have led to. It lets one half of a key be judged without the other.
type globStates []bool

func (g Glob) start() globStates {
	s := make(globStates, len(g.tokens)+1)
	s[0] = true
	g.skipStars(s)
	return s
}

// skipStars adds the positions behind stars, which match nothing too.
func (g Glob) skipStars(s globStates) {
	for i, t := range g.tokens {
		if s[i] && t.kind == globStar {
			s[i+1] = true
		}
	}
}

func (g Glob) step(s globStates, c byte) globStates {
	next := make(globStates, len(s))
	for i, t := range g.tokens {
		if !s[i] {
			continue
		}
		if t.kind == globStar {
			next[i] = true
		} else if t.accepts(c) {
			next[i+1] = true
		}
	}
	g.skipStars(next)
	return next
}

// atStar reports whether a star is among the positions: it stays there, whatever follows.
func (g Glob) atStar(s globStates) bool {
	for i, t := range g.tokens {
		if s[i] && t.kind == globStar {
			return true
		}
	}
	return false
}

func (g Glob) run(s globStates, text string) globStates {
	for i := range len(text) {
		s = g.step(s, text[i])
	}
	return s
}

func (s globStates) empty() bool {
	for _, on := range s {
		if on {
			return false
		}
	}
	return true
}

// afterAnyHost returns the positions that "<host>#" leads to, over all hosts.
func (g Glob) afterAnyHost() globStates {
	reach := g.start()
	for grown := true; grown; {
		grown = false
		for c := range 256 {
			if !isHostByte(byte(c)) {
				continue
			}
			for i, on := range g.step(reach, byte(c)) {
				if on && !reach[i] {
					reach[i], grown = true, true
				}
			}
		}
	}
	return g.step(reach, '#')
}

// narrow returns which of these hosts, and which of these names, can be part of a key
// that matches. Most hosts lead nowhere but to a star, from where few names match.
func (g Glob) narrow(hosts, names []string) (canHosts, canNames []string) {
	paths := g.paths()
	can := make([]bool, len(names))
	places := 0
	for _, host := range hosts {
		at := paths.step(paths.walk(paths.start, host), '#')
		if !at.seen && places > maxPlaces/10 {
			return hosts, names // each leads elsewhere
		}
		if !at.seen {
			at.seen = true
			places++
			for i, name := range names {
				if paths.walk(at, name).matches() {
					at.leads, can[i] = true, true
				}
			}
		}
		if at.leads {
			canHosts = append(canHosts, host)
		}
	}
	for i, name := range names {
		if can[i] {
			canNames = append(canNames, name)
		}
	}
	return canHosts, canNames
}

// globPaths remembers where bytes lead to, for many texts that are much alike: most
// steps are then no more than a look at a table.
type globPaths struct {
	Glob
	start *globPlace
	known map[string]*globPlace // by its states
}

type globPlace struct {
	states globStates
	next   [256]*globPlace // nil: not known yet

	seen, leads bool // narrow has been here; and then, a name can follow
}

// matches reports whether a text that leads here matches.
func (p *globPlace) matches() bool { return p.states[len(p.states)-1] }

// maxPlaces bounds what is remembered of a glob that leads each text elsewhere.
const maxPlaces = 1000

func (g Glob) paths() *globPaths {
	p := &globPaths{Glob: g}
	p.forget()
	return p
}

func (p *globPaths) forget() {
	p.known = make(map[string]*globPlace)
	p.start = p.place(p.Glob.start())
}

func (p *globPaths) place(states globStates) *globPlace {
	name := make([]byte, len(states))
	for i, on := range states {
		if on {
			name[i] = 1
		}
	}
	at := p.known[string(name)]
	if at == nil {
		at = &globPlace{states: states}
		p.known[string(name)] = at
	}
	return at
}

// walk returns where text leads to from at.
func (p *globPaths) walk(at *globPlace, text string) *globPlace {
	for i := range len(text) {
		at = p.step(at, text[i])
	}
	return at
}

func (p *globPaths) step(at *globPlace, c byte) *globPlace {
	if at.next[c] == nil {
		if len(p.known) > maxPlaces {
			p.forget()
		}
		at.next[c] = p.place(p.Glob.step(at.states, c))
	}
	return at.next[c]
}

// hostCanMatch reports whether a key of this host can match at all.
func (g Glob) hostCanMatch(host string) bool {
	s := g.start()
	for i := 0; i < len(host) && !s.empty(); i++ {
		if g.atStar(s) {
			return true
		}
		s = g.step(s, host[i])
	}
	return !g.step(s, '#').empty()
}

// keyMatches is match for the text of a key. What matches behind a star at the
// beginning does so for any host.
func (g Glob) keyMatches(k Key) bool {
	return len(g.tokens) > 0 && g.tokens[0].kind == globStar && g.Match(k.Name) || g.Match(k.String())
}

// nameCanMatch reports whether a key with this name can match, given the
// positions of afterAnyHost.
func (g Glob) nameCanMatch(after globStates, name string) bool {
	s := g.run(after, name)
	return s[len(s)-1]
}
