package output

import (
	"fmt"
	"strings"
)

// toldReasons is how many reasons are told why objects are not in the answer.
const toldReasons = 10

// Reasons says of objects that are not in the answer why, a line for all of a name that
// are not there for one reason: a whole fleet may lack one file. format takes what is
// left out and the reason; what says of further ones what they are, such as "unreadable".
func Reasons(objects []LeftOut, format, what string) []string {
	type group struct {
		LeftOut
		hosts []string
	}
	var groups []*group
	found := make(map[LeftOut]*group) // by name and reason
	for _, o := range objects {
		host, name, _ := strings.Cut(o.Key, "#")
		of := LeftOut{Key: name, Reason: o.Reason}
		g := found[of]
		if g == nil {
			g = &group{LeftOut: o}
			found[of] = g
			groups = append(groups, g)
		}
		g.hosts = append(g.hosts, host)
	}
	var lines []string
	told := 0
	for i, g := range groups {
		if i == toldReasons {
			lines = append(lines, fmt.Sprintf("… and %d more objects are %s", len(objects)-told, what))
			break
		}
		key := g.Key
		if n := len(g.hosts); n > 1 {
			_, name, _ := strings.Cut(key, "#")
			key = fmt.Sprintf("%s of %s", name, SomeHosts(g.hosts, n))
		}
		lines = append(lines, fmt.Sprintf(format, key, g.Reason))
		told += len(g.hosts)
	}
	return lines
}

// NamedHosts is how many of several hosts SomeHosts names; one more where that is all.
const NamedHosts = 3

// SomeHosts names the first few of so many hosts, and says how many more there are.
func SomeHosts(hosts []string, all int) string {
	if all <= NamedHosts+1 {
		return strings.Join(hosts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(hosts[:NamedHosts], ", "), all-NamedHosts)
}
