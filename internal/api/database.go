package api

import (
	"github.com/orrerydb/orrery/internal/platform"
)

func (a *API) databaseView(c *call, d *platform.Database) (object, error) {
	branches, err := a.platform.Branches(c.Context(), c.org(), d.Name)
	if err != nil {
		return nil, err
	}
	production := 0
	for _, b := range branches {
		if b.Production {
			production++
		}
	}
	url := a.urls.Base + "/v1/organizations/" + c.org() + "/databases/" + d.Name
	return object{
		"id": d.ID, "type": "Database", "url": url, "branches_url": url + "/branches", "html_url": a.urls.Base + "/" + c.org() + "/" + d.Name,
		"name": d.Name, "notes": d.Notes, "kind": d.Kind, "state": d.State, "ready": d.State == "ready",
		"branches_count": len(branches), "production_branches_count": production, "development_branches_count": len(branches) - production,
		"open_schema_recommendations_count": 0, "issues_count": 0, "multiple_admins_required_for_deletion": false,
		"at_backup_restore_branches_limit": false, "at_development_branch_usage_limit": false, "data_import": nil, "region": region,
		"sharded": false, "default_branch_shard_count": 1, "default_branch_read_only_regions_count": 0, "default_branch_table_count": 0,
		"default_branch": d.DefaultBranch, "require_approval_for_deploy": d.RequireApproval, "deletion_protected": d.DeletionProtected,
		"resizing": false, "resize_queued": false, "config_changing": false, "config_change_queued": false,
		"allow_data_branching": d.AllowDataBranching, "foreign_keys_enabled": d.ForeignKeys, "automatic_migrations": d.AutomaticMigrations,
		"restrict_branch_region": d.RestrictRegion, "insights_raw_queries": d.InsightsRawQueries, "insights_enabled": false, "plan": "self_hosted",
		"production_branch_web_console": d.WebConsole, "migration_table_name": orNil(d.MigrationTable), "migration_framework": orNil(d.MigrationFramework),
		"created_at": when(d.CreatedAt), "updated_at": when(d.UpdatedAt), "schema_last_updated_at": nil,
	}, nil
}

func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func (a *API) databases(c *call) (answer, error) {
	if !c.token.MayAnywhere(splitAccess(readDatabase)) {
		return answer{}, &platform.Error{Code: platform.Forbidden, Message: "the service token lacks access for this: it may read no database"}
	}
	all, err := a.platform.Databases(c.Context(), c.org())
	if err != nil {
		return answer{}, err
	}
	views := make([]object, 0, len(all))
	for _, d := range all {
		if !c.token.May(d.Name, splitAccess(readDatabase)) {
			continue // a token that may read one database does not see the others
		}
		view, err := a.databaseView(c, d)
		if err != nil {
			return answer{}, err
		}
		views = append(views, view)
	}
	return page(c, views, func(o object) object { return o })
}

func (a *API) createDatabase(c *call) (answer, error) {
	var body struct {
		Name  string        `json:"name"`
		Kind  platform.Kind `json:"kind"`
		Notes string        `json:"notes"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	d, err := a.platform.CreateDatabase(c.Context(), c.org(), c.actor, platform.NewDatabase{Name: body.Name, Kind: body.Kind, Notes: body.Notes})
	if err != nil {
		return answer{}, err
	}
	view, err := a.databaseView(c, d)
	return created(view), err
}

func (a *API) database(c *call) (answer, error) {
	d, err := a.platform.Database(c.Context(), c.org(), c.database())
	if err != nil {
		return answer{}, err
	}
	view, err := a.databaseView(c, d)
	return ok(view), err
}

func (a *API) updateDatabase(c *call) (answer, error) {
	var body struct {
		NewName             *string `json:"new_name"`
		DefaultBranch       *string `json:"default_branch"`
		RequireApproval     *bool   `json:"require_approval_for_deploy"`
		ForeignKeys         *bool   `json:"allow_foreign_key_constraints"`
		AllowDataBranching  *bool   `json:"allow_data_branching"`
		RestrictRegion      *bool   `json:"restrict_branch_region"`
		InsightsRawQueries  *bool   `json:"insights_raw_queries"`
		WebConsole          *bool   `json:"production_branch_web_console"`
		AutomaticMigrations *bool   `json:"automatic_migrations"`
		MigrationTable      *string `json:"migration_table_name"`
		MigrationFramework  *string `json:"migration_framework"`
		DeletionProtected   *bool   `json:"deletion_protected"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	d, err := a.platform.UpdateDatabase(c.Context(), c.org(), c.database(), c.actor, platform.DatabaseSettings(body))
	if err != nil {
		return answer{}, err
	}
	view, err := a.databaseView(c, d)
	return ok(view), err
}

func (a *API) deleteDatabase(c *call) (answer, error) {
	return empty(), a.platform.DeleteDatabase(c.Context(), c.org(), c.database(), c.actor)
}
