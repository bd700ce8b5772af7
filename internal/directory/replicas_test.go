package directory

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// An httpReplica is one HTTP server of a service under test, whose answers can go
// wrong in every way that HTTP has.
type httpReplica struct {
	*httptest.Server
	wrong atomic.Pointer[func(w http.ResponseWriter, right *httptest.ResponseRecorder)]
	hangs atomic.Bool
	asked atomic.Int64
}

func (r *httpReplica) addr() string { return r.Listener.Addr().String() }

func startReplica(t *testing.T, answers http.HandlerFunc) *httpReplica {
	t.Helper()
	r := &httpReplica{}
	over := make(chan struct{})
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		if r.hangs.Load() {
			select {
			case <-req.Context().Done():
			case <-over:
			}
			return
		}
		wrong := r.wrong.Load()
		if wrong == nil {
			answers(w, req)
			return
		}
		right := httptest.NewRecorder()
		answers(right, req)
		(*wrong)(w, right)
	}))
	t.Cleanup(func() {
		close(over)
		r.stop()
	})
	return r
}

// stop ends the server at once, and refuses connections from then on.
func (r *httpReplica) stop() {
	r.Listener.Close()
	r.CloseClientConnections()
	r.Close()
}

// httpBackend starts two servers that answer alike.
func httpBackend(t *testing.T, answers http.HandlerFunc) (*backend, []*httpReplica) {
	t.Helper()
	replicas := []*httpReplica{startReplica(t, answers), startReplica(t, answers)}
	b := &backend{
		servers: []string{replicas[0].addr(), replicas[1].addr()},
		kill:    func(i int) { replicas[i].stop() },
		hang:    func(i int) { replicas[i].hangs.Store(true) },
	}
	add := func(name string, wrong func(w http.ResponseWriter, right *httptest.ResponseRecorder)) {
		b.garbles = append(b.garbles, garble{name, func(i int) { replicas[i].wrong.Store(&wrong) }})
	}
	for _, raw := range []struct{ name, form string }{
		{"cut within its length", "HTTP/1.1 200 OK\r\nContent-Type: %[1]s\r\nContent-Length: 100000\r\n\r\n%[2]s"},
		{"cut between chunks", "HTTP/1.1 200 OK\r\nContent-Type: %[1]s\r\nTransfer-Encoding: chunked\r\n\r\n%[3]x\r\n%[2]s\r\n"},
		{"without a length", "HTTP/1.1 200 OK\r\nContent-Type: %[1]s\r\nConnection: close\r\n\r\n%[2]s"},
		{"no HTTP", "-ERR unknown command\r\n"},
		{"cut within its header", "HTTP/1.1 200 OK\r\nContent-Ty"},
	} {
		add(raw.name, func(w http.ResponseWriter, right *httptest.ResponseRecorder) {
			body := right.Body.String()
			hijack(t, w, fmt.Sprintf(raw.form, right.Header().Get("Content-Type"), body, len(body)))
		})
	}
	add("a page", func(w http.ResponseWriter, _ *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintln(w, "<html>Please_log_in</html>")
	})
	for _, status := range []int{http.StatusNoContent, http.StatusNotFound, http.StatusFound, http.StatusInternalServerError, http.StatusPartialContent} {
		add(fmt.Sprint("status ", status), func(w http.ResponseWriter, right *httptest.ResponseRecorder) {
			w.Header().Set("Content-Type", right.Header().Get("Content-Type"))
			w.Header().Set("Location", "/")
			w.WriteHeader(status)
			_, _ = w.Write(right.Body.Bytes()) // refused for a 204, which has none
		})
	}
	return b, replicas
}

// garbleBody adds an answer whose body, or one header, is wrong.
func (b *backend) garbleBody(replicas []*httpReplica, name string, wrong func(body string, header http.Header) string) {
	do := func(w http.ResponseWriter, right *httptest.ResponseRecorder) {
		for k, v := range right.Header() {
			w.Header()[k] = v
		}
		fmt.Fprint(w, wrong(right.Body.String(), w.Header()))
	}
	b.garbles = append(b.garbles, garble{name, func(i int) { replicas[i].wrong.Store(&do) }})
}

// hijack answers with these bytes, and hangs up.
func hijack(t *testing.T, w http.ResponseWriter, text string) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString(text) // the client may have gone
	_ = rw.Flush()
}
