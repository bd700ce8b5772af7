package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sysops-api/sysops-api/hostset"
)

func startRange(t *testing.T) *httptest.Server {
	t.Helper()
	files, err := hostset.OpenClusters(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(rangeHandler(files))
	t.Cleanup(server.Close)
	return server
}

// Clients that ask for a million nodes and read none of them, as many as may, and others
// that send no end of their expressions, keep nobody else waiting; one more of their kind
// is told to come again.
func TestSlowClientsOfServeRangeKeepNobodyWaiting(t *testing.T) {
	server := startRange(t)
	for i := range largeRange {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		request := "GET /range/list?long-name-of-a-host-1..400000 HTTP/1.1\r\nHost: h\r\n\r\n"
		if i%2 > 0 {
			request = "POST /range/list HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil { // it is under way
			t.Fatal(err)
		}
	}
	get := func(expr string) (int, string) {
		t.Helper()
		resp, err := http.Get(server.URL + "/range/list?" + expr)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := get("web1..2"); status != http.StatusOK || body != "web1\nweb2\n" {
		t.Errorf("a small question: %d %q", status, body)
	}
	if status, body := get("web1..300000"); status != http.StatusServiceUnavailable || !strings.Contains(body, "again later") {
		t.Errorf("a large one more: %d %.100q", status, body)
	}
}

func TestAHeaderOfServeRangeIsOneLineOfText(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"NOCLUSTERDEF: web", "NOCLUSTERDEF: web"},
		{"a\r\nSet-Cookie: x\x1b\u202eé", "a??Set-Cookie: x???"},
		{strings.Repeat("x", 1<<20), strings.Repeat("x", maxRangeException)},
	} {
		if got := headerText(row.text); got != row.want {
			t.Errorf("%.40q becomes %.40q, want %.40q", row.text, got, row.want)
		}
	}
}

func TestServeRangeStopsWhereMemoryWouldNot(t *testing.T) {
	server := startRange(t)
	for _, expr := range []string{"h1..999999999", strings.Repeat("{a,b}", 40), strings.Repeat("(", 100_000), strings.Repeat("h1..100000 - h1..100000,", 4000) + "a"} {
		resp, err := http.Post(server.URL+"/range/list", "text/plain", strings.NewReader(expr))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := fmt.Sprint(err, resp.Body.Close()); err != "<nil> <nil>" {
			t.Fatal(err)
		}
		if resp.Header.Get("RangeException") == "" || len(body) > 0 {
			t.Errorf("%.40q: %d, no exception, and %d bytes", expr, resp.StatusCode, len(body))
		}
	}
}
