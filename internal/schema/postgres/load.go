package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/orrerydb/orrery/internal/schema"
)

// Load runs one pg_dump a database.
func (d *Differ) Load(ctx context.Context, server schema.Server) (schema.Snapshot, error) {
	snapshot := schema.Snapshot{Keyspaces: make([]schema.Keyspace, len(server.Keyspaces))}
	group, ctx := errgroup.WithContext(ctx)
	for i, name := range server.Keyspaces {
		group.Go(func() error {
			text, err := dump(ctx, server, name)
			if err != nil {
				return fmt.Errorf("load schema of database %s: %w", name, err)
			}
			snapshot.Keyspaces[i] = schema.Keyspace{Name: name, Objects: assemble(parseDump(text))}
			return nil
		})
	}
	return snapshot, group.Wait()
}

func dump(ctx context.Context, server schema.Server, database string) (string, error) {
	host, port, err := address(server)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, filepath.Join(server.Binaries, "pg_dump"),
		"--schema-only", "--no-owner", "--no-password", "--exclude-schema="+hidden,
		"--host="+host, "--port="+strconv.Itoa(port), "--username="+server.User, "--dbname="+connectionString(database))
	command.Env = append(os.Environ(), "PGPASSWORD="+server.Password, "PGOPTIONS=-c jit=off", "LC_ALL=C")
	if server.TLS {
		// pg_dump verifies against a file of authorities, which a system that has
		// only its own store does not name: encryption is what can be asked for.
		command.Env = append(command.Env, "PGSSLMODE=require")
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("pg_dump: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return string(output), nil
}

// connectionString names a database in a form that pg_dump does not mistake
// for options, whatever the name.
func connectionString(database string) string {
	return "dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database) + "'"
}
