package rangeexpr

import "regexp"

// Nodes of the tree that an expression is read into. at is where in the expression
// each begins.
type (
	node interface{ begin() int }

	// nothing is the empty expression.
	nothing struct{ at int }

	// A word is a name as it is: a literal that is no sequence, or a quoted one.
	word struct {
		at     int
		text   string
		quoted bool
	}

	// A run of names: web1..3.
	sequenceWord struct {
		at int
		sequence
	}

	// A globWord is a word that is matched.
	globWord struct {
		at   int
		text string
	}

	// A regex filters what is to its left where it is to the right of - or &, and the
	// cluster named all elsewhere.
	regex struct {
		at    int
		re    *regexp.Regexp
		steps int // that matching one byte takes at most
	}

	// A key is $KEY.
	key struct {
		at   int
		name string
	}

	// A product is a{b}c{d}: every text of the first part before every one of the
	// second, and so on. Parts that are not written are left out.
	product struct {
		at    int
		parts []node
	}

	// A chain is operands with operators of one precedence, from left to right. It is
	// no tree of pairs, because there may be a million.
	chain struct {
		first node
		links []link
	}

	// A call is a function, or the prefix operator that is short for it.
	call struct {
		at     int
		name   string
		args   []node
		joined bool // a name goes on after it, from which it is taken away: %a{b}-c
	}

	// A complement is all but some: !x.
	complement struct {
		at int
		of node
	}
)

// A link is an operator of a chain with the operand to its right.
type link struct {
	op      byte // ',', '-' or '&'
	operand node
}

func (n nothing) begin() int      { return n.at }
func (n word) begin() int         { return n.at }
func (n sequenceWord) begin() int { return n.at }
func (n globWord) begin() int     { return n.at }
func (n regex) begin() int        { return n.at }
func (n key) begin() int          { return n.at }
func (n *product) begin() int     { return n.at }
func (n *chain) begin() int       { return n.first.begin() }
func (n *call) begin() int        { return n.at }
func (n *complement) begin() int  { return n.at }
