// Package sysops asks a fleet of machines questions, and is how the machines
// make their answers known.
//
// Every host pushes snapshots of its files and command outputs into several
// independent Redis servers, a few times an hour. A question is then put to
// Redis, never to the hosts: machines that are switched off still answer, and
// nothing is executed anywhere to answer it.
package sysops
