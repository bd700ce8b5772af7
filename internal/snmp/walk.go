package snmp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosnmp/gosnmp"
)

// What a Walker's zero fields stand for.
const (
	DefaultTimeout  = 5 * time.Second
	DefaultRetries  = 2
	DefaultMaxBytes = 10 << 20
	DefaultMaxTime  = 2 * time.Minute
)

// repetitions is how many variables are asked for at a time: their answer fits into
// what most devices can send.
const repetitions = 25

// A Walker walks devices. It may be used by several goroutines at a time.
type Walker struct {
	Credentials *Credentials
	Timeout     time.Duration // for an answer; default 5 s
	Retries     int           // how often a question is put again; negative: never, 0: DefaultRetries
	MaxBytes    int           // of one walk's text; default 10 MiB
	MaxTime     time.Duration // for one walk; default 2 min
}

// A Walk is what a device said below one OID.
type Walk struct {
	OID       string // as ParseOID returns it
	Text      []byte // a line a variable; of nothing there, a line that says so
	Variables int
	Err       error // the walk did not come to its end: there is no Text
}

// ErrSilent: the device sent no answer. A device that does not know the community
// sends none either.
var ErrSilent = errors.New("it does not answer")

// Walk walks a device, the port of whose address is 161 unless it says another, below
// each of the OIDs in turn. The error says why nothing could be asked; it is
// ErrSilent, with the time and number of attempts, where nothing was answered at all. What went
// wrong below one OID alone is in its Walk.
func (w *Walker) Walk(ctx context.Context, address string, oids []string) ([]Walk, error) {
	roots := make([]oid, len(oids))
	for i, text := range oids {
		var err error
		if roots[i], err = parseOID(text); err != nil {
			return nil, err
		}
	}
	s, err := w.connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var walks []Walk
	var silent error // the walk before got no answer
	for _, root := range roots {
		walk := Walk{OID: root.String()}
		before := s.answers
		walk.Text, walk.Variables, walk.Err = s.walkSafely(ctx, root)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case walk.Err != nil && s.answers == 0:
			return nil, walk.Err // nor would it answer the next
		}
		walks = append(walks, walk)
		if !errors.Is(walk.Err, ErrSilent) || s.answers > before {
			silent = nil
			continue
		}
		if silent != nil { // twice in a row: it is gone
			for _, root := range roots[len(walks):] {
				walks = append(walks, Walk{OID: root.String(), Err: walk.Err})
			}
			break
		}
		silent = walk.Err
	}
	return walks, nil
}

// A session is a conversation with one device.
type session struct {
	*gosnmp.GoSNMP
	walker  *Walker
	answers int
	forget  func() bool // that ctx ends the conversation
}

func (w *Walker) connect(ctx context.Context, address string) (*session, error) {
	host, port, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	g := &gosnmp.GoSNMP{
		Target: host, Port: port, Transport: "udp", Context: ctx,
		Timeout: cmp.Or(w.Timeout, DefaultTimeout), Retries: max(cmp.Or(w.Retries, DefaultRetries), 0), MaxOids: gosnmp.MaxOids,
	}
	w.Credentials.configure(g)
	if err := g.Connect(); err != nil {
		return nil, explain(err)
	}
	conn := g.Conn
	return &session{GoSNMP: g, walker: w, forget: context.AfterFunc(ctx, func() { conn.Close() })}, nil
}

func (s *session) Close() {
	s.forget()
	s.GoSNMP.Close()
}

func splitAddress(address string) (host string, port uint16, err error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil { // no port, or an IPv6 address by itself
		return strings.Trim(address, "[]"), 161, nil
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q is no port", service)
	}
	return host, uint16(n), nil
}

// walkSafely bounds a walk's time, and keeps what a device sends from ending the
// program, should it find a mistake of the library's.
func (s *session) walkSafely(ctx context.Context, root oid) (text []byte, variables int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(s.walker.MaxTime, DefaultMaxTime), errMaxTime)
	defer cancel()
	s.Context = ctx
	defer func() {
		if p := recover(); p != nil {
			text, variables, err = nil, 0, fmt.Errorf("cannot read what it sends: %v", p)
		}
	}()
	text, variables, err = s.walk(root)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, 0, err
	}
	return text, variables, nil
}

