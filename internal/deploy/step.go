package deploy

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/schema"
)

// step takes the deployment one state further. It returns whether anything
// moved, and when to look again if not.
func (r *Runner) step(l *lane, id string) (moved bool, next time.Duration, err error) {
	d, err := r.store.Deployment(r.ctx, id)
	if err != nil {
		return false, 0, err
	}
	if d.CancelAsked && (d.State == Submitting || d.State == InProgress || d.State == PendingCutover) {
		return true, 0, r.move(l, d, InProgressCancel, nil)
	}
	moved, next, err = r.stepFrom(l, d)
	if errors.Is(err, errMoved) {
		return true, 0, nil // somebody asked for something else meanwhile: look again
	}
	return moved, next, err
}

func (r *Runner) stepFrom(l *lane, d *Deployment) (moved bool, next time.Duration, err error) {
	switch d.State {
	case Queued:
		return true, 0, r.move(l, d, Submitting, func(d *Deployment, now time.Time) { d.StartedAt, d.SubmittedAt = &now, &now })
	case Submitting:
		return true, 0, r.submit(l, d)
	case InProgress:
		return true, 0, r.prepare(l, d)
	case PendingCutover:
		if !d.CutoverAsked && !d.AutoCutover {
			return false, 0, nil
		}
		return true, 0, r.move(l, d, InProgressCutover, func(d *Deployment, now time.Time) { d.CutoverAt = &now })
	case InProgressCutover:
		return true, 0, r.cutOver(l, d)
	case InProgressCancel:
		return true, 0, r.finish(l, d, CompleteCancel)
	case CompletePendingRevert:
		left := d.RevertExpiresAt.Sub(r.now())
		if !d.SkipRevertAsked && left > 0 {
			return false, left, nil
		}
		return true, 0, r.finish(l, d, Complete)
	case InProgressRevert:
		return true, 0, r.revert(l, d)
	default: // CompleteError holds the queue until somebody unblocks it
		return false, 0, nil
	}
}

// errMoved is returned when a deployment is no longer in the state that a step
// began with, or is to be cancelled before its cutover.
var errMoved = errors.New("the deployment has moved")

// move takes a deployment from the state that it was read in to another.
func (r *Runner) move(l *lane, from *Deployment, to State, also func(*Deployment, time.Time)) error {
	_, err := r.update(r.ctx, l, from.ID, func(d *Deployment) error {
		if d.State != from.State || to == InProgressCutover && d.CancelAsked {
			return errMoved
		}
		d.State = to
		if also != nil {
			also(d, r.now())
		}
		return nil
	})
	return err
}

// submit makes the plan anew: deployments that went before may have changed
// the target.
func (r *Runner) submit(l *lane, d *Deployment) error {
	if err := r.executor.Replan(r.ctx, d); err != nil {
		if r.ctx.Err() != nil {
			return err
		}
		if errors.Is(err, ErrChanged) {
			return r.move(l, d, Ready, func(d *Deployment, _ time.Time) { d.QueuedAt, d.StartedAt, d.SubmittedAt = nil, nil, nil })
		}
		return r.fail(l, d, fmt.Errorf("the plan could not be made for the target as it is now: %w", err))
	}
	if err := r.store.ReplaceOperations(r.ctx, d.ID, NewOperations(d, OperationQueued, r.now())); err != nil {
		return err
	}
	if len(d.Plan.Operations) == 0 {
		return r.finish(l, d, Complete) // somebody else deployed the same change
	}
	return r.move(l, d, InProgress, func(current *Deployment, _ time.Time) {
		current.Plan, current.Original, current.Head, current.Ancestor = d.Plan, d.Original, d.Head, d.Ancestor
	})
}

// prepare does what can be done before the cutover. In place that is nothing:
// the statements themselves are the cutover, so a gated deployment waits here
// with production untouched.
func (r *Runner) prepare(l *lane, d *Deployment) error {
	return r.move(l, d, PendingCutover, func(d *Deployment, now time.Time) { d.ReadyAt = &now })
}

