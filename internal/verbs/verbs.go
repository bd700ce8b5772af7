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
	"fmt"
	"slices"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/mask"
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

	// Sorted says that rows are shown in another order than that in which they come, so
	// that a heading would stand above others.
	Sorted bool

	// Form is what of the rows is read, and Marked says that their marks are: a verb need
	// not make the rest, and finding marks takes time.
	Form   Form
	Marked bool

	// Rules are what does not count in comparisons at this site, beside the rules that
	// are there by default.
	Rules []mask.Rule

	// Fields is told the fields of rows that turn out to be others than Columns said,
	// before the first of them; an error ends the verb. nil: nobody minds.
	Fields func([]output.Field) error

	// Flush is called where rows that were emitted should be shown before more are
	// made. nil: nobody waits for them.
	Flush func() error

	// Progress is told how far the verb is. nil: nobody looks.
	Progress func(Stage) Steps

	// Tell is given what a person should know beside the rows, before or after those that
	// it is about. nil: nobody reads it.
	Tell func(Note)

	// Advice has the caller's words for what to do, as a clause within a sentence, where
	// they depend on how the verb was called. nil or "": there are none.
	Advice func(cause hint.Cause, args ...string) string

	Clusters hostset.Source // who knows which hosts a cluster has
}

// A Note is something for a person to know, which is no row.
type Note struct {
	Text    string
	Warning bool // of something amiss

	// Heading stands in place of Text: the titles of rows that are shown as text. They are
	// no row, so that a pipe has data alone.
	Heading *output.Row
}

// tell gives the caller a note.
func (c *Call) tell(n Note) {
	if c.Tell != nil {
		c.Tell(n)
	}
}

// say yields text that has no fields.
func (c *Call) say(format string, args ...any) error {
	return c.Emit(output.Row{Text: fmt.Appendf(nil, format, args...)})
}

// fields says what fields the rows turn out to have.
func (c *Call) fields(f []output.Field) error {
	if c.Fields == nil {
		return nil
	}
	return c.Fields(f)
}

// flush has what was emitted shown.
func (c *Call) flush() error {
	if c.Flush == nil {
		return nil
	}
	return c.Flush()
}

// advised returns a text with the caller's advice behind it, if there is any.
func (c *Call) advised(text, separator string, cause hint.Cause, args ...string) string {
	if c.Advice == nil {
		return text
	}
	if advice := c.Advice(cause, args...); advice != "" {
		return text + separator + advice
	}
	return text
}

// A Form is what of the rows is read.
type Form uint8

// The forms.
const (
	AsText   Form = iota // their text
	AsValues             // their fields
	AsCells              // their fields, each in a cell: differences have no place in one
)

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
	Matched int  // rows that are a match or, of a comparison, objects that were compared; 0: nothing matched
	Differs bool // objects that were compared do
	Unwell  bool // a server that was asked how it is

	Complete *sysops.Completeness // what the answer rests on; nil: the verb asks no fleet, and nothing has to match
	Pattern  string               // that selected objects; empty: none did
	Empty    bool                 // Pattern selects no object
	From     *sysops.Completeness // what the object rests on that others were compared with; nil: there is none
	LeftOut  *[]output.LeftOut    // objects that are not in the answer; nil: the verb cannot fail for one alone
	Gaps     bool                 // something is missing in the answer of which Complete does not tell
	Cost     *sysops.CostReport   // what the answer cost; nil: Complete tells
	Failed   error                // what could not be done everywhere; the rows say where. nil: nothing
	Refused  int                  // objects of the answer that were not made use of, as Call.Tell was told
	Cut      int                  // rows that the verb itself left out, beyond its Limit
	Warnings []error              // what a person should know, and what took nothing from the answer
	Notes    []Note               // what the answer comes to, for a person
}

// Partial reports whether something is missing in the answer, so that it must not pass for
// the whole. strict: also where a host is stale or missing.
func (o *Outcome) Partial(strict bool) bool {
	return o.Gaps || o.Complete != nil && (o.Complete.Partial() || strict && !o.Complete.Whole()) ||
		o.From != nil && o.From.Partial() ||
		o.LeftOut != nil && len(*o.LeftOut) > 0 || o.Refused > 0
}

// leaveOut counts an object that was read and could not be used.
func (o *Outcome) leaveOut(object output.LeftOut) {
	if o.LeftOut == nil {
		o.LeftOut = &[]output.LeftOut{}
	}
	*o.LeftOut = append(*o.LeftOut, object)
}

// note adds what the answer comes to.
func (o *Outcome) note(format string, args ...any) {
	o.Notes = append(o.Notes, Note{Text: fmt.Sprintf(format, args...)})
}

// A Misuse says which parameters do not go together, and why.
type Misuse struct {
	Code   string   // which misuse it is: callers have words for it
	Params []string // the parameters at fault, by their names
	Moot   bool     // they mean nothing with the others, and may be taken back where nobody insists; else they contradict each other
	Value  string   // of the one at fault, where its value is; else empty
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

// unusable says that a parameter cannot have this value.
func unusable(code, param string, value any, text string) error {
	return &Misuse{Code: code, Params: []string{param}, Value: fmt.Sprint(value), Err: fmt.Errorf("cannot use %v: %s", value, text)}
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

// checked is objects for a verb that goes by keys of objects that it does not read.
func (c *Call) checked(ctx context.Context, o *Outcome, p sysops.Pattern, work func(*sysops.Answer) error) error {
	call := *c
	call.Query.CheckKeys = true
	return call.objects(ctx, o, p, work)
}

// ownObjects is objects for a verb that chooses them itself, and tells what it means that
// there are none.
func (c *Call) ownObjects(ctx context.Context, o *Outcome, p sysops.Pattern, work func(*sysops.Answer) error) error {
	err := c.objects(ctx, o, p, work)
	o.Pattern = ""
	return err
}
