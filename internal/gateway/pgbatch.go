package gateway

import (
	"bytes"
	"strconv"

	"github.com/orrerydb/orrery/internal/gateway/pgwire"
)

func badMessage(what string) error {
	return pgwire.Fatal("08P01", "invalid message format: %s", what)
}

// parse is a Parse message. A named statement becomes a server statement that
// all sessions with the same text share.
func (s *pgSession) parse(body []byte) error {
	name, rest, ok := pgwire.Name(body)
	if !ok {
		return badMessage("Parse")
	}
	text, _, ok := pgwire.Name(rest)
	if !ok {
		return badMessage("Parse")
	}
	plan := s.server.pgPlans.Get(text)
	if err := s.judge(plan); err != nil {
		return err
	}
	if len(name) > 0 {
		if _, taken := s.statements[string(name)]; taken {
			return pgwire.Refusal("42P05", "prepared statement %q already exists", name)
		}
	}
	b, err := s.acquire(plan)
	if err != nil {
		return err
	}
	st := &pgStatement{body: bytes.Clone(rest), plan: plan}
	s.statements[string(name)] = st
	if len(name) == 0 {
		s.send('P', body)
		b.unnamed = st
		s.expect = append(s.expect, expectation{kind: expectParse})
		return s.push()
	}
	if b.known(st) != "" {
		s.expect = append(s.expect, expectation{made: []byte{'1', 0, 0, 0, 4}})
		s.flushMade()
		return nil
	}
	s.prepare(b, st, false)
	return s.push()
}

// known returns the server's name of the statement, when it is prepared.
func (b *pgBackend) known(st *pgStatement) string {
	found := b.statements[string(st.body)]
	if found == nil {
		return ""
	}
	b.clock++
	found.used = b.clock
	return found.name
}

// prepare sends a Parse under a name of ours.
func (s *pgSession) prepare(b *pgBackend, st *pgStatement, swallow bool) string {
	b.nextName++
	b.clock++
	name := "orrery_" + strconv.FormatUint(b.nextName, 36)
	key := string(st.body)
	b.statements[key] = &pgServerStatement{name: name, used: b.clock}
	s.send('P', append(pgwire.AppendString(nil, name), st.body...))
	s.expect = append(s.expect, expectation{kind: expectParse, swallow: swallow, prepared: key})
	return name
}

// lookup finds the session's statement and makes the backend know it; it
// returns the server's name.
func (s *pgSession) lookup(name []byte) (*pgStatement, string, error) {
	st := s.statements[string(name)]
	if st == nil {
		if len(name) == 0 {
			return nil, "", pgwire.Refusal("26000", "unnamed prepared statement does not exist")
		}
		return nil, "", pgwire.Refusal("26000", "prepared statement %q does not exist", name)
	}
	if err := s.judge(st.plan); err != nil {
		return nil, "", err
	}
	b, err := s.acquire(st.plan)
	if err != nil {
		return nil, "", err
	}
	if len(name) > 0 {
		if known := b.known(st); known != "" {
			return st, known, nil
		}
		return st, s.prepare(b, st, true), nil
	}
	if b.unnamed != st {
		s.send('P', append([]byte{0}, st.body...))
		s.expect = append(s.expect, expectation{kind: expectParse, swallow: true})
		b.unnamed = st
	}
	return st, "", nil
}

func (s *pgSession) bind(body []byte) error {
	portal, rest, ok := pgwire.Name(body)
	if !ok {
		return badMessage("Bind")
	}
	name, tail, ok := pgwire.Name(rest)
	if !ok {
		return badMessage("Bind")
	}
	st, server, err := s.lookup(name)
	if err != nil {
		return err
	}
	s.portals[string(portal)] = st
	s.effects(st.plan)
	b := s.held.Conn
	out := append(b.w.Buffer(), 'B', 0, 0, 0, 0)
	start := len(out)
	out = append(out, portal...)
	out = append(out, 0)
	out = append(out, server...)
	out = append(out, 0)
	out = append(out, tail...)
	n := len(out) - start + 4
	out[start-4], out[start-3], out[start-2], out[start-1] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	b.w.SetBuffer(out)
	s.expect = append(s.expect, expectation{kind: expectBind})
	return s.push()
}

