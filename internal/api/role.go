package api

import (
	"slices"
	"time"

	"github.com/orrerydb/orrery/internal/platform"
)

func (a *API) roleView(b *platform.Branch) func(*platform.PostgresRole) object {
	return func(r *platform.PostgresRole) object {
		return object{
			"id": r.ID, "type": "PostgresRole", "name": r.Name, "access_host_url": a.urls.Postgres, "private_access_host_url": "",
			"private_connection_service_name": "", "username": r.FullUsername(), "base_username": r.Username, "password": r.PlainText,
			"database_name": "postgres", "created_at": when(r.CreatedAt), "updated_at": when(r.UpdatedAt), "deleted_at": nil,
			"expires_at": stamp(r.ExpiresAt), "dropped_at": nil, "disabled_at": nil, "drop_failed": "", "ready": true,
			"expired": r.ExpiresAt != nil && !time.Now().Before(*r.ExpiresAt), "default": r.Default(), "ttl": r.TTL,
			"inherited_roles": list(r.Inherited), "with_replication": r.Replication,
			"branch": object{"id": b.ID, "name": b.Name, "created_at": when(b.CreatedAt), "updated_at": when(b.UpdatedAt), "deleted_at": nil},
			"actor":  actorView(&r.Actor), "query_safety_settings": object{"require_where_on_delete": "False", "require_where_on_update": "False"},
		}
	}
}

func (a *API) roles(c *call) (answer, error) {
	b, all, err := a.platform.Roles(c.Context(), c.org(), c.database(), c.branch())
	if err != nil {
		return answer{}, err
	}
	return page(c, all, a.roleView(b))
}

func (a *API) role(c *call) (answer, error) {
	_, b, r, err := a.platform.Role(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(a.roleView(b)(r)), nil
}

func (a *API) createRole(c *call) (answer, error) {
	var body struct {
		Name        string   `json:"name"`
		Inherited   []string `json:"inherited_roles"`
		Replication bool     `json:"with_replication"`
		TTL         int64    `json:"ttl"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if err := a.mayConnect(c, "create", slices.Equal(body.Inherited, []string{"pg_read_all_data"})); err != nil {
		return answer{}, err
	}
	b, r, err := a.platform.CreateRole(c.Context(), c.org(), c.database(), c.branch(), c.actor, platform.NewRole(body))
	if err != nil {
		return answer{}, err
	}
	return created(a.roleView(b)(r)), nil
}

// roleChanged answers with the role after a change.
func (a *API) roleChanged(b *platform.Branch, r *platform.PostgresRole, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	return ok(a.roleView(b)(r)), nil
}

func (a *API) updateRole(c *call) (answer, error) {
	var body struct {
		Name *string `json:"name"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	return a.roleChanged(a.platform.RenameRole(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor, body.Name))
}

func (a *API) renewRole(c *call) (answer, error) {
	return a.roleChanged(a.platform.RenewRole(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor))
}

func (a *API) resetRole(c *call) (answer, error) {
	if err := a.mayConnect(c, "delete", false); err != nil {
		return answer{}, err
	}
	return a.roleChanged(a.platform.ResetRole(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), c.actor))
}

func (a *API) resetDefaultRole(c *call) (answer, error) {
	if err := a.mayConnect(c, "delete", false); err != nil {
		return answer{}, err
	}
	return a.roleChanged(a.platform.ResetRole(c.Context(), c.org(), c.database(), c.branch(), "default", c.actor))
}

type successorBody struct {
	Successor string `json:"successor"`
}

func (a *API) deleteRole(c *call) (answer, error) {
	var body successorBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if err := a.mayConnect(c, "delete", false); err != nil {
		return answer{}, err
	}
	if body.Successor == "" {
		body.Successor = c.URL.Query().Get("successor")
	}
	return empty(), a.platform.DeleteRole(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), body.Successor, c.actor)
}

func (a *API) reassignRole(c *call) (answer, error) {
	var body successorBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	if err := a.mayConnect(c, "delete", false); err != nil {
		return answer{}, err
	}
	return empty(), a.platform.ReassignRole(c.Context(), c.org(), c.database(), c.branch(), c.PathValue("id"), body.Successor, c.actor)
}
