package gateway

import (
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/pgwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/guard"
	"github.com/orrerydb/orrery/internal/statement"
)

// maxServerStatements bounds the prepared statements of one connection.
const maxServerStatements = 200

// pgSession is one client of the PostgreSQL protocol.
type pgSession struct {
	session
	r     *stream.Reader
	w     *stream.Writer
	scope guard.Scope

	database string
	target   *Credential
	user     string // the backend's
	defaults map[string]string
	state    pgState
	reported map[string]string // parameters as the client was told
	// reportedKey is reported's, to compare without looking at each.
	reportedKey string

	statements map[string]*pgStatement
	portals    map[string]*pgStatement

	pool    *pool.Pool[*pgBackend]
	held    *pool.Item[*pgBackend]
	pins    statement.Pin
	txn     byte // I, T or E
	expect  []expectation
	skip    bool // after an error: until the client's Sync
	copying bool

	touched  []string // settings to read again
	resetAll bool
	unpins   statement.Pin
	failed   bool

	last     *pool.Item[*pgBackend]
	lastPool *pool.Pool[*pgBackend]
	lastUses uint64
	reserve  bool
}

// expectation is one answer that is still to come, in order.
type expectation struct {
	kind    expected
	swallow bool          // the client did not ask for it
	made    []byte        // made here: nothing comes from the backend
	instead *pgwire.Error // goes out in place of the error that comes
	// prepared is the server statement that exists once this succeeds.
	prepared string
}

type expected byte

const (
	expectMade expected = iota
	expectParse
	expectBind
	expectClose
	expectDescribe
	expectExecute
	expectQuery
	expectSync
	expectFunction
)

func (s *pgSession) run() {
	defer s.cleanUp()
	for {
		if err := s.step(); err != nil {
			s.farewell(err)
			return
		}
	}
}

func (s *pgSession) farewell(err error) {
	var broken *brokenError
	if errors.As(err, &broken) || errors.Is(err, errQuit) {
		return
	}
	own := s.asError(err)
	if own == nil {
		return
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	fatal := *own
	if fatal.Raw == nil {
		fatal.Severity = "FATAL"
	}
	s.w.SetBuffer(fatal.Append(s.w.Buffer()))
	_ = s.w.Flush()
}

func (s *pgSession) bye(e ending) *pgwire.Error {
	switch e {
	case endRevoked:
		return pgwire.Fatal("57P01", "terminating connection: the role's password was deleted or has expired")
	case endKilled:
		return pgwire.Fatal("57P01", "terminating connection due to administrator command")
	}
	return pgwire.Fatal("57P01", "terminating connection: the gateway is shutting down")
}

// step serves one message.
func (s *pgSession) step() error {
	t, body, err := s.read()
	if err != nil {
		return err
	}
	s.touch()
	if err := s.dispatch(t, body); err != nil {
		return err
	}
	if s.r.Buffered() > 0 && len(s.expect) > 0 {
		return nil // more of a batch is here already
	}
	return s.w.Flush()
}

// read reads one whole message, valid until the next read.
func (s *pgSession) read() (byte, []byte, error) {
	for {
		t, body, err := s.readOnce()
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return t, body, err
		}
		_ = s.conn.SetReadDeadline(time.Time{})
		if e := s.why(s.held != nil); e != endNone {
			return 0, nil, s.bye(e)
		}
	}
}

func (s *pgSession) readOnce() (byte, []byte, error) {
	if e := s.why(s.held != nil); e != endNone {
		return 0, nil, s.bye(e)
	}
	if s.r.Buffered() == 0 && s.held != nil && s.pins&statement.PinListen != 0 {
		if err := s.listen(); err != nil {
			return 0, nil, err
		}
	}
	if err := s.r.Need(5); err != nil {
		return 0, nil, err
	}
	t := s.r.Bytes()[0]
	n, err := pgwire.Length(s.r.Bytes(), s.server.config.MaxMessage)
	if err != nil {
		return 0, nil, err
	}
	if err := s.r.Need(5 + n); err != nil {
		return 0, nil, err
	}
	body := s.r.Bytes()[5 : 5+n]
	s.r.Advance(5 + n)
	return t, body, nil
}

