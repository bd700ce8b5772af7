// Package verbs is what can be asked of a fleet, or done to it: one type a verb, with its
// parameters as fields.
//
// It promises that a verb is the same whoever calls it: the command, the API and the page
// set the fields, Check says what is wrong with them, Columns what its rows hold, and Run
// yields rows and an Outcome. It knows no flag, no exit status and no terminal; where a
// person needs words that depend on how a verb was called, an error is a Misuse or has a
// hint.Cause, and the caller puts the words.
//
// It leaves to its callers whom a question is put to, how rows are shown, and what is told
// beside them.
package verbs

import (
	"context"
	"errors"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// A Verb is one thing that can be asked of a fleet, or done to it. It is used by one
// goroutine, for one Run.
type Verb interface {
	// Check says what is wrong with the parameters, before anything is asked. Parameters
	// that do not go together are a *Misuse.
	Check() error

	// Columns returns the fields of the rows, with values that show what is within them.
	// It is called after Check.
	Columns() []output.Field

	// Run does it. What it found, and how complete that is, is told by the Outcome, which
	// is of no use where there is an error.
	Run(ctx context.Context, call *Call) (*Outcome, error)
}

// A Call is what a verb runs with.
type Call struct {
	Client *sysops.Client
	Query  sysops.Query           // whom it is put to, and who asks; the Pattern is the verb's
	Emit   func(output.Row) error // takes a row; an error ends the verb

	// Marked says that the marks of rows are looked at: finding them takes time.
	Marked bool

	// Progress is told how far the verb is. nil: nobody looks.
	Progress func(Stage) Steps
}

// A Stage is a part of a verb that takes a while.
type Stage struct {
	What  string // that is counted, such as "objects"
	Total int
	Rows  bool // rows are emitted meanwhile
	Rate  bool // how many there are a second is of interest
}

// Steps are how far a stage is. Its methods are called by one goroutine at a time.
type Steps interface {
	Step() // one more is done
	Done() // the stage is over
}

type noSteps struct{}

func (noSteps) Step() {}
func (noSteps) Done() {}

// stage begins a stage.
func (c *Call) stage(s Stage) Steps {
	if c.Progress == nil {
		return noSteps{}
	}
	return c.Progress(s)
}

// An Outcome is what became of a verb.
type Outcome struct {
	Matched int  // rows that are a match; 0: nothing matched
	Differs bool // objects that were compared do

	Complete *sysops.Completeness // what the answer rests on; nil: the verb asks no fleet
	Pattern  string               // that selected objects; empty: none did
	Empty    bool                 // Pattern selects no object
	LeftOut  *[]output.LeftOut    // objects that are not in the answer; nil: the verb cannot fail for one alone
	Warnings []error              // what a person should know, and what took nothing from the answer
}

// Partial reports whether something is missing in the answer, so that it must not pass for
// the whole. strict: also where a host is stale or missing.
func (o *Outcome) Partial(strict bool) bool {
	return o.Complete != nil && (o.Complete.Partial() || strict && !o.Complete.Whole()) || o.LeftOut != nil && len(*o.LeftOut) > 0
}

// A Misuse says which parameters do not go together, and why.
type Misuse struct {
	Code   string   // which misuse it is: callers have words for it
	Params []string // the parameters at fault, by their names
	Moot   bool     // they mean nothing with the others, and may be taken back where nobody insists; else they contradict each other
	Err    error    // says so without the words of a caller
}

func (m *Misuse) Error() string { return m.Err.Error() }

// Unwrap returns what the misuse says.
func (m *Misuse) Unwrap() error { return m.Err }

// moot says that a parameter means nothing with the others.
func moot(code, param, text string) error {
	return &Misuse{Code: code, Params: []string{param}, Moot: true, Err: errors.New(text)}
}

// contradiction says that parameters exclude each other.
func contradiction(code, text string, params ...string) error {
	return &Misuse{Code: code, Params: params, Err: errors.New(text)}
}

// oneOf says which of several parameters are set, where no more than one may be.
func oneOf(code, text string, set map[string]bool) error {
	var names []string
	for name, on := range set {
		if on {
			names = append(names, name)
		}
	}
	if len(names) < 2 {
		return nil
	}
	slices.Sort(names)
	return contradiction(code, text, names...)
}

// objects asks for the objects of a pattern, and has work make rows of them. What the
// answer rests on goes into the outcome.
func (c *Call) objects(ctx context.Context, o *Outcome, p sysops.Pattern, work func(*sysops.Answer) error) error {
	q := c.Query
	q.Pattern = p
	answer, err := c.Client.Ask(ctx, q)
	if err != nil {
		return err
	}
	failed := work(answer)
	if err := answer.Close(ctx); err != nil && ctx.Err() == nil {
		o.Warnings = append(o.Warnings, err)
	}
	o.Complete, o.Pattern, o.Empty = answer.Completeness(), p.String(), answer.Len() == 0
	return failed
}
