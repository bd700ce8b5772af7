package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"strings"
)

// An answer is which lines an output has, and each how often, in whatever order. It
// takes a few bytes: the sum of the lines' hashes.
type answer struct {
	lines int
	sum   [4]uint64
}

// A reading makes lines of different programs comparable. It returns false for a line
// that says nothing which the other can know.
type reading func(line string) (string, bool)

func readAnswer(r io.Reader, read reading) (answer, error) {
	var a answer
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			a.add(strings.TrimSuffix(line, "\n"), read)
		}
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return a, err
		}
	}
}

func (a *answer) add(line string, read reading) {
	line, ok := read(line)
	if !ok {
		return
	}
	a.lines++
	hash := sha256.Sum256([]byte(line))
	for i := range a.sum {
		a.sum[i] += binary.LittleEndian.Uint64(hash[8*i:])
	}
}

// answer reads the output that a command has left in the folder.
func (b *bench) answer(file string, read reading) answer {
	f, err := os.Open(b.dir + "/" + file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	a, err := readAnswer(f, read)
	if err != nil {
		b.Fatalf("cannot read the answer: %v", err)
	}
	return a
}

// whole takes a line as it is.
func whole(line string) (string, bool) { return line, true }

// counted is a line of uniq -c, which some pad more than others.
func counted(line string) (string, bool) { return strings.TrimLeft(line, " "), true }

// countedSum is a count and a checksum, without an example of what has it.
func countedSum(line string) (string, bool) {
	fields := strings.Fields(line)
	return strings.Join(fields[:min(2, len(fields))], " "), true
}

// lackingHost is a host that has the object without the line. That others are missing
// no file tells.
func lackingHost(line string) (string, bool) {
	host, _, _ := strings.Cut(line, " ")
	return host, strings.HasSuffix(line, " no line")
}

// fileKey turns the path of a file, at the end of the line, into the key that it is
// in Redis.
func fileKey(line string) (string, bool) {
	before, path, ok := strings.Cut(line, "tree/")
	return before + strings.Replace(path, "/", "#/", 1), ok
}

// fileHost is the host that a file is of.
func fileHost(line string) (string, bool) {
	key, ok := fileKey(line)
	host, _, _ := strings.Cut(key, "#")
	return host, ok
}