// listen waits for the client while passing on what the server says unasked:
// notifications of a pinned LISTEN session.
func (s *pgSession) listen() error {
	b := s.held.Conn
	for {
		heard := make(chan error, 1)
		b.reader.interruptible.Store(true)
		go func() {
			err := b.r.Need(5)
			s.wake()
			heard <- err
		}()
		clientErr := s.r.Need(1)
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
		backendErr := <-heard
		b.reader.interruptible.Store(false)
		_ = b.conn.SetReadDeadline(time.Time{})
		if backendErr != nil && !errors.Is(backendErr, os.ErrDeadlineExceeded) {
			return &backendError{backendErr}
		}
		for b.r.Buffered() >= 5 {
			if err := s.relayMessage(b); err != nil {
				return err
			}
		}
		if err := s.w.Flush(); err != nil {
			return err
		}
		if s.r.Buffered() > 0 {
			_ = s.conn.SetReadDeadline(time.Time{})
			return nil
		}
		if clientErr != nil && !errors.Is(clientErr, os.ErrDeadlineExceeded) {
			return clientErr
		}
		_ = s.conn.SetReadDeadline(time.Time{})
		if e := s.why(true); e != endNone {
			return s.bye(e)
		}
	}
}

func (s *pgSession) dispatch(t byte, body []byte) error {
	if s.skip && t != 'S' && t != 'X' {
		return nil
	}
	switch t {
	case 'X':
		return errQuit
	case 'Q':
		return s.settle(s.query(body))
	case 'P':
		return s.settle(s.parse(body))
	case 'B':
		return s.settle(s.bind(body))
	case 'D':
		return s.settle(s.describe(body))
	case 'E':
		return s.settle(s.execute(body))
	case 'C':
		return s.settle(s.close(body))
	case 'H':
		return s.flush()
	case 'S':
		return s.sync()
	case 'F':
		return s.settle(s.function(body))
	case 'd', 'c', 'f':
		return nil // left over from a COPY that failed
	case 'p':
		return pgwire.Fatal("08P01", "unexpected password message")
	}
	return pgwire.Fatal("08P01", "invalid frontend message type %d", t)
}

// settle answers an error that leaves the session usable: a fatal one is
// returned.
func (s *pgSession) settle(err error) error {
	if err == nil {
		return nil
	}
	var own *pgwire.Error
	if _, ok := errors.AsType[*backendError](err); ok {
		return err
	}
	if !errors.As(err, &own) {
		if own = pgUnavailable(s.cred, err); own == nil {
			return err
		}
	}
	if own.Severity == "FATAL" && own.Raw == nil {
		return own
	}
	return s.refuseStatement(own)
}

// refuseStatement is an error in a batch: the server must see one too, so that
// it rolls back what the batch did and skips what follows.
func (s *pgSession) refuseStatement(e *pgwire.Error) error {
	s.skip = true
	if s.held == nil {
		s.expect = append(s.expect, expectation{made: e.Append(nil)})
		s.flushMade()
		return nil
	}
	s.send('P', []byte("\x00orrery: refused\x00\x00\x00"))
	s.expect = append(s.expect, expectation{kind: expectParse, instead: e})
	return nil
}

func (s *pgSession) judge(plan *statement.Plan) error {
	s.scope.Protected = s.cred.Branch.SafeMigrations != nil && s.cred.Branch.SafeMigrations()
	s.scope.AmbiguousText = s.ambiguous()
	r := guard.Judge(&s.scope, plan)
	if r == nil {
		return nil
	}
	return &pgwire.Error{Severity: "ERROR", Code: r.SQLState, Message: r.Message, Detail: r.Detail, Hint: r.Hint}
}

// ambiguous tells whether quotes in this session's text can be read in two ways.
func (s *pgSession) ambiguous() bool {
	if s.reported["standard_conforming_strings"] == "off" {
		return true
	}
	switch s.reported["client_encoding"] {
	case "SJIS", "SHIFT_JIS_2004", "BIG5", "GBK", "GB18030", "UHC", "JOHAB":
		return true
	}
	return false
}

// query is the simple protocol: one text, one ReadyForQuery.
func (s *pgSession) query(body []byte) error {
	text, _, ok := pgwire.Name(body)
	if !ok {
		return pgwire.Fatal("08P01", "invalid message format: query without end")
	}
	plan := s.server.pgPlans.Get(text)
	if err := s.judge(plan); err != nil {
		return s.answerQuery(err)
	}
	if done := s.deallocate(plan); done {
		return nil
	}
	b, err := s.acquire(plan)
	if err != nil {
		return s.answerQuery(err)
	}
	s.effects(plan)
	b.unnamed = nil // a simple query drops the unnamed statement
	s.send('Q', body)
	s.expect = append(s.expect, expectation{kind: expectQuery})
	return s.drain(false)
}

// answerQuery answers a simple query that does not reach the server.
func (s *pgSession) answerQuery(err error) error {
	var own *pgwire.Error
	if !errors.As(err, &own) {
		if own = pgUnavailable(s.cred, err); own == nil {
			return err
		}
	}
	if own.Severity == "FATAL" && own.Raw == nil {
		return own
	}
	if s.held != nil && s.txn == 'T' {
		// The server's transaction must fail too.
		s.send('Q', []byte("orrery: refused\x00"))
		s.expect = append(s.expect, expectation{kind: expectQuery, instead: own})
		return s.drain(false)
	}
	s.w.SetBuffer(own.Append(s.w.Buffer()))
	s.ready()
	return nil
}

