package network

import "github.com/sysops-api/sysops-api/internal/parse/netif"

// A Link is a connection to a switch that a host uses.
type Link struct {
	Interface string `json:"interface"`
	Switch    string `json:"switch"`
	Port      string `json:"port"`
}

// linksOf returns the neighbours of the interfaces that carry a host's traffic: of a
// bond with one active slave, that slave; of other bonds, those that are up; all of them
// where no bond says which.
func linksOf(bonds []*netif.Bond, neighbours []netif.Neighbour) []Link {
	carries := make(map[string]bool)
	for _, b := range bonds {
		for i := range b.Slaves {
			s := &b.Slaves[i]
			carries[s.Name] = s.Name == b.Active || b.Active == "" && s.Up()
		}
	}
	var used, all []Link
	for _, n := range neighbours {
		l := Link(n)
		all = append(all, l)
		if carries[n.Interface] {
			used = append(used, l)
		}
	}
	if len(used) == 0 {
		return all
	}
	return used
}
