package statement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMySQLKinds(t *testing.T) {
	for text, want := range map[string]Kind{
		"select 1": Read, "(select 1) union (select 2)": Read, "with a as (select 1) select * from a": Read,
		"table t": Unknown, "values row(1)": Read,
		"insert into t values (1)": Write, "replace into t values (1)": Write, "update t set a = 1": Write,
		"delete from t": Write, "load data local infile 'x' into table t": Write,
		"begin": Transaction, "start transaction": Transaction, "commit": Transaction, "rollback": Transaction, "savepoint a": Transaction,
		"set names utf8mb4": Session, "use ks": Session, "show tables": Utility, "explain select 1": Utility,
		"alter user x identified by 'y'": Utility, "grant all on *.* to x": Utility, "nonsense here": Unknown,
		"create temporary table t (id int)": Write, "drop temporary table t": Write,
	} {
		p := Analyze(MySQL, text)
		require.Len(t, p.Statements, 1, text)
		require.Equal(t, want.String(), p.Statements[0].Kind.String(), text)
		require.False(t, p.HasDDL, text)
	}
}

// mysqlBypasses are attempts to run DDL unseen.
var mysqlBypasses = []string{
	"DROP TABLE t", "drop\ttable t", "/* x */ DROP TABLE t", "-- x\nDROP TABLE t", "# x\nDROP TABLE t", "--\nDROP TABLE t",
	"/*!DROP TABLE t*/", "/*!50000 DROP TABLE t */", "/*!080000 DROP TABLE t */", "/*!99999 DROP TABLE t */", "/*!40000 DROP*/ TABLE t",
	"/*!99999 SELECT 1 */ DROP TABLE t", "/*!999999 SELECT ' */ DROP TABLE t -- '", "/*!99999 SELECT 1; -- */ DROP TABLE t",
	"SELECT 1; DROP TABLE t", "SELECT ';'; DROP TABLE t", "SELECT \"'\"; DROP TABLE t -- '", "SELECT `'`; DROP TABLE t -- '",
	"SELECT 1 /*; */; DROP TABLE t", "SELECT 1 --x; DROP TABLE t\n;DROP TABLE t", ";;DROP TABLE t", "  ;  drop table t",
	"TRUNCATE t", "TRUNCATE TABLE t", "RENAME TABLE a TO b", "OPTIMIZE TABLE t", "ALTER TABLE t ADD c INT", "CREATE INDEX i ON t (c)",
	"CREATE TABLE a SELECT * FROM b", "CREATE TABLE a LIKE b", "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
	"CREATE PROCEDURE p() BEGIN DROP TABLE t; END", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DROP TABLE t", "CREATE DATABASE d", "DROP SCHEMA d",
	"CREATE FULLTEXT INDEX i ON t (c)", "ALTER TABLE t some syntax of tomorrow", "CREATE OR REPLACE VIEW v AS SELECT 1", "DROP TABLES t",
	"PREPARE s FROM 'DROP TABLE t'", "PREPARE s FROM '/*!DROP TABLE t*/'", "SET @a = 'DROP TABLE t'; PREPARE s FROM @a", "PREPARE s FROM @a",
	"CALL p()", "EXECUTE IMMEDIATE 'DROP TABLE t'", "SELECT 1\x00; DROP TABLE t", "IMPORT TABLE FROM 'x'", "INSTALL PLUGIN x SONAME 'y'",
	"SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\\'; DROP TABLE t; -- '",
	"/*!50000 SELECT 1 */; /*!50000 DROP TABLE t */", "SELECT 1 /*!99999 ; DROP TABLE t */", "SELECT '\\''; DROP TABLE t",
}

func TestMySQLBypasses(t *testing.T) {
	for _, text := range mysqlBypasses {
		p := Analyze(MySQL, text)
		require.True(t, p.HasDDL || p.HasOpaque, "%q: %+v", text, p.Statements)
	}
}

