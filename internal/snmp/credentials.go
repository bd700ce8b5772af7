package snmp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gosnmp/gosnmp"
	"go.yaml.in/yaml/v4"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// Credentials are what a device wants to know before it answers: a community (v2c), or
// a user with passphrases (v3, USM). They never print.
type Credentials struct {
	community string
	user      string
	context   string // of v3
	auth      gosnmp.SnmpV3AuthProtocol
	authPass  string
	priv      gosnmp.SnmpV3PrivProtocol
	privPass  string
}

// Format keeps the secrets out of whatever is printed.
func (*Credentials) Format(f fmt.State, _ rune) {
	io.WriteString(f, "[credentials]") //nolint:errcheck // the state of a Printf
}

// The keys of the file.
const (
	keyCommunity = "community"
	keyUser      = "user"
	keyContext   = "context"
	keyAuth      = "auth"
	keyAuthPass  = "auth_passphrase"
	keyPriv      = "priv"
	keyPrivPass  = "priv_passphrase"
)

const (
	maxCredentials = 64 << 10
	leastPass      = 8 // RFC 3414, section 11.2
)

// ReadCredentials reads a YAML file that holds community, or user with
// auth_passphrase and priv_passphrase, or user alone. auth and priv name the
// protocols: MD5, SHA (the default), SHA224, SHA256, SHA384, SHA512; DES, AES (the
// default), AES192, AES256, and AES192C, AES256C for Cisco's. A file that everyone may read,
// or another user change, is refused. Errors tell line and key, and never quote a value.
func ReadCredentials(path string) (*Credentials, error) {
	text, err := trust.ReadSecret(path, maxCredentials)
	if err != nil {
		return nil, fmt.Errorf("cannot use the credentials: %w", err)
	}
	c, err := parseCredentials(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use the credentials %s: %w", path, err)
	}
	return c, nil
}

func parseCredentials(text []byte) (*Credentials, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		if at, ok := errors.AsType[*yaml.LoadError](err); ok { // whose text may quote the line
			return nil, fmt.Errorf("line %d is no YAML", at.Mark.Line)
		}
		return nil, errors.New("it is no YAML")
	}
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it must have lines such as community: …, or user: …")
	}
	c := &Credentials{}
	var auth, priv string
	fields := map[string]*string{
		keyCommunity: &c.community, keyUser: &c.user, keyContext: &c.context,
		keyAuth: &auth, keyAuthPass: &c.authPass, keyPriv: &priv, keyPrivPass: &c.privPass,
	}
	root := doc.Content[0]
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		field, ok := fields[key.Value]
		switch {
		case !ok: // which may be a secret in the wrong place
			return nil, fmt.Errorf("line %d has an unknown key: they are %s", key.Line, strings.Join([]string{keyCommunity, keyUser, keyAuth, keyAuthPass, keyPriv, keyPrivPass, keyContext}, ", "))
		case value.Kind != yaml.ScalarNode || value.Value == "":
			return nil, fmt.Errorf("line %d: %s must have one value", key.Line, key.Value)
		}
		*field = value.Value
	}
	return c, c.check(auth, priv)
}

func (c *Credentials) check(auth, priv string) error {
	v3 := c.user != "" || c.context != "" || c.authPass != "" || c.privPass != "" || auth != "" || priv != ""
	switch {
	case c.community != "" && v3:
		return errors.New("community is for version 2c, and the other keys are for version 3: leave one out")
	case c.community != "":
		return nil
	case c.user == "":
		return errors.New("it has neither community (version 2c) nor user (version 3)")
	case auth != "" && c.authPass == "":
		return fmt.Errorf("%s wants %s", keyAuth, keyAuthPass)
	case priv != "" && c.privPass == "":
		return fmt.Errorf("%s wants %s", keyPriv, keyPrivPass)
	case c.privPass != "" && c.authPass == "":
		return fmt.Errorf("%s wants %s too: SNMP encrypts nothing that is not authenticated", keyPrivPass, keyAuthPass)
	case c.authPass != "" && len(c.authPass) < leastPass:
		return fmt.Errorf("%s is too short: SNMP wants %d characters", keyAuthPass, leastPass)
	case c.privPass != "" && len(c.privPass) < leastPass:
		return fmt.Errorf("%s is too short: SNMP wants %d characters", keyPrivPass, leastPass)
	}
	c.auth, c.priv = gosnmp.NoAuth, gosnmp.NoPriv
	var err error
	if c.authPass != "" {
		if c.auth, err = protocol(keyAuth, auth, "SHA", authProtocols()); err != nil {
			return err
		}
	}
	if c.privPass != "" {
		c.priv, err = protocol(keyPriv, priv, "AES", privProtocols())
	}
	return err
}

func authProtocols() map[string]gosnmp.SnmpV3AuthProtocol {
	return map[string]gosnmp.SnmpV3AuthProtocol{
		"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224, "SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}
}

func privProtocols() map[string]gosnmp.SnmpV3PrivProtocol {
	return map[string]gosnmp.SnmpV3PrivProtocol{
		"DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256, "AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C,
	}
}

// protocol finds a protocol by its name, written as SHA256, SHA-256 or sha256.
func protocol[P any](key, name, byDefault string, known map[string]P) (P, error) {
	if name == "" {
		name = byDefault
	}
	p, ok := known[strings.ToUpper(strings.ReplaceAll(name, "-", ""))]
	if ok {
		return p, nil
	}
	var names []string
	for n := range known {
		names = append(names, n)
	}
	slices.Sort(names)
	return p, fmt.Errorf("%s names no protocol: they are %s", key, strings.Join(names, ", "))
}

// configure makes a connection use the credentials.
func (c *Credentials) configure(g *gosnmp.GoSNMP) {
	if c.community != "" {
		g.Version, g.Community = gosnmp.Version2c, c.community
		return
	}
	g.Version, g.SecurityModel, g.ContextName = gosnmp.Version3, gosnmp.UserSecurityModel, c.context
	switch {
	case c.privPass != "":
		g.MsgFlags = gosnmp.AuthPriv
	case c.authPass != "":
		g.MsgFlags = gosnmp.AuthNoPriv
	default:
		g.MsgFlags = gosnmp.NoAuthNoPriv
	}
	g.SecurityParameters = &gosnmp.UsmSecurityParameters{
		UserName:               c.user,
		AuthenticationProtocol: c.auth, AuthenticationPassphrase: c.authPass,
		PrivacyProtocol: c.priv, PrivacyPassphrase: c.privPass,
	}
}
