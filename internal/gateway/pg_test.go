package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func postgresFixture(t testing.TB, options ...option) *fixture {
	t.Helper()
	s := needPostgres(t)
	f := newFixture(t, Endpoint{Network: "unix", Address: s.socket, User: "app"}, options...)
	f.addPostgres("app")
	return f
}

func (f *fixture) pgURL(user, database, params string) string {
	if params == "" {
		params = "sslmode=disable"
	}
	return fmt.Sprintf("postgres://%s:%s@%s/%s?%s", user, testPassword, f.server.PostgresAddr(), database, params)
}

func (f *fixture) pg(params string) *pgx.Conn {
	f.t.Helper()
	c, err := pgx.Connect(ctx, f.pgURL("app.main", "app", params))
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = c.Close(ctx) })
	return c
}

func pgValue(t testing.TB, c *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	var v string
	require.NoError(t, c.QueryRow(ctx, sql, args...).Scan(&v))
	return v
}

func isPGError(t testing.TB, err error, code, contains string) {
	t.Helper()
	var e *pgconn.PgError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, e.Message)
	require.Contains(t, e.Message, contains)
}

func TestPostgresQueries(t *testing.T) {
	f := postgresFixture(t)
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			c := f.pg("sslmode=require&default_query_exec_mode=" + mode)
			_, err := c.Exec(ctx, "DROP TABLE IF EXISTS q1")
			require.NoError(t, err)
			_, err = c.Exec(ctx, "CREATE TABLE q1 (id int primary key, v text)")
			require.NoError(t, err)
			for i := range 5 {
				_, err = c.Exec(ctx, "INSERT INTO q1 VALUES ($1, $2)", i, fmt.Sprint("v", i))
				require.NoError(t, err)
			}
			require.Equal(t, "v3", pgValue(t, c, "SELECT v FROM q1 WHERE id = $1", 3))
			tx, err := c.Begin(ctx)
			require.NoError(t, err)
			_, err = tx.Exec(ctx, "DELETE FROM q1")
			require.NoError(t, err)
			require.Equal(t, 1, f.server.ActiveSessions(f.branch.ID))
			require.NoError(t, tx.Rollback(ctx))
			require.Equal(t, "5", pgValue(t, c, "SELECT count(*)::text FROM q1"))
			_, err = c.Exec(ctx, "SELECT * FROM missing")
			isPGError(t, err, "42P01", "missing")
			require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
			require.Zero(t, f.server.ActiveSessions(f.branch.ID))
		})
	}
}

func TestPostgresCopy(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	_, err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS copied (id int, v text)")
	require.NoError(t, err)
	rows := make([][]any, 5000)
	for i := range rows {
		rows[i] = []any{i, strings.Repeat("x", 100)}
	}
	n, err := c.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"id", "v"}, pgx.CopyFromRows(rows))
	require.NoError(t, err)
	require.EqualValues(t, 5000, n)
	var out strings.Builder
	tag, err := c.PgConn().CopyTo(ctx, &out, "COPY copied TO STDOUT")
	require.NoError(t, err)
	require.EqualValues(t, 5000, tag.RowsAffected())
	require.Equal(t, 5000, strings.Count(out.String(), "\n"))
	_, err = c.PgConn().CopyFrom(ctx, strings.NewReader("not a number\tx\n"), "COPY copied FROM STDIN")
	isPGError(t, err, "22P02", "invalid input syntax")
	require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
}

