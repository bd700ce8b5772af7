// Package secure makes of files what connections are secured with: certificates and keys
// for TLS, and passwords.
//
// It promises that a file which another user can change is not used, nor a password or a
// private key that everybody can read, and that an error names the file and never holds what
// is in it. It leaves to its callers where the files are named, and which connection they are
// for.
package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sysops-api/sysops-api/internal/trust"
)

// How many bytes a file may have.
const (
	mostSecret = 4 << 10
	mostPEM    = 4 << 20 // the authorities of a whole system are 300 KB
)

// The variables of the environment that may hold the passwords of the servers and of their
// Sentinels. [Environment] is without them.
const (
	PasswordVariable         = "SYSOPS_REDIS_PASSWORD"
	SentinelPasswordVariable = "SYSOPS_SENTINEL_PASSWORD"
)

// Environment returns the environment of a program that we run: ours, without the
// passwords, of which it has no use.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return name == PasswordVariable || name == SentinelPasswordVariable
	})
}

// TLS returns the configuration of a client that trusts the authorities of caFile (PEM;
// empty: the system's) and shows the certificate of certFile with the key of keyFile
// (PEM; both empty: none). Where all are empty it returns nil: the defaults will do.
func TLS(caFile, certFile, keyFile string) (*tls.Config, error) {
	if caFile == "" && certFile == "" && keyFile == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := trust.Read(caFile, mostPEM)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate authority: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the certificate authority %s: it holds no certificate in PEM form", caFile)
		}
	}
	if (certFile == "") != (keyFile == "") {
		return nil, errors.New("cannot use a client certificate: its certificate and its key are needed, and one of them is not set")
	}
	if certFile != "" {
		cert, err := certificate(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the client certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

func certificate(certFile, keyFile string) (tls.Certificate, error) {
	cert, err := trust.Read(certFile, mostPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := trust.ReadSecret(keyFile, mostPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// Secret returns what a file holds, without the end of its line. what is what it is called
// in an error: password, token. It may be read again for each connection, because secrets
// change while a daemon runs.
func Secret(what, file string) (string, error) {
	text, err := trust.ReadSecret(file, mostSecret)
	if err != nil {
		return "", fmt.Errorf("cannot read the %s: %w", what, err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("cannot use the %s file %s: it is empty", what, file)
	}
	return secret, nil
}

// Password is Secret for a password.
func Password(file string) (string, error) { return Secret("password", file) }
