package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
)

// resultFlags are the capabilities that change what a server sends or takes;
// a client's backend must have been opened with the same.
const resultFlags = mysqlwire.ClientFoundRows | mysqlwire.ClientLocalFiles | mysqlwire.ClientIgnoreSpace |
	mysqlwire.ClientMultiStatements | mysqlwire.ClientMultiResults | mysqlwire.ClientPSMultiResults |
	mysqlwire.ClientDeprecateEOF | mysqlwire.ClientNoSchema

// maxBackendStatements and maxStatementText bound the prepared statements of
// one connection. A server keeps for each many times what its text takes: a
// hundred rows of placeholders cost megabytes.
const (
	maxBackendStatements = 128
	maxStatementText     = 128 << 10
)

// replyTimeout bounds the gateway's own small commands on a backend.
const replyTimeout = 10 * time.Second

// mysqlState is a set of session variables; immutable. The zero value stands
// for a freshly reset connection.
type mysqlState struct {
	vars map[string]string
	key  string
}

func (s mysqlState) with(name, value string) mysqlState {
	if old, ok := s.vars[name]; ok && old == value {
		return s
	}
	vars := make(map[string]string, len(s.vars)+1)
	maps.Copy(vars, s.vars)
	vars[name] = value
	return newMySQLState(vars)
}

func newMySQLState(vars map[string]string) mysqlState {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(vars[name])
		b.WriteByte(0)
	}
	return mysqlState{vars: vars, key: b.String()}
}

// statementKey names a prepared statement by what its preparation depends on.
type statementKey struct {
	sql, database, state string
}

type backendStatement struct {
	id uint32
	// bound is the client's statement whose parameter types the server
	// remembers.
	bound *clientStatement
	used  uint64
}

// mysqlBackend is one connection to a MySQL server.
type mysqlBackend struct {
	conn     net.Conn
	probe    *pool.Probe
	r        *stream.Reader
	w        *stream.Writer
	caps     uint32
	threadID uint32

	// What the server's side of the connection looks like.
	database   string
	state      mysqlState
	unknown    bool // must be reset before use
	statements map[statementKey]*backendStatement
	// statementText is the length of all their texts.
	statementText int
	clock         uint64
}

func (b *mysqlBackend) Alive() bool { return b.r.Buffered() == 0 && b.probe.Alive() }

func (b *mysqlBackend) Close() error {
	_ = b.conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = b.conn.Write([]byte{1, 0, 0, 0, mysqlwire.ComQuit})
	return b.conn.Close()
}

// packet returns the next packet's payload, valid until the next read. It is
// for packets that must be seen whole, and therefore small.
func (b *mysqlBackend) packet() ([]byte, error) {
	payload, _, err := wholePacket(b.r, mysqlwire.MaxPayload)
	return payload, err
}

func wholePacket(r *stream.Reader, limit int) (payload []byte, seq byte, err error) {
	if err := r.Need(4); err != nil {
		return nil, 0, err
	}
	n, seq := mysqlwire.Length(r.Bytes())
	if n > limit {
		return nil, seq, stream.ErrTooLarge
	}
	if err := r.Need(4 + n); err != nil {
		return nil, seq, err
	}
	payload = r.Bytes()[4 : 4+n]
	r.Advance(4 + n)
	return payload, seq, nil
}

// command sends one command.
func (b *mysqlBackend) command(payload []byte) error {
	out, _ := mysqlwire.AppendPacket(b.w.Buffer(), 0, payload)
	b.w.SetBuffer(out)
	return b.w.Flush()
}

// simple runs a command whose answer is OK or ERR.
func (b *mysqlBackend) simple(payload []byte) error {
	_ = b.conn.SetDeadline(time.Now().Add(replyTimeout))
	defer b.conn.SetDeadline(time.Time{})
	if err := b.command(payload); err != nil {
		return err
	}
	p, err := b.packet()
	if err != nil {
		return err
	}
	switch {
	case len(p) > 0 && p[0] == mysqlwire.HeaderOK:
		return nil
	case len(p) > 0 && p[0] == mysqlwire.HeaderERR:
		return mysqlwire.ParseError(p)
	}
	return fmt.Errorf("%w: unexpected answer", mysqlwire.ErrMalformed)
}

