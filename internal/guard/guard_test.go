package guard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/statement"
)

func TestRoles(t *testing.T) {
	const yes, no = true, false
	for _, c := range []struct {
		text                              string
		reader, writer, readWriter, admin bool
	}{
		{"SELECT * FROM t", yes, no, yes, yes},
		{"SELECT 1", yes, yes, yes, yes},
		{"SELECT @@version", yes, yes, yes, yes},
		{"SELECT * FROM t FOR UPDATE", no, no, yes, yes},
		{"INSERT INTO t VALUES (1)", no, yes, yes, yes},
		{"INSERT INTO t SELECT * FROM u", no, no, yes, yes},
		{"REPLACE INTO t VALUES (1)", no, yes, yes, yes},
		{"UPDATE t SET a = 1", no, yes, yes, yes},
		{"DELETE FROM t", no, yes, yes, yes},
		{"SELECT 1; DELETE FROM t", no, yes, yes, yes},
		{"LOAD DATA LOCAL INFILE 'x' INTO TABLE t", no, yes, yes, yes},
		{"CREATE TABLE t (id INT)", no, no, no, yes},
		{"TRUNCATE t", no, no, no, yes},
		{"CALL p()", no, no, no, yes},
		{"CREATE USER x", no, no, no, yes},
		{"GRANT ALL ON *.* TO x", no, no, no, yes},
		{"SET GLOBAL max_connections = 1", no, no, no, yes},
		{"SET SESSION sql_mode = ''", yes, yes, yes, yes},
		{"SELECT * FROM t INTO OUTFILE '/tmp/x'", no, no, no, yes},
		{"LOCK TABLES t WRITE", no, no, yes, yes},
		{"UNLOCK TABLES", yes, yes, yes, yes},
		{"BEGIN", yes, yes, yes, yes},
		{"SHOW TABLES", yes, yes, yes, yes},
		{"EXPLAIN SELECT * FROM t", yes, yes, yes, yes},
		{"EXPLAIN ANALYZE DELETE FROM t", no, yes, yes, yes},
		{"what is this", no, no, no, yes},
		{"PREPARE s FROM 'DELETE FROM t'", no, yes, yes, yes},
		{"PREPARE s FROM @x", no, no, no, yes},
		{"SELECT 1 /*!99999 ; DELETE FROM t */", no, yes, yes, yes},
	} {
		p := statement.Analyze(statement.MySQL, c.text)
		for role, want := range map[Role]bool{Reader: c.reader, Writer: c.writer, ReadWriter: c.readWriter, Admin: c.admin} {
			err := Judge(&Scope{User: "u", Role: role}, p)
			require.Equal(t, want, err == nil, "%s as %d: %v", c.text, role, err)
		}
	}
	err := Judge(&Scope{User: "u", Role: Writer}, statement.Analyze(statement.MySQL, "SELECT * FROM t"))
	require.Equal(t, &Error{Errno: 1045, SQLState: "28000", Message: "Select command denied to user 'u' for table 't' (ACL check error) (CallerID: u)"}, err)
}

func TestBoundKeyspace(t *testing.T) {
	s := &Scope{User: "u", Role: Admin, Keyspace: "ks1"}
	require.Nil(t, Judge(s, statement.Analyze(statement.MySQL, "SELECT * FROM t JOIN ks1.u USING (id)")))
	require.Nil(t, Judge(s, statement.Analyze(statement.MySQL, "SELECT * FROM information_schema.tables")))
	for _, text := range []string{"SELECT * FROM ks2.t", "SELECT 1; USE ks2; SELECT 2", "INSERT INTO t SELECT * FROM ks2.t"} {
		err := Judge(s, statement.Analyze(statement.MySQL, text))
		require.NotNil(t, err, text)
		require.EqualValues(t, 1044, err.Errno)
	}
}

func TestSafeMigrations(t *testing.T) {
	s := &Scope{User: "u", Role: Admin, Protected: true}
	err := Judge(s, statement.Analyze(statement.MySQL, "DROP TABLE t"))
	require.Equal(t, &Error{Errno: 1105, SQLState: "HY000", Message: "direct DDL is disabled"}, err)
	require.Nil(t, Judge(s, statement.Analyze(statement.MySQL, "CREATE TEMPORARY TABLE t (id INT)")))
	require.Nil(t, Judge(s, statement.Analyze(statement.MySQL, "INSERT INTO t VALUES (1)")))
	require.NotNil(t, Judge(s, statement.Analyze(statement.MySQL, "SET GLOBAL sql_mode = 'ANSI_QUOTES'")))
	trick := statement.Analyze(statement.MySQL, `SELECT '\'; DROP TABLE t; -- '`)
	require.Nil(t, Judge(s, trick))
	s.AmbiguousText = true
	require.NotNil(t, Judge(s, trick))
	s.Dialect = statement.Postgres
	err = Judge(s, statement.Analyze(statement.Postgres, "DROP TABLE t"))
	require.Equal(t, "42501", err.SQLState)
	require.Contains(t, err.Hint, "deploy request")
}

func TestJudgeDoesNotAllocate(t *testing.T) {
	p := statement.Analyze(statement.MySQL, "SELECT * FROM t WHERE id = 1")
	s := &Scope{User: "u", Role: Reader, Keyspace: "ks", Protected: true}
	require.Zero(t, testing.AllocsPerRun(100, func() { Judge(s, p) }))
}
