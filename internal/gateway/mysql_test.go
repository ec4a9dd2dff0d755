package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

var ctx = context.Background()

func TestMySQLQueries(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "multiStatements=true&interpolateParams=true")
	var one int
	require.NoError(t, c.QueryRowContext(ctx, "SELECT 1").Scan(&one))
	require.Equal(t, 1, one)
	_, err := c.ExecContext(ctx, "DROP TABLE IF EXISTS q1; CREATE TABLE q1 (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(50))")
	require.NoError(t, err)
	r, err := c.ExecContext(ctx, "INSERT INTO q1 (v) VALUES (?), (?)", "a", "it's")
	require.NoError(t, err)
	id, err := r.LastInsertId()
	require.NoError(t, err)
	require.EqualValues(t, 1, id)
	var last int
	require.NoError(t, c.QueryRowContext(ctx, "SELECT LAST_INSERT_ID()").Scan(&last))
	require.Equal(t, 1, last)
	rows, err := c.QueryContext(ctx, "SELECT v FROM q1 ORDER BY id; SELECT 42")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "it's"}, texts(t, rows))
	require.True(t, rows.NextResultSet())
	require.Equal(t, []string{"42"}, texts(t, rows))
	require.NoError(t, rows.Close())
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func texts(t testing.TB, rows *sql.Rows) []string {
	t.Helper()
	var all []string
	for rows.Next() {
		var v sql.NullString
		require.NoError(t, rows.Scan(&v))
		all = append(all, v.String)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestMySQLPrepared(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "")
	stmt, err := c.PrepareContext(ctx, "SELECT CONCAT(?, '-', ?)")
	require.NoError(t, err)
	for i := range 20 {
		var got string
		require.NoError(t, stmt.QueryRow(i, "x").Scan(&got))
		require.Equal(t, fmt.Sprintf("%d-x", i), got)
	}
	require.NoError(t, stmt.Close())
}

func TestMySQLSessionState(t *testing.T) {
	f := mysqlFixture(t)
	f.addMySQL("admin", Admin, func(c *Credential) { c.PoolSize = 1 })
	a, b := f.open("admin", "", ""), f.open("admin", "", "")
	run(t, a, "SET time_zone = '+09:00', sql_mode = 'NO_ZERO_DATE', max_execution_time = 12345")
	run(t, b, "SET NAMES utf8mb4 COLLATE utf8mb4_bin")
	for range 3 {
		require.Equal(t, "+09:00|NO_ZERO_DATE|12345", value(t, a, "SELECT CONCAT_WS('|', @@time_zone, @@sql_mode, @@max_execution_time)"))
		require.NotContains(t, value(t, b, "SELECT CONCAT_WS('|', @@time_zone, @@sql_mode)"), "+09:00")
		require.Equal(t, "utf8mb4_bin", value(t, b, "SELECT @@collation_connection"))
		require.Equal(t, "utf8mb4_general_ci", value(t, a, "SELECT @@collation_connection"))
	}
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func TestMySQLPinning(t *testing.T) {
	f := mysqlFixture(t)
	for _, c := range []struct{ pin, unpin string }{
		{"SET @a = 1", ""}, {"CREATE TEMPORARY TABLE tmp (id INT)", ""}, {"SELECT GET_LOCK('x', 1)", ""},
		{"BEGIN", "COMMIT"}, {"LOCK TABLES mysql.user READ", "UNLOCK TABLES"}, {"PREPARE s FROM 'SELECT 1'", ""},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT 1"},
	} {
		conn := f.open("admin", "", "")
		run(t, conn, c.pin)
		require.Equal(t, 1, f.server.ActiveSessions(f.branch.ID), c.pin)
		if c.unpin != "" {
			run(t, conn, c.unpin)
			require.Zero(t, f.server.ActiveSessions(f.branch.ID), c.unpin)
		}
		closeConn(conn)
		eventually(t, func() bool { return f.server.ActiveSessions(f.branch.ID) == 0 })
	}
	// What was pinned left nothing behind.
	conn := f.open("admin", "", "")
	require.Equal(t, "", value(t, conn, "SELECT COALESCE(@a, '')"))
	require.Equal(t, "1", value(t, conn, "SELECT IS_FREE_LOCK('x')"))
}

// closeConn closes the network connection, not only its place in sql.DB.
func closeConn(c *sql.Conn) {
	_ = c.Raw(func(driver any) error { return driver.(interface{ Close() error }).Close() })
}

// eventually waits for what the gateway does after a client has gone, which
// no signal tells.
func eventually(t testing.TB, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, 2*time.Millisecond)
}

func run(t testing.TB, c *sql.Conn, query string, args ...any) {
	t.Helper()
	_, err := c.ExecContext(ctx, query, args...)
	require.NoError(t, err, query)
}

func value(t testing.TB, c *sql.Conn, query string, args ...any) string {
	t.Helper()
	var v string
	require.NoError(t, c.QueryRowContext(ctx, query, args...).Scan(&v), query)
	return v
}

func TestMySQLVanishedClientRollsBack(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "")
	run(t, c, "CREATE TABLE IF NOT EXISTS vanish (id INT)")
	run(t, c, "BEGIN")
	run(t, c, "INSERT INTO vanish VALUES (1)")
	closeConn(c)
	eventually(t, func() bool { return f.server.ActiveSessions(f.branch.ID) == 0 })
	require.Equal(t, "0", value(t, f.open("admin", "", ""), "SELECT COUNT(*) FROM vanish"))
}

