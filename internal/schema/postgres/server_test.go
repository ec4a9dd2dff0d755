package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/schema"
)

// server is the one server of all tests.
var server schema.Server

func TestMain(m *testing.M) {
	code, err := withServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "postgres schema tests:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

// binaries is the folder of the newest installed server.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		path, err := exec.LookPath("postgres")
		return filepath.Dir(path), err
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// asServer makes a command run as the user postgres when we are root, as whom
// the server refuses to run.
func asServer(command *exec.Cmd, folder string) error {
	if os.Getuid() != 0 {
		return nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return err
	}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	command.Dir = folder
	return os.Chown(folder, uid, gid)
}

func withServer(run func() int) (int, error) {
	folder, err := os.MkdirTemp("", "schema-pg-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o755); err != nil {
		return 0, err
	}
	bin, err := binaries()
	if err != nil {
		return 0, err
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	if err := asServer(initdb, folder); err != nil {
		return 0, err
	}
	if output, err := initdb.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	process := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "synchronous_commit=off", "-c", "max_connections=200", "-c", "shared_buffers=128MB", "-c", "autovacuum=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=4GB")
	if err := asServer(process, folder); err != nil {
		return 0, err
	}
	stderr, err := process.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := process.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = process.Process.Signal(syscall.SIGQUIT)
		_ = process.Wait()
	}()
	server = schema.Server{Network: "unix", Address: folder, Port: 5432, User: "postgres", Binaries: bin}
	lines := bufio.NewScanner(stderr)
	var log strings.Builder
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return run(), nil
		}
	}
	return 0, fmt.Errorf("postgres ended before it was ready:\n%s", log.String())
}

var databases atomic.Int64

// live is a database of a test's own, which goes with the server. Its name inside snapshots is always the
// same, so that snapshots of different databases compare.
type live struct {
	t    *testing.T
	name string
}

const logical = "db"

func newLive(t *testing.T) live {
	t.Helper()
	l := live{t, fmt.Sprintf("t%d", databases.Add(1))}
	require.NoError(t, makeDatabase(context.Background(), server, l.name))
	return l
}

func (l live) exec(statements string) {
	l.t.Helper()
	conn, err := connect(context.Background(), server, l.name)
	require.NoError(l.t, err)
	defer conn.Close(context.Background())
	require.NoError(l.t, run(context.Background(), conn, "SET search_path = public; "+statements), statements)
}

func (l live) load() schema.Snapshot {
	l.t.Helper()
	here := server
	here.Keyspaces = []string{l.name}
	snapshot, err := New().Load(context.Background(), here)
	require.NoError(l.t, err)
	snapshot.Keyspaces[0].Name = logical
	return snapshot
}

func (l live) create(snapshot schema.Snapshot) {
	l.t.Helper()
	copied := schema.Snapshot{Keyspaces: []schema.Keyspace{{Name: l.name, Objects: snapshot.Keyspace(logical).Objects}}}
	require.NoError(l.t, New().Create(context.Background(), server, copied))
}

func (l live) apply(operations []schema.Operation) {
	l.t.Helper()
	for _, operation := range operations {
		operation.Keyspace = l.name
		require.NoError(l.t, New().Apply(context.Background(), server, operation), operation.Statement)
	}
}
