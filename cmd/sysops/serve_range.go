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

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
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
				return &sysops.HintedError{Err: errors.New("cannot serve anything: no cluster files are named"), Hint: "name their folder with --clusters, such as /etc/range"}
			}
			files, err := sysops.OpenClusters(clusters)
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
func (u *ui) serveRange(ctx context.Context, files *sysops.Clusters, listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	server := &http.Server{
		Handler:           rangeHandler(files),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	fmt.Fprintf(u.stderr, "serving http://%s/range/list and /range/expand\n", l.Addr())
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
	maxRangeException = 2047 // bytes of the header, as in mod_ranged
)

// rangeHandler answers as mod_ranged does (github.com/ytoolshed/range).
func rangeHandler(files *sysops.Clusters) http.Handler {
	busy := make(chan struct{}, runtime.GOMAXPROCS(0)) // an expression may keep a CPU for a while
	answer := func(render func(io.Writer, []string)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			expr, status, err := rangeExpression(w, r)
			if err != nil {
				http.Error(w, err.Error(), status)
				return
			}
			select {
			case busy <- struct{}{}:
				defer func() { <-busy }()
			case <-r.Context().Done():
				return
			}
			nodes, problems := files.ExpandPartly(expr)
			h := w.Header()
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("X-Content-Type-Options", "nosniff") // nodes are what an expression says
			if len(problems) > 0 {
				h.Set("RangeException", headerText(strings.Join(problems, ", ")))
			}
			render(w, nodes)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/range/list", answer(func(w io.Writer, nodes []string) {
		if len(nodes) > 0 {
			io.WriteString(w, strings.Join(nodes, "\n")+"\n") //nolint:errcheck // the client is gone
		}
	}))
	mux.Handle("/range/expand", answer(func(w io.Writer, nodes []string) {
		io.WriteString(w, sysops.CompressNodes(nodes)) //nolint:errcheck // the client is gone
	}))
	return mux
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