// deallocate serves DEALLOCATE of a statement that was prepared by protocol,
// whose name the server does not know.
func (s *pgSession) deallocate(plan *statement.Plan) bool {
	if plan.Deallocate == "" || plan.Multi() || s.txn == 'E' {
		return false
	}
	tag := "DEALLOCATE"
	if plan.Deallocate == "*" {
		for name := range s.statements {
			if name != "" {
				delete(s.statements, name)
			}
		}
		if s.pins&statement.PinPrepared != 0 {
			s.held.Conn.forget()
			return false
		}
		tag = "DEALLOCATE ALL"
	} else {
		if _, ok := s.statements[plan.Deallocate]; !ok {
			return false
		}
		delete(s.statements, plan.Deallocate)
	}
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'C', pgwire.AppendString(nil, tag)))
	s.ready()
	return true
}

// effects notes what a plan leaves behind when it runs.
func (s *pgSession) effects(plan *statement.Plan) {
	s.pins |= plan.Pins
	s.unpins |= plan.Unpins
	s.touched = append(s.touched, plan.Settings...)
	s.resetAll = s.resetAll || plan.ResetAll
	if plan.Discard {
		for name := range s.statements {
			delete(s.statements, name)
		}
		s.held.Conn.forget()
	}
	if plan.NeedsPrevious || plan.One().Verb == statement.Insert {
		s.reserve = true
	}
}

func (s *pgSession) ready() {
	s.w.SetBuffer(append(s.w.Buffer(), 'Z', 0, 0, 0, 5, s.txn))
}

// send gathers a message for the backend.
func (s *pgSession) send(t byte, body []byte) {
	b := s.held.Conn
	b.w.SetBuffer(pgwire.AppendMessage(b.w.Buffer(), t, body))
}

// sync ends a batch.
func (s *pgSession) sync() error {
	s.skip = false
	if s.held == nil {
		s.flushMade()
		s.txn = 'I'
		s.ready()
		return nil
	}
	s.send('S', nil)
	s.expect = append(s.expect, expectation{kind: expectSync})
	return s.drain(false)
}

func (s *pgSession) flush() error {
	if s.held == nil {
		s.flushMade()
		return s.w.Flush()
	}
	s.send('H', nil)
	return s.drain(true)
}

func (s *pgSession) function(body []byte) error {
	if _, err := s.acquire(&emptyPlan); err != nil {
		return s.answerQuery(err)
	}
	s.send('F', body)
	s.expect = append(s.expect, expectation{kind: expectFunction})
	return s.drain(false)
}

// acquire returns the backend for what comes: the held one, or one from the
// pool brought to the session's settings.
func (s *pgSession) acquire(plan *statement.Plan) (*pgBackend, error) {
	if s.held != nil {
		return s.held.Conn, nil
	}
	for attempt := 0; ; attempt++ {
		if err := s.take(plan); err != nil {
			return nil, err
		}
		b := s.held.Conn
		err := s.fit(b)
		if err == nil {
			s.report(b)
			return b, nil
		}
		s.drop()
		var refused *pgwire.Error
		if errors.As(err, &refused) && refused.Severity != "FATAL" {
			return nil, refused
		}
		if attempt == 2 {
			return nil, &backendError{err}
		}
	}
}

func (s *pgSession) fit(b *pgBackend) error {
	if epoch := s.branch.schemaEpoch.Load(); b.epoch != epoch {
		b.epoch = epoch
		if len(b.statements) > 0 {
			if _, err := b.query("DEALLOCATE ALL"); err != nil {
				return err
			}
			b.forget()
		}
	}
	return b.adopt(s.state)
}

// report tells the client the parameters that differ from what it knows.
func (s *pgSession) report(b *pgBackend) {
	if b.paramsKey == s.reportedKey {
		return
	}
	for name, value := range b.params {
		if old, ok := s.reported[name]; ok && old == value {
			continue
		}
		s.reported[name] = value
		body := pgwire.AppendString(pgwire.AppendString(nil, name), value)
		s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'S', body))
	}
	s.reportedKey = stateKey(s.reported)
}

func (s *pgSession) take(plan *statement.Plan) error {
	key := poolKey{branch: s.cred.Branch.ID, user: s.user, replica: s.target.Replica, database: s.database}
	target, database := s.target, s.database
	s.pool = s.server.pgPools.get(key, func() *pool.Pool[*pgBackend] {
		return pool.New(s.server.poolConfig(target), func(ctx context.Context) (*pgBackend, error) {
			return s.server.openPostgres(ctx, target, database)
		})
	})
	s.reserve = false
	if plan.NeedsPrevious && s.last != nil && s.lastPool == s.pool && s.pool.TakeBack(s.last, s.lastUses) {
		s.hold(s.last)
		return nil
	}
	item, err := s.pool.Get(s.server.lifetime)
	if err != nil {
		return err
	}
	s.hold(item)
	return nil
}

