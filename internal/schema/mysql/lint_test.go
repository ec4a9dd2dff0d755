package mysql

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

func lint(t *testing.T, options schema.LintOptions, keyspaces ...schema.Keyspace) []string {
	t.Helper()
	found, err := New().Lint(context.Background(), schema.Snapshot{Keyspaces: keyspaces}, options)
	require.NoError(t, err)
	lines := []string{}
	for _, finding := range found {
		require.Equal(t, "table", finding.SubjectType)
		lines = append(lines, finding.Code+" "+finding.Description)
	}
	return lines
}

func TestLint(t *testing.T) {
	noKey := func(table string) string {
		return fmt.Sprintf("NO_UNIQUE_KEY table %q has no non-null unique key: all tables must have at least one unique, not-null key without using text / blob columns or partial indexes.", table)
	}
	tests := []struct {
		name   string
		schema string
		allow  bool
		want   []string
	}{
		{name: "clean", schema: users + "CREATE VIEW v AS SELECT id FROM users; CREATE VIEW w AS SELECT id FROM v"},
		{name: "no key", schema: "CREATE TABLE orders (id int)", want: []string{noKey("orders")}},
		{name: "nullable unique key", schema: "CREATE TABLE orders (id int, UNIQUE (id))", want: []string{noKey("orders")}},
		{name: "unique not-null key", schema: "CREATE TABLE orders (id int NOT NULL, UNIQUE (id))"},
		{name: "prefix in the primary key", schema: "CREATE TABLE customers (email varchar(100), PRIMARY KEY (email(10)))",
			want: []string{noKey("customers"), `PARTIAL_KEY_IN_UNIQUE_KEY table "customers" contains partial index on column "email" in the primary key.`}},
		{name: "blob in the primary key", schema: "CREATE TABLE customers (k blob, PRIMARY KEY (k(10)))",
			want: []string{noKey("customers"), `BLOB_IN_UNIQUE_KEY table "customers" contains blob column "k" in the primary key.`}},
		{name: "foreign key", schema: "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE posts (id int PRIMARY KEY, u int, FOREIGN KEY (u) REFERENCES users (id))",
			want: []string{`FOREIGN_KEYS_DISALLOWED table "posts" has a foreign key constraint: foreign key constraints are not supported.`}},
		{name: "foreign key allowed", allow: true, schema: "CREATE TABLE users (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES users (id)); CREATE TABLE posts (id int PRIMARY KEY, u int, FOREIGN KEY (u) REFERENCES users (id))"},
		{name: "foreign key to nothing", allow: true, schema: "SET foreign_key_checks=0; CREATE TABLE posts (id int PRIMARY KEY, u int, FOREIGN KEY (u) REFERENCES users (id))",
			want: []string{"FOREIGN_KEYS_NONEXISTENT_TABLE table `posts` foreign key references nonexistent table `users`"}},
		{name: "circular foreign keys", allow: true, schema: "SET foreign_key_checks=0; CREATE TABLE a (id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES b (id)); CREATE TABLE b (id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES a (id))",
			want: []string{"FOREIGN_KEYS_CIRCULAR_DEPENDENCY table `a` has a circular foreign key dependency", "FOREIGN_KEYS_CIRCULAR_DEPENDENCY table `b` has a circular foreign key dependency"}},
		{name: "charset", schema: "CREATE TABLE users (id int PRIMARY KEY) DEFAULT CHARSET utf16",
			want: []string{`INVALID_CHARSET table "users" has an invalid table charset utf16: only utf8, utf8mb4, and utf8mb3 charsets are supported.`}},
		{name: "column charset", schema: "CREATE TABLE users (id int PRIMARY KEY, n varchar(3) CHARACTER SET greek, a varchar(3) CHARACTER SET latin1)",
			want: []string{`INVALID_CHARSET table "users" has an invalid charset greek on column "n": only utf8, utf8mb4, and utf8mb3 charsets are supported.`}},
		{name: "engine", schema: "CREATE TABLE users (id int PRIMARY KEY) ENGINE=MyISAM",
			want: []string{`UNSUPPORTED_FEATURE table "users" uses engine MyISAM: only the InnoDB engine is supported.`}},
		{name: "list partitions", schema: "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id) (PARTITION a VALUES IN (1))",
			want: []string{"UNSUPPORTED_PARTITIONING_FEATURE only RANGE, HASH, and KEY based partitioning is supported"}},
		{name: "subpartitions", schema: "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION a VALUES LESS THAN (9))",
			want: []string{"UNSUPPORTED_PARTITIONING_FEATURE SUBPARTITION is not supported"}},
		{name: "enum", schema: "SET sql_mode=''; CREATE TABLE e (id int PRIMARY KEY, e enum('',''))",
			want: []string{"DUPLICATE_ENUM_VALUE enum value '' occurs more than once."}},
		{name: "view without its table", schema: users + "CREATE VIEW v AS SELECT id FROM users; DROP TABLE users",
			want: []string{"INVALID_TABLE_REFERENCED_IN_VIEW view `v` has unresolved/loop dependencies: `users`"}},
		{name: "view without its column", schema: users + "CREATE VIEW v AS SELECT id, age FROM users; ALTER TABLE users DROP age",
			want: []string{"INVALID_COLUMN_REFERENCED_IN_VIEW view `v` references unqualified but non-existent column `age`"}},
		{name: "json_table in a view", schema: "CREATE VIEW v AS SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a int PATH '$')) AS j",
			want: []string{"UNSUPPORTED_FEATURE view \"v\" uses JSON_TABLE: JSON_TABLE is not supported in views."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			found := lint(t, schema.LintOptions{AllowForeignKeys: test.allow}, loaded(t, test.schema).Keyspaces...)
			if test.want == nil {
				test.want = []string{}
			}
			require.ElementsMatch(t, test.want, found)
		})
	}
}

