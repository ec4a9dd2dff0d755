package gateway

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xdg-go/scram"

	"github.com/orrerydb/orrery/internal/gateway/pgwire"
	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/gateway/stream"
	"github.com/orrerydb/orrery/internal/statement"
)

// maxServerMessage bounds a message that must be seen whole.
const maxServerMessage = 1 << 24

// pgStatement is one prepared text, as a client sent it.
type pgStatement struct {
	body []byte // query, NUL, parameter types: what follows the name in Parse
	plan *statement.Plan
}

// pgBackend is one connection to a PostgreSQL server.
type pgBackend struct {
	conn     net.Conn
	reader   *patientReader
	probe    *pool.Probe
	r        *stream.Reader
	w        *stream.Writer
	endpoint Endpoint
	pid, key uint32

	params    map[string]string // as the server reported them
	paramsKey string
	state     pgState
	unknown   bool
	// statements are the server's names by text and parameter types.
	statements map[string]*pgServerStatement
	unnamed    *pgStatement
	nextName   uint64
	clock      uint64
	epoch      int64
}

type pgServerStatement struct {
	name string
	used uint64
}

// pgState is a set of settings; immutable.
type pgState struct {
	vars map[string]string
	key  string
}

func newPGState(vars map[string]string) pgState {
	return pgState{vars: vars, key: stateKey(vars)}
}

func stateKey(vars map[string]string) string {
	return newMySQLState(vars).key
}

// patientReader reads a backend. A deadline interrupts it only where the
// reading code allows: between messages.
type patientReader struct {
	conn          net.Conn
	interruptible atomic.Bool
	ended         func() bool
}

func (p *patientReader) Read(buf []byte) (int, error) {
	for {
		n, err := p.conn.Read(buf)
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if p.interruptible.Load() || p.ended != nil && p.ended() {
			return 0, err
		}
		_ = p.conn.SetReadDeadline(time.Time{})
	}
}

func (b *pgBackend) Alive() bool { return b.r.Buffered() == 0 && b.probe.Alive() }

func (b *pgBackend) Close() error {
	_ = b.conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = b.conn.Write([]byte{'X', 0, 0, 0, 4})
	return b.conn.Close()
}

// message reads one whole message, valid until the next read.
func (b *pgBackend) message() (byte, []byte, error) {
	if err := b.r.Need(5); err != nil {
		return 0, nil, err
	}
	t := b.r.Bytes()[0]
	n, err := pgwire.Length(b.r.Bytes(), maxServerMessage)
	if err != nil {
		return 0, nil, err
	}
	if err := b.r.Need(5 + n); err != nil {
		return 0, nil, err
	}
	body := b.r.Bytes()[5 : 5+n]
	b.r.Advance(5 + n)
	return t, body, nil
}

// query runs the gateway's own statements and returns the last row's values;
// nil stands for NULL.
func (b *pgBackend) query(sql string) ([][]byte, error) {
	_ = b.conn.SetDeadline(time.Now().Add(replyTimeout))
	defer b.conn.SetDeadline(time.Time{})
	b.reader.interruptible.Store(true)
	defer b.reader.interruptible.Store(false)
	b.w.SetBuffer(pgwire.AppendMessage(b.w.Buffer(), 'Q', pgwire.AppendString(nil, sql)))
	if err := b.w.Flush(); err != nil {
		return nil, err
	}
	var row [][]byte
	var refused error
	for {
		t, body, err := b.message()
		if err != nil {
			return nil, err
		}
		switch t {
		case 'D':
			row = parseRow(body)
		case 'E':
			refused = pgwire.ParseError(body)
		case 'S':
			b.noteParameter(body)
		case 'Z':
			return row, refused
		}
	}
}

func parseRow(body []byte) [][]byte {
	if len(body) < 2 {
		return nil
	}
	row := make([][]byte, 0, binary.BigEndian.Uint16(body))
	body = body[2:]
	for len(body) >= 4 {
		n := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if n < 0 {
			row = append(row, nil)
			continue
		}
		if int(n) > len(body) {
			return row
		}
		row = append(row, append([]byte{}, body[:n]...))
		body = body[n:]
	}
	return row
}

