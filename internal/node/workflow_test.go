package node_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/client"
)

const twoDatabases = `
databases:
  - {name: shop, engine: mysql, keyspaces: [orders, stock], schema: mysql}
  - {name: notes, engine: postgresql, schema: postgres}
bindings:
  - {name: SHOP_ORDERS, database: shop, keyspace: orders}
  - {name: NOTES, database: notes}
`

var schemaFiles = map[string]string{
	"mysql/orders/orders.sql": "CREATE TABLE item (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL);\nINSERT INTO item (name) VALUES ('first');",
	"mysql/stock/stock.sql":   "CREATE TABLE shelf (id int NOT NULL PRIMARY KEY);",
	"postgres/notes.sql":      "CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);\nINSERT INTO item (name) VALUES ('first');",
}

// dialect is what differs between the two when the same workflow runs on both.
type dialect struct {
	database, keyspace, table string
}

var dialects = []dialect{{"shop", "orders", "item"}, {"notes", "", "item"}}

func (d dialect) path() string { return "databases/" + d.database }

// request opens a deploy request of a branch into main.
func (w *world) request(d dialect, branch string, body map[string]any) (path string, request client.Object) {
	w.Helper()
	if body == nil {
		body = map[string]any{}
	}
	body["branch"], body["into_branch"] = branch, "main"
	request = w.do("POST", d.path()+"/deploy-requests", body)
	return d.path() + "/deploy-requests/" + request.Text("number"), request
}

// deploy queues a request and waits until it rests.
func (w *world) deploy(path string, states ...string) client.Object {
	w.Helper()
	w.do("POST", path+"/deploy", map[string]any{"instant_ddl": false})
	return w.until(path, "deployment_state", states...)
}

func TestWorkflow(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			production := w.open(d.database, "main", "admin", d.keyspace)
			_, err := production.Exec("ALTER TABLE " + d.table + " ADD COLUMN direct int")
			require.ErrorContains(t, err, "direct DDL is disabled")

			w.branch(d.database, "feat")
			dev := w.open(d.database, "feat", "admin", d.keyspace)
			require.Equal(t, "id,name", w.columns(dev, d.table))
			var rows int
			require.NoError(t, dev.QueryRow("SELECT count(*) FROM "+d.table).Scan(&rows))
			require.Zero(t, rows, "a branch has its parent's schema, not its data")
			w.exec(dev, "ALTER TABLE "+d.table+" ADD COLUMN price bigint NOT NULL DEFAULT 0")

			path, request := w.request(d, "feat", map[string]any{"auto_delete_branch": true})
			require.Equal(t, "ready", request.Text("deployment_state"))
			diff := w.do("GET", path+"/diff", nil).Objects("data")
			require.Len(t, diff, 1)
			require.Contains(t, diff[0].Text("raw"), "+")
			w.do("POST", path+"/reviews", map[string]any{"state": "approved", "body": ""})

			deployed := w.deploy(path, "complete_pending_revert")
			require.Equal(t, "closed", deployed.Text("state"))
			require.Equal(t, "id,name,price", w.columns(production, d.table))
			w.do("POST", path+"/skip-revert", map[string]any{})
			w.until(path, "deployment_state", "complete")
			_, err = w.api.Do(w.Context(), "GET", d.path()+"/branches/feat", nil)
			require.True(t, client.NotFound(err), "the branch is gone")
		})
	}
}

func TestRevertKeepsRows(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			w.branch(d.database, "feat")
			w.exec(w.open(d.database, "feat", "admin", d.keyspace), "ALTER TABLE "+d.table+" ADD COLUMN price bigint")
			path, _ := w.request(d, "feat", nil)
			w.deploy(path, "complete_pending_revert")
			production := w.open(d.database, "main", "readwriter", d.keyspace)
			w.exec(production, "INSERT INTO "+d.table+" (name, price) VALUES ('since', 7)")
			w.do("POST", path+"/revert", map[string]any{})
			w.until(path, "deployment_state", "complete_revert")
			require.Equal(t, "id,name", w.columns(production, d.table))
			var rows int
			require.NoError(t, production.QueryRow("SELECT count(*) FROM "+d.table).Scan(&rows))
			require.Equal(t, 2, rows, "a row written since stays")

			// The branch can ask again for what was reverted.
			_, again := w.request(d, "feat", nil)
			require.Equal(t, "ready", again.Text("deployment_state"))
		})
	}
}