// cutOver runs the operations that the live schema does not show yet.
func (r *Runner) cutOver(l *lane, d *Deployment) error {
	operations, err := r.store.Operations(r.ctx, d.ID)
	if err != nil {
		return err
	}
	for _, o := range operations {
		if o.State == OperationError { // a roll-back was interrupted
			return r.rollBack(l, d, o, errors.New(o.Failure))
		}
	}
	if err := r.reconcile(d, operations); err != nil {
		return r.interruptedOr(err, func() error { return r.fail(l, d, err) })
	}
	for _, o := range operations {
		if o.State == OperationComplete {
			continue
		}
		if err := r.apply(d, o); err != nil {
			return r.interruptedOr(err, func() error { return r.rollBack(l, d, o, err) })
		}
	}
	left, err := r.executor.Remaining(r.ctx, d, d.Plan.Desired)
	if err != nil {
		return r.interruptedOr(err, func() error { return r.fail(l, d, err) })
	}
	if len(left) > 0 {
		return r.fail(l, d, fmt.Errorf("all statements ran, but the schema still lacks: %s", statements(left)))
	}
	if err := r.hooks.Deployed(r.ctx, d); err != nil {
		return err
	}
	if !d.Revertible() {
		return r.finish(l, d, Complete)
	}
	return r.move(l, d, CompletePendingRevert, func(d *Deployment, now time.Time) {
		expires := now.Add(r.window)
		d.RevertExpiresAt, d.FinishedAt = &expires, &now
	})
}

// interruptedOr leaves a deployment as it is when we are being stopped: the
// next process resumes it.
func (r *Runner) interruptedOr(err error, handle func() error) error {
	if r.ctx.Err() != nil {
		return errors.Join(r.ctx.Err(), err)
	}
	return handle()
}

// reconcile settles, after a crash, whether the operation that was running has
// happened: the live schema knows. Both servers make a DDL statement atomic.
func (r *Runner) reconcile(d *Deployment, operations []*Operation) error {
	interrupted := false
	for _, o := range operations {
		interrupted = interrupted || o.State == OperationInProgress
	}
	if !interrupted {
		return nil
	}
	left, err := r.executor.Remaining(r.ctx, d, d.Plan.Desired)
	if err != nil {
		return err
	}
	waiting := map[string]bool{}
	for _, change := range left {
		waiting[change.Keyspace+"\x00"+change.Statement] = true
	}
	for _, o := range operations {
		if o.State != OperationInProgress || waiting[o.Change.Keyspace+"\x00"+o.Change.Statement] {
			continue
		}
		o.State, o.Progress = OperationComplete, 100
		if err := r.saveOperation(o); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) apply(d *Deployment, o *Operation) error {
	o.State = OperationInProgress
	if err := r.saveOperation(o); err != nil {
		return err
	}
	if err := r.executor.Apply(r.ctx, d, o.Change); err != nil {
		return err
	}
	o.State, o.Progress = OperationComplete, 100
	return r.saveOperation(o)
}

func (r *Runner) saveOperation(o *Operation) error {
	o.UpdatedAt = r.now()
	if err := r.store.SaveOperation(r.ctx, o); err != nil {
		return fmt.Errorf("save deploy operation: %w", err)
	}
	return nil
}

// rollBack follows a failed statement: what ran before it is undone where that
// loses nothing, and the failure says what the target looks like now.
func (r *Runner) rollBack(l *lane, d *Deployment, failed *Operation, cause error) error {
	failed.State, failed.Failure = OperationError, cause.Error()
	if err := r.saveOperation(failed); err != nil {
		return err
	}
	what := fmt.Sprintf("statement failed: %s: %v", failed.Change.Statement, cause)
	undo, err := r.executor.Remaining(r.ctx, d, d.Original)
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err() // the next process goes on with the roll-back
	case err != nil:
		what += fmt.Sprintf("; what had been applied before it stays: %v", err)
	case len(undo) == 0:
		what += "; the target's schema is unchanged"
	case d.Plan.Reverse == nil:
		what += "; applied before it, and kept because undoing would lose data: " + applied(r, d)
	default:
		undone, err := r.undo(d, undo)
		if err != nil {
			return err
		}
		what += undone
	}
	return r.fail(l, d, errors.New(what))
}

