package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/guard"
	"github.com/orrerydb/orrery/internal/statement"
)

// mysqlSession is one client of the MySQL protocol.
type mysqlSession struct {
	session
	r     *stream.Reader
	w     *stream.Writer
	nonce [20]byte
	caps  uint32
	seq   byte // of the last packet exchanged
	scope guard.Scope

	database string
	// routed is the keyspace of the statement in work, when the session has
	// selected none and its tables are all in that one.
	routed  string
	replica bool
	target  *Credential // cred, or a copy of it that reads from a replica
	user    string      // the backend's
	state   mysqlState

	statements map[uint32]*clientStatement
	nextID     uint32

	pool     *pool.Pool[*mysqlBackend]
	selected bool // the pool's connections have a database selected
	held     *pool.Item[*mysqlBackend]
	pins     statement.Pin
	status   uint16
	longData map[uint32]struct{} // statements with parameters sent ahead
	cursors  map[uint32]struct{}
	recheck  bool // collation_connection may have changed unreported

	// What the session left on the connection it used last.
	last         *pool.Item[*mysqlBackend]
	lastPool     *pool.Pool[*mysqlBackend]
	lastUses     uint64
	lastSelected bool
	lastInsertID uint64
	reserve      bool

	// preparedUnseen: SQL text was prepared that a protected branch would have
	// refused, so on one that is protected since, EXECUTE is refused too.
	preparedUnseen bool

	// Of the statement in work.
	setsState bool // the server told of a state change that it did not name
	failed    bool
}

// clientStatement is a prepared statement as the client knows it.
type clientStatement struct {
	id       uint32
	sql      string
	database string
	plan     *statement.Plan
	params   int
	types    []byte
}

var errQuit = errors.New("the client said goodbye")

// fatalError ends the session although the client could be told.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// brokenError marks a response that broke off inside a packet.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return "response broke off: " + e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// backendError is a failure of the backend's connection, not of the client's.
type backendError struct{ err error }

func (e *backendError) Error() string { return e.err.Error() }
func (e *backendError) Unwrap() error { return e.err }

// run serves the client until it leaves.
func (s *mysqlSession) run() {
	defer s.cleanUp()
	for {
		if err := s.step(); err != nil {
			s.farewell(err)
			return
		}
	}
}

// step serves one command.
func (s *mysqlSession) step() error {
	if e := s.why(s.held != nil); e != endNone {
		return s.bye(e)
	}
	payload, err := s.readCommand()
	if err != nil {
		return err
	}
	s.touch()
	s.failed, s.setsState, s.routed = false, false, ""
	if err := s.dispatch(payload); err != nil {
		return err
	}
	return s.w.Flush()
}

// bye returns the error that tells the client why it is sent away.
func (s *mysqlSession) bye(e ending) error {
	s.seq = 255
	switch e {
	case endRevoked:
		return mysqlwire.Errorf(1045, "28000", "Access denied for user '%s': the password was deleted or has expired", s.cred.Username)
	case endKilled:
		return mysqlwire.Errorf(1317, "70100", "Query execution was interrupted: the connection was killed")
	}
	return mysqlwire.Errorf(1053, "08S01", "Server shutdown in progress")
}

// farewell sends what can still be sent.
func (s *mysqlSession) farewell(err error) {
	var broken *brokenError
	if errors.As(err, &broken) || errors.Is(err, errQuit) {
		return
	}
	refused := s.asError(err)
	if refused == nil {
		return
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	s.w.SetBuffer(mysqlwire.AppendError(s.w.Buffer(), s.seq+1, refused))
	_ = s.w.Flush()
}

// asError gives an error the protocol's form; nil when the client is gone.
func (s *mysqlSession) asError(err error) *mysqlwire.Error {
	var own *mysqlwire.Error
	var backend *backendError
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, stream.ErrTooLarge):
		return mysqlwire.Errorf(1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes (%d)", s.server.config.MaxMessage)
	case errors.Is(err, mysqlwire.ErrMalformed):
		return mysqlwire.Errorf(1835, "HY000", "Malformed communication packet: %v", err)
	case errors.As(err, &backend):
		if e := ending(s.ended.Load()); e != endNone {
			seq := s.seq
			defer func() { s.seq = seq }()
			return s.asError(s.bye(e))
		}
		return mysqlwire.Errorf(2013, "HY000", "Lost connection to the branch's server during the statement; its outcome is not known, and a transaction that was open is rolled back (%v)", backend.err)
	}
	return unavailable(s.cred, err)
}

