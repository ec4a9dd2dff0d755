package mysql

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

// socket is where the one server of all tests listens.
var socket string

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mysql schema tests:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func withServer(run func() int) (int, error) {
	folder, err := os.MkdirTemp("", "schema-mysql-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	output, err := exec.Command("../../../scripts/install-mysql").Output()
	if err != nil {
		return 0, fmt.Errorf("find mysqld: %w", err)
	}
	mysqld := filepath.Join(strings.TrimSpace(string(output)), "mysqld")
	data := filepath.Join(folder, "data")
	common := []string{"--no-defaults", "--datadir=" + data, "--secure-file-priv=", "--innodb-redo-log-capacity=32M", "--performance-schema=OFF"}
	if output, err := exec.Command(mysqld, append(common, "--initialize-insecure")...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("initialize: %w\n%s", err, output)
	}
	socket = filepath.Join(folder, "s.sock")
	server := exec.Command(mysqld, append(common, "--socket="+socket, "--skip-networking", "--mysqlx=OFF", "--pid-file="+filepath.Join(folder, "pid"),
		"--innodb-buffer-pool-size=64M", "--innodb-doublewrite=OFF", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-log-bin", "--innodb-flush-method=nosync")...)
	stderr, err := server.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	lines := bufio.NewScanner(stderr)
	var log strings.Builder
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "ready for connections") {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return run(), nil
		}
	}
	return 0, fmt.Errorf("mysqld ended before it was ready:\n%s", log.String())
}

var keyspaces atomic.Int64

// live is a keyspace of a test's own on the server. Its name inside snapshots
// is always the same, so that snapshots of different keyspaces compare.
type live struct {
	t    *testing.T
	name string
}

const logical = "ks"

func newLive(t *testing.T) live {
	t.Helper()
	l := live{t, fmt.Sprintf("t%d", keyspaces.Add(1))}
	l.admin("CREATE DATABASE " + l.name)
	t.Cleanup(func() { l.admin("DROP DATABASE " + l.name) })
	return l
}

func serverFor(names ...string) schema.Server {
	return schema.Server{Network: "unix", Address: socket, User: "root", Keyspaces: names}
}

func (l live) admin(statement string) {
	l.t.Helper()
	pool, err := Open(serverFor(), "", 1, nil)
	require.NoError(l.t, err)
	defer pool.Close()
	_, err = pool.Exec(statement)
	require.NoError(l.t, err, statement)
}

func (l live) exec(statements string) {
	l.t.Helper()
	if strings.TrimSpace(statements) == "" {
		return
	}
	pool, err := Open(serverFor(), l.name, 1, nil)
	require.NoError(l.t, err)
	defer pool.Close()
	_, err = pool.Exec(statements)
	require.NoError(l.t, err, statements)
}

func (l live) load() schema.Snapshot {
	l.t.Helper()
	snapshot, err := New().Load(context.Background(), serverFor(l.name))
	require.NoError(l.t, err)
	snapshot.Keyspaces[0].Name = logical
	return snapshot
}

func (l live) create(snapshot schema.Snapshot) {
	l.t.Helper()
	copied := schema.Snapshot{Keyspaces: []schema.Keyspace{{Name: l.name, Objects: snapshot.Keyspace(logical).Objects}}}
	require.NoError(l.t, New().Create(context.Background(), serverFor(l.name), copied))
}

func (l live) apply(operations []schema.Operation) {
	l.t.Helper()
	for _, operation := range operations {
		operation.Keyspace = l.name
		require.NoError(l.t, New().Apply(context.Background(), serverFor(l.name), operation), operation.Statement)
	}
}

// loaded makes statements into a snapshot by way of the server.
func loaded(t *testing.T, statements string) schema.Snapshot {
	t.Helper()
	l := newLive(t)
	l.exec(statements)
	return l.load()
}
