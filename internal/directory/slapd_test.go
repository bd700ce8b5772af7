package directory

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/sysops-api/sysops-api/internal/redistest"
)

// A slapd is a real LDAP server (OpenLDAP's) on 127.0.0.1.
type slapd struct {
	t      *testing.T
	scheme string // ldap or ldaps
	addr   string
	certs  *redistest.Certs // of ldaps, and of StartTLS on ldap; nil: no TLS
	*daemon
}

// startSlapd serves the entries of an LDIF, below the base dc=example,dc=com of
// testdata/slapd.conf. The lines are global ones of slapd.conf.
func startSlapd(t *testing.T, scheme string, certs *redistest.Certs, ldif string, lines ...string) *slapd {
	t.Helper()
	s := &slapd{t: t, scheme: scheme, certs: certs}
	s.addr = onFreePort(t, func(addr string) bool {
		s.addr = addr
		return s.start(ldif, lines)
	})
	return s
}

// restart serves other entries at the same address.
func (s *slapd) restart(ldif string, lines ...string) {
	s.t.Helper()
	s.kill()
	if !s.start(ldif, lines) {
		s.t.Fatalf("cannot start slapd again at %s", s.addr)
	}
}

func (s *slapd) start(ldif string, lines []string) (ok bool) {
	s.t.Helper()
	folder := s.t.TempDir()
	conf := append([]string{
		"include " + ldapFile(s.t, "schema/core.schema"),
		"include " + ldapFile(s.t, "schema/cosine.schema"),
		"pidfile " + filepath.Join(folder, "pid"),
	}, lines...)
	if modules := moduleFolder(); modules != "" { // else back_mdb is built in
		conf = append(conf, "modulepath "+modules, "moduleload back_mdb")
	}
	if s.certs != nil {
		conf = append(conf, "TLSCertificateFile "+s.certs.CertFile, "TLSCertificateKeyFile "+s.certs.KeyFile)
	}
	conf = append(conf, readTestdata(s.t, "slapd.conf"), "directory "+folder, "dbnosync") // what it holds goes with the test
	file := filepath.Join(folder, "slapd.conf")
	writeFile(s.t, file, strings.Join(conf, "\n")+"\n")
	entries := filepath.Join(folder, "entries.ldif")
	writeFile(s.t, entries, ldif)
	if out, err := exec.Command(findProgram(s.t, "slapadd", "slapd"), "-q", "-f", file, "-l", entries).CombinedOutput(); err != nil {
		s.t.Fatalf("cannot load the entries: %v\n%s", err, out)
	}
	s.daemon, ok = startDaemon(s.t, folder, s.accepts, findProgram(s.t, "slapd", "slapd"), "-d", "0", "-h", s.scheme+"://"+s.addr, "-f", file)
	return ok
}

func (s *slapd) accepts() bool {
	conn, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// ldapFile returns the path of a file of OpenLDAP's configuration.
func ldapFile(t *testing.T, name string) string {
	t.Helper()
	for _, folder := range []string{"/etc/ldap", "/etc/openldap", "/usr/local/etc/openldap"} {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("cannot find OpenLDAP's %s: install it with: sh scripts/test-deps.sh, or: apt-get install slapd", name)
	return ""
}

func moduleFolder() string {
	for _, folder := range []string{"/usr/lib/ldap", "/usr/lib/openldap", "/usr/lib64/openldap", "/usr/local/libexec/openldap"} {
		if found, err := filepath.Glob(filepath.Join(folder, "back_mdb*")); err == nil && len(found) > 0 {
			return folder
		}
	}
	return ""
}

// base is the LDIF of the entry that holds all others.
const base = `dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

`

// unit is an entry of an LDIF that holds others. Its name is ou=….
func unit(dn string) string {
	return ldifEntry(dn, "objectClass: organizationalUnit")
}

// device is an entry of an LDIF that stands for a core. Its name is cn=….
func device(dn string, values ...string) string {
	lines := []string{"objectClass: device", "objectClass: labeledURIObject"}
	for _, v := range values {
		lines = append(lines, "labeledURI: "+v)
	}
	return ldifEntry(dn, lines...)
}

// ldifEntry completes an entry with the attributes that name it.
func ldifEntry(dn string, lines ...string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		panic(err)
	}
	for _, a := range parsed.RDNs[0].Attributes {
		lines = append(lines, a.Type+": "+a.Value)
	}
	return "dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n"
}