func (b *mysqlBackend) query(sql string) error {
	return b.simple(append([]byte{mysqlwire.ComQuery}, sql...))
}

// tracking makes the server tell every change of session state.
const tracking = "session_track_system_variables='*', session_track_schema=ON, session_track_state_change=ON"

// adopt brings the connection to the session's database and variables.
func (b *mysqlBackend) adopt(database string, state mysqlState) error {
	if b.unknown || b.state.key != state.key {
		if err := b.adoptState(state); err != nil {
			return err
		}
	}
	if b.database == database || database == "" {
		return nil
	}
	if err := b.simple(append([]byte{mysqlwire.ComInitDB}, database...)); err != nil {
		return err
	}
	b.database = database
	return nil
}

func (b *mysqlBackend) adoptState(state mysqlState) error {
	reset := b.unknown
	for name := range b.state.vars {
		if _, ok := state.vars[name]; !ok {
			reset = true
		}
	}
	sets := make([]string, 0, len(state.vars)+1)
	if reset {
		if err := b.simple([]byte{mysqlwire.ComResetConnection}); err != nil {
			return err
		}
		b.state, b.unknown = mysqlState{}, false
		clear(b.statements)
		b.statementText = 0
		sets = append(sets, tracking)
	}
	for _, name := range slices.Sorted(maps.Keys(state.vars)) {
		if old, ok := b.state.vars[name]; ok && old == state.vars[name] {
			continue
		}
		sets = append(sets, name+"="+literal(name, state.vars[name]))
	}
	if len(sets) == 0 {
		b.state = state
		return nil
	}
	// Until the SET has succeeded, the state is neither the old nor the new.
	b.unknown = true
	if err := b.query("SET " + strings.Join(sets, ", ")); err != nil {
		return err
	}
	b.state, b.unknown = state, false
	return nil
}