// unavailable words the errors of getting a backend; nil for any other.
func unavailable(c *Credential, err error) *mysqlwire.Error {
	switch {
	case errors.Is(err, pool.ErrTimeout):
		return mysqlwire.Errorf(1203, "42000", "ResourceExhausted desc = transaction pool connection limit exceeded: %v; end open transactions or raise the pool size", err)
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrUnknownBranch):
		return mysqlwire.Errorf(1105, "HY000", "not_found: branch is missing or sleeping: %s (%v)", c.Branch.ID, err)
	case errors.Is(err, pool.ErrClosed), errors.Is(err, context.Canceled):
		return mysqlwire.Errorf(1053, "08S01", "Server shutdown in progress")
	}
	return nil
}

// readCommand reads one whole command, valid until the next read.
func (s *mysqlSession) readCommand() ([]byte, error) {
	for {
		payload, err := s.readPayload()
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return payload, err
		}
		_ = s.conn.SetReadDeadline(time.Time{})
		if e := s.why(s.held != nil); e != endNone {
			return nil, s.bye(e)
		}
	}
}

func (s *mysqlSession) readPayload() ([]byte, error) {
	limit := s.server.config.MaxMessage
	payload, seq, err := wholePacket(s.r, limit)
	s.seq = seq
	if err != nil || len(payload) < mysqlwire.MaxPayload {
		return payload, err
	}
	whole := bytes.Clone(payload)
	for len(payload) == mysqlwire.MaxPayload {
		if payload, s.seq, err = wholePacket(s.r, limit-len(whole)); err != nil {
			return nil, err
		}
		whole = append(whole, payload...)
	}
	return whole, nil
}

func (s *mysqlSession) dispatch(p []byte) error {
	if len(p) == 0 {
		return mysqlwire.ErrMalformed
	}
	var err error
	switch p[0] {
	case mysqlwire.ComQuit:
		return errQuit
	case mysqlwire.ComQuery:
		err = s.query(p)
	case mysqlwire.ComInitDB:
		err = s.use(string(p[1:]))
	case mysqlwire.ComPing:
		s.ok()
	case mysqlwire.ComStatistics, mysqlwire.ComFieldList:
		err = s.passThrough(p)
	case mysqlwire.ComSetOption:
		s.pins |= statement.PinConnection
		err = s.passThrough(p)
	case mysqlwire.ComProcessKill:
		if len(p) < 5 {
			return mysqlwire.ErrMalformed
		}
		err = s.kill(uint64(binary.LittleEndian.Uint32(p[1:])), false)
	case mysqlwire.ComChangeUser:
		err = s.changeUser(p[1:])
	case mysqlwire.ComResetConnection:
		s.resetSession()
		s.ok()
	case mysqlwire.ComStmtPrepare:
		err = s.prepare(p)
	case mysqlwire.ComStmtExecute:
		err = s.execute(p)
	case mysqlwire.ComStmtFetch:
		err = s.fetch(p)
	case mysqlwire.ComStmtSendLongData:
		err = s.sendLongData(p)
	case mysqlwire.ComStmtReset:
		err = s.resetStatement(p)
	case mysqlwire.ComStmtClose:
		err = s.closeStatement(p)
	default:
		err = mysqlwire.Errorf(1047, "08S01", "Unknown command 0x%02x", p[0])
	}
	return s.settle(err)
}

// settle answers an error that leaves the session usable.
func (s *mysqlSession) settle(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fatalError](err); ok {
		return err
	}
	var own *mysqlwire.Error
	if !errors.As(err, &own) {
		if own = unavailable(s.cred, err); own == nil {
			return err
		}
	}
	s.fail(own)
	return nil
}

func (s *mysqlSession) fail(e *mysqlwire.Error) {
	s.seq++
	s.w.SetBuffer(mysqlwire.AppendError(s.w.Buffer(), s.seq, e))
}

func (s *mysqlSession) ok() {
	s.seq++
	s.w.SetBuffer(mysqlwire.AppendOK(s.w.Buffer(), s.seq, s.status))
}

