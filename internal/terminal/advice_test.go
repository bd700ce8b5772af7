package terminal

import (
	"errors"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/internal/hint"
)

// Six servers with the same trouble need one piece of advice.
func TestAHintThatSeveralWarningsShareIsGivenOnce(t *testing.T) {
	var out strings.Builder
	shared := func(text string) error { return hint.To(errors.New(text), "do this") }
	WarnOf(&out, shared("one"), shared("two"), hint.To(errors.New("three"), "do that"), errors.New("four"), shared("five"))
	want := "warning: one\nwarning: two\nhint: do this\nwarning: three\nhint: do that\nwarning: four\nwarning: five\nhint: do this\n"
	if out.String() != want {
		t.Errorf("it says\n%s\nwant\n%s", out.String(), want)
	}
}
