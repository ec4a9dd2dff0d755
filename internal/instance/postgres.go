package instance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// postgresOptions are the settings of a managed postgres: about 30 MB idle.
func postgresOptions(spec Spec) []string {
	options := []string{
		"listen_addresses=", "unix_socket_permissions=0700",
		"shared_buffers=32MB", "max_connections=300", "max_wal_size=256MB",
		"wal_level=logical", "max_replication_slots=20", "max_wal_senders=20",
		"logging_collector=off", "log_min_messages=warning", "log_checkpoints=off",
		"password_encryption=scram-sha-256", "timezone=UTC", "log_timezone=UTC",
		"autovacuum_naptime=30s", "jit=off",
	}
	if spec.Durable {
		return options
	}
	return append(options, "synchronous_commit=off", "fsync=off", "full_page_writes=off")
}

func (m *Manager) postgresInitialise(ctx context.Context, folder string) error {
	owner, err := serverAccount(Postgres)
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return fmt.Errorf("template folder: %w", err)
	}
	if err := owner.giveTo(folder); err != nil {
		return fmt.Errorf("owner of the template folder: %w", err)
	}
	// The socket's folder is closed to everyone else, so trust is enough there;
	// the gateway is what checks passwords.
	return run(ctx, owner, filepath.Join(m.binaries.Postgres, "initdb"),
		"--pgdata="+folder, "--username=orrery", "--auth=trust", "--encoding=UTF8",
		"--locale=C.UTF-8", "--no-sync", "--data-checksums")
}

func (m *Manager) postgresCommand(s *server) (string, []string) {
	arguments := []string{"-D", s.data(), "-p", strconv.Itoa(s.socket.Port), "-k", s.socket.Folder}
	for _, option := range postgresOptions(s.spec) {
		arguments = append(arguments, "-c", option)
	}
	return filepath.Join(m.binaries.Postgres, "postgres"), arguments
}

func postgresProbe(ctx context.Context, s *server) error {
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", s.socket.Folder, s.socket.Port, s.socket.User))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
