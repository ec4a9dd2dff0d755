package gateway

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
)

// raw logs in as a client whose every packet the test sees.
func (f *fixture) raw(user string, flags uint32) *mysqlBackend {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.server.MySQLAddr().String())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	b := &mysqlBackend{conn: conn, statements: map[statementKey]*backendStatement{}}
	require.NoError(f.t, b.login(Endpoint{Network: "tcp", User: user, Password: testPassword}, flags, "ks1"))
	return b
}

func packet(t testing.TB, b *mysqlBackend) []byte {
	t.Helper()
	p, err := b.packet()
	require.NoError(t, err)
	if len(p) > 0 && p[0] == mysqlwire.HeaderERR {
		require.NoError(t, mysqlwire.ParseError(p))
	}
	return p
}

// TestMySQLCursor fetches by COM_STMT_FETCH, with and without
// CLIENT_DEPRECATE_EOF.
func TestMySQLCursor(t *testing.T) {
	f := mysqlFixture(t)
	for _, flags := range []uint32{0, mysqlwire.ClientDeprecateEOF} {
		c := f.raw("admin", flags)
		id, err := c.prepare("SELECT 1 UNION SELECT 2 UNION SELECT 3")
		require.NoError(t, err)
		command := binary.LittleEndian.AppendUint32([]byte{mysqlwire.ComStmtExecute}, id)
		require.NoError(t, c.command(append(command, 1, 1, 0, 0, 0))) // a read-only cursor
		packet(t, c)                                                  // one column
		packet(t, c)
		end := packet(t, c)
		require.EqualValues(t, mysqlwire.HeaderEOF, end[0])
		require.Equal(t, 1, f.server.ActiveSessions(f.branch.ID), "an open cursor holds its backend")
		rows := 0
		for range 4 {
			fetch := binary.LittleEndian.AppendUint32([]byte{mysqlwire.ComStmtFetch}, id)
			require.NoError(t, c.command(append(fetch, 2, 0, 0, 0)))
			p := packet(t, c)
			for ; p[0] != mysqlwire.HeaderEOF; p = packet(t, c) {
				rows++
			}
			if rows == 3 {
				break
			}
		}
		require.Equal(t, 3, rows)
		c.closeStatement(id)
		require.NoError(t, c.simple([]byte{mysqlwire.ComPing}))
		eventually(t, func() bool { return f.server.ActiveSessions(f.branch.ID) == 0 })
	}
}

func TestMySQLResetAndChangeUser(t *testing.T) {
	f := mysqlFixture(t)
	f.addMySQL("other", Reader)
	c := f.raw("admin", mysqlwire.ClientDeprecateEOF)
	require.NoError(t, c.query("SET @a = 1, time_zone = '+05:00'"))
	require.Equal(t, 1, f.server.ActiveSessions(f.branch.ID))
	require.NoError(t, c.simple([]byte{mysqlwire.ComResetConnection}))
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
	v, err := c.value("SELECT CONCAT(@@time_zone, COALESCE(@a, ''))")
	require.NoError(t, err)
	require.Equal(t, "SYSTEM", v)
	require.NoError(t, c.query("DROP TABLE IF EXISTS change_user"))

	p := append([]byte{mysqlwire.ComChangeUser}, "other\x00\x00ks1\x00\xff\x00caching_sha2_password\x00"...)
	require.NoError(t, c.command(p))
	require.NoError(t, c.authenticate(testPassword, nil, false))
	require.ErrorContains(t, c.query("CREATE TABLE change_user (id INT)"), "DDL command denied to user 'other'")

	require.NoError(t, c.command(append([]byte{mysqlwire.ComChangeUser}, "nobody\x00\x00\x00\xff\x00caching_sha2_password\x00"...)))
	require.ErrorContains(t, c.authenticate(testPassword, nil, false), "Access denied for user 'nobody'")
}

func TestMySQLLongData(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "maxAllowedPacket=100000")
	big := strings.Repeat("z", 90_000)
	require.Equal(t, "180000", value(t, c, "SELECT LENGTH(CONCAT(?, ?))", big, big))
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func TestMySQLMalformedCommands(t *testing.T) {
	f := mysqlFixture(t)
	for _, p := range [][]byte{{}, {mysqlwire.ComStmtExecute, 1}, {mysqlwire.ComChangeUser, 'x'}, {mysqlwire.ComProcessKill}} {
		c := f.raw("admin", mysqlwire.ClientDeprecateEOF)
		require.Error(t, c.simple(p))
	}
	c := f.raw("admin", mysqlwire.ClientDeprecateEOF)
	require.ErrorContains(t, c.simple([]byte{0x7f}), "Unknown command")
	require.ErrorContains(t, c.simple([]byte{mysqlwire.ComStmtExecute, 9, 0, 0, 0, 0, 1, 0, 0, 0}), "Unknown prepared statement handler (9)")
	require.NoError(t, c.simple([]byte{mysqlwire.ComPing}))
}

