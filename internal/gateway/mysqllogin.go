package gateway

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"vitess.io/vitess/go/mysql/collations"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/guard"
	"github.com/orrerydb/orrery/internal/statement"
)

// maxHandshake bounds a packet before authentication; connection attributes
// may take up to 64 KiB of it.
const maxHandshake = 128 << 10

var knownCollations = collations.NewEnvironment("8.4.0")

const serverFlags = mysqlwire.ClientLongPassword | mysqlwire.ClientFoundRows | mysqlwire.ClientLongFlag |
	mysqlwire.ClientConnectWithDB | mysqlwire.ClientNoSchema | mysqlwire.ClientLocalFiles | mysqlwire.ClientIgnoreSpace |
	mysqlwire.ClientProtocol41 | mysqlwire.ClientInteractive | mysqlwire.ClientTransactions |
	mysqlwire.ClientSecureConnection | mysqlwire.ClientMultiStatements | mysqlwire.ClientMultiResults |
	mysqlwire.ClientPSMultiResults | mysqlwire.ClientPluginAuth | mysqlwire.ClientConnectAttrs |
	mysqlwire.ClientPluginAuthLenenc | mysqlwire.ClientSessionTrack | mysqlwire.ClientDeprecateEOF

func refuseMySQL(conn net.Conn) {
	_, _ = conn.Write(mysqlwire.AppendError(nil, 0, mysqlwire.Errorf(1040, "08004", "Too many connections")))
}

// serveMySQL is one client's life.
func (s *Server) serveMySQL(conn net.Conn) {
	c := &mysqlSession{
		session:    session{server: s, conn: conn, id: s.sessions.reserve()},
		r:          stream.NewReader(conn),
		w:          stream.NewWriter(conn),
		status:     mysqlwire.StatusAutocommit,
		statements: map[uint32]*clientStatement{},
		longData:   map[uint32]struct{}{},
		cursors:    map[uint32]struct{}{},
	}
	_ = conn.SetDeadline(time.Now().Add(s.config.HandshakeTimeout))
	if err := c.login(); err != nil {
		c.refuse(err)
		return
	}
	defer s.sessions.remove(&c.session)
	_ = c.conn.SetDeadline(time.Time{})
	c.run()
}

// refuse tells a client that never got in.
func (s *mysqlSession) refuse(err error) {
	var own *mysqlwire.Error
	switch {
	case errors.As(err, &own):
	case errors.Is(err, mysqlwire.ErrMalformed), errors.Is(err, stream.ErrTooLarge):
		own = mysqlwire.Errorf(1043, "08S01", "Bad handshake: %v", err)
	default:
		if s.cred == nil {
			return // gone, or too slow
		}
		if own = unavailable(s.cred, err); own == nil {
			own = mysqlwire.Errorf(1105, "HY000", "%v", err)
		}
	}
	_ = s.conn.SetDeadline(time.Now().Add(time.Second))
	s.w.SetBuffer(mysqlwire.AppendError(s.w.Buffer(), s.seq+1, own))
	_ = s.w.Flush()
}

func (s *mysqlSession) login() error {
	response, err := s.greet()
	if err != nil {
		return err
	}
	s.caps = response.Capabilities & serverFlags
	cred, err := s.authenticate(response)
	if err != nil {
		return err
	}
	s.cred = cred
	s.branch = s.server.branch(cred.Branch.ID)
	s.touch()
	// Waking a branch may take longer than a handshake may.
	_ = s.conn.SetDeadline(time.Now().Add(s.server.config.ConnectTimeout + s.server.config.HandshakeTimeout))
	if err := s.begin(response); err != nil {
		return err
	}
	if !s.server.sessions.add(&s.session) {
		return pool.ErrClosed
	}
	// From here the session can be reached, before its client can know it.
	s.server.sessions.leave(below(s.conn))
	s.ok()
	_ = s.w.Flush() // a client that has gone is noticed by the first read
	return nil
}

