package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/xdg-go/scram"

	"github.com/orrerydb/orrery/internal/gateway/pgwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/guard"
	"github.com/orrerydb/orrery/internal/statement"
)

// maxAuthMessage bounds a client's message during authentication.
const maxAuthMessage = 8 << 10

func refusePostgres(conn net.Conn) {
	_, _ = conn.Write(pgwire.Fatal("53300", "too many connections to the gateway").Append(nil))
}

// servePostgres is one client's life.
func (s *Server) servePostgres(conn net.Conn) {
	c := &pgSession{
		session:    session{server: s, conn: conn, id: s.sessions.reserve()},
		r:          stream.NewReader(conn),
		w:          stream.NewWriter(conn),
		txn:        'I',
		statements: map[string]*pgStatement{},
		portals:    map[string]*pgStatement{},
		reported:   map[string]string{},
	}
	_ = conn.SetDeadline(time.Now().Add(s.config.HandshakeTimeout))
	if err := c.login(); err != nil {
		c.refuse(err)
		return
	}
	if c.cred == nil {
		return // a cancel request
	}
	defer s.sessions.remove(&c.session)
	_ = c.conn.SetDeadline(time.Time{})
	c.run()
}

// refuse tells a client that never got in.
func (s *pgSession) refuse(err error) {
	own := s.asError(err)
	if own == nil {
		return
	}
	fatal := *own
	fatal.Severity = "FATAL"
	_ = s.conn.SetDeadline(time.Now().Add(time.Second))
	s.w.SetBuffer(fatal.Append(s.w.Buffer()))
	_ = s.w.Flush()
}

func (s *pgSession) login() error {
	start, err := s.startup()
	if err != nil || start == nil {
		return err
	}
	if replication := start.Parameters["replication"]; replication != "" && !isFalse(replication) {
		return pgwire.Fatal("0A000", "replication connections are not supported through the gateway; connect to the branch's server itself")
	}
	cred, err := s.authenticate(start.Parameters["user"])
	if err != nil {
		return err
	}
	s.branch = s.server.branch(cred.Branch.ID)
	s.touch()
	s.scope = guard.Scope{Dialect: statement.Postgres, User: cred.Username, Role: guardRole(cred.Role), ReadOnly: cred.Replica}
	s.target = cred
	if s.defaults, err = settings(start); err != nil {
		return pgwire.Fatal("08P01", "%v", err)
	}
	s.state = newPGState(maps.Clone(s.defaults))
	s.database = start.Parameters["database"]
	if s.database == "" {
		s.database = "postgres"
	}
	_ = s.conn.SetDeadline(time.Now().Add(s.server.config.ConnectTimeout + s.server.config.HandshakeTimeout))
	ep, err := s.server.endpoint(s.server.lifetime, cred)
	if err != nil {
		return s.wrap(cred, err)
	}
	s.user = ep.User
	s.cred = cred
	if !s.server.sessions.add(&s.session) {
		s.cred = nil
		return pgUnavailable(cred, pool.ErrClosed)
	}
	s.server.sessions.leave(below(s.conn))
	if err := s.welcome(start); err != nil {
		s.server.sessions.remove(&s.session)
		s.cred = nil
		return s.wrap(cred, err)
	}
	return nil
}

// wrap words a failure to get a backend while the session has no credential.
func (s *pgSession) wrap(c *Credential, err error) error {
	if e := pgUnavailable(c, err); e != nil {
		return e
	}
	return err
}

func isFalse(v string) bool {
	switch strings.ToLower(v) {
	case "false", "off", "no", "0", "f", "n":
		return true
	}
	return false
}

// settings reads what the startup message sets for the session.
func settings(start *pgwire.Startup) (map[string]string, error) {
	all := map[string]string{}
	err := pgwire.ParseOptions(start.Parameters["options"], func(name, value string) { all[name] = value })
	if err != nil {
		return nil, err
	}
	for name, value := range start.Parameters {
		switch name {
		case "user", "database", "options", "replication":
			continue
		}
		all[strings.ToLower(name)] = value
	}
	return all, nil
}

