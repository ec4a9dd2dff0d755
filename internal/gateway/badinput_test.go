package gateway

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/gateway/pgwire"
)

func dial(t testing.TB, address net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return c
}

// everything reads until the other side closes.
func everything(t testing.TB, c net.Conn) string {
	t.Helper()
	p, _ := io.ReadAll(c)
	return string(p)
}

func startup(parameters ...string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 3<<16)
	for _, p := range parameters {
		body = pgwire.AppendString(body, p)
	}
	body = append(body, 0)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...)
}

func TestPostgresMalformed(t *testing.T) {
	f := postgresFixture(t)
	for name, c := range map[string]struct {
		send []byte
		want string
	}{
		"huge length":     {[]byte{0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0}, "invalid length of startup packet"},
		"oversized":       {[]byte{0, 0x10, 0, 0, 0, 3, 0, 0}, "invalid length of startup packet"},
		"no end":          {[]byte{0, 0, 0, 12, 0, 3, 0, 0, 'a', 'b', 'c', 'd'}, "malformed"},
		"protocol 2":      {[]byte{0, 0, 0, 9, 0, 2, 0, 0, 0}, "unsupported frontend protocol 2.0"},
		"no user":         {startup("database", "x"), "no PostgreSQL user name"},
		"replication":     {startup("user", "app.main", "replication", "database"), "replication connections are not supported"},
		"second startup":  {append(startup("user", "app.main"), startup("user", "postgres.main")...), "expected SASL response"},
		"query before":    {append(startup("user", "app.main"), 'Q', 0, 0, 0, 5, 0), "expected SASL response"},
		"ssl then clear":  {append([]byte{0, 0, 0, 8, 4, 210, 22, 47}, startup("user", "app.main")...), "received unencrypted data after SSL request"},
		"sasl length":     {append(startup("user", "app.main"), "p\x7f\xff\xff\xffSCRAM-SHA-256\x00"...), "exceeds the limit"},
		"sasl short":      {append(startup("user", "app.main"), "p\x00\x00\x00\x16SCRAM-SHA-256\x00\xff\xff\xff\xff"...), "malformed SCRAM"},
		"sasl mechanism":  {append(startup("user", "app.main"), "p\x00\x00\x00\x0aOTHER\x00"...), "invalid SASL authentication mechanism"},
		"sasl no payload": {append(startup("user", "app.main"), "p\x00\x00\x00\x04"...), "invalid SASL authentication mechanism"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, f.server.PostgresAddr())
			_, err := conn.Write(c.send)
			require.NoError(t, err)
			require.Contains(t, everything(t, conn), c.want)
		})
	}
	// Nobody else noticed.
	require.Equal(t, "1", pgValue(t, f.pg(""), "SELECT 1::text"))
}

func TestPostgresSplitStartup(t *testing.T) {
	f := postgresFixture(t)
	conn := dial(t, f.server.PostgresAddr())
	for _, b := range startup("user", "app.main", "_pq_.x", "1") {
		_, err := conn.Write([]byte{b})
		require.NoError(t, err)
	}
	front := pgproto3.NewFrontend(conn, conn)
	m, err := front.Receive()
	require.NoError(t, err)
	require.IsType(t, &pgproto3.NegotiateProtocolVersion{}, m)
	m, err = front.Receive()
	require.NoError(t, err)
	require.IsType(t, &pgproto3.AuthenticationSASL{}, m)
}

