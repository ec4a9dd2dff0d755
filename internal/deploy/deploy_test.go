package deploy_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/platform"
	"github.com/orrerydb/orrery/internal/platform/store"
	"github.com/orrerydb/orrery/internal/schema"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"), goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// target is the schema that deployments of a test change: which statements
// have been applied. It outlives crashes, as a server does.
type target struct {
	mu      sync.Mutex
	applied map[string]bool
	fail    string // this statement fails
	changed bool   // Replan finds another schema than the reviewed one
}

var errRefused = errors.New("the server refuses it")

func snapshot(name string) schema.Snapshot {
	return schema.Snapshot{Keyspaces: []schema.Keyspace{{Name: name}}}
}

func operation(statement string) schema.Operation {
	return schema.Operation{Keyspace: "ks", Table: "t", Name: "ALTER", Statement: statement}
}

func plan(statements ...string) schema.Plan {
	p := schema.Plan{Desired: snapshot("after"), Reverse: []schema.Operation{}}
	for _, statement := range statements {
		p.Operations = append(p.Operations, operation(statement))
		p.Reverse = append(p.Reverse, operation("undo "+statement))
	}
	return p
}

func (x *target) Replan(_ context.Context, d *deploy.Deployment) error {
	if x.changed {
		return deploy.ErrChanged
	}
	d.Original = snapshot("before")
	return nil
}

// Apply refuses what has happened already: every statement happens once.
func (x *target) Apply(_ context.Context, _ *deploy.Deployment, o schema.Operation) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if o.Statement == x.fail {
		return errRefused
	}
	name, undo := o.Statement, false
	if len(name) > 5 && name[:5] == "undo " {
		name, undo = name[5:], true
	}
	if x.applied[name] != undo {
		return fmt.Errorf("%q a second time", o.Statement)
	}
	x.applied[name] = !undo
	return nil
}

func (x *target) Remaining(_ context.Context, d *deploy.Deployment, wanted schema.Snapshot) ([]schema.Operation, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var left []schema.Operation
	for i, o := range d.Plan.Operations {
		done := x.applied[o.Statement]
		if wanted.Keyspaces[0].Name == "after" && !done {
			left = append(left, o)
		}
		if wanted.Keyspaces[0].Name == "before" && done {
			left = append(left, d.Plan.Reverse[i])
		}
	}
	return left, nil
}

type hooks struct{ ended, deployed []deploy.State }

func (h *hooks) Deployed(_ context.Context, d *deploy.Deployment) error {
	h.deployed = append(h.deployed, d.State)
	return nil
}

func (h *hooks) Ended(_ context.Context, d *deploy.Deployment) error {
	h.ended = append(h.ended, d.State)
	return nil
}

// crashing is a store that is gone after a number of writes.
type crashing struct {
	*store.Store
	mu   sync.Mutex
	left int
	gone chan struct{}
}

var errCrash = errors.New("killed")

func (c *crashing) write() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	if c.left == 0 {
		close(c.gone)
	}
	if c.left <= 0 {
		return errCrash
	}
	return nil
}

func (c *crashing) SaveDeployment(ctx context.Context, d *deploy.Deployment) error {
	if err := c.write(); err != nil {
		return err
	}
	return c.Store.SaveDeployment(ctx, d)
}

func (c *crashing) SaveOperation(ctx context.Context, o *deploy.Operation) error {
	if err := c.write(); err != nil {
		return err
	}
	return c.Store.SaveOperation(ctx, o)
}

func (c *crashing) ReplaceOperations(ctx context.Context, id string, operations []*deploy.Operation) error {
	if err := c.write(); err != nil {
		return err
	}
	return c.Store.ReplaceOperations(ctx, id, operations)
}

// bench is a store with one database, and deployments on it.
type bench struct {
	*testing.T
	store  *store.Store
	target *target
	hooks  *hooks
	number int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "orrery.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	now := time.Now().UTC()
	require.NoError(t, s.Insert(t.Context(), &platform.Organization{ID: "o", Name: "acme", CreatedAt: now, UpdatedAt: now}))
	require.NoError(t, s.Insert(t.Context(), &platform.Database{ID: "d", OrganizationID: "o", Name: "shop", CreatedAt: now, UpdatedAt: now}))
	return &bench{T: t, store: s, target: &target{applied: map[string]bool{}}, hooks: &hooks{}}
}

