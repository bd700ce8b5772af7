package network

import (
	"os"
	"path/filepath"
	"testing"
)

// sample reads one of the samples that a parser is tested by.
func sample(tb testing.TB, parser, name string) []byte {
	tb.Helper()
	contents, err := os.ReadFile(filepath.Join("../../parse", parser, "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return contents
}