func (b *pgBackend) noteParameter(body []byte) (name, value string) {
	name, rest, ok := pgwire.CString(body)
	if !ok {
		return "", ""
	}
	value, _, _ = pgwire.CString(rest)
	b.params[name] = value
	b.paramsKey = stateKey(b.params)
	return name, value
}

// forget drops what is known of the prepared statements.
func (b *pgBackend) forget() {
	clear(b.statements)
	b.unnamed = nil
}

// adopt brings the connection to the session's settings.
func (b *pgBackend) adopt(state pgState) error {
	if b.unknown {
		if _, err := b.query("DISCARD ALL"); err != nil {
			return err
		}
		b.forget()
		b.state, b.unknown = pgState{}, false
	}
	if b.state.key == state.key {
		return nil
	}
	var sql strings.Builder
	for _, name := range slices.Sorted(maps.Keys(b.state.vars)) {
		if _, ok := state.vars[name]; !ok {
			sql.WriteString("RESET " + quoteSetting(name) + ";")
		}
	}
	var calls []string
	role := ""
	for _, name := range slices.Sorted(maps.Keys(state.vars)) {
		value := state.vars[name]
		if old, ok := b.state.vars[name]; ok && old == value {
			continue
		}
		call := "set_config(" + quoteText(name) + "," + quoteText(value) + ",false)"
		if name == "role" {
			role = call // last: the role may not be allowed to set the others
			continue
		}
		calls = append(calls, call)
	}
	if role != "" {
		calls = append(calls, role)
	}
	if len(calls) > 0 {
		sql.WriteString("SELECT " + strings.Join(calls, ","))
	}
	b.unknown = true
	if _, err := b.query(sql.String()); err != nil {
		return err
	}
	b.state, b.unknown = state, false
	return nil
}

// quoteText writes a string that means the same in every session mode.
func quoteText(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func quoteSetting(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
	}
	return strings.Join(parts, ".")
}

// openPostgres dials and authenticates a backend connection.
func (s *Server) openPostgres(ctx context.Context, c *Credential, database string) (*pgBackend, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.ConnectTimeout)
	defer cancel()
	ep, err := s.config.Directory.Endpoint(ctx, c)
	if err != nil {
		return nil, err
	}
	conn, err := dialPostgres(ctx, ep)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	b := &pgBackend{
		conn: conn, probe: pool.NewProbe(below(conn)), endpoint: ep, params: map[string]string{},
		statements: map[string]*pgServerStatement{}, epoch: s.branch(c.Branch.ID).schemaEpoch.Load(),
		reader: &patientReader{conn: conn},
	}
	b.r, b.w = stream.NewReader(b.reader), stream.NewWriter(conn)
	b.reader.interruptible.Store(true)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = b.login(database)
	b.reader.interruptible.Store(false)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return b, nil
	}
	_ = conn.Close()
	if refused, ok := errors.AsType[*pgwire.Error](err); ok {
		return nil, refused
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// below returns the connection under TLS.
func below(conn net.Conn) net.Conn {
	for {
		switch c := conn.(type) {
		case *tls.Conn:
			conn = c.NetConn()
		case *prefixedConn:
			conn = c.Conn
		default:
			return conn
		}
	}
}

func dialPostgres(ctx context.Context, ep Endpoint) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, ep.Network, ep.Address)
	if err != nil || ep.TLS == nil {
		return conn, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	request := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 8}, pgwire.CodeSSL)
	var answer [1]byte
	if _, err = conn.Write(request); err == nil {
		_, err = conn.Read(answer[:])
	}
	if err == nil && answer[0] != 'S' {
		err = errors.New("the branch's server does not offer TLS")
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return tls.Client(conn, ep.TLS), nil
}

