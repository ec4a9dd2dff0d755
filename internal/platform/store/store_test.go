package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
	"github.com/orrerydb/orrery/internal/platform"
	"github.com/orrerydb/orrery/internal/platform/store"
	"github.com/orrerydb/orrery/internal/schema"
)

// both runs one suite on both stores.
func both(t *testing.T, suite func(t *testing.T, open func() *store.Store)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a folder", "orrery.db")
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		suite(t, opener(t, path))
	})
	t.Run("postgresql", func(t *testing.T) { suite(t, opener(t, postgresURL(t))) })
}

func opener(t *testing.T, address string) func() *store.Store {
	return func() *store.Store {
		s, err := store.Open(t.Context(), address)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
}

func postgresURL(t *testing.T) string {
	t.Helper()
	manager := instancetest.Open(t, instancetest.Folder(t))
	require.NoError(t, manager.Create(t.Context(), instance.Spec{ID: "store", Kind: instance.Postgres}))
	socket, err := manager.Wake(t.Context(), "store")
	require.NoError(t, err)
	return "postgres:///postgres?host=" + socket.Folder + "&user=" + socket.User
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func TestRecords(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s, ctx := open(), t.Context()
		o := &platform.Organization{ID: "o1", Name: "acme", CreatedAt: now(), UpdatedAt: now()}
		require.NoError(t, s.Insert(ctx, o))
		require.Error(t, s.Insert(ctx, o), "an id is unique")
		got := &platform.Organization{}
		require.NoError(t, s.Get(ctx, got, platform.By{Column: "name", Value: "acme"}))
		require.Equal(t, o.ID, got.ID)
		require.WithinDuration(t, o.CreatedAt, got.CreatedAt, 0)
		require.ErrorIs(t, s.Get(ctx, got, platform.By{Column: "name", Value: "none"}), platform.ErrNotFound)

		d := &platform.Database{ID: "d1", OrganizationID: "o1", Name: "shop", Kind: platform.MySQL, NextNumber: 1, CreatedAt: now(), UpdatedAt: now()}
		require.NoError(t, s.Insert(ctx, d))
		require.Error(t, s.Insert(ctx, &platform.Database{ID: "d2", OrganizationID: "nowhere", Name: "x"}), "foreign keys are on")

		changed := now()
		b := &platform.Branch{
			ID: "b1", DatabaseID: "d1", Name: "main", Actor: platform.Actor{ID: "a", Type: "User", DisplayName: "operator"},
			Ancestor:  schema.Snapshot{Keyspaces: []schema.Keyspace{{Name: "ks", Objects: []schema.Object{{Kind: schema.Table, Name: "t", SQL: "CREATE TABLE `t` (\n  `a` int -- \"'?\n)"}}}}},
			CreatedAt: now(), UpdatedAt: now(), SchemaChangedAt: &changed,
		}
		require.NoError(t, s.Insert(ctx, b))
		branch := &platform.Branch{}
		require.NoError(t, s.Get(ctx, branch, platform.By{Column: "id", Value: "b1"}))
		require.Equal(t, b.Ancestor, branch.Ancestor)
		require.Equal(t, b.Actor, branch.Actor)
		require.Nil(t, branch.Attached)
		require.WithinDuration(t, changed, *branch.SchemaChangedAt, 0)

		w := &platform.Password{ID: "w1", BranchID: "b1", Username: "u", NativeHash: []byte{0, 1, 255}, SHA256Hash: []byte("\x00\xff"), CIDRs: []string{"10.0.0.0/8"}, CreatedAt: now()}
		require.NoError(t, s.Insert(ctx, w))
		password := &platform.Password{}
		require.NoError(t, s.Get(ctx, password, platform.By{Column: "username", Value: "u"}))
		require.Equal(t, w.NativeHash, password.NativeHash)
		require.Equal(t, w.CIDRs, password.CIDRs)
		require.Nil(t, password.ExpiresAt)

		require.NoError(t, s.Delete(ctx, d))
		require.ErrorIs(t, s.Get(ctx, password, platform.By{Column: "id", Value: "w1"}), platform.ErrNotFound, "what hangs on a database goes with it")
	})
}

func TestTransaction(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s, ctx := open(), t.Context()
		err := s.Transaction(ctx, func(tx platform.Store) error {
			require.NoError(t, tx.Insert(ctx, &platform.Organization{ID: "o1", Name: "gone", CreatedAt: now(), UpdatedAt: now()}))
			return context.Canceled
		})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, s.Get(ctx, &platform.Organization{}, platform.By{Column: "id", Value: "o1"}), platform.ErrNotFound)
	})
}

func TestDeployments(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		s, ctx := open(), t.Context()
		require.NoError(t, s.Insert(ctx, &platform.Organization{ID: "o1", Name: "acme", CreatedAt: now(), UpdatedAt: now()}))
		require.NoError(t, s.Insert(ctx, &platform.Database{ID: "d1", OrganizationID: "o1", Name: "shop", CreatedAt: now(), UpdatedAt: now()}))
		first, second := now(), now().Add(time.Second)
		plan := schema.Plan{Operations: []schema.Operation{{Keyspace: "ks", Table: "t", Name: "ALTER", Statement: "ALTER TABLE t ADD COLUMN b int"}}}
		later := &deploy.Deployment{ID: "p2", DatabaseID: "d1", Number: 2, State: deploy.Queued, QueuedAt: &second, CreatedAt: now(), UpdatedAt: now()}
		sooner := &deploy.Deployment{ID: "p1", DatabaseID: "d1", Number: 1, State: deploy.CompleteError, QueuedAt: &first, Plan: plan, CreatedAt: now(), UpdatedAt: now()}
		ended := &deploy.Deployment{ID: "p0", DatabaseID: "d1", Number: 3, State: deploy.Complete, QueuedAt: &first, CreatedAt: now(), UpdatedAt: now()}
		for _, d := range []*deploy.Deployment{later, sooner, ended} {
			require.NoError(t, s.Insert(ctx, d))
		}
		queue, err := s.ActiveDeployments(ctx, "d1")
		require.NoError(t, err)
		require.Len(t, queue, 2)
		require.Equal(t, "p1", queue[0].ID)
		require.Equal(t, plan, queue[0].Plan)
		require.Nil(t, queue[0].Plan.Reverse, "not revertible stays told from nothing to reverse")

		for range 2 {
			operations := deploy.NewOperations(sooner, deploy.OperationQueued, now())
			require.NoError(t, s.ReplaceOperations(ctx, "p1", operations))
		}
		operations, err := s.Operations(ctx, "p1")
		require.NoError(t, err)
		require.Len(t, operations, 1)
		require.Equal(t, plan.Operations[0], operations[0].Change)
		operations[0].State = deploy.OperationComplete
		require.NoError(t, s.SaveOperation(ctx, operations[0]))
		require.NoError(t, s.ReplaceOperations(ctx, "p1", nil))
		_, err = s.Deployment(ctx, "nothing")
		require.ErrorIs(t, err, deploy.ErrNotFound)
	})
}

func TestReopen(t *testing.T) {
	both(t, func(t *testing.T, open func() *store.Store) {
		require.NoError(t, open().Insert(t.Context(), &platform.Organization{ID: "o1", Name: "acme", CreatedAt: now(), UpdatedAt: now()}))
		got := &platform.Organization{}
		require.NoError(t, open().Get(t.Context(), got, platform.By{Column: "id", Value: "o1"}))
	})
}
