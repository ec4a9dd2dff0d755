package postgres

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

// acceptance is one deployment: what the ancestor had, what both sides then
// did, and what the plan has to be.
type acceptance struct {
	name     string
	ancestor string
	target   string
	branch   string
	want     []string
	// final: the change cannot be undone in place.
	final    bool
	conflict string
	fails    string // part of the error when no plan is possible
	check    func(t *testing.T, plan schema.Plan)
}

const users = `CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, name varchar(50), age int, labels jsonb NOT NULL DEFAULT '{}'); `

func instant(t *testing.T, plan schema.Plan) {
	for _, operation := range plan.Operations {
		require.True(t, operation.Instant, operation.Statement)
	}
}

func notInstant(t *testing.T, plan schema.Plan) { require.False(t, plan.Operations[0].Instant) }
func dropsData(t *testing.T, plan schema.Plan)  { require.True(t, plan.Operations[0].CanDropData) }
func keepsData(t *testing.T, plan schema.Plan) {
	for _, operation := range plan.Operations {
		require.False(t, operation.CanDropData, operation.Statement)
	}
}

var acceptances = []acceptance{
	{name: "nothing", ancestor: users, want: []string{}},
	{name: "create table", ancestor: users, branch: `CREATE TABLE t (id int PRIMARY KEY, n text DEFAULT 'a''b;c' CHECK (n <> ''), UNIQUE (n)); CREATE INDEX ON t (lower(n)); COMMENT ON TABLE t IS 'x'; COMMENT ON COLUMN t.n IS 'it''s'`, check: instant},
	{name: "drop table", ancestor: users, branch: `DROP TABLE users`, want: []string{"DROP TABLE public.users"}, final: true, check: dropsData},
	{name: "add column", ancestor: users, branch: `ALTER TABLE users ADD nick text NOT NULL DEFAULT 'x'`, check: instant,
		want: []string{"ALTER TABLE public.users\n    ADD COLUMN nick text DEFAULT 'x'::text NOT NULL"}},
	{name: "add column with volatile default", ancestor: users, branch: `ALTER TABLE users ADD ref uuid NOT NULL DEFAULT gen_random_uuid()`, check: notInstant},
	{name: "add column with stable default", ancestor: users, branch: `ALTER TABLE users ADD create_ts timestamptz NOT NULL DEFAULT now()`, check: instant},
	{name: "drop column", ancestor: users, branch: `ALTER TABLE users DROP name`, final: true, check: dropsData,
		want: []string{"ALTER TABLE public.users\n    DROP COLUMN name"}},
	{name: "drop column with its index", ancestor: users + `CREATE INDEX by_name ON users (name)`, branch: `ALTER TABLE users DROP name`, final: true},
	{name: "rename is drop and add", ancestor: users, branch: `ALTER TABLE users RENAME name TO title`, final: true,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Warnings, 1) }},
	{name: "renamed table", ancestor: users, branch: `ALTER TABLE users RENAME TO people`, final: true,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Warnings, 1) }},
	{name: "widen varchar", ancestor: users, branch: `ALTER TABLE users ALTER name TYPE varchar(80)`, final: true,
		check: func(t *testing.T, plan schema.Plan) { instant(t, plan); keepsData(t, plan) }},
	{name: "narrow varchar", ancestor: users, branch: `ALTER TABLE users ALTER name TYPE varchar(8)`, final: true, check: dropsData},
	{name: "int to bigint", ancestor: users, branch: `ALTER TABLE users ALTER age TYPE bigint`, final: true,
		check: func(t *testing.T, plan schema.Plan) { notInstant(t, plan); keepsData(t, plan) }},
	{name: "type with default", ancestor: users + `ALTER TABLE users ADD n text DEFAULT '7'`, branch: `ALTER TABLE users ALTER n DROP DEFAULT, ALTER n TYPE int USING n::int, ALTER n SET DEFAULT 8`, final: true, check: dropsData},
	{name: "numeric", ancestor: users + `ALTER TABLE users ADD n numeric(10,2)`, branch: `ALTER TABLE users ALTER n TYPE numeric(12,2)`, final: true, check: instant},
	{name: "collation", ancestor: users, branch: `ALTER TABLE users ALTER email TYPE text COLLATE "C"`, final: true},
	{name: "set not null", ancestor: users, branch: `ALTER TABLE users ALTER name SET NOT NULL`, check: notInstant},
	{name: "drop not null", ancestor: users, branch: `ALTER TABLE users ALTER email DROP NOT NULL`,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.RevertNotes, 1) }},
	{name: "set default", ancestor: users, branch: `ALTER TABLE users ALTER age SET DEFAULT 18`, check: instant},
	{name: "drop default", ancestor: users, branch: `ALTER TABLE users ALTER labels DROP DEFAULT`, check: instant},
	{name: "array and jsonb", ancestor: users, branch: `ALTER TABLE users ADD tags text[] NOT NULL DEFAULT ARRAY['a','b'], ADD meta jsonb DEFAULT '{"a": [1, 2]}'`},
	{name: "generated column", ancestor: users, branch: `ALTER TABLE users ADD g int GENERATED ALWAYS AS (age + 1) STORED`, check: notInstant},
	{name: "change generated column", ancestor: users + `ALTER TABLE users ADD g int GENERATED ALWAYS AS (age + 1) STORED`, branch: `ALTER TABLE users DROP g, ADD g int GENERATED ALWAYS AS (age + 2) STORED`, check: keepsData},
	{name: "drop generated column", ancestor: users + `ALTER TABLE users ADD g int GENERATED ALWAYS AS (age + 1) STORED`, branch: `ALTER TABLE users DROP g`, check: keepsData},
	{name: "drop expression", ancestor: users + `ALTER TABLE users ADD g int GENERATED ALWAYS AS (age + 1) STORED`, branch: `ALTER TABLE users ALTER g DROP EXPRESSION`, check: keepsData},
	{name: "serial column", ancestor: users, branch: `ALTER TABLE users ADD n serial`, check: notInstant},
	{name: "drop serial column", ancestor: users + `ALTER TABLE users ADD n serial`, branch: `ALTER TABLE users DROP n`, final: true},
	{name: "serial becomes plain", ancestor: users + `ALTER TABLE users ADD n serial`, branch: `ALTER TABLE users ALTER n DROP DEFAULT; DROP SEQUENCE users_n_seq`},
	{name: "identity column", ancestor: users, branch: `ALTER TABLE users ADD n int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 2)`, check: notInstant},
	{name: "add identity", ancestor: users, branch: `ALTER TABLE users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY`},
	{name: "change identity", ancestor: users + `ALTER TABLE users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY`, branch: `ALTER TABLE users ALTER id SET GENERATED ALWAYS SET INCREMENT 3 SET MAXVALUE 900`},
	{name: "drop identity", ancestor: users + `ALTER TABLE users ALTER id ADD GENERATED BY DEFAULT AS IDENTITY`, branch: `ALTER TABLE users ALTER id DROP IDENTITY`},
	{name: "add index", ancestor: users, branch: `CREATE INDEX by_email ON users (email)`,
		want: []string{"CREATE INDEX CONCURRENTLY by_email ON public.users USING btree (email)"},
		check: func(t *testing.T, plan schema.Plan) {
			require.True(t, plan.Operations[0].OutsideTransaction)
			require.False(t, plan.Operations[0].Instant)
		}},
	{name: "unique partial expression include index", ancestor: users, branch: `CREATE UNIQUE INDEX u ON users (lower(email), age DESC NULLS LAST) INCLUDE (name) NULLS NOT DISTINCT WHERE age > 3; COMMENT ON INDEX u IS 'u'`},
	{name: "gin index", ancestor: users, branch: `CREATE INDEX g ON users USING gin (labels jsonb_path_ops) WITH (fastupdate = off)`},
	{name: "index on a new column", ancestor: users, branch: `ALTER TABLE users ADD x int; CREATE INDEX ON users (x)`},
	{name: "change index", ancestor: users + `CREATE INDEX i ON users (email)`, branch: `DROP INDEX i; CREATE INDEX i ON users (email, name)`},
	{name: "drop index", ancestor: users + `CREATE INDEX i ON users (email)`, branch: `DROP INDEX i`, want: []string{"DROP INDEX IF EXISTS public.i"}, check: instant},
	{name: "drop unique index", ancestor: users + `CREATE UNIQUE INDEX i ON users (email)`, branch: `DROP INDEX i`,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.RevertNotes, 1) }},
	{name: "unique constraint", ancestor: users, branch: `ALTER TABLE users ADD CONSTRAINT u UNIQUE (email, name) DEFERRABLE INITIALLY DEFERRED; COMMENT ON CONSTRAINT u ON users IS 'u'`, check: notInstant},
	{name: "drop unique constraint", ancestor: users + `ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)`, branch: `ALTER TABLE users DROP CONSTRAINT u`},
	{name: "exclusion constraint", ancestor: `CREATE TABLE r (id int PRIMARY KEY, during tstzrange)`, branch: `ALTER TABLE r ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&)`},
	{name: "add check", ancestor: users, branch: `ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18)`, check: notInstant},
	{name: "check with a list", ancestor: users, branch: `ALTER TABLE users ADD CONSTRAINT named CHECK (name IN ('a', 'b,c', 'd)'))`},
	{name: "change check", ancestor: users + `ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18)`, branch: `ALTER TABLE users DROP CONSTRAINT adult, ADD CONSTRAINT adult CHECK (age >= 21)`},
	{name: "check not valid", ancestor: users, branch: `ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18) NOT VALID`, check: instant},
	{name: "primary key", ancestor: `CREATE TABLE p (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a))`, branch: `ALTER TABLE p DROP CONSTRAINT p_pkey, ADD PRIMARY KEY (b, a)`},
	{name: "foreign keys", ancestor: users, branch: `CREATE TABLE a_child (id int PRIMARY KEY, u bigint REFERENCES users ON DELETE CASCADE); CREATE TABLE z (id int PRIMARY KEY); ALTER TABLE a_child ADD z int REFERENCES z; ALTER TABLE z ADD c int REFERENCES a_child`},
	{name: "drop foreign key", ancestor: users + `CREATE TABLE c (id int PRIMARY KEY, u bigint REFERENCES users)`, branch: `ALTER TABLE c DROP CONSTRAINT c_u_fkey`},
	{name: "drop tables with foreign keys", ancestor: users + `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a)`, branch: `DROP TABLE b; DROP TABLE a`, final: true},
	{name: "comments", ancestor: users + `COMMENT ON TABLE users IS 'a'`, branch: `COMMENT ON TABLE users IS 'b -- c'; COMMENT ON COLUMN users.age IS 'years; old'`, check: instant},
	{name: "remove comment", ancestor: users + `COMMENT ON COLUMN users.age IS 'a'`, branch: `COMMENT ON COLUMN users.age IS NULL`},
	{name: "storage parameters", ancestor: users + `ALTER TABLE users SET (autovacuum_enabled = off)`, branch: `ALTER TABLE users SET (fillfactor = 70); ALTER TABLE users RESET (autovacuum_enabled)`},
	{name: "unlogged", ancestor: users, branch: `ALTER TABLE users SET UNLOGGED`, check: notInstant},
	{name: "statistics", ancestor: users, branch: `ALTER TABLE users ALTER email SET STATISTICS 500; CREATE STATISTICS s (dependencies) ON age, name FROM users`},
	{name: "replica identity", ancestor: users, branch: `ALTER TABLE users REPLICA IDENTITY FULL`},
	{name: "enum type", ancestor: users, branch: `CREATE TYPE mood AS ENUM ('sad', 'it''s, ok'); ALTER TABLE users ADD mood mood DEFAULT 'sad'`},
	{name: "enum values", ancestor: `CREATE TYPE mood AS ENUM ('b', 'd'); CREATE TABLE m (id int PRIMARY KEY, mood mood)`, branch: `ALTER TYPE mood ADD VALUE 'a' BEFORE 'b'; ALTER TYPE mood ADD VALUE 'c' BEFORE 'd'; ALTER TYPE mood ADD VALUE 'e'`, final: true},
	{name: "new enum value as default", ancestor: `CREATE TYPE mood AS ENUM ('b'); CREATE TABLE m (id int PRIMARY KEY, mood mood)`, branch: `ALTER TYPE mood ADD VALUE 'c'; COMMIT; ALTER TABLE public.m ALTER mood SET DEFAULT 'c'`, final: true},
	{name: "drop enum value", ancestor: `CREATE TYPE mood AS ENUM ('a', 'b')`, branch: `DROP TYPE mood; CREATE TYPE mood AS ENUM ('a')`, fails: "values of an enum cannot be removed"},
	{name: "composite type", ancestor: users, branch: `CREATE TYPE pair AS (a int, b text); CREATE TABLE p (id int PRIMARY KEY, v pair)`},
	{name: "change unused composite type", ancestor: `CREATE TYPE pair AS (a int, b text)`, branch: `ALTER TYPE pair ADD ATTRIBUTE c int`},
	{name: "domain", ancestor: users, branch: `CREATE DOMAIN uid AS text DEFAULT 'x' NOT NULL CHECK (VALUE ~ '^prd_'); ALTER TABLE users ADD uid uid`},
	{name: "change domain", ancestor: `CREATE DOMAIN uid AS text CONSTRAINT c CHECK (VALUE <> ''); CREATE TABLE t (id uid PRIMARY KEY)`,
		branch: `ALTER DOMAIN uid DROP CONSTRAINT c; ALTER DOMAIN uid ADD CONSTRAINT d CHECK (VALUE ~ 'x'); ALTER DOMAIN uid SET DEFAULT 'x'; ALTER DOMAIN uid SET NOT NULL`},
	{name: "text to domain", ancestor: users + `CREATE DOMAIN uid AS text`, branch: `ALTER TABLE users ALTER email TYPE uid`, final: true},
	{name: "sequence", ancestor: users, branch: `CREATE SEQUENCE s START 7`},
	{name: "change sequence", ancestor: `CREATE SEQUENCE s`, branch: `ALTER SEQUENCE s INCREMENT 5 CYCLE MAXVALUE 1000`},
	{name: "drop sequence", ancestor: `CREATE SEQUENCE s`, branch: `DROP SEQUENCE s`, final: true},
	{name: "extension", ancestor: users, branch: `CREATE EXTENSION citext; ALTER TABLE users ADD c citext`},
	{name: "namespace", ancestor: users, branch: `CREATE SCHEMA sales; CREATE TABLE sales."Odd Table" ("a b" int PRIMARY KEY, "select" text); CREATE INDEX "odd index" ON sales."Odd Table" ("select")`},
	{name: "odd names on a live table", ancestor: `CREATE TABLE "Odd Table" ("a b" int PRIMARY KEY)`, branch: `ALTER TABLE "Odd Table" ADD "C d" text DEFAULT 'x'; CREATE INDEX "I i" ON "Odd Table" ("C d"); COMMENT ON COLUMN "Odd Table"."C d" IS 'x'`},
	{name: "function", ancestor: users, branch: `CREATE FUNCTION f(a int, b text DEFAULT 'x;y') RETURNS int LANGUAGE plpgsql AS $$ BEGIN; RETURN 1; END $$; COMMENT ON FUNCTION f IS 'f'`},
	{name: "standard function body", ancestor: users, branch: `CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT 1; SELECT count(*) FROM users; END`},
	{name: "change function", ancestor: `CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`, branch: `CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 2'`, check: instant},
	{name: "change result type", ancestor: `CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'`, branch: `DROP FUNCTION f; CREATE FUNCTION f(a int) RETURNS text LANGUAGE sql AS 'SELECT ''a'''`},
	{name: "overloaded functions", ancestor: `CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1'`, branch: `DROP FUNCTION f(text)`},
	{name: "function of a table", ancestor: users, branch: `CREATE TABLE t (id int PRIMARY KEY); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'`},
	{name: "procedure and aggregate", ancestor: users, branch: `CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int)`},
	{name: "trigger", ancestor: users, branch: `CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; CREATE TRIGGER tr BEFORE UPDATE OF name, age ON users FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION tf()`},
	{name: "change trigger", ancestor: users + `CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; CREATE TRIGGER tr BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tf()`,
		branch: `DROP TRIGGER tr ON users; CREATE TRIGGER tr AFTER INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION tf(); ALTER TABLE users DISABLE TRIGGER tr`},
	{name: "row security", ancestor: users, branch: `ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own ON users FOR SELECT TO pg_read_all_data USING (age > 3)`},
	{name: "drop row security", ancestor: users + `ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own ON users USING (age > 3)`, branch: `DROP POLICY own ON users; ALTER TABLE users DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY`},
	{name: "privileges", ancestor: users, branch: `GRANT SELECT, INSERT ON users TO pg_monitor; GRANT UPDATE (name) ON users TO PUBLIC; CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f FROM PUBLIC`},
	{name: "rule", ancestor: users, branch: `CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING`},
	{name: "views on views", ancestor: users, branch: `CREATE VIEW z AS SELECT id, email FROM users; CREATE VIEW a AS SELECT id FROM z`},
	{name: "view gets a column", ancestor: users + `CREATE VIEW v AS SELECT id FROM users; CREATE VIEW w AS SELECT id FROM v`, branch: `CREATE OR REPLACE VIEW v AS SELECT id, email FROM users`,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Operations, 1); instant(t, plan) }},
	{name: "view loses a column", ancestor: users + `CREATE VIEW v AS SELECT id, email FROM users; CREATE VIEW w AS SELECT id FROM v`, branch: `DROP VIEW w; DROP VIEW v; CREATE VIEW v AS SELECT id FROM users; CREATE VIEW w AS SELECT id FROM v`},
	{name: "type change under views", ancestor: users + `CREATE VIEW v AS SELECT id, age FROM users; CREATE VIEW w AS SELECT age FROM v; COMMENT ON VIEW w IS 'w'`,
		branch: `DROP VIEW w; DROP VIEW v; ALTER TABLE users ALTER age TYPE bigint; CREATE VIEW v AS SELECT id, age FROM users; CREATE VIEW w AS SELECT age FROM v; COMMENT ON VIEW w IS 'w'`, final: true},
	{name: "view leaves a column that goes", ancestor: users + `CREATE VIEW v AS SELECT id, age FROM users`, branch: `DROP VIEW v; ALTER TABLE users DROP age; CREATE VIEW v AS SELECT id FROM users`, final: true},
	{name: "view that needs a primary key", ancestor: users, branch: `CREATE VIEW v AS SELECT id, email, count(*) FROM users GROUP BY id`},
	{name: "drop views", ancestor: users + `CREATE VIEW v AS SELECT id FROM users; CREATE VIEW a AS SELECT id FROM v`, branch: `DROP VIEW a; DROP VIEW v`, check: keepsData},
	{name: "materialised view", ancestor: users, branch: `CREATE MATERIALIZED VIEW m AS SELECT id, email FROM users; CREATE UNIQUE INDEX ON m (id)`},
	{name: "change materialised view", ancestor: users + `CREATE MATERIALIZED VIEW m AS SELECT id FROM users; CREATE UNIQUE INDEX ON m (id)`, branch: `DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT id, email FROM users; CREATE UNIQUE INDEX ON m (id)`},
	{name: "partitioned table", ancestor: users, branch: `CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); CREATE TABLE a0 PARTITION OF p DEFAULT; CREATE INDEX ON p (at)`},
	{name: "add partition", ancestor: `CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE INDEX pi ON p (at)`, branch: `CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`},
	{name: "column on a partitioned table", ancestor: `CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`, branch: `ALTER TABLE p ADD v int NOT NULL DEFAULT 3, ADD CHECK (v > 0)`},
	{name: "index on a partitioned table", ancestor: `CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`, branch: `CREATE INDEX pi ON p (at)`},
	{name: "partitioning changes", ancestor: `CREATE TABLE p (id int, at date) PARTITION BY RANGE (at)`, branch: `DROP TABLE p; CREATE TABLE p (id int, at date) PARTITION BY HASH (at)`, fails: "create a new table"},
	{name: "column order means nothing", ancestor: `CREATE TABLE o (a int PRIMARY KEY, b int)`, branch: `DROP TABLE o; CREATE TABLE o (b int, a int PRIMARY KEY)`, want: []string{}},

	{name: "merge two added columns", ancestor: users, target: `ALTER TABLE users ADD a int`, branch: `ALTER TABLE users ADD b int`,
		want: []string{"ALTER TABLE public.users\n    ADD COLUMN b integer"}},
	{name: "merge index and column", ancestor: users, target: `CREATE INDEX i ON users (email)`, branch: `ALTER TABLE users ADD b int CHECK (b > 0); COMMENT ON TABLE users IS 'x'`},
	{name: "merge different tables", ancestor: users, target: `CREATE TABLE a (id int PRIMARY KEY)`, branch: `CREATE TABLE b (id int PRIMARY KEY)`},
	{name: "same change on both sides", ancestor: users, target: `ALTER TABLE users ADD a int`, branch: `ALTER TABLE users ADD a int`, want: []string{}},
	{name: "target went on", ancestor: users, target: `ALTER TABLE users ADD a int; CREATE VIEW v AS SELECT a FROM users`, want: []string{}},
	{name: "conflict: same column", ancestor: users, target: `ALTER TABLE users ALTER name TYPE varchar(60)`, branch: `ALTER TABLE users ALTER name TYPE varchar(70)`, conflict: "public.users"},
	{name: "conflict: same function", ancestor: `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`, target: `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'`, branch: `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 3'`, conflict: "public.f()"},
	{name: "conflict: dropped and changed", ancestor: users, target: `ALTER TABLE users ADD x int`, branch: `DROP TABLE users`, conflict: "public.users"},
	{name: "conflict: created twice", target: users, branch: `CREATE TABLE users (id int PRIMARY KEY)`, conflict: "public.users"},
	{name: "conflict: index on a dropped column", ancestor: users, target: `ALTER TABLE users DROP name`, branch: `CREATE INDEX i ON users (name)`, conflict: "public.users"},
}

