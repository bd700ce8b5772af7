package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// Limits of the figures.
const (
	slowestQuestion = 2 * time.Second // 99 of 100 are answered within it
)

// An info is what INFO tells of a server: numbers, and as text all.
type info struct {
	numbers map[string]float64
	text    map[string]string
}

func infoOf(s *redistest.Server) info {
	i := info{make(map[string]float64), make(map[string]string)}
	text, _ := s.Must("INFO").(string)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		i.text[name] = value
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			i.numbers[name] = n
		}
	}
	return i
}

// sumOf adds up the numbers of all servers.
func sumOf(servers []*redistest.Server) map[string]float64 {
	sum := make(map[string]float64)
	for _, s := range servers {
		for name, n := range infoOf(s).numbers {
			sum[name] += n
		}
	}
	return sum
}

func difference(before, after map[string]float64) map[string]float64 {
	d := make(map[string]float64)
	for name := range after {
		d[name] = after[name] - before[name]
	}
	return d
}

// cpu is the CPU time that servers took.
func cpu(sum map[string]float64) time.Duration {
	return time.Duration((sum["used_cpu_user"] + sum["used_cpu_sys"]) * float64(time.Second))
}

// A report is what was found.
type report struct {
	plan
	began   time.Time
	version string
	memory  float64 // bytes of all servers that the fleet took

	first, alone, day, outage, herd tally
	aloneCost, dayCost, herdCost    map[string]float64
	answers, after                  answers
	outageTook, wholeAgain          time.Duration
	agentsCPU                       time.Duration // meanwhile
	back                            int
}

// wrong says what was not as it must be, on any machine.
func (r *report) wrong() []string {
	var list []string
	for _, t := range []struct {
		when string
		tally
	}{{"when they pushed first", r.first}, {"when they pushed alone", r.alone}, {"in the day", r.day}} {
		if t.failed > 0 {
			list = append(list, fmt.Sprintf("%s, %d pushes failed, one of them: %v", t.when, t.failed, t.firstError))
		}
	}
	for when, a := range map[string]answers{"in the day": r.answers, "after the outage": r.after} {
		if a.failed > 0 {
			list = append(list, fmt.Sprintf("%s, %d questions failed, one of them: %v", when, a.failed, a.firstError))
		}
	}
	if r.back < r.hosts {
		list = append(list, fmt.Sprintf("%d of %d hosts are not back", r.hosts-r.back, r.hosts))
	}
	slices.Sort(list)
	return list
}

func verdict(ok bool) string {
	if ok {
		return ""
	}
	return "  MISSED"
}

func per(total float64, n int) float64 { return total / float64(max(1, n)) }

// push prints what a push cost, a server.
func (t *tally) push(w *strings.Builder) {
	n := int(t.servers)
	fmt.Fprintf(w, "  objects a push %.0f, of which changed %.1f; at each server %.1f KB out, %.1f KB in, %.1f waits\n",
		per(float64(t.objects), t.whole), per(float64(t.changed), t.whole), per(float64(t.sent)/1e3, n), per(float64(t.received)/1e3, n), per(float64(t.waits), n))
}

