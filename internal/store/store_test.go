package store

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A score holds the time, to an eighth of a second, and the mark exactly, as
// Redis prints and reads a double.
func TestPushScoresComeApartAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range redistest.Cases(t, 20_000) {
		at := time.UnixMicro(random.Int64N(1 << 32 * 1e6))
		mark := random.IntN(marks)
		printed := strconv.FormatFloat(PushScore(at, mark), 'g', 17, 64)
		score, err := strconv.ParseFloat(printed, 64)
		if err != nil {
			t.Fatal(err)
		}
		got := pushTime(score)
		if d := at.Sub(got.At); d < 0 || d >= time.Second/8+time.Microsecond || got.Mark != mark {
			t.Fatalf("%v with mark %d comes back as %v with mark %d", at, mark, got.At, got.Mark)
		}
	}
}

func TestPushScoresAreOrderedByTime(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range redistest.Cases(t, 20_000) {
		at := time.UnixMicro(random.Int64N(1 << 31 * 1e6))
		later := at.Add(time.Second/8 + time.Duration(random.Int64N(int64(time.Hour))))
		if a, b := PushScore(at, random.IntN(marks)), PushScore(later, random.IntN(marks)); a >= b {
			t.Fatalf("%v scores %v, %v scores %v", at, a, later, b)
		}
	}
}

// The marks of two pushes of one host, a millisecond to 15 s apart, say which
// came first, wherever in their cycle they are.
func TestMarksTellWhichPushCameFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range redistest.Cases(t, 20_000) {
		at := time.UnixMicro(1_700_000_000_000_000 + random.Int64N(100e6))
		later := at.Add(time.Millisecond + time.Duration(random.Int64N(int64(15*time.Second))))
		a, b := Mark(at), Mark(later)
		if a < 0 || a >= marks || !MarkedAfter(b, a) || MarkedAfter(a, b) || MarkedAfter(a, a) {
			t.Fatalf("%v has mark %d, %v mark %d: %v, %v", at, a, later, b, MarkedAfter(b, a), MarkedAfter(a, b))
		}
	}
}

// What is read from the digits of a score is what is read from the number: of our
// scores, of any others, and however the server prints them.
func TestScoresAreReadFromTheirDigits(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	check := func(text string) {
		t.Helper()
		score, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsePush([]byte(text)); err != nil || got != pushTime(score) {
			t.Errorf("%s is read as %v, %v; want %v", text, got, err, pushTime(score))
		}
	}
	for range 50_000 {
		score := PushScore(time.UnixMicro(random.Int64N(1<<32*1e6)), random.IntN(marks)*random.IntN(2))
		check(strconv.FormatFloat(score, 'g', 17, 64))
		check(strconv.FormatFloat(score, 'f', -1, 64))
		check(strconv.FormatFloat(random.Float64()*math.Pow(2, float64(random.IntN(36))), 'g', 1+random.IntN(17), 64))
		check(strconv.FormatFloat(float64(random.Int64N(1<<32*8))/8-random.Float64()*1e-7, 'g', 17, 64))
		check(strconv.FormatInt(random.Int64(), 10))
	}
	for _, text := range []string{"0", "-1", "inf", "-inf", "nan", "1e300", "9999999999.9999999999", "1700000000.", "1700000000.125", "1700000000.9999999"} {
		check(text)
	}
	for _, text := range []string{"x", "1x", "1.2.3", ""} {
		if got, err := parsePush([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// What a hostile host writes into $hosts or $live is a time, or none.
func TestAbsurdScoresAreTimes(t *testing.T) {
	for _, score := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), -1, 0, math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 41, 1e300} {
		p := pushTime(score)
		if year := p.At.UTC().Year(); p.Mark < 0 || p.Mark >= marks || year > 40_000 {
			t.Errorf("%v: %v, mark %d", score, p.At, p.Mark)
		}
	}
}

func TestRecordsComeBack(t *testing.T) {
	sum := [32]byte{}
	for i := range sum {
		sum[i] = byte(i * 7)
	}
	seen := time.Unix(1700000000, 0)
	for _, r := range []Record{
		{Sum: sum, StatSum: 0x0123456789abcdef, Seen: seen},
		{Sum: sum, Seen: seen, Packed: 77, Choice: 0xfedcba98, Base: ID(sum)},
		{Sum: sum, Seen: seen, MayBase: true},
		{Sum: sum, Seen: seen, Cut: true, Collected: time.Unix(1700000100, 0)},
		{Sum: sum, Seen: seen, Base: ID(sum), MayBase: true, Cut: true, Collected: time.Unix(1, 0)},
	} {
		if got, ok := decodeRecord(string(r.encode())); !ok || got != r {
			t.Errorf("%+v, %v; want %+v", got, ok, r)
		}
	}
}

// What earlier agents have written is read; what later ones add is passed over, where they
// say that they add something.
func TestRecordsOfOtherVersions(t *testing.T) {
	r := Record{StatSum: 1, Seen: time.Unix(1700000000, 0), Packed: 5, Choice: 6, Base: ID{7}}
	v3 := string(r.encode())
	v2 := "\x02" + v3[1:recordV2Len] + v3[recordV3Len:]
	v1 := "\x01" + v3[1:recordV1Len]
	later := v3[:recordV2Len] + string(rune(v3[recordV2Len]|0x40)) + v3[recordV3Len:] + "more"
	for text, want := range map[string]Record{v2: r, v1: {StatSum: 1, Seen: r.Seen}, later: r} {
		if got, ok := decodeRecord(text); !ok || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", text, got, ok, want)
		}
	}
}

func TestRecordsOfAnotherShapeAreNone(t *testing.T) {
	good := string(Record{}.encode())
	based := string(Record{Base: ID{1}, Collected: time.Unix(1, 0)}.encode())
	for _, bad := range []string{
		"", "\x01", "\x03", good[:len(good)-1], good + "x", "\x04" + good[1:], strings.Repeat("a", len(good)),
		based[:len(based)-1], based[:len(based)-9], based[:recordV3Len], based + "x",
	} {
		if r, ok := decodeRecord(bad); ok || r != (Record{}) {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
}
