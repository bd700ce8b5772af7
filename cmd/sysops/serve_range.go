package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

func newServeRange(u *ui) *cobra.Command {
	var clusters, listen string
	cmd := &cobra.Command{
		Use:   "serve-range --clusters DIR",
		Short: "Answer the Range protocol over HTTP from cluster files",
		Long: `Answer Range's protocol over HTTP from cluster files, as mod_ranged does, for the
clients that a site has and for --range-query:

  GET /range/list?EXPR      the nodes of EXPR, one a line
  GET /range/expand?EXPR    the same as one line: host8..9,host10..1
  POST to either            the same; the body is EXPR, as it is

In a URL a % is sent as %25, a blank as %20. The status is 200 also where a part of EXPR
cannot be looked up: the header RangeException then says what, and the body has the rest.
Cluster files are read again when they change.`,
		Example: "  sysops serve-range --clusters /etc/range\n  curl 'http://127.0.0.1:9999/range/list?%25web:CLUSTER'",
		Args:    cli.Args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cli.Settings(cmd); err != nil {
				return err
			}
			if clusters == "" {
				return hint.To(errors.New("cannot serve anything: no cluster files are named"), "name their folder with --clusters, such as /etc/range")
			}
			files, err := hostset.OpenClusters(clusters)
			if err != nil {
				return err
			}
			return u.serveRange(cmd.Context(), files, listen)
		},
	}
	f := cmd.Flags()
	f.StringVar(&clusters, "clusters", "", "`folder` of the cluster files, CLUSTER.yaml")
	f.StringVar(&listen, "listen", "127.0.0.1:9999", "`address` and port to listen at; :9999 is every address of the machine")
	cli.CommandLineOnly(cmd, "listen") // another command that listens does not do so there
	return cmd
}

// serveRange serves until ctx ends, and then lets what is under way finish.
func (u *ui) serveRange(ctx context.Context, files *hostset.Clusters, listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	server := &http.Server{
		Handler:           rangeHandler(files),
		MaxHeaderBytes:    maxRangeLine,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	terminal.Say(u.stderr, "serving http://%s/range/list and /range/expand", l.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("cannot go on serving: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return fmt.Errorf("cannot end requests under way: %w", err)
	}
	return nil
}

// What a request may hold.
const (
	maxRangeExpr      = 1 << 20
	maxRangeException = 2047     // bytes of the header, as in mod_ranged
	maxRangeLine      = 64 << 10 // bytes of the request line with its headers; longer expressions are posted

	smallRange = 64 << 10 // bytes of a body or an answer: any number of requests may have so many
	largeRange = 16       // requests may have more at a time: clients may be slow, and memory is finite
)

// A rangeService answers as mod_ranged does (github.com/ytoolshed/range).
type rangeService struct {
	files *hostset.Clusters
	busy  chan struct{} // holds a token for each expression that keeps a CPU
	large chan struct{} // and one for each large request
}

func rangeHandler(files *hostset.Clusters) http.Handler {
	s := &rangeService{files, make(chan struct{}, runtime.GOMAXPROCS(0)), make(chan struct{}, largeRange)}
	mux := http.NewServeMux()
	mux.HandleFunc("/range/list", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(nodes []string) string {
			if len(nodes) == 0 {
				return ""
			}
			return strings.Join(nodes, "\n") + "\n"
		})
	})
	mux.HandleFunc("/range/expand", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, hostset.Compress) })
	return mux
}

func (s *rangeService) answer(w http.ResponseWriter, r *http.Request, render func([]string) string) {
	large := false
	defer func() {
		if large {
			<-s.large
		}
	}()
	fits := func(size int64) bool { // -1: unknown
		if large || 0 <= size && size <= smallRange {
			return true
		}
		select {
		case s.large <- struct{}{}:
			large = true
		default:
			http.Error(w, "too many large requests are under way: ask for less, or again later", http.StatusServiceUnavailable)
		}
		return large
	}
	if !fits(r.ContentLength) {
		return
	}
	expr, status, err := rangeExpression(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	body, problems, err := s.evaluate(r.Context(), expr, render)
	if err != nil || !fits(int64(len(body))) {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff") // nodes are what an expression says
	if len(problems) > 0 {
		h.Set("RangeException", headerText(strings.Join(problems, ", ")))
	}
	io.WriteString(w, body) //nolint:errcheck // the client is gone
}

// evaluate waits for its turn, until ctx ends. It is over before anything is sent: a
// client that reads slowly keeps nobody waiting.
func (s *rangeService) evaluate(ctx context.Context, expr string, render func([]string) string) (body string, problems []string, err error) {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
	nodes, problems := s.files.ExpandPartly(expr)
	for _, n := range nodes {
		if strings.ContainsFunc(n, unicode.IsControl) { // one line would be two nodes
			return "", append(problems, fmt.Sprintf("cannot list the node %.100q: it holds control characters", n)), nil
		}
	}
	return render(nodes), problems, nil
}

// rangeExpression returns the expression of a request or, beside an error, the status.
func rangeExpression(w http.ResponseWriter, r *http.Request) (string, int, error) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		expr, err := url.PathUnescape(r.URL.RawQuery) // unlike a query, + is no blank
		if err != nil {
			return "", http.StatusBadRequest, fmt.Errorf("cannot read the expression: %w: send a %% as %%25", err)
		}
		return expr, 0, nil
	case http.MethodPost:
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRangeExpr))
		if err != nil {
			return "", http.StatusRequestEntityTooLarge, fmt.Errorf("cannot read the expression: %w", err)
		}
		return postedExpression(strings.TrimRight(string(body), "\r\n")), 0, nil
	}
	w.Header().Set("Allow", "GET, HEAD, POST")
	return "", http.StatusMethodNotAllowed, errors.New("ask with GET or POST")
}

// postedExpression reads a body: some clients escape it as they do a URL, because
// mod_ranged takes %cf3 for the byte 0xCF there, too. No cluster is called 25….
func postedExpression(body string) string {
	if strings.Contains(body, "%25") {
		if expr, err := url.PathUnescape(body); err == nil {
			return expr
		}
	}
	return body
}

// headerText makes one line of text that a header may hold.
func headerText(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return text[:min(len(text), maxRangeException)]
}