func TestMySQLDatabases(t *testing.T) {
	f := mysqlFixture(t)
	require.Equal(t, "ks1", value(t, f.open("admin", "", ""), "SELECT DATABASE()"))
	f.branch.Keyspaces = func() []string { return []string{"ks1", "ks2"} }
	require.Equal(t, "", value(t, f.open("admin", "", ""), "SELECT COALESCE(DATABASE(), '')"))
	require.Equal(t, "ks2", value(t, f.open("admin", "ks2", ""), "SELECT DATABASE()"))
	require.Equal(t, "ks2", value(t, f.open("admin", "ks2@primary", ""), "SELECT DATABASE()"))
	c := f.open("admin", "ks1", "")
	run(t, c, "USE ks2")
	require.Equal(t, "ks2", value(t, c, "SELECT DATABASE()"))
	_, err := c.ExecContext(ctx, "USE absent")
	isMySQLError(t, err, 1049, "Unknown database 'absent'")
	require.Equal(t, "ks2", value(t, c, "SELECT DATABASE()"))
	_, err = f.tryOpen("admin", testPassword, "absent")
	isMySQLError(t, err, 1049, "Unknown database 'absent'")
	r := f.open("admin", "@replica", "")
	_, err = r.ExecContext(ctx, "CREATE TABLE x (id INT)")
	isMySQLError(t, err, 1290, "--read-only")
	f.addMySQL("bound", Admin, func(c *Credential) { c.Keyspace = "ks2" })
	require.Equal(t, "ks2", value(t, f.open("bound", "", ""), "SELECT DATABASE()"))
	_, err = f.tryOpen("bound", testPassword, "ks1")
	isMySQLError(t, err, 1044, "bound to keyspace 'ks2'")
}

func (f *fixture) tryOpen(user, password, database string) (*sql.Conn, error) {
	db, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/%s", user, password, f.server.MySQLAddr(), database))
	require.NoError(f.t, err)
	f.t.Cleanup(func() { db.Close() })
	return db.Conn(ctx)
}

