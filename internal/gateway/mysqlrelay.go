package gateway

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/statement"
)

func uitoa(v uint64) string { return strconv.FormatUint(v, 10) }

// untracked variables follow from others or from the statement, and are not
// replayed.
var untracked = map[string]bool{
	"character_set_connection": true, "character_set_database": true, "collation_database": true,
	"timestamp": true, "insert_id": true, "last_insert_id": true, "identity": true,
	"rand_seed1": true, "rand_seed2": true, "pseudo_thread_id": true, "gtid_next": true,
	"session_track_system_variables": true, "session_track_schema": true, "session_track_state_change": true,
	"statement_id": true, "warning_count": true, "error_count": true,
}

// relay passes the answer of a query or an execution to the client, every
// result of it, and learns the session's state from the packets that end one.
func (s *mysqlSession) relay(b *mysqlBackend, binary bool) error {
	b.r.BeforeRead = s.w.Flush
	defer func() { b.r.BeforeRead = nil }()
	for {
		more, err := s.relayResult(b, binary)
		if err != nil || !more {
			return err
		}
	}
}

// head makes the next packet's header and first byte available.
func (s *mysqlSession) head(b *mysqlBackend) (length int, first byte, err error) {
	if err := b.r.Need(4); err != nil {
		return 0, 0, &backendError{err}
	}
	length, s.seq = mysqlwire.Length(b.r.Bytes())
	if length == 0 {
		return 0, 0, nil
	}
	if err := b.r.Need(5); err != nil {
		return 0, 0, &backendError{err}
	}
	return length, b.r.Bytes()[4], nil
}

func (s *mysqlSession) relayResult(b *mysqlBackend, prepared bool) (more bool, err error) {
	length, first, err := s.head(b)
	if err != nil {
		return false, err
	}
	switch first {
	case mysqlwire.HeaderOK:
		return s.relayOK(b, length)
	case mysqlwire.HeaderERR:
		return false, s.relayError(b, length)
	case mysqlwire.HeaderLocalInfile:
		if err := s.copy(b, length); err != nil {
			return false, err
		}
		if err := s.relayFile(b); err != nil {
			return false, err
		}
		return s.relayResult(b, prepared)
	}
	if err := b.r.Need(4 + length); err != nil {
		return false, &backendError{err}
	}
	columns, n := mysqlwire.Lenenc(b.r.Bytes()[4 : 4+length])
	if n == 0 {
		return false, &brokenError{mysqlwire.ErrMalformed}
	}
	if err := s.copy(b, length); err != nil {
		return false, err
	}
	for range columns {
		if err := s.relayOne(b); err != nil {
			return false, err
		}
	}
	if b.caps&mysqlwire.ClientDeprecateEOF == 0 {
		if length, _, err = s.head(b); err != nil {
			return false, err
		}
		more, err := s.relayEOF(b, length)
		if err != nil || prepared && s.status&mysqlwire.StatusCursorExists != 0 {
			return more, err
		}
	}
	return s.relayRows(b)
}

// copy passes one packet on.
func (s *mysqlSession) copy(b *mysqlBackend, length int) error {
	if err := stream.Copy(s.w, b.r, 4+length); err != nil {
		return &brokenError{err}
	}
	return nil
}

// relayOne passes one packet, whatever it is.
func (s *mysqlSession) relayOne(b *mysqlBackend) error {
	length, _, err := s.head(b)
	if err != nil {
		return err
	}
	return s.copy(b, length)
}

// relayRows passes rows up to the packet that ends them.
func (s *mysqlSession) relayRows(b *mysqlBackend) (more bool, err error) {
	continued := false
	for {
		if !continued {
			if err := s.relayBuffered(b); err != nil {
				return false, err
			}
		}
		length, first, err := s.head(b)
		if err != nil {
			return false, err
		}
		switch {
		case continued:
		case first == mysqlwire.HeaderERR:
			return false, s.relayError(b, length)
		case first == mysqlwire.HeaderEOF && b.caps&mysqlwire.ClientDeprecateEOF != 0 && length < mysqlwire.MaxPayload:
			return s.relayOK(b, length)
		case first == mysqlwire.HeaderEOF && b.caps&mysqlwire.ClientDeprecateEOF == 0 && length < 9:
			return s.relayEOF(b, length)
		}
		if err := s.copy(b, length); err != nil {
			return false, err
		}
		continued = length == mysqlwire.MaxPayload
	}
}

// relayBuffered passes at once all the complete row packets that are buffered.
func (s *mysqlSession) relayBuffered(b *mysqlBackend) error {
	buf := b.r.Bytes()
	end := 0
	for len(buf)-end >= 5 {
		length, seq := mysqlwire.Length(buf[end:])
		first := buf[end+4]
		if first == mysqlwire.HeaderERR || first == mysqlwire.HeaderEOF || length == mysqlwire.MaxPayload || length == 0 || end+4+length > len(buf) {
			break
		}
		end += 4 + length
		s.seq = seq
	}
	if end == 0 {
		return nil
	}
	err := s.w.Append(buf[:end])
	b.r.Advance(end)
	return err
}

