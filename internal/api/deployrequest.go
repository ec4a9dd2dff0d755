package api

import (
	"context"
	"strconv"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/platform"
)

func operationView(o *deploy.Operation) object {
	return object{
		"id": o.ID, "type": "DeployOperation", "state": o.State, "keyspace_name": o.Change.Keyspace, "table_name": o.Change.Table,
		"operation_name": o.Change.Name, "eta_seconds": 0, "progress_percentage": o.Progress, "deploy_error_docs_url": nil,
		"ddl_statement": o.Change.Statement, "syntax_highlighted_ddl": markup(o.Change.Statement), "created_at": when(o.CreatedAt),
		"updated_at": when(o.UpdatedAt), "throttled_at": nil, "can_drop_data": o.Change.CanDropData, "table_locked": false,
		"table_recently_used": false, "table_recently_used_at": nil, "removed_foreign_key_names": []string{}, "deploy_errors": orNil(o.Failure),
	}
}

// summaryView: one shard, so a summary is its operation.
func summaryView(o *deploy.Operation) object {
	view := operationView(o)
	state := o.State
	if state == deploy.OperationQueued {
		state = deploy.OperationPending
	}
	view["state"], view["shard_count"], view["shard_names"], view["sharded"] = state, 1, []string{"-"}, false
	view["deploy_errors"] = o.Failure
	view["operations"] = []object{{"id": o.ID, "shard": "-", "state": o.State, "progress_percentage": o.Progress, "eta_seconds": 0}}
	return view
}

func (a *API) deploymentView(c *call, d *deploy.Deployment, queue []*deploy.Deployment) (object, error) {
	operations, err := a.platform.OperationsOf(c.Context(), d)
	if err != nil {
		return nil, err
	}
	views, summaries := []object{}, []object{}
	for _, o := range operations {
		views, summaries = append(views, operationView(o)), append(summaries, summaryView(o))
	}
	lint := []object{}
	for _, e := range d.LintErrors {
		lint = append(lint, lintView(e))
	}
	preceding := []object{}
	for _, other := range queue {
		if other.ID == d.ID || d.State != deploy.Queued {
			break
		}
		preceding = append(preceding, queuedView(other))
	}
	checks := d.CheckErrors
	if checks == "" {
		checks = d.Failure
	}
	return object{
		"id": d.ID, "type": "Deployment", "auto_cutover": d.AutoCutover, "auto_delete_branch": d.AutoDeleteBranch, "created_at": when(d.CreatedAt),
		"cutover_at": stamp(d.CutoverAt), "cutover_expiring": false, "deploy_check_errors": orNil(checks), "finished_at": stamp(d.FinishedAt),
		"force_cutover_requested_at": nil, "queued_at": stamp(d.QueuedAt), "ready_to_cutover_at": stamp(d.ReadyAt), "started_at": stamp(d.StartedAt),
		"state": d.State, "submitted_at": stamp(d.SubmittedAt), "updated_at": when(d.UpdatedAt), "into_branch": d.IntoBranch,
		"deploy_request_number": d.Number, "deployable": deployable(d), "preceding_deployments": preceding, "deploy_operations": views,
		"deploy_operation_summaries": summaries, "lint_errors": lint, "sequential_diff_dependencies": []object{}, "lookup_vindex_operations": []object{},
		"throttler_configurations": nil, "deployment_revert_request": nil, "actor": actorView(&d.Actor), "cutover_actor": actorView(d.CutoverActor),
		"cancelled_actor": actorView(d.CancelledActor), "schema_last_updated_at": nil, "table_locked": false, "locked_table_name": nil,
		"instant_ddl": d.InstantDDL, "instant_ddl_eligible": d.InstantEligible, "queue_paused": false, "queue_pause_reason": nil,
		// Not PlanetScale's: what a reviewer should know before deploying.
		"revertible": d.Revertible(), "revert_notes": list(d.Plan.RevertNotes), "warnings": list(d.Plan.Warnings), "revert_expires_at": stamp(d.RevertExpiresAt),
	}, nil
}

func deployable(d *deploy.Deployment) bool {
	return d.State != deploy.Pending && d.State != deploy.Error && d.State != deploy.NoChanges
}

