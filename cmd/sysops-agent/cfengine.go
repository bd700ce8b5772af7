package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What a push tells CFEngine. The classes and variables of the original have its
// names: policies of its users know them. A variable holds one server, the first of
// its kind, as its host name; the list beside it holds all, as host:port/db.
//
// One of the pushClasses is defined after each push, and says what became of it as a whole.
var (
	serverClasses = [...]serverClass{
		connected: {"successful_redis_server_connection", "successful_redis_server"},
		timedOut:  {"redis_server_timeout_exception", "timeout_exception_redis_server"},
		failed:    {"redis_server_connection_failure", "connection_error_redis_server"},
		refused:   {"redis_server_refused_objects", "refusing_redis_server"},
	}
	pushClasses = []string{pushComplete, pushPartial, pushFailed}
)

const (
	pushComplete = "sysops_push_complete" // every server has all of it
	pushPartial  = "sysops_push_partial"  // some server has all of it, another has not
	pushFailed   = "sysops_push_failed"   // no server has all of it, or none was asked
)

type serverClass struct {
	class    string
	variable string // the list's name has an s more
}

// What became of a push at one server.
const (
	connected = iota // it has all of it
	timedOut
	failed  // it could not be reached, or the connection was of no use
	refused // it answered, and did not take all of it
)

// outcome sorts a server into one of the serverClasses; ok is false where the server
// is not why it has nothing.
func outcome(s snapshot.ServerReport) (class int, ok bool) {
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(s.Err, target) })
	}
	switch {
	case s.Err == nil && len(s.Refused) == 0:
		return connected, true
	case is(sysops.ErrOtherMachine):
		return 0, false
	case is(sysops.ErrServerTimeout):
		return timedOut, true
	case is(sysops.ErrServerUnreachable, sysops.ErrServerCut, sysops.ErrServerNotRedis, sysops.ErrServerAuth, sysops.ErrServerLoading):
		return failed, true
	}
	return refused, true
}

// pushForCFEngine pushes and says nothing but what CFEngine understands.
func pushForCFEngine(cmd *cobra.Command) error {
	var said bytes.Buffer
	cmd.SetErr(&said)
	s, err := newSettings(cmd)
	if err != nil {
		return tellCFEngine(cmd.OutOrStdout(), nil, err, nil)
	}
	s.quiet = false     // nobody reads what is said here, but for the warnings: they are variables
	s.agent.Retry = nil // cf-agent waits, and comes again in a few minutes
	report, err := s.push(cmd)
	return tellCFEngine(cmd.OutOrStdout(), report, err, warnings(said.String(), err))
}

// warnings returns what of the text [terminal.Warn] has written, without what err says too.
func warnings(text string, err error) []string {
	var out []string
	for line := range strings.Lines(text) {
		w, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "warning: ")
		if ok && (err == nil || !strings.Contains(err.Error(), w)) {
			out = append(out, w)
		}
	}
	return out
}

// toldError is an error that CFEngine has been told of: all that is left of it is the
// exit status.
type toldError struct{ error }

// tellCFEngine writes to w, in CFEngine's module protocol, what became of a push. The
// report is nil where no server was asked. Of the classes only those of this push are
// left: cf-agent may run a module twice. It returns err, marked as told.
func tellCFEngine(w io.Writer, report *snapshot.Report, err error, warnings []string) error {
	var m moduleOutput
	var servers [len(serverClasses)][]string
	if report != nil {
		for _, s := range report.Servers {
			if class, ok := outcome(s); ok {
				servers[class] = append(servers[class], s.Server)
			}
		}
	}
	for i, c := range serverClasses {
		m.class(c.class, len(servers[i]) > 0)
		if len(servers[i]) > 0 {
			m.variable(c.variable, hostOf(servers[i][0]))
			m.list(c.variable+"s", servers[i])
		}
	}
	result := pushFailed
	switch {
	case err == nil:
		result = pushComplete
	case len(servers[connected]) > 0:
		result = pushPartial
	}
	for _, class := range pushClasses {
		m.class(class, class == result)
	}
	if report != nil {
		m.variable("sysops_push_host", report.Host)
		if report.Objects > 0 { // else no server has answered, and nothing was read
			m.variable("sysops_push_objects", strconv.Itoa(report.Objects))
		}
	}
	if len(warnings) > 0 {
		m.list("sysops_push_warnings", warnings)
	}
	if err != nil {
		m.variable("sysops_push_error", err.Error())
		if hints := terminal.Hints(err); len(hints) > 0 {
			m.variable("sysops_push_hint", strings.Join(hints, "; "))
		}
	}
	if _, werr := w.Write(m.Bytes()); werr != nil {
		return fmt.Errorf("cannot tell CFEngine what became of the push: %w", werr)
	}
	if err != nil {
		return toldError{err}
	}
	return nil
}

