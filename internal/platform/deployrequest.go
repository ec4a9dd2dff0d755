package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/schema"
)

// DeployRequest asks for a branch's schema to reach another branch.
type DeployRequest struct {
	ID              string `bun:",pk"`
	DatabaseID      string
	Number          int64
	HeadID          string
	Branch          string
	IntoID          string
	IntoBranch      string
	Notes           string
	State           string // open or closed
	Approved        bool
	DeploymentID    string
	HeadHash        string // of the head's schema that the plan was made from
	IntoHash        string
	Actor           Actor  `bun:"type:text"`
	ClosedBy        *Actor `bun:"type:text"`
	BranchDeletedBy *Actor `bun:"type:text"`
	BranchDeletedAt *time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
	ClosedAt        *time.Time
	DeployedAt      *time.Time

	Deployment *deploy.Deployment `bun:"-"`
	Comments   int64              `bun:"-"`
}

// Deploy request states.
const (
	Open   = "open"
	Closed = "closed"
)

// Review is one reviewer's word on a deploy request.
type Review struct {
	ID              string `bun:",pk"`
	DeployRequestID string
	State           string // approved or commented
	Body            string
	Actor           Actor `bun:"type:text"`
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// NewDeployRequest is what a deploy request is made from.
type NewDeployRequest struct {
	Branch           string
	Into             string // empty: the branch's parent, else the default branch
	Notes            string
	AutoCutover      *bool // nil: as the database's last request
	AutoDeleteBranch bool
}

// DeployRequestFilter narrows a list.
type DeployRequestFilter struct {
	State      string // open, closed or deployed
	Branch     string
	IntoBranch string
}

// DeployRequests of a database, newest first.
func (p *Platform) DeployRequests(ctx context.Context, organization, database string, filter DeployRequestFilter) ([]*DeployRequest, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, err
	}
	by := []By{{"database_id", d.ID}}
	if filter.Branch != "" {
		by = append(by, By{"branch", filter.Branch})
	}
	if filter.IntoBranch != "" {
		by = append(by, By{"into_branch", filter.IntoBranch})
	}
	if filter.State == Open || filter.State == Closed {
		by = append(by, By{"state", filter.State})
	}
	var all, matching []*DeployRequest
	if err := p.store.List(ctx, &all, "number DESC", by...); err != nil {
		return nil, err
	}
	for _, r := range all {
		if filter.State == "deployed" && r.DeployedAt == nil {
			continue
		}
		if err := p.fillRequest(ctx, r); err != nil {
			return nil, err
		}
		matching = append(matching, r)
	}
	return matching, nil
}

func (p *Platform) fillRequest(ctx context.Context, r *DeployRequest) error {
	deployment, err := p.store.Deployment(ctx, r.DeploymentID)
	if err != nil {
		return err
	}
	r.Deployment = deployment
	var reviews []*Review
	if err := p.store.List(ctx, &reviews, "created_at", By{"deploy_request_id", r.ID}); err != nil {
		return err
	}
	r.Comments = 0
	for _, review := range reviews {
		if review.Body != "" {
			r.Comments++
		}
	}
	return nil
}

// DeployRequest by number. While it has not started, its plan follows what the
// branch's schema is now.
func (p *Platform) DeployRequest(ctx context.Context, organization, database string, number int64) (*Database, *DeployRequest, error) {
	d, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, nil, err
	}
	if r.State == Open && !r.Deployment.State.Active() && !r.Deployment.State.Ended() && p.headIsAwake(ctx, d, r) {
		if r, err = p.refresh(ctx, d, r); err != nil {
			return nil, nil, err
		}
	}
	return d, r, nil
}

func (p *Platform) request(ctx context.Context, organization, database string, number int64) (*Database, *DeployRequest, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, nil, err
	}
	r := &DeployRequest{}
	err = p.store.Get(ctx, r, By{"database_id", d.ID}, By{"number", number})
	if err := found(err, "deploy request %d does not exist in database %s", number, database); err != nil {
		return nil, nil, err
	}
	return d, r, p.fillRequest(ctx, r)
}

// headIsAwake: nobody can have changed the schema of a sleeping branch, and
// looking at a request must not wake it.
func (p *Platform) headIsAwake(ctx context.Context, d *Database, r *DeployRequest) bool {
	_, b, err := p.branchByID(ctx, r.HeadID)
	return err == nil && p.BranchStatus(ctx, d, b).State == string(instance.Running)
}

