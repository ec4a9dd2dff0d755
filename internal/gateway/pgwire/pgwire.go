// Package pgwire reads and writes the pieces of PostgreSQL's protocol that the
// gateway must understand. Rows and copied data pass it as bytes.
//
// Invariant: every parser takes any bytes and returns an error, never panics,
// and never trusts a length beyond the bytes it was given.
package pgwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Codes in the place of a protocol version.
const (
	CodeCancel = 80877102
	CodeSSL    = 80877103
	CodeGSS    = 80877104
)

// MaxStartup is the server's own limit of a startup packet.
const MaxStartup = 10_000

// ErrMalformed is wrapped by every parse error.
var ErrMalformed = errors.New("malformed message")

// Error is an ErrorResponse.
type Error struct {
	Severity, Code, Message, Detail, Hint string
	// Raw is the body as a server sent it; when set it goes out unchanged.
	Raw []byte
}

func (e *Error) Error() string { return e.Severity + " " + e.Code + ": " + e.Message }

// Fatal makes an error that ends the connection.
func Fatal(code, format string, args ...any) *Error {
	return &Error{Severity: "FATAL", Code: code, Message: fmt.Sprintf(format, args...)}
}

// Refusal makes an error that leaves the connection usable.
func Refusal(code, format string, args ...any) *Error {
	return &Error{Severity: "ERROR", Code: code, Message: fmt.Sprintf(format, args...)}
}

// Append appends the ErrorResponse.
func (e *Error) Append(dst []byte) []byte {
	if e.Raw != nil {
		return AppendMessage(dst, 'E', e.Raw)
	}
	var body []byte
	for _, f := range []struct {
		t byte
		v string
	}{{'S', e.Severity}, {'V', e.Severity}, {'C', e.Code}, {'M', e.Message}, {'D', e.Detail}, {'H', e.Hint}} {
		if f.v == "" {
			continue
		}
		body = append(body, f.t)
		body = append(body, f.v...)
		body = append(body, 0)
	}
	return AppendMessage(dst, 'E', append(body, 0))
}

// ParseError reads the body of an ErrorResponse.
func ParseError(body []byte) *Error {
	e := &Error{Severity: "ERROR", Code: "XX000", Raw: bytes.Clone(body)}
	for len(body) > 1 && body[0] != 0 {
		value, rest, ok := CString(body[1:])
		if !ok {
			break
		}
		switch body[0] {
		case 'S':
			e.Severity = value
		case 'C':
			e.Code = value
		case 'M':
			e.Message = value
		}
		body = rest
	}
	return e
}

// CString takes a string that ends with NUL off p.
func CString(p []byte) (string, []byte, bool) {
	before, after, ok := bytes.Cut(p, []byte{0})
	if !ok {
		return "", nil, false
	}
	return string(before), after, true
}

// Name is CString without a copy.
func Name(p []byte) (name, rest []byte, ok bool) {
	before, after, ok := bytes.Cut(p, []byte{0})
	if !ok {
		return nil, nil, false
	}
	return before, after, true
}

// AppendMessage appends a whole message.
func AppendMessage(dst []byte, t byte, body []byte) []byte {
	dst = append(dst, t)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)+4))
	return append(dst, body...)
}

// AppendString appends a string and its NUL.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, s...)
	return append(dst, 0)
}

// Length reads a message's length field and returns the length of its body.
func Length(header []byte, limit int) (int, error) {
	n := int64(binary.BigEndian.Uint32(header[1:]))
	if n < 4 {
		return 0, fmt.Errorf("%w: length %d", ErrMalformed, n)
	}
	if n-4 > int64(limit) {
		return 0, fmt.Errorf("%w: length %d exceeds the limit of %d bytes", ErrMalformed, n, limit)
	}
	return int(n - 4), nil
}

// Startup is a StartupMessage.
type Startup struct {
	Major, Minor uint16
	Parameters   map[string]string
	// Unknown are protocol options that we do not have.
	Unknown []string
}

// ParseStartup reads a StartupMessage's body, its version included.
func ParseStartup(p []byte) (*Startup, error) {
	bad := fmt.Errorf("%w: startup message", ErrMalformed)
	if len(p) < 5 {
		return nil, bad
	}
	s := &Startup{
		Major: binary.BigEndian.Uint16(p), Minor: binary.BigEndian.Uint16(p[2:]),
		Parameters: map[string]string{},
	}
	p = p[4:]
	for {
		name, rest, ok := CString(p)
		if !ok {
			return nil, bad
		}
		if name == "" {
			if len(rest) > 0 {
				return nil, bad
			}
			return s, nil
		}
		value, rest, ok := CString(rest)
		if !ok {
			return nil, bad
		}
		p = rest
		if strings.HasPrefix(name, "_pq_.") {
			s.Unknown = append(s.Unknown, name)
			continue
		}
		s.Parameters[name] = value
	}
}

// ParseOptions reads the command-line style "options" parameter into settings.
func ParseOptions(options string, set func(name, value string)) error {
	words := splitOptions(options)
	for i := 0; i < len(words); i++ {
		word := words[i]
		var assignment string
		switch {
		case word == "-c":
			if i++; i == len(words) {
				return fmt.Errorf("%w: -c requires a value", ErrMalformed)
			}
			assignment = words[i]
		case strings.HasPrefix(word, "-c"):
			assignment = word[2:]
		case strings.HasPrefix(word, "--"):
			assignment = word[2:]
		default:
			return fmt.Errorf("%w: invalid command-line argument for server process: %s", ErrMalformed, word)
		}
		name, value, ok := strings.Cut(assignment, "=")
		if !ok || name == "" {
			return fmt.Errorf("%w: -c %s requires a value", ErrMalformed, assignment)
		}
		set(strings.ReplaceAll(strings.ToLower(name), "-", "_"), value)
	}
	return nil
}

// splitOptions splits at white space; a backslash takes the next byte as it is.
func splitOptions(s string) []string {
	var words []string
	var word []byte
	in := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c >= '\t' && c <= '\r':
			if in {
				words = append(words, string(word))
			}
			word, in = word[:0], false
		case c == '\\' && i+1 < len(s):
			i++
			word, in = append(word, s[i]), true
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		words = append(words, string(word))
	}
	return words
}

// Verifier is a stored SCRAM-SHA-256 secret.
type Verifier struct {
	Iterations                 int
	Salt, StoredKey, ServerKey []byte
}