// TestFailingStatement: data that the new schema does not allow. Production
// keeps its old schema, and the answer has the statement and the server's error.
func TestFailingStatement(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	statements := map[string]string{
		"shop":  "ALTER TABLE item ADD UNIQUE KEY name (name)",
		"notes": "ALTER TABLE item ADD CONSTRAINT item_name_key UNIQUE (name)",
	}
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			production := w.open(d.database, "main", "readwriter", d.keyspace)
			w.exec(production, "INSERT INTO "+d.table+" (name) VALUES ('first')")
			w.branch(d.database, "feat")
			dev := w.open(d.database, "feat", "admin", d.keyspace)
			w.exec(dev, "CREATE TABLE before_it (id int PRIMARY KEY)")
			w.exec(dev, statements[d.database])
			path, _ := w.request(d, "feat", nil)
			failed := w.deploy(path, "complete_error")
			problem := failed.Text("deployment.deploy_check_errors")
			require.Contains(t, problem, "statement failed: ")
			require.Contains(t, strings.ToLower(problem), "duplicate", "the server's own words")
			require.Equal(t, "open", failed.Text("state"))
			_, err := production.Exec("SELECT * FROM before_it")
			require.Error(t, err, "what ran before the failing statement is undone")

			// A failed deployment holds the queue until it is unblocked.
			w.branch(d.database, "next")
			w.exec(w.open(d.database, "next", "admin", d.keyspace), "CREATE TABLE other (id int PRIMARY KEY)")
			next, _ := w.request(d, "next", nil)
			w.do("POST", next+"/deploy", map[string]any{})
			require.Equal(t, "queued", w.do("GET", next, nil).Text("deployment_state"))
			queue := w.do("GET", d.path()+"/deploy-queue", nil).Objects("data")
			require.Len(t, queue, 2)
			require.Len(t, queue[1].Objects("preceding_deployments"), 1)
			w.do("POST", path+"/complete-deploy", map[string]any{})
			w.until(next, "deployment_state", "complete_pending_revert")
		})
	}
}

func TestApproval(t *testing.T) {
	w := start(t, `
databases:
  - {name: shop, engine: mysql, keyspaces: [orders], schema: mysql, require_approval: true}
`, map[string]string{"mysql/orders/orders.sql": schemaFiles["mysql/orders/orders.sql"]})
	d := dialects[0]
	w.branch("shop", "feat")
	dev := w.open("shop", "feat", "admin", "orders")
	w.exec(dev, "ALTER TABLE item ADD COLUMN a int")
	path, _ := w.request(d, "feat", nil)
	_, err := w.api.Do(w.Context(), "POST", path+"/deploy", map[string]any{})
	require.ErrorContains(t, err, "must be approved")

	token := w.do("POST", "service-tokens", map[string]any{"name": "ci"})
	access := []string{"read_deploy_request", "create_deploy_request", "approve_deploy_request", "read_branch", "create_branch"}
	w.do("POST", "service-tokens/"+token.Text("id")+"/access", map[string]any{"database": "shop", "access": access})
	ci := &client.Client{Base: w.api.Base, Organization: "acme", TokenID: token.Text("id"), Token: token.Text("token")}
	_, err = ci.Do(w.Context(), "DELETE", "databases/shop/branches/feat", nil)
	require.ErrorContains(t, err, "lacks access")
	_, err = ci.Do(w.Context(), "POST", path+"/reviews", map[string]any{"state": "approved"})
	require.NoError(t, err)
	require.Equal(t, "true", w.do("GET", path, nil).Text("approved"))

	// The approval was of another schema.
	w.exec(dev, "ALTER TABLE item ADD COLUMN b int")
	require.Equal(t, "false", w.do("GET", path, nil).Text("approved"))
	_, err = w.api.Do(w.Context(), "POST", path+"/deploy", map[string]any{})
	require.ErrorContains(t, err, "must be approved")

	// A token cannot approve what it asked for itself.
	w.branch("shop", "own")
	w.exec(w.open("shop", "own", "admin", "orders"), "ALTER TABLE item ADD COLUMN c int")
	own, err := ci.Do(w.Context(), "POST", "databases/shop/deploy-requests", map[string]any{"branch": "own"})
	require.NoError(t, err)
	_, err = ci.Do(w.Context(), "POST", "databases/shop/deploy-requests/"+own.Text("number")+"/reviews", map[string]any{"state": "approved"})
	require.ErrorContains(t, err, "cannot be approved by the service token that created it")
}