// undo runs the statements that take the target back. Its error means that it
// was interrupted.
func (r *Runner) undo(d *Deployment, undo []schema.Operation) (string, error) {
	for i, change := range undo {
		err := r.executor.Apply(r.ctx, d, change)
		if r.ctx.Err() != nil {
			return "", r.ctx.Err()
		}
		if err != nil {
			return fmt.Sprintf("; rolling back failed at %q (%v), still to undo: %s", change.Statement, err, statements(undo[i:])), nil
		}
	}
	operations, err := r.store.Operations(r.ctx, d.ID)
	if err != nil {
		return "", err
	}
	for _, o := range operations {
		if o.State != OperationComplete {
			continue
		}
		o.State, o.Progress = OperationCancelled, 0
		if err := r.saveOperation(o); err != nil {
			return "", err
		}
	}
	return "; what had been applied before it was rolled back, the target has its old schema", nil
}

func applied(r *Runner, d *Deployment) string {
	operations, err := r.store.Operations(r.ctx, d.ID)
	if err != nil {
		return err.Error()
	}
	var done []schema.Operation
	for _, o := range operations {
		if o.State == OperationComplete {
			done = append(done, o.Change)
		}
	}
	return statements(done)
}

func statements(changes []schema.Operation) string {
	texts := make([]string, len(changes))
	for i, change := range changes {
		texts[i] = change.Statement
	}
	return strings.Join(texts, "; ")
}

func (r *Runner) fail(l *lane, d *Deployment, cause error) error {
	r.log.Warn("deployment failed", "deployment", d.ID, "number", d.Number, "error", cause)
	err := r.move(l, d, CompleteError, func(d *Deployment, now time.Time) {
		d.Failure, d.FinishedAt = cause.Error(), &now
	})
	if err != nil {
		return err
	}
	d.State, d.Failure = CompleteError, cause.Error()
	return r.hooks.Ended(r.ctx, d)
}

func (r *Runner) finish(l *lane, d *Deployment, state State) error {
	if state == CompleteCancel {
		operations, err := r.store.Operations(r.ctx, d.ID)
		if err != nil {
			return err
		}
		for _, o := range operations {
			o.State = OperationCancelled
			if err := r.saveOperation(o); err != nil {
				return err
			}
		}
	}
	// The hook first: it is idempotent, and a crash between the two must not
	// forget it.
	ended := *d
	ended.State = state
	if err := r.hooks.Ended(r.ctx, &ended); err != nil {
		return err
	}
	return r.move(l, d, state, func(d *Deployment, now time.Time) {
		if d.FinishedAt == nil {
			d.FinishedAt = &now
		}
	})
}

func (r *Runner) revert(l *lane, d *Deployment) error {
	left, err := r.executor.Remaining(r.ctx, d, d.Original)
	for _, change := range left {
		if err != nil {
			break
		}
		err = r.executor.Apply(r.ctx, d, change)
	}
	if err == nil {
		return r.finish(l, d, CompleteRevert)
	}
	return r.interruptedOr(err, func() error {
		r.log.Warn("revert failed", "deployment", d.ID, "error", err)
		if moveErr := r.move(l, d, CompleteRevertError, func(d *Deployment, _ time.Time) {
			d.Failure = "revert: " + err.Error()
		}); moveErr != nil {
			return moveErr
		}
		d.State = CompleteRevertError
		return r.hooks.Ended(r.ctx, d)
	})
}

// NewOperations are the records of a plan's operations.
func NewOperations(d *Deployment, state OperationState, now time.Time) []*Operation {
	operations := make([]*Operation, len(d.Plan.Operations))
	for i, change := range d.Plan.Operations {
		operations[i] = &Operation{
			ID: NewID(), DeploymentID: d.ID, Position: int64(i), State: state, Change: change,
			CreatedAt: now, UpdatedAt: now,
		}
	}
	return operations
}

// NewID is a fresh public id: 12 characters of [0-9a-z], as PlanetScale's.
func NewID() string { return strings.ToLower(rand.Text()[:12]) }
