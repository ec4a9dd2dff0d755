package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/orrerydb/orrery/internal/schema"
)

// settings make statements mean what they meant to pg_dump: all names are
// qualified, and the bodies of functions may name what comes later. Catalog
// queries look expensive to the planner but are not: nothing to compile.
const settings = "SET jit = off; SET search_path = ''; SET check_function_bodies = false; SET client_min_messages = warning;"

// address is the host (or socket folder) and the port of a server.
func address(server schema.Server) (host string, port int, err error) {
	if server.Network == "unix" {
		if server.Port == 0 {
			return server.Address, 5432, nil
		}
		return server.Address, server.Port, nil
	}
	host, text, err := net.SplitHostPort(server.Address)
	if err != nil {
		return "", 0, fmt.Errorf("address of the PostgreSQL server: %w", err)
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return "", 0, fmt.Errorf("port of the PostgreSQL server %s: %w", server.Address, err)
	}
	return host, port, nil
}

// Dial connects to one database with the server's own settings, and those
// named.
func Dial(ctx context.Context, server schema.Server, database string, settings map[string]string) (*pgx.Conn, error) {
	host, port, err := address(server)
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig("sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("connection settings: %w", err)
	}
	config.Host, config.Port = host, uint16(port)
	config.User, config.Password, config.Database = server.User, server.Password, database
	config.Fallbacks = nil
	if server.TLS {
		config.TLSConfig = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	maps.Copy(config.RuntimeParams, settings)
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", database, err)
	}
	return conn, nil
}

func connect(ctx context.Context, server schema.Server, database string) (*pgx.Conn, error) {
	conn, err := Dial(ctx, server, database, nil)
	if err != nil {
		return nil, err
	}
	if err := run(ctx, conn, settings); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("connect to database %s: %w", database, err)
	}
	return conn, nil
}

// run sends statements as one simple query: outside a transaction block the
// server takes all of them or none.
func run(ctx context.Context, conn *pgx.Conn, statements string) error {
	_, err := conn.PgConn().Exec(ctx, statements).ReadAll()
	var failure *pgconn.PgError
	if errors.As(err, &failure) && failure.Detail != "" {
		return fmt.Errorf("%w: %s", err, failure.Detail) // which row it was, for example
	}
	return err
}
