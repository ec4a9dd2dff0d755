package api

import (
	"strings"

	"github.com/orrerydb/orrery/internal/platform"
	"github.com/orrerydb/orrery/internal/schema"
)

func (a *API) branchView(c *call, d *platform.Database, b *platform.Branch) (object, error) {
	keyspaces, err := a.platform.Keyspaces(c.Context(), c.org(), d.Name, b.Name)
	if err != nil {
		return nil, err
	}
	status := a.platform.BranchStatus(c.Context(), d, b)
	path := "/" + c.org() + "/" + d.Name + "/" + b.Name
	view := object{
		"id": b.ID, "type": "Branch", "name": b.Name, "kind": d.Kind, "parent_branch": orNil(b.Parent), "production": b.Production,
		"safe_migrations": b.SafeMigrations, "state": status.State, "ready": status.Ready, "schema_ready": status.Ready, "stale_schema": false,
		"actor": actorView(&b.Actor), "region": region, "created_at": when(b.CreatedAt), "updated_at": when(b.UpdatedAt), "deleted_at": nil,
		"restore_checklist_completed_at": nil, "schema_last_updated_at": stamp(b.SchemaChangedAt),
		"mysql_address": a.urls.MySQL, "mysql_edge_address": a.urls.MySQL, "direct_vtgate": false,
		"vtgate_size": "", "vtgate_name": nil, "vtgate_count": 0, "vtgate_autoscaling": false, "vtgate_max_count": nil,
		"vtgate_target_cpu_utilization": nil, "vtgate_options": object{},
		"cluster_name": "PS_DEV", "cluster_display_name": "PS-DEV", "cluster_architecture": "", "cluster_iops": nil, "replicas": 0, "metal": false,
		"deletion_protected": b.Name == d.DefaultBranch, "sharded": false, "shard_count": len(keyspaces), "keyspace_count": len(keyspaces),
		"restored_from_branch": nil, "private_edge_connectivity": false, "has_replicas": false, "has_read_only_replicas": false,
		"html_url": a.urls.Base + path, "url": a.urls.Base + "/v1/organizations/" + c.org() + "/databases/" + d.Name + "/branches/" + b.Name,
		// Not PlanetScale's: what the branch costs now, and why it is not ready.
		"memory_bytes": status.Memory, "failure": orNil(b.Failure),
	}
	if d.Kind == platform.Postgres {
		// The SDK's PostgresBranch has an integer here, and no null.
		view["cluster_iops"] = 0
	}
	return view, nil
}