// hostOf returns the host of a server's name host:port/db: what the original told.
func hostOf(server string) string {
	addr, _, _ := strings.Cut(server, "/")
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return server
	}
	return cmp.Or(host, server)
}

// forCFEngine reports whether the command line asks for CFEngine's module protocol,
// also where the rest of it is wrong.
func forCFEngine(args []string) bool {
	on := false
	for _, arg := range args {
		value, given := strings.CutPrefix(arg, "--cfengine=")
		switch {
		case arg == "--cfengine":
			on = true
		case given:
			says, err := strconv.ParseBool(value)
			on = says || err != nil // what is no answer is more likely a mistaken yes
		}
	}
	return on
}

// A moduleOutput is lines of CFEngine's module protocol, as of 3.21:
//
//	+CLASS               define a class
//	-CLASS               undefine it
//	=NAME=VALUE          a string of at most 4095 bytes
//	@NAME= { "A", "B" }  a list; a line has at most 4095 bytes
//
// A line that begins with anything else is logged. Values come from a directory, from
// servers and from files' names, so each is kept from ending its line or its quotes,
// and from being expanded by CFEngine as it would $(a_variable).
//
// Source: https://docs.cfengine.com/docs/3.21/reference-promise-types-commands.html#module
type moduleOutput struct{ bytes.Buffer }

// maxValue is what a value may have, in bytes, and maxList what the values of a list
// may have together, with quotes. CFEngine takes 4095, less what it needs itself.
const (
	maxValue = 1000
	maxList  = 3500
)

func (m *moduleOutput) class(name string, defined bool) {
	sign := '-'
	if defined {
		sign = '+'
	}
	fmt.Fprintf(m, "%c%s\n", sign, name)
}

func (m *moduleOutput) variable(name, value string) {
	fmt.Fprintf(m, "=%s=%s\n", name, moduleValue(value, maxValue))
}

// list writes as many of the values as there is room for; a last one says how many
// more there are.
func (m *moduleOutput) list(name string, values []string) {
	fmt.Fprintf(m, "@%s= {", name)
	room := maxList
	for i, v := range values {
		quoted := ` "` + moduleValue(v, maxValue) + `"`
		if room -= len(quoted) + 1; room < 0 {
			fmt.Fprintf(m, ` "and %d more"`, len(values)-i)
			break
		}
		m.WriteString(quoted)
		if i < len(values)-1 {
			m.WriteByte(',')
		}
	}
	m.WriteString(" }\n")
}

// moduleValues makes text harmless in a value: quotes and backslashes cannot be
// escaped in each version, so other characters take their place.
var moduleValues = strings.NewReplacer(
	"\n", " ", "\t", " ", `"`, "'", `\`, "/",
	"$(", "$ (", "${", "$ {", "@(", "@ (", "@{", "@ {",
)

// moduleValue returns text as one value of at most limit bytes.
func moduleValue(text string, limit int) string {
	const more = " …"
	text = moduleValues.Replace(terminal.SafeText(strings.TrimSpace(text)))
	if len(text) <= limit {
		return text
	}
	end := limit - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}
