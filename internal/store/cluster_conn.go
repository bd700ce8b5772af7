package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A clusterConn makes a Redis Cluster look like one server to whoever speaks Redis'
// protocol over it, go-redis and our own wires alike: it sends each command to the master
// that has its key, and hands the replies on in the order of the commands. Questions that
// follow each other go to all masters at once. A command that writes waits until all before
// it is answered, unless that went to the same master, and what follows it likewise: what
// order means to one server, it means to a Cluster.
//
// A command has one key, and a transaction the keys of one slot; another one is refused by
// the Cluster. It is used by one request at a time, as every connection is; deadlines may
// be set, and it may be closed, by others meanwhile.
type clusterConn struct {
	s     *Server
	table *slotTable

	in    []byte  // written, and not taken apart yet
	sent  []*unit // whose replies have not been handed on, in order
	out   []byte  // of the reply that is being handed on
	tx    *unit   // the transaction that has begun and not ended
	wrote *unit   // that was sent last of those that write
	waits int     // the first of sent that may not be answered
	watch string  // the node at which keys are watched
	turn  *node   // that was read from or written to last
	used  time.Time

	mu       sync.Mutex // guards what follows
	nodes    map[string]*node
	patience time.Duration // how long a node may be silent; 0: for ever
	deadline time.Time     // as it was set
	closed   bool
}

var _ net.Conn = (*clusterConn)(nil)

// A unit is what one master is sent at once: a command, or a transaction from MULTI to EXEC.
type unit struct {
	bytes    []byte
	commands int
	slot     int    // of its key; -1: it has none
	node     string // where it is sent instead; empty: to the master of its slot
	writes   bool
	scan     int // which master a SCAN goes over, plus one; 0: it is none

	reply      []byte
	read       bool // reply is whole
	redirected bool // it has been sent again, to where its first reply said
	answered   bool // reply is the answer
}

// questions are the commands that write nothing.
var questions = map[string]bool{
	"AUTH": true, "DUMP": true, "EXISTS": true, "GET": true, "GETRANGE": true, "HELLO": true, "HEXISTS": true, "HGET": true, "HGETALL": true,
	"HKEYS": true, "HLEN": true, "HMGET": true, "INFO": true, "LINDEX": true, "LRANGE": true, "MEMORY": true, "PING": true, "PTTL": true,
	"SCAN": true, "SCARD": true, "SISMEMBER": true, "SMEMBERS": true, "SRANDMEMBER": true, "SSCAN": true, "STRLEN": true, "TIME": true,
	"TYPE": true, "XREVRANGE": true, "ZCARD": true, "ZRANGE": true, "ZRANGEBYSCORE": true, "ZSCORE": true,
}

// keyless are the commands that have no key: the first master is as good as any.
var keyless = []string{"ACL", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "HELLO", "INFO", "PING", "PUBLISH", "SCAN", "SELECT", "TIME", "UNWATCH"}

func (s *Server) newClusterConn(ctx context.Context) (*clusterConn, error) {
	table, err := s.slotTable(ctx)
	if err != nil {
		return nil, err
	}
	return &clusterConn{s: s, table: table, nodes: make(map[string]*node), used: time.Now()}, nil
}

// Write takes commands. They are sent when a reply is read.
func (c *clusterConn) Write(b []byte) (int, error) {
	c.in = append(c.in, b...)
	return len(b), nil
}

