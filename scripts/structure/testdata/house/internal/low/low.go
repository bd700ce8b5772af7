// Package low is the ground floor, and imports what is above it.
package low

import (
	_ "os/exec"

	_ "example.com/house/internal/high"
	_ "example.com/stranger"
)

func long(n int) int {
	n++
	n++
	n++
	return n
}

func short() {}