func (s *mysqlSession) relayError(b *mysqlBackend, length int) error {
	s.failed = true
	return s.copy(b, length)
}

func (s *mysqlSession) relayEOF(b *mysqlBackend, length int) (more bool, err error) {
	if err := b.r.Need(4 + length); err != nil {
		return false, &backendError{err}
	}
	p := b.r.Bytes()[4 : 4+length]
	if length < 5 {
		return false, &brokenError{mysqlwire.ErrMalformed}
	}
	if binary.LittleEndian.Uint16(p[1:]) > 0 {
		s.reserve = true
	}
	s.status = binary.LittleEndian.Uint16(p[3:])
	return s.status&mysqlwire.StatusMoreResults != 0, s.copy(b, length)
}

// relayOK passes an OK packet, without the session's changes when the client
// did not ask for them, and takes note of them.
func (s *mysqlSession) relayOK(b *mysqlBackend, length int) (more bool, err error) {
	if err := b.r.Need(4 + length); err != nil {
		return false, &backendError{err}
	}
	packet := b.r.Bytes()[:4+length]
	ok, err := mysqlwire.ParseOK(packet[4:])
	if err != nil {
		return false, &brokenError{err}
	}
	s.status = ok.Status &^ mysqlwire.StatusSessionChanged
	if ok.InsertID != 0 {
		s.lastInsertID, s.reserve = ok.InsertID, true
	}
	if ok.Warnings > 0 || ok.AffectedRows > 0 {
		s.reserve = true // SHOW WARNINGS or ROW_COUNT() may follow
	}
	if len(ok.Changes) > 0 {
		if err := s.note(ok.Changes); err != nil {
			return false, &brokenError{err}
		}
	}
	size := length
	if s.caps&mysqlwire.ClientSessionTrack == 0 {
		size = ok.StripTracking(packet[4:])
		packet[0], packet[1], packet[2] = byte(size), byte(size>>8), byte(size>>16)
	}
	err = s.w.Append(packet[:4+size])
	b.r.Advance(4 + length)
	return ok.Status&mysqlwire.StatusMoreResults != 0, err
}

// note takes over the state changes that the server reports.
func (s *mysqlSession) note(changes []byte) error {
	known, unknown := false, false
	err := mysqlwire.EachChange(changes, func(t mysqlwire.ChangeType, name, value []byte) {
		switch t {
		case mysqlwire.ChangeSchema:
			s.database = string(name)
			known = true
		case mysqlwire.ChangeState:
			unknown = true
		case mysqlwire.ChangeVariable:
			if string(name) == "statement_id" {
				return // reported with every statement
			}
			known = true
			s.noteVariable(string(name), string(value))
		}
	})
	s.setsState = s.setsState || unknown && !known
	return err
}

func (s *mysqlSession) noteVariable(name, value string) {
	if name == "character_set_connection" {
		s.recheck = true // the collation is not reported with SET NAMES
	}
	if strings.HasPrefix(name, "session_track_") {
		s.pins |= statement.PinSetting
	}
	if untracked[name] {
		return
	}
	s.state = s.state.with(name, value)
	s.readMode()
}

// readMode notes whether text of this session can be read in two ways.
func (s *mysqlSession) readMode() {
	mode := s.state.vars["sql_mode"]
	ambiguous := strings.Contains(mode, "NO_BACKSLASH_ESCAPES") || strings.Contains(mode, "ANSI_QUOTES")
	switch s.state.vars["character_set_client"] {
	case "big5", "gbk", "gb18030", "sjis", "cp932":
		// A backslash may be the second byte of a character.
		ambiguous = true
	}
	s.scope.AmbiguousText = ambiguous
}

// relayFile passes the client's file of LOAD DATA LOCAL to the server.
func (s *mysqlSession) relayFile(b *mysqlBackend) error {
	if err := s.w.Flush(); err != nil {
		return &brokenError{err}
	}
	for {
		if err := s.r.Need(4); err != nil {
			return &brokenError{err}
		}
		length, seq := mysqlwire.Length(s.r.Bytes())
		s.seq = seq
		if err := stream.Copy(b.w, s.r, 4+length); err != nil {
			return &brokenError{err}
		}
		if length == 0 {
			break
		}
	}
	if err := b.w.Flush(); err != nil {
		return &backendError{err}
	}
	return nil
}

// value runs a query of one row and one column.
func (b *mysqlBackend) value(sql string) (string, error) {
	if err := b.command(append([]byte{mysqlwire.ComQuery}, sql...)); err != nil {
		return "", err
	}
	p, err := b.packet()
	if err != nil {
		return "", err
	}
	if len(p) > 0 && p[0] == mysqlwire.HeaderERR {
		return "", mysqlwire.ParseError(p)
	}
	skip := 1 // the column
	if b.caps&mysqlwire.ClientDeprecateEOF == 0 {
		skip++
	}
	for range skip {
		if _, err := b.packet(); err != nil {
			return "", err
		}
	}
	if p, err = b.packet(); err != nil {
		return "", err
	}
	v, n := mysqlwire.LenencBytes(p)
	if n == 0 {
		return "", mysqlwire.ErrMalformed
	}
	value := string(v)
	_, err = b.packet() // the end
	return value, err
}