// CreateDeployRequest compares the branch with its target and plans the way.
func (p *Platform) CreateDeployRequest(ctx context.Context, organization, database string, actor Actor, asked NewDeployRequest) (*Database, *DeployRequest, error) {
	d, head, err := p.madeBranch(ctx, organization, database, asked.Branch)
	if err != nil {
		return nil, nil, err
	}
	if asked.Into == "" {
		asked.Into = d.DefaultBranch
		if head.Parent != "" {
			asked.Into = head.Parent
		}
	}
	_, into, err := p.madeBranch(ctx, organization, database, asked.Into)
	if err != nil {
		return nil, nil, err
	}
	if head.ID == into.ID {
		return nil, nil, refuse(Unprocessable, "branch %s cannot be deployed into itself", head.Name)
	}
	if !into.SafeMigrations {
		return nil, nil, refuse(Unprocessable, "safe migrations must be enabled on branch %s before it can be a deploy request's target: pscale branch safe-migrations enable %s %s", into.Name, d.Name, into.Name)
	}
	automatic := d.AutoCutover
	if asked.AutoCutover != nil {
		automatic = *asked.AutoCutover
	}
	now := p.now()
	deployment := &deploy.Deployment{
		ID: deploy.NewID(), DatabaseID: d.ID, HeadID: head.ID, IntoID: into.ID, IntoBranch: into.Name, State: deploy.Pending,
		AutoCutover: automatic, AutoDeleteBranch: asked.AutoDeleteBranch, Actor: actor, CreatedAt: now, UpdatedAt: now,
	}
	r := &DeployRequest{
		ID: deploy.NewID(), DatabaseID: d.ID, HeadID: head.ID, Branch: head.Name, IntoID: into.ID, IntoBranch: into.Name,
		Notes: asked.Notes, State: Open, DeploymentID: deployment.ID, Actor: actor, CreatedAt: now, UpdatedAt: now,
	}
	if err := p.insertRequest(ctx, d, r, deployment); err != nil {
		return nil, nil, err
	}
	p.audit(ctx, actor, "deploy_request.created", "DeployRequest", r.ID, strconv.FormatInt(r.Number, 10), map[string]string{"database": d.Name, "branch": head.Name, "into_branch": into.Name})
	r.Deployment = deployment
	r, err = p.refresh(ctx, d, r)
	return d, r, err
}

func (p *Platform) insertRequest(ctx context.Context, d *Database, r *DeployRequest, deployment *deploy.Deployment) error {
	return p.store.Transaction(ctx, func(s Store) error {
		var open []*DeployRequest
		if err := s.List(ctx, &open, "number", By{"database_id", d.ID}, By{"head_id", r.HeadID}, By{"state", Open}); err != nil {
			return err
		}
		for _, other := range open {
			if other.IntoID == r.IntoID {
				return refuse(Unprocessable, "branch %s already has an open deploy request into %s: number %d", r.Branch, r.IntoBranch, other.Number)
			}
		}
		current := &Database{}
		if err := s.Get(ctx, current, By{"id", d.ID}); err != nil {
			return err
		}
		r.Number, deployment.Number = current.NextNumber, current.NextNumber
		current.NextNumber++
		current.AutoCutover = deployment.AutoCutover
		return errors.Join(s.Save(ctx, current), s.Insert(ctx, deployment), s.Insert(ctx, r))
	})
}

// refresh makes the plan anew when the schema of either side has changed since
// it was made. Approvals of the old plan lapse.
func (p *Platform) refresh(ctx context.Context, d *Database, r *DeployRequest) (*DeployRequest, error) {
	defer p.lock(r.ID)()
	return p.refreshLocked(ctx, d, r)
}

