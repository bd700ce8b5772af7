package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// newHTTPClient returns a client for the services that speak HTTP. It follows no
// redirect, which could take a token along to another host, and leaves no connection
// open for long, because a service has no Close.
func newHTTPClient(secure *tls.Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = secure
	t.DisableCompression = true // the length of what comes is the length that was declared
	t.MaxResponseHeaderBytes = 64 << 10
	t.IdleConnTimeout = 5 * time.Second
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answerLimit bounds an answer: a longer list is refused, not cut.
const answerLimit = 64 << 20

// An httpAnswer is an answer that came whole.
type httpAnswer struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends a request and returns the whole answer. One whose end cannot be told
// from a connection that broke (neither Content-Length nor chunks) is an error.
func exchange(ctx context.Context, client *http.Client, method, address, body string, header http.Header) (httpAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return httpAnswer{}, withoutURL(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return httpAnswer{}, withoutURL(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return httpAnswer{}, fmt.Errorf("cannot read its answer to the end: %w", err)
	}
	if len(got) > answerLimit {
		return httpAnswer{}, fmt.Errorf("its answer has more than %d MiB", answerLimit>>20)
	}
	if resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && resp.ProtoMajor < 2 {
		return httpAnswer{}, errors.New("its answer declares no length, so a part would look like the whole")
	}
	return httpAnswer{status: resp.StatusCode, header: resp.Header, body: got}, nil
}

// expect makes sure that an answer is a success of a media type. What a server answers
// instead, such as a page of a proxy, is not repeated.
func (a httpAnswer) expect(mediaType string) error {
	if a.status != http.StatusOK {
		return fmt.Errorf("it answers status %d %s", a.status, http.StatusText(a.status))
	}
	if is, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); a.header.Get("Content-Type") != "" && (err != nil || is != mediaType) {
		return fmt.Errorf("it answers %.100q, not %s", a.header.Get("Content-Type"), mediaType)
	}
	return nil
}

// withoutURL drops the URL from an error: a Range expression may fill pages.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// maxSaid is how many characters of what a server or a program says are repeated.
const maxSaid = 300

// printable makes what a server or a program says fit for one line of a terminal, of so
// many characters.
func printable(said string, limit int) string {
	said = said[:min(len(said), limit*utf8.UTFMax)]
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "?")), " ")
	said = strings.Map(func(r rune) rune {
		if r == ' ' || isWord(string(r)) {
			return r
		}
		return '?'
	}, said)
	if runes := []rune(said); len(runes) > limit {
		said = string(runes[:limit]) + "…"
	}
	return said
}
