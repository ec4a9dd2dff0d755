package gateway

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
)

// maxClientStatements bounds what one session may keep prepared.
const maxClientStatements = 16_382

func unknownStatement(id uint32, where string) error {
	return mysqlwire.Errorf(1243, "HY000", "Unknown prepared statement handler (%d) given to %s", id, where)
}

// statementOf finds the statement that a command names in its first bytes.
func (s *mysqlSession) statementOf(p []byte, where string) (*clientStatement, error) {
	if len(p) < 5 {
		return nil, mysqlwire.ErrMalformed
	}
	id := binary.LittleEndian.Uint32(p[1:])
	st := s.statements[id]
	if st == nil {
		return nil, unknownStatement(id, where)
	}
	return st, nil
}

// key names the statement on a backend as the session's settings would have
// it prepared now.
func (s *mysqlSession) key(st *clientStatement) statementKey {
	v := s.state.vars
	return statementKey{
		sql: st.sql, database: st.database,
		state: v["sql_mode"] + "/" + v["character_set_client"] + "/" + v["collation_connection"],
	}
}

// prepare is COM_STMT_PREPARE. The server's answer passes with the session's
// own id in place of the backend's.
func (s *mysqlSession) prepare(p []byte) error {
	plan := s.server.mysqlPlans.Get(p[1:])
	if err := s.judge(plan); err != nil {
		return err
	}
	if len(s.statements) >= maxClientStatements {
		return mysqlwire.Errorf(1461, "42000", "Can't create more than max_prepared_stmt_count statements (current value: %d)", maxClientStatements)
	}
	if err := s.route(plan); err != nil {
		return err
	}
	st := &clientStatement{sql: string(p[1:]), database: s.effective(), plan: plan}
	b, err := s.acquire(&emptyPlan)
	if err != nil {
		return err
	}
	b.evict()
	if err := s.send(b, p); err != nil {
		return err
	}
	b.r.BeforeRead = s.w.Flush
	err = s.relayPrepared(b, st)
	b.r.BeforeRead = nil
	if err != nil {
		return s.lose(err)
	}
	return s.after(&emptyPlan)
}

func (s *mysqlSession) relayPrepared(b *mysqlBackend, st *clientStatement) error {
	length, first, err := s.head(b)
	if err != nil {
		return err
	}
	if first == mysqlwire.HeaderERR {
		return s.relayError(b, length)
	}
	if length < 12 {
		return &brokenError{mysqlwire.ErrMalformed}
	}
	if err := b.r.Need(4 + length); err != nil {
		return &backendError{err}
	}
	packet := b.r.Bytes()[4 : 4+length]
	backendID := binary.LittleEndian.Uint32(packet[1:])
	columns := int(binary.LittleEndian.Uint16(packet[5:]))
	st.params = int(binary.LittleEndian.Uint16(packet[7:]))
	s.nextID++
	st.id = s.nextID
	binary.LittleEndian.PutUint32(packet[1:], st.id)
	if err := s.copy(b, length); err != nil {
		return err
	}
	if err := s.passDefinitions(b, st.params, columns); err != nil {
		return err
	}
	s.statements[st.id] = st
	b.keep(s.key(st), backendID)
	return nil
}

func (s *mysqlSession) passDefinitions(b *mysqlBackend, params, columns int) error {
	for range definitions(b.caps, params, columns) {
		if err := s.relayOne(b); err != nil {
			return err
		}
	}
	return nil
}

// definitions counts the packets that describe a prepared statement.
func definitions(caps uint32, params, columns int) int {
	n := params + columns
	if caps&mysqlwire.ClientDeprecateEOF == 0 {
		if params > 0 {
			n++
		}
		if columns > 0 {
			n++
		}
	}
	return n
}

