package terminal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sysops-api/sysops-api/internal/hint"
)

func TestSafeWriterNeutralises(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain text", "PermitRootLogin no\n", "PermitRootLogin no\n"},
		{"tabs and newlines", "a\tb\n\nc", "a\tb\n\nc"},
		{"nothing", "", ""},
		{"text beyond ASCII", "grüße, 你好, 😀\n", "grüße, 你好, 😀\n"},
		{"combining characters", "e\u0301", "e\u0301"},

		{"a colour", "\x1b[31mred\x1b[0m", "^[[31mred^[[0m"},
		{"clearing the screen", "\x1b[2J\x1b[H", "^[[2J^[[H"},
		{"setting the title", "\x1b]0;pwned\x07", "^[]0;pwned^G"},
		{"asking for an answer that is typed for the user", "\x1b[6n\x05", "^[[6n^E"},
		{"a device control string", "\x1bP$q\x1b\\", "^[P$q^[\\"},
		{"carriage return, which hides what stands before it", "rm -rf /\rls", "rm -rf /^Mls"},
		{"backspaces", "evil\b\b\b\bgood", "evil^H^H^H^Hgood"},
		{"NUL", "a\x00b", "a^@b"},
		{"DEL", "a\x7fb", "a^?b"},
		{"shift out, another character set", "\x0e\x0f", "^N^O"},

		{"C1 as UTF-8: CSI", "\u009b31m", `\u009b31m`},
		{"C1 as UTF-8: OSC and ST", "\u009d0;x\u009c", `\u009d0;x\u009c`},
		{"C1 as UTF-8: next line", "a\u0085b", `a\u0085b`},
		{"C1 as a single byte", "\x9b31m", `\x9b31m`},

		{"right-to-left override", "\u202etxt.exe", `\u202etxt.exe`},
		{"embeddings", "\u202a\u202b\u202c\u202d", `\u202a\u202b\u202c\u202d`},
		{"isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"marks", "\u200e\u200f", `\u200e\u200f`},
		{"Arabic letter mark", "\u061c", `\u061c`},
		{"zero width", "pass\u200bwd", `pass\u200bwd`},
		{"byte order mark", "\ufeffx", `\ufeffx`},
		{"line and paragraph separator", "a\u2028b\u2029", `a\u2028b\u2029`},

		{"soft hyphen", "ro\u00adot", `ro\u00adot`},
		{"tags, which spell text that nobody sees", "a\U000e0041\U000e007f", `a\U000e0041\U000e007f`},
		{"interlinear annotation", "\ufff9a\ufffb", `\ufff9a\ufffb`},
		{"private use, which each font draws otherwise", "\ue000\U000f0000", `\ue000\U000f0000`},

		{"a byte that is no UTF-8", "a\xffb", `a\xffb`},
		{"an overlong ESC", "\xc0\x9b", `\xc0\x9b`},
		{"a surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"the replacement character itself", "\ufffd", "\ufffd"},
		{"a character cut short", "gr\xc3", `gr\xc3`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			n, err := SafeWriter(&out).Write([]byte(tt.text))
			if n != len(tt.text) || err != nil {
				t.Errorf("Write is %d, %v; want %d bytes taken", n, err, len(tt.text))
			}
			if got := out.String(); got != tt.want {
				t.Errorf("%q became %q, want %q", tt.text, got, tt.want)
			}
			if got := SafeText(tt.text); got != tt.want {
				t.Errorf("SafeText of %q is %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// Writes end where buffers do, not where characters do. What comes out of a
// character that was split must be harmless; that it is shown as bytes is accepted.
func TestSafeWriterTakesSplitCharacters(t *testing.T) {
	for _, text := range []string{"ü", "你", "😀", "\u009b31m", "\u202e", "\x1b[31m"} {
		for cut := range len(text) {
			var out bytes.Buffer
			w := SafeWriter(&out)
			for _, part := range []string{text[:cut], text[cut:]} {
				if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatalf("Write(%q) is %d, %v", part, n, err)
				}
			}
			if bad := harmful(out.String()); bad != "" {
				t.Errorf("%q, split after %d bytes, became %q: %s", text, cut, out.String(), bad)
			}
		}
	}
}

// A name may hold a newline: what is told of it must not pass for lines of ours.
func TestNobodyElseWritesLinesOfOurs(t *testing.T) {
	hostile := errors.New("cannot read web1#/etc/x\nwarning: all is well\nhint: go on\n")
	var out bytes.Buffer
	Warn(&out, "%v", hostile)
	Fail(&out, "sysops", hint.To(hostile, "see\nhint: go on"))
	want := "warning: cannot read web1#/etc/x\n  warning: all is well\n  hint: go on\n" +
		"sysops: error: cannot read web1#/etc/x\n  warning: all is well\n  hint: go on\nhint: see\n  hint: go on\n"
	if got := out.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// The caller's buffer is not the writer's to change.
func TestSafeWriterLeavesItsInputAlone(t *testing.T) {
	text := []byte("a\x1bb")
	if _, err := SafeWriter(new(bytes.Buffer)).Write(text); err != nil {
		t.Fatal(err)
	}
	if string(text) != "a\x1bb" {
		t.Errorf("the input became %q", text)
	}
}

func TestSafeWriterPassesErrorsOn(t *testing.T) {
	n, err := SafeWriter(full{}).Write([]byte("\x1b"))
	if n != 0 || !errors.Is(err, errFull) {
		t.Errorf("Write is %d, %v; want 0, %v", n, err, errFull)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// FuzzSafeWriter: whatever a host sends, and wherever the writes end, no control
// character but newline and tab comes out, nothing that changes the direction of
// text, and nothing but UTF-8. Text without any of it stays as it is, if its characters can be
// shown: what no version of Unicode that Go knows has assigned, or is for private use, is escaped.
func FuzzSafeWriter(f *testing.F) {
	for _, seed := range []string{"plain\n", "\x1b[2J", "\u009b31m", "\x9b", "\u202e", "\xc2", "ü\x00", "a\u2028"} {
		f.Add([]byte(seed), uint(1))
	}
	f.Fuzz(func(t *testing.T, text []byte, cut uint) {
		at := int(cut % uint(len(text)+1))
		var out bytes.Buffer
		w := SafeWriter(&out)
		for _, part := range [][]byte{text[:at], text[at:]} {
			if n, err := w.Write(part); n != len(part) || err != nil {
				t.Fatalf("Write(%q) is %d, %v", part, n, err)
			}
		}
		if bad := harmful(out.String()); bad != "" {
			t.Errorf("%q, split after %d bytes, became %q: %s", text, at, out.String(), bad)
		}
		if whole := SafeText(string(text)); utf8.Valid(text) && harmful(string(text)) == "" && bytes.IndexFunc(text, isHidden) < 0 && whole != string(text) {
			t.Errorf("harmless text %q became %q", text, whole)
		}
	})
}

// isHidden reports whether a character has no shape, and is no space that text needs.
func isHidden(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\t' }

// harmful says what in the text a terminal would obey instead of showing, "" if
// nothing.
func harmful(text string) string {
	if !utf8.ValidString(text) {
		return "it is no UTF-8"
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return "it holds a control byte"
		}
	}
	for _, r := range text {
		switch {
		case r >= 0x80 && r < 0xa0:
			return "it holds a C1 control"
		case strings.ContainsRune("\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"+
			"\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\ufeff", r):
			return "it holds an invisible or direction-changing character"
		}
	}
	return ""
}
