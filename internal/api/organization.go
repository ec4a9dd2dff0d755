package api

import (
	"slices"
	"strings"

	"github.com/orrerydb/orrery/internal/platform"
)

func (a *API) user(c *call) (answer, error) {
	return ok(object{
		"type": "User", "id": c.actor.ID, "display_name": c.actor.DisplayName, "name": c.actor.DisplayName, "email": "", "avatar_url": "",
		"created_at": when(c.token.CreatedAt), "updated_at": when(c.token.CreatedAt), "two_factor_auth_configured": false,
		"default_organization": nil, "sso": nil, "managed": nil, "directory_managed": nil, "email_verified": nil,
	}), nil
}

// region is the one there is: the machine that Orrery runs on.
var region = object{
	"id": "local", "type": "Region", "provider": "orrery", "enabled": true, "public_ip_addresses": []string{},
	"display_name": "Local", "location": "This machine", "slug": "local", "current_default": true,
	"mysql_supported": true, "postgresql_supported": true,
}

func (a *API) regions(c *call) (answer, error) {
	return page(c, []object{region}, func(o object) object { return o })
}

// clusterSizes is a bare array. There is one size: what the machine gives.
func (a *API) clusterSizes(*call) (answer, error) {
	return ok([]object{{
		"name": "PS_DEV", "display_name": "PS-DEV", "cpu": "", "ram": 0, "sort_order": 1, "storage": nil, "rate": nil,
		"replica_rate": nil, "provider_instance_type": nil, "provider": nil, "enabled": true, "default_vtgate": "",
		"default_vtgate_rate": nil, "metal": false,
	}}), nil
}

func (a *API) organizations(c *call) (answer, error) {
	all, err := a.platform.Organizations(c.Context())
	if err != nil {
		return answer{}, err
	}
	views := make([]object, len(all))
	for i, o := range all {
		if views[i], err = a.organizationView(c, o); err != nil {
			return answer{}, err
		}
	}
	return page(c, views, func(o object) object { return o })
}

func (a *API) organization(c *call) (answer, error) {
	o, err := a.platform.Organization(c.Context(), c.org())
	if err != nil {
		return answer{}, err
	}
	view, err := a.organizationView(c, o)
	return ok(view), err
}

func (a *API) organizationView(c *call, o *platform.Organization) (object, error) {
	databases, err := a.platform.Databases(c.Context(), o.Name)
	if err != nil {
		return nil, err
	}
	return object{
		"type": "Organization", "id": o.ID, "name": o.Name, "billing_email": "", "created_at": when(o.CreatedAt), "updated_at": when(o.UpdatedAt),
		"plan": "self_hosted", "valid_billing_info": true, "sso": false, "sso_directory": false, "single_tenancy": true,
		"managed_tenancy": false, "has_past_due_invoices": false, "database_count": len(databases), "sso_portal_url": nil,
		"features": object{}, "idp_managed_roles": false, "invoice_budget_amount": "0", "keyspace_shard_limit": 1,
		"has_card": false, "payment_info_required": false, "free_databases_remaining": 0,
	}, nil
}

// auditLog is the one list that is read by cursor.
func (a *API) auditLog(c *call) (answer, error) {
	query := c.URL.Query()
	action := strings.TrimPrefix(query.Get("filters[]"), "audit_action:")
	events, err := a.platform.AuditLog(c.Context(), c.org(), action)
	if err != nil {
		return answer{}, err
	}
	limit := min(positive(query.Get("limit"), 25), 100)
	from := 0
	position := func(id string) int {
		return slices.IndexFunc(events, func(e *platform.AuditEvent) bool { return e.ID == id })
	}
	if after := query.Get("starting_after"); after != "" {
		from = position(after) + 1
	} else if before := query.Get("ending_before"); before != "" {
		from = max(0, position(before)-limit)
	}
	to := min(from+limit, len(events))
	data := make([]object, 0, limit)
	for _, e := range events[from:to] {
		data = append(data, auditView(e))
	}
	body := object{"type": "list", "has_next": to < len(events), "has_prev": from > 0, "cursor_start": nil, "cursor_end": nil, "data": data}
	if to > from {
		body["cursor_start"], body["cursor_end"] = events[from].ID, events[to-1].ID
	}
	return ok(body), nil
}

func auditView(e *platform.AuditEvent) object {
	_, action, _ := strings.Cut(e.Action, ".")
	metadata := e.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return object{
		"id": e.ID, "type": "AuditLogEvent", "actor_id": e.Actor.ID, "actor_type": e.Actor.Type, "actor_display_name": e.Actor.DisplayName,
		"auditable_id": e.TargetID, "auditable_type": e.TargetType, "auditable_display_name": e.TargetName,
		"target_id": e.TargetID, "target_type": e.TargetType, "target_display_name": e.TargetName,
		"audit_action": e.Action, "action": action, "location": nil, "remote_ip": nil, "metadata": metadata,
		"created_at": when(e.CreatedAt), "updated_at": when(e.CreatedAt),
	}
}
