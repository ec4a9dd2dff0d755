package platform

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/schema"
)

// executor carries deployments out in place, statement by statement, on the
// target's engine.
type executor struct{ p *Platform }

func (x executor) target(ctx context.Context, d *deploy.Deployment) (*Database, *Branch, engine.Engine, schema.Server, error) {
	database, into, err := x.p.branchByID(ctx, d.IntoID)
	if err != nil {
		return nil, nil, nil, schema.Server{}, err
	}
	e, hosted, err := x.p.hosted(ctx, database, into)
	if err != nil {
		return nil, nil, nil, schema.Server{}, err
	}
	server, err := e.Server(ctx, hosted)
	return database, into, e, server, err
}

// Replan implements deploy.Executor.
func (x executor) Replan(ctx context.Context, d *deploy.Deployment) error {
	database, into, _, _, err := x.target(ctx, d)
	if err != nil {
		return err
	}
	_, head, err := x.p.branchByID(ctx, d.HeadID)
	if err != nil {
		return err
	}
	present, err := x.p.loadSchema(ctx, database, into)
	if err != nil {
		return err
	}
	wanted, err := x.p.loadSchema(ctx, database, head)
	if err != nil {
		return err
	}
	if err := x.unchanged(ctx, d, digest(wanted)); err != nil {
		return err
	}
	next := &deploy.Deployment{ID: d.ID}
	if err := x.p.plan(ctx, database, head, wanted, present, next); err != nil {
		return err
	}
	if next.CheckErrors != "" {
		return errors.New(next.CheckErrors)
	}
	if len(next.LintErrors) > 0 {
		return errors.New(next.LintErrors[0].Description)
	}
	d.Plan, d.Original, d.Head, d.Ancestor = next.Plan, next.Original, next.Head, next.Ancestor
	return nil
}

// unchanged tells whether the branch is still what was reviewed; if not, the
// approval lapses.
func (x executor) unchanged(ctx context.Context, d *deploy.Deployment, headHash string) error {
	r := &DeployRequest{}
	if err := x.p.store.Get(ctx, r, By{"deployment_id", d.ID}); err != nil {
		return err
	}
	if r.HeadHash == headHash {
		return nil
	}
	_, err := change(ctx, x.p.store, r.ID, func(r *DeployRequest) error {
		r.Approved = false
		return nil
	})
	return errors.Join(deploy.ErrChanged, err)
}

// Apply implements deploy.Executor.
func (x executor) Apply(ctx context.Context, d *deploy.Deployment, operation schema.Operation) error {
	_, _, e, server, err := x.target(ctx, d)
	if err != nil {
		return err
	}
	return e.Differ().Apply(ctx, server, operation)
}

// Remaining implements deploy.Executor.
func (x executor) Remaining(ctx context.Context, d *deploy.Deployment, wanted schema.Snapshot) ([]schema.Operation, error) {
	_, _, e, server, err := x.target(ctx, d)
	if err != nil {
		return nil, err
	}
	present, err := e.Differ().Load(ctx, server)
	if err != nil {
		return nil, err
	}
	if digest(present) == digest(wanted) {
		return nil, nil
	}
	// Three-way: what others did to the target meanwhile is not the deployment's.
	base := d.Original
	if digest(wanted) == digest(d.Original) {
		base = d.Plan.Desired
	}
	plan, err := e.Differ().Diff(ctx, server, base, wanted, present)
	return plan.Operations, err
}

// hooks write down in the deploy request what became of its deployment.
type hooks struct{ p *Platform }

func (h hooks) requestOf(ctx context.Context, d *deploy.Deployment) (*DeployRequest, error) {
	r := &DeployRequest{}
	return r, h.p.store.Get(ctx, r, By{"deployment_id", d.ID})
}

// Deployed implements deploy.Hooks: the request is closed once production has
// the schema, and what the branch shares with production is its schema now.
func (h hooks) Deployed(ctx context.Context, d *deploy.Deployment) error {
	r, err := h.requestOf(ctx, d)
	if err != nil {
		return fmt.Errorf("deploy request of a deployment: %w", err)
	}
	h.p.live.forgetKeyspaces(d.IntoID)
	if r, err = h.markDeployed(ctx, r); err != nil {
		return err
	}
	if err := h.closeDeployed(ctx, r, d); err != nil {
		return err
	}
	return h.setAncestor(ctx, d, d.Head)
}

func (h hooks) markDeployed(ctx context.Context, r *DeployRequest) (*DeployRequest, error) {
	return change(ctx, h.p.store, r.ID, func(r *DeployRequest) error {
		if r.DeployedAt == nil {
			now := h.p.now()
			r.DeployedAt = &now
		}
		return nil
	})
}

func (h hooks) closeDeployed(ctx context.Context, r *DeployRequest, d *deploy.Deployment) error {
	actor := d.Actor
	if err := h.p.closeRequest(ctx, r, &actor); err != nil {
		return err
	}
	h.p.audit(ctx, actor, "deploy_request.schema_applied", "DeployRequest", r.ID, strconv.FormatInt(r.Number, 10), nil)
	return nil
}

// setAncestor makes later requests of the same branch start from there.
func (h hooks) setAncestor(ctx context.Context, d *deploy.Deployment, ancestor schema.Snapshot) error {
	_, err := change(ctx, h.p.store, d.HeadID, func(head *Branch) error {
		head.Ancestor = ancestor
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil // the branch has been deleted meanwhile
	}
	return err
}

// gone tells that the branch has been deleted meanwhile.
func gone(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal)
}

// Ended implements deploy.Hooks.
func (h hooks) Ended(ctx context.Context, d *deploy.Deployment) error {
	r, err := h.requestOf(ctx, d)
	if err != nil {
		return fmt.Errorf("deploy request of a deployment: %w", err)
	}
	switch d.State {
	case deploy.Complete:
		if r, err = h.markDeployed(ctx, r); err != nil {
			return err
		}
		if err := h.p.closeRequest(ctx, r, &d.Actor); err != nil {
			return err
		}
		return h.deleteHead(ctx, d)
	case deploy.CompleteRevert:
		// The branch's changes are changes again.
		return h.setAncestor(ctx, d, d.Ancestor)
	}
	return nil
}

func (h hooks) deleteHead(ctx context.Context, d *deploy.Deployment) error {
	if !d.AutoDeleteBranch {
		return nil
	}
	database, head, err := h.p.branchByID(ctx, d.HeadID)
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if head.Production || head.Name == database.DefaultBranch {
		return nil
	}
	running, err := h.p.store.ActiveDeployments(ctx, d.DatabaseID)
	if err != nil {
		return err
	}
	for _, other := range running {
		if other.ID != d.ID && other.HeadID == head.ID {
			return nil // another deployment needs the branch; it may delete it
		}
	}
	return h.p.removeUnused(ctx, database, head, d.Actor)
}
