package mysql

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orrerydb/orrery/internal/schema"
)

// Open returns a pool of at most connections to one keyspace ("" for none).
// The keyspace is the session's default, because the server then leaves it out
// of the names in view definitions.
func Open(server schema.Server, keyspace string, connections int, params map[string]string) (*sql.DB, error) {
	config := mysql.NewConfig()
	config.Net = server.Network
	config.Addr = server.Address
	config.User = server.User
	config.Passwd = server.Password
	config.DBName = keyspace
	config.MultiStatements = true
	config.InterpolateParams = true
	config.Timeout = 10 * time.Second
	config.Params = params
	if server.TLS {
		config.TLSConfig = "true"
	}
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("connect to MySQL at %s: %w", server.Address, err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}
