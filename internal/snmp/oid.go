package snmp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An oid is an object identifier, a number an element.
type oid []uint32

const maxSubIDs = 128 // RFC 2578, section 3.5

// ParseOID returns s, an OID in numbers with or without a dot before the first, as
// objects are named by it and as snmpwalk -On prints it: .1.3.6.1.2.1.1.
func ParseOID(s string) (string, error) {
	o, err := parseOID(s)
	if err != nil {
		return "", fmt.Errorf("cannot walk %.80q: %w", s, err)
	}
	return o.String(), nil
}

func parseOID(s string) (oid, error) {
	parts := strings.SplitN(strings.TrimPrefix(s, "."), ".", maxSubIDs+1)
	if len(parts) > maxSubIDs {
		return nil, fmt.Errorf("an OID has at most %d numbers", maxSubIDs)
	}
	o := make(oid, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil || p[0] == '+' {
			return nil, fmt.Errorf("it is no OID in numbers (snmptranslate -On IF-MIB::ifTable prints one)")
		}
		o[i] = uint32(n)
	}
	// The encoding puts the first two into one (X.690, section 8.19.4).
	if len(o) < 2 || o[0] > 2 || o[0] < 2 && o[1] > 39 {
		return nil, fmt.Errorf("an OID begins with 0.0 to 0.39, 1.0 to 1.39, or 2 and a number")
	}
	return o, nil
}

func (o oid) String() string {
	var b []byte
	for _, n := range o {
		b = strconv.AppendUint(append(b, '.'), uint64(n), 10)
	}
	return string(b)
}

// under reports whether o is root or below it.
func (o oid) under(root oid) bool { return len(o) >= len(root) && slices.Equal(o[:len(root)], root) }