func TestLintSizes(t *testing.T) {
	var columns strings.Builder
	for i := range 1017 {
		fmt.Fprintf(&columns, ", `c%d` int", i)
	}
	wide := schema.Object{Kind: schema.Table, Name: "w", SQL: "CREATE TABLE `w` (`id` int NOT NULL" + columns.String() + ", PRIMARY KEY (`id`))"}
	require.Equal(t, []string{`UNSUPPORTED_FEATURE table "w" has 1018 columns: at most 1017 are supported.`},
		lint(t, schema.LintOptions{}, schema.Keyspace{Name: "k", Objects: []schema.Object{wide}}))
	many := schema.Keyspace{Name: "k"}
	for i := range 2049 {
		name := fmt.Sprintf("t%d", i)
		many.Objects = append(many.Objects, schema.Object{Kind: schema.Table, Name: name, SQL: "CREATE TABLE `" + name + "` (`id` int NOT NULL, PRIMARY KEY (`id`))"})
	}
	require.Equal(t, []string{`UNSUPPORTED_FEATURE keyspace "k" has 2049 tables and views: at most 2048 are supported.`}, lint(t, schema.LintOptions{}, many))
}

// A view may read another keyspace of the same database.
func TestLintViewAcrossKeyspaces(t *testing.T) {
	table := schema.Object{Kind: schema.Table, Name: "t", SQL: "CREATE TABLE `t` (`id` int NOT NULL, PRIMARY KEY (`id`))"}
	view := schema.Object{Kind: schema.View, Name: "v", SQL: "CREATE VIEW `v` AS select `other`.`t`.`id` AS `id` from `other`.`t`"}
	other := schema.Keyspace{Name: "other", Objects: []schema.Object{table}}
	require.Empty(t, lint(t, schema.LintOptions{}, schema.Keyspace{Name: "k", Objects: []schema.Object{view}}, other))
	require.Len(t, lint(t, schema.LintOptions{}, schema.Keyspace{Name: "k", Objects: []schema.Object{view}}), 1)
}