// keep enters a statement that the server has just prepared.
func (b *mysqlBackend) keep(key statementKey, id uint32) *backendStatement {
	if old := b.statements[key]; old != nil {
		b.closeStatement(old.id)
		b.statementText -= len(key.sql)
	}
	b.statementText += len(key.sql)
	b.clock++
	st := &backendStatement{id: id, used: b.clock}
	b.statements[key] = st
	return st
}

// ensure returns the statement on this backend, preparing it when missing.
func (s *mysqlSession) ensure(b *mysqlBackend, st *clientStatement) (*backendStatement, error) {
	key := s.key(st)
	if found := b.statements[key]; found != nil {
		b.clock++
		found.used = b.clock
		return found, nil
	}
	b.evict()
	if st.database != s.effective() {
		if err := b.adopt(st.database, b.state); err != nil {
			return nil, err
		}
		defer func() { _ = b.adopt(s.effective(), b.state) }()
	}
	id, err := b.prepare(st.sql)
	if err != nil {
		return nil, err
	}
	return b.keep(key, id), nil
}

// prepare prepares a statement whose description the client has already.
func (b *mysqlBackend) prepare(sql string) (uint32, error) {
	if err := b.command(append([]byte{mysqlwire.ComStmtPrepare}, sql...)); err != nil {
		return 0, &backendError{err}
	}
	p, err := b.packet()
	if err != nil {
		return 0, &backendError{err}
	}
	if len(p) > 0 && p[0] == mysqlwire.HeaderERR {
		return 0, mysqlwire.ParseError(p)
	}
	if len(p) < 12 {
		return 0, &brokenError{mysqlwire.ErrMalformed}
	}
	id := binary.LittleEndian.Uint32(p[1:])
	n := definitions(b.caps, int(binary.LittleEndian.Uint16(p[7:])), int(binary.LittleEndian.Uint16(p[5:])))
	for range n {
		if _, err := b.packet(); err != nil {
			return 0, &backendError{err}
		}
	}
	return id, nil
}

// execute is COM_STMT_EXECUTE.
func (s *mysqlSession) execute(p []byte) error {
	st, err := s.statementOf(p, "mysqld_stmt_execute")
	if err != nil {
		return err
	}
	if len(p) < 10 {
		return mysqlwire.ErrMalformed
	}
	if err := s.judge(st.plan); err != nil {
		return err
	}
	b, bs, err := s.onBackend(st)
	if err != nil {
		return err
	}
	payload, err := bindTypes(p, st, bs)
	if err != nil {
		return err
	}
	s.pins |= st.plan.Pins
	delete(s.longData, st.id)
	delete(s.cursors, st.id)
	if err := s.send(b, payload); err != nil {
		return err
	}
	s.status &^= mysqlwire.StatusCursorExists
	if err := s.relay(b, true); err != nil {
		return s.lose(err)
	}
	if !s.failed && s.status&mysqlwire.StatusCursorExists != 0 {
		s.cursors[st.id] = struct{}{}
	}
	return s.after(st.plan)
}

// onBackend takes a backend that has the statement.
func (s *mysqlSession) onBackend(st *clientStatement) (*mysqlBackend, *backendStatement, error) {
	s.routed = ""
	if s.database == "" {
		s.routed = st.database
	}
	b, err := s.acquire(st.plan)
	if err != nil {
		return nil, nil, err
	}
	bs, err := s.ensure(b, st)
	if err == nil {
		return b, bs, nil
	}
	refused := &mysqlwire.Error{}
	if errors.As(err, &refused) {
		s.failed = true
		if err := s.after(&emptyPlan); err != nil {
			return nil, nil, err
		}
		return nil, nil, refused
	}
	return nil, nil, s.lose(err)
}

