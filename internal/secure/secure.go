// Package secure makes of files what connections are secured with: certificates and keys
// for TLS, and passwords.
//
// It promises that an error names the file and never holds what is in it. It leaves to its
// callers where the files are named, and which connection they are for.
package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// TLS returns the configuration of a client that trusts the authorities of caFile (PEM;
// empty: the system's) and shows the certificate of certFile with the key of keyFile
// (PEM; both empty: none). Where all are empty it returns nil: the defaults will do.
func TLS(caFile, certFile, keyFile string) (*tls.Config, error) {
	if caFile == "" && certFile == "" && keyFile == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
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
		cert, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the client certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

// Password returns what a file holds, without the end of its line.
func Password(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", fmt.Errorf("cannot use the password file %s: it is empty", file)
	}
	return password, nil
}
