package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

func TestSlotsAreThoseThatRedisSays(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Config("cluster-enabled yes"))
	random := rand.New(rand.NewPCG(1, 2))
	keys := []string{"", "{", "}", "{}", "{}x", "a{b}c", "a{b}{c}", "a{}{c}", "a}{b}", "{{a}}", "$hosts", "web01#/etc/passwd", "web01#/etc/{a,b}", "ü"}
	for range redistest.Cases(t, 200) {
		key := make([]byte, random.IntN(12))
		for i := range key {
			key[i] = "{}ab#\x00\xff"[random.IntN(7)]
		}
		keys = append(keys, string(key))
	}
	for _, key := range keys {
		if got, want := keySlot(key), server.Must("CLUSTER", "KEYSLOT", key); int64(got) != want {
			t.Errorf("%q is in slot %d, want %d", key, got, want)
		}
	}
}

func openCluster(t *testing.T, c *redistest.ClusterServers) *Server {
	t.Helper()
	s, err := Open(c.URL(), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A slot that moves to another master, and one that has moved, cost a question nothing but
// time, and so do objects that are written meanwhile.
func TestSlotsThatMoveAreFollowed(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3)
	s := openCluster(t, c)
	write := func(contents string) {
		t.Helper()
		b := s.NewBatch("web01", time.Hour)
		for _, name := range []string{"/etc/motd", "/etc/passwd"} {
			b.Replace(Object{Name: name, Frame: []byte(contents), MD5Sum: "m", Stat: "{}", WordCount: "{}", Seen: time.Now()})
			b.PutRecord(name, Record{})
		}
		outcomes, err := b.Send(t.Context())
		for _, o := range outcomes {
			err = errors.Join(err, o.Err)
		}
		if err != nil {
			t.Error(err)
		}
	}
	reads := func(when, want string) {
		t.Helper()
		list, err := s.Elements(t.Context(), []Ref{{"web01", "/etc/motd"}, {"web01", "/etc/passwd"}, {"web01", "/etc/motd"}}, []int{Contents, MD5Sum}, false)
		for _, e := range list {
			if e.Missing || e.Err != nil || string(e.Values[0]) != want || string(e.Values[1]) != "m" {
				t.Errorf("%s: %+v", when, e)
			}
		}
		if names, err := s.NamesOf(t.Context(), []string{"web01"}); err != nil || len(names[0].Members) != 2 {
			t.Errorf("%s: %v, %v", when, names, err)
		}
		if err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	write("1")
	reads("before", "1")
	slot := keySlot("web01#/etc/motd")
	to := c.Servers[(slot*3/slots+1)%3]
	c.Move(slot, to, func() {
		reads("while its slot moves", "1")
		write("2")
		reads("after it is written in a slot that moves", "2")
	})
	reads("after its slot has moved", "2")
	write("3")
	reads("after it is written where the slot is now", "3")
	if got, err := to.Do("LINDEX", "web01#/etc/motd", "0"); got != "3" || err != nil {
		t.Errorf("the new master has %v, %v", got, err)
	}
}

// SCAN goes over all masters.
func TestScansOfAClusterFindEveryKey(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3)
	for i, s := range c.Servers {
		s.Must("DEBUG", "POPULATE", "2500", fmt.Sprintf("host%d#", i))
	}
	found := make(map[string]bool)
	if err := openCluster(t, c).Scan(t.Context(), func(key string) { found[key] = true }); err != nil || len(found) != 7500 {
		t.Errorf("%d keys, %v", len(found), err)
	}
}

// What a request asks of several masters comes back in the order of the commands, and a
// master that is down makes it an error.
func TestRepliesOfAClusterComeInOrder(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3)
	s := openCluster(t, c)
	var names []string
	want := make([][]string, 300)
	pipe := s.db.Pipeline()
	for i := range want {
		names = append(names, "/etc/"+strconv.Itoa(i))
		want[i] = []string{"web" + strconv.Itoa(i)}
		pipe.SAdd(t.Context(), keyOn(names[i]), want[i][0])
	}
	if err := s.exec(t.Context(), pipe); err != nil {
		t.Fatal(err)
	}
	got, err := s.Holders(t.Context(), names, 10)
	if err != nil || !slices.EqualFunc(got, want, func(l List, hosts []string) bool { return slices.Equal(l.Members, hosts) }) {
		t.Errorf("%v, %v", got, err)
	}
	c.Servers[2].Kill()
	for range 2 {
		if got, err := s.Holders(t.Context(), names, 10); !errors.Is(err, ErrUnreachable) && !errors.Is(err, ErrCut) {
			t.Errorf("without a master: %d lists, %v", len(got), err)
		}
	}
}

