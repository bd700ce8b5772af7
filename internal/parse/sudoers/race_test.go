//go:build race

package sudoers

func init() { noise = 8 }
