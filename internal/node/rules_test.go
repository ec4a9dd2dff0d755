package node_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/client"
)

// token makes a service token with accesses to a database.
func (w *world) token(database string, access ...string) *client.Client {
	w.Helper()
	t := w.do("POST", "service-tokens", map[string]any{"name": "test"})
	w.do("POST", "service-tokens/"+t.Text("id")+"/access", map[string]any{"database": database, "access": access})
	return &client.Client{Base: w.api.Base, Organization: "acme", TokenID: t.Text("id"), Token: t.Text("token")}
}

// refused expects a status.
func (w *world) refused(c *client.Client, status int, method, path string, body any) {
	w.Helper()
	_, err := c.Do(w.Context(), method, path, body)
	var refusal *client.Error
	require.True(w, errors.As(err, &refusal), "%s %s: %v", method, path, err)
	require.Equal(w, status, refusal.Status, "%s %s: %s", method, path, refusal.Message)
	require.NotEmpty(w, refusal.Message)
}

func TestTokensByDatabaseAndBranch(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	w.branch("shop", "feat")
	dev := w.token("shop", "read_branch", "connect_branch", "create_branch_password")
	databases, err := dev.All(t.Context(), "databases")
	require.NoError(t, err)
	require.Len(t, databases, 1, "a token sees the databases that it has a right to")
	password := map[string]any{"name": "x", "role": "reader"}
	_, err = dev.Do(t.Context(), "POST", "databases/shop/branches/feat/passwords", password)
	require.NoError(t, err)
	w.refused(dev, 403, "POST", "databases/shop/branches/main/passwords", password)
	w.refused(dev, 403, "GET", "databases/notes", nil)
	w.refused(dev, 403, "POST", "service-tokens", map[string]any{"name": "more"})

	readOnly := w.token("shop", "connect_production_read_only_branch")
	_, err = readOnly.Do(t.Context(), "POST", "databases/shop/branches/main/passwords", password)
	require.NoError(t, err)
	w.refused(readOnly, 403, "POST", "databases/shop/branches/main/passwords", map[string]any{"role": "admin"})

	nothing := w.token("shop")
	w.refused(nothing, 403, "GET", "databases", nil)
	w.refused(&client.Client{Base: w.api.Base, Organization: "acme", TokenID: w.api.TokenID, Token: "pscale_tkn_wrong"}, 401, "GET", "databases", nil)
	w.refused(&client.Client{Base: w.api.Base, Organization: "acme"}, 401, "GET", "databases", nil)

	// Rights go with the database's name, and end with the database.
	w.do("PATCH", "databases/shop", map[string]any{"new_name": "store"})
	_, err = dev.Do(t.Context(), "GET", "databases/store/branches/feat", nil)
	require.NoError(t, err)
	w.do("DELETE", "databases/store", nil)
	w.do("POST", "databases", map[string]any{"name": "store"})
	w.until("databases/store", "state", "ready")
	w.refused(dev, 403, "GET", "databases/store", nil)
}

func TestMistakesAreAnswered(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, c := range []struct {
		status       int
		method, path string
		body         any
	}{
		{404, "GET", "databases/nothing", nil},
		{404, "GET", "databases/shop/branches/nothing", nil},
		{404, "GET", "databases/shop/deploy-requests/99", nil},
		{404, "GET", "databases/shop/deploy-requests/x", nil},
		{404, "GET", "no/such/thing", nil},
		{405, "PUT", "databases/shop", nil},
		{400, "POST", "databases", map[string]any{"name": "Not A Name"}},
		{400, "POST", "databases", map[string]any{"name": "x", "kind": "oracle"}},
		{400, "POST", "databases", map[string]any{"name": 7}},
		{422, "POST", "databases", map[string]any{"name": "shop"}},
		{422, "PATCH", "databases/shop", map[string]any{"new_name": "notes"}},
		{404, "PATCH", "databases/shop", map[string]any{"default_branch": "nothing"}},
		{400, "POST", "databases/shop/branches", map[string]any{"name": "../up"}},
		{404, "POST", "databases/shop/branches", map[string]any{"name": "x", "parent_branch": "nothing"}},
		{422, "POST", "databases/shop/branches", map[string]any{"name": "main"}},
		{422, "POST", "databases/shop/branches", map[string]any{"name": "x", "backup_id": "y"}},
		{422, "DELETE", "databases/shop/branches/main", nil},
		{422, "POST", "databases/shop/branches/main/demote", nil},
		{400, "POST", "databases/shop/branches/main/passwords", map[string]any{"role": "root"}},
		{400, "POST", "databases/shop/branches/main/passwords", map[string]any{"ttl": -1}},
		{400, "POST", "databases/shop/branches/main/passwords", map[string]any{"ttl": int64(1) << 60}},
		{400, "POST", "databases/shop/branches/main/passwords", map[string]any{"cidrs": []string{"here"}}},
		{422, "POST", "databases/notes/branches/main/passwords", map[string]any{}},
		{422, "GET", "databases/shop/branches/main/roles", nil},
		{400, "POST", "databases/notes/branches/main/roles", map[string]any{"inherited_roles": []string{"orrery"}}},
		{422, "DELETE", "databases/notes/branches/main/roles/default", map[string]any{}},
		{422, "POST", "databases/shop/deploy-requests", map[string]any{"branch": "main"}},
		{404, "POST", "databases/shop/deploy-requests", map[string]any{"branch": "nothing"}},
		{422, "POST", "databases/notes/branches/main/keyspaces", map[string]any{"name": "x"}},
		{400, "POST", "databases/shop/branches/main/keyspaces", map[string]any{"name": "mysql"}},
		{422, "POST", "databases/shop/branches/main/keyspaces", map[string]any{"name": "sharded", "shards": 4}},
	} {
		w.refused(w.api, c.status, c.method, c.path, c.body)
	}
	w.do("GET", "databases?page=9223372036854775807&per_page=100", nil)
	w.do("GET", "databases?page=-1&per_page=x", nil)
}