// refreshLocked is refresh for who holds the request's lock.
func (p *Platform) refreshLocked(ctx context.Context, d *Database, r *DeployRequest) (*DeployRequest, error) {
	if err := p.store.Get(ctx, r, By{"id", r.ID}); err != nil {
		return nil, err
	}
	if err := p.fillRequest(ctx, r); err != nil {
		return nil, err
	}
	if r.State != Open || r.Deployment.State.Active() || r.Deployment.State.Ended() {
		return r, nil
	}
	_, head, err := p.branchByID(ctx, r.HeadID)
	if err != nil {
		return nil, err
	}
	_, into, err := p.branchByID(ctx, r.IntoID)
	if err != nil {
		return nil, err
	}
	wanted, err := p.loadSchema(ctx, d, head)
	if err != nil {
		return nil, fmt.Errorf("read the schema of branch %s: %w", head.Name, err)
	}
	present, err := p.loadSchema(ctx, d, into)
	if err != nil {
		return nil, fmt.Errorf("read the schema of branch %s: %w", into.Name, err)
	}
	headHash, intoHash := digest(wanted), digest(present)
	if headHash == r.HeadHash && intoHash == r.IntoHash {
		return r, nil
	}
	next := &deploy.Deployment{ID: r.DeploymentID}
	if err := p.plan(ctx, d, head, wanted, present, next); err != nil {
		return nil, err
	}
	renewed := false
	_, err = p.runner.Renew(ctx, r.DeploymentID, func(current *deploy.Deployment) (bool, error) {
		if current.State.Active() || current.State.Ended() {
			return false, nil
		}
		current.Plan, current.LintErrors = next.Plan, next.LintErrors
		current.Original, current.Head, current.Ancestor = next.Original, next.Head, next.Ancestor
		current.CheckErrors, current.InstantEligible, current.State = next.CheckErrors, next.InstantEligible, next.State
		renewed = true
		return true, p.store.ReplaceOperations(ctx, current.ID, deploy.NewOperations(current, deploy.OperationPending, p.now()))
	})
	if err != nil {
		return nil, err
	}
	if renewed {
		r, err = change(ctx, p.store, r.ID, func(r *DeployRequest) error {
			r.Approved = r.Approved && r.HeadHash == headHash
			r.HeadHash, r.IntoHash, r.UpdatedAt = headHash, intoHash, p.now()
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return r, p.fillRequest(ctx, r)
}

// plan fills a deployment with the way from present to what wanted asks for.
func (p *Platform) plan(ctx context.Context, d *Database, head *Branch, wanted, present schema.Snapshot, deployment *deploy.Deployment) error {
	e, hosted, err := p.hosted(ctx, d, head)
	if err != nil {
		return err
	}
	scratch, err := e.Server(ctx, hosted)
	if err != nil {
		return err
	}
	deployment.Original, deployment.Head, deployment.Ancestor = present, wanted, head.Ancestor
	deployment.State = deploy.Error
	if deployment.LintErrors, err = e.Differ().Lint(ctx, wanted, d.lintOptions()); err != nil {
		return err
	}
	plan, err := e.Differ().Diff(ctx, scratch, head.Ancestor, wanted, present)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		deployment.CheckErrors = err.Error()
		return nil //nolint:nilerr // it is the answer: what is asked for cannot be deployed
	}
	deployment.Plan = plan
	switch {
	case len(deployment.LintErrors) > 0:
	case len(plan.Operations) == 0:
		deployment.State = deploy.NoChanges
	default:
		deployment.State = deploy.Ready
		deployment.InstantEligible = instantEligible(plan)
	}
	return nil
}

// instantEligible: at least one instant alteration, and nothing that is not
// instant but creating or dropping.
func instantEligible(plan schema.Plan) bool {
	altered := false
	for _, o := range plan.Operations {
		if o.Name == "ALTER" && !o.Instant {
			return false
		}
		altered = altered || o.Name == "ALTER"
	}
	return altered
}

func digest(snapshot schema.Snapshot) string {
	text, _ := json.Marshal(snapshot) //nolint:errchkjson // strings only: it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ReviewDeployRequest approves or comments.
func (p *Platform) ReviewDeployRequest(ctx context.Context, organization, database string, number int64, actor Actor, state, body string) (*Review, error) {
	d, r, err := p.DeployRequest(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	switch {
	case state != "approved" && state != "commented":
		return nil, refuse(Invalid, "review state %q is not valid: use approved or commented", state)
	case state == "commented" && body == "":
		return nil, refuse(Invalid, "a comment needs a text")
	case state == "approved" && r.State != Open:
		return nil, refuse(Unprocessable, "deploy request %d is closed", number)
	case state == "approved" && actor.Type == "ServiceToken" && actor.ID == r.Actor.ID:
		return nil, refuse(Unprocessable, "deploy request %d cannot be approved by the service token that created it", number)
	}
	now := p.now()
	review := &Review{ID: deploy.NewID(), DeployRequestID: r.ID, State: state, Body: body, Actor: actor, CreatedAt: now, UpdatedAt: now}
	if err := p.store.Insert(ctx, review); err != nil {
		return nil, err
	}
	if state == "approved" {
		reviewed := r.HeadHash
		_, err := change(ctx, p.store, r.ID, func(r *DeployRequest) error {
			r.Approved, r.UpdatedAt = r.HeadHash == reviewed, now
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	p.audit(ctx, actor, "deploy_request."+state, "DeployRequest", r.ID, strconv.FormatInt(r.Number, 10), map[string]string{"database": d.Name})
	return review, nil
}

// Reviews of a deploy request, oldest first.
func (p *Platform) Reviews(ctx context.Context, organization, database string, number int64) ([]*Review, error) {
	_, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	var all []*Review
	return all, p.store.List(ctx, &all, "created_at", By{"deploy_request_id", r.ID})
}

// Deploy puts a deploy request into its database's queue.
func (p *Platform) Deploy(ctx context.Context, organization, database string, number int64, actor Actor, instant bool) (*DeployRequest, error) {
	d, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	if r.State != Open {
		return nil, refuse(Unprocessable, "deploy request %d is closed", number)
	}
	// The lock is held until it is queued: what was approved is what is queued.
	defer p.lock(r.ID)()
	if r, err = p.refreshLocked(ctx, d, r); err != nil {
		return nil, err
	}
	if d.RequireApproval && !r.Approved {
		return nil, refuse(Unprocessable, "deploy request %d must be approved before it can be deployed", number)
	}
	return p.ask(ctx, r, actor, "deployed", func() (*deploy.Deployment, error) {
		return p.runner.Deploy(ctx, r.DeploymentID, actor, instant)
	})
}

// ask forwards to the runner and turns "not in this state" into a refusal.
func (p *Platform) ask(ctx context.Context, r *DeployRequest, actor Actor, action string, do func() (*deploy.Deployment, error)) (*DeployRequest, error) {
	deployment, err := do()
	if errors.Is(err, deploy.ErrState) {
		return nil, refuse(Unprocessable, "deploy request %d: %v", r.Number, err)
	}
	if err != nil {
		return nil, err
	}
	r.Deployment = deployment
	p.audit(ctx, actor, "deploy_request."+action, "DeployRequest", r.ID, strconv.FormatInt(r.Number, 10), nil)
	return r, nil
}

// ApplyDeploy lets a gated deployment cut over.
func (p *Platform) ApplyDeploy(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "applied", func(id string) (*deploy.Deployment, error) {
		return p.runner.ApplyDeploy(ctx, id, actor)
	})
}

// SetAutoApply changes whether the deployment waits for its cutover.
func (p *Platform) SetAutoApply(ctx context.Context, organization, database string, number int64, actor Actor, enable bool) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "auto_apply_changed", func(id string) (*deploy.Deployment, error) {
		return p.runner.SetAutoCutover(ctx, id, enable)
	})
}

// SetAutoDeleteBranch changes whether the branch goes when all is done.
func (p *Platform) SetAutoDeleteBranch(ctx context.Context, organization, database string, number int64, actor Actor, enable bool) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "auto_delete_branch_changed", func(id string) (*deploy.Deployment, error) {
		return p.runner.SetAutoDeleteBranch(ctx, id, enable)
	})
}

// CancelDeploy takes a deployment out of the queue, or stops it before its cutover.
func (p *Platform) CancelDeploy(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "cancelled", func(id string) (*deploy.Deployment, error) {
		return p.runner.Cancel(ctx, id, actor)
	})
}

// Revert undoes a deployment within its revert window.
func (p *Platform) Revert(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "reverted", func(id string) (*deploy.Deployment, error) {
		return p.runner.Revert(ctx, id)
	})
}

