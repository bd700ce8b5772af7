package snmp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/sysops-api/sysops-api/internal/redistest"
	"github.com/sysops-api/sysops-api/internal/snmptest"
)

// fixed are lines of snmpd.conf that make it answer with one value of each kind.
var fixed = []string{
	`override .1.3.6.1.4.1.99999.1.1.0 octet_str "a text"`,
	`override .1.3.6.1.4.1.99999.1.2.0 octet_str "with \"quotes\" and \\ in it"`,
	`override .1.3.6.1.4.1.99999.1.3.0 octet_str ""`,
	`override .1.3.6.1.4.1.99999.1.4.0 octet_str 0x00ff10203040506070800102030405060708090a0b0c0d0e0f`,
	`override .1.3.6.1.4.1.99999.1.5.0 integer -7`,
	`override .1.3.6.1.4.1.99999.1.6.0 counter 4294967295`,
	`override .1.3.6.1.4.1.99999.1.7.0 uinteger 4000000000`,
	`override .1.3.6.1.4.1.99999.1.8.0 object_id .1.3.6.1.4.1.99999`,
	`override .1.3.6.1.4.1.99999.1.9.0 octet_str 0x636166c3a9`,
	`override .1.3.6.1.4.1.99999.2.0 integer 1`,
}

func credentials(t *testing.T, lines string) *Credentials {
	t.Helper()
	c, err := ReadCredentials(credentialsFile(t, lines, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func credentialsFile(t *testing.T, lines string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snmp.yaml")
	if err := os.WriteFile(path, []byte(lines), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func v2c(t *testing.T) *Credentials { return credentials(t, "community: "+snmptest.Community) }

func v3(t *testing.T) *Credentials {
	return credentials(t, "user: sysops\nauth_passphrase: correct horse\npriv_passphrase: battery staple\n")
}

// snmpwalk is what Net-SNMP's own program prints, its folded lines made one.
func snmpwalk(t *testing.T, addr, oid string, more ...string) string {
	t.Helper()
	args := append(more, "-On", "-m", "", "-Cc", "-t", "10", addr, oid)
	r := redistest.Run(t, snmptest.Find(t, "snmpwalk", "snmp"), args, []string{"SNMPCONFPATH=" + t.TempDir()})
	if r.ExitCode != 0 {
		t.Fatalf("snmpwalk ends with status %d: %s%s", r.ExitCode, r.Stdout, r.Stderr)
	}
	folded := regexp.MustCompile(` *\n([0-9A-F]{2} )`).ReplaceAllString(r.Stdout, " $1")
	return regexp.MustCompile(`(?m) +$`).ReplaceAllString(folded, "")
}

// moving is what differs from one walk to the next.
var moving = regexp.MustCompile(`(?m)(Counter32|Counter64|Gauge32|Timeticks|Float|INTEGER): .*$|(2021\.10\.1\.(?:3|101)\.\d+ = ).*$`) // the latter is the load, and that it is high

func TestAWalkIsWhatSnmpwalkPrints(t *testing.T) {
	server := snmptest.Start(t, append(slices.Clone(fixed), `createUser strong SHA-512 "correct horse" AES-256 "battery staple"`, "rouser strong priv")...)
	versions := []struct {
		name        string
		credentials *Credentials
		args        []string
	}{
		{"v2c", v2c(t), []string{"-v2c", "-c", snmptest.Community}},
		{"v3", v3(t), []string{"-v3", "-u", snmptest.User, "-l", "authPriv", "-a", "SHA", "-A", snmptest.AuthPassphrase, "-x", "AES", "-X", snmptest.PrivPassphrase}},
		{
			"v3, strong", credentials(t, "user: strong\nauth: SHA-512\nauth_passphrase: correct horse\npriv: AES256\npriv_passphrase: battery staple\n"),
			[]string{"-v3", "-u", "strong", "-l", "authPriv", "-a", "SHA-512", "-A", "correct horse", "-x", "AES-256", "-X", "battery staple"},
		},
	}
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			w := &Walker{Credentials: v.credentials, Timeout: redistest.Patience}
			// values of all kinds; a leaf; nothing; what every device has; memory and load, with floats
			oids := []string{".1.3.6.1.4.1.99999", ".1.3.6.1.4.1.99999.1.1.0", ".1.3.6.1.4.1.99998", ".1.3.6.1.2.1.1", ".1.3.6.1.4.1.2021.10", ".1.3.6.1.2.1.2.2.1"}
			walks, err := w.Walk(t.Context(), server.Addr, oids)
			if err != nil {
				t.Fatal(err)
			}
			for i, oid := range oids {
				want, got := snmpwalk(t, server.Addr, oid, v.args...), string(walks[i].Text)
				if i > 2 {
					want, got = moving.ReplaceAllString(want, "$1$2"), moving.ReplaceAllString(got, "$1$2")
				}
				if got != want || walks[i].Err != nil {
					t.Errorf("%s, %v:\n%s\nsnmpwalk prints:\n%s", oid, walks[i].Err, got, want)
				}
				if n := strings.Count(want, "\n"); i != 2 && walks[i].Variables != n || i == 2 && walks[i].Variables != 0 {
					t.Errorf("%s: %d variables in %d lines", oid, walks[i].Variables, n)
				}
			}
		})
	}
}

// silent is long enough for a packet that nobody answers.
const silent = 50 * time.Millisecond

func TestWrongCredentialsAreToldFromSilence(t *testing.T) {
	server := snmptest.Start(t)
	for _, tt := range []struct{ name, lines, want string }{
		{"community", "community: nonsense", "it does not answer within 50ms, asked once"},
		{"user", "user: nobody", "it does not know the user"},
		{"level", "user: sysops", "(?i)authori[sz]"},
		{"passphrase", "user: sysops\nauth_passphrase: wrong horse\npriv_passphrase: battery staple", "not authentic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &Walker{Credentials: credentials(t, tt.lines), Timeout: redistest.Patience, Retries: -1}
			if tt.name == "community" {
				w.Timeout = silent
			}
			walks, err := w.Walk(t.Context(), server.Addr, []string{".1.3.6.1.2.1.1"})
			if err == nil && len(walks) == 1 {
				err = walks[0].Err
			}
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("it says %v, want %s", err, tt.want)
			}
			for _, secret := range []string{"nonsense", "wrong horse", "battery"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error gives %q away", secret)
				}
			}
		})
	}
}

