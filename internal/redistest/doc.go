// Package redistest gives tests and benchmarks real redis-server processes, and the faults that happen to them.
//
// Goals:
//
//   - What is tested is Redis, not an imitation: every server is a process of its own, on a port of its own, with an
//     empty keyspace and no persistence.
//   - The faults are the ones of production: a server that hangs ([Server.Stop]), dies ([Server.Kill]) or comes back
//     empty ([Server.Restart]), whose clock is wrong ([Clock]); a network that is slow, stalls, refuses or is cut after exactly n bytes ([Proxy]).
//   - Costs can be asserted: bytes and round trips of a network ([Proxy.Traffic]), time and memory of a program ([Run]).
//   - No test races with a busy machine: it waits for a condition ([WaitFor], [Within]), gives what has to come first as
//     long as it needs ([LongEnough]), runs programs that it has written ([WriteProgram]), and compares a number of random
//     cases ([Cases]).
//   - Nothing is left behind, however the test ends: a server dies with the test binary, even when that is killed.
//
// It needs a redis-server (or a Valkey under that name). A test fails where there is none; it does not skip.
//
// The package is for tests on Unix systems. That servers die with a killed test binary holds on Linux only.
package redistest