// literal writes a variable's value, as the server reported it, so that SET
// takes it again.
func literal(name, value string) string {
	if name == "character_set_results" && value == "" {
		return "NULL"
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil && !strings.ContainsAny(value, "xXiInN_pP") {
		return value
	}
	// Plain double quotes would depend on sql_mode; a hexadecimal literal
	// depends on nothing.
	if strings.ContainsAny(value, `'\`) {
		return fmt.Sprintf("_utf8mb4 x'%x'", value)
	}
	return "'" + value + "'"
}

// evict closes the least recently used statement when there are too many.
func (b *mysqlBackend) evict() {
	for len(b.statements) >= maxBackendStatements || len(b.statements) > 0 && b.statementText >= maxStatementText {
		var oldest statementKey
		var found *backendStatement
		for key, st := range b.statements {
			if found == nil || st.used < found.used {
				oldest, found = key, st
			}
		}
		delete(b.statements, oldest)
		b.statementText -= len(oldest.sql)
		b.closeStatement(found.id)
	}
}

// closeStatement gathers a COM_STMT_CLOSE, which has no answer.
func (b *mysqlBackend) closeStatement(id uint32) {
	out := append(b.w.Buffer(), 5, 0, 0, 0, mysqlwire.ComStmtClose, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	b.w.SetBuffer(out)
}

// openMySQL dials and authenticates a backend connection.
func (s *Server) openMySQL(ctx context.Context, c *Credential, flags uint32, database string) (*mysqlBackend, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.ConnectTimeout)
	defer cancel()
	ep, err := s.config.Directory.Endpoint(ctx, c)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, ep.Network, ep.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b := &mysqlBackend{conn: conn, probe: pool.NewProbe(conn), statements: map[statementKey]*backendStatement{}}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = b.login(ep, flags, database)
	if err == nil {
		err = b.query("SET " + tracking)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		if _, ok := errors.AsType[*mysqlwire.Error](err); ok {
			return nil, fmt.Errorf("the branch's server refused the gateway: %w", err)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return b, nil
}

func (b *mysqlBackend) login(ep Endpoint, flags uint32, database string) error {
	b.r, b.w = stream.NewReader(b.conn), stream.NewWriter(b.conn)
	first, err := b.packet()
	if err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	g, err := mysqlwire.ParseGreeting(first)
	if err != nil {
		return err
	}
	b.threadID = g.ConnectionID
	b.caps = flags&resultFlags | mysqlwire.ClientLongPassword | mysqlwire.ClientLongFlag | mysqlwire.ClientProtocol41 |
		mysqlwire.ClientTransactions | mysqlwire.ClientSecureConnection | mysqlwire.ClientPluginAuth |
		mysqlwire.ClientPluginAuthLenenc | mysqlwire.ClientSessionTrack
	if missing := b.caps &^ g.Capabilities; missing&(mysqlwire.ClientSessionTrack|mysqlwire.ClientDeprecateEOF) != 0 {
		return fmt.Errorf("the server %s is too old: it has no session tracking", g.Version)
	}
	r := mysqlwire.Response{
		Capabilities: b.caps, MaxPacket: 1 << 30, Collation: 255, User: ep.User, Plugin: g.Plugin,
	}
	if database != "" {
		r.Capabilities |= mysqlwire.ClientConnectWithDB
		r.Database = database
	}
	b.database = database
	seq := byte(1)
	secure := ep.Network == "unix"
	if ep.TLS != nil {
		r.Capabilities |= mysqlwire.ClientSSL
		if _, err := b.conn.Write(frame(seq, r.AppendSSLRequest(nil))); err != nil {
			return err
		}
		seq++
		t := tls.Client(b.conn, ep.TLS)
		if err := t.Handshake(); err != nil {
			return fmt.Errorf("TLS with the branch's server: %w", err)
		}
		b.conn, secure = t, true
		b.r, b.w = stream.NewReader(t), stream.NewWriter(t)
	}
	if r.Auth, err = mysqlwire.Scramble(g.Plugin, ep.Password, g.Nonce); err != nil {
		r.Plugin = mysqlwire.CachingSHA2 // the server will switch
	}
	if _, err := b.conn.Write(frame(seq, r.Append(nil))); err != nil {
		return err
	}
	return b.authenticate(ep.Password, g.Nonce, secure)
}

func frame(seq byte, payload []byte) []byte {
	out, _ := mysqlwire.AppendPacket(nil, seq, payload)
	return out
}

// authenticate answers the server until it says OK.
func (b *mysqlBackend) authenticate(password string, nonce []byte, secure bool) error {
	for range 8 {
		p, seq, err := wholePacket(b.r, mysqlwire.MaxPayload)
		if err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
		if len(p) == 0 {
			return mysqlwire.ErrMalformed
		}
		var answer []byte
		switch {
		case p[0] == mysqlwire.HeaderOK:
			return nil
		case p[0] == mysqlwire.HeaderERR:
			return mysqlwire.ParseError(p)
		case p[0] == mysqlwire.HeaderEOF:
			var plugin string
			if plugin, nonce, err = mysqlwire.ParseAuthSwitch(p); err != nil {
				return err
			}
			if answer, err = mysqlwire.Scramble(plugin, password, nonce); err != nil {
				return err
			}
		case p[0] == 1 && len(p) == 2 && p[1] == 3:
			continue // fast authentication succeeded; OK follows
		case p[0] == 1 && len(p) == 2 && p[1] == 4 && secure:
			answer = append([]byte(password), 0)
		case p[0] == 1 && len(p) == 2 && p[1] == 4:
			answer = []byte{2} // ask for the public key
		case p[0] == 1:
			if answer, err = mysqlwire.EncryptPassword(password, nonce, p[1:]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: authentication", mysqlwire.ErrMalformed)
		}
		if _, err := b.conn.Write(frame(seq+1, answer)); err != nil {
			return err
		}
	}
	return errors.New("the server does not come to an end with authentication")
}