func TestMySQLNoDDL(t *testing.T) {
	for _, text := range []string{
		"SELECT 'DROP TABLE t'", "SELECT 1 -- ; DROP TABLE t", "SELECT 1 /* ; DROP TABLE t */", "INSERT INTO t VALUES ('; drop table t')",
		"SELECT `drop` FROM t", "SELECT 1 # ; drop table t", "/*!40101 SET NAMES utf8 */", "SELECT /*+ MAX_EXECUTION_TIME(1) */ 1",
		"SELECT 'a\\'; DROP TABLE t; -- '", "UPDATE t SET a = 'create' WHERE b = \"drop\"", "PREPARE s FROM 'SELECT ?'",
		"SELECT 1 --1", "INSERT INTO t VALUES ('\\\\'); SELECT 1",
	} {
		p := Analyze(MySQL, text)
		require.False(t, p.HasDDL || p.HasOpaque, "%q: %+v %+v", text, p.Statements, p.Alternatives)
	}
}

func TestMySQLTables(t *testing.T) {
	for text, want := range map[string]string{
		"select * from a join ks.b on a.id = b.id where x in (select y from c)": "[{ a false} {ks b false} { c false}]",
		"insert into a select * from b":                                         "[{ a true} { b false}]",
		"update a x join b on x.id = b.id set x.v = b.v":                        "[{ a true} { b false}]",
		"delete a from a join b on a.id = b.id":                                 "[{ a true} { b false}]",
		"with w as (select * from a) select * from w":                           "[{ a false}]",
		"drop table ks.a": "[{ks a true}]",
	} {
		require.Equal(t, want, fmt.Sprint(Analyze(MySQL, text).One().Tables), text)
	}
	require.True(t, Analyze(MySQL, "select * from a for update").One().Locking)
	require.True(t, Analyze(MySQL, "select * from a where x = (select y from b lock in share mode)").One().Locking)
}

func TestMySQLPins(t *testing.T) {
	for text, want := range map[string]Pin{
		"select 1": 0, "set @a = 1": PinUserVariable, "select @a := 1": PinUserVariable, "select 1 into @a": PinUserVariable,
		"select get_lock('a', 1)": PinAdvisoryLock, "lock tables t read": PinTableLock, "create temporary table t (id int)": PinTempTable,
		"prepare s from 'select 1'": PinPrepared, "set session sql_mode = ''": 0, "set timestamp = 1": PinSetting,
		"set transaction isolation level serializable": PinNextTxn, "xa start 'a'": PinTwoPhase, "call p()": PinOpaque,
	} {
		require.Equal(t, want, Analyze(MySQL, text).Pins, text)
	}
	require.True(t, Analyze(MySQL, "select last_insert_id()").NeedsPrevious)
	require.True(t, Analyze(MySQL, "show warnings").NeedsPrevious)
	require.Equal(t, "ks", Analyze(MySQL, "use ks").UseDatabase)
	kill := Analyze(MySQL, "kill query 7")
	require.EqualValues(t, 7, kill.KillID)
	require.True(t, kill.KillQuery)
}

// postgresBypasses are attempts to run DDL unseen.
var postgresBypasses = []string{
	"DROP TABLE t", "/* /* nested */ */ DROP TABLE t", "-- x\nDROP TABLE t", "SELECT 1; DROP TABLE t", "SELECT $$;$$; DROP TABLE t",
	"TRUNCATE t", "ALTER TABLE t ADD c int", "ALTER TABLE t RENAME TO u", "CREATE INDEX CONCURRENTLY i ON t (c)", "CREATE TABLE x AS SELECT 1",
	"SELECT * INTO x FROM t", "WITH a AS (SELECT 1) SELECT * INTO x FROM a", "DO $$ BEGIN DROP TABLE t; END $$", "CALL p()",
	"EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "CREATE TABLE x AS EXECUTE s", "CREATE MATERIALIZED VIEW m AS SELECT 1", "REFRESH MATERIALIZED VIEW m",
	"COMMENT ON TABLE t IS 'x'", "REINDEX TABLE t", "CLUSTER t", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", "DROP FUNCTION f",
	"CREATE SCHEMA s", "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y", "CREATE EXTENSION hstore", "CREATE DATABASE d", "ALTER SEQUENCE s RESTART",
	"CREATE TYPE e AS ENUM ('a')", "ALTER TYPE e ADD VALUE 'b'", "DROP OWNED BY x", "SECURITY LABEL ON TABLE t IS 'x'", "CREATE RULE r AS ON INSERT TO t DO NOTHING",
	"CREATE TABLE t2 (LIKE t) WITH (some syntax of tomorrow", "CREATE UNLOGGED TABLE t3 (id int)", "CREATE PUBLICATION p FOR ALL TABLES",
}

