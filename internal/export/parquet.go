package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A Row is one object in a Parquet file. What a command's output has no stat for is null.
type Row struct {
	Site     string     `parquet:"site,dict"`
	Core     string     `parquet:"core,dict"`
	Host     string     `parquet:"host,dict"`
	Name     string     `parquet:"name,dict"`
	Key      string     `parquet:"key"`
	Contents []byte     `parquet:"contents"`
	MD5Sum   string     `parquet:"md5sum"`
	SHA256   string     `parquet:"sha256"`
	Lines    int64      `parquet:"lines"`
	Words    int64      `parquet:"words"`
	Bytes    int64      `parquet:"bytes"`
	Mode     *int32     `parquet:"mode,optional"` // with the bits of the type
	UID      *int64     `parquet:"uid,optional"`
	GID      *int64     `parquet:"gid,optional"`
	Size     *int64     `parquet:"size,optional"`
	Mtime    *time.Time `parquet:"mtime,optional,timestamp(millisecond)"`
	Time     time.Time  `parquet:"time,timestamp(millisecond)"` // since when the contents are as they are
}

// Limits of one row group, which is in memory until it is written.
const (
	groupRows  = 128 << 10
	groupBytes = 16 << 20 // of contents; those of one object have as many at most
	pageBytes  = 1 << 20  // what is packed together
)

// WriteParquet writes the objects of an answer to w as a Parquet file of Rows, in the
// order of their names and of the hosts within each: so what is alike is packed together.
// Pages have no statistics of contents, which would be copies of whole contents.
// Contents of more than 16 MiB are refused, because a table takes them apart in memory, and
// nothing else is, for a row is no path. Text that is no UTF-8, which the format does not
// take, has U+FFFD for what is wrong. Contents are bytes.
func WriteParquet(ctx context.Context, w io.Writer, a *sysops.Answer, o StreamOptions) (*Report, error) {
	out := parquet.NewGenericWriter[Row](w, parquet.CreatedBy("sysops", "", ""), parquet.Compression(&parquet.Zstd),
		parquet.PageBufferSize(pageBytes), parquet.DataPageStatistics(false), parquet.SkipPageBounds("contents"))
	report := &Report{}
	rows, bytes := 0, 0
	for obj, err := range a.ObjectsByName(ctx, nil, sysops.Contents, sysops.MD5Sum, sysops.StatOf, sysops.CountsOf, sysops.TimeOf) {
		if err != nil {
			return report, err
		}
		o.step()
		if len(obj.Contents) > groupBytes {
			report.Refused.add(obj.Key, fmt.Errorf("it has %s, and a table takes %s at most", words.Bytes(int64(len(obj.Contents))), words.Bytes(groupBytes)))
			continue
		}
		if _, err := out.Write([]Row{rowOf(&obj)}); err != nil {
			return report, fmt.Errorf("cannot write %s to the table: %w", obj.Key, err)
		}
		report.Written++
		report.Bytes += int64(len(obj.Contents))
		rows++
		if bytes += len(obj.Contents); rows < groupRows && bytes < groupBytes {
			continue
		}
		if err := out.Flush(); err != nil {
			return report, fmt.Errorf("cannot write a part of the table: %w", err)
		}
		rows, bytes = 0, 0
	}
	if err := out.Close(); err != nil {
		return report, fmt.Errorf("cannot end the table: %w", err)
	}
	return report, nil
}

func rowOf(o *sysops.Object) Row {
	sum := sha256.Sum256(o.Contents)
	r := Row{
		Site: valid(o.Site), Core: valid(o.Core), Host: o.Host, Name: valid(o.Name), Key: valid(o.Key.String()),
		Contents: o.Contents, MD5Sum: valid(o.MD5Sum), SHA256: hex.EncodeToString(sum[:]),
		Lines: o.Words.Lines, Words: o.Words.Words, Bytes: o.Words.Bytes, Time: o.Time.UTC(),
	}
	if s := o.Stat; s != nil {
		mode, uid, gid, size, mtime := int32(s.Mode), int64(s.UID), int64(s.GID), s.Size, mtimeOf(o).UTC()
		r.Mode, r.UID, r.GID, r.Size, r.Mtime = &mode, &uid, &gid, &size, &mtime
	}
	return r
}

// valid is text as Parquet takes it.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
