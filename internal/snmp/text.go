package snmp

import (
	"fmt"
	"math"
	"strings"

	"github.com/gosnmp/gosnmp"
)

// appendVariable appends a variable as a line, in the form of snmpwalk -On without
// MIBs (Net-SNMP's snmplib/mib.c), but for what would take several lines there: long
// hex is not folded, and line ends in a text are written \n and \r.
func appendVariable(b []byte, name oid, v gosnmp.SnmpPDU) []byte {
	b = append(b, name.String()...)
	b = append(b, " = "...)
	b = appendValue(b, v)
	return append(b, '\n')
}

// unreadable stands for a value that is not what its type says.
const unreadable = "(unreadable value)"

func appendValue(b []byte, v gosnmp.SnmpPDU) []byte {
	switch value := v.Value.(type) {
	case []byte:
		if v.Type == gosnmp.Opaque {
			return fmt.Appendf(b, "OPAQUE: % X", value)
		}
		return appendString(b, value)
	case string: // gosnmp's form of OIDs and addresses
		switch v.Type {
		case gosnmp.ObjectIdentifier:
			return fmt.Appendf(b, "OID: .%s", strings.TrimPrefix(value, "."))
		case gosnmp.IPAddress:
			return fmt.Appendf(b, "IpAddress: %s", value)
		}
	case uint32:
		if v.Type == gosnmp.TimeTicks {
			return fmt.Appendf(b, "Timeticks: (%d) %s", value, ticks(value))
		}
		if label := numberLabels[v.Type]; label != "" {
			return fmt.Appendf(b, "%s: %d", label, value)
		}
	case int, uint, uint64:
		if label := numberLabels[v.Type]; label != "" {
			return fmt.Appendf(b, "%s: %d", label, value)
		}
	case float32:
		return appendFloat(b, "Float", float64(value))
	case float64:
		return appendFloat(b, "Double", value)
	}
	switch v.Type {
	case gosnmp.Null:
		return append(b, "NULL"...)
	case gosnmp.NoSuchObject:
		return append(b, "No Such Object available on this agent at this OID"...)
	case gosnmp.NoSuchInstance:
		return append(b, "No Such Instance currently exists at this OID"...)
	}
	return append(b, unreadable...)
}

var numberLabels = map[gosnmp.Asn1BER]string{
	gosnmp.Integer: "INTEGER", gosnmp.Counter32: "Counter32", gosnmp.Gauge32: "Gauge32", gosnmp.Counter64: "Counter64", gosnmp.Uinteger32: "UInteger32",
}

func appendFloat(b []byte, kind string, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Appendf(b, "Opaque: %s: %s", kind, strings.ToLower(strings.TrimPrefix(fmt.Sprint(f), "+")))
	}
	return fmt.Appendf(b, "Opaque: %s: %f", kind, f)
}

// ticks writes hundredths of a second as days, hours, minutes and seconds.
func ticks(n uint32) string {
	days, rest := n/8640000, n%8640000
	clock := fmt.Sprintf("%d:%02d:%02d.%02d", rest/360000, rest/6000%60, rest/100%60, rest%100)
	switch days {
	case 0:
		return clock
	case 1:
		return "1 day, " + clock
	}
	return fmt.Sprintf("%d days, %s", days, clock)
}

// appendString writes text in quotes, and anything else in hex.
func appendString(b, s []byte) []byte {
	if len(s) == 0 {
		return append(b, `""`...)
	}
	for _, c := range s {
		if (c < ' ' || c > '~') && (c < '\t' || c > '\r') {
			return fmt.Appendf(b, "Hex-STRING: % X", s)
		}
	}
	b = append(b, `STRING: "`...)
	for _, c := range s {
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\v':
			b = append(b, `\v`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
