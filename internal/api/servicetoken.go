package api

import (
	"github.com/orrerydb/orrery/internal/platform"
)

func tokenView(t *platform.ServiceToken) object {
	view := object{
		"id": t.ID, "type": "ServiceToken", "name": t.Name, "display_name": t.Name, "avatar_url": "", "created_at": when(t.CreatedAt),
		"updated_at": when(t.CreatedAt), "expires_at": stamp(t.ExpiresAt), "last_used_at": nil, "service_token_accesses": accessViews(t),
		"oauth_accesses_by_resource": nil,
	}
	if t.PlainText != "" {
		view["token"], view["plain_text_refresh_token"] = t.PlainText, nil
	}
	return view
}

func accessViews(t *platform.ServiceToken) []object {
	views := make([]object, len(t.Accesses))
	for i, access := range t.Accesses {
		resource := object{"id": access.Database, "name": access.Database, "type": "Database"}
		if access.Database == "" {
			resource = object{"id": t.OrganizationID, "name": "organization", "type": "Organization"}
		}
		views[i] = object{"id": access.ID, "access": access.Access, "type": "ServiceTokenAccess", "description": access.Access, "resource": resource}
	}
	return views
}

func (a *API) serviceTokens(c *call) (answer, error) {
	all, err := a.platform.ServiceTokens(c.Context(), c.org())
	if err != nil {
		return answer{}, err
	}
	return page(c, all, tokenView)
}

func (a *API) createServiceToken(c *call) (answer, error) {
	var body struct {
		Name string `json:"name"`
		TTL  int64  `json:"ttl"`
	}
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	t, err := a.platform.CreateServiceToken(c.Context(), c.org(), c.actor, body.Name, body.TTL)
	if err != nil {
		return answer{}, err
	}
	return created(tokenView(t)), nil
}

func (a *API) serviceToken(c *call) (answer, error) {
	t, err := a.platform.ServiceToken(c.Context(), c.org(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return ok(tokenView(t)), nil
}

func (a *API) deleteServiceToken(c *call) (answer, error) {
	return empty(), a.platform.DeleteServiceToken(c.Context(), c.org(), c.PathValue("id"), c.actor)
}

func (a *API) tokenAccess(c *call) (answer, error) {
	t, err := a.platform.ServiceToken(c.Context(), c.org(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	return page(c, accessViews(t), func(o object) object { return o })
}

type accessBody struct {
	Database string   `json:"database"`
	Access   []string `json:"access"`
}

func (a *API) addTokenAccess(c *call) (answer, error) {
	var body accessBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	// Nobody gives what they do not have.
	for _, access := range body.Access {
		if !c.token.May(body.Database, []string{access}) {
			return answer{}, &platform.Error{Code: platform.Forbidden, Message: "a service token cannot give the access " + access + ", which it does not have itself"}
		}
	}
	t, err := a.platform.AddAccess(c.Context(), c.org(), c.PathValue("id"), body.Database, c.actor, body.Access)
	if err != nil {
		return answer{}, err
	}
	return page(c, accessViews(t), func(o object) object { return o })
}

func (a *API) removeTokenAccess(c *call) (answer, error) {
	var body accessBody
	if err := c.read(&body); err != nil {
		return answer{}, err
	}
	return empty(), a.platform.RemoveAccess(c.Context(), c.org(), c.PathValue("id"), body.Database, c.actor, body.Access)
}

func (a *API) tokenGrants(c *call) (answer, error) {
	t, err := a.platform.ServiceToken(c.Context(), c.org(), c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	grants := map[string]object{}
	var order []object
	for _, access := range t.Accesses {
		grant, known := grants[access.Database]
		if !known {
			name, kind := access.Database, "Database"
			if name == "" {
				name, kind = c.org(), "Organization"
			}
			grant = object{"id": access.ID, "resource_name": name, "resource_type": kind, "resource_id": name, "accesses": []object{}}
			grants[access.Database] = grant
			order = append(order, grant)
		}
		accesses, _ := grant["accesses"].([]object)
		grant["accesses"] = append(accesses, object{"access": access.Access, "description": access.Access})
	}
	return page(c, order, func(o object) object { return o })
}
