package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/cli"
	"github.com/sysops-api/sysops-api/internal/output"
	"github.com/sysops-api/sysops-api/internal/terminal"
	"github.com/sysops-api/sysops-api/internal/words"
)

// extractFlags are those of the original's extract_sysops_cache.py.
type extractFlags struct {
	hostFlags
	search                                  string
	contents, md5sum, stat, wordcount, time bool
	timeHuman, timeUpdated                  bool
	prefix, listFiles, info, noLoadBalance  bool
	extractCompareFlags
	scope, site   string
	cost, verbose bool
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
	x.extractCompareFlags.add(cmd)
	f.BoolVar(&x.info, "info", false, "print Redis' INFO of the servers")
	f.BoolVar(&x.noLoadBalance, "no-load-balance", false, "ask every server of a core; keys then end in @<server>")
	f.BoolVar(&x.cost, "cost", false, "print what it cost, as JSON")
	f.BoolVar(&x.verbose, "verbose", false, "say what is done, on lines that begin with (+)")
	return cmd
}

// say prints a line for --verbose. Those lines are for people: stderr.
func (x *extractFlags) say(u *ui, format string, args ...any) {
	if x.verbose {
		fmt.Fprintf(u.stderr, "(+) %s\n", terminal.SafeText(fmt.Sprintf(format, args...)))
	}
}

// element returns what to extract; false: nothing but keys.
func (x *extractFlags) element() (sysops.Element, bool, error) {
	choices := []struct {
		on      bool
		element sysops.Element
	}{
		{x.contents, sysops.Contents},
		{x.md5sum, sysops.MD5Sum},
		{x.stat, sysops.StatOf},
		{x.wordcount, sysops.CountsOf},
		{x.time || x.timeHuman || x.timeUpdated, sysops.TimeOf},
	}
	var chosen []sysops.Element
	for _, c := range choices {
		if c.on {
			chosen = append(chosen, c.element)
		}
	}
	switch len(chosen) {
	case 0:
		return 0, false, nil
	case 1:
		return chosen[0], true, nil
	}
	return 0, false, errors.New("cannot extract more than one of --contents, --md5sum, --stat, --wordcount and --time at a time")
}

