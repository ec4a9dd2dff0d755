package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// tls is the gateway's certificate, signed by a certificate authority of our
// own that clients are given (orrery env sets SSL_CERT_FILE). Both are made
// once; the server's is made again when it nears its end.
func (f Folder) tls() (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(f.path("server.pem"), f.path("server-key.pem"))
	if err != nil || time.Until(certificate.Leaf.NotAfter) < 30*24*time.Hour {
		if err := f.issue(); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		if certificate, err = tls.LoadX509KeyPair(f.path("server.pem"), f.path("server-key.pem")); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
	}
	if err := f.bundle(); err != nil {
		return nil, fmt.Errorf("certificate bundle: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}

// bundles are where systems keep the authorities that everybody trusts.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

// bundle writes our authority together with the system's: SSL_CERT_FILE
// replaces what a program trusts, and the rest of the world must stay trusted.
func (f Folder) bundle() error {
	own, err := os.ReadFile(f.CA())
	if err != nil {
		return err
	}
	for _, path := range bundles {
		if system, err := os.ReadFile(path); err == nil {
			own = append(append(own, '\n'), system...)
			break
		}
	}
	return write(f.Bundle(), own)
}

func (f Folder) issue() error {
	authority, authorityKey, err := f.authority()
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "" {
		names = append(names, host)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "localhost", Organization: []string{"Orrery"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	return errors.Join(writeKey(f.path("server-key.pem"), key), writePEM(f.path("server.pem"), "CERTIFICATE", der))
}

func (f Folder) authority() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(f.CA(), f.path("ca-key.pem"))
	if err == nil {
		key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
		if !ok {
			return nil, nil, errors.New("the certificate authority's key is not an ECDSA key")
		}
		return pair.Leaf, key, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Orrery local CA", Organization: []string{"Orrery"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(writeKey(f.path("ca-key.pem"), key), writePEM(f.CA(), "CERTIFICATE", der)); err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return big.NewInt(time.Now().UnixNano())
	}
	return n
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return write(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
