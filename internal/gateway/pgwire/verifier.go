package pgwire

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// MaxIterations bounds the work that a verifier, or a hostile server, may ask.
const MaxIterations = 1_000_000

// ParseVerifier reads PostgreSQL's own text of a SCRAM-SHA-256 secret.
func ParseVerifier(text string) (*Verifier, error) {
	bad := fmt.Errorf("%w: SCRAM verifier", ErrMalformed)
	rest, ok := strings.CutPrefix(text, "SCRAM-SHA-256$")
	if !ok {
		return nil, bad
	}
	factors, keys, ok := strings.Cut(rest, "$")
	if !ok {
		return nil, bad
	}
	iterations, salt, ok := strings.Cut(factors, ":")
	if !ok {
		return nil, bad
	}
	stored, server, ok := strings.Cut(keys, ":")
	if !ok {
		return nil, bad
	}
	v := &Verifier{}
	var err error
	if v.Iterations, err = strconv.Atoi(iterations); err != nil || v.Iterations < 1 || v.Iterations > MaxIterations {
		return nil, bad
	}
	for _, f := range []struct {
		dst  *[]byte
		text string
	}{{&v.Salt, salt}, {&v.StoredKey, stored}, {&v.ServerKey, server}} {
		if *f.dst, err = base64.StdEncoding.DecodeString(f.text); err != nil {
			return nil, bad
		}
	}
	return v, nil
}