func (x *extractFlags) run(cmd *cobra.Command, u *ui) error {
	conf, err := cli.Settings(cmd)
	if err != nil {
		return err
	}
	element, wanted, err := x.element()
	if err != nil {
		return err
	}
	if err := x.checkCompare(); err != nil {
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
	if x.info {
		return x.printInfo(cmd.Context(), u, client, query)
	}
	search := x.search
	if search == "" && x.listFiles {
		search = "*"
	}
	if search == "" {
		return &sysops.HintedError{Err: errors.New("cannot extract anything: nothing to search for"), Hint: "name it with --search, or use --list-files or --info"}
	}
	print := func(ctx context.Context, answer *sysops.Answer) error {
		return x.print(ctx, u, answer, element, wanted)
	}
	switch {
	case x.compare != "":
		from := sysops.Query{Where: sysops.Where{Scope: query.Scope, Site: query.Site}}
		if from.Pattern, err = sysops.ParseSearch(search); err != nil {
			return err
		}
		search = x.compare
		print = func(ctx context.Context, answer *sysops.Answer) error {
			return x.printAgainst(ctx, u, client, from, answer, element)
		}
	case x.compareAll:
		print = func(ctx context.Context, answer *sysops.Answer) error {
			return x.printVariants(ctx, u, answer, element)
		}
	}
	if query.Pattern, err = sysops.ParseSearch(search); err != nil {
		return err
	}
	x.say(u, "searching for %s in scope %s", search, query.Scope)
	answer, err := client.Ask(cmd.Context(), query)
	if err != nil {
		return err
	}
	x.say(u, "%d keys match", answer.Len())
	printed := print(cmd.Context(), answer)
	if err := answer.Close(cmd.Context()); err != nil && printed == nil {
		u.warn("%v", err)
	}
	if printed != nil {
		return printed
	}
	return x.conclude(u, answer)
}

func (x *extractFlags) conclude(u *ui, answer *sysops.Answer) error {
	if err := x.printCost(u, answer.Completeness()); err != nil {
		return err
	}
	if err := u.stdout.Flush(); err != nil {
		return err
	}
	complete := answer.Completeness()
	u.reportCompleteness(&queryFlags{quiet: !x.verbose}, complete)
	if len(complete.Missing) > 0 && !x.verbose {
		u.warn("%s", complete)
	}
	if answer.Len() == 0 {
		return fmt.Errorf("cannot find any key that matches %s", cmp.Or(x.compare, x.search))
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

func (x *extractFlags) printInfo(ctx context.Context, u *ui, client *sysops.Client, query sysops.Query) error {
	servers, complete, err := client.Info(ctx, query.Where)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range servers {
		if s.Error != "" {
			failed = append(failed, errors.New(s.Error))
		}
		for line := range strings.Lines(s.RawInfo) {
			fmt.Fprintf(u.stdout, "%s %s\n", s.Server, strings.TrimRight(line, "\r\n"))
		}
	}
	if err := x.printCost(u, complete); err != nil {
		return err
	}
	return errors.Join(failed...)
}

func (x *extractFlags) print(ctx context.Context, u *ui, answer *sysops.Answer, element sysops.Element, wanted bool) error {
	switch {
	case x.listFiles:
		for _, n := range answer.Names() {
			fmt.Fprintf(u.stdout, "files#%s\n", output.OneLine(n.Name))
		}
		return nil
	case !wanted:
		for key, server := range answer.Keys() {
			fmt.Fprintln(u.stdout, keyAt(key, server))
		}
		return nil
	}
	for o, err := range answer.Objects(ctx, element) {
		if err != nil {
			return err
		}
		text := x.render(&o, element)
		if x.prefix {
			server := ""
			if x.noLoadBalance {
				server = o.Server
			}
			text = output.PrefixLines(padded(keyAt(o.Key, server)), text)
		}
		if _, err := u.stdout.Write(text); err != nil {
			return err
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			if err := u.stdout.WriteByte('\n'); err != nil {
				return err
			}
		}
	}
	return nil
}

func keyAt(key sysops.Key, server string) string {
	if server == "" {
		return keyText(key)
	}
	return keyText(key) + "@" + server
}

// padded pads a key to 50 columns or, where it is longer, to 100.
func padded(key string) string {
	if len(key) < 50 {
		return fmt.Sprintf("%-50s", key)
	}
	return fmt.Sprintf("%-99s ", key)
}

func (x *extractFlags) render(o *sysops.Object, element sysops.Element) []byte {
	switch element {
	case sysops.MD5Sum:
		return []byte(o.MD5Sum)
	case sysops.StatOf:
		if o.Stat == nil {
			return []byte("no stat available")
		}
		s := o.Stat
		return fmt.Appendf(nil, "st_mode=%d, st_ino=%d, st_dev=%d, st_nlink=%d, st_uid=%d, st_gid=%d, st_size=%d, st_mtime=%d, st_ctime=%d",
			s.Mode, s.Ino, s.Dev, s.Nlink, s.UID, s.GID, s.Size, s.Mtime, s.Ctime)
	case sysops.CountsOf:
		return fmt.Appendf(nil, "%d %d %d", o.Words.Lines, o.Words.Words, o.Words.Bytes)
	case sysops.TimeOf:
		switch {
		case x.timeHuman:
			return []byte(o.Time.Local().Format(time.ANSIC))
		case x.timeUpdated:
			return []byte(words.Age(time.Since(o.Time)) + " ago")
		}
		return fmt.Appendf(nil, "%d", o.Time.Unix())
	}
	return o.Contents
}
