package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/config"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
)

// queryFlags are the flags of everything that asks.
type queryFlags struct {
	hostFlags
	scope, site, core string
	maxAge            time.Duration
	partial           bool
	requireComplete   bool
	format            string
	sort              string
	limit             int
	cost              bool
	color             string
	quiet             bool

	// What the verb adds. check is called when all flags are known, before
	// anything is asked; columns, after it, returns the fields of the verb's rows
	// with values that show what is within them.
	check   func() error
	columns func() []output.Field

	// alone reports, when all flags are known, whether no server is asked: then none need be
	// known. nil: some are.
	alone func() bool

	// misfit is cli.Misfit, of the verb.
	misfit func(flag string) bool

	// grouped: rows come in groups, and the verb applies --limit to each.
	grouped bool
}

// addScopeFlags adds those that say where to ask.
func (q *queryFlags) addScopeFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&q.scope, "scope", "local", "how far to ask: local (this core), site, or global")
	f.StringVar(&q.site, "site", "", "ask every core of this site")
	f.StringVar(&q.core, "core", "", "ask this core alone")
}

func (q *queryFlags) add(cmd *cobra.Command) {
	q.addQuestionFlags(cmd)
	cli.GroupFlags(cmd, questionFlags, func() {
		q.addOutputFlags(cmd)
		f := cmd.Flags()
		f.StringVar(&q.sort, "sort", "", "sort the rows by this `field` of --format json, -FIELD in descending order; several, separated by commas")
		f.IntVar(&q.limit, "limit", 0, "print the first so many `rows`; 0: all")
	})
}

// questionFlags is what help calls the flags that nearly all verbs share.
const questionFlags = "Flags of most questions"

// addQuestionFlags adds those of a question whose answer is no rows.
func (q *queryFlags) addQuestionFlags(cmd *cobra.Command) {
	cli.GroupFlags(cmd, questionFlags, func() {
		q.addScopeFlags(cmd)
		q.hostFlags.add(cmd)
		f := cmd.Flags()
		f.DurationVar(&q.maxAge, "max-age", 0, "only hosts whose last push is younger, such as 30m")
		f.BoolVar(&q.partial, "partial", false, "answer without the cores that are down; exit status 3")
		f.BoolVar(&q.requireComplete, "require-complete", false, "exit status 3 also where a host is stale or missing")
		q.addCost(cmd)
		f.BoolVarP(&q.quiet, "quiet", "q", false, "no completeness line on stderr")
	})
}

func (q *queryFlags) addCost(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&q.cost, "cost", false, "print what the answer cost as JSON on stderr")
}

func (q *queryFlags) addOutputFlags(cmd *cobra.Command) {
	q.misfit = func(flag string) bool { return cli.Misfit(cmd, flag) }
	cmd.Flags().StringVar(&q.format, "format", "text", "text, json, jsonl or csv")
	cmd.Flags().StringVar(&q.color, "color", "auto", "auto, always or never")
}

// connect opens the client that the config and flags describe.
func connect(conf *config.Config, dir sysops.Directory) (*sysops.Client, error) {
	options, err := conf.Options()
	if err != nil {
		return nil, err
	}
	if user, err := os.UserCacheDir(); err == nil { // beside the copy of what the directory says
		options.CacheFolder = filepath.Join(user, "sysops")
	}
	return sysops.New(dir, sysops.Options(options))
}

// caller is who asks, for the record of queries.
func (u *ui) caller(cmd *cobra.Command) sysops.Caller {
	return sysops.Caller{Program: cmd.Root().Name(), Args: u.args}
}

// toQuery makes a Query of the flags, whose pattern is the verb's.
func (q *queryFlags) toQuery(u *ui) (sysops.Query, error) {
	out := sysops.Query{Where: sysops.Where{Site: q.site, Core: q.core, MaxAge: q.maxAge, Partial: q.partial}}
	var err error
	if out.Scope, err = sysops.ParseScope(q.scope); err != nil {
		return out, err
	}
	if q.maxAge < 0 {
		return out, fmt.Errorf("cannot use --max-age %v: it is negative", q.maxAge)
	}
	out.Hosts, out.Exclude, err = q.parse(u)
	return out, err
}

// An inquiry is one question on its way to an answer on stdout.
type inquiry struct {
	*ui
	*queryFlags
	conf      *config.Config
	directory sysops.Directory
	client    *sysops.Client
	query     sysops.Query
	out       *output.Output
}

// inquire settles the flags and makes of them a query, what answers it, and where
// the answer goes. What is wrong with the command line is told before anything is
// wrong with a server. Close the client, if there is one.
func (u *ui) inquire(cmd *cobra.Command, q *queryFlags) (*inquiry, error) {
	conf, err := cli.Settings(cmd)
	if err != nil {
		return nil, err
	}
	if q.check != nil {
		if err := q.check(); err != nil {
			return nil, err
		}
	}
	in := &inquiry{ui: u, queryFlags: q, conf: conf}
	if in.query, err = q.toQuery(u); err != nil {
		return nil, err
	}
	if in.out, err = q.output(u); err != nil {
		return nil, err
	}
	if q.alone != nil && q.alone() {
		return in, nil
	}
	dir, err := cli.Directory(cmd, conf, "")
	if err != nil {
		return nil, err
	}
	in.query.Scope = q.globalByDefault(in.query.Scope, cmd.Flags().Changed("scope"))
	if in.query.Hosts, err = q.expand(cmd.Context(), dir, in.query.Hosts); err != nil {
		return nil, err
	}
	in.query.Caller = u.caller(cmd)
	in.directory = dir
	in.client, err = connect(conf, dir)
	return in, err
}

// output opens what the rows go to.
func (q *queryFlags) output(u *ui) (*output.Output, error) {
	color, err := terminal.Colored(q.color, u.stdout.Terminal())
	if err != nil {
		return nil, err
	}
	if q.limit < 0 {
		return nil, fmt.Errorf("cannot print the first %d rows: the number is negative", q.limit)
	}
	out := &output.Output{}
	if !q.grouped {
		out.Limit = q.limit
	}
	if out.Sink, err = output.NewSink(q.format, u.stdout.Writer, terminal.NewText(u.stdout, color)); err != nil {
		return nil, err
	}
	if q.columns != nil {
		err = q.sortBy(out, q.columns())
	}
	return out, err
}

// sortBy has rows with these fields sorted as --sort says.
func (q *queryFlags) sortBy(out *output.Output, columns []output.Field) error {
	by, err := output.ParseSort(q.sort, columns)
	if err != nil && q.misfit("sort") {
		return err
	}
	out.Sort = by
	return nil
}

// colored reports whether the marks of rows are seen.
func (in *inquiry) colored() bool {
	color, err := terminal.Colored(in.color, in.stdout.Terminal())
	return color && err == nil && in.format == "text"
}
