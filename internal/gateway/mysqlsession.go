package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
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

// send writes a command to the backend.
func (s *mysqlSession) send(b *mysqlBackend, p []byte) error {
	if err := b.command(p); err != nil {
		return s.lose(&backendError{err})
	}
	return nil
}

// lose drops the backend after a failure whose extent is not known.
func (s *mysqlSession) lose(err error) error {
	s.drop()
	return err
}

func (s *mysqlSession) drop() {
	if s.held == nil {
		return
	}
	s.detach()
	s.pool.Drop(s.held)
	s.held = nil
	s.forgetPins()
}

func (s *mysqlSession) forgetPins() {
	s.pins = 0
	s.status &^= mysqlwire.StatusInTrans
	clear(s.longData)
	clear(s.cursors)
}

// after decides what becomes of the backend when a command has been answered.
func (s *mysqlSession) after(plan *statement.Plan) error {
	if !s.failed {
		s.pins &^= plan.Unpins
	}
	if s.setsState && plan.Pins == 0 {
		// The server saw a state change that no rule of ours explains.
		s.pins |= statement.PinOpaque
	}
	if plan.CalcFoundRows || plan.NeedsPrevious {
		s.reserve = true
	}
	inTxn := s.status&mysqlwire.StatusInTrans != 0
	if s.failed && !inTxn && s.status&mysqlwire.StatusAutocommit == 0 {
		// An error carries no status; without autocommit the failed statement
		// may have begun a transaction.
		if err := s.askStatus(); err != nil {
			return s.lose(&backendError{err})
		}
		inTxn = s.status&mysqlwire.StatusInTrans != 0
	}
	if s.pins == statement.PinNextTxn && !inTxn && plan.Pins&statement.PinNextTxn == 0 {
		s.pins = 0
	}
	if s.recheck {
		if err := s.readCollation(); err != nil {
			return s.lose(&backendError{err})
		}
	}
	if inTxn || s.pins != 0 || len(s.longData) > 0 || len(s.cursors) > 0 {
		return nil
	}
	s.release()
	return nil
}

// askStatus learns the transaction status by a ping.
func (s *mysqlSession) askStatus() error {
	b := s.held.Conn
	if err := b.command([]byte{mysqlwire.ComPing}); err != nil {
		return err
	}
	p, err := b.packet()
	if err != nil {
		return err
	}
	if len(p) == 0 || p[0] != mysqlwire.HeaderOK {
		return mysqlwire.ErrMalformed
	}
	ok, err := mysqlwire.ParseOK(p)
	s.status = ok.Status &^ mysqlwire.StatusSessionChanged
	return err
}

func (s *mysqlSession) readCollation() error {
	s.recheck = false
	value, err := s.held.Conn.value("SELECT @@collation_connection")
	if err != nil {
		return err
	}
	s.state = s.state.with("collation_connection", value)
	return nil
}

// release gives the backend back to its pool, noting its state.
func (s *mysqlSession) release() {
	item := s.held
	s.held = nil
	b := item.Conn
	b.state = s.state
	if s.database != "" {
		b.database = s.database
	}
	cancelled := s.detach()
	// A connection of sessions without a database must not have one; there is
	// no command that takes it away.
	if ending(s.ended.Load()) != endNone || !s.selected && b.database != "" {
		s.pool.Drop(item) // whoever ended us may have set its deadline
		return
	}
	if cancelled {
		// A KILL QUERY that came late would hit the next session's statement:
		// a ping takes it.
		_ = b.conn.SetDeadline(time.Now().Add(replyTimeout))
		err := b.command([]byte{mysqlwire.ComPing})
		if err == nil {
			_, err = b.packet()
		}
		if err != nil {
			s.pool.Drop(item)
			return
		}
		_ = b.conn.SetDeadline(time.Time{})
	}
	s.last, s.lastPool, s.lastUses, s.lastSelected = item, s.pool, item.Uses(), s.selected
	s.pool.Put(item, s.reserve)
}

// discard ends what the session left on a held backend: a reset rolls back,
// unlocks and forgets.
func (s *mysqlSession) discard() {
	if s.held == nil {
		return
	}
	item := s.held
	s.held = nil
	s.forgetPins()
	b := item.Conn
	if s.detach() || ending(s.ended.Load()) != endNone {
		s.pool.Drop(item)
		return
	}
	b.unknown = true
	if err := b.adopt("", mysqlState{}); err != nil || !s.selected && b.database != "" {
		s.pool.Drop(item)
		return
	}
	s.pool.Put(item, false)
}

// resetSession is COM_RESET_CONNECTION: the session begins anew.
func (s *mysqlSession) resetSession() {
	s.discard()
	clear(s.statements)
	s.state = mysqlState{}
	s.status = mysqlwire.StatusAutocommit
	s.last, s.lastInsertID, s.reserve, s.preparedUnseen = nil, 0, false, false
	s.readMode()
}

func (s *mysqlSession) cleanUp() {
	if s.held == nil {
		return
	}
	if ending(s.ended.Load()) != endNone {
		s.drop() // its deadline may be set, its protocol state is not known
		return
	}
	s.discard()
}

// acquire returns the backend for the next command: the held one, or one from
// the pool brought to the session's state.
func (s *mysqlSession) acquire(plan *statement.Plan) (*mysqlBackend, error) {
	if s.held != nil {
		return s.held.Conn, s.reroute(s.held.Conn)
	}
	for attempt := 0; ; attempt++ {
		b, err := s.take(plan)
		if err != nil {
			return nil, err
		}
		err = b.adopt(s.effective(), s.state)
		if err == nil {
			return b, nil
		}
		s.drop()
		if refused, ok := errors.AsType[*mysqlwire.Error](err); ok {
			return nil, refused
		}
		// The connection was stale and nothing of the client's was sent on it.
		if attempt == 2 {
			return nil, &backendError{err}
		}
	}
}

