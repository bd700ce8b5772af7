package redact

import "testing"

func TestAPlainRedactorFindsTheSameAndLeavesNoFingerprint(t *testing.T) {
	keyed := New([]byte("sixteen bytes or more"))
	const text, want = "password=hunter22", "password=[redacted]"
	if got := keyed.Plain().Text(text); got != want {
		t.Errorf("%q", got)
	}
	if got := keyed.Text(text); got == want || got == text {
		t.Errorf("the one with the key is not what it was: %q", got)
	}
	var none *Redactor
	if got := none.Plain().Text(text); got != text {
		t.Errorf("none: %q", got)
	}
}
