package verbs

import (
	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/output"
)

// FieldRows are the rows of what servers say in their INFO.
func FieldRows(servers []sysops.ServerInfo, glob string) []output.Row {
	return fieldRows(infoFields(servers, glob), servers, false)
}
