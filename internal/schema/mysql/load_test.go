package mysql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

// insurance is a schema of the size of the reference application.
func insurance(prefix string) schema.Snapshot {
	var snapshot schema.Snapshot
	for i, tables := range []int{53, 28, 33, 29, 47} {
		keyspace := schema.Keyspace{Name: fmt.Sprintf("%s_%d", prefix, i)}
		for j := range tables {
			name := fmt.Sprintf("t%02d", j)
			keyspace.Objects = append(keyspace.Objects, schema.Object{Kind: schema.Table, Name: name, SQL: "CREATE TABLE `" + name + "` (\n" +
				"  `id` char(36) NOT NULL,\n  `org_id` char(36) NOT NULL,\n  `name` varchar(200) DEFAULT NULL,\n  `amount_cents` bigint NOT NULL DEFAULT '0',\n" +
				"  `created_at` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,\n  `data` json DEFAULT NULL,\n" +
				"  PRIMARY KEY (`id`),\n  KEY `by_name` (`name`),\n  KEY `by_org` (`org_id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci"})
		}
		keyspace.Objects = append(keyspace.Objects, schema.Object{Kind: schema.View, Name: "v", SQL: "CREATE VIEW `v` AS select `t00`.`id` AS `id` from `t00`"})
		snapshot.Keyspaces = append(snapshot.Keyspaces, keyspace)
	}
	return snapshot
}

func TestCreateAndLoadManyTables(t *testing.T) {
	snapshot := insurance("many")
	server := serverFor(schema.Names(snapshot)...)
	dropAll(t, snapshot)
	t.Cleanup(func() { dropAll(t, snapshot) })
	started := time.Now()
	require.NoError(t, New().Create(context.Background(), server, snapshot))
	created := time.Now()
	loaded, err := New().Load(context.Background(), server)
	require.NoError(t, err)
	read := time.Now()
	require.Equal(t, snapshot, loaded)

	branch := insurance("many")
	for i := range 30 {
		object := &branch.Keyspaces[i%5].Objects[i/5]
		object.SQL = strings.Replace(object.SQL, "  PRIMARY KEY", "  `extra` int DEFAULT NULL,\n  PRIMARY KEY", 1)
	}
	plan, err := New().Diff(context.Background(), schema.Server{}, snapshot, branch, loaded)
	require.NoError(t, err)
	require.Len(t, plan.Operations, 30)
	t.Logf("190 tables: create %v, load %v, diff of 30 changes %v", created.Sub(started), read.Sub(created), time.Since(read))
}

func dropAll(t *testing.T, snapshot schema.Snapshot) {
	l := live{t: t}
	for _, name := range schema.Names(snapshot) {
		l.admin("DROP DATABASE IF EXISTS " + name)
	}
}

func TestLoadLeavesOutOwnTables(t *testing.T) {
	snapshot := loaded(t, "CREATE TABLE _orrery_change (id int PRIMARY KEY); CREATE TABLE kept (id int PRIMARY KEY)")
	require.Equal(t, []string{"kept"}, schema.ObjectNames(snapshot.Keyspaces...))
}

func TestLoadUnknownKeyspace(t *testing.T) {
	_, err := New().Load(context.Background(), serverFor("nowhere"))
	require.ErrorContains(t, err, "load schema of keyspace nowhere")
	require.ErrorContains(t, err, "Unknown database")
}

func TestSnapshotSurvivesJSON(t *testing.T) {
	snapshot := loaded(t, users+"CREATE VIEW v AS SELECT id FROM users")
	encoded, err := json.Marshal(snapshot)
	require.NoError(t, err)
	var decoded schema.Snapshot
	require.NoError(t, json.Unmarshal(encoded, &decoded))
	require.Equal(t, snapshot, decoded)
	require.True(t, snapshot.Equal(decoded))
}

// A view's definer belongs to the server it was made on.
func TestViewIsPortable(t *testing.T) {
	l := newLive(t)
	l.exec(users + "CREATE DEFINER=`nobody`@`10.0.0.%` VIEW v AS SELECT id FROM users")
	require.Equal(t, "CREATE VIEW `v` AS select `users`.`id` AS `id` from `users`", l.load().Keyspaces[0].Object("v").SQL)
}

func TestViewAcrossKeyspaces(t *testing.T) {
	other, own := newLive(t), newLive(t)
	other.exec(users)
	before := own.load()
	own.exec("CREATE VIEW v AS SELECT id FROM " + other.name + ".users")
	after := own.load()
	plan, err := New().Diff(context.Background(), schema.Server{}, before, after, before)
	require.NoError(t, err)
	require.Len(t, plan.Operations, 1)
	require.Len(t, plan.Reverse, 1)
}

func TestApplyReportsTheServersWords(t *testing.T) {
	l := newLive(t)
	l.exec(users)
	err := New().Apply(context.Background(), serverFor(l.name), schema.Operation{Keyspace: l.name, Table: "users", Kind: schema.Table, Name: "ALTER", Statement: "ALTER TABLE users ADD email int"})
	require.ErrorContains(t, err, "Duplicate column name 'email'")
}

// While a transaction holds the table, Apply waits in short steps and goes on
// when the transaction has ended.
func TestApplyWaitsForATransaction(t *testing.T) {
	l := newLive(t)
	l.exec(users)
	pool, err := Open(serverFor(), l.name, 2, nil)
	require.NoError(t, err)
	defer pool.Close()
	holder, err := pool.Begin()
	require.NoError(t, err)
	_, err = holder.Exec("SELECT * FROM users")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		done <- New().Apply(context.Background(), serverFor(l.name), schema.Operation{Keyspace: l.name, Table: "users", Kind: schema.Table, Name: "ALTER", Statement: "ALTER TABLE users ADD a int"})
	}()
	waitFor(t, pool, "SELECT count(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock' AND db = '"+l.name+"'")
	require.NoError(t, holder.Commit())
	require.NoError(t, <-done)
}

func waitFor(t *testing.T, pool *sql.DB, query string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var count int
		return pool.QueryRow(query).Scan(&count) == nil && count > 0
	}, 10*time.Second, 10*time.Millisecond)
}
