// Package high is the upper floor.
package high

// A Window is a type.
type Window struct{}
