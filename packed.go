package sysops

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"

	"github.com/sysops-api/sysops-api/internal/codec"
	"github.com/sysops-api/sysops-api/internal/store"
)

// A packed is an object that has been read and digested. Its frame is made when
// the first server wants it; several may, at the same time.
type packed struct {
	name    string
	sum     [32]byte
	md5sum  string
	words   string
	stat    string
	statSum uint64
	size    int           // of the contents
	pack    func() []byte // safe for concurrent use; see codec.Encoder
}

func digest(ctx context.Context, src *Source, enc *codec.Encoder) (*packed, error) {
	c, err := src.Read(ctx)
	if err != nil {
		return nil, err
	}
	name := src.Name
	if c.Name != "" {
		name = c.Name
	}
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("cannot push %.80q: %w", name, err)
	}
	words, err := json.Marshal(CountWords(c.Data))
	if err != nil {
		return nil, fmt.Errorf("cannot describe %s: %w", name, err)
	}
	md := md5.Sum(c.Data)
	obj := &packed{
		name: name, sum: sha256.Sum256(c.Data), md5sum: hex.EncodeToString(md[:]),
		words: string(words), size: len(c.Data), stat: statText(c.Stat), statSum: statSum(name, c.Stat),
	}
	obj.pack = sync.OnceValue(func() []byte {
		frame := enc.Encode(c.Data)
		c.Data = nil // a batch that waits must not keep the contents as well
		return frame
	})
	return obj, nil
}

// object is what is written; state is of the server that it goes to.
func (o *packed) object(seen *store.Record) store.Object {
	return store.Object{Name: o.name, Frame: o.pack(), MD5Sum: o.md5sum, Stat: o.stat, WordCount: o.words, Seen: seen.Seen}
}

// statSum digests what counts as a change of a file whose contents are the same:
// mode, owner, group, size and, where it means something, mtime.
func statSum(name string, s *Stat) uint64 {
	h := fnv.New64a()
	if s == nil {
		return h.Sum64()
	}
	mtime := s.Mtime
	if strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/sys/") {
		mtime = 0 // the kernel's: the time of the look
	}
	fmt.Fprint(h, s.Mode, s.UID, s.GID, s.Size, mtime)
	return h.Sum64()
}
