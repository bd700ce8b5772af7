package main

import (
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/internal/output"
)

// foldFields are the hosts of a row: how many, and which, as --hosts takes them.
func foldFields(hosts []string) []output.Field {
	return output.Fields("host_count", len(hosts), "hosts", hostset.Fold(hosts))
}