func (b *pgBackend) login(database string) error {
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	body = pgwire.AppendString(body, "user")
	body = pgwire.AppendString(body, b.endpoint.User)
	body = pgwire.AppendString(body, "database")
	body = pgwire.AppendString(body, database)
	body = append(body, 0)
	packet := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	if _, err := b.conn.Write(append(packet, body...)); err != nil {
		return err
	}
	var conversation *scram.ClientConversation
	for {
		t, body, err := b.message()
		if err != nil {
			return err
		}
		switch t {
		case 'E':
			return pgwire.ParseError(body)
		case 'R':
			if conversation, err = b.answer(body, conversation); err != nil {
				return err
			}
		case 'S':
			b.noteParameter(body)
		case 'K':
			if len(body) >= 8 {
				b.pid, b.key = binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
			}
		case 'Z':
			return nil
		}
	}
}

// answer is one step of the server's authentication.
func (b *pgBackend) answer(body []byte, c *scram.ClientConversation) (*scram.ClientConversation, error) {
	if len(body) < 4 {
		return nil, pgwire.ErrMalformed
	}
	kind, rest := binary.BigEndian.Uint32(body), body[4:]
	send := func(p []byte) error {
		_, err := b.conn.Write(pgwire.AppendMessage(nil, 'p', p))
		return err
	}
	switch kind {
	case 0:
		return c, nil
	case 3:
		return c, send(pgwire.AppendString(nil, b.endpoint.Password))
	case 5:
		if len(rest) < 4 {
			return nil, pgwire.ErrMalformed
		}
		inner := md5.Sum([]byte(b.endpoint.Password + b.endpoint.User))
		outer := md5.Sum(append([]byte(hex.EncodeToString(inner[:])), rest[:4]...))
		return c, send(pgwire.AppendString(nil, "md5"+hex.EncodeToString(outer[:])))
	case 10:
		if !bytes.Contains(rest, []byte("SCRAM-SHA-256\x00")) {
			return nil, errors.New("the branch's server offers no SCRAM-SHA-256")
		}
		client, err := scram.SHA256.NewClientUnprepped("", b.endpoint.Password, "")
		if err != nil {
			return nil, err
		}
		c = client.NewConversation()
		first, err := c.Step("")
		if err != nil {
			return nil, err
		}
		p := pgwire.AppendString(nil, "SCRAM-SHA-256")
		p = binary.BigEndian.AppendUint32(p, uint32(len(first)))
		return c, send(append(p, first...))
	case 11:
		if c == nil || tooManyIterations(string(rest)) {
			return nil, fmt.Errorf("%w: SCRAM", pgwire.ErrMalformed)
		}
		reply, err := c.Step(string(rest))
		if err != nil {
			return nil, err
		}
		return c, send([]byte(reply))
	case 12:
		if c == nil {
			return nil, pgwire.ErrMalformed
		}
		_, err := c.Step(string(rest))
		return c, err
	}
	return nil, fmt.Errorf("the branch's server asks for authentication method %d, which is not supported", kind)
}

// tooManyIterations protects from a server that would have us compute for ever.
func tooManyIterations(message string) bool {
	for part := range strings.SplitSeq(message, ",") {
		if n, ok := strings.CutPrefix(part, "i="); ok && (len(n) > 7 || len(n) == 7 && n > "1000000") {
			return true
		}
	}
	return false
}

// cancel sends a CancelRequest and waits until the server has taken it.
func (s *Server) cancel(ep Endpoint, pid, key uint32) error {
	ctx, stop := context.WithTimeout(s.lifetime, replyTimeout)
	defer stop()
	conn, err := dialPostgres(ctx, ep)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(replyTimeout))
	p := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 16}, pgwire.CodeCancel)
	p = binary.BigEndian.AppendUint32(p, pid)
	p = binary.BigEndian.AppendUint32(p, key)
	if _, err := conn.Write(p); err != nil {
		return err
	}
	_, _ = conn.Read(make([]byte, 1))
	return nil
}
