// Package demo makes fleets to try sysops on: a demonstration that a stranger starts on a
// machine where nothing is installed (Demo), and synthetic fleets of any size in servers
// that there are, or as files (Simulation).
//
// It promises that neither is taken for a real fleet, or mixes with one: the hosts lie in
// domains that are set apart for examples, a simulation leaves servers alone that know
// others, and a demonstration has servers of its own and leaves nothing behind.
//
// What synthetic hosts hold is left to internal/fleetsim, and flags to the command.
package demo
