// Package sysops asks a fleet of machines questions, and is how the machines
// make their answers known.
//
// Every machine (a host) pushes a snapshot of its files and command outputs, a few
// times an hour, into several independent Redis servers, which form a core. A question
// is put to Redis, never to the hosts: machines that are switched off still answer,
// and nothing is executed anywhere to answer it. An object is one file, or one
// command's output, of one host; its key is host#name.
//
// # Asking
//
//	client, err := sysops.Open("") // the servers of /etc/sysops/config.yaml
//	...
//	defer client.Close()
//	pattern, err := sysops.ParsePattern("/etc/resolv.conf")
//	...
//	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern, Where: sysops.Where{Scope: sysops.Global}})
//	...
//	defer answer.Close(ctx)
//	for object, err := range answer.Objects(ctx) {
//		...
//		fmt.Printf("%s\n%s", object.Key, object.Contents)
//	}
//	fmt.Println(answer.Completeness())
//
// Objects come in the order of their keys, while the next ones are fetched: an answer may
// be larger than memory. An answer is complete, or says what it lacks: servers that fail,
// lag, or have lost objects are made up for by their siblings; a core of which no server
// answers is ErrIncomplete, unless the Query allows a partial answer.
//
// # Publishing
//
//	motd := snapshot.Source{Name: "/etc/motd", Read: func(context.Context) (snapshot.Content, error) { … }}
//	report, err := client.Publish(ctx, "", snapshot.Snapshot{Host: "web01.example.com", Sources: []snapshot.Source{motd}})
//
// A host publishes all of its objects each time; contents travel where they changed.
//
// Which hosts are meant is said with package hostset, what does not count in a comparison
// with package mask, and how one text becomes another with package diff.
package sysops
