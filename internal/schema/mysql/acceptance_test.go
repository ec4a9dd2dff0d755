package mysql

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
	target   string // statements on the target since the ancestor
	branch   string // statements on the branch since the ancestor
	want     []string
	// final: the change cannot be undone in place.
	final    bool
	conflict string
	check    func(t *testing.T, plan schema.Plan)
}

const users = "CREATE TABLE users (id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY, email varchar(100) NOT NULL, name varchar(50) DEFAULT NULL, age int);"

var acceptances = []acceptance{
	{name: "nothing", ancestor: users},
	{name: "create table", ancestor: users, branch: "CREATE TABLE t (id int PRIMARY KEY)",
		want: []string{"CREATE TABLE `t` (\n  `id` int NOT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"}},
	{name: "drop table", ancestor: users, branch: "DROP TABLE users", want: []string{"DROP TABLE `users`"}, final: true,
		check: func(t *testing.T, plan schema.Plan) { require.True(t, plan.Operations[0].CanDropData) }},
	{name: "add column", ancestor: users, branch: "ALTER TABLE users ADD nick varchar(20)",
		want: []string{"ALTER TABLE `users` ADD COLUMN `nick` varchar(20)"},
		check: func(t *testing.T, plan schema.Plan) {
			require.True(t, plan.Operations[0].Instant)
			require.False(t, plan.Operations[0].CanDropData)
		}},
	{name: "add column in the middle", ancestor: users, branch: "ALTER TABLE users ADD nick varchar(20) NOT NULL DEFAULT '' AFTER id",
		want: []string{"ALTER TABLE `users` ADD COLUMN `nick` varchar(20) NOT NULL DEFAULT '' AFTER `id`"}},
	{name: "drop column", ancestor: users, branch: "ALTER TABLE users DROP COLUMN name", final: true,
		want: []string{"ALTER TABLE `users` DROP COLUMN `name`"},
		check: func(t *testing.T, plan schema.Plan) {
			require.True(t, plan.Operations[0].CanDropData)
			require.NotEmpty(t, plan.RevertNotes)
		}},
	{name: "renamed column is a drop and an add", ancestor: users, branch: "ALTER TABLE users RENAME COLUMN name TO title", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Warnings, 1) }},
	{name: "renamed table is a drop and a create", ancestor: users, branch: "RENAME TABLE users TO people", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Warnings, 1) }},
	{name: "widen column", ancestor: users, branch: "ALTER TABLE users MODIFY name varchar(80)", final: true,
		want:  []string{"ALTER TABLE `users` MODIFY COLUMN `name` varchar(80)"},
		check: func(t *testing.T, plan schema.Plan) { require.False(t, plan.Operations[0].CanDropData) }},
	{name: "narrow column", ancestor: users, branch: "ALTER TABLE users MODIFY name varchar(10)", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.True(t, plan.Operations[0].CanDropData) }},
	{name: "int to bigint", ancestor: users, branch: "ALTER TABLE users MODIFY age bigint", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.False(t, plan.Operations[0].CanDropData) }},
	{name: "text to number", ancestor: users, branch: "ALTER TABLE users MODIFY name int", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.True(t, plan.Operations[0].CanDropData) }},
	{name: "unsigned", ancestor: users, branch: "ALTER TABLE users MODIFY age int unsigned", final: true},
	{name: "decimal scale", ancestor: "CREATE TABLE m (id int PRIMARY KEY, v decimal(10,2))", branch: "ALTER TABLE m MODIFY v decimal(12,4) NOT NULL DEFAULT '1.0000'", final: true},
	{name: "nullability", ancestor: users, branch: "ALTER TABLE users MODIFY email varchar(100)",
		check: func(t *testing.T, plan schema.Plan) {
			require.NotEmpty(t, plan.RevertNotes)
			require.False(t, plan.Operations[0].Instant)
		}},
	{name: "default", ancestor: users, branch: "ALTER TABLE users ALTER name SET DEFAULT 'x'",
		check: func(t *testing.T, plan schema.Plan) { require.True(t, plan.Operations[0].Instant) }},
	{name: "expression default", ancestor: users, branch: "ALTER TABLE users ADD ref varchar(36) DEFAULT (concat('a', 'b')), ADD made timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"},
	{name: "add index", ancestor: users, branch: "ALTER TABLE users ADD INDEX by_email (email), ADD INDEX a_name (name, age DESC)",
		check: func(t *testing.T, plan schema.Plan) { require.False(t, plan.Operations[0].Instant) }},
	{name: "add unique index", ancestor: users, branch: "ALTER TABLE users ADD UNIQUE INDEX by_email (email)",
		want: []string{"ALTER TABLE `users` ADD UNIQUE KEY `by_email` (`email`)"}},
	{name: "drop unique index", ancestor: users + "ALTER TABLE users ADD UNIQUE INDEX by_email (email)", branch: "ALTER TABLE users DROP INDEX by_email",
		check: func(t *testing.T, plan schema.Plan) {
			require.Contains(t, plan.RevertNotes, "table `users`: unique constraint removed: by_email")
		}},
	{name: "change index", ancestor: users + "ALTER TABLE users ADD INDEX i (email)", branch: "ALTER TABLE users DROP INDEX i, ADD INDEX i (email, name)"},
	{name: "prefix and expression index", ancestor: users, branch: "ALTER TABLE users ADD INDEX p (email(10)), ADD INDEX e ((lower(name)))"},
	{name: "invisible index", ancestor: users + "ALTER TABLE users ADD INDEX i (email)", branch: "ALTER TABLE users ALTER INDEX i INVISIBLE"},
	{name: "invisible column", ancestor: users, branch: "ALTER TABLE users ALTER COLUMN age SET INVISIBLE"},
	{name: "index order means nothing", ancestor: users + "ALTER TABLE users ADD INDEX a (email), ADD INDEX b (name)", branch: "ALTER TABLE users DROP INDEX a; ALTER TABLE users ADD INDEX a (email)", want: []string{}},
	{name: "two fulltext indexes", ancestor: users, branch: "ALTER TABLE users ADD FULLTEXT f1 (name); ALTER TABLE users ADD FULLTEXT f2 (email)",
		check: func(t *testing.T, plan schema.Plan) { require.Len(t, plan.Operations, 2) }},
	{name: "fulltext with parser", ancestor: users, branch: "ALTER TABLE users ADD FULLTEXT f1 (name) WITH PARSER ngram"},
	{name: "virtual generated column", ancestor: users, branch: "ALTER TABLE users ADD upper_name varchar(50) GENERATED ALWAYS AS (upper(name)) VIRTUAL"},
	{name: "stored generated column", ancestor: users, branch: "ALTER TABLE users ADD upper_name varchar(50) AS (concat(name,'x')) STORED, ADD INDEX (upper_name)"},
	{name: "drop generated column", ancestor: users + "ALTER TABLE users ADD g int AS (age + 1)", branch: "ALTER TABLE users DROP COLUMN g",
		check: func(t *testing.T, plan schema.Plan) { require.False(t, plan.Operations[0].CanDropData) }},
	{name: "change generated column", ancestor: users + "ALTER TABLE users ADD g int AS (age + 1) STORED", branch: "ALTER TABLE users MODIFY g int AS (age + 2) STORED"},
	{name: "json generated column and multi-valued index", ancestor: "CREATE TABLE j (id int PRIMARY KEY, d json)",
		branch: "ALTER TABLE j ADD k varchar(20) AS (d->>'$.kind'), ADD INDEX ((CAST(d->'$.tags' AS unsigned ARRAY)))"},
	{name: "add check", ancestor: users, branch: "ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18)"},
	{name: "unnamed check", ancestor: users, branch: "ALTER TABLE users ADD CHECK (age > 0), ADD CHECK (name <> '')"},
	{name: "drop check", ancestor: users + "ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18)", branch: "ALTER TABLE users DROP CHECK adult"},
	{name: "change check", ancestor: users + "ALTER TABLE users ADD CONSTRAINT adult CHECK (age >= 18)", branch: "ALTER TABLE users DROP CHECK adult, ADD CONSTRAINT adult CHECK (age >= 21) NOT ENFORCED"},
	{name: "append enum value", ancestor: "CREATE TABLE e (id int PRIMARY KEY, s enum('a','b'))", branch: "ALTER TABLE e MODIFY s enum('a','b','c')", final: true,
		check: func(t *testing.T, plan schema.Plan) {
			require.True(t, plan.Operations[0].Instant)
			require.False(t, plan.Operations[0].CanDropData)
		}},
	{name: "drop enum value", ancestor: "CREATE TABLE e (id int PRIMARY KEY, s enum('a','b'))", branch: "ALTER TABLE e MODIFY s enum('a')", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.True(t, plan.Operations[0].CanDropData) }},
	{name: "table comment", ancestor: users, branch: "ALTER TABLE users COMMENT 'people, and their ''names'' COLLATE x'"},
	{name: "column comment", ancestor: users, branch: "ALTER TABLE users MODIFY name varchar(50) COMMENT 'it''s CHARACTER SET \\n latin1'"},
	{name: "table charset", ancestor: users, branch: "ALTER TABLE users DEFAULT CHARSET latin1"},
	{name: "convert charset", ancestor: users, branch: "ALTER TABLE users CONVERT TO CHARACTER SET latin1", final: true},
	{name: "column collation", ancestor: users, branch: "ALTER TABLE users MODIFY name varchar(50) COLLATE utf8mb4_bin", final: true},
	{name: "same charset spelt out", ancestor: users, branch: "ALTER TABLE users MODIFY name varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", want: []string{}},
	{name: "row format", ancestor: users, branch: "ALTER TABLE users ROW_FORMAT=COMPRESSED"},
	{name: "auto increment counter means nothing", ancestor: users, branch: "ALTER TABLE users AUTO_INCREMENT=1000", want: []string{}},
	{name: "column order", ancestor: users, branch: "ALTER TABLE users MODIFY age int FIRST"},
	{name: "primary key", ancestor: "CREATE TABLE p (a int NOT NULL, b int NOT NULL, PRIMARY KEY (a))", branch: "ALTER TABLE p DROP PRIMARY KEY, ADD PRIMARY KEY (b, a)"},
	{name: "partition", ancestor: users, branch: "ALTER TABLE users PARTITION BY HASH (id) PARTITIONS 4"},
	{name: "add range partition", ancestor: "CREATE TABLE r (d date NOT NULL, v int, PRIMARY KEY (d)) PARTITION BY RANGE COLUMNS (d) (PARTITION p1 VALUES LESS THAN ('2024-01-01'))",
		branch: "ALTER TABLE r ADD PARTITION (PARTITION p2 VALUES LESS THAN ('2025-01-01'), PARTITION p3 VALUES LESS THAN (MAXVALUE))"},
	{name: "remove partitioning", ancestor: users + "ALTER TABLE users PARTITION BY HASH (id) PARTITIONS 4", branch: "ALTER TABLE users REMOVE PARTITIONING"},
	{name: "spatial", ancestor: users, branch: "CREATE TABLE g (id int PRIMARY KEY, p point NOT NULL SRID 4326, SPATIAL INDEX (p))"},
	{name: "foreign keys in order", ancestor: users,
		branch: "CREATE TABLE a_child (id int PRIMARY KEY, parent int); CREATE TABLE z_parent (id int PRIMARY KEY); ALTER TABLE a_child ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES z_parent (id) ON DELETE CASCADE",
		check:  func(t *testing.T, plan schema.Plan) { require.Equal(t, "z_parent", plan.Operations[0].Table) }},
	{name: "drop foreign key", ancestor: "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id))", branch: "ALTER TABLE c DROP FOREIGN KEY fk"},
	{name: "create views", ancestor: users, branch: "CREATE VIEW a AS SELECT id, email FROM users; CREATE VIEW b AS SELECT id FROM a"},
	{name: "views on views with a new column", ancestor: users + "CREATE VIEW v AS SELECT id FROM users; CREATE VIEW a AS SELECT id FROM v",
		branch: "ALTER TABLE users ADD nick varchar(10); ALTER VIEW v AS SELECT id, nick FROM users; ALTER VIEW a AS SELECT id, nick FROM v",
		check:  func(t *testing.T, plan schema.Plan) { require.Equal(t, "users", plan.Operations[0].Table) }},
	{name: "view leaves a column that goes", ancestor: users + "CREATE VIEW v AS SELECT id, name FROM users", branch: "ALTER VIEW v AS SELECT id FROM users; ALTER TABLE users DROP COLUMN name", final: true,
		check: func(t *testing.T, plan schema.Plan) { require.Equal(t, "v", plan.Operations[0].Table) }},
	{name: "drop views", ancestor: users + "CREATE VIEW a AS SELECT id, email FROM users; CREATE VIEW b AS SELECT id FROM a", branch: "DROP VIEW a, b"},
	{name: "view options", ancestor: users, branch: "CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW v AS SELECT id, name FROM users WHERE age > 3 WITH CASCADED CHECK OPTION"},
	{name: "view with what the analysis may not know", ancestor: users, branch: "CREATE VIEW w AS WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i, row_number() OVER (ORDER BY i) AS r FROM n"},
	{name: "view becomes table", ancestor: users + "CREATE VIEW v AS SELECT id FROM users", branch: "DROP VIEW v; CREATE TABLE v (id bigint PRIMARY KEY)"},
	{name: "many types", ancestor: users, branch: "CREATE TABLE k (id binary(16) DEFAULT (uuid_to_bin(uuid())) PRIMARY KEY, a tinyint(1), b bit(3) DEFAULT b'101', c year, d time(3), e datetime(6), f set('x','y''z'), g mediumtext, h varbinary(20), i double, j float unsigned, l json DEFAULT (json_array()), m char(5) CHARACTER SET ascii, n decimal(30,10), o bigint unsigned, p vector(3))"},
	{name: "reserved and odd names", ancestor: users, branch: "CREATE TABLE `select` (`from` int PRIMARY KEY, `a b` int, `q``q` int, INDEX `or` (`a b`))"},

	{name: "merge two added columns", ancestor: users, target: "ALTER TABLE users ADD a int", branch: "ALTER TABLE users ADD b int",
		want: []string{"ALTER TABLE `users` ADD COLUMN `b` int"}},
	{name: "merge index and column", ancestor: users, target: "ALTER TABLE users ADD INDEX (email)", branch: "ALTER TABLE users ADD b int, ADD CHECK (b > 0)"},
	{name: "merge comment and charset", ancestor: users, target: "ALTER TABLE users COMMENT 'x'", branch: "ALTER TABLE users ROW_FORMAT=COMPRESSED"},
	{name: "merge different columns' types", ancestor: users, target: "ALTER TABLE users MODIFY age bigint", branch: "ALTER TABLE users MODIFY name varchar(60)", final: true},
	{name: "merge on top of a shared change", ancestor: users, target: "ALTER TABLE users ADD a int, ADD INDEX (name), ADD c int", branch: "ALTER TABLE users ADD a int, ADD INDEX (name), ADD b int",
		want: []string{"ALTER TABLE `users` ADD COLUMN `b` int"}},
	{name: "same change on both sides", ancestor: users, target: "ALTER TABLE users ADD a int", branch: "ALTER TABLE users ADD a int", want: []string{}},
	{name: "target went on, branch did nothing", ancestor: users, target: "ALTER TABLE users ADD a int; CREATE TABLE t (id int PRIMARY KEY)", want: []string{}},
	{name: "different tables", ancestor: users, target: "CREATE TABLE a (id int PRIMARY KEY)", branch: "CREATE TABLE b (id int PRIMARY KEY)"},
	{name: "both dropped", ancestor: users, target: "DROP TABLE users", branch: "DROP TABLE users", want: []string{}},
	{name: "conflict: same column", ancestor: users, target: "ALTER TABLE users MODIFY name varchar(60)", branch: "ALTER TABLE users MODIFY name varchar(70)", conflict: "users"},
	{name: "conflict: same new column", ancestor: users, target: "ALTER TABLE users ADD x int", branch: "ALTER TABLE users ADD x bigint", conflict: "users"},
	{name: "conflict: dropped and changed", ancestor: users, target: "ALTER TABLE users ADD x int", branch: "DROP TABLE users", conflict: "users"},
	{name: "conflict: changed and dropped", ancestor: users, target: "DROP TABLE users", branch: "ALTER TABLE users ADD x int", conflict: "users"},
	{name: "conflict: index on a dropped column", ancestor: users, target: "ALTER TABLE users DROP COLUMN name", branch: "ALTER TABLE users ADD INDEX i (name)", conflict: "users"},
	{name: "conflict: created twice", ancestor: "", target: users, branch: "CREATE TABLE users (id int PRIMARY KEY)", conflict: "users"},
	{name: "conflict: same view", ancestor: users + "CREATE VIEW v AS SELECT id FROM users", target: "ALTER VIEW v AS SELECT email FROM users", branch: "ALTER VIEW v AS SELECT name FROM users", conflict: "v"},
	{name: "conflict: same index name", ancestor: users, target: "ALTER TABLE users ADD INDEX i (name)", branch: "ALTER TABLE users ADD INDEX i (email)", conflict: "users"},
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
	require.Equal(t, ancestor, branch.load(), "Create makes what Load read")
	target.exec(a.target)
	branch.exec(a.branch)
	before, wanted := target.load(), branch.load()

	plan, err := New().Diff(ctx, schema.Server{}, ancestor, wanted, before)
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
	require.Equal(t, plan.Desired, target.load(), "the target is what the plan said")
	again, err := New().Diff(ctx, schema.Server{}, ancestor, wanted, plan.Desired)
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
	target.apply(plan.Reverse)
	require.Equal(t, before, target.load(), "the reverse gives back the old schema")
}