// greet sends the greeting and reads the answer, through TLS when asked.
func (s *mysqlSession) greet() (*mysqlwire.Response, error) {
	var err error
	if s.nonce, err = mysqlwire.NewNonce(); err != nil {
		return nil, err
	}
	g := mysqlwire.Greeting{
		Version: s.server.config.MySQLVersion, ConnectionID: s.id, Nonce: s.nonce[:],
		Capabilities: serverFlags, Collation: 255, Status: mysqlwire.StatusAutocommit, Plugin: mysqlwire.CachingSHA2,
	}
	if s.server.config.TLS != nil {
		g.Capabilities |= mysqlwire.ClientSSL
	}
	if _, err := s.conn.Write(frame(0, g.Append(nil))); err != nil {
		return nil, err
	}
	response, err := s.readResponse()
	if err != nil || !response.SSLRequest {
		return response, err
	}
	if s.server.config.TLS == nil {
		return nil, mysqlwire.Errorf(3159, "HY000", "TLS is not offered here")
	}
	// The client does not wait for an answer before its TLS handshake: what is
	// buffered goes through TLS, so that nothing in the clear is believed.
	ahead := bytes.Clone(s.r.Bytes())
	s.r.Advance(len(ahead))
	t := tls.Server(&prefixedConn{Conn: s.conn, prefix: ahead}, s.server.config.TLS)
	if err := t.Handshake(); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	s.conn = t
	s.r.SetSource(t)
	s.w.SetDestination(t)
	return s.readResponse()
}

func (s *mysqlSession) readResponse() (*mysqlwire.Response, error) {
	payload, seq, err := wholePacket(s.r, maxHandshake)
	s.seq = seq
	if err != nil {
		return nil, err
	}
	return mysqlwire.ParseResponse(payload)
}

// authenticate verifies who the client is and returns its credential.
func (s *mysqlSession) authenticate(r *mysqlwire.Response) (*Credential, error) {
	denied := mysqlwire.Errorf(1045, "28000", "Access denied for user '%s'@'%s' (using password: %s)", r.User, host(s.conn), yesNo(len(r.Auth) > 0))
	cred, err := s.server.config.Directory.Resolve(s.server.lifetime, MySQL, r.User)
	unknown := errors.Is(err, ErrUnknownUser) || err == nil && cred.Protocol != "" && cred.Protocol != MySQL
	if err != nil && !unknown {
		return nil, mysqlwire.Errorf(1105, "HY000", "cannot look up user '%s': %v", r.User, err)
	}
	if unknown {
		// An unknown user meets the same exchange as a known one.
		cred = &Credential{SHA256Hash: [32]byte{1}, NativeHash: [20]byte{1}}
	}
	ok, err := s.verify(cred, r)
	if err != nil {
		return nil, err
	}
	if !ok || unknown {
		return nil, denied
	}
	if !allowed(cred, s.conn) {
		return nil, mysqlwire.Errorf(1045, "28000", "Access denied for user '%s': the address %s is not in the password's list of allowed addresses", r.User, host(s.conn))
	}
	return cred, nil
}

