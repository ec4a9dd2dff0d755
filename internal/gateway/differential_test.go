package gateway

import (
	"bytes"
	"database/sql"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jackc/pgx/v5"
)

// TestMySQLDifferential: a session sees through the gateway what it sees
// directly, while other sessions use the same two backends in between.
func TestMySQLDifferential(t *testing.T) {
	f := mysqlFixture(t)
	f.addMySQL("two", Admin, func(c *Credential) { c.PoolSize = 2 })
	f.branch.Keyspaces = func() []string { return []string{"ks1", "ks2"} }
	script := []string{
		"DROP TABLE IF EXISTS diff", "CREATE TABLE diff (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(10), n DECIMAL(10,2))",
		"INSERT INTO diff (v, n) VALUES ('a', 1.5), ('b', NULL)", "SELECT LAST_INSERT_ID()", "SELECT * FROM diff ORDER BY id",
		"INSERT INTO diff (v) VALUES ('c')", "SELECT LAST_INSERT_ID(), @@identity", "UPDATE diff SET n = 2 WHERE v = 'a'", "SELECT ROW_COUNT()",
		"INSERT IGNORE INTO diff (id, v) VALUES (1, 'dup')", "SHOW WARNINGS", "SELECT CAST('x' AS SIGNED)", "SHOW WARNINGS", "SELECT @@warning_count",
		"SELECT SQL_CALC_FOUND_ROWS * FROM diff LIMIT 1", "SELECT FOUND_ROWS()",
		"SET @x = 5", "SELECT @x + 1", "SET SESSION group_concat_max_len = 4", "SELECT GROUP_CONCAT(v ORDER BY id SEPARATOR '') FROM diff",
		"SET autocommit = 0", "INSERT INTO diff (v) VALUES ('d')", "ROLLBACK", "SELECT COUNT(*) FROM diff", "SET autocommit = 1",
		"BEGIN", "INSERT INTO diff (v) VALUES ('e')", "SAVEPOINT s", "DELETE FROM diff", "ROLLBACK TO s", "COMMIT", "SELECT COUNT(*) FROM diff",
		"SELECT * FROM absent", "SELECT 1/0", "INSERT INTO diff (id) VALUES (1)", "SELEC 1", "SET time_zone = '-03:00'", "SELECT @@time_zone",
		"SET NAMES latin1", "SELECT @@character_set_client, @@collation_connection", "SET NAMES utf8mb4", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
		"SELECT @@transaction_isolation", "USE ks2", "SELECT DATABASE()", "USE ks1", "CREATE TEMPORARY TABLE tt (id INT)", "INSERT INTO tt VALUES (7)", "SELECT * FROM tt",
		"PREPARE p FROM 'SELECT ? * 2'", "SET @a = 21", "EXECUTE p USING @a", "DEALLOCATE PREPARE p", "SELECT '' AS void, NULL AS nothing, 'ü' AS umlaut",
	}
	direct, err := sql.Open("mysql", "root@unix("+testMySQL.socket+")/ks1")
	require.NoError(t, err)
	defer direct.Close()
	through, err := sql.Open("mysql", f.dsn("two", "ks1", ""))
	require.NoError(t, err)
	defer through.Close()
	noise := f.open("two", "ks2", "")
	left, err := direct.Conn(ctx)
	require.NoError(t, err)
	var want, got []string
	for _, q := range script {
		want = append(want, q+" → "+answer(left, q))
	}
	require.NoError(t, left.Close())
	right, err := through.Conn(ctx)
	require.NoError(t, err)
	for i, q := range script {
		got = append(got, q+" → "+answer(right, q))
		run(t, noise, fmt.Sprintf("SET SESSION group_concat_max_len = %d", 100+i))
		run(t, noise, "DO 1")
	}
	require.Equal(t, strings.Join(want, "\n"), strings.Join(got, "\n"))
	require.NoError(t, right.Close())
}

// answer writes down everything that a client sees of a query.
func answer(c *sql.Conn, query string) string {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, column := range columns {
		fmt.Fprintf(&b, "%s %s|", column.Name(), column.DatabaseTypeName())
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(sql.NullString)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err.Error()
		}
		b.WriteByte('\n')
		for _, v := range values {
			fmt.Fprintf(&b, "%v|", *v.(*sql.NullString))
		}
	}
	if err := rows.Err(); err != nil {
		return b.String() + err.Error()
	}
	return b.String()
}