func (s *pgSession) describe(body []byte) error {
	if len(body) < 2 {
		return badMessage("Describe")
	}
	name, _, ok := pgwire.Name(body[1:])
	if !ok {
		return badMessage("Describe")
	}
	switch body[0] {
	case 'S':
		_, server, err := s.lookup(name)
		if err != nil {
			return err
		}
		s.send('D', pgwire.AppendString([]byte{'S'}, server))
	case 'P':
		if _, err := s.acquire(&emptyPlan); err != nil {
			return err
		}
		s.send('D', body)
	default:
		return badMessage("Describe")
	}
	s.expect = append(s.expect, expectation{kind: expectDescribe})
	return s.push()
}

func (s *pgSession) execute(body []byte) error {
	portal, _, ok := pgwire.Name(body)
	if !ok {
		return badMessage("Execute")
	}
	if st := s.portals[string(portal)]; st != nil {
		// Safe migrations may have been enabled since the portal was bound.
		if err := s.judge(st.plan); err != nil {
			return err
		}
	}
	if _, err := s.acquire(&emptyPlan); err != nil {
		return err
	}
	s.send('E', body)
	s.expect = append(s.expect, expectation{kind: expectExecute})
	return s.push()
}

func (s *pgSession) close(body []byte) error {
	if len(body) < 2 {
		return badMessage("Close")
	}
	name, _, ok := pgwire.Name(body[1:])
	if !ok || body[0] != 'S' && body[0] != 'P' {
		return badMessage("Close")
	}
	if body[0] == 'S' && (len(name) > 0 || s.held == nil) || s.held == nil {
		if body[0] == 'S' {
			delete(s.statements, string(name))
		}
		s.expect = append(s.expect, expectation{made: []byte{'3', 0, 0, 0, 4}})
		s.flushMade()
		return nil
	}
	if body[0] == 'S' {
		delete(s.statements, "")
		s.held.Conn.unnamed = nil
	}
	s.send('C', body)
	s.expect = append(s.expect, expectation{kind: expectClose})
	return s.push()
}

// flushMade passes the answers made here that nothing stands before.
func (s *pgSession) flushMade() {
	n := 0
	for n < len(s.expect) && s.expect[n].kind == expectMade {
		s.w.SetBuffer(append(s.w.Buffer(), s.expect[n].made...))
		n++
	}
	s.pop(n)
}

func (s *pgSession) pop(n int) {
	if n == 0 {
		return
	}
	rest := copy(s.expect, s.expect[n:])
	clear(s.expect[rest:])
	s.expect = s.expect[:rest]
}

// trim closes the least recently used statements before the connection goes
// back. Close needs no transaction, and its answer comes with the Sync.
func (b *pgBackend) trim() {
	if len(b.statements) <= maxServerStatements {
		return
	}
	oldest := make([]string, 0, len(b.statements))
	for key := range b.statements {
		oldest = append(oldest, key)
	}
	// Close a quarter at once, so that it is rare.
	limit := maxServerStatements * 3 / 4
	for len(b.statements) > limit {
		var key string
		var found *pgServerStatement
		for _, k := range oldest {
			if st := b.statements[k]; st != nil && (found == nil || st.used < found.used) {
				key, found = k, st
			}
		}
		delete(b.statements, key)
		b.w.SetBuffer(pgwire.AppendMessage(b.w.Buffer(), 'C', pgwire.AppendString([]byte{'S'}, found.name)))
	}
	if err := b.finishTrim(); err != nil {
		b.unknown = true
	}
}

// finishTrim sends the gathered Closes and reads their answers.
func (b *pgBackend) finishTrim() error {
	_, err := b.query("")
	return err
}