func TestAWalkEndsWithItsContext(t *testing.T) {
	server := snmptest.Start(t)
	server.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(silent, cancel)
	w := &Walker{Credentials: v2c(t), Timeout: time.Hour}
	if _, err := w.Walk(ctx, server.Addr, []string{".1.3"}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestAWalkIsBounded(t *testing.T) {
	server := snmptest.Start(t, fixed...)
	w := &Walker{Credentials: v2c(t), Timeout: redistest.Patience, MaxBytes: 100}
	walks, err := w.Walk(t.Context(), server.Addr, []string{".1.3.6.1.4.1.99999.1", ".1.3.6.1.4.1.99999.2"})
	if err != nil {
		t.Fatal(err)
	}
	if walks[0].Err == nil || walks[0].Text != nil || walks[0].Err.Error() != "its answers exceed 100 bytes" {
		t.Errorf("the long one is %q, %v", walks[0].Text, walks[0].Err)
	}
	if walks[1].Err != nil || string(walks[1].Text) != ".1.3.6.1.4.1.99999.2.0 = INTEGER: 1\n" {
		t.Errorf("the short one is %q, %v", walks[1].Text, walks[1].Err)
	}
}

// A device of version 2c that says what a test makes it say.
func device(t *testing.T, reply func(request *gosnmp.SnmpPacket) *gosnmp.SnmpPacket) (addr string) {
	t.Helper()
	return answering(t, func(raw []byte) []byte {
		request, err := (&gosnmp.GoSNMP{Version: gosnmp.Version2c}).SnmpDecodePacket(raw)
		if err != nil {
			t.Errorf("the device cannot read what it is asked: %v", err)
			return nil
		}
		r := reply(request)
		if r == nil {
			return nil
		}
		r.Version, r.Community, r.PDUType, r.RequestID = gosnmp.Version2c, request.Community, gosnmp.GetResponse, request.RequestID
		out, err := r.MarshalMsg()
		if err != nil {
			t.Errorf("the device cannot answer: %v", err)
		}
		return out
	})
}

func number(name string, n int) gosnmp.SnmpPDU {
	return gosnmp.SnmpPDU{Name: name, Type: gosnmp.Integer, Value: n}
}

func TestWhatIsNoWholeWalkIsAnError(t *testing.T) {
	said := func(v ...gosnmp.SnmpPDU) *gosnmp.SnmpPacket { return &gosnmp.SnmpPacket{Variables: v} }
	first := ".1.3.6.1.9.1"
	for _, tt := range []struct {
		name string
		then func(asked string) *gosnmp.SnmpPacket // after .1.3.6.1.9.1
		want string
	}{
		{"a loop", func(string) *gosnmp.SnmpPacket { return said(number(first, 1)) }, "its answers do not increase: .1.3.6.1.9.1 comes after .1.3.6.1.9.1"},
		{"a step back", func(string) *gosnmp.SnmpPacket { return said(number(".1.3.6.1.9.0.5", 1)) }, "its answers do not increase: .1.3.6.1.9.0.5 comes after .1.3.6.1.9.1"},
		{"an error", func(string) *gosnmp.SnmpPacket { return &gosnmp.SnmpPacket{Error: gosnmp.GenErr} }, "it answers with the error GenErr"},
		{"a view that ends", func(string) *gosnmp.SnmpPacket { return &gosnmp.SnmpPacket{Error: gosnmp.AuthorizationError} }, "it answers with the error AuthorizationError"},
		{"never fits", func(string) *gosnmp.SnmpPacket { return &gosnmp.SnmpPacket{Error: gosnmp.TooBig} }, "it answers with the error TooBig"},
		{"silence", func(string) *gosnmp.SnmpPacket { return nil }, "it does not answer within LIMIT, asked once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := device(t, func(request *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
				if asked := request.Variables[0].Name; asked != ".1.3.6.1.9" {
					return tt.then(asked)
				}
				return said(number(first, 1))
			})
			first := redistest.Patience
			if tt.name == "silence" {
				first = silent
			}
			redistest.LongEnough(t, first, func(limit time.Duration) bool {
				w := &Walker{Credentials: credentials(t, "community: c"), Timeout: limit, Retries: -1}
				walks, err := w.Walk(t.Context(), addr, []string{".1.3.6.1.9"})
				if errors.Is(err, ErrSilent) {
					return false // its first answer has come too late
				}
				if err != nil {
					t.Fatal(err)
				}
				want := strings.ReplaceAll(tt.want, "LIMIT", limit.String())
				if walks[0].Text != nil || walks[0].Err == nil || walks[0].Err.Error() != want {
					t.Errorf("it is %q, %v; want the error %s", walks[0].Text, walks[0].Err, want)
				}
				return true
			})
		})
	}
}

