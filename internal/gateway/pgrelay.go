package gateway

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/pgwire"
	"github.com/orrerydb/orrery/internal/gateway/stream"
)

// pushSize is how much of a batch may gather before it must be sent.
const pushSize = 32 << 10

// push sends a long batch on while it is still coming. The server may block on
// its answers meanwhile, so they are read at the same time.
func (s *pgSession) push() error {
	b := s.held.Conn
	if b.w.Len() < pushSize {
		return nil
	}
	sent, woken := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(woken)
		err := b.w.Flush()
		sent <- err // before the deadline, so that whoever it wakes finds it
		_ = b.conn.SetReadDeadline(time.Unix(1, 0))
	}()
	err := s.relayUntil(b, sent)
	if err != nil {
		_ = b.conn.SetDeadline(time.Unix(1, 0))
	}
	<-woken
	if err == nil {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return err
}

// relayUntil relays answers until the writer is done.
func (s *pgSession) relayUntil(b *pgBackend, sent chan error) error {
	for {
		b.reader.interruptible.Store(true)
		err := b.r.Need(5)
		b.reader.interruptible.Store(false)
		if err == nil {
			if err := s.relayMessage(b); err != nil {
				return err
			}
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			return &backendError{err}
		}
		select {
		case err := <-sent:
			if err != nil {
				return &backendError{err}
			}
			return nil
		default:
		}
		if ending(s.ended.Load()) != endNone {
			return &backendError{os.ErrDeadlineExceeded}
		}
	}
}

// drain sends what has gathered and relays until every answer has come. After
// a Flush an open batch keeps its backend.
func (s *pgSession) drain(flushed bool) error {
	b := s.held.Conn
	if b.w.Len() >= pushSize {
		if err := s.push(); err != nil {
			return err
		}
	}
	if err := b.w.Flush(); err != nil {
		return &backendError{err}
	}
	b.r.BeforeRead = s.w.Flush
	defer func() { b.r.BeforeRead = nil }()
	s.flushMade()
	for len(s.expect) > 0 && !s.copying {
		if err := s.relayBulk(b); err != nil {
			return err
		}
		if err := s.relayMessage(b); err != nil {
			return err
		}
	}
	if s.copying {
		return s.copyIn(b)
	}
	if flushed {
		return nil
	}
	return s.after()
}

// relayBulk passes at once all complete rows and copied data that are buffered.
func (s *pgSession) relayBulk(b *pgBackend) error {
	buf := b.r.Bytes()
	end := 0
	for len(buf)-end >= 5 && (buf[end] == 'D' || buf[end] == 'd') {
		n, err := pgwire.Length(buf[end:], 1<<30)
		if err != nil {
			return &brokenError{err}
		}
		if end+5+n > len(buf) {
			break
		}
		end += 5 + n
	}
	if end == 0 {
		return nil
	}
	if s.expect[0].instead == nil {
		if err := s.w.Append(buf[:end]); err != nil {
			return err
		}
	}
	b.r.Advance(end)
	return nil
}

// relayMessage passes one message of the backend and ticks off what it answers.
func (s *pgSession) relayMessage(b *pgBackend) error {
	if err := b.r.Need(5); err != nil {
		return &backendError{err}
	}
	t := b.r.Bytes()[0]
	n, err := pgwire.Length(b.r.Bytes(), 1<<30)
	if err != nil {
		return &brokenError{err}
	}
	switch t {
	case 'D', 'd', 'N', 'A', 'T', 't', 'H', 'V', 'c':
		if err := s.copy(b, n); err != nil {
			return err
		}
		if t == 'T' {
			s.complete(expectDescribe)
		}
		return nil
	}
	// The rest is small, and some of it must be understood.
	if err := b.r.Need(5 + n); err != nil {
		return &backendError{err}
	}
	message := b.r.Bytes()[:5+n]
	body := message[5:]
	pass := true
	switch t {
	case 'S':
		s.noteParameter(b, body)
	case 'E':
		pass = s.noteError(b, body)
	case '1':
		pass = !s.head().swallow
	case '3':
		pass = !s.head().swallow
	case 'Z':
		if len(body) < 1 {
			return &brokenError{pgwire.ErrMalformed}
		}
		s.txn = body[0]
	}
	if pass {
		err = s.w.Append(message)
	}
	b.r.Advance(5 + n)
	if err != nil {
		return err
	}
	s.tick(t)
	return nil
}

