package mysqlwire

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
)

// Authentication plugins.
const (
	CachingSHA2    = "caching_sha2_password"
	NativePassword = "mysql_native_password"
)

// NewNonce returns a scramble of 20 bytes without NUL and '$', which old
// clients take for an end.
func NewNonce() ([20]byte, error) {
	var nonce [20]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nonce, fmt.Errorf("read random bytes: %w", err)
	}
	for i := range nonce {
		nonce[i] = nonce[i]&0x7f | 1
		if nonce[i] == '$' {
			nonce[i]++
		}
	}
	return nonce, nil
}

// Greeting is the server's first packet.
type Greeting struct {
	Version      string
	ConnectionID uint32
	Nonce        []byte
	Capabilities uint32
	Collation    byte
	Status       uint16
	Plugin       string
}

// Append appends the payload of a greeting.
func (g *Greeting) Append(p []byte) []byte {
	p = append(p, 10)
	p = append(p, g.Version...)
	p = append(p, 0)
	p = binary.LittleEndian.AppendUint32(p, g.ConnectionID)
	p = append(p, g.Nonce[:8]...)
	p = append(p, 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(g.Capabilities))
	p = append(p, g.Collation)
	p = binary.LittleEndian.AppendUint16(p, g.Status)
	p = binary.LittleEndian.AppendUint16(p, uint16(g.Capabilities>>16))
	p = append(p, 21)
	p = append(p, make([]byte, 10)...)
	p = append(p, g.Nonce[8:20]...)
	p = append(p, 0)
	p = append(p, g.Plugin...)
	return append(p, 0)
}

// ParseGreeting reads a server's first packet.
func ParseGreeting(p []byte) (*Greeting, error) {
	if len(p) > 0 && p[0] == HeaderERR {
		return nil, ParseError(p)
	}
	if len(p) < 1 || p[0] != 10 {
		return nil, fmt.Errorf("%w: greeting", ErrMalformed)
	}
	end := bytes.IndexByte(p[1:], 0)
	if end < 0 || len(p) < 1+end+1+4+8+1+2+1+2+2+1+10 {
		return nil, fmt.Errorf("%w: greeting", ErrMalformed)
	}
	g := &Greeting{Version: string(p[1 : 1+end])}
	p = p[1+end+1:]
	g.ConnectionID = binary.LittleEndian.Uint32(p)
	g.Nonce = append(g.Nonce, p[4:12]...)
	g.Capabilities = uint32(binary.LittleEndian.Uint16(p[13:])) | uint32(binary.LittleEndian.Uint16(p[18:]))<<16
	g.Collation = p[15]
	g.Status = binary.LittleEndian.Uint16(p[16:])
	p = p[31:]
	if len(p) < 12 {
		return nil, fmt.Errorf("%w: greeting", ErrMalformed)
	}
	g.Nonce = append(g.Nonce, p[:12]...)
	p = p[12:]
	if len(p) > 0 && p[0] == 0 {
		p = p[1:]
	}
	if end := bytes.IndexByte(p, 0); end >= 0 {
		p = p[:end]
	}
	g.Plugin = string(p)
	return g, nil
}

// Response is the client's handshake response, or the content of a
// COM_CHANGE_USER.
type Response struct {
	Capabilities uint32
	MaxPacket    uint32
	Collation    uint16
	User         string
	Auth         []byte
	Database     string
	Plugin       string
	// SSLRequest: the packet ends before the user name and TLS must follow.
	SSLRequest bool
}

func cString(p []byte) (string, []byte, bool) {
	before, after, ok := bytes.Cut(p, []byte{0})
	if !ok {
		return "", nil, false
	}
	return string(before), after, true
}

// ParseResponse reads a handshake response or an SSLRequest.
func ParseResponse(p []byte) (*Response, error) {
	bad := fmt.Errorf("%w: handshake response", ErrMalformed)
	if len(p) < 32 {
		return nil, bad
	}
	r := &Response{
		Capabilities: binary.LittleEndian.Uint32(p),
		MaxPacket:    binary.LittleEndian.Uint32(p[4:]),
		Collation:    uint16(p[8]),
	}
	if r.Capabilities&ClientProtocol41 == 0 {
		return nil, fmt.Errorf("%w: the client speaks a protocol older than 4.1", ErrMalformed)
	}
	if len(p) == 32 && r.Capabilities&ClientSSL != 0 {
		r.SSLRequest = true
		return r, nil
	}
	p = p[32:]
	var ok bool
	if r.User, p, ok = cString(p); !ok {
		return nil, bad
	}
	switch {
	case r.Capabilities&ClientPluginAuthLenenc != 0:
		auth, n := LenencBytes(p)
		if n == 0 {
			return nil, bad
		}
		r.Auth, p = bytes.Clone(auth), p[n:]
	case r.Capabilities&ClientSecureConnection != 0:
		if len(p) < 1 || len(p) < 1+int(p[0]) {
			return nil, bad
		}
		r.Auth, p = bytes.Clone(p[1:1+int(p[0])]), p[1+int(p[0]):]
	default:
		return nil, fmt.Errorf("%w: the client offers only the password hash of MySQL 3.23", ErrMalformed)
	}
	if r.Capabilities&ClientConnectWithDB != 0 && len(p) > 0 {
		if r.Database, p, ok = cString(p); !ok {
			return nil, bad
		}
	}
	if r.Capabilities&ClientPluginAuth != 0 && len(p) > 0 {
		if plugin, _, ok := cString(p); ok {
			r.Plugin = plugin
		}
	}
	return r, nil
}