// judge asks the guard.
func (s *mysqlSession) judge(plan *statement.Plan) error {
	s.scope.Protected = s.cred.Branch.SafeMigrations != nil && s.cred.Branch.SafeMigrations()
	if refused := guard.Judge(&s.scope, plan); refused != nil {
		return &mysqlwire.Error{Errno: refused.Errno, SQLState: refused.SQLState, Message: refused.Message}
	}
	for i := range plan.Statements {
		switch st := &plan.Statements[i]; {
		case st.Keyword == "prepare":
			s.preparedUnseen = s.preparedUnseen || plan.HasDDL || plan.HasOpaque
		case st.Verb == statement.Execute && s.preparedUnseen && s.scope.Protected:
			return mysqlwire.Errorf(1105, "HY000", "direct DDL is disabled")
		}
	}
	return nil
}

func (s *mysqlSession) query(p []byte) error {
	plan := s.server.mysqlPlans.Get(p[1:])
	if err := s.judge(plan); err != nil {
		return err
	}
	if plan.UseDatabase != "" {
		return s.use(plan.UseDatabase)
	}
	if plan.KillID != 0 {
		return s.kill(plan.KillID, plan.KillQuery)
	}
	if err := s.route(plan); err != nil {
		return err
	}
	b, err := s.acquire(plan)
	if err != nil {
		return err
	}
	s.pins |= plan.Pins
	if err := s.send(b, p); err != nil {
		return err
	}
	if err := s.relay(b, false); err != nil {
		return s.lose(err)
	}
	return s.after(plan)
}

// passThrough relays a command without a plan.
func (s *mysqlSession) passThrough(p []byte) error {
	b, err := s.acquire(&emptyPlan)
	if err != nil {
		return err
	}
	if err := s.send(b, p); err != nil {
		return err
	}
	switch p[0] {
	case mysqlwire.ComStatistics:
		err = s.relayOne(b)
	case mysqlwire.ComSetOption:
		err = s.relayOne(b)
	default:
		_, err = s.relayRows(b)
	}
	if err != nil {
		return s.lose(err)
	}
	return s.after(&emptyPlan)
}

var emptyPlan statement.Plan

// kill serves KILL for the ids that the gateway gave out, and for those of
// the server that its own sessions hold.
func (s *mysqlSession) kill(id uint64, queryOnly bool) error {
	t := s.server.sessions.find(uint32(id))
	if t == nil || uint64(uint32(id)) != id {
		t = s.server.sessions.findBackend(s.cred.Branch.ID, uint32(id))
	}
	if t == nil || t.cred.Protocol != MySQL || t.cred.Branch.ID != s.cred.Branch.ID {
		return mysqlwire.Errorf(1094, "HY000", "Unknown thread id: %d", id)
	}
	if s.cred.Role != Admin && t.cred.ID != s.cred.ID {
		return mysqlwire.Errorf(1095, "HY000", "You are not owner of thread %d", id)
	}
	if !queryOnly {
		t.stop(endKilled)
		s.ok()
		return nil
	}
	if err := s.killQuery(t); err != nil {
		return err
	}
	s.ok()
	return nil
}

func (s *mysqlSession) killQuery(t *session) error {
	side, err := s.server.openMySQL(s.server.lifetime, s.target, 0, "")
	if err != nil {
		return err
	}
	defer func() { _ = side.Close() }()
	t.backendMu.Lock()
	defer t.backendMu.Unlock()
	if t.backendID == 0 || t == &s.session {
		return nil
	}
	t.cancelled = true
	return side.query("KILL QUERY " + uitoa(uint64(t.backendID)))
}

// changeUser is COM_CHANGE_USER: another login on the same connection.
func (s *mysqlSession) changeUser(p []byte) error {
	response, err := mysqlwire.ParseChangeUser(p, s.caps)
	if err != nil {
		return err
	}
	s.discard()
	cred, err := s.authenticate(response)
	if err != nil {
		return &fatalError{err}
	}
	s.server.sessions.change(&s.session, cred)
	s.branch = s.server.branch(cred.Branch.ID)
	if err := s.begin(response); err != nil {
		return &fatalError{err}
	}
	s.ok()
	return nil
}