// TestLookingDisturbsNothing: requests that are read while they are deployed
// stay what they are.
func TestLookingDisturbsNothing(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, d := range dialects {
		w.branch(d.database, "feat")
		w.exec(w.open(d.database, "feat", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN price bigint")
		path, _ := w.request(d, "feat", nil)
		done := make(chan struct{})
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						_, _ = w.api.Do(w.Context(), "GET", path, nil)
					}
				}
			})
		}
		deployed := w.deploy(path, "complete_pending_revert")
		close(done)
		readers.Wait()
		require.Equal(t, "closed", deployed.Text("state"))
		after := w.do("GET", path, nil)
		require.Equal(t, "closed", after.Text("state"))
		for _, operation := range after.Objects("deployment.deploy_operations") {
			require.Equal(t, "complete", operation.Text("state"))
		}
	}
}

// TestRevertLeavesOthersAlone: what somebody made on production meanwhile is
// not the deployment's to undo.
func TestRevertLeavesOthersAlone(t *testing.T) {
	w := start(t, twoDatabases, schemaFiles)
	for _, d := range dialects {
		w.branch(d.database, "feat")
		w.exec(w.open(d.database, "feat", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN price bigint")
		path, _ := w.request(d, "feat", nil)
		w.deploy(path, "complete_pending_revert")
		w.do("DELETE", d.path()+"/branches/main/safe-migrations", nil)
		production := w.open(d.database, "main", "admin", d.keyspace)
		w.exec(production, "CREATE TABLE mine (id int NOT NULL PRIMARY KEY)")
		w.exec(production, "INSERT INTO mine VALUES (1)")
		w.do("POST", path+"/revert", map[string]any{})
		w.until(path, "deployment_state", "complete_revert")
		var rows int
		require.NoError(t, production.QueryRow("SELECT count(*) FROM mine").Scan(&rows))
		require.Equal(t, 1, rows)
		require.Equal(t, "id,name", w.columns(w.open(d.database, "main", "reader", d.keyspace), "item"))
	}
}

// TestBindingsFollowTheConfig: a role that is lowered loses rights, and a
// binding that is gone opens nothing.
func TestBindingsFollowTheConfig(t *testing.T) {
	text := `
databases:
  - {name: notes, engine: postgresql, schema: postgres}
bindings:
  - {name: STAYS, database: notes, role: admin}
  - {name: GOES, database: notes}
`
	w := start(t, text, schemaFiles)
	before := w.environment()
	w.down()
	w.rewrite("databases:\n  - {name: notes, engine: postgresql, schema: postgres}\nbindings:\n  - {name: STAYS, database: notes, role: reader}\n")
	w.up()
	after := w.environment()
	db := openURL(t, after["STAYS"])
	require.NoError(t, db.Ping())
	_, err := db.Exec("INSERT INTO item (name) VALUES ('x')")
	require.ErrorContains(t, err, "permission denied")
	_, err = db.Exec("SET ROLE postgres")
	require.Error(t, err)
	gone := openURL(t, w.at(before["GOES"]))
	require.ErrorContains(t, gone.Ping(), "password authentication failed")
}
