package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/orrerydb/orrery/internal/schema"
)

// RevertWindow is how long a deployment can be reverted.
const RevertWindow = 30 * time.Minute

var (
	// ErrState is returned when what is asked for is not possible in the
	// deployment's state; the wrapping error says which state that is.
	ErrState = errors.New("not possible in this state")
	// ErrChanged is returned by Replan when the branch's schema is not the one
	// that was reviewed and queued.
	ErrChanged = errors.New("the branch's schema changed after the deploy request was queued")
	// ErrNotFound is returned by a Store that has no such deployment.
	ErrNotFound = errors.New("no such deployment")
)

// Store keeps deployments and their operations.
type Store interface {
	Deployment(ctx context.Context, id string) (*Deployment, error)
	SaveDeployment(ctx context.Context, d *Deployment) error
	// ActiveDeployments are a database's deployments in an active state, in the
	// order in which they were queued. An empty id means all databases.
	ActiveDeployments(ctx context.Context, databaseID string) ([]*Deployment, error)
	Operations(ctx context.Context, deploymentID string) ([]*Operation, error)
	SaveOperation(ctx context.Context, o *Operation) error
	ReplaceOperations(ctx context.Context, deploymentID string, operations []*Operation) error
}

// Executor carries out a plan on the target branch. Executors differ in how
// (in place, online); the states are the same.
type Executor interface {
	// Replan makes the plan anew for the target as it is now, or returns
	// ErrChanged.
	Replan(ctx context.Context, d *Deployment) error
	// Apply runs one operation to its end.
	Apply(ctx context.Context, d *Deployment, operation schema.Operation) error
	// Remaining is what still separates the target from a schema.
	Remaining(ctx context.Context, d *Deployment, wanted schema.Snapshot) ([]schema.Operation, error)
}

// Hooks tell the platform what happened.
type Hooks interface {
	// Deployed is called when the target has the new schema, before the
	// deployment's state says so; it may be called again after a crash.
	Deployed(ctx context.Context, d *Deployment) error
	// Ended is called when the deployment is over; it may be called again after
	// a crash.
	Ended(ctx context.Context, d *Deployment) error
}

// Runner drives all deployments, one lane a database.
type Runner struct {
	store    Store
	executor Executor
	hooks    Hooks
	log      *slog.Logger
	now      func() time.Time
	window   time.Duration

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wait   sync.WaitGroup
	mu     sync.Mutex
	lanes  map[string]*lane
}

// lane is one database's queue. Its lock guards every read-modify-write of a
// deployment's record.
type lane struct {
	mu    sync.Mutex
	nudge chan struct{}
}

// NewRunner returns a runner that does nothing until Start. A zero window
// means RevertWindow.
func NewRunner(store Store, executor Executor, hooks Hooks, window time.Duration, log *slog.Logger) *Runner {
	if window == 0 {
		window = RevertWindow
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{
		store: store, executor: executor, hooks: hooks, log: log, window: window,
		now: func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) },
		ctx: ctx, cancel: cancel, lanes: map[string]*lane{},
	}
}

// Start goes on with what an earlier process left.
func (r *Runner) Start(ctx context.Context) error {
	deployments, err := r.store.ActiveDeployments(ctx, "")
	if err != nil {
		return fmt.Errorf("resume deployments: %w", err)
	}
	for _, d := range deployments {
		r.nudge(d.DatabaseID)
	}
	return nil
}

// Close stops driving. A running statement is interrupted; the next Start goes on.
func (r *Runner) Close() {
	r.cancel()
	r.wait.Wait()
}

func (r *Runner) lane(databaseID string) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	l, found := r.lanes[databaseID]
	if !found {
		l = &lane{nudge: make(chan struct{}, 1)}
		r.lanes[databaseID] = l
		r.wait.Go(func() { r.drive(databaseID, l) })
	}
	return l
}

func (r *Runner) nudge(databaseID string) {
	select {
	case r.lane(databaseID).nudge <- struct{}{}:
	default:
	}
}

// drive runs one lane until Close.
func (r *Runner) drive(databaseID string, l *lane) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-l.nudge:
		case <-timer.C:
		}
		next, err := r.advance(databaseID, l)
		if err != nil && r.ctx.Err() == nil {
			r.log.Error("deployment does not advance; trying again", "database", databaseID, "error", err)
			next = 5 * time.Second
		}
		if next > 0 {
			timer.Reset(next)
		}
	}
}

// advance takes steps until the head of the queue waits for somebody, and
// returns when to look again (0: when nudged).
func (r *Runner) advance(databaseID string, l *lane) (time.Duration, error) {
	for r.ctx.Err() == nil {
		queue, err := r.store.ActiveDeployments(r.ctx, databaseID)
		if err != nil || len(queue) == 0 {
			return 0, err
		}
		moved, next, err := r.step(l, queue[0].ID)
		if err != nil || !moved {
			return next, err
		}
	}
	return 0, nil
}

