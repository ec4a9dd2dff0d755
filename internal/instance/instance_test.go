package instance_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
)

// managerFolder makes this test binary a manager that wakes one instance of
// each kind and waits to be killed.
const managerFolder = "ORRERY_TEST_MANAGER_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(managerFolder); folder != "" {
		runManager(folder)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

var kinds = []instance.Kind{instance.MySQL, instance.Postgres}

func connect(t *testing.T, kind instance.Kind, socket instance.Socket) *sql.DB {
	t.Helper()
	driver, source := "mysql", fmt.Sprintf("%s@unix(%s)/", socket.User, socket.Path)
	if kind == instance.Postgres {
		driver, source = "pgx", fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", socket.Folder, socket.Port, socket.User)
	}
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestLifeCycle(t *testing.T) {
	manager := instancetest.Open(t, instancetest.Folder(t))
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			ctx := t.Context()
			id := "life" + string(kind)
			require.NoError(t, manager.Create(ctx, instance.Spec{ID: id, Kind: kind}))
			status, err := manager.Status(id)
			require.NoError(t, err)
			require.Equal(t, instance.Asleep, status.State)

			socket, err := manager.Wake(ctx, id)
			require.NoError(t, err)
			db := connect(t, kind, socket)
			schema := "kept"
			_, err = db.ExecContext(ctx, "CREATE SCHEMA "+schema)
			require.NoError(t, err)
			_, err = db.ExecContext(ctx, "CREATE TABLE kept.t (a int)")
			require.NoError(t, err)

			status, err = manager.Status(id)
			require.NoError(t, err)
			require.Equal(t, instance.Running, status.State)
			require.Greater(t, status.Memory, int64(1<<20))

			require.NoError(t, manager.Sleep(ctx, id))
			require.Error(t, db.PingContext(ctx), "a sleeping server must not answer")
			require.False(t, alive(status.PID))

			_, err = manager.Wake(ctx, id)
			require.NoError(t, err)
			_, err = db.ExecContext(ctx, "INSERT INTO kept.t VALUES (1)")
			require.NoError(t, err, "data survives sleep")

			require.NoError(t, manager.Drop(ctx, id))
			_, err = manager.Status(id)
			require.ErrorIs(t, err, instance.ErrUnknown)
		})
	}
}

func TestCrashIsRestarted(t *testing.T) {
	manager := instancetest.Open(t, instancetest.Folder(t))
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			ctx := t.Context()
			id := "crash" + string(kind)
			require.NoError(t, manager.Create(ctx, instance.Spec{ID: id, Kind: kind, Durable: true}))
			_, err := manager.Wake(ctx, id)
			require.NoError(t, err)
			before, err := manager.Status(id)
			require.NoError(t, err)
			require.NoError(t, syscall.Kill(before.PID, syscall.SIGKILL))
			require.Eventually(t, func() bool {
				after, err := manager.Status(id)
				return err == nil && after.State == instance.Running && after.PID != before.PID && after.Restarts == 1
			}, 30*time.Second, 10*time.Millisecond)
			socket, err := manager.Wake(ctx, id)
			require.NoError(t, err)
			require.NoError(t, connect(t, kind, socket).PingContext(ctx))
		})
	}
}

func TestWakeTogether(t *testing.T) {
	manager := instancetest.Open(t, instancetest.Folder(t))
	ctx := t.Context()
	require.NoError(t, manager.Create(ctx, instance.Spec{ID: "together", Kind: instance.Postgres}))
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			_, err := manager.Wake(ctx, "together")
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	status, err := manager.Status("together")
	require.NoError(t, err)
	require.Zero(t, status.Restarts)
}

func TestSecondManagerIsRefused(t *testing.T) {
	dir := instancetest.Folder(t)
	instancetest.Open(t, dir)
	_, err := instance.Open(dir, instance.Binaries{}, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, instance.ErrLocked)
}

func TestBrokenServerSaysWhy(t *testing.T) {
	dir := instancetest.Folder(t)
	manager := instancetest.Open(t, dir)
	ctx := t.Context()
	require.NoError(t, manager.Create(ctx, instance.Spec{ID: "broken", Kind: instance.Postgres}))
	require.NoError(t, os.Remove(filepath.Join(dir, "broken", "data", "PG_VERSION")))
	_, err := manager.Wake(ctx, "broken")
	require.ErrorContains(t, err, "PG_VERSION")
}

func TestMissingServerSaysWhatToDo(t *testing.T) {
	t.Setenv("ORRERY_CACHE", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	manager := instancetest.Open(t, instancetest.Folder(t))
	err := manager.Create(t.Context(), instance.Spec{ID: "none", Kind: instance.MySQL})
	require.ErrorIs(t, err, instance.ErrNoServer)
	require.ErrorContains(t, err, "make setup")
}

// TestNoServerOutlivesItsManager kills a manager with SIGKILL and expects its
// servers to go by themselves, and the next manager to find their data.
func TestNoServerOutlivesItsManager(t *testing.T) {
	dir := instancetest.Folder(t)
	bystander := exec.Command("sleep", "1000")
	require.NoError(t, bystander.Start())
	t.Cleanup(func() { bystander.Process.Kill(); bystander.Wait() })

	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), managerFolder+"="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	var pids []int
	lines := bufio.NewScanner(out)
	for len(pids) < len(kinds) && lines.Scan() {
		var pid int
		_, err := fmt.Sscanf(lines.Text(), "pid %d", &pid)
		require.NoError(t, err, lines.Text())
		pids = append(pids, pid)
	}
	require.Len(t, pids, len(kinds))
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()

	manager := instancetest.Open(t, dir)
	for _, pid := range pids {
		require.False(t, alive(pid), "server %d outlived its manager", pid)
	}
	require.True(t, alive(bystander.Process.Pid))
	for _, kind := range kinds {
		socket, err := manager.Wake(t.Context(), string(kind))
		require.NoError(t, err)
		var n int
		require.NoError(t, connect(t, kind, socket).QueryRow("SELECT count(*) FROM kept.t").Scan(&n))
		require.Equal(t, 1, n, "an acknowledged write is missing")
	}
}

func runManager(dir string) {
	ctx := context.Background()
	manager, err := instance.Open(dir, instance.Binaries{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		panic(err)
	}
	for _, kind := range kinds {
		id := string(kind)
		if err := manager.Create(ctx, instance.Spec{ID: id, Kind: kind, Durable: true}); err != nil {
			panic(err)
		}
		socket, err := manager.Wake(ctx, id)
		if err != nil {
			panic(err)
		}
		driver, source := "mysql", fmt.Sprintf("%s@unix(%s)/?multiStatements=true", socket.User, socket.Path)
		if kind == instance.Postgres {
			driver, source = "pgx", fmt.Sprintf("host=%s port=%d user=%s dbname=postgres", socket.Folder, socket.Port, socket.User)
		}
		db, err := sql.Open(driver, source)
		if err != nil {
			panic(err)
		}
		for _, statement := range []string{"CREATE SCHEMA kept", "CREATE TABLE kept.t (a int)", "INSERT INTO kept.t VALUES (1)"} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				panic(err)
			}
		}
		status, err := manager.Status(id)
		if err != nil {
			panic(err)
		}
		fmt.Printf("pid %d\n", status.PID)
	}
	select {}
}

// alive tells whether a process exists and is not a zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}
