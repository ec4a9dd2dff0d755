// Package instancetest gives tests a manager of real servers in a folder that
// goes with the test. The folder is not t.TempDir, which is closed to the user
// that PostgreSQL runs as when the tests run as root.
package instancetest

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/instance"
)

// Folder is a folder that the servers' user can enter, removed after the test.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "orrery-test-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// Open is a manager of a folder, closed after the test.
func Open(t testing.TB, folder string) *instance.Manager {
	t.Helper()
	manager, err := instance.Open(folder, instance.Binaries{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, manager.Close(context.Background())) })
	return manager
}
