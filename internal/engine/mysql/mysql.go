// Package mysql hosts branches on MySQL 8.0 or newer.
//
// A managed branch is one mysqld with a database a keyspace. The gateway
// connects as one of four users whose grants end at the branch's keyspaces:
// what the gateway would let through by mistake, the server still refuses.
package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/schema"
	schemamysql "github.com/orrerydb/orrery/internal/schema/mysql"
)

// Engine implements engine.Engine.
type Engine struct {
	engine.Managed
	differ schema.Differ
}

// New returns an engine on a manager's instances.
func New(instances *instance.Manager) *Engine {
	return &Engine{Managed: engine.Managed{Instances: instances, Kind: instance.MySQL}, differ: schemamysql.New()}
}

// grants of each backend user, on each keyspace. A writer may read on the
// server, for UPDATE … WHERE needs it; the gateway refuses its SELECTs.
var grants = map[string]string{
	"reader":     "SELECT, SHOW VIEW",
	"writer":     "SELECT, INSERT, UPDATE, DELETE",
	"readwriter": "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES, LOCK TABLES, SHOW VIEW",
	"admin":      "ALL PRIVILEGES",
}

func backendUser(role string) string { return "orrery_" + role }

// Differ implements engine.Engine.
func (e *Engine) Differ() schema.Differ { return e.differ }

// Create implements engine.Engine.
func (e *Engine) Create(ctx context.Context, b engine.Branch) error {
	if b.Attached == nil {
		if _, err := e.Start(ctx, b); err != nil {
			return err
		}
	}
	return e.administer(ctx, b, func(db *sql.DB) error {
		if b.Attached == nil {
			for role := range grants {
				if _, err := db.ExecContext(ctx, "CREATE USER IF NOT EXISTS "+account(role)); err != nil {
					return fmt.Errorf("backend user: %w", err)
				}
			}
		}
		for _, keyspace := range b.Keyspaces {
			if err := makeKeyspace(ctx, db, b, keyspace); err != nil {
				return err
			}
		}
		return nil
	})
}

func account(role string) string { return "'" + backendUser(role) + "'@'localhost'" }

func makeKeyspace(ctx context.Context, db *sql.DB, b engine.Branch, keyspace string) error {
	if _, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(keyspace)); err != nil {
		return fmt.Errorf("keyspace %s: %w", keyspace, err)
	}
	if b.Attached != nil {
		return nil
	}
	// '_' and '%' are wildcards in a grant's database name.
	escaped := quote(strings.NewReplacer("_", `\_`, "%", `\%`).Replace(keyspace))
	for role, privileges := range grants {
		statement := "GRANT " + privileges + " ON " + escaped + ".* TO " + account(role)
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("grant on keyspace %s: %w", keyspace, err)
		}
	}
	return nil
}

// CreateKeyspace implements engine.Engine.
func (e *Engine) CreateKeyspace(ctx context.Context, b engine.Branch, name string) error {
	return e.administer(ctx, b, func(db *sql.DB) error { return makeKeyspace(ctx, db, b, name) })
}

// DropKeyspace implements engine.Engine.
func (e *Engine) DropKeyspace(ctx context.Context, b engine.Branch, name string) error {
	return e.administer(ctx, b, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+quote(name))
		return err
	})
}

func quote(identifier string) string { return "`" + strings.ReplaceAll(identifier, "`", "``") + "`" }

// Server implements engine.Engine.
func (e *Engine) Server(ctx context.Context, b engine.Branch) (schema.Server, error) {
	if a := b.Attached; a != nil {
		return schema.Server{Network: network(a.Address), Address: a.Address, User: a.User, Password: a.Password, TLS: a.TLS, Keyspaces: b.Keyspaces}, nil
	}
	socket, err := e.Instances.Wake(ctx, b.ID)
	if err != nil {
		return schema.Server{}, err
	}
	return schema.Server{Network: "unix", Address: socket.Path, User: socket.User, Keyspaces: b.Keyspaces}, nil
}

