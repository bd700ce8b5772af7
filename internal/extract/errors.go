package extract

import "strings"

// JoinLine is errors.Join on one line.
func JoinLine(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return lineError(errs)
}

type lineError []error

func (l lineError) Unwrap() []error { return l }

func (l lineError) Error() string {
	texts := make([]string, len(l))
	for i, err := range l {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}