func (s *pgSession) copy(b *pgBackend, n int) error {
	if err := stream.Copy(s.w, b.r, 5+n); err != nil {
		return &brokenError{err}
	}
	return nil
}

func (s *pgSession) head() expectation {
	if len(s.expect) == 0 {
		return expectation{}
	}
	return s.expect[0]
}

// complete ticks off the first expectation when it is of this kind.
func (s *pgSession) complete(kinds ...expected) {
	for _, kind := range kinds {
		if len(s.expect) > 0 && s.expect[0].kind == kind {
			s.pop(1)
			s.flushMade()
			return
		}
	}
}

func (s *pgSession) tick(t byte) {
	switch t {
	case '1':
		s.complete(expectParse)
	case '2':
		s.complete(expectBind)
	case '3':
		s.complete(expectClose)
	case 'n':
		s.complete(expectDescribe)
	case 'C', 'I', 's':
		s.complete(expectExecute)
	case 'Z':
		s.complete(expectQuery, expectSync, expectFunction)
	case 'G':
		s.beginCopy()
	}
}

// beginCopy: the server takes data now, and ignores the Sync that the client
// may have sent ahead of it.
func (s *pgSession) beginCopy() {
	s.copying = true
	if s.head().kind != expectExecute {
		return
	}
	for len(s.expect) > 1 && s.expect[1].kind == expectSync {
		s.expect = append(s.expect[:1], s.expect[2:]...)
	}
}

func (s *pgSession) noteParameter(b *pgBackend, body []byte) {
	name, value := b.noteParameter(body)
	s.reported[name] = value
	s.reportedKey = stateKey(s.reported)
	switch name {
	case "is_superuser", "session_authorization", "in_hot_standby", "server_version", "server_encoding", "integer_datetimes":
		return // follow from others
	}
	// Somebody set it: a statement that we know, or a function's SET.
	s.touched = append(s.touched, strings.ToLower(name))
}

// noteError drops the answers that will not come: all up to the Sync. It
// tells whether the error goes to the client.
func (s *pgSession) noteError(b *pgBackend, body []byte) bool {
	s.failed = true
	e := pgwire.ParseError(body)
	if e.Code == "0A000" || e.Code == "26000" {
		// "cached plan must not change result type" and the like.
		s.branch.schemaEpoch.Add(1)
	}
	head := s.head()
	if head.instead != nil {
		s.w.SetBuffer(head.instead.Append(s.w.Buffer()))
	}
	if head.kind == expectQuery || head.kind == expectFunction || head.kind == expectSync || head.kind == expectMade {
		return head.instead == nil
	}
	n := 0
	for n < len(s.expect) && s.expect[n].kind != expectSync {
		if key := s.expect[n].prepared; key != "" {
			delete(b.statements, key)
		}
		n++
	}
	b.unnamed = nil
	synced := n < len(s.expect)
	s.pop(n)
	s.skip = s.skip || !synced
	return head.instead == nil
}

// copyIn passes the client's data to the server until it ends.
func (s *pgSession) copyIn(b *pgBackend) error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	for {
		if err := s.r.Need(5); err != nil {
			return err
		}
		t := s.r.Bytes()[0]
		n, err := pgwire.Length(s.r.Bytes(), s.server.config.MaxMessage)
		if err != nil {
			return err
		}
		switch t {
		case 'd', 'c', 'f':
			if err := stream.Copy(b.w, s.r, 5+n); err != nil {
				return &brokenError{err}
			}
		case 'H', 'S':
			if err := stream.Discard(s.r, 5+n); err != nil {
				return err
			}
		default:
			return pgwire.Fatal("08P01", "unexpected message type 0x%02x during COPY from stdin", t)
		}
		if t == 'd' {
			continue
		}
		s.copying = false
		if s.head().kind == expectExecute {
			return nil // the answer comes with the client's Sync
		}
		return s.drain(false)
	}
}