// verify checks the password by whichever plugin the client can use.
func (s *mysqlSession) verify(c *Credential, r *mysqlwire.Response) (bool, error) {
	plugin, auth := r.Plugin, r.Auth
	hasSHA2, hasNative := c.SHA256Hash != [32]byte{}, c.NativeHash != [20]byte{}
	if plugin == "" && len(auth) == 20 {
		plugin = mysqlwire.NativePassword
	}
	usable := plugin == mysqlwire.CachingSHA2 && len(auth) == 32 || plugin == mysqlwire.NativePassword && len(auth) == 20
	if plugin == mysqlwire.NativePassword && !hasNative || plugin == mysqlwire.CachingSHA2 && !hasSHA2 && !s.secure() {
		usable = false
	}
	if !usable {
		if r.Capabilities&mysqlwire.ClientPluginAuth == 0 {
			return false, nil
		}
		plugin = choosePlugin(plugin, hasSHA2, hasNative)
		var err error
		if auth, err = s.switchPlugin(plugin); err != nil {
			return false, err
		}
	}
	if plugin == mysqlwire.NativePassword {
		return mysqlwire.VerifyNative(auth, s.nonce[:], c.NativeHash), nil
	}
	if len(auth) == 0 {
		return false, nil
	}
	if !hasSHA2 {
		return s.fullAuthentication(c)
	}
	if !mysqlwire.VerifySHA2(auth, s.nonce[:], c.SHA256Hash) {
		return false, nil
	}
	s.seq++
	s.w.SetBuffer(append(s.w.Buffer(), frame(s.seq, []byte{1, 3})...)) // fast authentication succeeded
	return true, nil
}

func choosePlugin(asked string, hasSHA2, hasNative bool) string {
	if asked == mysqlwire.NativePassword && hasNative || !hasSHA2 && hasNative {
		return mysqlwire.NativePassword
	}
	return mysqlwire.CachingSHA2
}

func (s *mysqlSession) secure() bool {
	_, ok := s.conn.(*tls.Conn)
	return ok
}

func (s *mysqlSession) switchPlugin(plugin string) ([]byte, error) {
	nonce, err := mysqlwire.NewNonce()
	if err != nil {
		return nil, err
	}
	s.nonce = nonce
	return s.ask(mysqlwire.AppendAuthSwitch(nil, plugin, nonce[:]))
}

// ask sends an authentication packet and reads the answer.
func (s *mysqlSession) ask(payload []byte) ([]byte, error) {
	s.seq++
	if _, err := s.conn.Write(frame(s.seq, payload)); err != nil {
		return nil, err
	}
	answer, seq, err := wholePacket(s.r, maxHandshake)
	s.seq = seq
	return answer, err
}

// fullAuthentication asks for the password itself: only over TLS, and only
// when the credential has no SHA-256 verifier.
func (s *mysqlSession) fullAuthentication(c *Credential) (bool, error) {
	if !s.secure() {
		return false, mysqlwire.Errorf(1045, "28000", "Access denied: this password needs TLS or mysql_native_password")
	}
	answer, err := s.ask([]byte{1, 4})
	if err != nil || len(answer) == 0 {
		return false, err
	}
	one := sha1.Sum(answer[:len(answer)-1])
	return sha1.Sum(one[:]) == c.NativeHash, nil
}

// begin sets the session up for its credential, waking the branch.
func (s *mysqlSession) begin(r *mysqlwire.Response) error {
	s.scope = guard.Scope{
		Dialect: statement.MySQL, User: s.cred.Username, Role: guardRole(s.cred.Role), Keyspace: s.cred.Keyspace,
	}
	s.database, s.last, s.lastInsertID = "", nil, 0
	s.status = mysqlwire.StatusAutocommit
	clear(s.statements)
	s.state = initialState(r.Collation)
	s.readMode()
	database, replica, err := s.resolveDatabase(r.Database)
	if err != nil {
		return err
	}
	if err := s.setTarget(replica); err != nil {
		return err
	}
	s.database = database
	return nil
}

func guardRole(r Role) guard.Role {
	switch r {
	case Writer:
		return guard.Writer
	case ReadWriter:
		return guard.ReadWriter
	case Admin:
		return guard.Admin
	}
	return guard.Reader
}

func initialState(collation uint16) mysqlState {
	id := collations.ID(collation)
	name, charset := knownCollations.LookupName(id), knownCollations.LookupCharsetName(id)
	if collation == 0 || name == "" || charset == "" {
		return mysqlState{}
	}
	return newMySQLState(map[string]string{
		"character_set_client": charset, "character_set_results": charset, "collation_connection": name,
	})
}

func host(conn net.Conn) string {
	h, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return h
}

func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}
