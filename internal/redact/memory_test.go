package redact

import (
	"os"
	"runtime/metrics"
	"strings"
	"testing"
)

// denseObject is an object of 47 KB in which each line looks as if it held a secret, and some do.
func denseObject(t testing.TB) []byte {
	data, err := os.ReadFile("testdata/harmless.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "|", "\n") + "password=hunter22\n"
	return []byte(strings.Repeat(text, 47<<10/len(text)))
}

// memory is what the process has taken from the system, the most it ever had: the garbage that
// nobody has collected yet, and the tables of the rules.
func memory() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestAHundredObjectsTakeLittleMemory(t *testing.T) {
	const limit = 48 << 20
	r := New([]byte("sixteen bytes or more"))
	for range 100 {
		r.Object("/etc/app.conf", denseObject(t))
	}
	if got := memory(); got > limit {
		t.Errorf("%d bytes were taken from the system, more than %d", got, limit)
	} else {
		t.Logf("%.1f MiB", float64(got)/(1<<20))
	}
}
