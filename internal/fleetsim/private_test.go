package fleetsim_test

import (
	"context"
	"testing"

	"github.com/sysops-api/sysops-api/internal/fleetsim"
	"github.com/sysops-api/sysops-api/snapshot"
)

// What is private on the real machine is so on the hosts that are made of it: part of
// it is still the real machine's own.
func TestWhatIsPrivateOnTheRealMachineIsPrivateOnEveryHost(t *testing.T) {
	source := func(name string, private bool) snapshot.Source {
		return snapshot.Source{Name: name, Private: private, Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte("the real machine's own\n")}, nil
		}}
	}
	const json = "/etc/hardware_identification.json@"
	template, err := fleetsim.NewTemplate(t.Context(), []snapshot.Source{
		source("/etc/crontab", true), source(json+"last", true), source(json+"ps", true), source("/etc/issue", false),
	})
	if err != nil {
		t.Fatal(err)
	}
	snap := template.Host(1, 1, "example.com")
	want := map[string]bool{"/etc/crontab": true, json + "last": true, json + "ps": true, "/etc/issue": false}
	for _, s := range snap.Sources {
		if private, asked := want[s.Name]; asked && s.Private != private {
			t.Errorf("%s: private %v, want %v", s.Name, s.Private, private)
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("the host lacks %v", want)
	}
}