// startup reads up to the StartupMessage, changing to TLS when asked. It
// returns nil after a cancel request.
func (s *pgSession) startup() (*pgwire.Startup, error) {
	if err := s.r.Need(1); err != nil {
		return nil, err
	}
	if s.r.Bytes()[0] == 0x16 && s.server.config.TLS != nil {
		if err := s.directTLS(); err != nil {
			return nil, err
		}
	}
	for range 4 {
		body, err := s.startupPacket()
		if err != nil {
			return nil, err
		}
		switch code := binary.BigEndian.Uint32(body); code {
		case pgwire.CodeSSL:
			if err := s.offerTLS(); err != nil {
				return nil, err
			}
		case pgwire.CodeGSS:
			if _, err := s.conn.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		case pgwire.CodeCancel:
			s.serveCancel(body)
			return nil, nil
		default:
			return s.negotiate(body)
		}
	}
	return nil, pgwire.Fatal("08P01", "too many requests before the startup message")
}

func (s *pgSession) startupPacket() ([]byte, error) {
	if err := s.r.Need(4); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(s.r.Bytes()))
	if n < 8 || n > pgwire.MaxStartup {
		return nil, pgwire.Fatal("08P01", "invalid length of startup packet")
	}
	if err := s.r.Need(int(n)); err != nil {
		return nil, err
	}
	body := slices.Clone(s.r.Bytes()[4:n])
	s.r.Advance(int(n))
	return body, nil
}

func (s *pgSession) offerTLS() error {
	if s.server.config.TLS == nil || s.secure() {
		_, err := s.conn.Write([]byte{'N'})
		return err
	}
	if s.r.Buffered() > 0 {
		// Bytes in the clear before TLS could be somebody else's.
		return pgwire.Fatal("08P01", "received unencrypted data after SSL request")
	}
	if _, err := s.conn.Write([]byte{'S'}); err != nil {
		return err
	}
	return s.handshake(s.conn, s.server.config.TLS)
}

func (s *pgSession) secure() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

func (s *pgSession) handshake(conn net.Conn, config *tls.Config) error {
	t := tls.Server(conn, config)
	if err := t.Handshake(); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	s.conn = t
	s.r.SetSource(t)
	s.w.SetDestination(t)
	return nil
}

// directTLS is TLS without an SSLRequest; the protocol's name in ALPN protects
// against cross-protocol attacks.
func (s *pgSession) directTLS() error {
	config := s.server.config.TLS.Clone()
	config.NextProtos = []string{"postgresql"}
	first := slices.Clone(s.r.Bytes())
	s.r.Advance(len(first))
	if err := s.handshake(&prefixedConn{Conn: s.conn, prefix: first}, config); err != nil {
		return err
	}
	if s.conn.(*tls.Conn).ConnectionState().NegotiatedProtocol != "postgresql" {
		return pgwire.Fatal("08P01", "received direct SSL connection request without ALPN protocol negotiation extension")
	}
	return nil
}

// prefixedConn gives back bytes that were read ahead.
type prefixedConn struct {
	net.Conn
	prefix []byte
}

func (c *prefixedConn) Read(p []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.prefix)
	c.prefix = c.prefix[n:]
	return n, nil
}

func (s *pgSession) negotiate(body []byte) (*pgwire.Startup, error) {
	start, err := pgwire.ParseStartup(body)
	if err != nil {
		return nil, err
	}
	if start.Major != 3 {
		return nil, pgwire.Fatal("0A000", "unsupported frontend protocol %d.%d: server supports 3.0", start.Major, start.Minor)
	}
	if start.Minor == 0 && len(start.Unknown) == 0 {
		return start, nil
	}
	answer := binary.BigEndian.AppendUint32(nil, 3<<16)
	answer = binary.BigEndian.AppendUint32(answer, uint32(len(start.Unknown)))
	for _, name := range start.Unknown {
		answer = pgwire.AppendString(answer, name)
	}
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'v', answer))
	return start, nil
}

