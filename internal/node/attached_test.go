package node_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
)

// external starts servers that Orrery does not manage, each with a user who
// has a password, and returns their sockets.
func external(t *testing.T) map[instance.Kind]instance.Socket {
	t.Helper()
	manager := instancetest.Open(t, instancetest.Folder(t))
	statements := map[instance.Kind][]string{
		instance.MySQL: {
			"CREATE USER boss@localhost IDENTIFIED BY 'secret'", "GRANT ALL ON *.* TO boss@localhost WITH GRANT OPTION",
			"CREATE DATABASE orders", "CREATE TABLE orders.item (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL)",
			"INSERT INTO orders.item (name) VALUES ('outside')",
		},
		instance.Postgres: {
			"CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'secret'",
			"CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL)", "INSERT INTO item (name) VALUES ('outside')",
		},
	}
	sockets := map[instance.Kind]instance.Socket{}
	for kind, list := range statements {
		require.NoError(t, manager.Create(t.Context(), instance.Spec{ID: string(kind), Kind: kind}))
		socket, err := manager.Wake(t.Context(), string(kind))
		require.NoError(t, err)
		driver, source := "mysql", fmt.Sprintf("%s@unix(%s)/", socket.User, socket.Path)
		if kind == instance.Postgres {
			driver, source = "pgx", fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", socket.Folder, socket.Port, socket.User)
		}
		db, err := sql.Open(driver, source)
		require.NoError(t, err)
		for _, statement := range list {
			_, err := db.ExecContext(t.Context(), statement)
			require.NoError(t, err, statement)
		}
		require.NoError(t, db.Close())
		sockets[kind] = socket
	}
	return sockets
}

// TestAttached: production lives on a server of the user's own; branches are
// managed, and deploy requests reach the attached server.
func TestAttached(t *testing.T) {
	sockets := external(t)
	t.Setenv("ORRERY_TEST_PASSWORD", "secret")
	w := start(t, fmt.Sprintf(`
databases:
  - name: shop
    engine: mysql
    keyspaces: [orders]
    attached: {address: %q, user: boss, password_env: ORRERY_TEST_PASSWORD}
  - name: notes
    engine: postgresql
    attached: {address: %q, user: boss, password_env: ORRERY_TEST_PASSWORD}
`, sockets[instance.MySQL].Path, sockets[instance.Postgres].Path), nil)
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			w := &world{T: t, folder: w.folder, operator: w.operator, api: w.api}
			production := w.open(d.database, "main", "readwriter", d.keyspace)
			var name string
			require.NoError(t, production.QueryRow("SELECT name FROM item").Scan(&name))
			require.Equal(t, "outside", name)
			_, err := production.Exec("DROP TABLE item")
			require.Error(t, err)
			_, err = w.open(d.database, "main", "reader", d.keyspace).Exec("DELETE FROM item")
			require.ErrorContains(t, err, "denied", "the gateway's rules are all that tells credentials apart here")

			w.branch(d.database, "feat")
			w.exec(w.open(d.database, "feat", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN price bigint")
			path, _ := w.request(d, "feat", nil)
			w.deploy(path, "complete_pending_revert")
			require.Equal(t, "id,name,price", w.columns(w.open(d.database, "main", "reader", d.keyspace), "item"))
		})
	}
	// Deleting the database forgets the server and leaves it alone.
	w.do("POST", "databases/shop/deploy-requests/1/skip-revert", map[string]any{})
	w.until("databases/shop/deploy-requests/1", "deployment_state", "complete")
	w.do("DELETE", "databases/shop", nil)
	db, err := sql.Open("mysql", fmt.Sprintf("boss:secret@unix(%s)/orders", sockets[instance.MySQL].Path))
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.Ping())
	var rows int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM item").Scan(&rows))
	require.Equal(t, 1, rows)
}
