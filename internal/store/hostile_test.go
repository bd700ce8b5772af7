package store

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A hostileConn answers with the same bytes whatever it is asked, and then hangs up.
type hostileConn struct {
	net.Conn
	*bytes.Reader
}

func (c hostileConn) Read(b []byte) (int, error)     { return c.Reader.Read(b) }
func (hostileConn) Write(b []byte) (int, error)      { return len(b), nil }
func (hostileConn) Close() error                     { return nil }
func (hostileConn) SetDeadline(time.Time) error      { return nil }
func (hostileConn) SetReadDeadline(time.Time) error  { return nil }
func (hostileConn) SetWriteDeadline(time.Time) error { return nil }

// hostile is a server that has these bytes for each connection, and refuses all after some.
func hostile(sent []byte) *Server {
	conns := 0
	return &Server{name: "hostile", wires: newWires(Options{Timeout: time.Hour, Conns: 1}, 0, func(context.Context) (net.Conn, error) {
		if conns++; conns > 8 {
			return nil, io.ErrUnexpectedEOF
		}
		return hostileConn{Reader: bytes.NewReader(sent)}, nil
	})}
}

// indexQuestions ask for what is in $hosts, $live, $names, $on, $of and $roster, and for
// what they lead to. Each returns how many things it was told, of how many it asked about.
var indexQuestions = []func(ctx context.Context, s *Server) (told, asked int, _ error){
	func(ctx context.Context, s *Server) (int, int, error) {
		_, err := s.Index(ctx, AllExpiries)
		return 0, 0, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		_, err := s.Index(ctx, time.Hour)
		return 0, 0, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		lists, err := s.Holders(ctx, []string{"/etc/motd", "/etc/issue"}, 1000)
		return len(lists), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		h, err := s.Holding(ctx, []string{"/etc/motd"}, 1000, []string{"web01", "web02"})
		if err != nil {
			return 0, 0, err
		}
		return len(h.Lists) + len(h.Holds), 3, nil
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		_, err := s.LiveHosts(ctx)
		return 0, 0, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		lists, err := s.NamesOf(ctx, []string{"web01", "web02"})
		return len(lists), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		records, err := s.RecordsOf(ctx, []string{"web01", "web02"})
		return len(records), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		truths, err := s.Truths(ctx, []string{"web01", "web02"}, []string{"/etc/motd"})
		return len(truths), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		testimonies, err := s.Testimonies(ctx, []string{"web01", "web02"})
		return len(testimonies), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		have, err := s.HaveObjects(ctx, []string{"web01", "web02"})
		return len(have), 2, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		there, err := s.Recorded(ctx, hostileRefs)
		return len(there), len(hostileRefs), err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		standings, err := s.Standings(ctx, hostileRefs)
		return len(standings), len(hostileRefs), err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		entries, err := s.Records(ctx, hostileRefs)
		for _, e := range entries {
			ParseRecord(e.Values[0])
		}
		return len(entries), len(hostileRefs), err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		entries, err := s.Elements(ctx, hostileRefs, []int{0, 1}, true)
		return len(entries), len(hostileRefs), err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		_, err := s.Roster(ctx)
		return 0, 0, err
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		return 0, 0, s.EachHost(ctx, func([]string) error { return nil })
	},
	func(ctx context.Context, s *Server) (int, int, error) {
		_, err := s.HasObject(ctx, "web01")
		return 0, 0, err
	},
}

var hostileRefs = []Ref{{"web01", "/etc/motd"}, {"web01", "/etc/issue"}, {"web02", "/etc/motd"}}

// Whatever a server answers when it is asked for its index, a reader takes no more memory
// than that takes up, or one string that it announces, and has an answer for each thing that
// it asked about, or an error.
func FuzzIndexReplies(f *testing.F) {
	const hosts = "*2\r\n$5\r\nweb01\r\n$18\r\n1796065516.9254432\r\n"
	for _, sent := range []string{
		"*2\r\n$10\r\n1796065516\r\n$1\r\n5\r\n:3\r\n" + hosts + hosts + "*2\r\n$1\r\n0\r\n*1\r\n$9\r\n/etc/motd\r\n",
		"*2\r\n$10\r\n1796065516\r\n$1\r\n5\r\n:3\r\n" + hosts + hosts + "*1\r\n$5\r\nweb01\r\n*2\r\n$1\r\n7\r\n*0\r\n",
		"*1\r\n$5\r\nweb01\r\n*1\r\n$5\r\nweb02\r\n",
		"*4\r\n$18\r\n1796065516.9254432\r\n$10\r\n1796087116\r\n$-1\r\n$1\r\nx\r\n:9\r\n$3\r\ninf\r\n*4\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n:0\r\n$-1\r\n",
		"*5\r\n$18\r\n1796065516.9254432\r\n$10\r\n1796087116\r\n$-1\r\n$1\r\nx\r\n$5\r\n21600\r\n*5\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n:1\r\n",
		":1\r\n:4\r\n:0\r\n:1\r\n-WRONGTYPE x\r\n:1\r\n",
		"$6\r\n\x00\x03red\n\r\n$-1\r\n$3\r\n1.5\r\n-WRONGTYPE x\r\n$1\r\nx\r\n",
		"*2\r\n$1\r\n7\r\n*2\r\n$5\r\nweb01\r\n$1\r\n1\r\n",
		"*2000000\r\n$90000000\r\n",
	} {
		for which := range indexQuestions {
			f.Add(byte(which), []byte(sent))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, sent []byte) {
		s := hostile(sent)
		var told, asked int
		var err error
		took := redistest.Allocated(func() { told, asked, err = indexQuestions[int(which)%len(indexQuestions)](t.Context(), s) })
		if err == nil && told != asked {
			t.Errorf("question %d was answered with %d of %d", which, told, asked)
		}
		if took > mostMemory {
			t.Errorf("%d bytes took %d", len(sent), took)
		}
	})
}