func TestMySQLBadLogin(t *testing.T) {
	f := mysqlFixture(t)
	_, err := f.tryOpen("admin", "wrong", "")
	isMySQLError(t, err, 1045, "Access denied for user 'admin'@'127.0.0.1' (using password: YES)")
	_, err = f.tryOpen("nobody", "wrong", "")
	isMySQLError(t, err, 1045, "Access denied for user 'nobody'@")
	_, err = f.tryOpen("admin", "", "")
	isMySQLError(t, err, 1045, "using password: NO")
	f.addMySQL("far", Admin, func(c *Credential) { c.CIDRs = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	_, err = f.tryOpen("far", testPassword, "")
	isMySQLError(t, err, 1045, "127.0.0.1 is not in the password's list")
	f.directory.asleep.Store(true)
	_, err = f.tryOpen("admin", testPassword, "")
	isMySQLError(t, err, 1105, "not_found: branch is missing or sleeping: "+f.branch.ID)
	f.directory.asleep.Store(false)
	f.open("admin", "", "tls=skip-verify")
	f.addMySQL("old", Admin, func(c *Credential) { c.SHA256Hash = [32]byte{} })
	f.open("old", "", "tls=skip-verify")
	f.open("old", "", "")
}

func TestMySQLRevokedAndKilled(t *testing.T) {
	f := mysqlFixture(t)
	f.addMySQL("gone", ReadWriter)
	c := f.open("gone", "", "")
	close(f.revoke["gone"])
	eventually(t, func() bool { return f.server.Connections() == 0 })
	_, err := c.ExecContext(ctx, "SELECT 1")
	require.Error(t, err)

	victim, killer := f.open("admin", "", ""), f.open("admin", "", "")
	done := make(chan error, 1)
	go func() {
		_, err := victim.ExecContext(ctx, "SELECT SLEEP(30) FROM (SELECT 1) x WHERE 1/0 IS NULL")
		done <- err
	}()
	var target uint32
	eventually(t, func() bool {
		f.server.sessions.each(func(s *session) {
			s.backendMu.Lock()
			if s.backendID != 0 {
				target = s.id
			}
			s.backendMu.Unlock()
		})
		return target != 0
	})
	// The statement may not have begun: KILL QUERY then hits nothing, as it
	// would directly.
	var killed error
	eventually(t, func() bool {
		run(t, killer, fmt.Sprintf("KILL QUERY %d", target))
		select {
		case killed = <-done:
			return true
		default:
			return false
		}
	})
	if killed != nil { // SLEEP may return 1 instead of failing
		isMySQLError(t, killed, 1317, "interrupted")
	}
	require.Equal(t, "1", value(t, victim, "SELECT 1"))
	_, err = killer.ExecContext(ctx, "KILL 12345")
	isMySQLError(t, err, 1094, "Unknown thread id: 12345")
}

func TestMySQLSafeMigrations(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "multiStatements=true")
	run(t, c, "CREATE TABLE IF NOT EXISTS guarded (id INT)")
	late, err := c.PrepareContext(ctx, "ALTER TABLE guarded ADD COLUMN IF_ INT")
	require.NoError(t, err)
	f.safe.Store(true)
	for _, q := range []string{
		"DROP TABLE guarded", "/*!99999 DROP TABLE guarded */", "/* x */ drop table guarded", "SELECT 1; TRUNCATE guarded",
		"PREPARE s FROM 'DROP TABLE guarded'", "CALL p()", "CREATE TABLE x SELECT 1", "OPTIMIZE TABLE guarded", "RENAME TABLE guarded TO g2",
	} {
		_, err := c.ExecContext(ctx, q)
		isMySQLError(t, err, 1105, "direct DDL is disabled")
		_, err = c.PrepareContext(ctx, q)
		isMySQLError(t, err, 1105, "direct DDL is disabled")
	}
	_, err = late.Exec()
	isMySQLError(t, err, 1105, "direct DDL is disabled")
	run(t, c, "SET sql_mode = 'NO_BACKSLASH_ESCAPES'")
	_, err = c.ExecContext(ctx, `SELECT '\'; DROP TABLE guarded; -- '`)
	isMySQLError(t, err, 1105, "direct DDL is disabled")
	run(t, c, "CREATE TEMPORARY TABLE scratch (id INT)")
	run(t, c, "INSERT INTO guarded VALUES (1)")
}

func TestMySQLRoles(t *testing.T) {
	f := mysqlFixture(t)
	run(t, f.open("admin", "", ""), "CREATE TABLE IF NOT EXISTS acl (id INT)")
	f.addMySQL("reader", Reader)
	f.addMySQL("writer", Writer)
	_, err := f.open("reader", "", "").ExecContext(ctx, "INSERT INTO acl VALUES (1)")
	isMySQLError(t, err, 1045, "Insert command denied to user 'reader' for table 'acl' (ACL check error) (CallerID: reader)")
	_, err = f.open("writer", "", "").QueryContext(ctx, "SELECT * FROM acl")
	isMySQLError(t, err, 1045, "Select command denied to user 'writer' for table 'acl'")
}

func TestMySQLBackendRestart(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "")
	tx := f.open("admin", "", "")
	require.Equal(t, "1", value(t, c, "SELECT 1"))
	run(t, tx, "BEGIN")
	run(t, tx, "SELECT 1")
	testMySQL.stop()
	testMySQL.run()
	direct := mustMySQL("root@unix(" + testMySQL.socket + ")/")
	defer direct.Close()
	waitFor(direct.Ping)
	require.Equal(t, "1", value(t, c, "SELECT 1"))
	_, err := tx.ExecContext(ctx, "SELECT 1")
	isMySQLError(t, err, 2013, "Lost connection to the branch's server")
}

