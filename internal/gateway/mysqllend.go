package gateway

// How a session borrows a backend connection, and what it leaves on it.

import (
	"context"
	"errors"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/statement"
)

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
