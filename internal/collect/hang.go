package collect

import (
	"errors"
	"path/filepath"
	"sync"
	"time"
)

// errHangs is what is said of a file whose file system does not answer: that of
// an NFS server which is gone, most often. Such calls cannot be interrupted.
var errHangs = errors.New("its file system does not answer")

// answerTimeout is how long a file system may take for one call, or one file.
const answerTimeout = 10 * time.Second

// hangs remembers the folders whose file system did not answer, so that the next
// file there costs nobody another timeout. It is safe for concurrent use.
type hangs struct {
	timeout time.Duration // 0: answerTimeout
	mu      sync.Mutex
	folders map[string]bool
}

// inTime calls a function that may never come back, and gives up on it after a
// while: it is left behind then, with what it holds.
func inTime[T any](h *hangs, path string, call func() (T, error)) (T, error) {
	var none T
	if h == nil {
		h = new(hangs) // nothing is remembered
	}
	folder := filepath.Dir(path)
	h.mu.Lock()
	hung := h.folders[folder]
	h.mu.Unlock()
	if hung {
		return none, errHangs
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := call()
		done <- result{v, err}
	}()
	limit := h.timeout
	if limit == 0 {
		limit = answerTimeout
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-timer.C:
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.folders == nil {
			h.folders = make(map[string]bool)
		}
		h.folders[folder] = true
		return none, errHangs
	}
}