// TestPsqlDifferential runs one script by psql, directly and through the gateway.
func TestPsqlDifferential(t *testing.T) {
	f := postgresFixture(t)
	script := `
DROP TABLE IF EXISTS diff; CREATE TABLE diff (id serial primary key, v text, n numeric);
INSERT INTO diff (v, n) VALUES ('a', 1.5), ('b', NULL) RETURNING id;
SELECT * FROM diff ORDER BY id;
\copy diff (v) FROM stdin
x
y
\.
COPY diff TO STDOUT;
SELECT lastval();
BEGIN; SET LOCAL search_path = pg_catalog; SHOW search_path; COMMIT; SHOW search_path;
BEGIN; SELECT 1/0; SELECT 2; ROLLBACK;
SET timezone = 'Europe/Rome'; SELECT timestamptz '2026-01-01 00:00:00+00'; SET datestyle = 'german'; SELECT date '2026-02-03'; RESET datestyle; SHOW datestyle;
CREATE TEMP TABLE tt (id int); INSERT INTO tt VALUES (7); SELECT * FROM tt;
PREPARE p AS SELECT $1::int * 2; EXECUTE p(21); DEALLOCATE p;
BEGIN; DECLARE c CURSOR FOR SELECT generate_series(1, 5); FETCH 2 FROM c; CLOSE c; COMMIT;
DO $$ BEGIN RAISE NOTICE 'hello'; END $$;
SELECT * FROM absent; SELEC 1;
SELECT pg_advisory_lock(7), pg_advisory_unlock(7);
SET standard_conforming_strings = off; SELECT 'a\\b'; DISCARD ALL; SHOW standard_conforming_strings;
SELECT 1 AS a; SELECT 2 AS b \; SELECT 3 AS c;
SELECT $1 + 1 AS bound \bind 41 \g
`
	if old, err := exec.Command("psql", "--version").Output(); err == nil && strings.Contains(string(old), ") 15") {
		script = script[:strings.Index(script, `SELECT $1 + 1 AS bound`)] // \bind came with 16
	}
	psql := func(env ...string) string {
		c := exec.Command("psql", "-X", "-a")
		c.Env = append(c.Environ(), env...)
		c.Stdin = strings.NewReader(script)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		require.NoError(t, c.Run(), out.String())
		return out.String()
	}
	psql("PGHOST="+testPostgres.dir, "PGUSER=app", "PGDATABASE=app") // later runs find the table
	host, port, _ := strings.Cut(f.server.PostgresAddr().String(), ":")
	want := psql("PGHOST="+testPostgres.dir, "PGUSER=app", "PGDATABASE=app")
	for _, mode := range []string{"require", "disable"} {
		got := psql("PGHOST="+host, "PGPORT="+port, "PGUSER=app.main", "PGPASSWORD="+testPassword, "PGDATABASE=app", "PGSSLMODE="+mode)
		require.Equal(t, want, got)
	}
}

func TestPostgresBackendRestart(t *testing.T) {
	f := postgresFixture(t)
	c := f.pg("")
	tx := f.pg("")
	require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
	_, err := tx.Exec(ctx, "BEGIN")
	require.NoError(t, err)
	require.NoError(t, psqlDirect(testPostgres, "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"))
	require.Equal(t, "1", pgValue(t, c, "SELECT 1::text"))
	_, err = tx.Exec(ctx, "SELECT 1")
	require.Error(t, err)
}

func TestPostgresSharedPrepared(t *testing.T) {
	f := postgresFixture(t)
	f.addPostgres("app", func(c *Credential) { c.PoolSize = 1 })
	conns := []*pgx.Conn{f.pg(""), f.pg(""), f.pg("")}
	for i, c := range conns {
		_, err := c.Prepare(ctx, "same_name", fmt.Sprintf("SELECT %d + $1::int", i*100))
		require.NoError(t, err)
	}
	for i := range 30 {
		var n int
		require.NoError(t, conns[i%3].QueryRow(ctx, "same_name", i).Scan(&n))
		require.Equal(t, i%3*100+i, n)
	}
	_, err := conns[0].Exec(ctx, "DEALLOCATE same_name")
	require.NoError(t, err)
	_, err = conns[0].Exec(ctx, "SELECT 1")
	require.NoError(t, err)
	// A schema change that alters a result: told once, healed by preparing again.
	c := conns[1]
	_, err = c.Exec(ctx, "DROP TABLE IF EXISTS shape")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "CREATE TABLE shape (a int)")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "SELECT * FROM shape")
	require.NoError(t, err)
	_, err = c.Exec(ctx, "ALTER TABLE shape ADD b int")
	require.NoError(t, err)
	for range 3 {
		if _, err = c.Exec(ctx, "SELECT * FROM shape"); err == nil {
			break
		}
	}
	require.NoError(t, err)
}