// authenticate finds the credential and proves the client by SCRAM.
func (s *pgSession) authenticate(name string) (*Credential, error) {
	if name == "" {
		return nil, pgwire.Fatal("28000", "no PostgreSQL user name specified in startup packet")
	}
	login, suffix, replica := strings.Cut(name, "|")
	if replica && suffix != "replica" {
		return nil, pgwire.Fatal("28000", "unknown user name suffix %q: only |replica is known", "|"+suffix)
	}
	_, branch, ok := strings.Cut(login, ".")
	if !ok {
		return nil, pgwire.Fatal("28000", "invalid user format: username must include branch (e.g., user.branch)")
	}
	cred, err := s.server.config.Directory.Resolve(s.server.lifetime, Postgres, login)
	switch {
	case errors.Is(err, ErrUnknownBranch):
		return nil, pgwire.Fatal("28000", "branch %s does not exist", branch)
	case errors.Is(err, ErrUnknownUser), err == nil && cred.Protocol != "" && cred.Protocol != Postgres:
		cred = nil
	case err != nil:
		return nil, pgwire.Fatal("08006", "cannot look up user %q: %v", login, err)
	}
	ok, err = s.scram(login, cred)
	if err != nil {
		return nil, err
	}
	if !ok || cred == nil {
		return nil, pgwire.Fatal("28P01", "password authentication failed for user %q", login)
	}
	if !allowed(cred, s.conn) {
		return nil, pgwire.Fatal("28000", "the address %s is not in the list of allowed addresses of user %q", host(s.conn), login)
	}
	if replica && !cred.Replica {
		c := *cred
		c.Replica = true
		cred = &c
	}
	return cred, nil
}

// mockKey makes the salt of unknown users stable, as a real one is.
var mockKey = func() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return key
}()

func storedCredentials(login string, cred *Credential) (scram.StoredCredentials, error) {
	if cred == nil {
		mac := hmac.New(sha256.New, mockKey)
		mac.Write([]byte(login))
		sum := mac.Sum(nil)
		return scram.StoredCredentials{
			KeyFactors: scram.KeyFactors{Salt: string(sum[:16]), Iters: 4096}, StoredKey: sum, ServerKey: sum,
		}, nil
	}
	v, err := pgwire.ParseVerifier(cred.SCRAM)
	if err != nil {
		return scram.StoredCredentials{}, err
	}
	return scram.StoredCredentials{
		KeyFactors: scram.KeyFactors{Salt: string(v.Salt), Iters: v.Iterations}, StoredKey: v.StoredKey, ServerKey: v.ServerKey,
	}, nil
}

// scram runs the exchange; only SASL messages are taken while it lasts.
func (s *pgSession) scram(login string, cred *Credential) (bool, error) {
	stored, err := storedCredentials(login, cred)
	if err != nil {
		return false, pgwire.Fatal("28P01", "the stored secret of user %q cannot be read", login)
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		return false, err
	}
	conversation := server.NewConversation()
	offer := pgwire.AppendString(binary.BigEndian.AppendUint32(nil, 10), "SCRAM-SHA-256")
	body, err := s.ask(append(offer, 0))
	if err != nil {
		return false, err
	}
	mechanism, rest, ok := pgwire.CString(body)
	if !ok || len(rest) < 4 || mechanism != "SCRAM-SHA-256" {
		return false, pgwire.Fatal("08P01", "client selected an invalid SASL authentication mechanism")
	}
	if n := int32(binary.BigEndian.Uint32(rest)); n < 0 || int(n) != len(rest)-4 {
		return false, pgwire.Fatal("08P01", "malformed SCRAM message")
	}
	challenge, err := conversation.Step(string(rest[4:]))
	if err != nil {
		return false, pgwire.Fatal("08P01", "malformed SCRAM message")
	}
	if body, err = s.ask(append(binary.BigEndian.AppendUint32(nil, 11), challenge...)); err != nil {
		return false, err
	}
	final, err := conversation.Step(string(body))
	if err != nil || !conversation.Valid() {
		return false, nil //nolint:nilerr // a wrong password
	}
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'R', append(binary.BigEndian.AppendUint32(nil, 12), final...)))
	return true, nil
}

