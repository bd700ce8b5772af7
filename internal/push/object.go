package push

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

	"github.com/sysops-api/sysops-api/internal/frame"
	"github.com/sysops-api/sysops-api/internal/naming"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A packedObject is an object that has been read and digested. Its frame is made when
// the first server wants it; several may, at the same time.
type packedObject struct {
	name    string
	sum     [32]byte
	md5sum  string
	words   string
	stat    string
	statSum uint64
	size    int                // of the contents
	mayBase bool               // every host may read the contents
	choice  uint32             // digest of the bases that there are for it; 0: it must stand by itself
	pack    func() packedFrame // safe for concurrent use

	packAlone func() packedFrame // in place of pack, for a server that cannot be given a base
}

// A packedFrame is an object's contents, packed.
type packedFrame struct {
	bytes []byte
	base  frame.ID // that bytes refers to; zero: it stands by itself
	claim []byte   // a frame that stands by itself, if the contents should become a base
}

// digest reads src and digests it. bases are where its frame may come from.
func digest(ctx context.Context, src *snapshot.Source, bases *bases) (*packedObject, error) {
	c, err := src.Read(ctx)
	if err != nil {
		return nil, err
	}
	name := src.Name
	if c.Name != "" {
		name = c.Name
	}
	if err := naming.CheckName(name); err != nil {
		return nil, fmt.Errorf("cannot push %.80q: %w", name, err)
	}
	words, err := json.Marshal(snapshot.CountsOf(c.Data))
	if err != nil {
		return nil, fmt.Errorf("cannot describe %s: %w", name, err)
	}
	md := md5.Sum(c.Data)
	obj := &packedObject{
		name: name, sum: sha256.Sum256(c.Data), md5sum: hex.EncodeToString(md[:]),
		words: string(words), size: len(c.Data), stat: statText(c.Stat), statSum: statSum(name, c.Stat),
	}
	obj.packAlone = sync.OnceValue(func() packedFrame {
		f := packedFrame{bytes: bases.encoder.Encode(c.Data)}
		c.Data = nil // a batch that waits must not keep the contents as well
		return f
	})
	obj.pack = obj.packAlone
	obj.mayBase = mayBase(src, &c)
	if obj.mayBase && !bases.off {
		atHand, all := bases.atHand(name)
		obj.choice = choiceSum(atHand)
		obj.pack = sync.OnceValue(func() packedFrame {
			f := bases.pack(name, c.Data, atHand, all)
			c.Data = nil
			return f
		})
	}
	return obj, nil
}

// object is what is written. It completes rec, the record that goes with it.
func (o *packedObject) object(rec *store.Record) store.Object {
	f := o.pack()
	rec.Packed, rec.Base = len(f.bytes), store.ID(f.base)
	return store.Object{Name: o.name, Frame: f.bytes, MD5Sum: o.md5sum, Stat: o.stat, WordCount: o.words, Seen: rec.Seen}
}

// sameAs is what is written where the contents have become a base themselves.
func (o *packedObject) sameAs(rec *store.Record) store.Object {
	bytes := frame.SameAs(o.sum, o.size)
	rec.Packed, rec.Base = len(bytes), o.sum
	return store.Object{Name: o.name, Frame: bytes, MD5Sum: o.md5sum, Stat: o.stat, WordCount: o.words, Seen: rec.Seen}
}

// statSum digests what counts as a change of a file whose contents are the same:
// mode, owner, group, size and, where it means something, mtime.
func statSum(name string, s *snapshot.Stat) uint64 {
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

// statText returns element 2 as it is stored: JSON, "null" where there is none.
func statText(s *snapshot.Stat) string {
	if s == nil {
		return "null"
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a struct of integers always marshals
	}
	return string(b)
}
