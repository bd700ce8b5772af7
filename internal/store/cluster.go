package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// slots is how many parts the keys of a Redis Cluster are divided into.
const slots = 16384

// maxMasters is how many masters a Cluster may have: a cursor of SCAN says which one goes on.
const maxMasters = 256

// A slotTable says which master has which slot. It does not change.
type slotTable struct {
	masters []string // host:port
	of      [slots]uint8
}

// masterOf returns the master of a slot. One that nobody has is the first master's, which
// will say so.
func (t *slotTable) masterOf(slot int) string { return t.masters[t.of[slot]] }

// A topology is what a Server knows of its Cluster. It is safe for concurrent use.
type topology struct {
	mu    sync.Mutex
	known *slotTable // nil: to be asked
	last  []string   // masters that were known last: the hosts of the URL may be gone
}

// slotTable returns who has which slot, asking the hosts of the URL where it is not known.
func (s *Server) slotTable(ctx context.Context) (*slotTable, error) {
	t := &s.topology
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known != nil {
		return t.known, nil
	}
	var errs []error
	for _, host := range slices.Concat(s.address.hosts, t.last) {
		table, err := s.askSlots(ctx, host)
		if err == nil {
			t.known, t.last = table, table.masters
			return table, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", host, err))
		if ctx.Err() != nil {
			break
		}
	}
	var refused replyError
	if errors.As(errs[0], &refused) { // the password, most often
		return nil, errs[0]
	}
	return nil, &seedsError{"no node tells who has which keys", errs}
}

// forget has the slots asked for again, unless they have been already.
func (t *topology) forget(table *slotTable) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == table {
		t.known = nil
	}
}

// askSlots asks one host of the Cluster for all of it.
func (s *Server) askSlots(ctx context.Context, host string) (table *slotTable, _ error) {
	err := s.askNode(ctx, host, func(r replies) (err error) {
		table, err = r.slotTable(host)
		return err
	}, "CLUSTER", "SLOTS")
	return table, err
}

// masters asks every master of the Cluster for its INFO.
func (s *Server) masters(ctx context.Context) ([]Node, error) {
	table, err := s.slotTable(ctx)
	if err != nil {
		return nil, s.wrap(err)
	}
	var nodes []Node
	for _, master := range table.masters {
		err := s.askNode(ctx, master, func(r replies) error {
			text, err := r.text()
			nodes = append(nodes, Node{Address: master, Info: string(text)})
			return err
		}, "INFO")
		if err != nil {
			s.topology.forget(table)
			return nil, s.wrap(fmt.Errorf("node %s: %w", master, err))
		}
	}
	return nodes, nil
}

// askNode puts one command to one node, over a connection of its own.
func (s *Server) askNode(ctx context.Context, address string, read func(replies) error, command ...string) error {
	n, err := s.connectNode(ctx, address)
	if err != nil {
		return err
	}
	defer n.Close()
	defer context.AfterFunc(ctx, func() { n.Close() })()
	q := newRequest(1)
	q.add(command...)
	if _, err := n.Write(q.bytes); err != nil {
		return err
	}
	return read(replies{in: n.in})
}

// slotTable reads the reply to CLUSTER SLOTS of the node at from.
func (r replies) slotTable(from string) (*slotTable, error) {
	ranges, err := r.array()
	if err != nil {
		return nil, err
	}
	if ranges == 0 {
		return nil, errors.New("the cluster has no slots: its nodes have not been joined")
	}
	t := &slotTable{}
	for range ranges {
		parts, err := r.array()
		if err != nil {
			return nil, err
		}
		first, err1 := r.integer()
		last, err2 := r.integer()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if parts < 3 || first < 0 || last >= slots || first > last {
			return nil, fmt.Errorf("cannot read the slots %d to %d of %d nodes", first, last, parts-2)
		}
		master, err := r.node(from)
		if err != nil {
			return nil, err
		}
		for range parts - 3 { // its replicas
			if _, err := r.whole(nil, 0); err != nil {
				return nil, err
			}
		}
		i := slices.Index(t.masters, master)
		if i < 0 {
			i, t.masters = len(t.masters), append(t.masters, master)
		}
		if len(t.masters) > maxMasters {
			return nil, fmt.Errorf("cannot use a cluster of more than %d masters", maxMasters)
		}
		for slot := first; slot <= last; slot++ {
			t.of[slot] = uint8(i)
		}
	}
	return t, nil
}

// node reads the address of a node. One without a host is where the reply came from.
func (r replies) node(from string) (string, error) {
	parts, err := r.array()
	if err != nil {
		return "", err
	}
	if parts < 2 {
		return "", fmt.Errorf("cannot read a node of %d parts", parts)
	}
	text, err := r.text()
	if err != nil {
		return "", err
	}
	host := string(text)
	port, err := r.integer()
	if err != nil {
		return "", err
	}
	for range parts - 2 {
		if _, err := r.whole(nil, 0); err != nil {
			return "", err
		}
	}
	return nodeAddress(host, strconv.Itoa(port), from)
}

// nodeAddress is host:port as a Cluster's node at from tells it.
func nodeAddress(host, port, from string) (string, error) {
	if host == "" || host == "?" {
		host, _, _ = net.SplitHostPort(from) // it was dialled
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || !isHost(host) && net.ParseIP(host) == nil {
		return "", fmt.Errorf("cannot read the address of a node, %.80q and %.10q", host, port)
	}
	return net.JoinHostPort(host, port), nil
}

// whole appends one reply to b as it comes, whatever it is.
func (r replies) whole(b []byte, depth int) ([]byte, error) {
	if len(b) > maxReply {
		return b, ErrReplyTooLarge
	}
	line, err := r.in.ReadSlice('\n')
	if err != nil {
		return b, err
	}
	b = append(b, line...)
	n := headerNumber(line[1:])
	switch line[0] {
	case '$':
		if n > maxReply {
			return b, ErrReplyTooLarge
		}
		if n >= 0 {
			at := len(b)
			b = slices.Grow(b, int(n)+2)[:at+int(n)+2]
			_, err = io.ReadFull(r.in, b[at:])
		}
		return b, err
	case '*':
		if n > maxReply/4 {
			return b, ErrReplyTooLarge
		}
		if depth == maxDepth {
			return b, fmt.Errorf("cannot read a reply that is more than %d arrays deep", maxDepth)
		}
		for i := int64(0); i < n && err == nil; i++ {
			b, err = r.whole(b, depth+1)
		}
		return b, err
	case '+', '-', ':':
		return b, nil
	}
	return b, unexpected(line)
}

// keySlot is the slot of a key: CRC16 (XMODEM) of the key or, where it holds one, of what is
// between the first { and the next }.
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func keySlot(key string) int {
	if open := strings.IndexByte(key, '{'); open >= 0 {
		if tag := strings.IndexByte(key[open+1:], '}'); tag > 0 {
			key = key[open+1 : open+1+tag]
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}

// A node is a connection to one node of a Cluster, whose user and password it has been told.
type node struct {
	net.Conn
	in      *bufio.Reader
	address string

	unsent []byte
	asked  []*unit // sent or unsent, whose replies have not been read
}

func (s *Server) connectNode(ctx context.Context, address string) (*node, error) {
	conn, err := s.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	n := &node{Conn: conn, in: bufio.NewReaderSize(conn, 64<<10), address: address}
	if s.wires.greets == 0 {
		return n, nil
	}
	defer context.AfterFunc(ctx, func() { n.Close() })()
	if _, err = n.Write(s.wires.greeting.bytes); err == nil {
		err = replies{in: n.in}.status()
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}