func (s *mysqlSession) take(plan *statement.Plan) (*mysqlBackend, error) {
	key := poolKey{
		branch: s.cred.Branch.ID, user: s.user, replica: s.replica,
		flags: s.caps & resultFlags, selected: s.effective() != "",
	}
	target, flags, database := s.target, s.caps, s.effective()
	reserve := s.reserve
	s.reserve = false
	previous := (plan.NeedsPrevious || reserve) && s.last != nil
	if previous && s.effective() == "" && s.lastPool.TakeBack(s.last, s.lastUses) {
		// Whatever keyspace the statement before was routed to.
		s.pool, s.selected = s.lastPool, s.lastSelected
		s.hold(s.last)
		return s.held.Conn, nil
	}
	s.selected = key.selected
	s.pool = s.server.mysqlPools.get(key, func() *pool.Pool[*mysqlBackend] {
		return pool.New(s.server.poolConfig(target), func(ctx context.Context) (*mysqlBackend, error) {
			return s.server.openMySQL(ctx, target, flags, database)
		})
	})
	if previous && s.lastPool == s.pool && s.pool.TakeBack(s.last, s.lastUses) {
		s.hold(s.last)
		return s.held.Conn, nil
	}
	item, err := s.pool.Get(s.server.lifetime)
	if err != nil {
		return nil, err
	}
	s.hold(item)
	if !plan.NeedsPrevious || s.lastInsertID == 0 {
		return item.Conn, nil
	}
	// Another session had the connection that knew: tell this one.
	if err := item.Conn.query("SET last_insert_id=" + uitoa(s.lastInsertID)); err != nil {
		s.drop()
		return nil, &backendError{err}
	}
	return item.Conn, nil
}

func (s *mysqlSession) hold(item *pool.Item[*mysqlBackend]) {
	s.held = item
	s.attach(item.Conn.conn, item.Conn.threadID, 0)
}

// use changes the session's database.
func (s *mysqlSession) use(name string) error {
	database, replica, err := s.resolveDatabase(name)
	if err != nil {
		return err
	}
	if replica != s.replica {
		if s.held != nil {
			return mysqlwire.Errorf(1192, "HY000", "Can't change between @primary and @replica inside a transaction")
		}
		if err := s.setTarget(replica); err != nil {
			return err
		}
	}
	if s.held == nil {
		s.database = database
		s.ok()
		return nil
	}
	b := s.held.Conn
	if err := s.send(b, append([]byte{mysqlwire.ComInitDB}, database...)); err != nil {
		return err
	}
	if err := s.relay(b, false); err != nil {
		return s.lose(err)
	}
	return s.after(&emptyPlan)
}

// resolveDatabase reads a database name: a keyspace, @primary, @replica, or
// keyspace@replica.
func (s *mysqlSession) resolveDatabase(name string) (database string, replica bool, err error) {
	keyspace, tablet, at := strings.Cut(name, "@")
	replica = s.cred.Replica
	if at {
		switch strings.ToLower(tablet) {
		case "primary", "master":
		case "replica", "rdonly":
			replica = true
		default:
			return "", false, unknownDatabase(name, s.cred.Branch)
		}
	}
	if keyspace == "" {
		if s.cred.Keyspace != "" {
			return s.cred.Keyspace, replica, nil
		}
		return defaultKeyspace(s.cred.Branch), replica, nil
	}
	if s.cred.Keyspace != "" && keyspace != s.cred.Keyspace && !isSystemSchema(keyspace) {
		return "", false, mysqlwire.Errorf(1044, "42000", "Access denied for user '%s' to database '%s': the password is bound to keyspace '%s'", s.cred.Username, keyspace, s.cred.Keyspace)
	}
	if isSystemSchema(keyspace) || s.cred.Branch.Keyspaces == nil {
		return keyspace, replica, nil
	}
	if slices.Contains(s.cred.Branch.Keyspaces(), keyspace) {
		return keyspace, replica, nil
	}
	return "", false, unknownDatabase(keyspace, s.cred.Branch)
}

func defaultKeyspace(b *Branch) string {
	if b.Keyspaces == nil {
		return b.DefaultKeyspace
	}
	if all := b.Keyspaces(); len(all) == 1 {
		if b.DefaultKeyspace != "" {
			return b.DefaultKeyspace
		}
		return all[0]
	}
	return ""
}

func isSystemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}

func unknownDatabase(name string, b *Branch) error {
	known := ""
	if b.Keyspaces != nil {
		known = "; keyspaces of branch '" + b.Name + "': " + strings.Join(b.Keyspaces(), ", ")
	}
	return mysqlwire.Errorf(1049, "42000", "VT05003: Unknown database '%s' in vschema%s", name, known)
}

// setTarget points the session at the primary or the replica.
func (s *mysqlSession) setTarget(replica bool) error {
	target := s.cred
	if replica && !target.Replica {
		c := *s.cred
		c.Replica = true
		target = &c
	}
	ep, err := s.server.endpoint(s.server.lifetime, target)
	if err != nil {
		return err
	}
	s.target, s.user, s.replica = target, ep.User, replica
	s.scope.ReadOnly = replica
	return nil
}

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