func TestPostgresBypasses(t *testing.T) {
	for _, text := range postgresBypasses {
		p := Analyze(Postgres, text)
		require.True(t, p.HasDDL || p.HasOpaque, "%q: %+v", text, p.Statements)
	}
}

func TestPostgresNoDDL(t *testing.T) {
	for text, kind := range map[string]Kind{
		"SELECT 'DROP TABLE t'": Read, "SELECT $$DROP TABLE t$$": Read, "CREATE TEMP TABLE x (id int)": Write, "DROP TABLE pg_temp.x": Write,
		"SELECT * INTO TEMP x FROM t": Write, "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d": Write, "COPY t FROM STDIN": Write, "COPY t TO STDOUT": Read,
		"EXPLAIN ANALYZE SELECT 1": Utility, "EXPLAIN ANALYZE DELETE FROM t": Write, "VACUUM t": Utility, "GRANT SELECT ON t TO u": Utility,
		"BEGIN": Transaction, "SET search_path = x": Session, "PREPARE s AS SELECT 1": Session, "EXECUTE s": Session, "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE": Write,
		"select nonsense nonsense nonsense": Unknown,
	} {
		p := Analyze(Postgres, text)
		require.False(t, p.HasDDL || p.HasOpaque, text)
		require.Equal(t, kind.String(), p.One().Kind.String(), text)
	}
}

func TestPostgresEffects(t *testing.T) {
	for text, want := range map[string]Pin{
		"SELECT 1": 0, "LISTEN x": PinListen, "CREATE TEMP TABLE x (id int)": PinTempTable, "SELECT pg_advisory_lock(1)": PinAdvisoryLock,
		"SELECT pg_advisory_xact_lock(1)": 0, "DECLARE c CURSOR WITH HOLD FOR SELECT 1": PinHoldCursor, "DECLARE c CURSOR FOR SELECT 1": 0,
		"PREPARE s AS SELECT 1": PinPrepared, "SELECT set_config($1, 'x', false)": PinSetting, "SELECT set_config('a.b', 'x', true)": 0,
		"CREATE TEMP TABLE x (id int) ON COMMIT DROP": 0, "SET SESSION AUTHORIZATION x": PinSetting,
	} {
		require.Equal(t, want, Analyze(Postgres, text).Pins, text)
	}
	require.Equal(t, []string{"search_path"}, Analyze(Postgres, "SET search_path = a, b").Settings)
	require.Empty(t, Analyze(Postgres, "SET LOCAL search_path = a").Settings)
	require.Equal(t, []string{"a.b"}, Analyze(Postgres, "SELECT set_config('a.b', 'x', false)").Settings)
	require.True(t, Analyze(Postgres, "DISCARD ALL").Discard)
	require.Equal(t, "*", Analyze(Postgres, "DEALLOCATE ALL").Deallocate)
}

func TestCacheIsBounded(t *testing.T) {
	c := NewCache(MySQL, 160, 1<<20)
	for i := range 5000 {
		c.Get(fmt.Appendf(nil, "SELECT %d", i))
	}
	require.LessOrEqual(t, c.Len(), 160)
	require.Same(t, c.Get([]byte("SELECT 4999")), c.Get([]byte("SELECT 4999")))
	text := []byte("SELECT 4999")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.Get(text) }))
}

func FuzzAnalyze(f *testing.F) {
	for _, text := range append(mysqlBypasses, postgresBypasses...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		Analyze(MySQL, text)
		Analyze(Postgres, text)
	})
}

func BenchmarkCacheGet(b *testing.B) {
	c := NewCache(MySQL, 1000, 1<<20)
	text := []byte("SELECT id, name, email FROM customers WHERE org_id = ? AND status = 'active' ORDER BY id LIMIT 20")
	c.Get(text)
	b.ReportAllocs()
	for b.Loop() {
		c.Get(text)
	}
}

func TestDeepNesting(t *testing.T) {
	for _, n := range []int{100, 1000, 3000, 1_000_000} {
		for _, pair := range [][2]string{{"(", ")"}, {"NOT ", ""}, {"- ", ""}, {"CASE WHEN ", ""}, {"(SELECT ", ")"}, {"ARRAY[", "]"}, {"/*", "*/"}} {
			text := "SELECT " + strings.Repeat(pair[0], n) + "1" + strings.Repeat(pair[1], n)
			Analyze(Postgres, text)
			Analyze(MySQL, text)
		}
	}
}