func (s *pgSession) hold(item *pool.Item[*pgBackend]) {
	s.held = item
	b := item.Conn
	b.reader.ended = func() bool { return ending(s.ended.Load()) != endNone }
	s.backendMu.Lock()
	s.backendAt = b.endpoint
	s.backendMu.Unlock()
	s.attach(b.conn, b.pid, b.key)
}

func (s *pgSession) drop() {
	if s.held == nil {
		return
	}
	s.detach()
	s.pool.Drop(s.held)
	s.held, s.pins, s.txn = nil, 0, 'I'
	s.expect = s.expect[:0]
	clear(s.portals)
}

// after decides what becomes of the backend at ReadyForQuery.
func (s *pgSession) after() error {
	if s.txn != 'I' || len(s.expect) > 0 {
		return nil
	}
	clear(s.portals)
	if !s.failed {
		s.pins &^= s.unpins
	}
	s.unpins, s.failed = 0, false
	if len(s.touched) > 0 || s.resetAll {
		if err := s.readSettings(); err != nil {
			return &backendError{err}
		}
	}
	if s.pins == 0 {
		s.release()
	}
	return nil
}

// readSettings asks the server what became of the settings that statements may
// have changed: a rollback, a savepoint or an error need no bookkeeping so.
func (s *pgSession) readSettings() error {
	b := s.held.Conn
	names := map[string]bool{}
	for _, name := range s.touched {
		names[name] = true
	}
	if s.resetAll {
		for name := range s.state.vars {
			names[name] = true
		}
	}
	reset := s.resetAll
	s.touched, s.resetAll = s.touched[:0], false
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	if len(list) == 0 {
		return nil
	}
	values, err := b.settings(list)
	if err != nil {
		return err
	}
	actual, wanted := cloneVars(s.state.vars), cloneVars(s.state.vars)
	for i, name := range list {
		if values[i] == nil {
			delete(actual, name)
			delete(wanted, name)
			continue
		}
		value := string(values[i])
		before, had := s.state.vars[name]
		actual[name], wanted[name] = value, value
		if initial, ok := s.defaults[name]; ok && reset && (!had || before != value) {
			wanted[name] = initial
		}
	}
	b.state, s.state = newPGState(actual), newPGState(wanted)
	return nil
}

func cloneVars(m map[string]string) map[string]string {
	c := make(map[string]string, len(m)+1)
	maps.Copy(c, m)
	return c
}

// settings reads current values; nil for a setting that does not exist.
func (b *pgBackend) settings(names []string) ([][]byte, error) {
	sql := "SELECT "
	var sqlSb615 strings.Builder
	for i, name := range names {
		if i > 0 {
			sqlSb615.WriteString(",")
		}
		sqlSb615.WriteString("current_setting(" + quoteText(name) + ",true)")
	}
	sql += sqlSb615.String()
	row, err := b.query(sql)
	if err != nil {
		return nil, err
	}
	if len(row) != len(names) {
		return nil, pgwire.ErrMalformed
	}
	return row, nil
}

// release gives the backend back to its pool.
func (s *pgSession) release() {
	item := s.held
	s.held = nil
	b := item.Conn
	cancelled := s.detach()
	if ending(s.ended.Load()) != endNone {
		s.pool.Drop(item) // whoever ended us may have set its deadline
		return
	}
	if cancelled {
		// A cancellation that came late must not hit the next session.
		if _, err := b.query(""); err != nil {
			s.pool.Drop(item)
			return
		}
	}
	b.reader.ended = nil
	b.trim()
	s.last, s.lastPool, s.lastUses = item, s.pool, item.Uses()
	s.pool.Put(item, s.reserve)
}

func (s *pgSession) cleanUp() {
	if s.held == nil {
		return
	}
	if ending(s.ended.Load()) != endNone || len(s.expect) > 0 || s.copying {
		s.drop()
		return
	}
	item := s.held
	s.held = nil
	b := item.Conn
	if s.detach() || ending(s.ended.Load()) != endNone {
		s.pool.Drop(item)
		return
	}
	b.reader.ended = nil
	b.unknown = true
	if s.txn != 'I' {
		if _, err := b.query("ROLLBACK"); err != nil {
			s.pool.Drop(item)
			return
		}
	}
	if err := b.adopt(pgState{}); err != nil {
		s.pool.Drop(item)
		return
	}
	s.pool.Put(item, false)
}