// Some devices cannot send much at a time: they are asked for less.
func TestADeviceOfSmallAnswersIsWalkedWhole(t *testing.T) {
	names := []string{".1.3.6.1.9.1", ".1.3.6.1.9.2", ".1.3.6.1.9.10", ".1.3.6.1.10"}
	addr := device(t, func(request *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		if request.MaxRepetitions > 3 {
			return &gosnmp.SnmpPacket{Error: gosnmp.TooBig}
		}
		i := slices.Index(names, request.Variables[0].Name) + 1
		return &gosnmp.SnmpPacket{Variables: []gosnmp.SnmpPDU{number(names[i], i)}}
	})
	w := &Walker{Credentials: credentials(t, "community: c"), Timeout: redistest.Patience}
	walks, err := w.Walk(t.Context(), addr, []string{"1.3.6.1.9"})
	want := ".1.3.6.1.9.1 = INTEGER: 0\n.1.3.6.1.9.2 = INTEGER: 1\n.1.3.6.1.9.10 = INTEGER: 2\n"
	if err != nil || walks[0].Err != nil || string(walks[0].Text) != want || walks[0].OID != ".1.3.6.1.9" {
		t.Errorf("it is %+v, %v", walks, err)
	}
}

// A device that is gone is not waited for once an OID: the others have their turn.
func TestADeviceThatFallsSilentIsAskedTwice(t *testing.T) {
	asked := make(chan string, 100)
	addr := device(t, func(request *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		asked <- request.Variables[0].Name
		return nil
	})
	w := &Walker{Credentials: credentials(t, "community: c"), Timeout: silent, Retries: -1}
	_, err := w.Walk(t.Context(), addr, []string{".1.3.2", ".1.3.3"})
	if <-asked; !errors.Is(err, ErrSilent) || len(asked) > 0 {
		t.Errorf("of a silent device it says %v after %d more questions", err, len(asked))
	}
	addr = device(t, func(request *gosnmp.SnmpPacket) *gosnmp.SnmpPacket {
		name := request.Variables[0].Name
		asked <- name
		if strings.HasPrefix(name, ".1.3.1") {
			return &gosnmp.SnmpPacket{Variables: []gosnmp.SnmpPDU{{Name: ".1.3.1", Type: gosnmp.NoSuchObject}}}
		}
		return nil
	})
	redistest.LongEnough(t, silent, func(limit time.Duration) bool {
		w.Timeout = limit
		walks, err := w.Walk(t.Context(), addr, []string{".1.3.1", "1.3.2", "1.3.3", "1.3.4", ".1.3.05"})
		if errors.Is(err, ErrSilent) {
			return false // its first answer has come too late
		}
		if err != nil || len(walks) != 5 {
			t.Fatalf("%d walks, %v", len(walks), err)
		}
		for i, walk := range walks {
			if want := fmt.Sprintf(".1.3.%d", i+1); (walk.Err != nil) != (i > 0) || walk.OID != want {
				t.Errorf("%s: %v; want %s", walk.OID, walk.Err, want)
			}
		}
		return true
	})
	for range len(asked) {
		if name := <-asked; name == ".1.3.4" || name == ".1.3.5" {
			t.Errorf("it was asked for %s", name)
		}
	}
}

