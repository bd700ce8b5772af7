// Package collect is what an agent knows about its own host: the files that the
// administrator chose, and the output of commands that describe the machine. It
// is the only package that runs programs.
//
// Its goals, in this order:
//
//   - It never harms the host. Every command has a time limit and an output
//     limit and is killed with all its children; nothing is opened that blocks
//     or acts when opened (pipes, devices); memory is bounded by the largest
//     object, not by the number of objects.
//   - It never reads what the administrator did not choose. Who may write to
//     the outgoing directory chooses, so the directory is refused when others
//     may; what others can change further on is read with their rights, by
//     package hostfs.
//   - Secrets stay on the host. Files that are there to hold them are never read; of
//     all else, what commands print included, a [redact.Redactor] takes them out. A keyed
//     fingerprint, by which they still compare, is left where nobody can try guesses.
//   - What could not be read is said, and never stops the rest.
package collect
