// Package mysqlwire reads and writes the pieces of MySQL's client/server
// protocol that the gateway must understand: the handshake of both sides, the
// ends of results, errors. Rows pass it as bytes.
//
// Invariant: every parser takes any bytes and returns an error, never panics,
// and never trusts a length beyond the bytes it was given.
package mysqlwire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Capability flags.
const (
	ClientLongPassword     = 1 << 0
	ClientFoundRows        = 1 << 1
	ClientLongFlag         = 1 << 2
	ClientConnectWithDB    = 1 << 3
	ClientNoSchema         = 1 << 4
	ClientCompress         = 1 << 5
	ClientLocalFiles       = 1 << 7
	ClientIgnoreSpace      = 1 << 8
	ClientProtocol41       = 1 << 9
	ClientInteractive      = 1 << 10
	ClientSSL              = 1 << 11
	ClientTransactions     = 1 << 13
	ClientSecureConnection = 1 << 15
	ClientMultiStatements  = 1 << 16
	ClientMultiResults     = 1 << 17
	ClientPSMultiResults   = 1 << 18
	ClientPluginAuth       = 1 << 19
	ClientConnectAttrs     = 1 << 20
	ClientPluginAuthLenenc = 1 << 21
	ClientSessionTrack     = 1 << 23
	ClientDeprecateEOF     = 1 << 24
)

// Status flags.
const (
	StatusInTrans        = 0x0001
	StatusAutocommit     = 0x0002
	StatusMoreResults    = 0x0008
	StatusCursorExists   = 0x0040
	StatusLastRowSent    = 0x0080
	StatusSessionChanged = 0x4000
)

// Commands.
const (
	ComQuit             = 0x01
	ComInitDB           = 0x02
	ComQuery            = 0x03
	ComFieldList        = 0x04
	ComStatistics       = 0x09
	ComProcessKill      = 0x0c
	ComPing             = 0x0e
	ComChangeUser       = 0x11
	ComStmtPrepare      = 0x16
	ComStmtExecute      = 0x17
	ComStmtSendLongData = 0x18
	ComStmtClose        = 0x19
	ComStmtReset        = 0x1a
	ComSetOption        = 0x1b
	ComStmtFetch        = 0x1c
	ComResetConnection  = 0x1f
)

// First bytes of packets.
const (
	HeaderOK          = 0x00
	HeaderLocalInfile = 0xfb
	HeaderEOF         = 0xfe
	HeaderERR         = 0xff
)

// MaxPayload is the longest payload of one packet; a packet of exactly this
// length is continued by the next.
const MaxPayload = 1<<24 - 1

// ErrMalformed is wrapped by every parse error.
var ErrMalformed = errors.New("malformed packet")

// Error is an ERR packet's content.
type Error struct {
	Errno    uint16
	SQLState string
	Message  string
}

func (e *Error) Error() string {
	return fmt.Sprintf("Error %d (%s): %s", e.Errno, e.SQLState, e.Message)
}

// Errorf makes an Error.
func Errorf(errno uint16, state, format string, args ...any) *Error {
	return &Error{Errno: errno, SQLState: state, Message: fmt.Sprintf(format, args...)}
}

// Length returns the payload length and sequence number of a packet header.
func Length(header []byte) (int, byte) {
	return int(header[0]) | int(header[1])<<8 | int(header[2])<<16, header[3]
}

// AppendPacket appends a whole logical packet, split where it must be, and
// returns the next sequence number.
func AppendPacket(dst []byte, seq byte, payload []byte) ([]byte, byte) {
	for {
		n := min(len(payload), MaxPayload)
		dst = append(dst, byte(n), byte(n>>8), byte(n>>16), seq)
		dst = append(dst, payload[:n]...)
		payload = payload[n:]
		seq++
		if n < MaxPayload {
			return dst, seq
		}
	}
}

// AppendError appends an ERR packet.
func AppendError(dst []byte, seq byte, e *Error) []byte {
	payload := []byte{HeaderERR, byte(e.Errno), byte(e.Errno >> 8), '#'}
	state := e.SQLState
	if len(state) != 5 {
		state = "HY000"
	}
	payload = append(payload, state...)
	payload = append(payload, e.Message...)
	dst, _ = AppendPacket(dst, seq, payload)
	return dst
}

// AppendOK appends a plain OK packet.
func AppendOK(dst []byte, seq byte, status uint16) []byte {
	return append(dst, 7, 0, 0, seq, HeaderOK, 0, 0, byte(status), byte(status>>8), 0, 0)
}

