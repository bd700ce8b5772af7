package main

import (
	"fmt"

	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
)

// printCount prints how often something is found over the fleet, as "uniq -c" does,
// and with fold on which hosts: behind a tab, which their expression does not hold, so
// that one row stays one line and the expression is the last of its fields.
func (in *inquiry) printCount(count int, what []byte, fold bool, hosts []string, fields ...output.Field) error {
	text := fmt.Appendf(nil, "%7d %s", count, what)
	if fold {
		folded := foldFields(hosts)
		text = fmt.Appendf(text, "\t%s", folded[1].Value)
		fields = append(fields, folded...)
	}
	return in.row(append(text, '\n'), fields...)
}

// foldFields are the hosts of a row: how many, and which, as --hosts takes them.
func foldFields(hosts []string) []output.Field {
	return output.Fields("host_count", len(hosts), "hosts", hostset.Fold(hosts))
}
