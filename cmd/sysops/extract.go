package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/verbs"
)

// extractFlags are those of the original's extract_sysops_cache.py.
type extractFlags struct {
	hostFlags
	search                                  string
	contents, md5sum, stat, wordcount, time bool
	timeHuman, timeUpdated                  bool
	prefix, listFiles, info, noLoadBalance  bool
	compare                                 string
	compareAll, hostList                    bool
	scope, site                             string
	cost, verbose                           bool
}

func newExtract(u *ui) *cobra.Command {
	x := &extractFlags{}
	cmd := &cobra.Command{
		Use:   "extract --search STR",
		Short: "Every flag of the original's extract_sysops_cache.py",
		Long: `The command line of LinkedIn's extract_sysops_cache.py, for hands and scripts that
know it; sysops behaves so, too, when it is called by that name. Exit status: 0, or 1
where nothing was found or anything went wrong.`,
		Example:     "  sysops extract --search sysctl-a --contents --scope global | sort | uniq -c",
		Args:        cli.Args(0, 0),
		Annotations: map[string]string{originalStatus: "1"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return x.run(cmd, u)
		},
	}
	x.add(cmd)
	return cmd
}

func (x *extractFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&x.search, "search", "", "keys that match *STR* or, with a '#' in it, STR itself")
	f.BoolVar(&x.contents, "contents", false, "print contents")
	f.BoolVar(&x.md5sum, "md5sum", false, "print md5sums")
	f.BoolVar(&x.stat, "stat", false, "print what stat(2) said")
	f.BoolVar(&x.wordcount, "wordcount", false, "print lines, words and bytes")
	f.BoolVar(&x.time, "time", false, "print since when the contents are as they are, in unix seconds")
	f.BoolVar(&x.timeHuman, "time-human", false, "print that as a date")
	f.BoolVar(&x.timeUpdated, "time-updated", false, "print that as how long ago")
	f.BoolVar(&x.prefix, "prefix-hostnames", false, "put the key before each line")
	f.BoolVar(&x.listFiles, "list-files", false, "print the names in the scope, each once")
	f.StringVar(&x.scope, "scope", "local", "local, site or global")
	f.StringVar(&x.site, "site", "", "ask every core of this site")
	x.addClusters(cmd)
	x.addRange(cmd)
	f.StringVar(&x.hostFlags.file, "file", "", "only hosts listed in this file, one a line; - is stdin")
	f.StringVar(&x.compare, "compare", "", "diff the one object that --search matches against each that `STR` matches; lists of hosts narrow the latter")
	f.BoolVar(&x.compareAll, "compare-all", false, "group the objects that --search matches by what they hold, and diff every two groups")
	f.BoolVar(&x.hostList, "hostlist", false, "with --compare-all: the hosts of each group")
	f.BoolVar(&x.info, "info", false, "print Redis' INFO of the servers")
	f.BoolVar(&x.noLoadBalance, "no-load-balance", false, "ask every server of a core; keys then end in @<server>")
	f.BoolVar(&x.cost, "cost", false, "print what it cost, as JSON")
	f.BoolVar(&x.verbose, "verbose", false, "say what is done, on lines that begin with (+)")
}

// element is what to extract; empty: nothing but keys.
func (x *extractFlags) element() (string, error) {
	var chosen []string
	for _, c := range []struct {
		on   bool
		name string
	}{
		{x.contents, "contents"},
		{x.md5sum, "md5sum"},
		{x.stat, "stat"},
		{x.wordcount, "wordcount"},
		{x.time || x.timeHuman || x.timeUpdated, "time"},
	} {
		if c.on {
			chosen = append(chosen, c.name)
		}
	}
	switch len(chosen) {
	case 0:
		return "", nil
	case 1:
		return chosen[0], nil
	}
	return "", errors.New("cannot extract more than one of --contents, --md5sum, --stat, --wordcount and --time at a time")
}

// checkCompare checks the ways to compare among themselves, and against what else can be
// asked.
func (x *extractFlags) checkCompare() error {
	comparing := x.compare != "" || x.compareAll
	switch {
	case x.compare != "" && x.compareAll:
		return errors.New("cannot combine --compare and --compare-all: one compares one object with others, the other all of them")
	case x.hostList && !x.compareAll:
		return hint.To(errors.New("cannot list the hosts of groups: there are none"), "--hostlist goes with --compare-all")
	case comparing && (x.info || x.listFiles):
		return errors.New("cannot combine --compare and --compare-all with --info and --list-files: each is an answer of its own")
	case comparing && x.search == "":
		return hint.To(errors.New("cannot compare anything: nothing to search for"), "name it with --search")
	}
	return nil
}