// Read hands replies on.
func (c *clusterConn) Read(b []byte) (int, error) {
	for len(c.out) == 0 {
		if len(c.sent) == 0 {
			if err := c.dispatch(); err != nil {
				return 0, err
			}
		}
		if len(c.sent) == 0 {
			return 0, errors.New("cannot read a reply before a command is sent")
		}
		u := c.sent[0]
		if err := c.answer(u); err != nil {
			return 0, err
		}
		c.sent, c.out = c.sent[1:], u.reply
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// dispatch sends what has been written whole.
func (c *clusterConn) dispatch() error {
	if err := c.begin(); err != nil {
		return err
	}
	for len(c.in) > 0 {
		args, size := parseCommand(c.in)
		if size == 0 {
			break
		}
		u := c.unit(args, slices.Clone(c.in[:size]))
		if c.in = c.in[size:]; u == nil {
			continue // a transaction is under way
		}
		if err := c.order(u); err != nil {
			return err
		}
		if err := c.send(u); err != nil {
			return err
		}
		c.sent = append(c.sent, u)
	}
	return c.flush()
}

// begin prepares for commands after all before have been answered.
func (c *clusterConn) begin() error {
	if c.watch == "" && time.Since(c.used) > time.Second {
		c.mu.Lock() // a node may have been restarted meanwhile, and nobody would notice in time
		for address, n := range c.nodes {
			n.Close()
			delete(c.nodes, address)
		}
		c.mu.Unlock()
	}
	ctx, cancel := c.within()
	defer cancel()
	var err error
	c.table, err = c.s.slotTable(ctx)
	c.used, c.waits, c.wrote = time.Now(), 0, nil
	return err
}

// within is the time that a node may take to be connected to, or to tell the slots.
func (c *clusterConn) within() (context.Context, context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.s.options.Timeout
	if !c.deadline.IsZero() {
		wait = min(wait, c.patience) // 0, where the request is broken off
	}
	return context.WithTimeout(context.Background(), wait)
}

// turnTo gives a node the time that it may be silent for from now on: that it was not looked
// at while another one was is not its silence.
func (c *clusterConn) turnTo(n *node) error {
	if c.turn == n {
		return nil
	}
	c.turn = n
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renew(n)
}

// renew is called with mu held.
func (c *clusterConn) renew(n *node) error {
	if c.patience > 0 {
		return n.SetDeadline(time.Now().Add(c.patience))
	}
	return n.SetDeadline(c.deadline)
}

// unit makes a unit of a command; nil, where that belongs to a transaction which goes on.
func (c *clusterConn) unit(args []string, raw []byte) *unit {
	name := strings.ToUpper(args[0])
	u := &unit{bytes: raw, commands: 1, slot: -1, writes: !questions[name]}
	if key, ok := keyOfCommand(name, args); ok {
		u.slot = keySlot(key)
	}
	switch {
	case name == "MULTI":
		c.tx = u
		return nil
	case c.tx != nil:
		c.tx.bytes = append(c.tx.bytes, raw...)
		c.tx.commands++
		if c.tx.slot < 0 {
			c.tx.slot = u.slot
		}
		if name != "EXEC" && name != "DISCARD" {
			return nil
		}
		u, c.tx, c.watch = c.tx, nil, ""
	case name == "WATCH":
		c.watch = c.table.masterOf(max(u.slot, 0))
	case name == "UNWATCH":
		u.node, c.watch = c.watch, ""
	case name == "SCAN":
		c.scan(u, args)
	}
	return u
}

// keyOfCommand returns the key of a command, if it has one.
func keyOfCommand(name string, args []string) (string, bool) {
	at := 1
	if name == "MEMORY" { // USAGE key
		at = 2
	}
	if slices.Contains(keyless, name) || len(args) <= at {
		return "", false
	}
	return args[at], true
}

// scan makes a SCAN one of the master that its cursor names: that times maxMasters, plus
// the number of the master.
func (c *clusterConn) scan(u *unit, args []string) {
	cursor, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return // the master says so
	}
	i := int(cursor % maxMasters)
	if i >= len(c.table.masters) {
		i = 0 // there are fewer now
	}
	u.node, u.scan = c.table.masters[i], i+1
	q := newRequest(1)
	q.add(append([]string{args[0], strconv.FormatUint(cursor/maxMasters, 10)}, args[2:]...)...)
	u.bytes = q.bytes
}

// nextScan puts the number of the master into the cursor of a reply to SCAN. The scan of
// the last master ends it.
func (c *clusterConn) nextScan(u *unit) {
	parts := bytes.SplitN(u.reply, []byte("\r\n"), 4) // *2, the length of the cursor, the cursor
	if len(parts) < 4 || string(parts[0]) != "*2" {
		return // an error
	}
	cursor, err := strconv.ParseUint(string(parts[2]), 10, 64)
	if err != nil {
		return
	}
	next := strconv.FormatUint(cursor*maxMasters+uint64(u.scan-1), 10)
	if cursor == 0 {
		next = strconv.Itoa(u.scan)
		if u.scan == len(c.table.masters) {
			next = "0"
		}
	}
	u.reply = fmt.Appendf(nil, "*2\r\n$%d\r\n%s\r\n%s", len(next), next, parts[3])
}

// order waits for what u must not overtake.
func (c *clusterConn) order(u *unit) error {
	at := c.place(u)
	if !u.writes && (c.wrote == nil || c.wrote.answered || c.place(c.wrote) == at) {
		return nil
	}
	for _, before := range c.sent[c.waits:] {
		if !before.answered && c.place(before) != at {
			if err := c.answer(before); err != nil {
				return err
			}
		}
	}
	for c.waits < len(c.sent) && c.sent[c.waits].answered {
		c.waits++
	}
	return nil
}

// place is where a unit is sent.
func (c *clusterConn) place(u *unit) string {
	if u.node != "" {
		return u.node
	}
	return c.table.masterOf(max(u.slot, 0))
}

// send has a node send a unit with what else there is for it.
func (c *clusterConn) send(u *unit) error {
	n, err := c.node(c.place(u))
	if err != nil {
		return err
	}
	n.unsent = append(n.unsent, u.bytes...)
	n.asked = append(n.asked, u)
	if u.writes {
		c.wrote = u
	}
	return nil
}

func (c *clusterConn) flush() error {
	c.mu.Lock()
	nodes := slices.Collect(maps.Values(c.nodes))
	c.mu.Unlock()
	for _, n := range nodes {
		if err := c.flushNode(n); err != nil {
			return err
		}
	}
	return nil
}

func (c *clusterConn) flushNode(n *node) error {
	if len(n.unsent) == 0 {
		return nil
	}
	if err := c.turnTo(n); err != nil {
		return c.lost(err)
	}
	_, err := n.Write(n.unsent)
	n.unsent = n.unsent[:0]
	return c.lost(err)
}

// answer reads the reply to u, and follows it to another node once.
func (c *clusterConn) answer(u *unit) error {
	for !u.answered {
		n, err := c.node(c.place(u))
		if err == nil {
			err = c.flushNode(n)
		}
		for err == nil && !u.read {
			err = c.next(n)
		}
		moved := false
		if err == nil && !u.redirected {
			moved, err = c.redirect(u, n.address)
			u.redirected = moved
		}
		if err != nil {
			return err
		}
		u.answered = !moved
	}
	if u.scan > 0 {
		c.nextScan(u)
		u.scan = 0
	}
	return nil
}

// next reads the reply to what n was asked first.
func (c *clusterConn) next(n *node) error {
	u := n.asked[0]
	err := c.turnTo(n)
	if err != nil {
		return c.lost(err)
	}
	for range u.commands {
		if u.reply, err = (replies{in: n.in}).whole(u.reply, 0); err != nil {
			return c.lost(err)
		}
		if len(u.reply) > maxReply {
			return ErrReplyTooLarge
		}
	}
	n.asked, u.read = n.asked[1:], true
	return nil
}

// redirect sends u to where its reply says that the slot is now. It reports whether it
// does.
func (c *clusterConn) redirect(u *unit, from string) (bool, error) {
	kind, address, ok := redirection(u.reply, from)
	if !ok {
		return false, nil
	}
	asking := kind == "ASK"
	if !asking {
		c.s.topology.forget(c.table)
	}
	u.node, u.read, u.reply = address, false, nil
	n, err := c.node(address)
	if err != nil {
		return false, err
	}
	if asking {
		q := newRequest(1)
		q.add("ASKING")
		n.unsent = append(n.unsent, q.bytes...)
		n.asked = append(n.asked, &unit{commands: 1})
	}
	n.unsent = append(n.unsent, u.bytes...)
	n.asked = append(n.asked, u)
	return true, nil
}

// redirection reads -MOVED SLOT HOST:PORT or -ASK …, which may be the reply to any command
// of a transaction.
func redirection(reply []byte, from string) (kind, address string, ok bool) {
	for line := range bytes.Lines(reply) {
		if line[0] == '*' || line[0] == '$' {
			return "", "", false // what follows is contents
		}
		words := strings.Fields(string(line))
		if len(words) != 3 || words[0] != "-MOVED" && words[0] != "-ASK" {
			continue
		}
		at := strings.LastIndexByte(words[2], ':')
		address, err := nodeAddress(words[2][:max(at, 0)], words[2][at+1:], from)
		return words[0][1:], address, err == nil
	}
	return "", "", false
}

// lost has the slots asked for again where a node may be gone.
func (c *clusterConn) lost(err error) error {
	if err != nil {
		c.s.topology.forget(c.table)
	}
	return err
}

// node returns the connection to a node, which is made when it is first needed.
func (c *clusterConn) node(address string) (*node, error) {
	c.mu.Lock()
	n := c.nodes[address]
	c.mu.Unlock()
	if n != nil {
		return n, nil
	}
	ctx, cancel := c.within()
	defer cancel()
	n, err := c.s.connectNode(ctx, address)
	if err != nil {
		return nil, c.lost(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		n.Close()
		return nil, net.ErrClosed
	}
	c.nodes[address] = n
	return n, c.renew(n)
}

// SetDeadline sets how long each node may be silent, from when its turn comes.
func (c *clusterConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline, c.patience = t, patience(t)
	if c.closed {
		return net.ErrClosed
	}
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.SetDeadline(t))
	}
	return errors.Join(errs...)
}