// ParseError reads an ERR packet.
func ParseError(p []byte) *Error {
	if len(p) < 3 || p[0] != HeaderERR {
		return Errorf(2027, "HY000", "malformed error packet")
	}
	e := &Error{Errno: binary.LittleEndian.Uint16(p[1:]), SQLState: "HY000"}
	rest := p[3:]
	if len(rest) >= 6 && rest[0] == '#' {
		e.SQLState = string(rest[1:6])
		rest = rest[6:]
	}
	e.Message = string(rest)
	return e
}

// Lenenc reads a length-encoded integer; n is its width, 0 when malformed.
func Lenenc(p []byte) (v uint64, n int) {
	if len(p) == 0 {
		return 0, 0
	}
	switch {
	case p[0] < 0xfb:
		return uint64(p[0]), 1
	case p[0] == 0xfc && len(p) >= 3:
		return uint64(binary.LittleEndian.Uint16(p[1:])), 3
	case p[0] == 0xfd && len(p) >= 4:
		return uint64(p[1]) | uint64(p[2])<<8 | uint64(p[3])<<16, 4
	case p[0] == 0xfe && len(p) >= 9:
		return binary.LittleEndian.Uint64(p[1:]), 9
	}
	return 0, 0
}

// LenencBytes reads a length-encoded string; n is 0 when malformed.
func LenencBytes(p []byte) (s []byte, n int) {
	length, w := Lenenc(p)
	if w == 0 || length > uint64(len(p)-w) {
		return nil, 0
	}
	return p[w : w+int(length)], w + int(length)
}

// AppendLenenc appends a length-encoded integer.
func AppendLenenc(dst []byte, v uint64) []byte {
	switch {
	case v < 0xfb:
		return append(dst, byte(v))
	case v <= 0xffff:
		return append(dst, 0xfc, byte(v), byte(v>>8))
	case v <= 0xffffff:
		return append(dst, 0xfd, byte(v), byte(v>>8), byte(v>>16))
	}
	return binary.LittleEndian.AppendUint64(append(dst, 0xfe), v)
}

// OK is an OK packet (also one that ends a result) of a connection with
// session tracking. Its slices point into the packet.
type OK struct {
	AffectedRows, InsertID uint64
	Status, Warnings       uint16
	Info                   []byte
	Changes                []byte // session state changes, for EachChange

	statusAt, infoAt int
}

// ParseOK reads an OK packet.
func ParseOK(p []byte) (OK, error) {
	var ok OK
	if len(p) < 1 {
		return ok, ErrMalformed
	}
	i := 1
	var n int
	if ok.AffectedRows, n = Lenenc(p[i:]); n == 0 {
		return ok, ErrMalformed
	}
	i += n
	if ok.InsertID, n = Lenenc(p[i:]); n == 0 {
		return ok, ErrMalformed
	}
	i += n
	if len(p) < i+4 {
		return ok, ErrMalformed
	}
	ok.statusAt = i
	ok.Status = binary.LittleEndian.Uint16(p[i:])
	ok.Warnings = binary.LittleEndian.Uint16(p[i+2:])
	i += 4
	ok.infoAt = i
	if i == len(p) {
		return ok, nil
	}
	if ok.Info, n = LenencBytes(p[i:]); n == 0 {
		return ok, ErrMalformed
	}
	i += n
	if ok.Status&StatusSessionChanged == 0 {
		return ok, nil
	}
	if ok.Changes, n = LenencBytes(p[i:]); n == 0 {
		return ok, ErrMalformed
	}
	return ok, nil
}

// StripTracking rewrites the OK packet p in place for a client that did not
// ask for session tracking, and returns its new length.
func (ok *OK) StripTracking(p []byte) int {
	binary.LittleEndian.PutUint16(p[ok.statusAt:], ok.Status&^StatusSessionChanged)
	return ok.infoAt + copy(p[ok.infoAt:], ok.Info)
}

// ChangeType is a kind of session state change.
type ChangeType byte

const (
	ChangeVariable ChangeType = 0
	ChangeSchema   ChangeType = 1
	ChangeState    ChangeType = 2
)

// EachChange calls f for every session state change. For a schema or a state
// change the name holds the value.
func EachChange(p []byte, f func(t ChangeType, name, value []byte)) error {
	for len(p) > 0 {
		t := ChangeType(p[0])
		data, n := LenencBytes(p[1:])
		if n == 0 {
			return ErrMalformed
		}
		p = p[1+n:]
		if t >= ChangeState {
			if t == ChangeState {
				f(t, data, nil) // its data is the value, without a length of its own
			}
			continue
		}
		for len(data) > 0 {
			name, n := LenencBytes(data)
			if n == 0 {
				return ErrMalformed
			}
			data = data[n:]
			if t != ChangeVariable {
				f(t, name, nil)
				continue
			}
			value, n := LenencBytes(data)
			if n == 0 {
				return ErrMalformed
			}
			data = data[n:]
			f(t, name, value)
		}
	}
	return nil
}