func (r *report) String() string {
	w := &strings.Builder{}
	every := r.every()
	fmt.Fprintf(w, "%s. %s, Redis %s.\n", r.began.Format("2006-01-02 15:04"), machine(), r.version)
	fmt.Fprintf(w, "A core of 2 servers, maxclients %d each; %d hosts and %d operators, all on this machine.\n", r.clients, r.hosts, r.operators)
	fmt.Fprintf(w, "%.0f pushes a second: the 20 min of an agent are %.0f s here, time is compressed %.0f times.\n",
		r.rate, every.Seconds(), float64(realEvery)/float64(every))

	fmt.Fprintf(w, "\nfirst push of all hosts: %d whole, %d failed, in %.0f s\n", r.first.whole, r.first.failed, r.first.took.Seconds())
	r.first.push(w)
	fmt.Fprintf(w, "  Redis memory: %.1f KB a host and server\n", r.memory/2e3/float64(r.hosts))

	fmt.Fprintf(w, "\npushes alone, %.0f s: %d whole, %d failed, %.1f a second\n",
		r.alone.took.Seconds(), r.alone.whole, r.alone.failed, float64(r.alone.whole)/r.alone.took.Seconds())
	r.alone.push(w)
	fmt.Fprintf(w, "  Redis CPU: %.2f ms a push and server, %.1f %% of a core each\n", per(cpu(r.aloneCost).Seconds()*1e3, 2*r.alone.whole),
		cpu(r.aloneCost).Seconds()/r.alone.took.Seconds()*50)

	r.dayPart(w)
	fmt.Fprintf(w, "\nall servers down for %.0f s, which stand for %.0f min: %d pushes were given up after %.1f tries on average\n",
		r.outageTook.Seconds(), r.outage.took.Minutes()*float64(realEvery)/float64(every), r.outage.failed, per(float64(r.outage.tries), int(r.outage.servers)))
	fmt.Fprintf(w, "back, empty, to all agents at once: %d of %d hosts whole on both after %.1f s, %.2f of an interval%s\n",
		r.back, r.hosts, r.wholeAgain.Seconds(), r.wholeAgain.Seconds()/every.Seconds(), verdict(r.back == r.hosts && r.wholeAgain <= every*5/4))
	fmt.Fprintf(w, "  %d pushes given up meanwhile; %.1f tries a push; %.0f connections, of which refused for want of room %.0f\n",
		r.herd.failed, per(float64(r.herd.tries), int(r.herd.servers)), r.herdCost["total_connections_received"], r.herdCost["rejected_connections"])
	fmt.Fprintf(w, "  at each server %.1f KB out, %.1f KB in a push; CPU meanwhile: %.1f s of all agents, %.1f s of each Redis\n",
		per(float64(r.herd.sent)/1e3, int(r.herd.servers)), per(float64(r.herd.received)/1e3, int(r.herd.servers)), r.agentsCPU.Seconds(), cpu(r.herdCost).Seconds()/2)
	fmt.Fprintf(w, "  questions afterwards: %d, failed %d\n", len(r.after.all()), r.after.failed)
	return w.String()
}

// dayPart tells of the time when operators ask.
func (r *report) dayPart(w *strings.Builder) {
	all := r.answers.all()
	fmt.Fprintf(w, "\nbeside %d operators, %.0f s: %d pushes whole, %d failed, %.1f a second, the slowest took %.2f s\n", r.operators,
		r.day.took.Seconds(), r.day.whole, r.day.failed, float64(r.day.whole)/r.day.took.Seconds(), r.day.slowest.Seconds())
	p99 := part(all, 0.99)
	fmt.Fprintf(w, "questions: %d, %.1f a second, failed %d; p50 %.3f s, p99 %.3f s%s, the slowest %.3f s\n", len(all), float64(len(all))/r.day.took.Seconds(),
		r.answers.failed, part(all, 0.5).Seconds(), p99.Seconds(), verdict(p99 < slowestQuestion), part(all, 1).Seconds())
	for _, q := range questions(r.hosts) {
		took := slices.Sorted(slices.Values(r.answers.took[q.name]))
		fmt.Fprintf(w, "  %-46s %4d  p50 %.3f s  p99 %.3f s\n", q.name, len(took), part(took, 0.5).Seconds(), part(took, 0.99).Seconds())
	}
	questionsCPU := cpu(r.dayCost).Seconds() - per(cpu(r.aloneCost).Seconds(), r.alone.whole)*float64(r.day.whole)
	out := r.dayCost["total_net_output_bytes"] - float64(r.day.received)
	fmt.Fprintf(w, "  Redis CPU: %.1f %% of a core each; %.1f ms a question; %.0f KB to the operator\n",
		cpu(r.dayCost).Seconds()/r.day.took.Seconds()*50, per(max(0, questionsCPU)*1e3, len(all)), per(out/1e3, len(all)))
}