func network(address string) string {
	if strings.HasPrefix(address, "/") {
		return "unix"
	}
	return "tcp"
}

// Endpoint implements engine.Engine. On an attached server every login is the
// configured user; the gateway's rules are all that tell them apart.
func (e *Engine) Endpoint(ctx context.Context, b engine.Branch, login engine.Login) (engine.Endpoint, error) {
	if a := b.Attached; a != nil {
		return engine.Endpoint{Network: network(a.Address), Address: a.Address, User: a.User, Password: a.Password, TLS: a.TLS}, nil
	}
	socket, err := e.Instances.Wake(ctx, b.ID)
	if err != nil {
		return engine.Endpoint{}, err
	}
	return engine.Endpoint{Network: "unix", Address: socket.Path, User: backendUser(login.Name)}, nil
}

// SetSafe implements engine.Engine. MySQL's functions and triggers cannot
// run DDL, and the gateway refuses CALL: there is no other way in.
func (e *Engine) SetSafe(context.Context, engine.Branch, bool) error { return nil }

// Tables implements engine.Locator.
func (e *Engine) Tables(ctx context.Context, b engine.Branch) (map[string][]string, error) {
	found := map[string][]string{}
	err := e.administer(ctx, b, func(db *sql.DB) error {
		marks := strings.TrimSuffix(strings.Repeat("?, ", len(b.Keyspaces)), ", ")
		arguments := make([]any, len(b.Keyspaces))
		for i, keyspace := range b.Keyspaces {
			arguments[i] = keyspace
		}
		rows, err := db.QueryContext(ctx, "SELECT table_name, table_schema FROM information_schema.tables WHERE table_schema IN ("+marks+") ORDER BY table_schema", arguments...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table, keyspace string
			if err := rows.Scan(&table, &keyspace); err != nil {
				return err
			}
			found[table] = append(found[table], keyspace)
		}
		return rows.Err()
	})
	return found, err
}

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, b engine.Branch, keyspace, script string) error {
	return e.connect(ctx, b, keyspace, func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, script)
		return err
	})
}

func (e *Engine) administer(ctx context.Context, b engine.Branch, do func(*sql.DB) error) error {
	return e.connect(ctx, b, "", do)
}

func (e *Engine) connect(ctx context.Context, b engine.Branch, keyspace string, do func(*sql.DB) error) error {
	server, err := e.Server(ctx, b)
	if err != nil {
		return err
	}
	db, err := schemamysql.Open(server, keyspace, 1, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

// CopyData implements engine.Engine with mysqldump: one consistent snapshot,
// while the source is written to.
func (e *Engine) CopyData(ctx context.Context, from, to engine.Branch) error {
	if from.Attached != nil || to.Attached != nil {
		return fmt.Errorf("copying data: %w", engine.ErrAttached)
	}
	programs, err := e.Instances.Programs(ctx, instance.MySQL)
	if err != nil {
		return err
	}
	source, err := e.Instances.Wake(ctx, from.ID)
	if err != nil {
		return err
	}
	target, err := e.Instances.Wake(ctx, to.ID)
	if err != nil {
		return err
	}
	arguments := []string{"--no-defaults", "--socket=" + source.Path, "--user=" + source.User, "--single-transaction",
		"--quick", "--set-gtid-purged=OFF", "--skip-tz-utc", "--hex-blob", "--databases"}
	dump := exec.CommandContext(ctx, filepath.Join(programs, "mysqldump"), append(arguments, from.Keyspaces...)...)
	load := exec.CommandContext(ctx, filepath.Join(programs, "mysql"), "--no-defaults", "--socket="+target.Path, "--user="+target.User,
		"--init-command=SET SESSION foreign_key_checks=0, unique_checks=0")
	return instance.Pipe(dump, load)
}
