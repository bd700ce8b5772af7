package redistest

import (
	"os"
	"strconv"
	"testing"
)

// Cases returns how many random cases a test is to compare: usual of them, or as many times that as the environment
// variable RANDOM_CASES says. make test leaves it at usual; make fuzz sets it. The number decides, never the time; and
// a test with a fixed seed compares the usual cases first.
func Cases(t testing.TB, usual int) int {
	t.Helper()
	times := os.Getenv("RANDOM_CASES")
	if times == "" {
		return usual
	}
	n, err := strconv.Atoi(times)
	if err != nil || n < 1 {
		t.Fatalf("RANDOM_CASES is %q: it is how many times the usual number of random cases are compared, 1 or more", times)
	}
	return n * usual
}