// A replica that takes over is found, whether its master is gone or has become its replica.
func TestAClusterThatFailsOver(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3)
	s := openCluster(t, c)
	c.Must("SADD", keyRoster, "web01")
	master := c.Servers[((keySlot(keyRoster)+1)*3-1)/slots]
	replica := c.Replica(master)
	finds := func() bool {
		hosts, err := roster(t.Context(), s)
		return err == nil && hosts == "web01"
	}
	if !finds() {
		t.Error("the master does not answer")
	}
	replica.Must("CLUSTER", "FAILOVER", "TAKEOVER")
	redistest.WaitFor(t, "the new master is found", finds)
	add := func() bool {
		pipe := s.db.Pipeline()
		added := pipe.SAdd(t.Context(), keyRoster, "web01")
		return s.exec(t.Context(), pipe) == nil && added.Err() == nil
	}
	redistest.WaitFor(t, "the new master takes writes", add)
	redistest.WaitFor(t, "the former master replicates", func() bool {
		info, _ := master.Must("INFO", "replication").(string)
		return strings.Contains(info, "role:slave") && strings.Contains(info, "master_link_status:up")
	})
	replica.Kill()
	master.Must("CLUSTER", "FAILOVER", "TAKEOVER")
	redistest.WaitFor(t, "the former master is found again", func() bool { return finds() && add() })
}

// Who pushes while gc looks at the host stays.
func TestAHostThatIsBackIsNotExpelledFromACluster(t *testing.T) {
	t.Parallel()
	c := redistest.Cluster(t, 3)
	s := openCluster(t, c)
	for i := range 9 { // at all masters
		key := keyOf(fmt.Sprintf("web%02d", i))
		c.Must("HSET", key, "/etc/motd", "x")
		removed, err := s.unlinkIf(t.Context(), key, func() (bool, error) {
			c.Must("HSET", key, "$push", "1") // as its push does
			return true, nil
		})
		if removed || err != nil || c.Must("EXISTS", key) != int64(1) {
			t.Errorf("%s was touched: removed %v, %v", key, removed, err)
		}
		removed, err = s.unlinkIf(t.Context(), key, func() (bool, error) { return true, nil })
		if !removed || err != nil || c.Must("EXISTS", key) != int64(0) {
			t.Errorf("%s is gone: removed %v, %v", key, removed, err)
		}
	}
}

// A scriptedNode is a node of a cluster whose other node has the lower half of the slots.
type scriptedNode struct {
	listener net.Listener
	got      func(command []string) (reply string)
}

func scriptNode(t *testing.T, got func([]string) string) *scriptedNode {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	n := &scriptedNode{l, got}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewReader(conn); ; {
					words := command(lines)
					if words == nil {
						return
					}
					io.WriteString(conn, n.got(words))
				}
			}()
		}
	}()
	return n
}

func (n *scriptedNode) slots(first, last int) string {
	_, port, _ := net.SplitHostPort(n.listener.Addr().String())
	return fmt.Sprintf("*3\r\n:%d\r\n:%d\r\n*3\r\n$0\r\n\r\n:%s\r\n$1\r\nx\r\n", first, last, port)
}

