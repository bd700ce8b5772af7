// Package export writes the objects of an answer to files: as a tree, one file an
// object, that later exports bring up to date; as a tar archive; or as a Parquet
// file for data tools. A tree goes by the keys of the answer, which should be checked
// ([sysops.Query.CheckKeys]): a host may not have all that the index lists.
//
// What hosts send is hostile: a host that calls itself "..", and a name such as
// "/../../etc/passwd", must not reach anything outside the target. PathOf is the
// one place that makes paths of keys, and refuses what it would have to change.
// Trees are written through [os.Root], which keeps symbolic links from leading out.
package export

import (
	"time"

	"github.com/sysops-api/sysops-api"
)

// A Report counts what an export did.
type Report struct {
	Written   int // files, rows or members of the archive with new contents
	Linked    int // files that became links to identical ones
	Touched   int // files of which only mtime or mode changed
	Unchanged int
	Purged    int

	Refused Refusals // objects that cannot be in the export
	Kept    Refusals // files that a purge left, because somebody has changed them

	Bytes int64 // of contents that were written
}

// Refusals are objects that were left alone, and why: the first few of them, and how
// many there are.
type Refusals struct {
	Count int
	First []Refusal
}

// A Refusal is one of them.
type Refusal struct {
	What   string // its key
	Reason string
}

// namedRefusals is how many are named: a host can send as many as it likes.
const namedRefusals = 10

func (r *Refusals) add(key sysops.Key, why error) {
	r.Count++
	if len(r.First) < namedRefusals {
		r.First = append(r.First, Refusal{key.String(), why.Error()})
	}
}

// mtimeOf is the modification time that the export gives an object: that of its stat
// or, where there is none, the time since when the cache has its contents. What no file
// system could hold becomes the start of 1970: hosts say what they like.
func mtimeOf(o *sysops.Object) time.Time {
	const most = 1 << 33 // the year 2242
	seconds := o.Time.Unix()
	if o.Stat != nil {
		seconds = o.Stat.Mtime
	}
	if seconds < 0 || seconds > most {
		seconds = 0
	}
	return time.Unix(seconds, 0)
}
