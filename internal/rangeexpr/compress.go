package rangeexpr

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/naming"
)

// Compress returns nodes as Range answers /expand: on one line, sorted, runs of
// numbers as sequences, and without braces (do_range_compress of libcrange). Neither
// the order of nodes nor repetitions matter. An Evaluator gives the nodes back.
//
//	host8..9,host10..1    host8 … host11: the numbers of a run have as many digits
//
// The last number of a run is written without the digits that it shares with the
// first. A name that would be misread is quoted, which Range omits. See [Fold] for
// what is easier to read.
func Compress(nodes []string) string {
	parts := make([]numbered, 0, len(nodes))
	for _, n := range nodes {
		parts = append(parts, splitNumber(n))
	}
	slices.SortFunc(parts, numbered.compare)
	parts = slices.CompactFunc(parts, func(a, b numbered) bool { return a.name == b.name })
	var out strings.Builder
	for len(parts) > 0 {
		n := 1
		for n < len(parts) && parts[n].continues(parts[0], parts[n-1]) {
			n++
		}
		if out.Len() > 0 {
			out.WriteByte(',')
		}
		writeRun(&out, parts[:n])
		parts = parts[n:]
	}
	return out.String()
}

// A numbered name is one with the number that Range counts in it.
type numbered struct{ name, prefix, digits, domain string }

// splitNumber splits a name at the first number that has nothing behind it but a
// domain, which has a letter. A name without one is all prefix.
func splitNumber(name string) numbered {
	whole := numbered{name: name, prefix: name}
	if len(name) > maxSequence {
		return whole
	}
	for at := 0; at < len(name) && isPrefixByte(name[at]); at++ {
		if !isDigit(name[at]) {
			continue
		}
		end := digitsEnd(name, at)
		if rest := name[end:]; rest == "" || isDomain(rest) && strings.IndexFunc(rest, isNotNumeric) >= 0 {
			return numbered{name, name[:at], name[at:end], rest}
		}
		at = end - 1
	}
	return whole
}

func (n numbered) compare(m numbered) int {
	return cmp.Or(
		strings.Compare(n.prefix, m.prefix),
		strings.Compare(n.domain, m.domain),
		naming.CompareNumbers(n.digits, m.digits),
		strings.Compare(n.name, m.name),
	)
}

// continues reports whether n is the next of a run of which the first and the last
// are known.
func (n numbered) continues(first, last numbered) bool {
	return n.digits != "" && n.prefix == last.prefix && n.domain == last.domain &&
		len(n.digits) == len(last.digits) && follows(last.digits, n.digits) &&
		changing(first.digits, n.digits) <= maxDigits
}

func writeRun(out *strings.Builder, run []numbered) {
	first, last := run[0], run[len(run)-1]
	if len(run) > 1 && isPlain(first.name) {
		end := last.digits[len(last.digits)-changing(first.digits, last.digits):]
		text := first.prefix + first.digits + ".." + end + first.domain
		// Another number may be the one that Range counts: r1.n1..8.n1 are r1.n1 … r8.n1.
		if s, ok := parseSequence(text); ok && s.count == len(run) && s.firstText() == first.name && s.lastText() == last.name {
			out.WriteString(text)
			return
		}
	}
	for i, n := range run {
		if i > 0 {
			out.WriteByte(',')
		}
		if isPlain(n.name) {
			out.WriteString(n.name)
		} else {
			out.WriteString(quote(n.name))
		}
	}
}
