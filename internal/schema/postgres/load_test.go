package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

func TestLoadLeavesOutOwnSchema(t *testing.T) {
	l := newLive(t)
	l.exec(`CREATE SCHEMA _orrery; CREATE TABLE _orrery.change (id int PRIMARY KEY); CREATE TABLE kept (id int PRIMARY KEY)`)
	require.Equal(t, []string{"public.kept"}, schema.ObjectNames(l.load().Keyspaces...))
}

func TestTableHoldsWhatBelongsToIt(t *testing.T) {
	l := newLive(t)
	l.exec(`CREATE TABLE t (id serial PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, n text DEFAULT 'x'); CREATE INDEX ON t (n);
		COMMENT ON SEQUENCE t_id_seq IS 's'; COMMENT ON INDEX t_n_idx IS 'i'; GRANT USAGE ON SEQUENCE t_id_seq TO PUBLIC; GRANT SELECT ON t TO PUBLIC`)
	require.Equal(t, []string{"public.t"}, schema.ObjectNames(l.load().Keyspaces...))
}

func TestNoScratchDatabaseStaysBehind(t *testing.T) {
	before := newLive(t)
	before.exec(`CREATE TYPE mood AS ENUM ('a', 'b')`)
	after := newLive(t)
	after.exec(`CREATE TYPE mood AS ENUM ('a')`)
	ancestor, wanted := before.load(), after.load()
	_, err := New().Diff(context.Background(), server, ancestor, wanted, ancestor)
	require.Error(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = New().Diff(ctx, server, ancestor, wanted, ancestor)
	require.Error(t, err)
	conn, err := connect(context.Background(), server, before.name)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var count int
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_database WHERE datname LIKE '\\_orrery\\_scratch%'").Scan(&count))
	require.Zero(t, count)
}

// A role that privileges name need not exist where the plan is made.
func TestRolesOfAnotherServer(t *testing.T) {
	empty := newLive(t).load()
	wanted := schema.Snapshot{Keyspaces: []schema.Keyspace{{Name: logical, Objects: []schema.Object{{
		Kind: schema.Table, Name: "public.t",
		SQL: "CREATE TABLE public.t (\n    id integer NOT NULL\n);\nGRANT SELECT ON TABLE public.t TO faraway;\n",
	}}}}}
	plan, err := New().Diff(context.Background(), server, empty, wanted, empty)
	require.NoError(t, err)
	require.Len(t, plan.Operations, 1)
	require.Contains(t, plan.Operations[0].Statement, "GRANT SELECT ON TABLE public.t TO faraway")
}

func TestApplyReportsTheServersWords(t *testing.T) {
	l := newLive(t)
	l.exec(users)
	err := New().Apply(context.Background(), server, schema.Operation{Keyspace: l.name, Table: "public.users", Kind: schema.Table, Name: "ALTER", Statement: "ALTER TABLE public.users ADD a int;\nALTER TABLE public.users ADD email text"})
	require.ErrorContains(t, err, `column "email" of relation "users" already exists`)
	require.NotContains(t, l.load().Keyspaces[0].Objects[0].SQL, "    a integer", "the first statement went with the second")
}

// Apply gives way to a transaction that holds the table, and goes on after it.
func TestApplyWaitsForATransaction(t *testing.T) {
	ctx := context.Background()
	l := newLive(t)
	l.exec(users)
	holder, err := connect(ctx, server, l.name)
	require.NoError(t, err)
	defer holder.Close(ctx)
	require.NoError(t, run(ctx, holder, "BEGIN; SELECT * FROM public.users"))
	done := make(chan error, 1)
	go func() {
		done <- New().Apply(ctx, server, schema.Operation{Keyspace: l.name, Table: "public.users", Kind: schema.Table, Name: "ALTER", Statement: "ALTER TABLE public.users ADD a int"})
	}()
	require.Eventually(t, func() bool {
		var waiting int
		err := holder.QueryRow(ctx, "SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waiting)
		return err == nil && waiting > 0
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, run(ctx, holder, "COMMIT"))
	require.NoError(t, <-done)
}

// A unique index over duplicates fails, and leaves no invalid index behind.
func TestFailedConcurrentIndexIsCleanedUp(t *testing.T) {
	l := newLive(t)
	l.exec(`CREATE TABLE d (id int PRIMARY KEY, v int); INSERT INTO d VALUES (1, 1), (2, 1)`)
	before := l.load()
	err := New().Apply(context.Background(), server, schema.Operation{Keyspace: l.name, Table: "public.d", Kind: schema.Table, Name: "ALTER", OutsideTransaction: true,
		Statement: "CREATE UNIQUE INDEX CONCURRENTLY u ON public.d USING btree (v)"})
	require.ErrorContains(t, err, "could not create unique index")
	require.Equal(t, before, l.load())
}

func TestLint(t *testing.T) {
	tests := []struct {
		name   string
		schema string
		allow  bool
		want   []string
	}{
		{name: "clean", schema: users},
		{name: "no key", schema: `CREATE TABLE t (id int)`, want: []string{"NO_UNIQUE_KEY"}},
		{name: "nullable unique", schema: `CREATE TABLE t (id int UNIQUE)`, want: []string{"NO_UNIQUE_KEY"}},
		{name: "unique not null", schema: `CREATE TABLE t (id int NOT NULL UNIQUE)`},
		{name: "unique index", schema: `CREATE TABLE t ("I d" int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX ON t ("I d", b)`},
		{name: "partial unique index", schema: `CREATE TABLE t (id int NOT NULL); CREATE UNIQUE INDEX ON t (id) WHERE id > 3`, want: []string{"NO_UNIQUE_KEY"}},
		{name: "expression index", schema: `CREATE TABLE t (id text NOT NULL); CREATE UNIQUE INDEX ON t (lower(id))`, want: []string{"NO_UNIQUE_KEY"}},
		{name: "foreign key", schema: users + `CREATE TABLE c (id int PRIMARY KEY, u bigint REFERENCES users)`, want: []string{"FOREIGN_KEYS_DISALLOWED"}},
		{name: "foreign key allowed", allow: true, schema: users + `CREATE TABLE c (id int PRIMARY KEY, u bigint REFERENCES users)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLive(t)
			l.exec(test.schema)
			found, err := New().Lint(context.Background(), l.load(), schema.LintOptions{AllowForeignKeys: test.allow})
			require.NoError(t, err)
			var codes []string
			for _, finding := range found {
				codes = append(codes, finding.Code)
			}
			require.Equal(t, test.want, codes)
		})
	}
}

func TestSplitStatements(t *testing.T) {
	text := "SELECT ';' AS \"a;b\"; -- c;\nSELECT $x$;$x$, E'\\';';\nCREATE FUNCTION f() RETURNS int\n    LANGUAGE sql\n    BEGIN ATOMIC\n SELECT 1;\n SELECT 2;\nEND;\nSELECT 1"
	require.Len(t, splitStatements(text), 4)
}
