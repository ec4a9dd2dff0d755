package mysql_test

import (
	"database/sql"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/engine/enginetest"
	"github.com/orrerydb/orrery/internal/engine/mysql"
	"github.com/orrerydb/orrery/internal/instance"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, enginetest.Dialect{
		New:       func(m *instance.Manager) engine.Engine { return mysql.New(m) },
		Keyspaces: []string{"first_one", "second"},
		Logins:    map[string]engine.Login{"reader": {Name: "reader"}, "writer": {Name: "writer"}, "readwriter": {Name: "readwriter"}, "admin": {Name: "admin"}},
		Open: func(t *testing.T, e engine.Endpoint) *sql.DB {
			config := driver.NewConfig()
			config.Net, config.Addr, config.User, config.Passwd, config.DBName = e.Network, e.Address, e.User, e.Password, "first_one"
			connector, err := driver.NewConnector(config)
			require.NoError(t, err)
			return sql.OpenDB(connector)
		},
		Forbidden: []string{
			"SET GLOBAL max_connections = 10", "CREATE USER intruder", "SELECT * FROM mysql.user", "SELECT load_file('/etc/passwd') INTO OUTFILE '/tmp/x'",
			"SHUTDOWN", "CREATE DATABASE elsewhere", "CREATE DATABASE firstXone", "GRANT ALL ON *.* TO orrery_reader@localhost", "INSTALL PLUGIN x SONAME 'x.so'",
		},
	})
}