func TestPostgresBadOptions(t *testing.T) {
	f := postgresFixture(t)
	for _, options := range []string{"-c=", "-c", "--=", "--", "x", `\`} {
		_, err := pgx.Connect(ctx, f.pgURL("app.main", "app", "sslmode=disable&options="+options))
		require.Error(t, err, options)
		require.NotContains(t, err.Error(), "timeout")
	}
	_, err := pgx.Connect(ctx, f.pgURL("app.main", "app", "sslmode=disable&options=-c%20no_such_thing%3D1"))
	isPGError(t, err, "42704", "no_such_thing")
	c := f.pg("sslmode=disable&options=-c%20search_path%3Dpg_catalog")
	require.Equal(t, "pg_catalog", pgValue(t, c, "SHOW search_path"))
}

func TestMySQLMalformed(t *testing.T) {
	f := mysqlFixture(t)
	for name, c := range map[string]struct {
		send []byte
		want string
	}{
		"short":     {[]byte{1, 0, 0, 1, 0}, "Bad handshake"},
		"oversized": {[]byte{0xff, 0xff, 0xff, 1}, "Bad handshake"},
		"old":       {append([]byte{32, 0, 0, 1}, make([]byte, 32)...), "protocol older than 4.1"},
		"no user":   {append([]byte{33, 0, 0, 1, 0, 2, 0, 0}, []byte(strings.Repeat("x", 29))...), "Bad handshake"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, f.server.MySQLAddr())
			_, err := conn.Write(c.send)
			require.NoError(t, err)
			require.Contains(t, everything(t, conn), c.want)
		})
	}
	require.Equal(t, "1", value(t, f.open("admin", "", ""), "SELECT 1"))
}

func TestHandshakeTimeout(t *testing.T) {
	f := newFixture(t, Endpoint{}, func(c *Config) { c.HandshakeTimeout = 20 * time.Millisecond })
	for _, address := range []net.Addr{f.server.MySQLAddr(), f.server.PostgresAddr()} {
		conn := dial(t, address)
		everything(t, conn)
	}
	eventually(t, func() bool { return f.server.Connections() == 0 })
}

func TestTooManyConnections(t *testing.T) {
	f := newFixture(t, Endpoint{}, func(c *Config) { c.MaxConnections = 1 })
	dial(t, f.server.MySQLAddr())
	eventually(t, func() bool { return f.server.Connections() == 1 })
	require.Contains(t, everything(t, dial(t, f.server.MySQLAddr())), "Too many connections")
	require.Contains(t, everything(t, dial(t, f.server.PostgresAddr())), "too many connections")
}

func TestPortInUse(t *testing.T) {
	f := newFixture(t, Endpoint{})
	second := New(Config{Directory: f.directory, PostgresAddress: f.server.PostgresAddr().String()})
	err := second.Start()
	require.ErrorContains(t, err, fmt.Sprintf("listen for PostgreSQL clients on %s", f.server.PostgresAddr()))
	require.ErrorContains(t, err, "address already in use")
}

func FuzzMySQLHandshake(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	r := mysqlwire.Response{Capabilities: serverFlags, User: "u", Auth: make([]byte, 32), Database: "d", Plugin: mysqlwire.CachingSHA2}
	f.Add(r.Append(nil))
	g := mysqlwire.Greeting{Version: "8", Nonce: make([]byte, 20), Plugin: mysqlwire.CachingSHA2}
	f.Add(g.Append(nil))
	f.Fuzz(func(t *testing.T, p []byte) {
		_, _ = mysqlwire.ParseResponse(p)
		_, _ = mysqlwire.ParseChangeUser(p, serverFlags)
		_, _ = mysqlwire.ParseGreeting(p)
		_, _, _ = mysqlwire.ParseAuthSwitch(p)
		_ = mysqlwire.ParseError(p)
		if ok, err := mysqlwire.ParseOK(p); err == nil {
			_ = mysqlwire.EachChange(ok.Changes, func(mysqlwire.ChangeType, []byte, []byte) {})
			ok.StripTracking(append([]byte{}, p...))
		}
		st := &clientStatement{params: 3}
		_, _ = bindTypes(append(make([]byte, 10), p...), st, &backendStatement{})
	})
}

func FuzzPostgresStartup(f *testing.F) {
	f.Add(startup("user", "a.b", "options", "-c a=b")[4:])
	f.Fuzz(func(t *testing.T, p []byte) {
		if s, err := pgwire.ParseStartup(p); err == nil {
			_, _ = settings(s)
		}
		_ = pgwire.ParseError(p)
		_, _ = pgwire.ParseVerifier(string(p))
		_ = parseRow(p)
		if len(p) >= 5 {
			_, _ = pgwire.Length(p, 1<<20)
		}
	})
}
