// Package sysops asks a fleet of machines questions, and is how the machines
// make their answers known.
//
// Every machine (a host) pushes a snapshot of its files and command outputs, a
// few times an hour, into several independent Redis servers. A question is then
// put to Redis, never to the hosts: machines that are switched off still answer,
// and nothing is executed anywhere to answer it.
//
// # Words
//
// An object is one file, or one command's output, of one host. Its name is a path
// (/etc/passwd) or, for one section of a JSON object, path@section; its key is
// host#name. The servers that each hold the same objects form a core; clients write
// to all of them, and nothing replicates between them. A site has one or more
// cores. A Scope is the local core, a site, or everything; a Directory tells which
// servers that means.
//
// # Asking
//
// Open a Client, Ask a Query, range over the Answer:
//
//	client, err := sysops.Open("")                  // the servers of /etc/sysops/config.yaml
//	...
//	defer client.Close()
//	pattern, err := sysops.ParsePattern("/etc/resolv.conf")
//	...
//	answer, err := client.Ask(ctx, sysops.Query{Pattern: pattern, Scope: sysops.Global})
//	...
//	defer answer.Close(ctx)
//	for object, err := range answer.Objects(ctx) {
//		...
//		fmt.Printf("%s\n%s", object.Key, object.Contents)
//	}
//	fmt.Println(answer.Completeness())
//
// Objects come in the order of their keys, while the next ones are fetched: an
// answer may be much larger than memory. Breaking off the loop, or cancelling the
// context, ends the fetching.
//
// An answer is complete, or says what it lacks. Servers that fail, lag, or have
// lost objects are made up for by their siblings. A core of which no server
// answers is ErrIncomplete, unless the Query allows a partial answer; which hosts
// did not report is told by Completeness.
//
// # Publishing
//
// A host publishes all of its objects at a time; see Client.Publish. The command
// sysops-agent does that with files and command outputs.
package sysops