var errMaxTime = errors.New("it takes too long")

// walk goes on from each last variable to the next ones until they are no longer below
// root. It is ours because the library's takes an error for the end.
func (s *session) walk(root oid) (text []byte, variables int, err error) {
	most := cmp.Or(s.walker.MaxBytes, DefaultMaxBytes)
	at, size := root, uint32(repetitions)
	for {
		reply, err := s.ask(func() (*gosnmp.SnmpPacket, error) { return s.GetBulk([]string{at.String()}, 0, size) })
		if err != nil {
			return nil, 0, err
		}
		switch {
		case reply.Error == gosnmp.TooBig && size > 1:
			size /= 2
			continue
		case reply.Error == gosnmp.NoSuchName: // the end, in the words of version 1
			return s.alone(root, text, variables)
		case reply.Error != gosnmp.NoError:
			return nil, 0, fmt.Errorf("it answers with the error %s", reply.Error)
		case len(reply.Variables) == 0:
			return nil, 0, errors.New("it answers with nothing")
		}
		for _, v := range reply.Variables {
			name, err := parseOID(v.Name)
			if err != nil {
				return nil, 0, errors.New("it answers with something that has no OID")
			}
			if isException(v.Type) || !name.under(root) {
				return s.alone(root, text, variables)
			}
			if slices.Compare(name, at) <= 0 {
				return nil, 0, fmt.Errorf("its answers do not increase: %s comes after %s", name, at)
			}
			at = name
			variables++
			if text = appendVariable(text, name, v); len(text) > most {
				return nil, 0, fmt.Errorf("its answers exceed %d bytes", most)
			}
		}
	}
}

// alone asks for root itself where nothing is below it, as snmpwalk does: it may be a
// single value. The answer says, too, that there is no such thing.
func (s *session) alone(root oid, text []byte, variables int) ([]byte, int, error) {
	if variables > 0 {
		return text, variables, nil
	}
	reply, err := s.ask(func() (*gosnmp.SnmpPacket, error) { return s.Get([]string{root.String()}) })
	switch {
	case err != nil:
		return nil, 0, err
	case reply.Error == gosnmp.NoSuchName:
		return appendVariable(nil, root, gosnmp.SnmpPDU{Type: gosnmp.NoSuchObject}), 0, nil
	case reply.Error != gosnmp.NoError || len(reply.Variables) != 1 || reply.Variables[0].Name != root.String():
		return nil, 0, fmt.Errorf("it answers with the error %s", reply.Error)
	}
	v := reply.Variables[0]
	if !isException(v.Type) {
		variables = 1
	}
	return appendVariable(nil, root, v), variables, nil
}

// isException reports whether there is no value (RFC 3416, section 3).
func isException(t gosnmp.Asn1BER) bool {
	return t == gosnmp.EndOfMibView || t == gosnmp.NoSuchObject || t == gosnmp.NoSuchInstance
}

func (s *session) ask(question func() (*gosnmp.SnmpPacket, error)) (*gosnmp.SnmpPacket, error) {
	reply, err := question()
	if err != nil {
		if !errors.Is(err, gosnmp.ErrMaxRetriesExceeded) && !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, explain(err)
		}
		times := "once"
		if s.Retries > 0 {
			times = fmt.Sprintf("%d times", s.Retries+1)
		}
		return nil, fmt.Errorf("%w within %v, asked %s", ErrSilent, s.Timeout, times)
	}
	s.answers++
	return reply, nil
}

// explain says what went wrong without addresses and port numbers, which are
// different each time.
func explain(err error) error {
	for _, known := range []struct {
		err  error
		says string
	}{
		{gosnmp.ErrUnknownUsername, "it does not know the user"},
		{gosnmp.ErrWrongDigest, "it refuses auth_passphrase, or expects another protocol than auth"},
		{gosnmp.ErrDecryption, "it refuses priv_passphrase, or expects another protocol than priv"},
		{gosnmp.ErrUnknownSecurityLevel, "it does not take this user without, or with, auth and priv"},
	} {
		if errors.Is(err, known.err) {
			return errors.New(known.says)
		}
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("cannot find its address: %s", dns.Err)
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if errors.Is(err, fs.ErrClosed) || errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return err
}