// TestThreeWay: two branches of the same parent, deployed one after the other.
func TestThreeWay(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			w.branch(d.database, "one")
			w.branch(d.database, "two")
			w.branch(d.database, "clash")
			w.exec(w.open(d.database, "one", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN one int")
			w.exec(w.open(d.database, "two", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN two int")
			w.exec(w.open(d.database, "clash", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN one varchar(10)")
			one, _ := w.request(d, "one", nil)
			two, _ := w.request(d, "two", nil)
			w.do("POST", one+"/deploy", map[string]any{})
			w.do("POST", two+"/deploy", map[string]any{})
			w.until(one, "deployment_state", "complete_pending_revert")
			w.do("POST", one+"/skip-revert", map[string]any{})
			w.until(two, "deployment_state", "complete_pending_revert")
			require.ElementsMatch(t, []string{"id", "name", "one", "two"}, strings.Split(w.columns(w.open(d.database, "main", "reader", d.keyspace), "item"), ","))
			w.do("POST", two+"/skip-revert", map[string]any{})

			_, clash := w.request(d, "clash", nil)
			require.Equal(t, "error", clash.Text("deployment_state"))
			require.Contains(t, clash.Text("deployment.deploy_check_errors"), "conflict")
		})
	}
}

func TestLintKeepsARequestFromDeploying(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	w.branch("shop", "feat")
	w.exec(w.open("shop", "feat", "admin", "orders"), "CREATE TABLE keyless (a int)")
	path, request := w.request(dialects[0], "feat", nil)
	require.Equal(t, "error", request.Text("deployment_state"))
	require.Equal(t, "NO_UNIQUE_KEY", request.Objects("deployment.lint_errors")[0].Text("lint_error"))
	_, err := w.api.Do(w.Context(), "POST", path+"/deploy", map[string]any{})
	require.ErrorContains(t, err, "correct the schema errors")
}

// TestCredentials: what is revoked or expired ends open sessions too.
func TestCredentials(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	p := w.do("POST", "databases/shop/branches/main/passwords", map[string]any{"name": "a", "role": "reader", "ttl": 3600})
	require.NotEmpty(t, p.Text("plain_text"))
	shown := w.do("GET", "databases/shop/branches/main/passwords/"+p.Text("id"), nil)
	require.Empty(t, shown.Text("plain_text"), "plain text is shown once")

	db, err := sql.Open("mysql", p.Text("username")+":"+p.Text("plain_text")+"@tcp("+p.Text("access_host_url")+")/orders")
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "INSERT INTO item (name) VALUES ('x')")
	require.ErrorContains(t, err, "command denied to user")
	w.do("DELETE", "databases/shop/branches/main/passwords/"+p.Text("id"), nil)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return conn.PingContext(ctx) != nil
	}, 10*time.Second, 10*time.Millisecond, "an open session of a deleted password ends")
	require.ErrorContains(t, db.PingContext(t.Context()), "Access denied")

	short := w.do("POST", "databases/notes/branches/main/roles", map[string]any{"name": "b", "ttl": 1, "inherited_roles": []string{"pg_read_all_data"}})
	expired, err := sql.Open("pgx", "postgres://"+short.Text("username")+":"+short.Text("password")+"@"+short.Text("access_host_url")+"/postgres")
	require.NoError(t, err)
	defer expired.Close()
	require.NoError(t, expired.PingContext(t.Context()))
	require.Eventually(t, func() bool { return expired.PingContext(t.Context()) != nil }, 10*time.Second, 50*time.Millisecond)
}