func TestMySQLPoolTimeout(t *testing.T) {
	f := mysqlFixture(t, func(c *Config) { c.PoolWait = 20 * time.Millisecond })
	f.addMySQL("small", Admin, func(c *Credential) { c.PoolSize = 1 })
	a, b := f.open("small", "", ""), f.open("small", "", "")
	run(t, a, "BEGIN")
	_, err := b.ExecContext(ctx, "SELECT 1")
	isMySQLError(t, err, 1203, "all 1 are in use")
	run(t, a, "COMMIT")
	run(t, b, "SELECT 1")
}

func TestMySQLShutdownDrains(t *testing.T) {
	f := mysqlFixture(t)
	tx, idle := f.open("admin", "", ""), f.open("admin", "", "")
	run(t, tx, "BEGIN")
	done := make(chan error, 1)
	go func() { done <- f.server.Shutdown(context.Background()) }()
	eventually(t, func() bool { return f.server.Connections() == 1 })
	_, err := idle.ExecContext(ctx, "SELECT 1")
	require.Error(t, err)
	run(t, tx, "SELECT 1")
	run(t, tx, "COMMIT")
	require.NoError(t, <-done)
}

func TestMySQLLargePackets(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "maxAllowedPacket=0")
	big := strings.Repeat("x", 17<<20)
	require.Equal(t, fmt.Sprint(len(big)), value(t, c, "SELECT LENGTH(?)", big))
	require.Equal(t, big, value(t, c, "SELECT REPEAT('x', 17825792)"))
	require.Equal(t, "1", value(t, c, "SELECT 1"))
}

func TestMySQLLoadDataLocal(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "allowAllFiles=true")
	run(t, c, "DROP TABLE IF EXISTS loaded")
	run(t, c, "CREATE TABLE loaded (id INT, v TEXT)")
	mysql.RegisterReaderHandler("rows", func() io.Reader { return strings.NewReader("1\ta\n2\tb\n") })
	run(t, c, "LOAD DATA LOCAL INFILE 'Reader::rows' INTO TABLE loaded")
	require.Equal(t, "2", value(t, c, "SELECT COUNT(*) FROM loaded"))
}

