// Package bench holds the benchmarks over whole fleets: real redis-server
// processes, filled through the real publisher, asked by the real commands.
// README.md says how to run them, results/ what they gave.
package bench
