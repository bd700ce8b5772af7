package sysops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/sysops-api/sysops-api"
	"github.com/sysops-api/sysops-api/hostset"
	"github.com/sysops-api/sysops-api/snapshot"
)

// A first question: what does this file hold, everywhere?
func Example() {
	ctx := context.Background()
	client, err := sysops.New(sysops.ServerList(exampleServer()), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	pattern, err := sysops.ParsePattern("/etc/resolv.conf")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Close(ctx)
	for object, err := range answer.Objects(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s", object.Host, object.Contents)
	}
	complete := answer.Completeness()
	fmt.Printf("%d of %d hosts answered\n", complete.Answered, complete.Expected)
	// Output:
	// db01.example.com: nameserver 10.0.0.53
	// web01.example.com: nameserver 10.0.0.53
	// web02.example.com: nameserver 10.9.9.9
	// 3 of 3 hosts answered
}

// The hardware of a whole datacenter: every host's "lshw -json", decoded.
func ExampleAnswer_Objects() {
	ctx := context.Background()
	client, err := sysops.New(sysops.ServerList(exampleServer()), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	pattern, err := sysops.ParsePattern("lshw-json")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern, Where: sysops.Where{Scope: sysops.Global}})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Close(ctx)

	machines := make(map[string]int)
	for object, err := range answer.Objects(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		var hardware struct{ Vendor, Product string }
		if err := json.Unmarshal(object.Contents, &hardware); err != nil {
			log.Printf("%s: %v", object.Key, err)
			continue
		}
		machines[hardware.Vendor+" "+hardware.Product]++
	}
	fmt.Println(machines)
	// Output: map[Dell PowerEdge R640:2 HPE DL380:1]
}

// Who has this line, and who lacks it?
func ExampleAnswer_Grep() {
	ctx := context.Background()
	client, err := sysops.New(sysops.ServerList(exampleServer()), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	pattern, err := sysops.ParsePattern("/etc/resolv.conf")
	if err != nil {
		log.Fatal(err)
	}
	expr, err := sysops.CompileExpr(`^nameserver 10\.0\.`, sysops.GrepOptions{})
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Close(ctx)
	for match, err := range answer.Grep(ctx, expr) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(match.Host, match.Count > 0)
	}
	// Output:
	// db01.example.com true
	// web01.example.com true
	// web02.example.com false
}

// A host publishes what it has: here the output of a program of its own.
func ExampleClient_Publish() {
	ctx := context.Background()
	client, err := sysops.New(sysops.ServerList(emptyServer()), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	version := snapshot.Source{
		Name: "/opt/shop/version",
		Read: func(context.Context) (snapshot.Content, error) {
			return snapshot.Content{Data: []byte("4.2.1\n")}, nil
		},
	}
	report, err := client.Publish(ctx, "", snapshot.Snapshot{
		Host: "shop01.example.com", Sources: []snapshot.Source{version},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, server := range report.Servers {
		fmt.Println(server.Replaced, "sent,", server.Renewed, "unchanged")
	}
	// Output: 1 sent, 0 unchanged
}

// Who is not like the rest? The variants of a file over the fleet, and how the others
// differ from the most common one.
func ExampleAnswer_Variants() {
	ctx := context.Background()
	client, err := sysops.New(sysops.ServerList(exampleServer()), sysops.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	pattern, err := sysops.ParsePattern("/etc/resolv.conf")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern})
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Close(ctx)
	variants, err := answer.Variants(ctx, sysops.VariantOptions{ByName: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range variants {
		fmt.Printf("%d of %d: %s\n", v.Count, v.Of, hostset.Fold(v.Hosts()))
	}
	for c, err := range answer.CompareVariants(ctx, &variants[0], variants[1:], sysops.CompareOptions{}) {
		if err != nil {
			log.Fatal(err)
		}
		if c.Diff != nil { // neither binary nor gone by now
			fmt.Printf("%s:\n%s", c.Host, c.Diff.Unified(3))
		}
	}
	// Output:
	// 2 of 3: db01.example.com,web01.example.com
	// 1 of 3: web02.example.com
	// web02.example.com:
	// @@ -1 +1 @@
	// -nameserver 10.0.0.53
	// +nameserver 10.9.9.9
}
