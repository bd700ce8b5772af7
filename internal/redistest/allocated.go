package redistest

import "runtime"

// Allocated returns how many bytes f, and whatever else runs meanwhile, allocates in all: at least as much as it holds
// at any time. It is for tests of what bounds that; they run by themselves.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