func queuedView(d *deploy.Deployment) object {
	return object{
		"id": d.ID, "state": d.State, "deploy_request_number": d.Number, "into_branch": d.IntoBranch, "actor": actorView(&d.Actor),
		"created_at": when(d.CreatedAt), "updated_at": when(d.UpdatedAt), "started_at": stamp(d.StartedAt), "queued_at": stamp(d.QueuedAt), "finished_at": stamp(d.FinishedAt),
	}
}

// requestView looks the queue up; a list looks it up once for all.
func (a *API) requestView(c *call, r *platform.DeployRequest) (object, error) {
	queue, err := a.platform.Queue(c.Context(), c.org(), c.database())
	if err != nil {
		return nil, err
	}
	return a.queuedRequestView(c, r, queue)
}

func (a *API) queuedRequestView(c *call, r *platform.DeployRequest, queue []*deploy.Deployment) (object, error) {
	deployment, err := a.deploymentView(c, r.Deployment, queue)
	if err != nil {
		return nil, err
	}
	return object{
		"id": r.ID, "type": "DeployRequest", "number": r.Number, "actor": actorView(&r.Actor), "closed_by": actorView(r.ClosedBy),
		"branch": r.Branch, "branch_id": r.HeadID, "branch_deleted": r.BranchDeletedAt != nil, "branch_deleted_by": actorView(r.BranchDeletedBy),
		"branch_deleted_at": stamp(r.BranchDeletedAt), "into_branch": r.IntoBranch, "into_branch_sharded": false, "into_branch_shard_count": 1,
		"into_branch_keyspace_count": 1, "approved": r.Approved, "state": r.State, "deployment_state": r.Deployment.State, "deployment": deployment,
		"num_comments": r.Comments, "html_url": a.urls.Base + "/" + c.org() + "/" + c.database() + "/deploy-requests/" + strconv.FormatInt(r.Number, 10),
		"notes": r.Notes, "html_body": markup(r.Notes), "created_at": when(r.CreatedAt), "updated_at": when(r.UpdatedAt),
		"closed_at": stamp(r.ClosedAt), "deployed_at": stamp(r.DeployedAt),
	}, nil
}