func (b *bench) ready(p schema.Plan, automatic bool) *deploy.Deployment {
	b.Helper()
	b.number++
	now := time.Now().UTC()
	d := &deploy.Deployment{ID: deploy.NewID(), DatabaseID: "d", Number: b.number, State: deploy.Ready, Plan: p, AutoCutover: automatic, CreatedAt: now, UpdatedAt: now}
	require.NoError(b, b.store.Insert(b.Context(), d))
	return d
}

func (b *bench) runner(s deploy.Store) *deploy.Runner {
	r := deploy.NewRunner(s, b.target, b.hooks, 0, slog.New(slog.DiscardHandler))
	require.NoError(b, r.Start(b.Context()))
	return r
}

func (b *bench) until(id string, states ...deploy.State) *deploy.Deployment {
	b.Helper()
	var d *deploy.Deployment
	require.Eventually(b, func() bool {
		var err error
		d, err = b.store.Deployment(b.Context(), id)
		require.NoError(b, err)
		return slices.Contains(states, d.State)
	}, 10*time.Second, time.Millisecond, "want %v", states)
	return d
}

func (b *bench) operations(id string) (states []deploy.OperationState) {
	b.Helper()
	all, err := b.store.Operations(b.Context(), id)
	require.NoError(b, err)
	for _, o := range all {
		states = append(states, o.State)
	}
	return states
}

var somebody = deploy.Actor{ID: "a", Type: "User", DisplayName: "somebody"}

// TestKilledAtEveryWrite ends the process at every write of a deployment; the
// next process brings it to the same end, every statement applied once.
func TestKilledAtEveryWrite(t *testing.T) {
	for writes := 1; ; writes++ {
		b := newBench(t)
		d := b.ready(plan("one", "two", "three"), true)
		s := &crashing{Store: b.store, left: writes, gone: make(chan struct{})}
		r := b.runner(s)
		_, err := r.Deploy(t.Context(), d.ID, somebody, false)
		finished := false
		if err == nil {
			done := make(chan struct{})
			go func() {
				defer close(done)
				b.until(d.ID, deploy.CompletePendingRevert)
			}()
			select {
			case <-s.gone:
				r.Close()
				r = b.runner(b.store)
			case <-done:
				finished = true
			}
			<-done
		} else {
			require.ErrorIs(t, err, errCrash)
			r.Close()
			r = b.runner(b.store)
			_, err := r.Deploy(t.Context(), d.ID, somebody, false)
			require.NoError(t, err, "what was not written has not happened")
			b.until(d.ID, deploy.CompletePendingRevert)
		}
		require.Equal(t, map[string]bool{"one": true, "two": true, "three": true}, b.target.applied, "after %d writes", writes)
		require.Equal(t, []deploy.OperationState{deploy.OperationComplete, deploy.OperationComplete, deploy.OperationComplete}, b.operations(d.ID), "after %d writes", writes)
		r.Close()
		r = b.runner(b.store)
		_, err = r.Revert(t.Context(), d.ID)
		require.NoError(t, err)
		b.until(d.ID, deploy.CompleteRevert)
		require.Equal(t, map[string]bool{"one": false, "two": false, "three": false}, b.target.applied)
		r.Close()
		if finished {
			require.Greater(t, writes, 10, "a deployment of three statements is written down step by step")
			return
		}
	}
}