// TestMySQLClientProgram runs the mysql program, which speaks with
// CLIENT_DEPRECATE_EOF and session tracking.
func TestMySQLClientProgram(t *testing.T) {
	f := mysqlFixture(t)
	host, port, err := net.SplitHostPort(f.server.MySQLAddr().String())
	require.NoError(t, err)
	for _, options := range [][]string{{"--ssl-mode=REQUIRED"}, {"--ssl-mode=DISABLED"}} {
		args := append([]string{"--no-defaults", "-h", host, "-P", port, "-u", "admin", "-N", "-B", "--local-infile=1"}, options...)
		out := runProgram(t, "SELECT 1; USE ks1; CREATE TABLE IF NOT EXISTS prog (id INT); SHOW TABLES LIKE 'prog'; SELECT DATABASE();\n",
			[]string{"MYSQL_PWD=" + testPassword}, filepath.Join(mysqlFolder(), "mysql"), append(args, "ks1")...)
		require.Equal(t, "1\nprog\nks1\n", out)
	}
}

func TestGoMySQLClient(t *testing.T) {
	f := mysqlFixture(t)
	conn, err := client.Connect(f.server.MySQLAddr().String(), "admin", testPassword, "ks1")
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Execute("CREATE TABLE IF NOT EXISTS gomysql (id INT, v VARCHAR(20))")
	require.NoError(t, err)
	_, err = conn.Execute("SELECT 1 FROM absent")
	require.Error(t, err)
	r, err := conn.Execute("SELECT 1, 'two'")
	require.NoError(t, err)
	v, err := r.GetString(0, 1)
	require.NoError(t, err)
	require.Equal(t, "two", v)
	st, err := conn.Prepare("SELECT ? + 1")
	require.NoError(t, err)
	for i := range 3 {
		r, err := st.Execute(i)
		require.NoError(t, err)
		n, err := r.GetInt(0, 0)
		require.NoError(t, err)
		require.EqualValues(t, i+1, n)
	}
	require.NoError(t, st.Close())
	fields, err := conn.FieldList("gomysql", "%")
	require.NoError(t, err)
	require.Len(t, fields, 2)
	require.NoError(t, conn.Ping())
	require.NoError(t, conn.UseDB("mysql"))
}

// TestMySQLSharedPrepared runs statements of many sessions over few backends.
func TestMySQLSharedPrepared(t *testing.T) {
	f := mysqlFixture(t)
	f.addMySQL("few", Admin, func(c *Credential) { c.PoolSize = 2 })
	db, err := sql.Open("mysql", f.dsn("few", "ks1", ""))
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(8)
	st, err := db.Prepare("SELECT CONCAT(?, ':', ?)")
	require.NoError(t, err)
	defer st.Close()
	var group errgroup.Group
	for w := range 8 {
		group.Go(func() error {
			for i := range 100 {
				var got string
				var arg any = i
				if i%2 == 0 {
					arg = fmt.Sprint(i) // the parameter's type changes
				}
				if err := st.QueryRow(w, arg).Scan(&got); err != nil {
					return err
				}
				if want := fmt.Sprintf("%d:%d", w, i); got != want {
					return fmt.Errorf("got %s, want %s", got, want)
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
}

// TestLongStatementsAreForgotten: a server keeps many times a statement's text
// for it, so what a connection keeps is bounded by text too.
func TestLongStatementsAreForgotten(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "interpolateParams=false")
	prepared := func() (count int) {
		var name string
		require.NoError(t, c.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'").Scan(&name, &count))
		return count
	}
	before := prepared()
	for i := range 40 {
		long := fmt.Sprintf("SELECT %d, %s", i, strings.TrimSuffix(strings.Repeat("?, ", 5000), ", "))
		st, err := c.PrepareContext(ctx, long)
		require.NoError(t, err)
		require.NoError(t, st.Close())
	}
	require.Less(t, prepared()-before, 15, "forty of 15 kB each are more than a connection keeps")
}