// SetReadDeadline is SetDeadline: commands are sent when replies are read.
func (c *clusterConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline does nothing: Write waits for nobody.
func (c *clusterConn) SetWriteDeadline(time.Time) error { return nil }

// Close closes the connections to all nodes.
func (c *clusterConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

// LocalAddr and RemoteAddr have no meaning: there are several.
func (c *clusterConn) LocalAddr() net.Addr  { return clusterAddr{} }
func (c *clusterConn) RemoteAddr() net.Addr { return clusterAddr{} }

type clusterAddr struct{}

func (clusterAddr) Network() string { return "tcp" }
func (clusterAddr) String() string  { return "" }

// parseCommand takes apart the command that b begins with, and returns its length; 0, where
// it is not whole.
func parseCommand(b []byte) (args []string, size int) {
	number := func(kind byte) (int, bool) {
		end := bytes.IndexByte(b[size:], '\n')
		if end < 0 || b[size] != kind {
			return 0, false
		}
		n := headerNumber(b[size+1 : size+end+1])
		size += end + 1
		return int(n), n >= 0
	}
	words, ok := number('*')
	for range words {
		n := 0
		if n, ok = number('$'); !ok || len(b)-size < n+2 {
			return nil, 0
		}
		args = append(args, string(b[size:size+n]))
		size += n + 2
	}
	if !ok || len(args) == 0 {
		return nil, 0
	}
	return args, size
}