func FuzzADeviceMaySendAnything(f *testing.F) {
	f.Add([]byte("0\x03\x02\x01\x01"))
	f.Add([]byte("0\x2a\x02\x01\x01\x04\x01c\xa2\x22\x02\x01\x01\x02\x01\x00\x02\x01\x000\x170\x15\x06\x0a+\x06\x01\x02\x01\x02\x02\x01\x01\x01D\x07\x9fx\x04\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		g := &gosnmp.GoSNMP{Version: gosnmp.Version2c}
		var reply *gosnmp.SnmpPacket
		func() {
			defer func() { _ = recover() }() // the library's mistakes are walkSafely's to catch
			reply, _ = g.SnmpDecodePacket(packet)
		}()
		if reply == nil {
			return
		}
		for _, v := range reply.Variables {
			line := appendVariable(nil, oid{1, 3}, v)
			if n := strings.Count(string(line), "\n"); n != 1 || line[len(line)-1] != '\n' {
				t.Errorf("%d line ends in %q", n, line)
			}
		}
	})
}

func TestOIDs(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"1.3.6.1", ".1.3.6.1"},
		{".1.3.6.1", ".1.3.6.1"},
		{".1.3.06", ".1.3.6"},
		{"2.999.4294967295", ".2.999.4294967295"},
		{"", ""},
		{"1", ""},
		{"1.3.", ""},
		{"1.3.+6", ""},
		{"1.40.1", ""},
		{"3.1", ""},
		{"1.3.4294967296", ""},
		{"IF-MIB::ifTable", ""},
		{"1.3" + strings.Repeat(".1", 127), ""},
	} {
		if got, err := ParseOID(tt.text); got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("ParseOID(%q) is %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestTicks(t *testing.T) {
	for n, want := range map[uint32]string{0: "0:00:00.00", 12345: "0:02:03.45", 8640000: "1 day, 0:00:00.00", 4294967295: "497 days, 2:27:52.95"} {
		if got := ticks(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
