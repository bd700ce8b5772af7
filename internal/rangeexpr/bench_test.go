package rangeexpr

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hundredThousand is a directory with a cluster of as many lines.
func hundredThousand(b *testing.B) *FileSource {
	b.Helper()
	var text strings.Builder
	text.WriteString("CLUSTER:\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "  - h%d\n", i+1)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "big.yaml"), []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return Files(dir)
}

func BenchmarkEval(b *testing.B) {
	e := &Evaluator{Clusters: hundredThousand(b)}
	for _, bench := range []struct {
		name, expr string
		want       int
	}{
		{"braces", "h{1..100000} & h{50000..150000}", 50_001},
		{"sequences", "h1..100000 & h50000..150000", 50_001},
		{"cluster", "%big & h50000..150000", 50_001},
		{"regex", "%big & h50000..150000 - /[02468]$/", 25_000},
		{"words", strings.Repeat("h{1..9}.example.com,", 20_000), 9},
		{"list", Fold(fleet()), 24_247},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				if set, err := e.Eval(bench.expr); err != nil || set.Len() != bench.want {
					b.Fatalf("%d hosts, %v; want %d", set.Len(), err, bench.want)
				}
			}
		})
	}
}

// What a file takes when it is read for the first time, or has changed.
func BenchmarkReadClusterFile(b *testing.B) {
	s := hundredThousand(b)
	for b.Loop() {
		s.forget("big")
		if set, err := (&Evaluator{Clusters: s}).Eval("%big"); err != nil || set.Len() != 100_000 {
			b.Fatal(set.Len(), err)
		}
	}
}

// Which of 5,000 clusters of ten hosts hold some.
func BenchmarkClustersOf(b *testing.B) {
	dir := b.TempDir()
	for i := range 5000 {
		text := fmt.Sprintf("CLUSTER: h%d..%d\nTYPE: t%d\n", i*10, i*10+9, i%7)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("c%04d.yaml", i)), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	e := &Evaluator{Clusters: Files(dir)}
	for expr, want := range map[string]int{"*h77": 1, "clusters(h0..9999)": 1000, "has(TYPE;t3)": 714} {
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				if set, err := e.Eval(expr); err != nil || set.Len() != want {
					b.Fatal(set.Len(), err)
				}
			}
		})
	}
}

func BenchmarkCompress(b *testing.B) {
	for name, hosts := range fleets() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Compress(hosts)
			}
		})
	}
}