func TestAcceptance(t *testing.T) {
	for _, test := range acceptances {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (a acceptance) run(t *testing.T) {
	ctx := context.Background()
	target := newLive(t)
	target.exec(a.ancestor)
	ancestor := target.load()
	branch := newLive(t)
	branch.create(ancestor)
	require.True(t, equal(ancestor.Keyspaces[0], branch.load().Keyspaces[0]), "Create makes what Load read")
	target.exec(a.target)
	branch.exec(a.branch)
	before, wanted := target.load(), branch.load()

	plan, err := New().Diff(ctx, server, ancestor, wanted, before)
	if a.fails != "" {
		require.ErrorContains(t, err, a.fails)
		return
	}
	if a.conflict != "" {
		var conflict *schema.ConflictError
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, a.conflict, conflict.Table)
		return
	}
	require.NoError(t, err)
	if a.want != nil {
		got := []string{}
		for _, operation := range plan.Operations {
			got = append(got, operation.Statement)
		}
		require.Equal(t, a.want, got)
	}
	if a.branch != "" && a.want == nil {
		require.NotEmpty(t, plan.Operations)
	}
	target.apply(plan.Operations)
	reached := target.load()
	require.True(t, plan.Desired.Equal(reached), "the target is what the plan said:\n%v", schema.RawDiff(reached, plan.Desired))
	again, err := New().Diff(ctx, server, ancestor, wanted, reached)
	require.NoError(t, err)
	require.Empty(t, again.Operations, "a second diff finds nothing")
	if a.check != nil {
		a.check(t, plan)
	}
	if a.final {
		require.Nil(t, plan.Reverse)
		require.NotEmpty(t, plan.RevertNotes)
		return
	}
	if len(plan.Operations) > 0 {
		require.NotEmpty(t, plan.Reverse, "%v", plan.RevertNotes)
	}
	target.apply(plan.Reverse)
	restored := target.load()
	require.True(t, equal(before.Keyspaces[0], restored.Keyspaces[0]), "the reverse gives back the old schema:\n%v", schema.RawDiff(restored, before))
}
