package node_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/client"
	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
	"github.com/orrerydb/orrery/internal/node"
)

// world is a running node and the ways to reach it.
type world struct {
	*testing.T
	folder   node.Folder
	config   string
	node     *node.Node
	operator node.Operator
	api      *client.Client
}

// listen makes every address a free one.
const listen = "listen: {api: \"127.0.0.1:0\", mysql: \"127.0.0.1:0\", postgresql: \"127.0.0.1:0\"}\n"

// start runs a node with a config. Files of the schema folder are written
// below the config.
func start(t *testing.T, text string, files map[string]string) *world {
	t.Helper()
	dir := instancetest.Folder(t)
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	w := &world{T: t, folder: node.Folder(filepath.Join(dir, "state")), config: filepath.Join(dir, "orrery.yaml")}
	require.NoError(t, os.WriteFile(w.config, []byte("organization: acme\n"+listen+text), 0o600))
	w.up()
	t.Cleanup(w.down)
	return w
}

func (w *world) up() {
	w.Helper()
	c, err := config.Read(w.config)
	require.NoError(w, err)
	level := slog.LevelWarn
	if testing.Verbose() {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	w.node, err = node.Start(w.Context(), c, []string{w.config}, w.folder, log, func(string, ...any) {})
	require.NoError(w, err)
	w.operator, err = w.folder.Operator()
	require.NoError(w, err)
	w.api = &client.Client{Base: w.operator.API, TokenID: w.operator.TokenID, Token: w.operator.Token, Organization: w.operator.Organization}
}

func (w *world) down() {
	if w.node != nil {
		require.NoError(w, w.node.Close(context.Background()))
		w.node = nil
	}
}

// do calls the API and expects it to agree.
func (w *world) do(method, path string, body any) client.Object {
	w.Helper()
	answer, err := w.api.Do(w.Context(), method, path, body)
	require.NoError(w, err, "%s %s", method, path)
	return answer
}

// until polls a path until the field has one of the values.
func (w *world) until(path, field string, values ...string) client.Object {
	w.Helper()
	var answer client.Object
	require.Eventually(w, func() bool {
		answer = w.do("GET", path, nil)
		for _, value := range values {
			if answer.Text(field) == value {
				return true
			}
		}
		return false
	}, 60_000_000_000, 20_000_000, "%s: %s is not %v", path, field, values)
	return answer
}

// open connects to a branch through the gateway, with a credential of its own.
func (w *world) open(database, branch, role, keyspace string) *sql.DB {
	w.Helper()
	path := "databases/" + database + "/branches/" + branch
	driver, source := "mysql", ""
	if w.do("GET", "databases/"+database, nil).Text("kind") == "postgresql" {
		inherited := map[string][]string{"admin": {"postgres"}, "reader": {"pg_read_all_data"}, "readwriter": {"pg_read_all_data", "pg_write_all_data"}}
		r := w.do("POST", path+"/roles", map[string]any{"name": "test", "inherited_roles": inherited[role]})
		driver = "pgx"
		source = fmt.Sprintf("postgres://%s:%s@%s/postgres?sslmode=verify-full&sslrootcert=%s", r.Text("username"), r.Text("password"), r.Text("access_host_url"), w.folder.CA())
	} else {
		p := w.do("POST", path+"/passwords", map[string]any{"name": "test", "role": role})
		source = fmt.Sprintf("%s:%s@tcp(%s)/%s?interpolateParams=false", p.Text("username"), p.Text("plain_text"), p.Text("access_host_url"), keyspace)
	}
	db, err := sql.Open(driver, source)
	require.NoError(w, err)
	w.Cleanup(func() { db.Close() })
	return db
}

func (w *world) exec(db *sql.DB, statement string, arguments ...any) {
	w.Helper()
	_, err := db.ExecContext(w.Context(), statement, arguments...)
	require.NoError(w, err, statement)
}

func (w *world) branch(database, name string) {
	w.Helper()
	w.do("POST", "databases/"+database+"/branches", map[string]any{"name": name})
	w.until("databases/"+database+"/branches/"+name, "ready", "true")
}

// columns of a table, as the server that answers the query has them.
func (w *world) columns(db *sql.DB, table string) string {
	w.Helper()
	rows, err := db.QueryContext(w.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	require.NoError(w, err)
	defer rows.Close()
	require.NoError(w, rows.Err())
	names, err := rows.Columns()
	require.NoError(w, err)
	return strings.Join(names, ",")
}

func (w *world) environment() map[string]string {
	w.Helper()
	variables, err := w.folder.Environment(w.Context())
	require.NoError(w, err)
	all := map[string]string{}
	for _, v := range variables {
		all[v.Name] = v.Value
	}
	return all
}

// rewrite replaces the config below its listen line.
func (w *world) rewrite(text string) {
	w.Helper()
	require.NoError(w, os.WriteFile(w.config, []byte("organization: acme\n"+listen+text), 0o600))
}

// at is a binding's URL on the gateway that runs now.
func (w *world) at(address string) string {
	w.Helper()
	u, err := url.Parse(address)
	require.NoError(w, err)
	u.Host = w.operator.Postgres
	return u.String()
}

func openURL(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}