// TestSleepAndWake: an idle branch sleeps, and a query wakes it.
func TestSleepAndWake(t *testing.T) {
	w := start(t, twoDatabases+"sleep_after: 2s\n", schemaFiles)
	for _, d := range dialects {
		t.Run(d.database, func(t *testing.T) {
			w.branch(d.database, "feat")
			dev := w.open(d.database, "feat", "admin", d.keyspace)
			w.exec(dev, "CREATE TABLE kept (id int PRIMARY KEY)")
			w.until(d.path()+"/branches/feat", "state", "sleeping")
			require.Equal(t, "ready", w.do("GET", d.path()+"/branches/main", nil).Text("state"), "production does not sleep")
			var rows int
			require.NoError(t, dev.QueryRow("SELECT count(*) FROM kept").Scan(&rows), "a query on an open session wakes the branch")
			require.NotEqual(t, "sleeping", w.do("GET", d.path()+"/branches/feat", nil).Text("state"))
		})
	}
}

func TestRestart(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	before, err := w.folder.Environment(t.Context())
	require.NoError(t, err)
	w.branch("shop", "feat")
	w.exec(w.open("shop", "feat", "admin", "orders"), "ALTER TABLE item ADD COLUMN a int")
	path, _ := w.request(dialects[0], "feat", map[string]any{"auto_cutover": false})
	w.deploy(path, "pending_cutover")
	w.down()
	w.up()
	after, err := w.folder.Environment(t.Context())
	require.NoError(t, err)
	require.Equal(t, before[1:5], after[1:5], "tokens survive a restart")
	w.do("POST", path+"/apply-deploy", map[string]any{})
	w.until(path, "deployment_state", "complete_pending_revert")
	require.Equal(t, "id,name,a", w.columns(w.open("shop", "main", "reader", "orders"), "item"))
}

// TestNoWayRound: a function that runs DDL is no statement that the gateway
// could see; the server refuses it.
func TestNoWayRound(t *testing.T) {
	w := start(t, twoDatabases, map[string]string{
		"mysql/orders/orders.sql": schemaFiles["mysql/orders/orders.sql"],
		"postgres/notes.sql": schemaFiles["postgres/notes.sql"] + `
			CREATE FUNCTION add_column() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TABLE item ADD COLUMN sneaky int'; END $$;
			CREATE FUNCTION drop_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE item; END $$;
			CREATE FUNCTION temporary() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE passing (a int); DROP TABLE passing; END $$;`,
	})
	production := w.open("notes", "main", "admin", "")
	for _, call := range []string{"SELECT add_column()", "SELECT drop_it()"} {
		_, err := production.Exec(call)
		require.ErrorContains(t, err, "direct DDL is disabled", call)
	}
	w.exec(production, "SELECT temporary()")
	require.Equal(t, "id,name", w.columns(production, "item"))

	// A branch made from it is free, and so is production once the rule is off.
	w.branch("notes", "feat")
	dev := w.open("notes", "feat", "admin", "")
	w.exec(dev, "SELECT add_column()")
	path, _ := w.request(dialects[1], "feat", nil)
	w.deploy(path, "complete_pending_revert")
	require.Equal(t, "id,name,sneaky", w.columns(w.open("notes", "main", "reader", ""), "item"))
	w.do("DELETE", "databases/notes/branches/main/safe-migrations", nil)
	w.exec(production, "CREATE TABLE directly (id int PRIMARY KEY)")
}