// ask sends an authentication request and reads the answer.
func (s *pgSession) ask(request []byte) ([]byte, error) {
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'R', request))
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	if err := s.r.Need(5); err != nil {
		return nil, err
	}
	if t := s.r.Bytes()[0]; t != 'p' {
		return nil, pgwire.Fatal("08P01", "expected SASL response, got message type %d", t)
	}
	n, err := pgwire.Length(s.r.Bytes(), maxAuthMessage)
	if err != nil {
		return nil, err
	}
	if err := s.r.Need(5 + n); err != nil {
		return nil, err
	}
	body := slices.Clone(s.r.Bytes()[5 : 5+n])
	s.r.Advance(5 + n)
	return body, nil
}

// welcome takes a backend once: it proves that the database exists and that
// the settings hold, and knows the parameters to report.
func (s *pgSession) welcome(start *pgwire.Startup) error {
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'R', []byte{0, 0, 0, 0}))
	b, err := s.acquire(&emptyPlan)
	if err != nil {
		return err
	}
	_ = b
	var secret [4]byte
	_, _ = rand.Read(secret[:])
	s.secret = binary.BigEndian.Uint32(secret[:])
	key := binary.BigEndian.AppendUint32(nil, s.id)
	s.w.SetBuffer(pgwire.AppendMessage(s.w.Buffer(), 'K', append(key, secret[:]...)))
	s.ready()
	s.release()
	return s.w.Flush()
}

// serveCancel passes a cancel request on to the backend that the session
// holds. The requester gets no answer.
func (s *pgSession) serveCancel(body []byte) {
	if len(body) != 12 {
		return
	}
	t := s.server.sessions.find(binary.BigEndian.Uint32(body[4:]))
	if t == nil || t.cred.Protocol != Postgres || t.secret != binary.BigEndian.Uint32(body[8:]) {
		return
	}
	t.backendMu.Lock()
	defer t.backendMu.Unlock()
	if t.backendID == 0 {
		return
	}
	t.cancelled = true
	if err := s.server.cancel(t.backendAt, t.backendID, t.backendKey); err != nil {
		s.server.config.Log.Warn("cancel request not passed on", "error", err)
	}
}

// asError gives an error the protocol's form; nil when the client is gone.
func (s *pgSession) asError(err error) *pgwire.Error {
	var own *pgwire.Error
	var backend *backendError
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, pgwire.ErrMalformed), errors.Is(err, stream.ErrTooLarge):
		return pgwire.Fatal("08P01", "%v", err)
	case errors.As(err, &backend):
		if e := ending(s.ended.Load()); e != endNone {
			return s.bye(e)
		}
		return pgwire.Fatal("08006", "lost the connection to the branch's server during the statement; its outcome is not known, and a transaction that was open is rolled back (%v)", backend.err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	}
	if s.cred == nil {
		return nil
	}
	return pgUnavailable(s.cred, err)
}

func pgUnavailable(c *Credential, err error) *pgwire.Error {
	var own *pgwire.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.Is(err, pool.ErrTimeout):
		e := pgwire.Refusal("53300", "%v", err)
		e.Hint = "End open transactions, or raise the pool size."
		return e
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrUnknownBranch):
		return pgwire.Refusal("08006", "not_found: branch is missing or sleeping: %s (%v)", c.Branch.ID, err)
	case errors.Is(err, pool.ErrClosed), errors.Is(err, context.Canceled):
		return pgwire.Fatal("57P01", "the gateway is shutting down")
	}
	return nil
}
