package postgres_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/engine/enginetest"
	"github.com/orrerydb/orrery/internal/engine/postgres"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, enginetest.Dialect{
		New:       func(m *instance.Manager) engine.Engine { return postgres.New(m) },
		Keyspaces: []string{"postgres"},
		Schema:    "public.",
		Logins:    map[string]engine.Login{"reader": {Name: "r"}, "writer": {Name: "w"}, "readwriter": {Name: "rw"}, "admin": {Name: "a"}},
		Roles: []engine.Role{
			{Name: "r", Inherits: []string{"pg_read_all_data"}}, {Name: "w", Inherits: []string{"pg_write_all_data"}},
			{Name: "rw", Inherits: []string{"pg_read_all_data", "pg_write_all_data"}}, {Name: "a", Inherits: []string{postgres.Owner}},
		},
		Open: func(t *testing.T, e engine.Endpoint) *sql.DB {
			config, err := pgx.ParseConfig("")
			require.NoError(t, err)
			// The endpoint is the socket itself; pgx wants its folder and port.
			config.Host, config.Port, config.User, config.Database, config.TLSConfig, config.Fallbacks = folderOf(e.Address), 5432, e.User, "postgres", nil, nil
			return stdlib.OpenDB(*config)
		},
		Forbidden: []string{
			"ALTER SYSTEM SET max_connections = 10", "CREATE ROLE intruder SUPERUSER", "COPY (SELECT 1) TO PROGRAM 'true'", "COPY item FROM '/etc/passwd'",
			"SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')", "SET SESSION AUTHORIZATION orrery", "ALTER ROLE orrery PASSWORD 'x'",
			"CREATE EVENT TRIGGER x ON ddl_command_end EXECUTE FUNCTION now()", "SET ROLE orrery_deploy", "SET ROLE orrery",
			"GRANT pg_execute_server_program TO postgres", "DROP ROLE orrery_deploy", "ALTER ROLE orrery_deploy SET role TO orrery", "ALTER ROLE orrery_deploy PASSWORD 'x'",
		},
	})
}

func folderOf(socket string) string { return filepath.Dir(socket) }

// TestNobodyBecomesSuperuser: what the owner puts in the way of a name is not
// found by the connections that have more rights.
func TestNobodyBecomesSuperuser(t *testing.T) {
	manager := instancetest.Open(t, instancetest.Folder(t))
	e, b := postgres.New(manager), engine.Branch{ID: "trap", Keyspaces: []string{"postgres"}}
	require.NoError(t, e.Create(t.Context(), b))
	require.NoError(t, e.Run(t.Context(), b, "", `
		CREATE SCHEMA evil;
		CREATE FUNCTION evil.trap() RETURNS name LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE postgres SUPERUSER'; END IF;
			RETURN 'x';
		END $$;
		CREATE VIEW evil.pg_roles AS SELECT evil.trap() AS rolname, false AS rolsuper, 1::oid AS oid;
		CREATE VIEW evil.pg_auth_members AS SELECT 1::oid AS roleid, 1::oid AS member WHERE evil.trap() IS NOT NULL;
		ALTER DATABASE postgres SET search_path = evil, pg_catalog;`))
	require.NoError(t, e.CreateRole(t.Context(), b, engine.Role{Name: "victim", Inherits: []string{"pg_read_all_data"}}))
	require.NoError(t, e.SetSafe(t.Context(), b, true))
	require.NoError(t, e.SetSafe(t.Context(), b, false))
	require.NoError(t, e.DropRole(t.Context(), b, "victim", ""))
	endpoint, err := e.Endpoint(t.Context(), b, engine.Login{Name: postgres.Owner})
	require.NoError(t, err)
	config, err := pgx.ParseConfig("")
	require.NoError(t, err)
	config.Host, config.Port, config.User, config.Database, config.TLSConfig, config.Fallbacks = folderOf(endpoint.Address), 5432, endpoint.User, "postgres", nil, nil
	db := stdlib.OpenDB(*config)
	defer db.Close()
	var super bool
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT bool_or(rolsuper) FROM pg_catalog.pg_roles WHERE rolname <> 'orrery'").Scan(&super))
	require.False(t, super)
}
