package store

import (
	"math"
	"time"
)

// A score of $hosts is the time of a host's last push in unix seconds, with the
// push's mark in its lowest bits: 10 bits of fraction count 1/1024 s, the 11
// below them are the mark. 2^31 s and 21 bits of fraction fit the 53 bits of a
// double, and Redis prints doubles so that they read back the same.
//
// The mark is drawn once a push and is the same on all servers. Two servers
// whose scores for a host lie close together, by their corrected clocks, hold
// the same push if the marks are equal, and different ones if not; the times
// alone could not tell a slow server from one that missed a quick second push.
const (
	tickBits = 10
	markBits = 11
	Marks    = 1 << markBits // marks run from 0 to Marks-1
)

// PushScore returns the score of a push with this mark at this time.
func PushScore(at time.Time, mark int) float64 {
	ticks := math.Floor(unix(at) * (1 << tickBits))
	return ticks/(1<<tickBits) + float64(mark%Marks)/(1<<(tickBits+markBits))
}

// A PushTime is a score of $hosts taken apart.
type PushTime struct {
	At   time.Time // by the server's clock
	Mark int
}

func pushTime(score float64) PushTime {
	ticks := math.Floor(score * (1 << tickBits))
	mark := (score*(1<<tickBits) - ticks) * (1 << markBits)
	return PushTime{At: fromUnix(ticks / (1 << tickBits)), Mark: int(math.Round(mark)) % Marks}
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func fromUnix(s float64) time.Time {
	if math.IsNaN(s) || s < 0 || s > 1<<40 {
		return time.Time{} // what a hostile host may have written
	}
	return time.UnixMicro(int64(s * 1e6))
}
