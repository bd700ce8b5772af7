// Package jq applies expressions of jq(1) to objects.
//
// It promises that what one object costs is bounded, whatever it holds and whatever the
// expression makes of it, and that the expression sees nothing else. It is a package of its
// own for the sake of the agent, which shows rows, too, and has no use for an interpreter.
package jq

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"

	"github.com/itchyny/gojq"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/hint"
)

// Limits of --jq: objects come from machines that may be hostile, and JSON of many small
// values takes some thirty times its size in memory.
const (
	jqObject  = 16 << 20 // of JSON in one object
	jqMemory  = 64 << 20 // that this needs, by a rough count
	jqValue   = 64       // that a value, or the name of one, needs beside its JSON
	jqResults = 16 << 20 // that the expression makes of one object, each with jqResult
	jqResult  = 32       // that a result needs beside its JSON
	jqAtOnce  = jqMemory // under way; one object may exceed it
)

// jqWeight is about how much memory the values of a text need: there are as many as marks
// that come before one, or a few less.
func jqWeight(text []byte) int {
	n := len(text)
	for _, mark := range []string{",", ":", "[", "{"} {
		n += jqValue * bytes.Count(text, []byte(mark))
	}
	return n
}

// A Program is a compiled expression of jq(1). It sees one object at a time: no environment,
// no file, no other object. It is safe for concurrent use.
type Program struct{ code *gojq.Code }

// Compile reads an expression.
func Compile(expr string) (*Program, error) {
	query, err := gojq.Parse(expr)
	if err == nil {
		var code *gojq.Code
		if code, err = gojq.Compile(query); err == nil {
			return &Program{code}, nil
		}
	}
	return nil, hint.To(fmt.Errorf("cannot read the jq expression %q: %w", expr, err),
		"the language is that of jq(1), without input, modules and the environment")
}

// results applies the program to each JSON value of the text, and returns all
// results in the order of jq, as compact JSON. After an error there are none, so that
// an object either is in the answer or is not.
func (p *Program) results(ctx context.Context, text []byte) (results [][]byte, err error) {
	defer func() {
		if r := recover(); r != nil { // a mistake in the library must not end the answer of the others
			results, err = nil, fmt.Errorf("the expression fails: %v", r)
		}
	}()
	if len(text) > jqObject {
		return nil, fmt.Errorf("it has %d bytes, jq is given at most %d", len(text), jqObject)
	}
	if jqWeight(text) > jqMemory {
		return nil, fmt.Errorf("it has about %d values, jq is given at most %d", (jqWeight(text)-len(text))/jqValue, jqMemory/jqValue)
	}
	inputs, err := jsonValues(text)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, input := range inputs {
		iter := p.code.RunWithContext(ctx, input)
		for {
			v, ok := iter.Next()
			if !ok {
				break
			}
			if err, ok := v.(error); ok {
				if halt := (*gojq.HaltError)(nil); errors.As(err, &halt) && halt.Value() == nil {
					return results, nil
				}
				return nil, err
			}
			b, err := gojq.Marshal(v)
			if err != nil {
				return nil, err
			}
			if size += len(b) + jqResult; size > jqResults {
				return nil, fmt.Errorf("the expression makes more than %d bytes of it", jqResults)
			}
			results = append(results, b)
		}
	}
	return results, nil
}

// jsonValues reads one or several JSON values, with numbers as they are written.
func jsonValues(text []byte) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var values []any
	for {
		var v any
		switch err := d.Decode(&v); {
		case err == nil:
			values = append(values, v)
		case err != io.EOF:
			return nil, fmt.Errorf("it is not JSON: %w", err)
		case len(values) == 0:
			return nil, errors.New("it is not JSON: it is empty")
		default:
			return values, nil
		}
	}
}

// An evaluation is a program at work on one object.
type evaluation struct {
	key     sysops.Key
	size    int
	done    chan struct{}
	results [][]byte
	err     error
}

// Each applies the program to objects, by all CPUs, and calls emit with the results of
// each, in the order of the objects, or fail where that fails: one of the two for every
// object, never two at a time. It ends with the first error of objects or emit, or
// when ctx does.
func (p *Program) Each(ctx context.Context, objects iter.Seq2[sysops.Object, error], emit func(sysops.Key, [][]byte) error, fail func(sysops.Key, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var queue []*evaluation
	size, most := 0, 4*runtime.GOMAXPROCS(0)
	first := func() error {
		e := queue[0]
		queue = queue[1:]
		size -= e.size
		<-e.done
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("cannot go on: %w", context.Cause(ctx))
		case e.err != nil:
			fail(e.key, e.err)
			return nil
		}
		return emit(e.key, e.results)
	}
	for o, err := range objects {
		if err != nil {
			return err
		}
		weight := jqWeight(o.Contents)
		for len(queue) > 0 && (len(queue) == most || size+weight > jqAtOnce) {
			if err := first(); err != nil {
				return err
			}
		}
		e := &evaluation{key: o.Key, size: weight, done: make(chan struct{})}
		queue = append(queue, e)
		size += e.size
		go func() {
			defer close(e.done)
			e.results, e.err = p.results(ctx, o.Contents)
		}()
	}
	for len(queue) > 0 {
		if err := first(); err != nil {
			return err
		}
	}
	return nil
}

// Value is a result as a field's value: a string as such, for csv and for sorting.
func Value(result []byte) any {
	if result[0] == '"' {
		var text string
		if err := json.Unmarshal(result, &text); err == nil {
			return text
		}
	}
	return json.RawMessage(result)
}
