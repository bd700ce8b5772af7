package snapshot

// Counts holds the three numbers of wc(1) in the C locale.
type Counts struct {
	Lines int64 `json:"lines"`
	Words int64 `json:"words"`
	Bytes int64 `json:"bytes"`
}

// CountsOf counts data as GNU "LC_ALL=C wc" does: a line is a newline, a word
// is a run of bytes without white space in which at least one is printable ASCII.
func CountsOf(data []byte) Counts {
	wc := Counts{Bytes: int64(len(data))}
	inWord := false
	for _, c := range data {
		switch {
		case c > ' ' && c < 0x7f:
			inWord = true
		case c == ' ' || '\t' <= c && c <= '\r':
			if c == '\n' {
				wc.Lines++
			}
			if inWord {
				wc.Words++
				inWord = false
			}
		}
	}
	if inWord {
		wc.Words++
	}
	return wc
}
