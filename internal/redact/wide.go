package redact

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// A wideText is a text in UTF-16 as one in UTF-8. Halves of pairs that stand alone are kept as
// three bytes, as if they were characters, so that what comes out is what went in.
type wideText struct {
	order interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}
	text []byte
	tail []byte // a byte too many
}

// wideOf returns data as a text if it is one in UTF-16: with a mark of the byte order, or with
// every second byte zero at its beginning.
func wideOf(data []byte) (wideText, bool) {
	w := wideText{}
	switch {
	case len(data) < 4:
		return w, false
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}) || zeros(data, 1):
		w.order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}) || zeros(data, 0):
		w.order = binary.BigEndian
	default:
		return w, false
	}
	w.text = make([]byte, 0, len(data)/2+len(data)/16)
	for i := 0; i+1 < len(data); i += 2 {
		r := rune(w.order.Uint16(data[i:]))
		if utf16.IsSurrogate(r) {
			if i+3 < len(data) {
				if pair := utf16.DecodeRune(r, rune(w.order.Uint16(data[i+2:]))); pair != utf8.RuneError {
					w.text = utf8.AppendRune(w.text, pair)
					i += 2
					continue
				}
			}
			w.text = append(w.text, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
			continue
		}
		w.text = utf8.AppendRune(w.text, r)
	}
	w.tail = data[len(data)&^1:]
	return w, true
}

// zeros reports whether the first bytes are printable ones with a zero beside each, at odd or
// even places.
func zeros(data []byte, at int) bool {
	if len(data) < 16 {
		return false
	}
	for i := range 16 {
		if (i%2 == at) != (data[i] == 0) {
			return false
		}
	}
	return true
}

// encode returns a text in the encoding that w had.
func (w wideText) encode(text []byte) []byte {
	out := make([]byte, 0, 2*len(text)+len(w.tail))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 { // half of a pair
			if len(text) < 3 {
				r = rune(text[0])
			} else {
				r, n = rune(text[0]&0x0f)<<12|rune(text[1]&0x3f)<<6|rune(text[2]&0x3f), 3
			}
			out = w.order.AppendUint16(out, uint16(r))
			text = text[n:]
			continue
		}
		if text = text[n:]; r > 0xffff {
			high, low := utf16.EncodeRune(r)
			out = w.order.AppendUint16(w.order.AppendUint16(out, uint16(high)), uint16(low))
			continue
		}
		out = w.order.AppendUint16(out, uint16(r))
	}
	return append(out, w.tail...)
}
