package rangeexpr

// ExpandTyped returns what the words of an expression stand for, sorted, each once:
// names, and globs as they are. Operators, clusters and functions are an error, as is
// a word that stands for nothing. It is what a person types where no clusters are.
//
// After a brace a '-' goes on with the word, which in Range is a difference: none is
// understood here.
func ExpandTyped(expr string) ([]string, error) {
	n, err := parse(expr, MaxHosts*maxMean, true) // all that Fold writes
	if err != nil {
		return nil, err
	}
	if n, err = wordsOf(expr, n); err != nil {
		return nil, err
	}
	e := &Evaluator{Glob: func(string) (func(string) bool, error) { return nil, nil }}
	ev := e.newEvaluation(false)
	ev.maxGlobs = ev.maxHosts
	set, err := ev.run(expr, n)
	if err != nil {
		return nil, err
	}
	all, _ := set.texts()
	return sortNames(append(set.Names(), all.globs...)), nil
}

// wordsOf returns an expression of words alone, with those that go on after a brace
// as one.
func wordsOf(expr string, n node) (node, error) {
	var err error
	switch n := n.(type) {
	case nothing, word, sequenceWord, globWord:
		return n, nil
	case *product:
		for i := range n.parts {
			if n.parts[i], err = wordsOf(expr, n.parts[i]); err != nil {
				return nil, err
			}
		}
		return n, nil
	case *chain:
		return wordsOfChain(expr, n)
	}
	return nil, noWord(expr, n.begin())
}

func wordsOfChain(expr string, n *chain) (node, error) {
	first, err := wordsOf(expr, n.first)
	if err != nil {
		return nil, err
	}
	words := &chain{first: first}
	last := &words.first
	for _, l := range n.links {
		operand, err := wordsOf(expr, l.operand)
		if err != nil {
			return nil, err
		}
		switch {
		case l.op == ',':
			words.links = append(words.links, link{op: ',', operand: operand})
			last = &words.links[len(words.links)-1].operand
		case l.joined:
			*last = &product{(*last).begin(), []node{*last, word{at: operand.begin() - 1, text: "-"}, operand}}
		default:
			return nil, noWord(expr, operand.begin())
		}
	}
	if len(words.links) == 0 {
		return words.first, nil
	}
	return words, nil
}

func noWord(expr string, at int) error {
	return &SyntaxError{Expr: expr, Column: at + 1, Reason: "only hosts, sequences, braces and globs are understood here, not operators, clusters and functions"}
}
