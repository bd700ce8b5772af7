package directory

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// A Range asks Range servers (github.com/ytoolshed/range, mod_ranged, and
// grange-server) to expand expressions. The servers are tried in turn.
type Range struct {
	servers []string // host:port
	client  *http.Client
}

const (
	rangeTimeout = 5 * time.Second
	rangeReply   = 64 << 20 // a longer list of hosts is refused
)

// NewRange returns a client of these servers, "host" or "host:port" (80 by default).
func NewRange(servers []string) (*Range, error) {
	r := &Range{client: &http.Client{Timeout: rangeTimeout}}
	for _, s := range servers {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(s); err != nil {
			s = net.JoinHostPort(s, "80")
		}
		r.servers = append(r.servers, s)
	}
	if len(r.servers) == 0 {
		return nil, errors.New("cannot ask Range: no server is named")
	}
	return r, nil
}

// Expand returns the hosts of an expression, sorted. An expression that a server
// refuses is an error at once: the others would refuse it as well.
func (r *Range) Expand(ctx context.Context, expr string) ([]string, error) {
	var errs []error
	for _, s := range r.servers {
		hosts, err := r.list(ctx, s, expr)
		var refused *refusedError
		if err == nil || errors.As(err, &refused) {
			return hosts, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("cannot expand %q: no Range server answers: %w", expr, errors.Join(errs...))
}

// refusedError is what a Range server says of an expression it cannot expand.
type refusedError struct{ expr, why string }

func (e *refusedError) Error() string {
	return fmt.Sprintf("cannot expand %q: Range says %s", e.expr, e.why)
}

// list asks one server. The answer's status is 200 even with an error, which is
// then in the RangeException header, beside a partial list.
func (r *Range) list(ctx context.Context, server, expr string) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server+"/range/list?"+escapeRange(expr), nil)
	if err != nil {
		return nil, fmt.Errorf("cannot ask Range server %s: %w", server, err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot ask Range server %s: %w", server, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, rangeReply+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read what Range server %s answers: %w", server, err)
	}
	if why := resp.Header.Get("RangeException"); why != "" {
		return nil, &refusedError{expr, why}
	}
	if resp.StatusCode == http.StatusUnprocessableEntity {
		return nil, &refusedError{expr, strings.TrimSpace(string(body))}
	}
	if resp.StatusCode != http.StatusOK || len(body) > rangeReply {
		return nil, fmt.Errorf("cannot use what Range server %s answers: status %s, %d bytes", server, resp.Status, len(body))
	}
	hosts := strings.Fields(string(body))
	slices.Sort(hosts)
	return slices.Compact(hosts), nil
}

// escapeRange escapes all but letters, digits and a few safe characters: a bare
// %cf3 would be decoded, and mod_ranged does not read + as a space.
func escapeRange(expr string) string {
	var b strings.Builder
	for i := range len(expr) {
		c := expr[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.,:@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// CMConf is the file in which the original found its Range servers.
const CMConf = "/etc/cm.conf"

// ReadCMConf returns the servers that a cm.conf names: of every line that holds
// "MPS", what follows the colon.
func ReadCMConf(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot find the Range servers: %w", err)
	}
	defer f.Close()
	var servers []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.Contains(key, "MPS") {
			servers = append(servers, strings.TrimSpace(value))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot find the Range servers: cannot read %s: %w", path, err)
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("cannot find the Range servers: %s names none (a line such as PRIMARY_MPS:10.1.2.3)", path)
	}
	return servers, nil
}