// TestFailureIsRolledBackAtEveryWrite: the same when a statement fails.
func TestFailureIsRolledBackAtEveryWrite(t *testing.T) {
	for writes := 2; ; writes++ {
		b := newBench(t)
		b.target.fail = "three"
		d := b.ready(plan("one", "two", "three"), true)
		s := &crashing{Store: b.store, left: writes, gone: make(chan struct{})}
		r := b.runner(s)
		_, err := r.Deploy(t.Context(), d.ID, somebody, false)
		require.NoError(t, err)
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.until(d.ID, deploy.CompleteError)
		}()
		finished := false
		select {
		case <-s.gone:
			r.Close()
			r = b.runner(b.store)
		case <-done:
			finished = true
		}
		<-done
		ended := b.until(d.ID, deploy.CompleteError)
		require.Equal(t, map[string]bool{"one": false, "two": false}, b.target.applied, "after %d writes", writes)
		require.Contains(t, ended.Failure, "three: the server refuses it")
		require.Contains(t, ended.Failure, "the target")
		r.Close()
		if finished {
			return
		}
	}
}

func TestQueueAndGate(t *testing.T) {
	b := newBench(t)
	r := b.runner(b.store)
	defer r.Close()
	gated, second := b.ready(plan("gated"), false), b.ready(plan("second"), true)
	for _, d := range []*deploy.Deployment{gated, second} {
		_, err := r.Deploy(t.Context(), d.ID, somebody, false)
		require.NoError(t, err)
	}
	b.until(gated.ID, deploy.PendingCutover)
	require.Empty(t, b.target.applied, "a gated deployment leaves production untouched")
	require.Equal(t, deploy.Queued, b.until(second.ID, deploy.Queued).State)
	_, err := r.ApplyDeploy(t.Context(), gated.ID, somebody)
	require.NoError(t, err)
	b.until(gated.ID, deploy.CompletePendingRevert)
	b.until(second.ID, deploy.Queued)
	_, err = r.SkipRevert(t.Context(), gated.ID)
	require.NoError(t, err)
	b.until(gated.ID, deploy.Complete)
	b.until(second.ID, deploy.CompletePendingRevert)
}

func TestRefusals(t *testing.T) {
	b := newBench(t)
	r := b.runner(b.store)
	defer r.Close()
	d := b.ready(plan("one"), false)
	ask := map[string]func() error{
		"apply":       func() error { _, err := r.ApplyDeploy(t.Context(), d.ID, somebody); return err },
		"cancel":      func() error { _, err := r.Cancel(t.Context(), d.ID, somebody); return err },
		"revert":      func() error { _, err := r.Revert(t.Context(), d.ID); return err },
		"skip-revert": func() error { _, err := r.SkipRevert(t.Context(), d.ID); return err },
		"unblock":     func() error { _, err := r.CompleteErrored(t.Context(), d.ID); return err },
		"instant":     func() error { _, err := r.Deploy(t.Context(), d.ID, somebody, true); return err },
	}
	for what, do := range ask {
		require.ErrorIs(t, do(), deploy.ErrState, what)
	}
	_, err := r.Deploy(t.Context(), d.ID, somebody, false)
	require.NoError(t, err)
	b.until(d.ID, deploy.PendingCutover)
	_, err = r.Deploy(t.Context(), d.ID, somebody, false)
	require.ErrorIs(t, err, deploy.ErrState)
	require.NoError(t, ask["cancel"]())
	b.until(d.ID, deploy.CompleteCancel)
	require.Empty(t, b.target.applied)
	require.Equal(t, []deploy.OperationState{deploy.OperationCancelled}, b.operations(d.ID))
}

// TestChangedBranch: what is queued is what was reviewed; and an old cancel
// does not end a later deployment.
func TestChangedBranch(t *testing.T) {
	b := newBench(t)
	r := b.runner(b.store)
	defer r.Close()
	d := b.ready(plan("one"), true)
	b.target.changed = true
	_, err := r.Deploy(t.Context(), d.ID, somebody, false)
	require.NoError(t, err)
	back := b.until(d.ID, deploy.Ready)
	require.Nil(t, back.QueuedAt)
	b.target.changed = false
	_, err = r.Renew(t.Context(), d.ID, func(d *deploy.Deployment) (bool, error) { d.CancelAsked = true; return true, nil })
	require.NoError(t, err)
	_, err = r.Deploy(t.Context(), d.ID, somebody, false)
	require.NoError(t, err)
	b.until(d.ID, deploy.CompletePendingRevert)
}