// bindTypes puts the backend's id into an execution. A client sends its
// parameters' types once; a server that heard them from another session, or
// not at all, must hear them again.
func bindTypes(p []byte, st *clientStatement, bs *backendStatement) ([]byte, error) {
	binary.LittleEndian.PutUint32(p[1:], bs.id)
	if st.params == 0 {
		return p, nil
	}
	at := 10 + (st.params+7)/8
	if len(p) <= at {
		return nil, mysqlwire.ErrMalformed
	}
	if p[at] == 1 {
		if len(p) < at+1+2*st.params {
			return nil, mysqlwire.ErrMalformed
		}
		types := p[at+1 : at+1+2*st.params]
		if !bytes.Equal(types, st.types) {
			st.types = bytes.Clone(types)
		}
		bs.bound = st
		return p, nil
	}
	if bs.bound == st || st.types == nil {
		return p, nil
	}
	bs.bound = st
	whole := make([]byte, 0, len(p)+len(st.types))
	whole = append(whole, p[:at]...)
	whole = append(whole, 1)
	whole = append(whole, st.types...)
	return append(whole, p[at+1:]...), nil
}

// fetch is COM_STMT_FETCH on an open cursor, whose backend is held.
func (s *mysqlSession) fetch(p []byte) error {
	st, err := s.statementOf(p, "mysqld_stmt_fetch")
	if err != nil {
		return err
	}
	if _, open := s.cursors[st.id]; !open || s.held == nil {
		return mysqlwire.Errorf(1421, "HY000", "The statement (%d) has no open cursor.", st.id)
	}
	b := s.held.Conn
	bs, err := s.ensure(b, st)
	if err != nil {
		return s.lose(err)
	}
	binary.LittleEndian.PutUint32(p[1:], bs.id)
	if err := s.send(b, p); err != nil {
		return err
	}
	b.r.BeforeRead = s.w.Flush
	_, err = s.relayRows(b)
	b.r.BeforeRead = nil
	if err != nil {
		return s.lose(err)
	}
	if s.failed || s.status&mysqlwire.StatusLastRowSent != 0 {
		delete(s.cursors, st.id)
	}
	return s.after(&emptyPlan)
}

// sendLongData has no answer; the backend is held until the execution.
func (s *mysqlSession) sendLongData(p []byte) error {
	st, err := s.statementOf(p, "mysqld_stmt_send_long_data")
	if err != nil || len(p) < 7 {
		return nil //nolint:nilerr // the protocol has no room for an error here
	}
	b, bs, err := s.onBackend(st)
	var refused *mysqlwire.Error
	if errors.As(err, &refused) || err != nil && unavailable(s.cred, err) != nil {
		return nil //nolint:nilerr // the execution will meet the same error and can tell it
	}
	if err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(p[1:], bs.id)
	s.longData[st.id] = struct{}{}
	return s.send(b, p)
}

func (s *mysqlSession) resetStatement(p []byte) error {
	st, err := s.statementOf(p, "mysqld_stmt_reset")
	if err != nil {
		return err
	}
	if err := s.forget(st); err != nil {
		return err
	}
	s.ok()
	return nil
}

// forget resets the statement on the held backend when it left something there.
func (s *mysqlSession) forget(st *clientStatement) error {
	_, long := s.longData[st.id]
	_, cursor := s.cursors[st.id]
	if !long && !cursor || s.held == nil {
		return nil
	}
	delete(s.longData, st.id)
	delete(s.cursors, st.id)
	if bs := s.held.Conn.statements[s.key(st)]; bs != nil {
		command := binary.LittleEndian.AppendUint32([]byte{mysqlwire.ComStmtReset}, bs.id)
		if err := s.held.Conn.simple(command); err != nil {
			return s.lose(&backendError{err})
		}
	}
	return s.after(&emptyPlan)
}

// closeStatement forgets the statement; the backend's stays for others. It has
// no answer.
func (s *mysqlSession) closeStatement(p []byte) error {
	st, err := s.statementOf(p, "mysqld_stmt_close")
	if err != nil {
		return nil //nolint:nilerr // the protocol has no room for an error here
	}
	delete(s.statements, st.id)
	return s.forget(st)
}