// verb is what the flags ask for.
func (x *extractFlags) verb() (verbs.Verb, error) {
	element, err := x.element()
	if err != nil {
		return nil, err
	}
	if err := x.checkCompare(); err != nil {
		return nil, err
	}
	switch {
	case x.info:
		return verbs.ServerInfo{}, nil
	case x.compare != "":
		return &verbs.ExtractDiff{Search: x.search, Compare: x.compare, Element: element}, nil
	case x.compareAll:
		return &verbs.ExtractVariants{Search: x.search, Element: element, Hosts: x.hostList}, nil
	}
	v := &verbs.Extract{Search: x.search, Element: element, Prefix: x.prefix, Names: x.listFiles}
	switch {
	case x.timeHuman:
		v.Time = verbs.DateTime
	case x.timeUpdated:
		v.Time = verbs.TimeAgo
	}
	return v, nil
}

func (x *extractFlags) run(cmd *cobra.Command, u *ui) error {
	conf, err := cli.Settings(cmd)
	if err != nil {
		return err
	}
	v := &chosenVerb{choose: x.verb}
	if err := settle(cmd, v); err != nil {
		return err
	}
	query, err := x.query(u)
	if err != nil {
		return err
	}
	dir, err := cli.Directory(cmd, conf, "")
	if err != nil {
		return err
	}
	if query.Hosts, err = x.expand(cmd.Context(), dir, query.Hosts); err != nil {
		return err
	}
	client, err := connect(conf, dir)
	if err != nil {
		return err
	}
	defer client.Close()
	if !x.info {
		x.tell(u, verbs.Note{Text: fmt.Sprintf("searching for %s in scope %s", cmp.Or(x.compare, x.search, "*"), query.Scope)})
	}
	out := output.Output{Sink: terminal.NewText(u.stdout, false)}
	outcome, err := v.Run(cmd.Context(), &verbs.Call{Client: client, Query: query, Emit: out.Add, Tell: func(n verbs.Note) { x.tell(u, n) }})
	return x.conclude(u, outcome, err)
}

// tell says what is done, with --verbose. Those lines are for people: stderr.
func (x *extractFlags) tell(u *ui, n verbs.Note) {
	switch {
	case n.Warning:
		u.warn("%s", n.Text)
	case x.verbose:
		terminal.Say(u.stderr, "(+) %s", n.Text)
	}
}

// conclude prints what goes after the rows.
func (x *extractFlags) conclude(u *ui, o *verbs.Outcome, failed error) error {
	if o == nil {
		return failed
	}
	terminal.WarnOf(u.stderr, o.Warnings...)
	if failed != nil && !x.info {
		return failed
	}
	if err := x.printCost(u, o.Complete); err != nil {
		return err
	}
	if x.info {
		return failed
	}
	if err := u.stdout.Flush(); err != nil {
		return err
	}
	u.reportCompleteness(&queryFlags{quiet: !x.verbose}, o.Complete, nil)
	if len(o.Complete.Missing) > 0 && !x.verbose {
		u.warn("%s", o.Complete)
	}
	if o.Empty {
		return fmt.Errorf("cannot find any key that matches %s", cmp.Or(x.compare, x.search))
	}
	if o.Partial(false) { // which was told; 0 would say that nothing is missing
		u.status = exitNothing
	}
	return nil
}

func (x *extractFlags) printCost(u *ui, complete *sysops.Completeness) error {
	if !x.cost {
		return nil
	}
	b, err := json.MarshalIndent(complete.Cost, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the cost: %w", err)
	}
	_, err = fmt.Fprintf(u.stdout, "%s\n", b)
	return err
}

func (x *extractFlags) query(u *ui) (sysops.Query, error) {
	q := sysops.Query{EveryServer: x.noLoadBalance, Where: sysops.Where{Site: x.site}}
	var err error
	if q.Scope, err = sysops.ParseScope(x.scope); err != nil {
		return q, err
	}
	q.Scope = x.globalByDefault(q.Scope, x.site != "")
	q.Hosts, _, err = x.parse(u)
	return q, err
}
