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