// ParseChangeUser reads the payload of a COM_CHANGE_USER after its first byte.
func ParseChangeUser(p []byte, capabilities uint32) (*Response, error) {
	bad := fmt.Errorf("%w: COM_CHANGE_USER", ErrMalformed)
	r := &Response{Capabilities: capabilities}
	var ok bool
	if r.User, p, ok = cString(p); !ok {
		return nil, bad
	}
	if len(p) < 1 || len(p) < 1+int(p[0]) {
		return nil, bad
	}
	r.Auth, p = bytes.Clone(p[1:1+int(p[0])]), p[1+int(p[0]):]
	if r.Database, p, ok = cString(p); !ok {
		return nil, bad
	}
	if len(p) >= 2 {
		r.Collation = binary.LittleEndian.Uint16(p)
		p = p[2:]
	}
	if capabilities&ClientPluginAuth != 0 && len(p) > 0 {
		if plugin, _, ok := cString(p); ok {
			r.Plugin = plugin
		}
	}
	return r, nil
}

// Append appends the payload of a handshake response.
func (r *Response) Append(p []byte) []byte {
	p = r.AppendSSLRequest(p)
	p = append(p, r.User...)
	p = append(p, 0)
	p = AppendLenenc(p, uint64(len(r.Auth)))
	p = append(p, r.Auth...)
	if r.Capabilities&ClientConnectWithDB != 0 {
		p = append(p, r.Database...)
		p = append(p, 0)
	}
	p = append(p, r.Plugin...)
	return append(p, 0)
}

// AppendSSLRequest appends the part before the user name.
func (r *Response) AppendSSLRequest(p []byte) []byte {
	p = binary.LittleEndian.AppendUint32(p, r.Capabilities)
	p = binary.LittleEndian.AppendUint32(p, r.MaxPacket)
	p = append(p, byte(r.Collation))
	return append(p, make([]byte, 23)...)
}

// AppendAuthSwitch appends the payload of an AuthSwitchRequest.
func AppendAuthSwitch(p []byte, plugin string, nonce []byte) []byte {
	p = append(p, HeaderEOF)
	p = append(p, plugin...)
	p = append(p, 0)
	p = append(p, nonce...)
	return append(p, 0)
}

// ParseAuthSwitch reads an AuthSwitchRequest.
func ParseAuthSwitch(p []byte) (plugin string, nonce []byte, err error) {
	if len(p) < 1 || p[0] != HeaderEOF {
		return "", nil, fmt.Errorf("%w: authentication switch", ErrMalformed)
	}
	plugin, rest, ok := cString(p[1:])
	if !ok {
		return "", nil, fmt.Errorf("%w: authentication switch", ErrMalformed)
	}
	return plugin, bytes.Clone(bytes.TrimSuffix(rest, []byte{0})), nil
}

// VerifyNative checks a mysql_native_password response against
// SHA1(SHA1(password)).
func VerifyNative(response, nonce []byte, stored [20]byte) bool {
	if len(response) != 20 {
		return false
	}
	h := sha1.New()
	h.Write(nonce)
	h.Write(stored[:])
	mask := h.Sum(nil)
	for i := range mask {
		mask[i] ^= response[i]
	}
	got := sha1.Sum(mask)
	return subtle.ConstantTimeCompare(got[:], stored[:]) == 1
}

// VerifySHA2 checks a caching_sha2_password fast response against
// SHA256(SHA256(password)).
func VerifySHA2(response, nonce []byte, stored [32]byte) bool {
	if len(response) != 32 {
		return false
	}
	h := sha256.New()
	h.Write(stored[:])
	h.Write(nonce)
	mask := h.Sum(nil)
	for i := range mask {
		mask[i] ^= response[i]
	}
	got := sha256.Sum256(mask)
	return subtle.ConstantTimeCompare(got[:], stored[:]) == 1
}

// Scramble answers a server's nonce for the plugin.
func Scramble(plugin, password string, nonce []byte) ([]byte, error) {
	if password == "" {
		return nil, nil
	}
	switch plugin {
	case CachingSHA2:
		one := sha256.Sum256([]byte(password))
		two := sha256.Sum256(one[:])
		mask := sha256.Sum256(append(append([]byte(nil), two[:]...), nonce...))
		for i := range mask {
			mask[i] ^= one[i]
		}
		return mask[:], nil
	case NativePassword:
		one := sha1.Sum([]byte(password))
		two := sha1.Sum(one[:])
		mask := sha1.Sum(append(append([]byte(nil), nonce...), two[:]...))
		for i := range mask {
			mask[i] ^= one[i]
		}
		return mask[:], nil
	}
	return nil, fmt.Errorf("the server asks for the authentication plugin %q, which is not supported", plugin)
}

// EncryptPassword hides a password under the server's RSA key, for full
// authentication without TLS.
func EncryptPassword(password string, nonce, key []byte) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, fmt.Errorf("%w: public key", ErrMalformed)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key of the server: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: public key is not RSA", ErrMalformed)
	}
	plain := append([]byte(password), 0)
	for i := range plain {
		plain[i] ^= nonce[i%len(nonce)]
	}
	return rsa.EncryptOAEP(sha1.New(), rand.Reader, public, plain, nil)
}
