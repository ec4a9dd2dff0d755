package node_test

import (
	"testing"

	"github.com/orrerydb/orrery/internal/instance"
)

// TestStoreOnPostgres: the same workflow with the metadata in PostgreSQL.
func TestStoreOnPostgres(t *testing.T) {
	socket := external(t)[instance.Postgres]
	w := start(t, "store: \"postgres:///postgres?host="+socket.Folder+"&user="+socket.User+"\"\n"+twoDatabases, schemaFiles)
	for _, d := range dialects {
		w.branch(d.database, "feat")
		w.exec(w.open(d.database, "feat", "admin", d.keyspace), "ALTER TABLE item ADD COLUMN price bigint")
		path, _ := w.request(d, "feat", map[string]any{"auto_delete_branch": true})
		w.deploy(path, "complete_pending_revert")
	}
	w.down()
	w.up()
	for _, d := range dialects {
		path := d.path() + "/deploy-requests/1"
		w.do("POST", path+"/skip-revert", map[string]any{})
		w.until(path, "deployment_state", "complete")
	}
}