// One server takes commands in their order. To a Cluster, what is written goes in order
// too: nothing is sent to another master before it is answered.
func TestWritesToAClusterKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []string
	note := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}
	var low, high *scriptedNode
	answer := func(words []string) string {
		switch strings.ToUpper(words[0]) {
		case "CLUSTER":
			return "*2\r\n" + low.slots(0, slots/2-1) + high.slots(slots/2, slots-1)
		case "HELLO":
			return "-ERR unknown command\r\n"
		}
		note(strings.Join(words, " "))
		for range 3 { // another one has the time to be overtaken
			time.Sleep(time.Millisecond)
		}
		note("answered")
		return ":1\r\n"
	}
	low, high = scriptNode(t, answer), scriptNode(t, answer)
	s, err := Open("redis+cluster://"+low.listener.Addr().String(), Options{Timeout: redistest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var want []string
	pipe := s.db.Pipeline()
	for i := range 20 {
		key := "k" + strconv.Itoa(i)
		pipe.SAdd(t.Context(), key, "m")
		want = append(want, "sadd "+key+" m", "answered", "exists "+key, "answered")
		pipe.Exists(t.Context(), key)
	}
	if err := s.exec(t.Context(), pipe); err != nil || !slices.Equal(events, want) {
		t.Errorf("%q, %v", events, err)
	}
}

// What nodes answer is believed as far as it makes sense.
func TestNodesThatAnswerNonsense(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"no cluster":         "-ERR This instance has cluster support disabled\r\n",
		"no slots":           "*0\r\n",
		"a slot beyond all":  "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n",
		"a negative slot":    "*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n",
		"slots without node": "*1\r\n*2\r\n:0\r\n:1\r\n",
		"a port beyond all":  "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$9\r\n127.0.0.1\r\n:99999\r\n",
		"a host that is no":  "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$3\r\na b\r\n:1\r\n",
		"too deep":           "*1\r\n*4\r\n:0\r\n:1\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n" + strings.Repeat("*1\r\n", 100),
		"too long":           "*1\r\n*4\r\n:0\r\n:1\r\n*2\r\n$9\r\n127.0.0.1\r\n:1\r\n$999999999\r\n",
		"text":               "hello\r\n",
		"a loop of MOVED":    "MOVED",
	} {
		var n *scriptedNode
		n = scriptNode(t, func(words []string) string {
			switch {
			case reply != "MOVED" && words[0] == "CLUSTER":
				return reply
			case words[0] == "CLUSTER":
				return "*1\r\n" + n.slots(0, slots-1)
			}
			return "-MOVED 1 " + n.listener.Addr().String() + "\r\n"
		})
		s, err := Open("redis+cluster://"+n.listener.Addr().String(), Options{Timeout: redistest.Patience})
		if err != nil {
			t.Fatal(err)
		}
		redistest.Within(t, name, func() {
			if got, err := roster(context.Background(), s); err == nil {
				t.Errorf("%s: %q", name, got)
			}
		})
		s.Close()
	}
}

// Commands are taken apart wherever the writes are cut.
func TestCommandsAreTakenApart(t *testing.T) {
	q := newRequest(1)
	q.add("SADD", "", "a\r\nb")
	for i := range q.bytes {
		if args, n := parseCommand(q.bytes[:i]); n != 0 {
			t.Errorf("of %d bytes: %q, %d", i, args, n)
		}
	}
	if args, n := parseCommand(append(q.bytes, "*1\r\n"...)); n != len(q.bytes) || !slices.Equal(args, []string{"SADD", "", "a\r\nb"}) {
		t.Errorf("%q, %d", args, n)
	}
}

// Users that one node was given would be unknown to the others.
func TestAClusterHasNoUsersOfItsOwn(t *testing.T) {
	t.Parallel()
	s := openCluster(t, redistest.Cluster(t, 3))
	if _, err := s.Users(t.Context()); err == nil || !strings.Contains(err.Error(), "name the nodes, each as redis://host:port") {
		t.Errorf("%v", err)
	}
}
