package extract

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sysops-api/sysops-api/internal/hint"
	"github.com/sysops-api/sysops-api/internal/store"
	"github.com/sysops-api/sysops-api/internal/words"
)

// A Trouble is why a server that answers does not do what it is for, or soon will not: a push
// is refused there, or what it has is not all.
type Trouble struct {
	State string // a word or two, for tables and for programs
	Err   error  // with what to do about it
}

// nearlyAll is the percentage of a limit at which it is told of, so that there is time to act.
const nearlyAll = 90

// troubles returns what is wrong with a server by what its nodes say of themselves, the worst
// first. Counters of Redis count from its start, or from CONFIG RESETSTAT: that objects were evicted
// yesterday says that answers of today may lack them.
func troubles(server string, nodes []store.Node) []Trouble {
	var found []Trouble
	for _, look := range []func(name string, f fields) (Trouble, bool){replicates, unsaved, full, evicts, crowded, nearlyFull} {
		for _, n := range nodes {
			name := "server " + server
			if n.Address != "" {
				name = fmt.Sprintf("node %s of server %s", n.Address, server)
			}
			if t, is := look(name, InfoFields(n.Info)); is {
				found = append(found, t)
			}
		}
	}
	return found
}

// fields are those of Redis' INFO.
type fields map[string]string

func (f fields) number(name string) int64 {
	n, err := strconv.ParseInt(f[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func replicates(name string, f fields) (Trouble, bool) {
	if f["role"] != "slave" {
		return Trouble{}, false
	}
	err := fmt.Errorf("%s is a replica of %s:%s, and takes no push", name, f["master_host"], f["master_port"])
	if f["master_link_status"] == "down" {
		err = fmt.Errorf("%w; it has lost its primary, so what it has is of the past", err)
	}
	return Trouble{"replica", hint.To(err, "list its primary in the directory; sentinel://… finds it by itself")}, true
}

func unsaved(name string, f fields) (Trouble, bool) {
	for _, field := range []string{"rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"} {
		if status := f[field]; status != "" && status != "ok" {
			return Trouble{"not saved", hint.To(fmt.Errorf("%s could not save its data (%s:%s): Redis may refuse pushes, and restarts with what it saved last", name, field, status),
				"its log says why; most often the disk is full, or there was no memory for fork")}, true
		}
	}
	return Trouble{}, false
}

func full(name string, f fields) (Trouble, bool) {
	used, most := f.number("used_memory"), f.number("maxmemory")
	if most == 0 || used < most {
		return Trouble{}, false
	}
	return Trouble{"full", hint.For(fmt.Errorf("%s is full: it takes %s, and maxmemory is %s, so pushes are refused or push others out", name, words.Size(used), words.Size(most)), hint.FullServer)}, true
}

func nearlyFull(name string, f fields) (Trouble, bool) {
	used, most := f.number("used_memory"), f.number("maxmemory")
	if most == 0 || used >= most || used < most/100*nearlyAll {
		return Trouble{}, false
	}
	return Trouble{"nearly full", hint.For(fmt.Errorf("%s is nearly full: it takes %s, and maxmemory is %s", name, words.Size(used), words.Size(most)), hint.FullServer)}, true
}

func evicts(name string, f fields) (Trouble, bool) {
	const advice = "a push that does not fit is refused then, and says so"
	n, policy := f.number("evicted_keys"), f["maxmemory_policy"]
	switch {
	case n > 0:
		return Trouble{"evicted", hint.To(fmt.Errorf("%s has evicted %s since it was started: answers lack such objects until their hosts' next push", name, words.Plural(int(n), "key")),
			"raise maxmemory, and set maxmemory-policy to noeviction: "+advice+"; CONFIG RESETSTAT counts anew")}, true
	case f.number("maxmemory") > 0 && policy != "" && policy != "noeviction":
		return Trouble{"evicts", hint.To(fmt.Errorf("%s evicts keys when it is full (maxmemory-policy %s): answers would lose objects unnoticed until the next push; set it to noeviction", name, policy), advice)}, true
	}
	return Trouble{}, false
}

func crowded(name string, f fields) (Trouble, bool) {
	const advice = "raise maxclients, and the limit of open files of redis-server"
	refused, used, most := f.number("rejected_connections"), f.number("connected_clients"), f.number("maxclients")
	switch {
	case refused > 0:
		return Trouble{"refused", hint.To(fmt.Errorf("%s has refused %s since it was started (maxclients %d)", name, words.Plural(int(refused), "connection"), most),
			advice+"; CONFIG RESETSTAT counts anew")}, true
	case most > 0 && used >= most*nearlyAll/100:
		return Trouble{"crowded", hint.To(fmt.Errorf("%s has %d connections of the %d that it takes (maxclients)", name, used, most), advice)}, true
	}
	return Trouble{}, false
}

// troubles returns what is wrong with m by what it knows of the core's hosts and of the time.
func (m *member) troubles(s ServerState) []Trouble {
	var found []Trouble
	name := "server " + m.Name()
	switch {
	case m.index == nil:
		return nil
	case len(m.index.Pushed) == 0:
		found = append(found, Trouble{"empty", hint.For(fmt.Errorf("%s knows no host: none has pushed there, or it restarted without its data", name), hint.EmptyServer)})
	case s.Cold:
		found = append(found, Trouble{"cold", hint.For(fmt.Errorf("%s lacks the latest push of %s", name, words.Plural(s.Lacks, "host")), hint.ColdServer)})
	}
	if m.index.MoreNames && m.index.NamesListed > 0 {
		found = append(found, Trouble{"flooded", hint.For(fmt.Errorf("%s lists %s names, more than questions read: who asks for a part of a name is answered with status 3", name, words.Grouped(m.index.NamesListed)), hint.ManyNames)})
	}
	if m.index.Offset.Abs() > ahead {
		where := "behind"
		if m.index.Offset > 0 {
			where = "ahead"
		}
		found = append(found, Trouble{"clock", hint.To(fmt.Errorf("the clock of %s is %s %s of this machine's", name, m.index.Offset.Abs().Round(time.Second), where), "have NTP set both")})
	}
	return found
}