// update reads, changes and writes a deployment under its lane's lock.
func (r *Runner) update(ctx context.Context, l *lane, id string, change func(*Deployment) error) (*Deployment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, err := r.store.Deployment(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := change(d); err != nil {
		return nil, err
	}
	d.UpdatedAt = r.now()
	if err := r.store.SaveDeployment(ctx, d); err != nil {
		return nil, fmt.Errorf("save deployment: %w", err)
	}
	return d, nil
}

func (r *Runner) ask(ctx context.Context, id string, change func(*Deployment) error) (*Deployment, error) {
	d, err := r.store.Deployment(ctx, id)
	if err != nil {
		return nil, err
	}
	d, err = r.update(ctx, r.lane(d.DatabaseID), id, change)
	if err != nil {
		return nil, err
	}
	r.nudge(d.DatabaseID)
	return d, nil
}

func (d *Deployment) refuse(what, why string) error {
	return fmt.Errorf("%s: the deployment is %q: %s: %w", what, d.State, why, ErrState)
}

// Deploy puts a ready deployment into the queue.
func (r *Runner) Deploy(ctx context.Context, id string, actor Actor, instant bool) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		switch {
		case d.State == NoChanges:
			return d.refuse("deploy", "the branch has no schema changes to deploy")
		case d.State == Error:
			return d.refuse("deploy", "correct the schema errors on the branch first")
		case d.State != Ready:
			return d.refuse("deploy", "only a ready deployment can be deployed")
		case instant && !d.InstantEligible:
			return d.refuse("deploy", "its changes cannot be made instantly; deploy without instant DDL")
		}
		now := r.now()
		d.State, d.Actor, d.InstantDDL, d.QueuedAt = Queued, actor, instant, &now
		d.CancelAsked, d.CutoverAsked, d.CancelledActor, d.CutoverActor, d.Failure = false, false, nil, nil, ""
		return nil
	})
}

// ApplyDeploy lets a gated deployment cut over.
func (r *Runner) ApplyDeploy(ctx context.Context, id string, actor Actor) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State != PendingCutover {
			return d.refuse("apply", "only a deployment that waits for its cutover can be applied")
		}
		d.CutoverAsked, d.CutoverActor = true, &actor
		return nil
	})
}

// SetAutoCutover changes whether the deployment waits before its cutover.
func (r *Runner) SetAutoCutover(ctx context.Context, id string, enable bool) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State.Ended() || d.State == InProgressCutover {
			return d.refuse("auto-apply", "it is too late to change it")
		}
		d.AutoCutover = enable
		return nil
	})
}

// SetAutoDeleteBranch changes whether the head branch goes when all is done.
func (r *Runner) SetAutoDeleteBranch(ctx context.Context, id string, enable bool) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State.Ended() {
			return d.refuse("auto-delete-branch", "it is too late to change it")
		}
		d.AutoDeleteBranch = enable
		return nil
	})
}

// Cancel takes a deployment out of the queue or stops it before its cutover.
func (r *Runner) Cancel(ctx context.Context, id string, actor Actor) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		switch d.State {
		case Queued:
			now := r.now()
			d.State, d.FinishedAt = Cancelled, &now
		case Submitting, InProgress, PendingCutover:
			d.CancelAsked = true
		default:
			return d.refuse("cancel", "only a deployment that is queued, in progress or waiting for its cutover can be cancelled")
		}
		d.CancelledActor = &actor
		return nil
	})
}

// Revert undoes a deployment within its revert window.
func (r *Runner) Revert(ctx context.Context, id string) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State != CompletePendingRevert {
			why := "only a deployment in its revert window can be reverted"
			if d.State == Complete && len(d.Plan.RevertNotes) > 0 {
				why = "it cannot be undone without loss: " + d.Plan.RevertNotes[0]
			}
			return d.refuse("revert", why)
		}
		if d.SkipRevertAsked || !r.now().Before(*d.RevertExpiresAt) {
			return d.refuse("revert", "its revert window has ended")
		}
		d.State = InProgressRevert
		return nil
	})
}

// SkipRevert ends the revert window early.
func (r *Runner) SkipRevert(ctx context.Context, id string) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State != CompletePendingRevert {
			return d.refuse("skip-revert", "there is no open revert window")
		}
		d.SkipRevertAsked = true
		return nil
	})
}

// CompleteErrored takes a failed deployment off the queue ("unblock").
func (r *Runner) CompleteErrored(ctx context.Context, id string) (*Deployment, error) {
	return r.ask(ctx, id, func(d *Deployment) error {
		if d.State != CompleteError {
			return d.refuse("complete-deploy", "only a failed deployment blocks the queue")
		}
		now := r.now()
		d.State, d.FinishedAt = Cancelled, &now
		return nil
	})
}

// Renew replaces the plan of a deployment that has not started. change returns
// false to leave the record as it is.
func (r *Runner) Renew(ctx context.Context, id string, change func(*Deployment) (bool, error)) (*Deployment, error) {
	var unchanged *Deployment
	errUnchanged := errors.New("unchanged")
	d, err := r.ask(ctx, id, func(d *Deployment) error {
		changed, err := change(d)
		if err == nil && !changed {
			unchanged, err = d, errUnchanged
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		return unchanged, nil
	}
	return d, err
}
