package collect

import (
	"errors"
	"testing"
	"time"
)

// A call that never returns is given up, and the next file of its folder is not
// even tried.
func TestAFileSystemThatHangsIsGivenUp(t *testing.T) {
	h := &hangs{timeout: time.Millisecond}
	released := make(chan struct{})
	defer close(released)
	hang := func() (int, error) { <-released; return 1, nil }
	if _, err := inTime(h, "/mnt/gone/a", hang); !errors.Is(err, errHangs) {
		t.Errorf("a hanging call: %v", err)
	}
	called := false
	call := func() (int, error) { called = true; return 2, nil }
	if _, err := inTime(h, "/mnt/gone/b", call); !errors.Is(err, errHangs) || called {
		t.Errorf("the next file there: %v, tried: %v", err, called)
	}
	h.timeout = time.Minute
	if v, err := inTime(h, "/mnt/other/a", call); v != 2 || err != nil {
		t.Errorf("a file elsewhere: %d, %v", v, err)
	}
}