// TestMySQLLateSafeMigrations: what SQL PREPARE took before protection began
// cannot run after.
func TestMySQLLateSafeMigrations(t *testing.T) {
	f := mysqlFixture(t)
	c := f.raw("admin", mysqlwire.ClientDeprecateEOF)
	require.NoError(t, c.query("PREPARE s FROM 'CREATE TABLE late (id INT)'"))
	f.safe.Store(true)
	require.ErrorContains(t, c.query("EXECUTE s"), "direct DDL is disabled")
}

// hijack logs in and gives the bare protocol.
func (f *fixture) hijack(params string) *pgproto3.Frontend {
	f.t.Helper()
	c, err := pgconn.Connect(ctx, f.pgURL("app.main", "app", params))
	require.NoError(f.t, err)
	h, err := c.Hijack()
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = h.Conn.Close() })
	return h.Frontend
}

// answers reads message types up to ReadyForQuery.
func answers(t testing.TB, front *pgproto3.Frontend) string {
	t.Helper()
	require.NoError(t, front.Flush())
	var b strings.Builder
	for {
		m, err := front.Receive()
		require.NoError(t, err)
		switch m := m.(type) {
		case *pgproto3.ParseComplete:
			b.WriteString("1")
		case *pgproto3.BindComplete:
			b.WriteString("2")
		case *pgproto3.CloseComplete:
			b.WriteString("3")
		case *pgproto3.DataRow:
			b.WriteString("D")
		case *pgproto3.CommandComplete:
			b.WriteString("C")
		case *pgproto3.ErrorResponse:
			b.WriteString("E" + m.Code)
		case *pgproto3.ReadyForQuery:
			return b.String() + "Z" + string(m.TxStatus)
		}
	}
}

func TestPostgresBatchOrder(t *testing.T) {
	f := postgresFixture(t)
	front := f.hijack("")
	for range 2 {
		front.Send(&pgproto3.Parse{Name: "s", Query: "SELECT 1"})
		front.Send(&pgproto3.Close{ObjectType: 'S', Name: "s"})
		front.Send(&pgproto3.Sync{})
		require.Equal(t, "13ZI", answers(t, front))
	}
	front.Send(&pgproto3.Parse{Name: "s", Query: "SELECT 1"})
	front.Send(&pgproto3.Parse{Name: "s", Query: "SELECT 2"})
	front.Send(&pgproto3.Parse{Name: "t", Query: "SELECT 2"})
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "1E42P05ZI", answers(t, front))
	front.Send(&pgproto3.Bind{PreparedStatement: "s"})
	front.Send(&pgproto3.Execute{})
	front.Send(&pgproto3.Bind{PreparedStatement: "t"})
	front.Send(&pgproto3.Execute{})
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "2DCE26000ZI", answers(t, front))
	// The unnamed statement outlives its batch, whichever backend comes next.
	front.Send(&pgproto3.Parse{Query: "SELECT 3"})
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "1ZI", answers(t, front))
	other := f.pg("")
	tx, err := other.Begin(ctx)
	require.NoError(t, err)
	front.Send(&pgproto3.Bind{})
	front.Send(&pgproto3.Execute{})
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "2DCZI", answers(t, front))
	require.NoError(t, tx.Rollback(ctx))
	front.Send(&pgproto3.CopyDone{})
	front.Send(&pgproto3.Query{String: "SELECT 1"})
	require.Equal(t, "DCZI", answers(t, front))
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "ZI", answers(t, front))
	// A refusal in a batch undoes what the batch did before it.
	front.Send(&pgproto3.Query{String: "CREATE TABLE IF NOT EXISTS undone (id int)"})
	require.Equal(t, "CZI", answers(t, front))
	f.safe.Store(true)
	front.Send(&pgproto3.Parse{Query: "INSERT INTO undone VALUES (1)"})
	front.Send(&pgproto3.Bind{})
	front.Send(&pgproto3.Execute{})
	front.Send(&pgproto3.Parse{Query: "DROP TABLE undone"})
	front.Send(&pgproto3.Bind{})
	front.Send(&pgproto3.Execute{})
	front.Send(&pgproto3.Sync{})
	require.Equal(t, "12CE42501ZI", answers(t, front))
	require.Equal(t, "0", pgValue(t, other, "SELECT count(*)::text FROM undone"))
}

func TestPostgresDirectTLS(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("sslmode=require&sslnegotiation=direct")
	require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
}

func TestPostgresReplicaSuffix(t *testing.T) {
	f := postgresFixture(t)
	c, err := pgconn.Connect(ctx, f.pgURL("app.main%7Creplica", "app", ""))
	require.NoError(t, err)
	defer c.Close(ctx)
	_, err = c.Exec(ctx, "CREATE TABLE nope (id int)").ReadAll()
	isPGError(t, err, "25006", "read-only")
}

func TestPostgresRevokedAndVanished(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	_, err := c.Exec(ctx, "BEGIN")
	require.NoError(t, err)
	require.NoError(t, c.PgConn().Conn().Close())
	eventually(t, func() bool { return f.server.ActiveSessions(f.branch.ID) == 0 })
	front := f.hijack("")
	close(f.revoke["app"])
	m, err := front.Receive()
	require.NoError(t, err)
	require.Contains(t, m.(*pgproto3.ErrorResponse).Message, "deleted or has expired")
}
