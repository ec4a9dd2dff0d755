package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/config"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orrery.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDefaults(t *testing.T) {
	c, err := config.Read()
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:13306", c.Listen.MySQL)
	require.Equal(t, 15*time.Minute, c.SleepAfter)
}

func TestRead(t *testing.T) {
	path := write(t, `
organization: acme
sleep_after: 5m
databases:
  - name: shop
    engine: mysql
    keyspaces: [orders, stock]
    schema: schema
    require_approval: true
    tenancy: {column: org_id, exempt_keyspaces: [stock]}
  - {name: notes, engine: postgresql, safe_migrations: false}
bindings:
  - {name: HYPERDRIVE_ORDERS, database: shop, keyspace: orders, pool_size: 5}
  - {name: HYPERDRIVE, database: shop, role: reader}
`)
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "schema"), 0o755))
	c, err := config.Read(path)
	require.NoError(t, err)
	require.Equal(t, config.Database{
		Name: "shop", Engine: "mysql", Branch: "main", Keyspaces: []string{"orders", "stock"},
		Schema: filepath.Join(filepath.Dir(path), "schema"), SafeMigrations: true, RequireApproval: true,
		Tenancy: &config.Tenancy{Column: "org_id", ExemptKeyspaces: []string{"stock"}},
	}, c.Databases[0])
	require.False(t, c.Databases[1].SafeMigrations)
	require.Equal(t, config.Binding{Name: "HYPERDRIVE_ORDERS", Database: "shop", Branch: "main", Keyspace: "orders", Role: "readwriter", PoolSize: 5}, c.Bindings[0])
}

func TestJoin(t *testing.T) {
	one := write(t, "organization: acme\ndatabases: [{name: a, engine: mysql}]\n")
	two := write(t, "databases: [{name: b, engine: postgresql}]\nbindings: [{name: A, database: a}]\n")
	c, err := config.Read(one, two)
	require.NoError(t, err)
	require.Equal(t, "acme", c.Organization)
	require.Len(t, c.Databases, 2)
	_, err = config.Read(one, one)
	require.ErrorContains(t, err, `database "a" is named twice`)
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"unknown key":           {"organization: a\ndatabasez: []\n", `line 2: unknown key "databasez" (known here: organization, listen,`},
		"unknown database key":  {"databases:\n  - name: a\n    engine: mysql\n    keyspace: [x]\n", `line 4: unknown key "keyspace" (known here: name, engine,`},
		"wrong type":            {"databases:\n  - name: a\n    engine: mysql\n    require_approval: maybe\n", "line 4"},
		"not YAML":              {"organization: [a\n", "line"},
		"bad engine":            {"databases:\n  - name: a\n    engine: oracle\n", `line 3: engine "oracle" is not known; use mysql or postgresql`},
		"bad name":              {"databases:\n  - name: A b\n    engine: mysql\n", `line 2: database name "A b" is not valid`},
		"bad address":           {"listen:\n  api: 8080\n", `line 2: listen.api "8080" is not host:port`},
		"bad duration":          {"sleep_after: often\n", `line 1: sleep_after "often" is not a duration`},
		"missing schema":        {"databases:\n  - name: a\n    engine: mysql\n    schema: nowhere\n", "line 4: schema folder"},
		"keyspace twice":        {"databases:\n  - name: a\n    engine: mysql\n    keyspaces:\n      - x\n      - x\n", `line 6: keyspace "x" is named twice`},
		"postgres keyspaces":    {"databases:\n  - name: a\n    engine: postgresql\n    keyspaces: [x]\n", "line 4: a PostgreSQL database has no keyspaces"},
		"binding to nothing":    {"bindings:\n  - name: A\n    database: none\n", `line 3: binding A names database "none"`},
		"binding keyspace":      {"databases:\n  - {name: a, engine: mysql}\nbindings:\n  - name: A\n    database: a\n    keyspace: x\n", `line 6: binding A names keyspace "x"`},
		"binding name":          {"databases:\n  - {name: a, engine: mysql}\nbindings:\n  - name: lower\n    database: a\n", `line 4: binding name "lower" is not valid`},
		"binding role":          {"databases:\n  - {name: a, engine: mysql}\nbindings:\n  - name: A\n    database: a\n    role: root\n", `line 6: role "root" is not known`},
		"unset password":        {"databases:\n  - name: a\n    engine: mysql\n    attached:\n      address: db:3306\n      user: x\n      password_env: ORRERY_TEST_UNSET\n", "line 7: environment variable ORRERY_TEST_UNSET is not set"},
		"attached address":      {"databases:\n  - name: a\n    engine: mysql\n    attached:\n      address: db\n      user: x\n", "line 5: attached address"},
		"tenancy column":        {"databases:\n  - name: a\n    engine: mysql\n    tenancy: {exempt_tables: [x]}\n", "line 4: tenancy needs the column"},
		"exempt keyspace":       {"databases:\n  - name: a\n    engine: mysql\n    tenancy:\n      column: org_id\n      exempt_keyspaces: [x]\n", `line 6: exempt keyspace "x"`},
		"store":                 {"store: mysql://x\n", "line 1: store"},
		"connections":           {"limits:\n  connections: 0\n", "line 2: limits.connections"},
		"two databases, a name": {"databases:\n  - {name: a, engine: mysql}\n  - {name: a, engine: mysql}\n", `database "a" is named twice`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := config.Read(write(t, c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}
