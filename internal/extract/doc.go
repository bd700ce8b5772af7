// Package extract is a question's way through the cores, and the way of the objects back:
// which servers a scope covers, what their index knows, which objects that selects, and
// the objects themselves, from whichever sibling has them.
//
// It promises that no one server shows in an answer: one that hangs, lags, restarted
// empty or holds a damaged object is made up for by its siblings; that no one host changes
// what is said of others; and that what an answer lacks all the same is counted. Memory is bounded, whatever a scope holds.
//
// The way down: Servers opens the servers of the places that a scope covers (servers.go); a
// Survey (survey.go) has them probed (probe.go) for hosts (hosts.go), looks the index up, has
// hosts asked where what it says is in doubt (truth.go), and makes targets of it (targets.go). The way back: a Pass (pass.go) is one reading of a
// survey, in streams (stream.go) of what is fetched (fetch.go) with the bases that it
// refers to (bases.go), a piece at a time (item.go).
//
// It leaves to its callers what elements mean, how they are compared and counted, and
// which hosts a person means.
package extract
