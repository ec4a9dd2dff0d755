package platform

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

const (
	lowerAlphabet  = "0123456789abcdefghijklmnopqrstuvwxyz"
	secretAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	// secretLength characters of 62 are 256 bits: a plain hash of such a secret
	// cannot be guessed, so it needs no salt.
	secretLength = 43
)

func random(alphabet string, length int) string {
	text := make([]byte, 0, length)
	var chunk [64]byte
	for len(text) < length {
		_, _ = rand.Read(chunk[:])
		for _, b := range chunk {
			// Bytes past the last whole multiple would favour some characters.
			if int(b) < 256-256%len(alphabet) && len(text) < length {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// Derived is a secret that the owner of the key can make again for the same
// purpose, and nobody else. It keeps bindings' credentials stable without
// storing them.
func Derived(key []byte, purpose, alphabet string, length int) string {
	text := make([]byte, 0, length)
	for counter := 0; len(text) < length; counter++ {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s\x00%d", purpose, counter)
		for _, b := range mac.Sum(nil) {
			if int(b) < 256-256%len(alphabet) && len(text) < length {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}

// DerivedPassword has the form of a random password.
func DerivedPassword(key []byte, purpose string) string {
	return "pscale_pw_" + Derived(key, purpose, secretAlphabet, secretLength)
}

func nativeHash(password string) []byte {
	first := sha1.Sum([]byte(password))
	second := sha1.Sum(first[:])
	return second[:]
}

func sha256Hash(password string) []byte {
	first := sha256.Sum256([]byte(password))
	second := sha256.Sum256(first[:])
	return second[:]
}

// scramVerifier is PostgreSQL's text form of a password (RFC 5803).
func scramVerifier(password string) (string, error) {
	const iterations = 4096
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("scram verifier: %w", err)
	}
	clientKey := mac(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]), encode(mac(salted, "Server Key"))), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