// TestRouting: a session without a keyspace finds each table in the one that
// has it.
func TestRouting(t *testing.T) {
	w := start(t, twoDatabases, map[string]string{
		"mysql/orders/orders.sql": schemaFiles["mysql/orders/orders.sql"] + "CREATE TABLE twice (id int PRIMARY KEY); INSERT INTO twice VALUES (1);",
		"mysql/stock/stock.sql":   schemaFiles["mysql/stock/stock.sql"] + "CREATE TABLE twice (id int PRIMARY KEY); INSERT INTO shelf VALUES (7);",
		"postgres/notes.sql":      schemaFiles["postgres/notes.sql"],
	})
	db := w.open("shop", "main", "readwriter", "")
	db.SetMaxOpenConns(1)
	var name string
	var id int
	for range 3 {
		require.NoError(t, db.QueryRow("SELECT name FROM item WHERE id = ?", 1).Scan(&name))
		require.NoError(t, db.QueryRow("SELECT id FROM shelf").Scan(&id))
		require.Equal(t, 7, id)
		var database sql.NullString
		require.NoError(t, db.QueryRow("SELECT DATABASE()").Scan(&database))
		require.False(t, database.Valid, "nobody selected a database: %s", database.String)
	}
	tx, err := db.Begin()
	require.NoError(t, err)
	for _, statement := range []string{"INSERT INTO item (name) VALUES ('a')", "INSERT INTO shelf VALUES (8)", "UPDATE item SET name = 'b' WHERE name = 'a'"} {
		_, err := tx.Exec(statement)
		require.NoError(t, err, statement)
	}
	var last int64
	require.NoError(t, tx.QueryRow("SELECT LAST_INSERT_ID()").Scan(&last))
	require.Positive(t, last)
	require.NoError(t, tx.Rollback())
	var rows int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM shelf").Scan(&rows))
	require.Equal(t, 1, rows, "one transaction over both keyspaces was rolled back")
	result, err := db.Exec("INSERT INTO item (name) VALUES ('c')")
	require.NoError(t, err)
	inserted, err := result.LastInsertId()
	require.NoError(t, err)
	require.NoError(t, db.QueryRow("SELECT LAST_INSERT_ID()").Scan(&last))
	require.Equal(t, inserted, last)

	for statement, want := range map[string]string{
		"SELECT * FROM nowhere":                                 "VT05004: table 'nowhere' does not exist",
		"SELECT * FROM twice":                                   "ambiguous table reference: twice; it is in keyspaces orders, stock",
		"SELECT * FROM item JOIN shelf ON shelf.id = item.id":   "'orders' and 'stock'",
		"CREATE TABLE directly (id int PRIMARY KEY)":            "direct DDL is disabled",
		"INSERT INTO shelf SELECT id FROM item":                 "in one statement without their keyspaces",
		"DELETE FROM item WHERE id IN (SELECT id FROM nowhere)": "'nowhere'",
	} {
		_, err := db.Exec(statement)
		require.ErrorContains(t, err, want, statement)
	}
	w.exec(db, "INSERT INTO stock.shelf SELECT id + 100 FROM orders.item")
	w.exec(db, "USE stock")
	require.NoError(t, db.QueryRow("SELECT count(*) FROM twice").Scan(&rows))
	require.Zero(t, rows)
	_, err = db.Exec("SELECT * FROM item")
	require.ErrorContains(t, err, "stock.item", "a selected keyspace is the only one")

	// What a deploy request brings is found.
	w.branch("shop", "feat")
	w.exec(w.open("shop", "feat", "admin", "stock"), "CREATE TABLE pallet (id int PRIMARY KEY)")
	path, _ := w.request(dialects[0], "feat", nil)
	w.deploy(path, "complete_pending_revert")
	require.NoError(t, w.open("shop", "main", "reader", "").QueryRow("SELECT count(*) FROM pallet").Scan(&rows))
}
