package verbs_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
	"github.com/sysops-api/sysops-api/snapshot"
)

// objects are the contents of a host's objects, by name.
type objects map[string]string

// clientOf returns a client of these servers, which form one core.
func clientOf(t *testing.T, urls ...string) *sysops.Client {
	t.Helper()
	client, err := sysops.New(sysops.ServerList(urls...), sysops.Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// fleet starts a server to which these hosts have pushed, and returns a client of it.
func fleet(t *testing.T, hosts map[string]objects) *sysops.Client {
	t.Helper()
	client := clientOf(t, redistest.Start(t).URL())
	publish(t, client, hosts)
	return client
}

// publish has these hosts push.
func publish(t *testing.T, client *sysops.Client, hosts map[string]objects) {
	t.Helper()
	for host, of := range hosts {
		snap := snapshot.Snapshot{Host: host}
		for name, text := range of {
			snap.Sources = append(snap.Sources, snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
				return snapshot.Content{Data: []byte(text)}, nil
			}})
		}
		if _, err := client.Publish(t.Context(), "", snap); err != nil {
			t.Fatal(err)
		}
	}
}

// ran runs a verb, which must succeed, and returns its rows as JSON, a line each, and its
// outcome. The rows must have the fields that the verb promises.
func ran(t *testing.T, client *sysops.Client, v verbs.Verb) (rows string, o *verbs.Outcome) {
	t.Helper()
	return ranAs(t, client, verbs.AsText, v)
}

// ranAs is ran for rows of which this form is read.
func ranAs(t *testing.T, client *sysops.Client, form verbs.Form, v verbs.Verb) (rows string, o *verbs.Outcome) {
	t.Helper()
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w := bufio.NewWriter(&text)
	sink, err := output.NewSink("jsonl", w, nil)
	if err != nil {
		t.Fatal(err)
	}
	columns := names(v.Columns())
	o, err = v.Run(t.Context(), &verbs.Call{Client: client, Form: form, Emit: func(r output.Row) error {
		if got := names(r.Fields); r.Fields != nil && !slices.Equal(got, columns) {
			t.Errorf("a row has the fields %q, its verb promises %q", got, columns)
		}
		return sink.Write(&r)
	}})
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.String(), o
}

// told runs a verb, which must succeed, and returns what a person is told beside its rows, a
// line each.
func told(t *testing.T, client *sysops.Client, v verbs.Verb) string {
	t.Helper()
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	o, err := v.Run(t.Context(), &verbs.Call{
		Client: client,
		Emit:   func(output.Row) error { return nil },
		Tell:   func(n verbs.Note) { text.WriteString(n.Text + "\n") },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range o.Notes {
		text.WriteString(n.Text + "\n")
	}
	return text.String()
}

func names(fields []output.Field) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Name)
	}
	return out
}

// misused demands that the parameters of a verb are this misuse.
func misused(t *testing.T, v verbs.Verb, code string, params ...string) {
	t.Helper()
	err := v.Check()
	bad, ok := errors.AsType[*verbs.Misuse](err)
	if !ok || bad.Code != code || !slices.Equal(bad.Params, params) {
		t.Errorf("the parameters of %+v are %v, want the misuse %q of %q", v, err, code, params)
		return
	}
	if strings.Contains(bad.Error(), "--") {
		t.Errorf("a verb names a flag: %v", bad)
	}
}

// shown runs a verb, which must succeed, and returns the text of its rows.
func shown(t *testing.T, client *sysops.Client, v verbs.Verb) string {
	t.Helper()
	if err := v.Check(); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	w := terminal.NewWriter(&text)
	sink := terminal.NewText(w, false)
	_, err := v.Run(t.Context(), &verbs.Call{Client: client, Emit: func(r output.Row) error { return sink.Write(&r) }})
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
