// Package snmp walks devices that speak SNMP, version 2c or 3, and writes what they
// say as text: a line a variable, as snmpwalk -On prints it, for grep and diff.
//
// A device may be hostile, or broken: what a walk takes is bounded in bytes and in
// time, names that do not increase end it, and a walk that did not come to its end is
// an error, never a shorter text. The package speaks UDP, and asks only: it sends no
// SET and listens for no traps.
package snmp
