package sysops_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/alicebob/miniredis/v2"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/snapshot"
)

// exampleServer returns the URL of a server that holds three hosts. Examples have
// no testing.T that could start a real one.
func exampleServer() string { return startExampleServer() }

// emptyServer returns the URL of a server of the example's own.
func emptyServer() string {
	server, err := miniredis.Run()
	if err != nil {
		log.Fatal(err)
	}
	return "redis://" + server.Addr()
}

var startExampleServer = sync.OnceValue(func() string {
	url := emptyServer()
	client, err := sysops.New(sysops.ServerList(url), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for _, h := range []struct{ host, resolver, vendor, product string }{
		{"web01.example.com", "10.0.0.53", "Dell", "PowerEdge R640"},
		{"web02.example.com", "10.9.9.9", "Dell", "PowerEdge R640"},
		{"db01.example.com", "10.0.0.53", "HPE", "DL380"},
	} {
		_, err := client.Publish(context.Background(), "", snapshot.Snapshot{Host: h.host, Sources: []snapshot.Source{
			fixed("/etc/resolv.conf", "nameserver "+h.resolver+"\n"),
			fixed("/etc/hardware_identification.json@lshw-json", fmt.Sprintf(`{"vendor": %q, "product": %q}`, h.vendor, h.product)),
		}})
		if err != nil {
			log.Fatal(err)
		}
	}
	return url
})

func fixed(name, contents string) snapshot.Source {
	return snapshot.Source{Name: name, Read: func(context.Context) (snapshot.Content, error) {
		return snapshot.Content{Data: []byte(contents)}, nil
	}}
}
