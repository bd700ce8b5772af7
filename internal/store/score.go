package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A score of $hosts is the time of a host's last push in unix seconds, by the
// server's clock and in eighths of a second, with the push's mark in the 18 bits
// below. 2^32 s and 21 bits of fraction fit the 53 bits of a double, and Redis
// prints doubles so that they read back the same.
//
// The mark is the time of the push by the host's own clock, in 1/8192 s, modulo
// 32 s. It is the same on all servers. Two servers whose scores for a host lie
// close together, by their corrected clocks, hold the same push if the marks are
// equal; if not, the marks say which push came first. The servers' times alone
// could not tell a slow server from one that missed a quick second push.
const (
	tickBits = 3
	markBits = 18
	marks    = 1 << markBits
	markRate = 8192 // a second
)

// Mark returns the mark of a push that its host makes now.
func Mark(now time.Time) int { return int(now.UnixMicro() % 32e6 * markRate / 1e6) }

// MarkedAfter reports whether the push marked a came after the one marked b. It
// holds for pushes of one host that lie less than 16 s apart.
func MarkedAfter(a, b int) bool { return a != b && (a-b)&(marks-1) < marks/2 }

// PushScore returns the score of a push with this mark at this time.
func PushScore(at time.Time, mark int) float64 {
	ticks := math.Floor(unix(at) * (1 << tickBits))
	return ticks/(1<<tickBits) + float64(mark&(marks-1))/(1<<(tickBits+markBits))
}

// A PushTime is a score of $hosts taken apart.
type PushTime struct {
	At     time.Time // by the server's clock; zero: it says nothing, see saysNothing
	Mark   int
	Serial int64 // the same at all servers; 0: nobody knows, as of agents before there were serials
}

// A serial tells which of two pushes of one host, or of a push and its leaving, came later, whatever
// the servers' clocks said: it is the time of the host's own clock in microseconds or, where that is
// less, one more than what a server has. In $serial it stands before the score that it belongs to, so
// that it says nothing of a push by an agent that does not write any.

// SerialAfter returns the serial of what a host does now. seen is what a server has.
func SerialAfter(seen int64, now time.Time) int64 { return max(now.UnixMicro(), seen+1) }

// formatSerial writes the serial of what has this score.
func formatSerial(serial int64, score string) string {
	return strconv.FormatInt(serial, 10) + " " + score
}

// parseSerial reads the serial of what has this score; 0: it is that of something else.
func parseSerial(field, score string) int64 {
	text, of, _ := strings.Cut(field, " ")
	serial, err := strconv.ParseInt(text, 10, 64)
	if err != nil || of != score || score == "" {
		return 0
	}
	return max(serial, 0)
}

// SerialIsBeyond reports whether a serial lies beyond the present: the host's clock was ahead.
func SerialIsBeyond(serial int64, now time.Time) bool { return beyond(time.UnixMicro(serial), now) }

func pushTime(score float64) PushTime {
	ticks := math.Floor(score * (1 << tickBits))
	mark := (score*(1<<tickBits) - ticks) * marks
	return PushTime{At: fromUnix(ticks / (1 << tickBits)), Mark: int(math.Round(mark)) & (marks - 1)}
}

// parsePush reads a score as Redis prints it. It is pushTime of that number; but a
// score of PushScore, which is a whole number of marks, is had from its digits, in a
// fraction of the time that it takes to make a float64 of them.
func parsePush(b []byte) (PushTime, error) {
	seconds, rest := digits(b)
	decimals, unit := uint64(0), uint64(1)
	if len(rest) > 1 && rest[0] == '.' {
		fraction := rest[1:]
		decimals, rest = digits(fraction)
		for range len(fraction) - len(rest) {
			unit *= 10
		}
	}
	if len(rest) == 0 && len(b) > 0 && seconds < 1<<32 { // above, a float64 is coarser than marks are
		n := decimals<<(tickBits+markBits) + unit/2
		n, off := n/unit, n%unit // rounded; off is unit/2 where nothing was rounded off
		mark := int(n & (marks - 1))
		// Printing rounds as well, though by much less than a quarter of a mark. A mark of
		// 0 takes up few decimals, and is not rounded.
		if off == unit/2 || mark != 0 && off >= unit/4 && off <= unit-unit/4 {
			return PushTime{At: time.Unix(int64(seconds), int64(n>>markBits)*int64(time.Second>>tickBits)), Mark: mark}, nil
		}
	}
	score, err := parseScore(b)
	return pushTime(score), err
}

// digits reads up to ten digits, and returns what follows them.
func digits(b []byte) (n uint64, rest []byte) {
	i := 0
	for ; i < min(len(b), 10) && '0' <= b[i] && b[i] <= '9'; i++ {
		n = 10*n + uint64(b[i]-'0')
	}
	return n, b[i:]
}

func parseScore(b []byte) (float64, error) {
	score, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read the score %.60q", b)
	}
	return score, nil
}

// formatScore writes a score so that it reads back the same.
func formatScore(score float64) string { return strconv.FormatFloat(score, 'f', -1, 64) }

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func fromUnix(s float64) time.Time {
	if math.IsNaN(s) || s < 0 || s > 1<<40 {
		return time.Time{} // what a hostile host may have written
	}
	return time.UnixMicro(int64(s * 1e6))
}