func (a *API) deployRequests(c *call) (answer, error) {
	query := c.URL.Query()
	all, err := a.platform.DeployRequests(c.Context(), c.org(), c.database(), platform.DeployRequestFilter{
		State: query.Get("state"), Branch: query.Get("branch"), IntoBranch: query.Get("into_branch"),
	})
	if err != nil {
		return answer{}, err
	}
	queue, err := a.platform.Queue(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	views := make([]object, len(all))
	for i, r := range all {
		if views[i], err = a.queuedRequestView(c, r, queue); err != nil {
			return answer{}, err
		}
	}
	return page(c, views, func(o object) object { return o })
}

func (a *API) createDeployRequest(c *call) (answer, error) {
	var body struct {
		Branch           string `json:"branch"`
		Into             string `json:"into_branch"`
		Notes            string `json:"notes"`
		AutoCutover      *bool  `json:"auto_cutover"`
		AutoDeleteBranch bool   `json:"auto_delete_branch"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	_, r, err := a.platform.CreateDeployRequest(c.Context(), c.org(), c.database(), c.actor, platform.NewDeployRequest(body))
	if err != nil {
		return answer{}, err
	}
	view, err := a.requestView(c, r)
	return created(view), err
}

// request is the deploy request that the path names.
func (c *call) request() (*platform.DeployRequest, error) {
	number, err := c.number()
	if err != nil {
		return nil, err
	}
	_, r, err := c.api.platform.DeployRequest(c.Context(), c.org(), c.database(), number)
	return r, err
}

func (a *API) deployRequest(c *call) (answer, error) {
	r, err := c.request()
	if err != nil {
		return answer{}, err
	}
	view, err := a.requestView(c, r)
	return ok(view), err
}

func (a *API) deployment(c *call) (answer, error) {
	r, err := c.request()
	if err != nil {
		return answer{}, err
	}
	queue, err := a.platform.Queue(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	view, err := a.deploymentView(c, r.Deployment, queue)
	return ok(view), err
}

func (a *API) deployRequestDiff(c *call) (answer, error) {
	r, err := c.request()
	if err != nil {
		return answer{}, err
	}
	return ok(object{"data": diffView(r.Deployment.Original, r.Deployment.Plan.Desired)}), nil
}

func (a *API) deployOperations(c *call) (answer, error) {
	number, err := c.number()
	if err != nil {
		return answer{}, err
	}
	operations, err := a.platform.Operations(c.Context(), c.org(), c.database(), number)
	if err != nil {
		return answer{}, err
	}
	return page(c, operations, operationView)
}

func (a *API) deployQueue(c *call) (answer, error) {
	queue, err := a.platform.Queue(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	views := make([]object, len(queue))
	for i, d := range queue {
		if views[i], err = a.deploymentView(c, d, queue); err != nil {
			return answer{}, err
		}
	}
	return page(c, views, func(o object) object { return o })
}

func reviewView(r *platform.Review) object {
	return object{
		"id": r.ID, "type": "DeployRequestReview", "body": r.Body, "html_body": markup(r.Body), "state": r.State,
		"created_at": when(r.CreatedAt), "updated_at": when(r.UpdatedAt), "actor": actorView(&r.Actor),
	}
}

func (a *API) reviews(c *call) (answer, error) {
	number, err := c.number()
	if err != nil {
		return answer{}, err
	}
	all, err := a.platform.Reviews(c.Context(), c.org(), c.database(), number)
	if err != nil {
		return answer{}, err
	}
	return page(c, all, reviewView)
}

func (a *API) createReview(c *call) (answer, error) {
	number, err := c.number()
	if err != nil {
		return answer{}, err
	}
	var body struct {
		State string `json:"state"`
		Body  string `json:"body"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if body.State == "approved" && !c.token.May(c.database(), []string{"approve_deploy_request"}) {
		return answer{}, &platform.Error{Code: platform.Forbidden, Message: "the service token lacks access for this: approving needs approve_deploy_request"}
	}
	r, err := a.platform.ReviewDeployRequest(c.Context(), c.org(), c.database(), number, c.actor, body.State, body.Body)
	if err != nil {
		return answer{}, err
	}
	return created(reviewView(r)), nil
}

// action is a use-case on a deploy request that needs nothing but to be asked for.
type action func(p *platform.Platform, ctx context.Context, organization, database string, number int64, actor platform.Actor) (*platform.DeployRequest, error)

func (a *API) acting(do action) handler {
	return func(c *call) (answer, error) {
		return a.act(c, func(number int64) (*platform.DeployRequest, error) {
			return do(a.platform, c.Context(), c.org(), c.database(), number, c.actor)
		})
	}
}

// act runs a use-case on a deploy request and answers with the request.
func (a *API) act(c *call, do func(number int64) (*platform.DeployRequest, error)) (answer, error) {
	number, err := c.number()
	if err != nil {
		return answer{}, err
	}
	r, err := do(number)
	if err != nil {
		return answer{}, err
	}
	view, err := a.requestView(c, r)
	return ok(view), err
}

func (a *API) closeDeployRequest(c *call) (answer, error) {
	var body struct {
		State string `json:"state"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if body.State != platform.Closed {
		return answer{}, &platform.Error{Code: platform.Invalid, Message: "state can only be changed to closed"}
	}
	return a.act(c, func(number int64) (*platform.DeployRequest, error) {
		return a.platform.CloseDeployRequest(c.Context(), c.org(), c.database(), number, c.actor)
	})
}

func (a *API) deploy(c *call) (answer, error) {
	var body struct {
		Instant bool `json:"instant_ddl"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	return a.act(c, func(number int64) (*platform.DeployRequest, error) {
		return a.platform.Deploy(c.Context(), c.org(), c.database(), number, c.actor, body.Instant)
	})
}

type enableBody struct {
	Enable bool `json:"enable"`
}

func (a *API) autoApply(c *call) (answer, error) {
	var body enableBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	return a.act(c, func(number int64) (*platform.DeployRequest, error) {
		return a.platform.SetAutoApply(c.Context(), c.org(), c.database(), number, c.actor, body.Enable)
	})
}

func (a *API) autoDeleteBranch(c *call) (answer, error) {
	var body enableBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	return a.act(c, func(number int64) (*platform.DeployRequest, error) {
		return a.platform.SetAutoDeleteBranch(c.Context(), c.org(), c.database(), number, c.actor, body.Enable)
	})
}