// SkipRevert ends the revert window.
func (p *Platform) SkipRevert(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	return p.act(ctx, organization, database, number, actor, "revert_skipped", func(id string) (*deploy.Deployment, error) {
		return p.runner.SkipRevert(ctx, id)
	})
}

// CompleteErrored takes a failed deployment off the queue and closes its request.
func (p *Platform) CompleteErrored(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	r, err := p.act(ctx, organization, database, number, actor, "unblocked", func(id string) (*deploy.Deployment, error) {
		return p.runner.CompleteErrored(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	return r, p.closeRequest(ctx, r, &actor)
}

func (p *Platform) act(ctx context.Context, organization, database string, number int64, actor Actor, action string, do func(id string) (*deploy.Deployment, error)) (*DeployRequest, error) {
	_, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	return p.ask(ctx, r, actor, action, func() (*deploy.Deployment, error) { return do(r.DeploymentID) })
}

// CloseDeployRequest closes a request that is not being deployed.
func (p *Platform) CloseDeployRequest(ctx context.Context, organization, database string, number int64, actor Actor) (*DeployRequest, error) {
	_, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	if r.State == Closed {
		return r, nil
	}
	switch state := r.Deployment.State; {
	case state == deploy.CompleteError:
		if _, err := p.runner.CompleteErrored(ctx, r.DeploymentID); err != nil {
			return nil, err
		}
	case state == deploy.Queued:
		if _, err := p.runner.Cancel(ctx, r.DeploymentID, actor); err != nil {
			return nil, err
		}
	case state.Active():
		return nil, refuse(Unprocessable, "deploy request %d is being deployed (%s): cancel it first", number, state)
	}
	if err := p.closeRequest(ctx, r, &actor); err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "deploy_request.closed", "DeployRequest", r.ID, strconv.FormatInt(r.Number, 10), nil)
	return r, p.fillRequest(ctx, r)
}

func (p *Platform) closeRequest(ctx context.Context, r *DeployRequest, by *Actor) error {
	closed, err := change(ctx, p.store, r.ID, func(r *DeployRequest) error {
		if r.State == Closed {
			return nil
		}
		now := p.now()
		r.State, r.ClosedBy, r.ClosedAt, r.UpdatedAt = Closed, by, &now, now
		return nil
	})
	if err != nil {
		return err
	}
	deployment, comments := r.Deployment, r.Comments
	*r = *closed
	r.Deployment, r.Comments = deployment, comments
	return nil
}

// closeRequestsOf closes the open requests of a branch that goes away.
func (p *Platform) closeRequestsOf(ctx context.Context, b *Branch, actor Actor) error {
	var open []*DeployRequest
	if err := p.store.List(ctx, &open, "number", By{"head_id", b.ID}); err != nil {
		return err
	}
	now := p.now()
	for _, r := range open {
		_, err := change(ctx, p.store, r.ID, func(r *DeployRequest) error {
			r.BranchDeletedBy, r.BranchDeletedAt = &actor, &now
			return nil
		})
		if err != nil {
			return err
		}
		if err := p.closeRequest(ctx, r, &actor); err != nil {
			return err
		}
	}
	var into []*DeployRequest
	if err := p.store.List(ctx, &into, "number", By{"into_id", b.ID}, By{"state", Open}); err != nil {
		return err
	}
	for _, r := range into {
		if err := p.closeRequest(ctx, r, &actor); err != nil {
			return err
		}
	}
	return nil
}

// refuseWhileDeploying: neither side of a running deployment can go away.
func (p *Platform) refuseWhileDeploying(ctx context.Context, d *Database, b *Branch) error {
	running, err := p.store.ActiveDeployments(ctx, d.ID)
	if err != nil {
		return err
	}
	for _, deployment := range running {
		waits := deployment.State == deploy.CompletePendingRevert || deployment.State == deploy.CompleteError
		if deployment.IntoID == b.ID && b.Production && waits {
			continue // deleting the whole database
		}
		if (deployment.HeadID == b.ID || deployment.IntoID == b.ID) && !waits {
			return refuse(Unprocessable, "branch %s is part of deploy request %d, which is being deployed (%s): cancel it first", b.Name, deployment.Number, deployment.State)
		}
	}
	return nil
}

// Operations of a deploy request.
func (p *Platform) Operations(ctx context.Context, organization, database string, number int64) ([]*deploy.Operation, error) {
	_, r, err := p.request(ctx, organization, database, number)
	if err != nil {
		return nil, err
	}
	return p.store.Operations(ctx, r.DeploymentID)
}

// OperationsOf a deployment.
func (p *Platform) OperationsOf(ctx context.Context, deployment *deploy.Deployment) ([]*deploy.Operation, error) {
	return p.store.Operations(ctx, deployment.ID)
}

// Queue is a database's deployments in the order in which they run.
func (p *Platform) Queue(ctx context.Context, organization, database string) ([]*deploy.Deployment, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, err
	}
	return p.store.ActiveDeployments(ctx, d.ID)
}