func (a *API) branches(c *call) (answer, error) {
	d, err := a.platform.Database(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	all, err := a.platform.Branches(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	views := make([]object, len(all))
	for i, b := range all {
		if views[i], err = a.branchView(c, d, b); err != nil {
			return answer{}, err
		}
	}
	return page(c, views, func(o object) object { return o })
}

func (a *API) createBranch(c *call) (answer, error) {
	// cluster_size and cluster_name are accepted and mean nothing here: a
	// branch is as large as the machine lets it be.
	var body struct {
		Name     string `json:"name"`
		Parent   string `json:"parent_branch"`
		SeedData string `json:"seed_data"`
		BackupID string `json:"backup_id"`
		Restore  string `json:"restore_point"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if body.BackupID != "" || body.Restore != "" {
		return answer{}, &platform.Error{Code: platform.Unprocessable, Message: "branches from backups are not available; seed_data copies the parent's data as it is now"}
	}
	if body.SeedData != "" && body.SeedData != "last_successful_backup" {
		return answer{}, &platform.Error{Code: platform.Invalid, Message: "seed_data must be last_successful_backup: the parent's data as it is now"}
	}
	b, err := a.platform.CreateBranch(c.Context(), c.org(), c.database(), c.actor, platform.NewBranch{
		Name: body.Name, Parent: body.Parent, WithData: body.SeedData != "",
	})
	result, err := a.changed(c, b, err)
	return created(result.body), err
}

func (a *API) branch(c *call) (answer, error) {
	d, b, err := a.platform.Branch(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	view, err := a.branchView(c, d, b)
	return ok(view), err
}

func (a *API) deleteBranch(c *call) (answer, error) {
	descendants := c.URL.Query().Get("delete_descendants") == "true"
	return empty(), a.platform.DeleteBranch(c.Context(), c.org(), c.database(), c.branch(), c.actor, descendants)
}

// changed answers with the branch after a change.
func (a *API) changed(c *call, b *platform.Branch, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	d, err := a.platform.Database(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	view, err := a.branchView(c, d, b)
	return ok(view), err
}

func (a *API) promoteBranch(c *call) (answer, error) {
	b, err := a.platform.PromoteBranch(c.Context(), c.org(), c.database(), c.branch(), c.actor)
	return a.changed(c, b, err)
}

func (a *API) demoteBranch(c *call) (answer, error) {
	b, err := a.platform.DemoteBranch(c.Context(), c.org(), c.database(), c.branch(), c.actor)
	return a.changed(c, b, err)
}

func (a *API) safe(c *call, enable bool) (answer, error) {
	b, err := a.platform.SetSafeMigrations(c.Context(), c.org(), c.database(), c.branch(), c.actor, enable)
	return a.changed(c, b, err)
}

func (a *API) enableSafeMigrations(c *call) (answer, error)  { return a.safe(c, true) }
func (a *API) disableSafeMigrations(c *call) (answer, error) { return a.safe(c, false) }

func (a *API) setSafeMigrations(c *call) (answer, error) {
	var body struct {
		Enable *bool `json:"safe_migrations"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if body.Enable == nil {
		return answer{}, &platform.Error{Code: platform.Invalid, Message: "safe_migrations is required"}
	}
	return a.safe(c, *body.Enable)
}

// branchSchema is {"data":[{name,raw,html}]}, an object a table.
func (a *API) branchSchema(c *call) (answer, error) {
	snapshot, err := a.platform.Schema(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	keyspace, namespace := c.URL.Query().Get("keyspace"), c.URL.Query().Get("namespace")
	if i := strings.LastIndexByte(namespace, '.'); i >= 0 {
		namespace = namespace[i+1:] // "<database>.<schema>"
	}
	data := []object{}
	for _, k := range snapshot.Keyspaces {
		if keyspace != "" && k.Name != keyspace {
			continue
		}
		for _, o := range k.Objects {
			if namespace == "" || o.Name == namespace || strings.HasPrefix(o.Name, namespace+".") {
				data = append(data, object{"name": o.Name, "raw": o.SQL, "html": markup(o.SQL), "keyspace": k.Name, "kind": o.Kind})
			}
		}
	}
	return ok(object{"data": data}), nil
}

func (a *API) refreshSchema(c *call) (answer, error) {
	_, _, err := a.platform.Branch(c.Context(), c.org(), c.database(), c.branch())
	return empty(), err // a schema is read from the live server each time
}

func (a *API) lintBranch(c *call) (answer, error) {
	found, err := a.platform.Lint(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	return page(c, found, lintView)
}

func lintView(e schema.LintError) object {
	return object{
		"lint_error": e.Code, "subject_type": e.SubjectType, "keyspace_name": e.Keyspace, "table_name": e.Table, "error_description": e.Description,
		"docs_url": e.DocsURL, "column_name": e.Column, "foreign_key_column_names": list(e.ForeignKeyColumns),
		"auto_increment_column_names": list(e.AutoIncrement), "charset_name": e.Charset, "engine_name": e.Engine, "vindex_name": e.Vindex,
		"json_path": e.JSONPath, "check_constraint_name": e.CheckConstraint, "enum_value": e.EnumValue,
		"partitioning_type": e.PartitioningType, "partition_name": e.Partition,
	}
}

func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func (a *API) branchDiff(c *call) (answer, error) {
	before, after, err := a.platform.BranchDiff(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	return ok(object{"data": diffView(before, after)}), nil
}

func diffView(before, after schema.Snapshot) []object {
	data := []object{}
	for _, d := range schema.RawDiff(before, after) {
		data = append(data, object{"name": d.Name, "raw": d.Raw, "html": d.HTML})
	}
	return data
}