func TestPostgresPipeline(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	batch := &pgx.Batch{}
	for i := range 2000 {
		batch.Queue("SELECT $1::int, repeat('y', 500)", i)
	}
	r := c.SendBatch(ctx, batch)
	for i := range 2000 {
		var n int
		var s string
		require.NoError(t, r.QueryRow().Scan(&n, &s))
		require.Equal(t, i, n)
	}
	require.NoError(t, r.Close())

	// An error in the middle: what was before it has answers, and is undone.
	_, err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS piped (id int)")
	require.NoError(t, err)
	batch = &pgx.Batch{}
	batch.Queue("INSERT INTO piped VALUES (1)")
	batch.Queue("SELECT 1/0")
	batch.Queue("INSERT INTO piped VALUES (2)")
	err = c.SendBatch(ctx, batch).Close()
	isPGError(t, err, "22012", "division")
	require.Equal(t, "0", pgValue(t, c, "SELECT count(*)::text FROM piped"))
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func TestPostgresListen(t *testing.T) {
	f := postgresFixture(t)
	listener, sender := f.pg(""), f.pg("")
	_, err := listener.Exec(ctx, "LISTEN news")
	require.NoError(t, err)
	require.Equal(t, 1, f.server.ActiveSessions(f.branch.ID))
	_, err = sender.Exec(ctx, "NOTIFY news, 'hello'")
	require.NoError(t, err)
	n, err := listener.WaitForNotification(ctx)
	require.NoError(t, err)
	require.Equal(t, "hello", n.Payload)
	require.Equal(t, "1", pgValue(t, listener, "SELECT 1::text"))
	_, err = sender.Exec(ctx, "SELECT pg_notify('news', 'again')")
	require.NoError(t, err)
	n, err = listener.WaitForNotification(ctx)
	require.NoError(t, err)
	require.Equal(t, "again", n.Payload)
	_, err = listener.Exec(ctx, "UNLISTEN *")
	require.NoError(t, err)
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func TestPostgresCancel(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	go func() {
		for f.server.ActiveSessions(f.branch.ID) == 0 {
			time.Sleep(time.Millisecond)
		}
		_ = c.PgConn().CancelRequest(ctx)
	}()
	_, err := c.Exec(ctx, "SELECT pg_sleep(30)")
	isPGError(t, err, "57014", "canceling")
	require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
}

func TestPostgresSessionState(t *testing.T) {
	f := postgresFixture(t)
	f.addPostgres("app", func(c *Credential) { c.PoolSize = 1 })
	a, b := f.pg("sslmode=disable&application_name=a"), f.pg("sslmode=disable&application_name=b")
	_, err := a.Exec(ctx, "SET timezone = 'Asia/Tokyo'")
	require.NoError(t, err)
	_, err = a.Exec(ctx, "SET app.tenant = 'o''ne'")
	require.NoError(t, err)
	for range 3 {
		require.Equal(t, "Asia/Tokyo", pgValue(t, a, "SHOW timezone"))
		require.NotEqual(t, "Asia/Tokyo", pgValue(t, b, "SHOW timezone"))
		require.Equal(t, "o'ne", pgValue(t, a, "SELECT current_setting('app.tenant')"))
		require.Equal(t, "", pgValue(t, b, "SELECT coalesce(current_setting('app.tenant', true), '')"))
		require.Equal(t, "a", pgValue(t, a, "SHOW application_name"))
		require.Equal(t, "b", pgValue(t, b, "SHOW application_name"))
	}
	// A rolled back SET leaves nothing.
	tx, err := b.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "SET search_path = pg_catalog")
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(ctx))
	require.Equal(t, `"$user", public`, pgValue(t, b, "SHOW search_path"))
	_, err = a.Exec(ctx, "RESET ALL")
	require.NoError(t, err)
	require.NotEqual(t, "Asia/Tokyo", pgValue(t, a, "SHOW timezone"))
	require.Equal(t, "a", pgValue(t, a, "SHOW application_name"))
}

func TestPostgresBadLogin(t *testing.T) {
	f := postgresFixture(t)
	connect := func(user, password, database string) error {
		url := fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", user, password, f.server.PostgresAddr(), database)
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			_ = c.Close(ctx)
		}
		return err
	}
	isPGError(t, connect("app.main", "wrong", "app"), "28P01", "password authentication failed")
	isPGError(t, connect("nobody.main", "wrong", "app"), "28P01", "password authentication failed")
	isPGError(t, connect("app.gone", testPassword, "app"), "28000", "branch gone does not exist")
	isPGError(t, connect("app", testPassword, "app"), "28000", "username must include branch")
	isPGError(t, connect("app.main", testPassword, "absent"), "3D000", "does not exist")
	f.directory.asleep.Store(true)
	isPGError(t, connect("app.main", testPassword, "app"), "08006", "branch is missing or sleeping: "+f.branch.ID)
	f.directory.asleep.Store(false)
	require.NoError(t, connect("app.main", testPassword, "app"))
}

func TestPostgresSafeMigrations(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	_, err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS guarded (id int)")
	require.NoError(t, err)
	f.safe.Store(true)
	for _, q := range []string{
		"DROP TABLE guarded", "/* x */ drop table guarded", "SELECT 1; TRUNCATE guarded", "SELECT * INTO guarded2 FROM guarded",
		"DO $$ BEGIN EXECUTE 'DROP TABLE guarded'; END $$", "CALL p()", "CREATE TABLE x AS SELECT 1", "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1",
	} {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeDescribeExec} {
			if strings.Contains(q, ";") && mode != pgx.QueryExecModeSimpleProtocol {
				continue
			}
			_, err := c.Exec(ctx, q, mode)
			isPGError(t, err, "42501", "direct DDL is disabled")
		}
	}
	_, err = c.Exec(ctx, "CREATE TEMP TABLE scratch (id int)")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "INSERT INTO guarded VALUES (1)")
	require.NoError(t, err)
	// In a transaction the refusal fails it, as any error does.
	tx, err := c.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, "DROP TABLE guarded")
	isPGError(t, err, "42501", "direct DDL is disabled")
	_, err = tx.Exec(ctx, "SELECT 1")
	isPGError(t, err, "25P02", "aborted")
	require.NoError(t, tx.Rollback(ctx))
}
