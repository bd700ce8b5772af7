package sudoers

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// parseTimeout reads 7d8h30m10s: each unit once, the largest first; a number without
// one is seconds.
func parseTimeout(s string) (int, error) {
	errBad := fmt.Errorf("invalid timeout value %q", s)
	units := []struct {
		letter  byte
		seconds int
	}{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}
	total := 0
	if s == "" {
		return 0, errBad
	}
	for s != "" {
		n := run([]byte(s), isDigit)
		v, err := strconv.ParseInt(s[:n], 10, 32)
		if err != nil {
			return 0, errBad
		}
		letter := byte('s')
		if s = s[n:]; s != "" {
			letter = s[0] | 0x20
			s = s[1:]
		}
		i := 0
		for i < len(units) && units[i].letter != letter {
			i++
		}
		if i == len(units) {
			return 0, errBad
		}
		total += int(v) * units[i].seconds
		units = units[i+1:]
	}
	switch {
	case total > 1<<31-1:
		return 0, errBad
	case total == 0:
		return -1, nil
	}
	return total, nil
}

// timeEnd is a fraction and a zone.
var timeEnd = regexp.MustCompile(`^(?:[.,]([0-9]))?(?:Z|([-+])([0-9]{2})([0-9]{2})?)?$`)

// parseTime reads a generalized time of RFC 4517: yyyymmddHH, then minutes and seconds
// if any, a fraction of which sudo takes one digit, and Z or +HHMM. As to sudo, the 32nd is the
// 1st of the next month. Without a zone it is the host's local time, which is not known:
// UTC is taken.
func parseTime(s string) (time.Time, error) {
	errBad := fmt.Errorf("invalid time %q", s)
	n := run([]byte(s), isDigit)
	if n != 10 && n != 12 && n != 14 {
		return time.Time{}, errBad
	}
	field := func(from, to int) int {
		v, _ := strconv.Atoi((s[:n] + "0000")[from:to]) // digits, as counted above
		return v
	}
	t := time.Date(field(0, 4), time.Month(field(4, 6)), field(6, 8), field(8, 10), field(10, 12), field(12, 14), 0, time.UTC)
	m := timeEnd.FindStringSubmatch(s[n:])
	if m == nil {
		return time.Time{}, errBad
	}
	number := func(i int) time.Duration {
		v, _ := strconv.Atoi(m[i]) // digits, or nothing
		return time.Duration(v)
	}
	switch n { // a tenth of an hour or of a minute
	case 10:
		t = t.Add(number(1) * time.Hour / 10)
	case 12:
		t = t.Add(number(1) * time.Minute / 10)
	}
	east := number(3)*time.Hour + number(4)*time.Minute
	if m[2] == "-" {
		east = -east
	}
	return t.Add(-east), nil
}
